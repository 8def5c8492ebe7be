/* A database's life. The writes stand in write.c, their durability in sync.c, the handles in
 * pool.c.
 */
#include "store/database.h"
#include "common/metrics/metrics.h"
#include "store/file.h"
#include "store/upkeep.h"

#include <assert.h>

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
	waiter_list_init(&d->unsynced_waiters);
	pthread_cond_init(&d->rests, NULL);
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
	pthread_cond_destroy(&d->rests);
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

	METRICS_COUNT(database_reads, 0);
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
