/* Which destination gets a connection, what it gets over it, and what is learnt from how that
 * went. */
#include "smtpd/outbound/scheduler_private.h"

#include "common/base/clock.h"

#define PENDING_RECORD_MS 60000 /* a link whose message is being recorded is woken after that */
#define UNREAD_MS 5000 /* rests a domain whose messages could not be read */
#define YIELD_JOBS 5 /* messages after which a link makes room for others that wait */
#define DESTINATIONS_RESTING 1000 /* whose windows are remembered though nothing waits for them */
#define DEAD_REFUSED_MS 1000 /* who says no for good is asked again for the next message */

/* -- verdicts ---------------------------------------------------------------------------------- */

void
verdict_done(struct scheduler_verdict *v)
{
	free((char *)v->status.p);
	free((char *)v->reply.p);
	free((char *)v->host.p);
	*v = (struct scheduler_verdict){0};
}

/* Empty without memory: words are missing, nothing else. */
static struct str
copy_words(struct str s)
{
	char *p = s.n ? malloc(s.n) : NULL;

	return p ? scheduler_keep(p, s) : str_make(NULL, 0);
}

static void
verdict_copy(struct scheduler_verdict *to, const struct scheduler_verdict *from)
{
	verdict_done(to);
	to->permanent = from->permanent;
	to->tls = from->tls;
	to->code = from->code;
	to->status = copy_words(from->status);
	to->reply = copy_words(from->reply);
	to->host = copy_words(from->host);
	to->tried_ms = from->tried_ms;
}

/* -- who wants a link -------------------------------------------------------------------------- */

/* What the next link of it would be. */
static enum scheduler_mode
mode_of(const struct destination *d)
{
	switch (d->kind) {
	case ROUTE_REFUSED:
	case ROUTE_LATER:
		return SCHEDULER_SETTLE;
	case ROUTE_LOCAL:
		return SCHEDULER_LOCAL;
	case ROUTE_SMTP:
	case ROUTE_LMTP:
		break;
	}
	bool dead = d->vitality == DEAD && clock_mono_ms() < d->dead_until_ms;
	return dead ? SCHEDULER_SETTLE : SCHEDULER_DIAL;
}

static size_t
links_allowed(const struct destination *d, enum scheduler_mode mode)
{
	if (mode == SCHEDULER_LOCAL)
		return SCHEDULER_LOCAL_MAX;
	return d->vitality == ALIVE ? SIZE_MAX : 1; /* the provider's window apart */
}

/* More wait than there are links that will ask for them. */
static bool
lane_wants(const struct lane *l, enum scheduler_mode mode)
{
	if (mode == SCHEDULER_SETTLE)
		return l->waiting > 0;
	return l->waiting > l->opening + l->idling;
}

static struct lane *
wanting_lane(const struct destination *d, enum scheduler_mode mode)
{
	for (struct list *l = d->lanes.next; l != &d->lanes; l = l->next)
		if (lane_wants(LIST_OWNER(l, struct lane, turn), mode))
			return LIST_OWNER(l, struct lane, turn);
	return NULL;
}

static bool
wants(const struct destination *d, enum scheduler_mode mode)
{
	if (!d->waiting)
		return false;
	if (mode == SCHEDULER_SETTLE)
		return d->settlers == 0;
	return d->links < links_allowed(d, mode) && wanting_lane(d, mode);
}

static enum ring
ring_of(const struct destination *d, enum scheduler_mode mode)
{
	if (mode != SCHEDULER_DIAL)
		return RING_INSIDE;
	return d->vitality == ALIVE ? RING_ALIVE : RING_UNPROVEN;
}

/* The provider has no place for it: a connection that only waits gives up its own. */
static void
wait_for_provider(struct scheduler *s, struct destination *d)
{
	struct provider *p = d->provider;

	if (!list_has(&d->limited))
		list_put_last(&p->limited, &d->limited);
	if (!p->idling)
		return;
	for (struct list *i = s->idle.next; i != &s->idle; i = i->next) {
		struct scheduler_link *l = LIST_OWNER(i, struct scheduler_link, idle_all);
		if (l->destination->provider != p || l->leave)
			continue;
		l->leave = true;
		s->o.wake(s->o.arg, l->owner);
		return;
	}
}

static bool
is_limited(const struct scheduler *s, const struct destination *d, enum scheduler_mode mode)
{
	return mode == SCHEDULER_DIAL && provider_is_full(s, d->provider);
}

void
destination_consider(struct scheduler *s, struct destination *d)
{
	enum scheduler_mode mode = mode_of(d);

	if (d->resting || list_has(&d->turn) || !wants(d, mode))
		return;
	if (is_limited(s, d, mode)) {
		wait_for_provider(s, d);
		return;
	}
	list_take(&d->limited);
	list_put_last(&s->rings[ring_of(d, mode)], &d->turn);
	s->news = true;
}

void
lane_wake_idle(struct scheduler *s, struct lane *l)
{
	size_t n = l->waiting;

	for (struct list *i = l->idle.next; n && i != &l->idle; i = i->next, n--)
		s->o.wake(s->o.arg, LIST_OWNER(i, struct scheduler_link, idle)->owner);
}

/* -- opening ----------------------------------------------------------------------------------- */

static bool
ring_has_room(const struct scheduler *s, enum ring r)
{
	if (r == RING_ALIVE)
		return s->connections < s->o.max_connections;
	return r == RING_INSIDE || s->attempts < SCHEDULER_ATTEMPTS_MAX;
}

static struct scheduler_link *
open_link(struct scheduler *s, struct destination *d, enum scheduler_mode mode)
{
	struct lane *lane = wanting_lane(d, mode);
	struct scheduler_link *l = lane ? calloc(1, sizeof(*l)) : NULL;

	if (!l)
		return NULL;
	list_take(&lane->turn);
	list_put_last(&d->lanes, &lane->turn);
	l->mode = mode;
	l->destination = d;
	l->lane = lane;
	l->route = route_ref(lane->route);
	list_init(&l->idle);
	list_init(&l->idle_all);
	lane->users++;
	if (mode == SCHEDULER_SETTLE) {
		const struct route *r = l->route;
		const struct scheduler_verdict v = {.permanent = r->kind == ROUTE_REFUSED,
		    .tls = r->tls_unproven,
		    .code = r->code,
		    .status = r->status,
		    .reply = r->why};
		verdict_copy(&l->verdict, d->vitality == DEAD ? &d->verdict : &v);
		d->settlers++;
		return l;
	}
	l->counter = mode == SCHEDULER_LOCAL ? &s->locals
		     : d->vitality == ALIVE  ? &s->connections
					     : &s->attempts;
	++*l->counter;
	d->links++;
	d->opening++;
	if (d->provider) {
		d->provider->links++;
		d->provider->opening++;
	}
	lane->opening++;
	return l;
}

/* A place is wanted, and all are taken: a connection that only waits gives up its own. */
static void
make_room(struct scheduler *s)
{
	struct list *first = s->idle.next;

	if (list_is_empty(&s->rings[RING_ALIVE]) || first == &s->idle)
		return;
	struct scheduler_link *l = LIST_OWNER(first, struct scheduler_link, idle_all);
	if (l->leave)
		return;
	l->leave = true;
	s->o.wake(s->o.arg, l->owner);
}

struct scheduler_link *
scheduler_open_next(struct scheduler *s)
{
	destinations_trim(s, DESTINATIONS_RESTING);
	if (s->blocked)
		return NULL;
	for (enum ring r = 0; r < RING__COUNT; r++) {
		while (!list_is_empty(&s->rings[r]) && ring_has_room(s, r)) {
			struct destination *d =
			    LIST_OWNER(s->rings[r].next, struct destination, turn);
			list_take(&d->turn);
			enum scheduler_mode mode = mode_of(d);
			if (!wants(d, mode))
				continue;
			if (ring_of(d, mode) != r || is_limited(s, d, mode)) {
				destination_consider(s, d);
				continue;
			}
			struct scheduler_link *l = open_link(s, d, mode);
			destination_consider(s, d); /* its next turn is after the others' */
			if (l)
				return l;
			break;
		}
		if (r == RING_ALIVE && !ring_has_room(s, r))
			make_room(s);
	}
	return NULL;
}

/* -- picking ----------------------------------------------------------------------------------- */

enum scheduler_mode
scheduler_link_mode(const struct scheduler_link *l)
{
	return l->mode;
}

struct route *
scheduler_link_route(const struct scheduler_link *l)
{
	return l->route;
}

const struct scheduler_verdict *
scheduler_link_verdict(const struct scheduler_link *l)
{
	return &l->verdict;
}

void
scheduler_link_set_owner(struct scheduler_link *l, void *owner)
{
	l->owner = owner;
}

void
scheduler_link_set_host(struct scheduler_link *l, size_t host)
{
	l->host = host;
}

int64_t
scheduler_pick_message(const struct scheduler_pick *p)
{
	return p->message;
}

size_t
scheduler_pick_count(const struct scheduler_pick *p)
{
	return p->n;
}

int64_t
scheduler_pick_row(const struct scheduler_pick *p, size_t i)
{
	return p->rows[i]->id;
}

uint32_t
scheduler_pick_tries(const struct scheduler_pick *p)
{
	return p->tries;
}

/* The other side has answered: so it lives. */
static void
note_answer(struct scheduler *s, struct scheduler_link *l)
{
	struct destination *d = l->destination;

	if (l->answered)
		return;
	l->answered = true;
	if (l->mode == SCHEDULER_SETTLE)
		return;
	l->lane->opening--;
	d->opening--;
	if (d->provider) {
		d->provider->opening--;
		provider_note_answer(s, d->provider);
	}
	if (l->counter == &s->attempts) {
		s->attempts--;
		s->connections++;
		l->counter = &s->connections;
	}
	d->vitality = ALIVE;
	d->dead_ms = 0;
	verdict_done(&d->verdict);
	destination_consider(s, d);
	s->news = true;
}

static void
stop_idling(struct scheduler_link *l)
{
	if (!list_has(&l->idle))
		return;
	list_take(&l->idle);
	list_take(&l->idle_all);
	l->lane->idling--;
	l->destination->provider->idling--;
}

/* Others could use its place. */
static bool
must_leave(const struct scheduler *s, const struct scheduler_link *l)
{
	const struct provider *p = l->destination->provider;
	bool full = s->connections >= s->o.max_connections && !list_is_empty(&s->rings[RING_ALIVE]);

	if (l->mode != SCHEDULER_DIAL)
		return false;
	return l->leave || l->jobs >= s->o.connection_reuse || p->links > p->window ||
	       (l->jobs >= YIELD_JOBS && (full || !list_is_empty(&p->limited)));
}

static bool
is_at_paused_host(const struct scheduler *s, const struct scheduler_link *l)
{
	return s->paused_n && l->mode == SCHEDULER_DIAL && l->host < l->route->host_count &&
	       scheduler_is_paused(s, "mx:", l->route->hosts[l->host].name);
}

/* Nothing waits in its lane: whether it may stay for what comes. */
static enum scheduler_choice
idle(struct scheduler *s, struct scheduler_link *l, int64_t *ret_wait_ms)
{
	int64_t now = clock_mono_ms();
	struct provider *p = l->destination->provider;
	bool full = s->connections >= s->o.max_connections && !list_is_empty(&s->rings[RING_ALIVE]);

	if (!l->idle_until_ms)
		l->idle_until_ms = now + SCHEDULER_IDLE_MS;
	if (l->mode != SCHEDULER_DIAL || now >= l->idle_until_ms || full ||
	    (provider_is_full(s, p) && (l->destination->waiting || !list_is_empty(&p->limited))))
		return SCHEDULER_QUIT;
	list_put_last(&l->lane->idle, &l->idle);
	list_put_last(&s->idle, &l->idle_all);
	l->lane->idling++;
	p->idling++;
	*ret_wait_ms = l->idle_until_ms - now;
	return SCHEDULER_WAIT;
}

static enum scheduler_choice
pick(struct scheduler *s, struct scheduler_link *l, struct scheduler_pick **ret_pick,
    int64_t *ret_wait_ms)
{
	if (s->draining || !s->o.max_connections)
		return SCHEDULER_QUIT;
	note_answer(s, l);
	if (s->blocked) {
		stop_idling(l);
		return SCHEDULER_QUIT;
	}
	if (l->pick) {
		*ret_wait_ms = PENDING_RECORD_MS;
		return SCHEDULER_WAIT;
	}
	stop_idling(l);
	if (must_leave(s, l) || is_at_paused_host(s, l))
		return SCHEDULER_QUIT;
	struct scheduler_pick *g = lane_take_group(s, l->lane);
	if (!g)
		return idle(s, l, ret_wait_ms);
	g->link = l;
	l->pick = g;
	l->jobs++;
	l->idle_until_ms = 0;
	destination_consider(s, l->destination);
	*ret_pick = g;
	return SCHEDULER_JOB;
}

enum scheduler_choice
scheduler_pick(struct scheduler *s, struct scheduler_link *l, struct scheduler_pick **ret_pick,
    int64_t *ret_wait_ms)
{
	CLEANUP(scheduler_leave) struct scheduler *held = scheduler_enter(s);

	return pick(held, l, ret_pick, ret_wait_ms);
}

/* -- how it went ------------------------------------------------------------------------------- */

/* What is not recorded waits again; what is leaves memory. */
static void
sort_rows(struct scheduler *s, struct scheduler_pick *p, const enum scheduler_fate *fates)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (fates[i] == SCHEDULER_BACK && !s->draining && !p->lane->paused &&
		    !p->rows[i]->domain->paused) {
			p->rows[kept++] = p->rows[i];
			continue;
		}
		if (fates[i] == SCHEDULER_DAMAGED && s->damaged_n < SCHEDULER_DAMAGED_MAX) {
			row_rest(s, p->rows[i]);
			continue;
		}
		if (fates[i] == SCHEDULER_UNREAD || fates[i] == SCHEDULER_DAMAGED)
			p->rows[i]->domain->not_before_ms = clock_mono_ms() + UNREAD_MS;
		row_free(s, p->rows[i]);
	}
	p->n = kept;
}

void
scheduler_done(struct scheduler *s, struct scheduler_pick *p, const enum scheduler_fate *fates,
    enum scheduler_success success)
{
	CLEANUP(scheduler_leave) struct scheduler *held = scheduler_enter(s);
	struct scheduler_link *l = p->link;
	struct lane *lane = p->lane;
	struct destination *d = lane->destination;

	size_t before = p->n;
	sort_rows(held, p, fates);
	if (d->provider && success == SCHEDULER_GOOD)
		provider_note_success(s, d->provider);
	else if (d->provider && success == SCHEDULER_BAD)
		provider_note_failure(d->provider, d->provider->links);
	if (l) {
		l->pick = NULL;
		if (l->mode == SCHEDULER_DIAL)
			s->o.wake(s->o.arg, l->owner);
	}
	p->link = NULL;
	p->tries = p->n < before ? 0 : p->tries + 1;
	lane->users++; /* while we use it */
	if (!p->n || lane_put_back(s, p)) {
		for (size_t i = 0; i < p->n; i++)
			row_free(s, p->rows[i]);
		group_free(p);
		lane_release(s, lane);
	} else {
		lane_wake_idle(s, lane);
	}
	destination_consider(s, d);
	lane_release(s, lane);
}

static void
die(struct scheduler *s, struct destination *d, const struct scheduler_verdict *v)
{
	int64_t now = clock_mono_ms();

	if (d->vitality == DEAD && now < d->dead_until_ms)
		return;
	if (v->permanent)
		d->dead_ms = DEAD_REFUSED_MS;
	else if (d->dead_ms < s->o.dead_first_ms)
		d->dead_ms = s->o.dead_first_ms;
	else
		d->dead_ms = d->dead_ms * 2 < s->o.dead_max_ms ? d->dead_ms * 2 : s->o.dead_max_ms;
	d->vitality = DEAD;
	provider_forget(d->provider);
	d->dead_until_ms = now + d->dead_ms;
	verdict_copy(&d->verdict, v);
	d->verdict.tried_ms = scheduler_now_ms();
}

static void
uncount(struct scheduler_link *l)
{
	struct destination *d = l->destination;

	stop_idling(l);
	if (l->mode == SCHEDULER_SETTLE) {
		d->settlers--;
		return;
	}
	d->links--;
	--*l->counter;
	if (d->provider)
		d->provider->links--;
	if (l->answered)
		return;
	d->opening--;
	l->lane->opening--;
	if (d->provider)
		d->provider->opening--;
}

void
scheduler_close(struct scheduler *s, struct scheduler_link *l, enum scheduler_end how,
    const struct scheduler_verdict *verdict)
{
	CLEANUP(scheduler_leave) struct scheduler *held = scheduler_enter(s);
	struct destination *d = l->destination;

	uncount(l);
	struct provider *p = d->provider;
	if (how == SCHEDULER_DEAD && d->links > d->opening)
		provider_note_failure(p, p->links - p->opening);
	else if (how == SCHEDULER_DEAD)
		die(held, d, verdict);
	else if (how == SCHEDULER_BROKE)
		provider_note_failure(p, p->links + 1);
	if (!d->links && d->vitality == ALIVE)
		d->vitality =
		    UNPROVEN; /* it lived; one connection will show whether it still does */
	if (l->pick)
		l->pick->link = NULL;
	held->news = true;
	list_take(&d->turn); /* it may belong into another ring now */
	destination_consider(s, d);
	if (p)
		provider_let_in(s, p);
	lane_release(s, l->lane);
	route_unref(&l->route);
	verdict_done(&l->verdict);
	free(l);
}
