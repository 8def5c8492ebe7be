/* Durability: commits wait for a sync of the WAL, and one sync serves all that was committed when
 * it began.
 *
 * Whoever waits while a sync runs stands in a list. Who has synced calls those of it whose commits
 * that has made durable, or lost, and nobody else; where others are left it calls the first of them
 * to sync next, and the right to do so (`syncing`) goes over with the call. So somebody syncs
 * whenever there is anybody in the list. */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/metrics/metrics.h"
#include "store/database.h"
#include "store/file.h"
#include "store/upkeep.h"
#include "store/write_private.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

/* Opened after the writer's handle has opened the WAL and replaced with it: while a handle is open
 * nobody removes or replaces the file. One that stays open also sees every failed write-back of the
 * file since it was opened, whoever synced in between (fsync(2): each description is told once).
 * SQLite's own descriptor would do, but its xSync may not run while another thread writes. */
enum err
database_open_wal(struct database *d)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s-wal", d->path) >= (int)sizeof(path))
		return ERR_TOO_LONG;
	CLEANUP(fd_close) int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return file_error("open", path);
	/* It may be new. Who writes to it comes by here before, so one that holds something is not.
	 */
	struct stat st;
	if (fstat(fd, &st))
		return file_error("stat", path);
	enum err e = st.st_size > 0 ? ERR_OK : file_sync_parent(path);
	if (e)
		return e;
	pthread_mutex_lock(&d->mu);
	while (d->syncing) /* who writes is here, so there is an end to what is to be synced */
		pthread_cond_wait(&d->rests, &d->mu);
	int old = d->wal_fd;
	d->wal_fd = fd;
	fd = old;
	pthread_mutex_unlock(&d->mu);
	return ERR_OK;
}

/* -- who waits */

/* True: what becomes of the commit is known, and in *ret. */
static bool
is_settled_locked(const struct database *d, const struct commit *c, enum err *ret)
{
	if (d->generation == c->generation && d->synced < c->number)
		return false;
	bool good = d->generation == c->generation ||
		    (d->generation == c->generation + 1 &&
			c->number <= d->last_good); /* another's was lost, later */
	*ret = good ? ERR_OK : ERR_IO; /* the failure was logged by whoever met it */
	return true;
}

/* Moves those to `called` who need not wait any more. */
static void
take_settled_locked(struct database *d, struct waiter_list *called)
{
	struct waiter *w = d->unsynced_waiters.first;

	waiter_list_init(&d->unsynced_waiters);
	while (w) {
		struct waiter *next = w->next;
		struct sync_waiter *s = WAITER_OWNER(w, struct sync_waiter, waiter);
		if (is_settled_locked(d, &s->commit, &s->result)) {
			s->must = MUST_NOTHING;
			waiter_list_put(called, w);
		} else {
			waiter_list_put(&d->unsynced_waiters, w);
		}
		w = next;
	}
}

/* Nobody syncs now: the first of those who wait is to, if there is one. */
static void
pass_on_locked(struct database *d, struct waiter_list *called)
{
	struct waiter *first = d->unsynced_waiters.first;

	if (!first) {
		d->syncing = false;
		pthread_cond_signal(&d->rests);
		database_begin_write_locked(d, called);
		return;
	}
	d->syncing = true;
	d->unsynced_waiters.first = first->next;
	if (!first->next)
		d->unsynced_waiters.end = &d->unsynced_waiters.first;
	WAITER_OWNER(first, struct sync_waiter, waiter)->must = MUST_SYNC;
	waiter_list_put(called, first);
}

bool
database_join_sync_locked(struct database *d, struct sync_waiter *s)
{
	if (is_settled_locked(d, &s->commit, &s->result))
		return false;
	waiter_list_put(&d->unsynced_waiters, &s->waiter);
	return true;
}

void
database_begin_sync_locked(struct database *d, struct waiter_list *called)
{
	if (!d->syncing && d->unsynced_waiters.first)
		pass_on_locked(d, called);
}

/* -- a sync */

/* What was committed and not synced can't be trusted to reach the disk any more. */
static void
fail_locked(struct database *d, struct waiter_list *called)
{
	d->generation++;
	d->last_good = d->synced;
	d->suspect = true;
	d->synced = d->commits;
	take_settled_locked(d, called);
	upkeep_note_unsynced(pool_upkeep(d->pool), d);
}

void
database_fail(struct database *d)
{
	struct waiter_list called;

	waiter_list_init(&called);
	pthread_mutex_lock(&d->mu);
	if (d->synced < d->commits)
		fail_locked(d, &called);
	pthread_mutex_unlock(&d->mu);
	waiter_list_call(&called);
}

static void
sync_locked(struct database *d, struct waiter_list *called)
{
	uint64_t upto = d->commits;
	int fd = d->wal_fd;

	assert(fd >= 0 && d->syncing);
	pthread_mutex_unlock(&d->mu);
	int64_t began_us = clock_mono_us();
	enum err e = d->sync_file(fd) ? file_error("sync", d->path) : ERR_OK;
	METRICS_TIME(database_sync, 0, began_us);
	pthread_mutex_lock(&d->mu);
	if (e) {
		fail_locked(d, called);
	} else {
		if (d->synced < upto)
			d->synced = upto;
		take_settled_locked(d, called);
	}
}

void
database_sync_round(struct database *d, struct sync_waiter *s)
{
	struct waiter_list called;

	waiter_list_init(&called);
	pthread_mutex_lock(&d->mu);
	/* a writer may have met an error since the call */
	bool settled = is_settled_locked(d, &s->commit, &s->result);
	if (!settled) {
		sync_locked(d, &called);
		settled = is_settled_locked(d, &s->commit, &s->result);
	}
	assert(settled);
	pass_on_locked(d, &called);
	pthread_mutex_unlock(&d->mu);
	waiter_list_call(&called);
}

enum err
database_wait_synced(struct database *d, uint64_t number, uint64_t generation)
{
	struct sync_waiter s = {.commit = {number, generation}};
	struct waiter_list called;
	int64_t began_us = clock_mono_us();

	waiter_init(&s.waiter);
	waiter_list_init(&called);
	pthread_mutex_lock(&d->mu);
	bool waits = database_join_sync_locked(d, &s);
	database_begin_sync_locked(d, &called); /* calls us, where nobody syncs */
	pthread_mutex_unlock(&d->mu);
	waiter_list_call(&called);
	if (waits)
		waiter_wait(&s.waiter);
	if (waits && s.must == MUST_SYNC)
		database_sync_round(d, &s);
	METRICS_TIME(database_sync_wait, 0, began_us);
	if (s.result)
		pool_forget(d->pool, d);
	return s.result;
}

/* -- promises */

void
promise_add(struct promise *p, struct database *d, uint64_t commit, uint64_t generation)
{
	assert(!p->database || p->database == d);
	p->broken |= p->database && p->generation != generation;
	p->database = d;
	p->generation = generation;
	if (p->commit < commit)
		p->commit = commit;
}

void
promise_begin(const struct promise *p)
{
	struct database *d = p->database;
	struct waiter_list called;

	if (!d)
		return;
	waiter_list_init(&called);
	pthread_mutex_lock(&d->mu);
	bool begins = d->synced < p->commit && !d->syncing && d->wal_fd >= 0;
	if (begins) {
		d->syncing = true; /* keeps the descriptor open */
		pthread_mutex_unlock(&d->mu);
		/* Only a beginning: what fails is told by the sync. */
		(void)!sync_file_range(d->wal_fd, 0, 0, SYNC_FILE_RANGE_WRITE);
		pthread_mutex_lock(&d->mu);
		pass_on_locked(d, &called);
	}
	pthread_mutex_unlock(&d->mu);
	waiter_list_call(&called);
}

enum err
promise_keep(struct promise *p)
{
	const struct promise kept = *p;

	*p = (struct promise){0};
	if (!kept.database)
		return ERR_OK;
	enum err e = database_wait_synced(kept.database, kept.commit, kept.generation);
	return e ? e : kept.broken ? ERR_IO : ERR_OK;
}

static enum err
change_nothing(struct txn *t, void *arg)
{
	(void)t, (void)arg;
	return ERR_OK;
}

enum err
database_sync(struct database *d)
{
	pthread_mutex_lock(&d->mu);
	uint64_t commit = d->commits, generation = d->generation;
	bool synced = d->synced >= commit, suspect = d->suspect;
	pthread_mutex_unlock(&d->mu);
	/* A sync has failed: what the writer does before anything else makes all commits durable.
	 */
	if (suspect)
		return database_write(d, change_nothing, NULL, DURABLE_LATER);
	return synced ? ERR_OK : database_wait_synced(d, commit, generation);
}

void
database_tend_wal(struct database *d)
{
	struct handle *h = NULL;

	if (!atomic_exchange(&d->wal_long, false) || pool_take(d, DB_READER, &h))
		return;
	db_tend_wal_beside(h->db);
	bool failed = db_failed(h->db);
	if (failed)
		database_fail(d);
	pool_give(&h);
	if (failed)
		pool_forget(d->pool, d);
}

bool
database_is_synced(struct database *d)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&d->mu);

	(void)held;
	return d->synced >= d->commits && !d->suspect;
}
