#include "tests/outbound/network.h"

#include "common/base/clock.h"
#include "tests/support/test.h"

#include <stdio.h>

#define START_S 1700000000
#define RETRY_MS 300000

/* A route as the scheduler sees it; nobody counts references here, they live with the network. */
struct route *
route_ref(struct route *r)
{
	return r;
}

void
route_unref(struct route **r)
{
	*r = NULL;
}

struct row_model {
	int64_t next_ms; /* absolute; 0: gone */
	size_t domain;
	struct str sender;
	bool tls_optional;
};

struct domain_model {
	char name[64];
	size_t server;
	struct route route, relaxed;
	struct route_host hosts[2];
	int64_t *rows; /* ids */
	size_t n, cap, first; /* those before `first` are gone */
};

enum event_kind { EV_NOTHING, EV_ANSWER, EV_FAIL, EV_DONE, EV_ASK };

struct link_model {
	struct scheduler_link *link;
	size_t server;
	enum event_kind next;
	int64_t at_ms;
	bool answered, used;
	struct scheduler_pick *pick;
};

struct inside {
	struct row_model *rows; /* by id - 1 */
	size_t n, cap;
	struct domain_model domains[4000];
	size_t domain_n;
	struct link_model links[4000];
	bool poked;
};

static void
poke(void *arg)
{
	((struct inside *)((struct network *)arg)->inside)->poked = true;
}

static void
wake(void *arg, void *owner)
{
	struct network *n = arg;
	struct link_model *l = owner;

	if (l->next == EV_NOTHING || l->next == EV_ASK) {
		l->next = EV_ASK;
		l->at_ms = n->now_ms;
	}
}

void
network_new(struct network *n)
{
	memset(n, 0, sizeof(*n));
	clock_freeze(START_S);
	n->inside = calloc(1, sizeof(struct inside));
	n->o = (struct scheduler_options){
	    .max_connections = 200,
	    .first_window = 5,
	    .max_window = 20,
	    .connection_reuse = 100,
	    .dead_first_ms = 60000,
	    .dead_max_ms = 1800000,
	    .max_rows = 20000,
	    .wake = wake,
	    .poke = poke,
	    .arg = n,
	};
	n->scheduler = scheduler_new(&n->o);
	ck_assert_ptr_nonnull(n->scheduler);
}

void
network_free(struct network *n)
{
	struct inside *in = n->inside;

	scheduler_drain(n->scheduler);
	for (size_t i = 0; i < ARRAY_LEN(in->links); i++) {
		struct link_model *l = &in->links[i];
		const enum scheduler_fate fates[JOB_RCPTS_MAX] = {SCHEDULER_RECORDED};
		if (!l->used)
			continue;
		if (l->pick)
			scheduler_done(n->scheduler, l->pick, fates, SCHEDULER_NEITHER);
		scheduler_close(n->scheduler, l->link, SCHEDULER_FINE, NULL);
	}
	scheduler_free(&n->scheduler);
	for (size_t i = 0; i < in->domain_n; i++) {
		free(in->domains[i].rows);
		for (size_t k = 0; k < ARRAY_LEN(in->domains[i].hosts); k++)
			free((char *)(uintptr_t)in->domains[i].hosts[k].name.p);
	}
	free(in->rows);
	free(in);
	clock_thaw();
}

static struct route_host
host_of(size_t server)
{
	char host[64];

	snprintf(host, sizeof(host), "mx.%zu.example", server);
	return (struct route_host){.name = str_of(strdup(host)), .address_count = 1};
}

static size_t
domain_of(struct network *n, const char *name, size_t first, size_t server)
{
	struct inside *in = n->inside;

	for (size_t i = 0; i < in->domain_n; i++)
		if (strcmp(in->domains[i].name, name) == 0)
			return i;
	struct domain_model *d = &in->domains[in->domain_n];
	snprintf(d->name, sizeof(d->name), "%s", name);
	d->server = server;
	d->hosts[0] = host_of(first);
	d->hosts[1] = host_of(server);
	d->route = (struct route){.kind = ROUTE_SMTP,
	    .domain = str_of(d->name),
	    .destination = d->hosts[0].name,
	    .hosts = d->hosts,
	    .host_count = first == server ? 1 : 2,
	    .good_until_ms = INT64_MAX};
	return in->domain_n++;
}

void
network_send(struct network *n, const char *sender, const char *domain, size_t server)
{
	network_send_past(n, sender, domain, server, server);
}

void
network_send_past(
    struct network *n, const char *sender, const char *domain, size_t first, size_t server)
{
	struct inside *in = n->inside;
	size_t at = domain_of(n, domain, first, server);
	struct domain_model *d = &in->domains[at];
	int64_t now = clock_real_us() / 1000;

	if (in->n == in->cap) {
		in->cap = in->cap ? in->cap * 2 : 1024;
		in->rows = realloc(in->rows, in->cap * sizeof(*in->rows));
	}
	if (d->n == d->cap) {
		d->cap = d->cap ? d->cap * 2 : 16;
		d->rows = realloc(d->rows, d->cap * sizeof(*d->rows));
	}
	in->rows[in->n++] = (struct row_model){now, at, str_of(sender), false};
	d->rows[d->n++] = (int64_t)in->n;
	scheduler_due(n->scheduler, str_of(domain), now);
}

void
network_send_anyhow(struct network *n, const char *sender, const char *domain, size_t server)
{
	struct inside *in = n->inside;

	network_send(n, sender, domain, server);
	in->rows[in->n - 1].tls_optional = true;
	struct domain_model *d = &in->domains[in->rows[in->n - 1].domain];
	if (d->route.relaxed)
		return;
	d->relaxed = d->route;
	d->relaxed.relaxed = NULL;
	d->relaxed.is_relaxed = true;
	d->route.relaxed = &d->relaxed;
	d->route.kind = ROUTE_LATER;
	d->route.host_count = 0;
	d->route.why = STR("no TLS");
}

static int
by_time(const void *a, const void *b)
{
	const struct scheduler_row *x = a, *y = b;

	if (x->next_ms != y->next_ms)
		return x->next_ms < y->next_ms ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void
load(struct network *n, const struct scheduler_step *step)
{
	struct inside *in = n->inside;
	struct domain_model *d = NULL;
	int64_t now = clock_real_us() / 1000, next = INT64_MAX;
	size_t found = 0;

	for (size_t i = 0; i < in->domain_n; i++)
		if (str_eq(scheduler_domain_name(step->domain), str_of(in->domains[i].name)))
			d = &in->domains[i];
	ck_assert_ptr_nonnull(d);
	struct scheduler_row *rows = calloc(d->n + 1, sizeof(*rows));
	while (d->first < d->n && !in->rows[d->rows[d->first] - 1].next_ms)
		d->first++;
	for (size_t i = d->first; i < d->n; i++) {
		const struct row_model *r = &in->rows[d->rows[i] - 1];
		int64_t id = d->rows[i];
		if (!r->next_ms || r->next_ms < step->after_ms ||
		    (r->next_ms == step->after_ms && id <= step->after_id))
			continue;
		if (r->next_ms > now) {
			next = r->next_ms < next ? r->next_ms : next;
			continue;
		}
		rows[found++] =
		    (struct scheduler_row){id, id, r->sender, r->next_ms, r->tls_optional};
	}
	qsort(rows, found, sizeof(*rows), by_time);
	bool more = found > step->max;
	scheduler_loaded(n->scheduler, step->domain, rows, more ? step->max : found, more, next);
	free(rows);
}

static void
set_event(struct network *n, struct link_model *l, enum event_kind what, int64_t in_ms)
{
	l->next = what;
	l->at_ms = n->now_ms + in_ms;
}

static bool
is_dead(const struct network *n, const struct server_model *s)
{
	return s->dead && (!s->alive_at_ms || n->now_ms < s->alive_at_ms);
}

/* What a dead destination's rows, and those of no route, come to. */
static void
settle(struct network *n, struct scheduler_link *link)
{
	struct inside *in = n->inside;
	struct scheduler_pick *p;
	int64_t wait;

	while (scheduler_pick(n->scheduler, link, &p, &wait) == SCHEDULER_JOB) {
		enum scheduler_fate fates[JOB_RCPTS_MAX] = {SCHEDULER_RECORDED};
		for (size_t i = 0; i < scheduler_pick_count(p); i++) {
			struct row_model *r = &in->rows[scheduler_pick_row(p, i) - 1];
			r->next_ms = clock_real_us() / 1000 + RETRY_MS;
			n->deferred++;
		}
		scheduler_done(n->scheduler, p, fates, SCHEDULER_NEITHER);
	}
	scheduler_close(n->scheduler, link, SCHEDULER_FINE, NULL);
}

static void
open_link(struct network *n, struct scheduler_link *link)
{
	struct inside *in = n->inside;

	if (scheduler_link_mode(link) == SCHEDULER_SETTLE) {
		settle(n, link);
		return;
	}
	struct link_model *l = NULL;
	for (size_t i = 0; i < ARRAY_LEN(in->links) && !l; i++)
		if (!in->links[i].used)
			l = &in->links[i];
	ck_assert_ptr_nonnull(l);
	*l = (struct link_model){.link = link, .used = true};
	scheduler_link_set_owner(link, l);
	size_t server;
	const struct route *r = scheduler_link_route(link);
	ck_assert_int_eq(sscanf(r->hosts[r->host_count - 1].name.p, "mx.%zu.", &server), 1);
	l->server = server;
	scheduler_link_set_host(link, r->host_count - 1);
	struct server_model *s = &n->servers[server];
	s->attempts++;
	if (is_dead(n, s))
		set_event(n, l, EV_FAIL, DEAD_MS);
	else if (s->most_at_once && s->open >= s->most_at_once)
		set_event(n, l, EV_FAIL, CONNECT_MS);
	else
		set_event(n, l, EV_ANSWER, CONNECT_MS);
	if (l->next == EV_ANSWER && ++s->open > s->open_max)
		s->open_max = s->open;
}

static void
step_all(struct network *n)
{
	struct inside *in = n->inside;
	struct scheduler_step step;
	struct scheduler_figures f;

	in->poked = false;
	for (scheduler_next_step(n->scheduler, &step); step.what != SCHEDULER_NOTHING;
	     scheduler_next_step(n->scheduler, &step)) {
		if (step.what == SCHEDULER_FIND) {
			for (size_t i = 0; i < in->domain_n; i++)
				if (str_eq(scheduler_domain_name(step.domain),
					str_of(in->domains[i].name))) {
					scheduler_found(
					    n->scheduler, step.domain, &in->domains[i].route);
					break;
				}
		} else if (step.what == SCHEDULER_LOAD) {
			load(n, &step);
		} else {
			open_link(n, step.link);
		}
		scheduler_look(n->scheduler, &f);
		n->rows_max = f.rows > n->rows_max ? f.rows : n->rows_max;
	}
}

static void
ask(struct network *n, struct link_model *l)
{
	int64_t wait = 0;

	if (!l->answered && ++n->open > n->open_max)
		n->open_max = n->open;
	l->answered = true;
	switch (scheduler_pick(n->scheduler, l->link, &l->pick, &wait)) {
	case SCHEDULER_JOB:
		n->picks++;
		set_event(n, l, EV_DONE, MESSAGE_MS);
		if (n->unread) {
			const enum scheduler_fate fates[JOB_RCPTS_MAX] = {SCHEDULER_UNREAD};
			n->unread--;
			set_event(n, l, EV_ASK, 0);
			scheduler_done(n->scheduler, MOVE_PTR(l->pick), fates, SCHEDULER_NEITHER);
		} else if (n->damaged && scheduler_pick_message(l->pick) == n->damaged) {
			const enum scheduler_fate fates[JOB_RCPTS_MAX] = {SCHEDULER_DAMAGED};
			n->damaged_picks++;
			set_event(n, l, EV_ASK, 0);
			scheduler_done(n->scheduler, MOVE_PTR(l->pick), fates, SCHEDULER_NEITHER);
		}
		break;
	case SCHEDULER_WAIT:
		set_event(n, l, EV_ASK, wait);
		break;
	case SCHEDULER_QUIT:
		n->open--;
		n->servers[l->server].open--;
		l->used = false;
		scheduler_close(n->scheduler, l->link, SCHEDULER_FINE, NULL);
		break;
	}
}

static void
done(struct network *n, struct link_model *l)
{
	struct inside *in = n->inside;
	struct server_model *s = &n->servers[l->server];
	const enum scheduler_fate fates[JOB_RCPTS_MAX] = {SCHEDULER_RECORDED};

	for (size_t i = 0; i < scheduler_pick_count(l->pick); i++)
		in->rows[scheduler_pick_row(l->pick, i) - 1].next_ms = 0;
	s->taken++;
	s->last_ms = n->now_ms;
	n->taken_order[n->taken++ % ARRAY_LEN(n->taken_order)] = scheduler_pick_message(l->pick);
	set_event(n, l, EV_ASK, 0);
	scheduler_done(n->scheduler, MOVE_PTR(l->pick), fates, SCHEDULER_GOOD);
}

static void
happen(struct network *n, struct link_model *l)
{
	static const struct scheduler_verdict no_answer = {
	    .status = {"4.4.1", 5}, .reply = {"no answer", 9}};

	switch (l->next) {
	case EV_ANSWER:
	case EV_ASK:
		ask(n, l);
		break;
	case EV_DONE:
		done(n, l);
		break;
	case EV_FAIL:
		l->used = false;
		scheduler_close(n->scheduler, l->link, SCHEDULER_DEAD, &no_answer);
		break;
	case EV_NOTHING:
		break;
	}
}

void
network_run(struct network *n, int64_t until_ms)
{
	struct inside *in = n->inside;

	for (;;) {
		struct scheduler_step idle;
		struct link_model *first = NULL;
		step_all(n);
		for (size_t i = 0; i < ARRAY_LEN(in->links); i++) {
			struct link_model *l = &in->links[i];
			if (l->used && l->next != EV_NOTHING && (!first || l->at_ms < first->at_ms))
				first = l;
		}
		scheduler_next_step(n->scheduler, &idle);
		ck_assert_int_eq(idle.what, SCHEDULER_NOTHING);
		int64_t next =
		    idle.wait_ms < INT64_MAX - n->now_ms ? n->now_ms + idle.wait_ms : INT64_MAX;
		bool event = first && first->at_ms <= next;
		next = event ? first->at_ms : next;
		if (next > until_ms)
			break;
		if (next > n->now_ms) {
			clock_advance_ms(next - n->now_ms);
			n->now_ms = next;
		}
		if (event)
			happen(n, first);
	}
	if (until_ms < INT64_MAX && n->now_ms < until_ms) {
		clock_advance_ms(until_ms - n->now_ms);
		n->now_ms = until_ms;
	}
}
