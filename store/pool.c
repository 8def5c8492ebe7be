/* The handles of a process: lent to one thread at a time, idle ones kept for the next, closed when
 * they have not been used for a while or are too many. Lock order: pool->mu before database->mu. */
#include "common/base/clock.h"
#include "common/metrics/metrics.h"
#include "store/database.h"
#include "store/upkeep.h"

#include <assert.h>
#include <limits.h>

#define POOL_REAP_EVERY_MS 1000
/* Closed in one tick: the last handle of a database brings its WAL home, with syncs, and what else
 * the tick has to sync can wait a second only. */
#define POOL_REAP_MAX 64

struct pool {
	struct upkeep *upkeep; /* may be NULL */
	unsigned idle_max;
	atomic_bool crowded; /* more than POOL_WARM_MAX are idle; written with mu held */
	pthread_mutex_t mu;
	/* guarded by mu */
	struct handle *newest, *oldest; /* idle handles */
	unsigned idle;
	unsigned open;
	unsigned closed; /* since pool_count_closed() */
};

enum err
pool_new(struct upkeep *u, struct pool **ret)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (!p)
		return ERR_NOMEM;
	p->upkeep = u;
	p->idle_max = POOL_HANDLES_MAX;
	pthread_mutex_init(&p->mu, NULL);
	*ret = p;
	return ERR_OK;
}

void
pool_free(struct pool **pp)
{
	struct pool *p = *pp;

	if (!p)
		return;
	*pp = NULL;
	assert(!p->open);
	pthread_mutex_destroy(&p->mu);
	free(p);
}

struct upkeep *
pool_upkeep(const struct pool *p)
{
	return p->upkeep;
}

void
pool_set_max(struct pool *p, unsigned idle_max)
{
	p->idle_max = idle_max;
}

static void
unlink_locked(struct pool *p, struct handle *h)
{
	if (h->newer)
		h->newer->older = h->older;
	else
		p->newest = h->older;
	if (h->older)
		h->older->newer = h->newer;
	else
		p->oldest = h->newer;
	h->newer = h->older = NULL;
	*h->idle_link = h->next_idle;
	if (h->next_idle)
		h->next_idle->idle_link = h->idle_link;
	p->idle--;
}

static void
push_locked(struct pool *p, struct handle *h)
{
	h->older = p->newest;
	h->newer = NULL;
	if (p->newest)
		p->newest->newer = h;
	else
		p->oldest = h;
	p->newest = h;
	struct handle **first = &h->database->idle[h->role];
	h->next_idle = *first;
	h->idle_link = first;
	if (*first)
		(*first)->idle_link = &h->next_idle;
	*first = h;
	p->idle++;
}

/* A handle that was used has the WAL open, and has it until it is closed. */
static void
attach_locked(struct handle *h)
{
	struct db_stamp any;

	if (h->attached || !db_stamp(h->db, &any))
		return;
	h->attached = true;
	if (h->database->attached++ == 0)
		h->database->openings++;
}

/* Before it is closed: it may be the last. */
static void
detach(struct pool *p, struct handle *h)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&p->mu);

	(void)held;
	if (h->attached)
		h->database->attached--;
}

/* Closes what was taken out of the idle list; chained by `older`. Without the lock: a close may
 * have to checkpoint. */
static void
close_all(struct pool *p, struct handle *doomed)
{
	while (doomed) {
		struct handle *h = doomed;
		doomed = h->older;
		detach(p, h);
		db_close(&h->db);
		pthread_mutex_lock(&p->mu);
		h->database->handles--;
		p->open--;
		p->closed++;
		pthread_mutex_unlock(&p->mu);
		free(h);
	}
}

/* The writer's handle must stay while a commit has not been synced: the WAL could be replaced. */
static bool
may_close_locked(const struct handle *h)
{
	struct database *d = h->database;

	if (h->role == DB_READER)
		return true;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&d->mu);
	(void)held;
	if (d->syncing || d->synced < d->commits)
		return false;
	fd_close(&d->wal_fd);
	return true;
}

static void
doom_locked(struct pool *p, struct handle *h, struct handle **doomed)
{
	unlink_locked(p, h);
	h->older = *doomed;
	*doomed = h;
}

unsigned
pool_reap(struct pool *p, int64_t idle_ms)
{
	struct handle *doomed = NULL;
	unsigned n = 0;
	unsigned max = idle_ms ? POOL_REAP_MAX : UINT_MAX;
	int64_t now = clock_mono_ms();

	pthread_mutex_lock(&p->mu);
	for (struct handle *h = p->oldest; h && n < max && now - h->idle_since_ms >= idle_ms;) {
		struct handle *next = h->newer;
		if (may_close_locked(h)) {
			doom_locked(p, h, &doomed);
			n++;
		}
		h = next;
	}
	int64_t next_ms = p->oldest ? p->oldest->idle_since_ms + POOL_IDLE_MS : 0;
	pthread_mutex_unlock(&p->mu);
	close_all(p, doomed);
	if (n == max)
		upkeep_want(p->upkeep, now);
	else if (next_ms) /* many that were left one after the other are closed together */
		upkeep_want(p->upkeep,
		    next_ms > now + POOL_REAP_EVERY_MS ? next_ms : now + POOL_REAP_EVERY_MS);
	return n;
}

void
pool_forget(struct pool *p, struct database *d)
{
	struct handle *doomed = NULL;

	pthread_mutex_lock(&p->mu);
	for (size_t role = 0; role < ARRAY_LEN(d->idle); role++) {
		for (struct handle *h = d->idle[role]; h;) {
			struct handle *next = h->next_idle;
			if (may_close_locked(h))
				doom_locked(p, h, &doomed);
			h = next;
		}
	}
	pthread_mutex_unlock(&p->mu);
	close_all(p, doomed);
}

unsigned
pool_handles(struct pool *p, const struct database *d)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&p->mu);

	(void)held;
	return d ? d->handles : p->open;
}

unsigned
pool_count_closed(struct pool *p)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&p->mu);
	unsigned n = p->closed;

	(void)held;
	p->closed = 0;
	return n;
}

static uint64_t
generation_of(struct database *d)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&d->mu);

	(void)held;
	return d->generation;
}

bool
pool_stamp(struct database *d, struct db_stamp *ret)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&d->pool->mu);

	(void)held;
	struct handle *h = d->idle[DB_READER] ? d->idle[DB_READER] : d->idle[DB_WRITER];
	if (!h || !h->attached || h->generation != generation_of(d) || !db_stamp(h->db, ret))
		return false;
	ret->opening = d->openings;
	return true;
}

/* Where no writer is idle a reader becomes one: whoever looks first and writes then, as most do who
 * open an account, needs one connection. */
static struct handle *
take_idle(struct pool *p, struct database *d, enum db_role role)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&p->mu);

	(void)held;
	struct handle *h = d->idle[role];
	if (!h && role == DB_WRITER)
		h = d->idle[DB_READER];
	if (h)
		unlink_locked(p, h);
	return h;
}

static enum err
open_handle(struct database *d, enum db_role role, struct handle **ret)
{
	struct handle *h = calloc(1, sizeof(*h));

	if (!h)
		return ERR_NOMEM;
	h->database = d;
	h->role = role;
	h->generation = generation_of(d);
	enum err e = db_open(d->path, role, &h->db);
	if (!e && d->schema->at_open)
		e = db_script(h->db, d->schema->at_open);
	if (e) {
		db_close(&h->db);
		free(h);
		return e == ERR_NOT_FOUND ? ERR_GONE : e;
	}
	pthread_mutex_lock(&d->pool->mu);
	d->handles++;
	d->pool->open++;
	pthread_mutex_unlock(&d->pool->mu);
	*ret = h;
	return ERR_OK;
}

enum err
pool_take(struct database *d, enum db_role role, struct handle **ret)
{
	struct handle *h;

	while ((h = take_idle(d->pool, d, role))) {
		bool fit = h->generation == generation_of(d);
		if (fit && h->role != role)
			fit = !db_make_writer(h->db);
		if (fit) {
			h->role = role;
			*ret = h;
			METRICS_COUNT(database_handles_reused, 0);
			return ERR_OK;
		}
		h->older = NULL;
		close_all(d->pool, h);
	}
	METRICS_COUNT(database_handles_opened, 0);
	enum err e = open_handle(d, role, ret);
	/* Out of descriptors or memory, perhaps, of which idle handles hold plenty. */
	if ((e == ERR_IO || e == ERR_NOMEM) && pool_reap(d->pool, 0) > 0)
		e = open_handle(d, role, ret);
	return e;
}

void
pool_give(struct handle **hp)
{
	struct handle *h = *hp, *doomed = NULL;

	if (!h)
		return;
	*hp = NULL;
	struct pool *p = h->database->pool;
	bool fit = !db_failed(h->db) && h->generation == generation_of(h->database);

	if (atomic_load_explicit(&p->crowded, memory_order_relaxed))
		db_shed_pages(h->db);
	pthread_mutex_lock(&p->mu);
	h->idle_since_ms = clock_mono_ms();
	attach_locked(h);
	push_locked(p, h);
	if (!fit)
		doom_locked(p, h, &doomed);
	for (struct handle *old = p->oldest; old && p->idle > p->idle_max;) {
		struct handle *next = old->newer;
		if (may_close_locked(old)) {
			db_leave_wal(old->db); /* whoever waits here waits for no disk */
			doom_locked(p, old, &doomed);
		}
		old = next;
	}
	atomic_store_explicit(&p->crowded, p->idle > POOL_WARM_MAX, memory_order_relaxed);
	int64_t idle_since_ms = p->newest ? p->newest->idle_since_ms : 0;
	pthread_mutex_unlock(&p->mu);
	if (idle_since_ms)
		upkeep_want(p->upkeep, idle_since_ms + POOL_IDLE_MS);
	close_all(p, doomed);
}
