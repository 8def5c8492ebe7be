/* A database's life, and its durability. The writes stand in write.c, the handles in pool.c. */
#include "store/database.h"
#include "common/base/log.h"
#include "store/file.h"
#include "store/upkeep.h"
#include "store/write_private.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

enum err
database_init(struct database *d, struct pool *pool, const char *path, const struct schema *schema)
{
	*d = (struct database){.pool = pool,
	    .schema = schema,
	    .wal_fd = -1,
	    .patience_ms = BUSY_PATIENCE_MS,
	    .sync_file = fdatasync};
	d->path = strdup(path);
	if (!d->path)
		return ERR_NOMEM;
	d->queue_end = &d->queue;
	pthread_mutex_init(&d->mu, NULL);
	pthread_cond_init(&d->changed, NULL);
	pthread_cond_init(&d->written, NULL);
	return ERR_OK;
}

void
database_done(struct database *d)
{
	if (!d->path)
		return;
	enum err ignored = database_sync(d); /* logged, and nobody was promised more */
	(void)ignored;
	upkeep_drop(pool_upkeep(d->pool), d);
	pool_forget(d->pool, d);
	assert(!d->handles && !d->queue);
	fd_close(&d->wal_fd);
	pthread_cond_destroy(&d->changed);
	pthread_cond_destroy(&d->written);
	pthread_mutex_destroy(&d->mu);
	free(d->path);
	d->path = NULL;
}

enum err
database_create(const char *path, const struct schema *schema,
    enum err (*fill)(struct db *db, void *arg), void *arg)
{
	CLEANUP(db_close) struct db *db = NULL;
	enum err e = db_create(path);

	if (e)
		return e;
	e = db_open(path, DB_WRITER, &db);
	if (!e)
		e = schema_migrate(db, schema);
	if (!e && fill) {
		e = db_begin_write(db);
		if (!e)
			e = fill(db, arg);
		if (!e)
			e = db_commit(db);
		db_rollback(db);
	}
	/* Also syncs both files; their directory afterwards, for it now names the WAL as well. */
	if (!e)
		e = db_checkpoint(db);
	if (!e)
		e = file_sync_parent(path);
	return e;
}

enum err
database_provide(const char *path, const struct schema *schema)
{
	CLEANUP(db_close) struct db *db = NULL;
	enum err e = db_open(path, DB_WRITER, &db);

	if (e == ERR_NOT_FOUND) {
		e = database_create(path, schema, NULL, NULL);
		if (e != ERR_EXISTS)
			return e;
		e = db_open(path, DB_WRITER, &db);
	}
	/* who made it may have been killed before its name was durable */
	if (!e)
		e = file_sync_parent(path);
	return e ? e : schema_migrate(db, schema);
}

enum err
read_begin(struct database *d, struct handle **ret)
{
	struct handle *h = NULL;
	enum err e = pool_take(d, DB_READER, &h);

	if (!e)
		e = db_begin_read(h->db);
	if (e)
		pool_give(&h);
	else
		*ret = h;
	return e;
}

void
read_end(struct handle **h)
{
	if (!*h)
		return;
	db_rollback((*h)->db);
	pool_give(h);
}

/* -- durability */

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
	while (d->syncing)
		pthread_cond_wait(&d->changed, &d->mu);
	int old = d->wal_fd;
	d->wal_fd = fd;
	fd = old;
	pthread_mutex_unlock(&d->mu);
	return ERR_OK;
}

/* What was committed and not synced can't be trusted to reach the disk any more. */
static void
fail_locked(struct database *d)
{
	d->generation++;
	d->suspect = true;
	d->synced = d->commits;
	pthread_cond_broadcast(&d->changed);
	upkeep_note_unsynced(pool_upkeep(d->pool), d);
}

void
database_fail(struct database *d)
{
	pthread_mutex_lock(&d->mu);
	if (d->synced < d->commits)
		fail_locked(d);
	pthread_mutex_unlock(&d->mu);
}

/* One thread syncs for all who wait: whatever was committed when it began. */
static enum err
sync_locked(struct database *d)
{
	uint64_t upto = d->commits;
	int fd = d->wal_fd;

	assert(fd >= 0);
	d->syncing = true;
	pthread_mutex_unlock(&d->mu);
	enum err e = d->sync_file(fd) ? file_error("sync", d->path) : ERR_OK;
	pthread_mutex_lock(&d->mu);
	d->syncing = false;
	if (e)
		fail_locked(d);
	else if (d->synced < upto)
		d->synced = upto;
	pthread_cond_broadcast(&d->changed);
	return e;
}

enum err
database_wait_synced(struct database *d, uint64_t commit, uint64_t generation)
{
	enum err e = ERR_OK;

	pthread_mutex_lock(&d->mu);
	while (!e) {
		if (d->generation != generation)
			e = ERR_IO; /* logged by whoever met it */
		else if (d->synced >= commit)
			break;
		else if (d->syncing)
			pthread_cond_wait(&d->changed, &d->mu);
		else
			e = sync_locked(d);
	}
	bool failed = e != ERR_OK;
	pthread_mutex_unlock(&d->mu);
	if (failed)
		pool_forget(d->pool, d);
	return e;
}

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

	if (!d)
		return;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&d->mu);
	(void)held;
	if (d->synced >= p->commit || d->syncing || d->wal_fd < 0)
		return;
	d->syncing = true; /* keeps the descriptor open */
	pthread_mutex_unlock(&d->mu);
	/* Only a beginning: what fails is told by the sync. */
	(void)!sync_file_range(d->wal_fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	pthread_mutex_lock(&d->mu);
	d->syncing = false;
	pthread_cond_broadcast(&d->changed);
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
