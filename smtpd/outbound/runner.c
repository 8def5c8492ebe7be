#include "smtpd/outbound/runner_private.h"

#include "common/base/clock.h"
#include "common/base/log.h"

#include <errno.h>
#include <time.h>

#define MAX_ROWS 20000 /* in memory */
#define NEWS_MAX 1000 /* rows read at a time */
#define READ_ARENA (64 * 1024 * 1024)
#define AGAIN_MS 5000 /* after a failure of the store */
#define AGAIN_MAX_MS 600000 /* after many of them */
#define TURN_MS 1000 /* between looks whether another process still runs the queue */
#define DEAD_FIRST_MS 60000
#define CLOCK_LOOK_MS 60000 /* while something waits for its time */
#define DEAD_MAX_MS 1800000

/* -- waking and waiting ------------------------------------------------------------------------ */

struct conf *
runner_conf(struct runner *r)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&r->mu);

	return conf_ref(r->conf);
}

static void
poke_locked(struct runner *r)
{
	if (r->news)
		return;
	r->news = true;
	pthread_cond_signal(&r->cond);
}

void
runner_poke(struct runner *r)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&r->mu);

	(void)held;
	poke_locked(r);
}

static void
poke(void *arg)
{
	runner_poke(arg);
}

static void
queue_changed(void *arg)
{
	struct runner *r = arg;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&r->mu);

	(void)held;
	r->changed = true;
	poke_locked(r);
}

/* What there is to do. */
struct chores {
	bool stop, draining, changed, enabled;
	struct list done;
};

static void
take_chores(struct runner *r, int64_t wait_ms, struct chores *ret)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&r->mu);
	struct timespec until;

	(void)held;
	clock_gettime(CLOCK_MONOTONIC, &until);
	if (wait_ms < INT64_MAX) {
		int64_t ms = wait_ms < 86400000 ? wait_ms : 86400000;
		until.tv_sec += ms / 1000;
		until.tv_nsec += ms % 1000 * 1000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
	}
	for (int woken = 0; !r->news && !r->stop && woken != ETIMEDOUT && wait_ms > 0;)
		woken = wait_ms == INT64_MAX ? pthread_cond_wait(&r->cond, &r->mu)
					     : pthread_cond_timedwait(&r->cond, &r->mu, &until);
	r->news = false;
	ret->stop = r->stop;
	ret->draining = r->draining;
	ret->enabled = r->conf->outbound.enabled;
	ret->changed = r->changed;
	r->changed = false;
	list_init(&ret->done);
	list_move_all(&r->done, &ret->done);
}

/* -- reading the queue ------------------------------------------------------------------------- */

static enum err
read_pauses(struct runner *r)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(READ_ARENA);
	struct queue_pause *pauses;
	size_t n;
	enum err e = arena ? queue_pauses(r->store, arena, &pauses, &n) : ERR_NOMEM;

	if (e)
		return e;
	struct str *names = arena_alloc_array(arena, n + 1, sizeof(*names));
	if (!names)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		names[i] = pauses[i].name;
	scheduler_pause(r->scheduler, names, n);
	return ERR_OK;
}

/* All domains: at the start, and when people changed something. */
static enum err
read_domains(struct runner *r)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(READ_ARENA);
	struct queue_domain *domains;
	size_t n = 0;
	enum err e = arena ? queue_domains(r->store, arena, &domains, &n) : ERR_NOMEM;

	for (size_t i = 0; i < n && !e; i++)
		scheduler_due(r->scheduler, domains[i].domain, domains[i].due_ms);
	return e;
}

/* What came since the last look. */
static enum err
read_news(struct runner *r)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(READ_ARENA);
	enum err e = arena ? ERR_OK : ERR_NOMEM;
	uint64_t edits = r->edits;
	size_t n = r->looked ? NEWS_MAX : 0;

	while (!e && n == NEWS_MAX) {
		struct queue_rcpt *news = NULL;
		int64_t last;
		arena_reset(arena);
		e = queue_news(r->store, r->last_id, NEWS_MAX, arena, &news, &n, &last, &edits);
		for (size_t i = 0; i < n && !e; i++)
			scheduler_due(r->scheduler, news[i].domain, news[i].next_ms);
		if (!e)
			r->last_id = n == NEWS_MAX ? news[n - 1].id : last;
	}
	if (e || (r->looked && edits == r->edits))
		return e;
	if (!r->looked) { /* from where news count, before all is read */
		struct queue_rcpt *none;
		e = queue_news(r->store, 0, 0, arena, &none, &n, &r->last_id, &edits);
	} else {
		scheduler_forgive(r->scheduler);
	}
	if (!e)
		e = read_pauses(r);
	if (!e)
		e = read_domains(r);
	if (!e)
		r->edits = edits;
	return e;
}

/* The queue is one process's at a time. */
static bool
may_run(struct runner *r)
{
	if (r->runs)
		return true;
	if (runner_until(r->begin_ms))
		return false;
	enum err e = queue_run_begin(r->store);
	r->runs = !e;
	if (!e) {
		runner_begin_clock(r);
		return true;
	}
	if (e == ERR_BUSY) {
		r->begin_ms = clock_mono_ms() + TURN_MS;
		return false;
	}
	runner_back_off(&r->begin_ms, &r->begin_span_ms, TURN_MS, AGAIN_MAX_MS);
	log_error("outbound", F_CSTR("op", "begin"), F_ERR(e));
	if (e == ERR_CORRUPT)
		runner_tell_damage(r);
	return false;
}

/* -- steps ------------------------------------------------------------------------------------- */

struct finding {
	struct runner *runner;
	struct scheduler_domain *domain;
};

static void
found(void *arg, struct route *route)
{
	struct finding *f = arg;
	struct runner *r = f->runner;

	scheduler_found(r->scheduler, f->domain, route);
	free(f);
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&r->mu);
	(void)held;
	r->finding--;
	pthread_cond_signal(&r->cond);
}

static void
step_find(struct runner *r, struct scheduler_domain *d)
{
	struct finding *f = calloc(1, sizeof(*f));

	pthread_mutex_lock(&r->mu);
	r->finding++;
	pthread_mutex_unlock(&r->mu);
	if (f)
		*f = (struct finding){r, d};
	enum err e = f ? route_find(r->router, scheduler_domain_name(d), found, f) : ERR_NOMEM;
	if (!e)
		return;
	free(f);
	scheduler_found(r->scheduler, d, NULL);
	pthread_mutex_lock(&r->mu);
	r->finding--;
	pthread_mutex_unlock(&r->mu);
}

static void
step_load(struct runner *r, const struct scheduler_step *step)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(READ_ARENA);
	struct str domain = scheduler_domain_name(step->domain);
	int64_t now = clock_real_us() / 1000, next_ms = INT64_MAX;
	struct queue_brief *briefs = NULL;
	struct scheduler_row *rows = NULL;
	size_t n = 0, due = 0;
	enum err e = arena ? ERR_OK : ERR_NOMEM;

	if (!e)
		e = queue_brief(r->store, domain, step->after_ms, step->after_id, step->max + 1,
		    arena, &briefs, &n);
	if (!e && !(rows = arena_alloc_array(arena, n + 1, sizeof(*rows))))
		e = ERR_NOMEM;
	if (e) {
		log_error("outbound", F_CSTR("op", "load"), F_STR("domain", domain), F_ERR(e));
		if (e == ERR_CORRUPT)
			runner_tell_damage(r);
		scheduler_loaded(r->scheduler, step->domain, NULL, 0, false,
		    now + (e == ERR_CORRUPT ? AGAIN_MAX_MS : AGAIN_MS));
		return;
	}
	while (due < n && due < step->max && briefs[due].next_ms <= now) {
		rows[due] = (struct scheduler_row){briefs[due].id, briefs[due].message,
		    briefs[due].sender, briefs[due].next_ms, briefs[due].tls_optional};
		due++;
	}
	bool more = due < n && briefs[due].next_ms <= now;
	if (due < n && !more)
		next_ms = briefs[due].next_ms;
	scheduler_loaded(r->scheduler, step->domain, rows, due, more, next_ms);
}

/* Carries out steps until there is none or others wait; gives the time until the next. */
static int64_t
run_steps(struct runner *r)
{
	struct scheduler_step step;

	for (int i = 0; i < 100; i++) {
		scheduler_next_step(r->scheduler, &step);
		switch (step.what) {
		case SCHEDULER_FIND:
			step_find(r, step.domain);
			break;
		case SCHEDULER_LOAD:
			step_load(r, &step);
			break;
		case SCHEDULER_OPEN:
			if (scheduler_link_mode(step.link) == SCHEDULER_DIAL)
				attempt_begin(r, step.link);
			else
				inside_begin(r, step.link);
			break;
		case SCHEDULER_NOTHING:
			return step.wait_ms;
		}
	}
	return 0;
}

/* -- the thread -------------------------------------------------------------------------------- */

/* Not at once, as queue_changed() would have it. */
static void
look_again_later(struct runner *r)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&r->mu);

	(void)held;
	r->changed = true;
}

/* Zero, or the time until it is tried again. */
static int64_t
look(struct runner *r)
{
	int64_t wait_ms = runner_until(r->look_ms);

	if (!wait_ms) {
		enum err e = read_news(r);
		if (!e) {
			r->looked = true;
			r->look_span_ms = 0;
			return 0;
		}
		runner_back_off(&r->look_ms, &r->look_span_ms, AGAIN_MS, AGAIN_MAX_MS);
		log_error("outbound", F_CSTR("op", "read"), F_ERR(e));
		if (e == ERR_CORRUPT)
			runner_tell_damage(r);
		wait_ms = runner_until(r->look_ms);
	}
	look_again_later(r);
	return wait_ms;
}

static int64_t
run_queue(struct runner *r, const struct chores *chores)
{
	if (!may_run(r))
		return runner_until(r->begin_ms);
	runner_follow_clock(r);
	int64_t look_ms = chores->changed || !r->looked ? look(r) : 0;
	int64_t wait_ms = run_steps(r); /* with what is known, though news can't be had */
	wait_ms = look_ms && look_ms < wait_ms ? look_ms : wait_ms;
	return wait_ms == INT64_MAX || wait_ms < CLOCK_LOOK_MS ? wait_ms : CLOCK_LOOK_MS;
}

static bool
is_finished(struct runner *r)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&r->mu);

	(void)held;
	return list_is_empty(&r->done) && !r->inside_running && !r->finding;
}

static void *
run(void *arg)
{
	struct runner *r = arg;
	int64_t wait_ms = 0;
	struct chores chores;

	for (;;) {
		take_chores(r, wait_ms, &chores);
		runner_record(r, &chores.done, chores.stop);
		wait_ms = INT64_MAX;
		if (chores.stop && is_finished(r))
			break;
		if (chores.stop)
			wait_ms = 10;
		else if (!chores.draining && chores.enabled)
			wait_ms = run_queue(r, &chores);
		if (!list_is_empty(&r->kept) && wait_ms > runner_until(r->record_ms))
			wait_ms = runner_until(r->record_ms);
	}
	return NULL;
}

/* -- life -------------------------------------------------------------------------------------- */

static struct scheduler_options
options_of(struct runner *r, const struct conf *c)
{
	return (struct scheduler_options){
	    .max_connections = c->outbound.enabled ? c->outbound.max_connections : 0,
	    .first_window = c->outbound.first_window < c->outbound.max_window
				? c->outbound.first_window
				: c->outbound.max_window,
	    .max_window = c->outbound.max_window,
	    .connection_reuse = c->outbound.connection_reuse,
	    .dead_first_ms = DEAD_FIRST_MS,
	    .dead_max_ms = DEAD_MAX_MS,
	    .max_rows = MAX_ROWS,
	    .wake = attempt_wake,
	    .poke = poke,
	    .arg = r,
	};
}

static enum err
make_parts(struct runner *r, const struct runner_options *o)
{
	const struct scheduler_options so = options_of(r, o->conf);
	enum err e = dns_new(o->loop, r->first_conf, &r->dns);

	if (!e)
		e = router_new(o->store, r->dns, r->first_conf, &r->router);
	if (!e)
		e = outgoing_new(o->store, r->first_conf, &r->outgoing);
	if (!e)
		e = preparer_new(o->store, r->outgoing, r->dns, &r->preparer);
	const struct tlsrpt_options to = {.store = o->store,
	    .dns = r->dns,
	    .loop = o->loop,
	    .hostname = r->first_conf->hostname,
	    .allow_private = r->first_conf->outbound.allow_private,
	    .ca_file = r->first_conf->outbound.ca_file};
	if (!e)
		e = tlsrpt_new(&to, &r->tlsrpt);
	if (!e && !(r->scheduler = scheduler_new(&so)))
		e = ERR_NOMEM;
	return e;
}

enum err
runner_start(const struct runner_options *o, struct runner **ret)
{
	CLEANUP(runner_stop) struct runner *r = calloc(1, sizeof(*r));
	pthread_condattr_t attr;

	if (!r)
		return ERR_NOMEM;
	r->store = o->store;
	r->hub = o->hub;
	r->workers = o->workers;
	r->conf = conf_ref(o->conf);
	r->first_conf = conf_ref(o->conf);
	pthread_mutex_init(&r->mu, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->cond, &attr);
	pthread_condattr_destroy(&attr);
	list_init(&r->done);
	list_init(&r->inside);
	list_init(&r->kept);
	enum err e = make_parts(r, o);
	if (e)
		return e;
	queue_watch(r->store, queue_changed, r);
	r->has_thread = pthread_create(&r->thread, NULL, run, r) == 0;
	if (!r->has_thread)
		return ERR_NOMEM;
	*ret = MOVE_PTR(r);
	return ERR_OK;
}

void
runner_drain(struct runner *r)
{
	scheduler_drain(r->scheduler);
	pthread_mutex_lock(&r->mu);
	r->draining = true;
	poke_locked(r);
	pthread_mutex_unlock(&r->mu);
}

void
runner_reload(struct runner *r, struct conf *conf)
{
	const struct scheduler_options o = options_of(r, conf);

	scheduler_set_options(r->scheduler, &o);
	pthread_mutex_lock(&r->mu);
	struct conf *old = r->conf;
	r->conf = conf_ref(conf);
	r->changed = true;
	poke_locked(r);
	pthread_mutex_unlock(&r->mu);
	conf_unref(&old);
	router_reload(r->router, conf);
	outgoing_forget_keys(r->outgoing);
}

void
runner_stop(struct runner **rp)
{
	struct runner *r = MOVE_PTR(*rp);

	if (!r)
		return;
	queue_watch(r->store, NULL, NULL);
	if (r->scheduler)
		scheduler_drain(r->scheduler);
	tlsrpt_free(&r->tlsrpt);
	router_end(r->router);
	if (r->preparer)
		preparer_stop(r->preparer);
	dns_free(&r->dns); /* who waits for a route is told */
	preparer_free(&r->preparer);
	if (r->has_thread) {
		pthread_mutex_lock(&r->mu);
		r->stop = true;
		pthread_cond_signal(&r->cond);
		pthread_mutex_unlock(&r->mu);
		pthread_join(r->thread, NULL);
	}
	while (!list_is_empty(&r->kept)) {
		struct parcel *p = LIST_OWNER(r->kept.next, struct parcel, turn);
		list_take(&p->turn);
		parcel_free(&p);
	}
	if (r->runs)
		queue_run_end(r->store);
	scheduler_free(&r->scheduler);
	router_free(&r->router);
	outgoing_free(&r->outgoing);
	pthread_mutex_destroy(&r->mu);
	pthread_cond_destroy(&r->cond);
	conf_unref(&r->conf);
	conf_unref(&r->first_conf);
	free(r);
}
