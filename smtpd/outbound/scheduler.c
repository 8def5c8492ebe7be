#include "smtpd/outbound/scheduler_private.h"

#include "common/base/clock.h"

#include <assert.h>

#define SHARE_MIN 10 /* rows of a domain, however many domains there are */
#define SLACK_MS 10000 /* rows may commit so much later than the time they are due since */
#define SLACK_EVERY_MS 1000

int64_t
scheduler_now_ms(void)
{
	return clock_real_us() / 1000;
}

struct str
scheduler_keep(void *to, struct str s)
{
	if (s.n)
		memcpy(to, s.p, s.n);
	return str_make(to, s.n);
}

/* The lock, and the poke that is owed when it is given back. */
struct scheduler *
scheduler_enter(struct scheduler *s)
{
	pthread_mutex_lock(&s->mu);
	return s;
}

void
scheduler_leave(struct scheduler **s)
{
	bool news = (*s)->news;

	(*s)->news = false;
	if (news && !(*s)->draining)
		(*s)->o.poke((*s)->o.arg);
	pthread_mutex_unlock(&(*s)->mu);
}

/* -- the heap of domains that are looked at later --------------------------------------------- */

static void
heap_set(struct scheduler *s, size_t i, struct scheduler_domain *d)
{
	s->heap[i] = d;
	d->heap_i = i;
}

static void
heap_up(struct scheduler *s, size_t i)
{
	struct scheduler_domain *d = s->heap[i];

	while (i && s->heap[(i - 1) / 2]->look_ms > d->look_ms) {
		heap_set(s, i, s->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_set(s, i, d);
}

static void
heap_down(struct scheduler *s, size_t i)
{
	struct scheduler_domain *d = s->heap[i];

	for (;;) {
		size_t child = 2 * i + 1;
		if (child + 1 < s->heap_n && s->heap[child + 1]->look_ms < s->heap[child]->look_ms)
			child++;
		if (child >= s->heap_n || s->heap[child]->look_ms >= d->look_ms)
			break;
		heap_set(s, i, s->heap[child]);
		i = child;
	}
	heap_set(s, i, d);
}

/* There is a place in the heap for each domain since it was made. */
void
domain_look_at(struct scheduler *s, struct scheduler_domain *d, int64_t look_ms)
{
	if (d->heap_i != HEAP_NONE && d->look_ms <= look_ms)
		return;
	d->look_ms = look_ms;
	if (d->heap_i == HEAP_NONE) {
		assert(s->heap_n < s->heap_cap);
		heap_set(s, s->heap_n++, d);
	}
	heap_up(s, d->heap_i);
	s->news = true;
}

void
domain_stop_looking(struct scheduler *s, struct scheduler_domain *d)
{
	size_t i = d->heap_i;

	if (i == HEAP_NONE)
		return;
	d->heap_i = HEAP_NONE;
	struct scheduler_domain *last = s->heap[--s->heap_n];
	if (last == d)
		return;
	heap_set(s, i, last);
	heap_up(s, i);
	heap_down(s, last->heap_i);
}

static bool
heap_make_room(struct scheduler *s)
{
	if (s->domains.count < s->heap_cap)
		return true;
	size_t cap = s->heap_cap ? s->heap_cap * 2 : 64;
	struct scheduler_domain **heap = realloc(s->heap, cap * sizeof(struct scheduler_domain *));
	if (!heap)
		return false;
	s->heap = heap;
	s->heap_cap = cap;
	return true;
}

/* -- domains ---------------------------------------------------------------------------------- */

static struct scheduler_domain *
find_domain(struct scheduler *s, struct str name, bool make)
{
	uint64_t hash = table_hash(&s->domains, 0, name);
	struct table_node *n = table_find(&s->domains, hash);

	for (; n; n = table_find_next(n)) {
		struct scheduler_domain *d = LIST_OWNER(n, struct scheduler_domain, node);
		if (str_eq(d->name, name))
			return d;
	}
	if (!make || !heap_make_room(s))
		return NULL;
	struct scheduler_domain *d = calloc(1, sizeof(*d) + name.n);
	if (!d)
		return NULL;
	d->name = scheduler_keep(d + 1, name);
	d->heap_i = HEAP_NONE;
	list_init(&d->turn);
	d->paused = scheduler_is_paused(s, "", name);
	table_put(&s->domains, &d->node, hash);
	return d;
}

void
domain_forget_route(struct scheduler *s, struct scheduler_domain *d)
{
	if (d->lane)
		lane_release(s, d->lane);
	if (d->relaxed)
		lane_release(s, d->relaxed);
	d->lane = d->relaxed = NULL;
	route_unref(&d->route);
}

static void
domain_free(struct scheduler *s, struct scheduler_domain *d)
{
	list_take(&d->turn);
	domain_stop_looking(s, d);
	domain_forget_route(s, d);
	table_take(&s->domains, &d->node);
	free(d);
}

/* What one domain may have in memory. */
static size_t
share(const struct scheduler *s)
{
	size_t n = s->o.max_rows / (s->active + 1);

	if (n > SCHEDULER_PAGE_MAX)
		return SCHEDULER_PAGE_MAX;
	return n > SHARE_MIN ? n : SHARE_MIN;
}

static bool
route_is_fresh(const struct scheduler_domain *d)
{
	return d->lane && d->route && clock_mono_ms() < d->route->good_until_ms;
}

void
domain_wants_rows(struct scheduler *s, struct scheduler_domain *d)
{
	if (d->out || list_has(&d->turn) || !d->more || d->paused ||
	    (d->waiting && d->waiting > share(s) / 2))
		return;
	int64_t wait_ms = d->not_before_ms - clock_mono_ms();
	if (wait_ms > 0) {
		domain_look_at(s, d, scheduler_now_ms() + wait_ms);
		return;
	}
	list_put_last(route_is_fresh(d) ? &s->to_load : &s->to_find, &d->turn);
	s->news = true;
}

void
domain_lost_row(struct scheduler *s, struct scheduler_domain *d)
{
	if (--d->in_hand == 0) {
		s->active--;
		/* what is left, and when it is due, is seen at one more look */
		d->more = true;
	}
	domain_wants_rows(s, d);
}

/* Nothing of it is in memory nor on its way there. */
static void
domain_rests(struct scheduler *s, struct scheduler_domain *d, int64_t next_ms)
{
	domain_forget_route(s, d);
	if (next_ms < INT64_MAX)
		domain_look_at(s, d, next_ms);
	else if (d->heap_i == HEAP_NONE && !d->paused)
		domain_free(s, d);
}

void
scheduler_due(struct scheduler *s, struct str name, int64_t due_ms)
{
	CLEANUP(scheduler_leave) struct scheduler *held = scheduler_enter(s);
	struct scheduler_domain *d = find_domain(held, name, true);

	if (d)
		domain_look_at(s, d, due_ms);
}

/* -- routes and rows --------------------------------------------------------------------------- */

struct str
scheduler_domain_name(const struct scheduler_domain *d)
{
	return d->name;
}

void
scheduler_found(struct scheduler *s, struct scheduler_domain *d, struct route *r)
{
	CLEANUP(scheduler_leave) struct scheduler *held = scheduler_enter(s);
	struct lane *lane = r ? lane_of_route(held, r) : NULL;

	s->finding--;
	s->news = true;
	d->out = false;
	domain_forget_route(s, d);
	d->route = r;
	d->lane = lane;
	/* without memory its mail goes the strict way */
	d->relaxed = lane && r->relaxed ? lane_of_route(held, r->relaxed) : NULL;
	if (s->draining)
		return;
	if (!lane) {
		domain_look_at(s, d, scheduler_now_ms() + RETRY_MEMORY_MS);
	} else if (domain_is_lane_paused(d) || d->paused) {
		domain_forget_route(s, d);
		d->paused = true;
	} else {
		list_put_last(&s->to_load, &d->turn);
	}
}

void
scheduler_loaded(struct scheduler *s, struct scheduler_domain *d, const struct scheduler_row *rows,
    size_t n, bool more, int64_t next_ms)
{
	CLEANUP(scheduler_leave) struct scheduler *held = scheduler_enter(s);
	struct lane *lane = d->lane, *relaxed = d->relaxed ? d->relaxed : lane;
	enum err e = ERR_OK;

	held->news = true;
	d->out = false;
	if (s->draining)
		return;
	d->more = d->more || more;
	for (size_t i = 0; i < n && !e && !d->paused; i++) {
		e = lane_add_row(s, rows[i].tls_optional ? relaxed : lane, d, &rows[i]);
		if (!e) {
			d->after_ms = rows[i].next_ms;
			d->after_id = rows[i].id;
		}
	}
	if (e) {
		d->more = false; /* not before there may be memory */
		next_ms = scheduler_now_ms() + RETRY_MEMORY_MS;
	}
	if (next_ms < INT64_MAX)
		domain_look_at(s, d, next_ms);
	if (d->in_hand == 0 && !d->more) {
		domain_rests(s, d, next_ms);
		return;
	}
	domain_wants_rows(s, d);
	lane_wake_idle(s, lane);
	destination_consider(s, lane->destination);
	if (relaxed == lane)
		return;
	lane_wake_idle(s, relaxed);
	destination_consider(s, relaxed->destination);
}

/* -- steps ------------------------------------------------------------------------------------- */

/* Who sleeps until now is to be looked at. */
static void
wake_sleepers(struct scheduler *s, int64_t now)
{
	while (s->heap_n && s->heap[0]->look_ms <= now) {
		struct scheduler_domain *d = s->heap[0];
		domain_stop_looking(s, d);
		d->more = true;
		domain_wants_rows(s, d);
	}
}

static void
step_load(struct scheduler *s, struct scheduler_domain *d, int64_t now, struct scheduler_step *ret)
{
	size_t room = s->o.max_rows - s->rows.count;

	list_take(&d->turn);
	d->out = true;
	d->more = false;
	ret->what = SCHEDULER_LOAD;
	ret->domain = d;
	ret->max = share(s) < room ? share(s) : room;
	if (d->in_hand == 0) {
		d->after_ms = d->after_id = 0;
		d->slack_ms = now;
	}
	ret->after_ms = d->after_ms;
	ret->after_id = d->after_id;
	if (now - d->slack_ms >= SLACK_EVERY_MS) {
		d->slack_ms = now;
		ret->after_ms = d->after_ms > SLACK_MS ? d->after_ms - SLACK_MS : 0;
		ret->after_id = 0;
	}
}

/* How long until somebody is to be looked at. */
static int64_t
next_look(const struct scheduler *s, int64_t now)
{
	int64_t at = s->heap_n ? s->heap[0]->look_ms : INT64_MAX;

	if (!list_is_empty(&s->damaged)) {
		const struct row *r = LIST_OWNER(s->damaged.next, struct row, turn);
		int64_t rests_until = r->rests_until_ms - clock_mono_ms() + now;
		at = rests_until < at ? rests_until : at;
	}
	return at == INT64_MAX ? at : at > now ? at - now : 1;
}

void
scheduler_next_step(struct scheduler *s, struct scheduler_step *ret)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&s->mu);
	int64_t now = scheduler_now_ms();

	(void)held;
	*ret = (struct scheduler_step){.what = SCHEDULER_NOTHING, .wait_ms = INT64_MAX};
	if (s->draining)
		return;
	wake_sleepers(s, now);
	rows_wake(s, clock_mono_ms());
	s->news = false; /* the caller comes again until there is nothing */
	ret->link = scheduler_open_next(s);
	if (ret->link) {
		ret->what = SCHEDULER_OPEN;
	} else if (!list_is_empty(&s->to_load) && s->rows.count < s->o.max_rows) {
		step_load(s, LIST_OWNER(s->to_load.next, struct scheduler_domain, turn), now, ret);
	} else if (!list_is_empty(&s->to_find) && s->finding < SCHEDULER_FINDS_MAX) {
		ret->domain = LIST_OWNER(s->to_find.next, struct scheduler_domain, turn);
		list_take(&ret->domain->turn);
		ret->domain->out = true;
		s->finding++;
		ret->what = SCHEDULER_FIND;
	} else {
		ret->wait_ms = next_look(s, now);
	}
}

/* -- life -------------------------------------------------------------------------------------- */

struct scheduler *
scheduler_new(const struct scheduler_options *o)
{
	struct scheduler *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	pthread_mutex_init(&s->mu, NULL);
	s->o = *o;
	list_init(&s->to_find);
	list_init(&s->to_load);
	list_init(&s->idle);
	list_init(&s->resting);
	list_init(&s->damaged);
	for (size_t i = 0; i < RING__COUNT; i++)
		list_init(&s->rings[i]);
	struct table *tables[] = {
	    &s->domains, &s->destinations, &s->providers, &s->senders, &s->groups, &s->rows};
	bool ok = true;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		ok = table_init(tables[i]) && ok;
	if (!ok)
		scheduler_free(&s);
	return s;
}

static void
unload_all(struct scheduler *s, struct scheduler_domain *d)
{
	if (d->lane)
		lane_unload(s, d->lane, NULL);
	if (d->relaxed)
		lane_unload(s, d->relaxed, NULL);
}

void
scheduler_free(struct scheduler **sp)
{
	struct scheduler *s = MOVE_PTR(*sp);

	if (!s)
		return;
	s->draining = true;
	rows_wake(s, INT64_MAX);
	scheduler_each_domain(s, unload_all);
	for (struct table_node *n; (n = table_any(&s->domains));)
		domain_free(s, LIST_OWNER(n, struct scheduler_domain, node));
	destinations_trim(s, 0);
	scheduler_forget_pauses(s);
	table_done(&s->domains);
	table_done(&s->destinations);
	table_done(&s->providers);
	table_done(&s->senders);
	table_done(&s->groups);
	table_done(&s->rows);
	free(s->heap);
	pthread_mutex_destroy(&s->mu);
	free(s);
}

void
scheduler_set_options(struct scheduler *s, const struct scheduler_options *o)
{
	CLEANUP(scheduler_leave) struct scheduler *held = scheduler_enter(s);

	held->o = *o;
	s->news = true;
}

void
scheduler_drain(struct scheduler *s)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&s->mu);

	(void)held;
	s->draining = true;
}

void
scheduler_block(struct scheduler *s, bool blocked)
{
	CLEANUP(scheduler_leave) struct scheduler *held = scheduler_enter(s);

	held->news |= held->blocked && !blocked;
	held->blocked = blocked;
}

void
scheduler_look(struct scheduler *s, struct scheduler_figures *ret)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&s->mu);

	(void)held;
	*ret = (struct scheduler_figures){
	    .domains = s->domains.count,
	    .rows = s->rows.count,
	    .destinations = s->destinations.count,
	    .connections = s->connections,
	    .attempts = s->attempts,
	};
}
