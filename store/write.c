/* Combined writes. The first thread that comes while nobody writes becomes the leader: it runs what
 * is queued in one transaction and hands out the results, until its own operation is done. What
 * arrives meanwhile is the next transaction. */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/metrics/metrics.h"
#include "store/database.h"
#include "store/upkeep.h"
#include "store/write_private.h"

#include <errno.h>

#define BATCH_MAX 64 /* operations in one transaction */

struct write_op {
	struct write_op *next;
	txn_op *run;
	void *arg;
	struct txn txn;
	bool durable; /* waits for the sync, too */
	enum err result; /* of the operation and its commit */
	struct sync_waiter sync;
};

/* -- what an operation leaves behind */

struct txn_file {
	struct txn_file *next;
	bool added; /* goes if the operation fails; else: goes once it is durable */
	char path[];
};

static enum err
note_file(struct txn *t, const char *path, bool added)
{
	size_t n = strlen(path) + 1;
	struct txn_file *f = malloc(sizeof(*f) + n);

	if (!f)
		return ERR_NOMEM;
	*f = (struct txn_file){.next = t->files, .added = added};
	memcpy(f->path, path, n);
	t->files = f;
	return ERR_OK;
}

enum err
txn_remove_file(struct txn *t, const char *path)
{
	return note_file(t, path, false);
}

enum err
txn_added_file(struct txn *t, const char *path)
{
	return note_file(t, path, true);
}

void
txn_touch(struct txn *t, int64_t mailbox)
{
	for (size_t i = 0; i < t->touched_count; i++) {
		if (t->touched[i] == mailbox)
			return;
	}
	if (t->touched_count == TXN_TOUCHED_MAX) { /* too many to name: any mailbox */
		t->touched[0] = 0;
		t->touched_count = 1;
	} else if (t->touched_count != 1 || t->touched[0] != 0) {
		t->touched[t->touched_count++] = mailbox;
	}
}

/* A file that could not be removed is an orphan, which account_check() finds. */
static void
settle_files(struct txn *t, bool remove_added, bool remove_dropped)
{
	while (t->files) {
		struct txn_file *f = t->files;
		t->files = f->next;
		if ((f->added ? remove_added : remove_dropped) && unlink(f->path) &&
		    errno != ENOENT)
			log_warn("store", F_CSTR("op", "unlink"), F_CSTR("file", f->path),
			    F_CSTR("detail", strerrordesc_np(errno)));
		free(f);
	}
}

/* -- the leader */

/* A new handle: has the WAL opened, by SQLite and beside it. */
static enum err
make_fit(struct database *d, struct handle *h)
{
	int64_t version;

	pthread_mutex_lock(&d->mu);
	bool suspect = d->suspect;
	pthread_mutex_unlock(&d->mu);
	/* Rewrites what the failed sync may have lost into the database file, from what the system
	 * still has in memory, and syncs that. */
	enum err e = suspect ? db_checkpoint(h->db) : ERR_OK;
	if (!e)
		e = db_begin_read(h->db);
	if (!e)
		e = db_version(h->db, &version);
	db_rollback(h->db);
	if (!e && db_failed(h->db)) /* it is still in a transaction */
		e = ERR_NOMEM;
	if (!e)
		e = database_open_wal(d);
	if (!e && suspect) {
		pthread_mutex_lock(&d->mu);
		d->suspect = false;
		pthread_mutex_unlock(&d->mu);
	}
	h->ready = !e;
	return e;
}

static enum err
take_writer(struct database *d, struct handle **ret)
{
	CLEANUP(pool_give) struct handle *h = NULL;
	enum err e = pool_take(d, DB_WRITER, &h);

	if (!e && !h->ready) {
		e = make_fit(d, h);
		/* Out of descriptors or memory, perhaps, as in pool_take(). */
		if ((e == ERR_IO || e == ERR_NOMEM) && !db_failed(h->db) &&
		    pool_reap(d->pool, 0) > 0)
			e = make_fit(d, h);
	}
	if (!e)
		*ret = MOVE_PTR(h);
	return e;
}

static int64_t
patience_of(struct database *d)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&d->mu);

	(void)held;
	return d->stuck ? STUCK_PATIENCE_MS : d->patience_ms;
}

static void
note_stuck(struct database *d, bool stuck)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&d->mu);

	(void)held;
	if (stuck)
		METRICS_COUNT(database_lock_timeouts, 0);
	if (stuck && !d->stuck)
		log_warn("store", F_CSTR("op", "lock"), F_ERR(ERR_BUSY), F_CSTR("file", d->path),
		    F_INT("waited_ms", d->patience_ms),
		    F_CSTR("detail", "another process holds it"));
	d->stuck = stuck;
}

static enum err
begin(struct database *d, struct db *db)
{
	db_set_patience(db, patience_of(d));
	enum err e = db_begin_write(db);

	if (!e || e == ERR_BUSY)
		note_stuck(d, e == ERR_BUSY);
	if (e)
		db_rollback(db);
	return e;
}

/* Runs one operation; `alone` needs no savepoint, its failure ends the transaction. Fails itself
 * when the transaction can't go on: a full disk or the like has undone all of it, or what the
 * operation did could not be undone alone. */
static enum err
run_operation(struct write_op *op, struct db *db, bool alone)
{
	enum err e = alone ? ERR_OK : db_savepoint(db);

	if (e)
		return e;
	op->txn.db = db;
	op->txn.alone = alone;
	op->result = op->run(&op->txn, op->arg);
	if (!db_in_transaction(db))
		return op->result ? op->result : ERR_INTERNAL;
	if (alone)
		return ERR_OK;
	return op->result ? db_rollback_to_savepoint(db) : db_release(db);
}

static void
give_writer(struct database *d, struct handle **hp)
{
	if (!*hp)
		return;
	bool failed = db_failed((*hp)->db);
	if (failed)
		database_fail(d);
	pool_give(hp);
	if (failed)
		pool_forget(d->pool, d); /* readers too: they share SQLite's index of the WAL */
}

/* *ret is set where a handle was to be had, also if it can't begin; for give_writer(). */
static enum err
begin_writer(struct database *d, struct handle **ret)
{
	enum err e = take_writer(d, ret);

	if (!e)
		e = begin(d, (*ret)->db);
	if (!e || !*ret || !db_is_read_only((*ret)->db))
		return e;
	/* What can't be opened for writing, say for want of descriptors, SQLite opens for reading
	 * alone, and tells it now. That may have been long ago, with a reader's handle. */
	give_writer(d, ret);
	e = take_writer(d, ret);
	return e ? e : begin(d, (*ret)->db);
}

/* All operations in the transaction that has begun. */
static enum err
run_transaction(struct database *d, struct db *db, struct write_op *batch)
{
	enum err e = d->admit ? d->admit(db) : ERR_OK;
	bool any = false;
	for (struct write_op *op = batch; op && !e; op = op->next) {
		e = run_operation(op, db, !batch->next);
		any |= !op->result;
	}
	if (!e && any)
		e = db_commit(db);
	db_rollback(db);
	return e;
}

/* When a sync failed meanwhile, the commit stands in the same doubtful WAL: its generation is over,
 * and whoever waits for its durability gets ERR_IO. */
static void
number_commit(struct database *d, const struct handle *h, bool wrote, struct write_op *batch)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&d->mu);

	(void)held;
	if (wrote && h->generation == d->generation)
		d->commits++;
	else if (wrote)
		d->suspect = true; /* the next writer brings it into the database file */
	for (struct write_op *op = batch; op; op = op->next) {
		op->sync.commit = (struct commit){d->commits, h->generation};
	}
}

/* A checkpoint copies thousands of pages and syncs twice: nobody should wait for it. Asked for
 * again only when as much has come again. */
static void
tend_wal(struct database *d, struct db *db)
{
	struct upkeep *u = pool_upkeep(d->pool);
	int frames = db_wal_frames(db);

	if (frames < d->wal_asked)
		d->wal_asked = 0; /* begun anew */
	if (frames - d->wal_asked < WAL_CHECKPOINT_FRAMES)
		return;
	if (frames >= WAL_HARD_FRAMES || !upkeep_note_long_wal(u, d))
		db_tend_wal(db);
	else
		d->wal_asked = frames;
}

static void
run_batch(struct database *d, struct write_op *batch)
{
	struct handle *h = NULL;
	enum err e = begin_writer(d, &h);

	if (!e) {
		e = run_transaction(d, h->db, batch);
		METRICS_COUNT(database_transactions, 0);
	}
	if (!e) {
		number_commit(d, h, db_has_changes(h->db), batch);
		tend_wal(d, h->db);
	}
	give_writer(d, &h);
	for (struct write_op *op = batch; op && e; op = op->next)
		op->result = e;
}

/* Takes up to BATCH_MAX operations out of the queue. */
static struct write_op *
take_batch_locked(struct database *d)
{
	struct write_op *batch = d->queue, *last = batch;

	for (int n = 1; last->next && n < BATCH_MAX; n++)
		last = last->next;
	d->queue = last->next;
	if (!d->queue)
		d->queue_end = &d->queue;
	last->next = NULL;
	return batch;
}

/* Whether nothing is left to do for its thread between the commit and the sync. */
static bool
waits_on(const struct database *d, const struct write_op *op)
{
	return op->durable && !op->result && !(d->committed && op->txn.touched_count);
}

/* One transaction, by whom it is to be led; then it is the next one's turn. */
static void
lead(struct database *d)
{
	struct waiter_list called;

	waiter_list_init(&called);
	pthread_mutex_lock(&d->mu);
	struct write_op *batch = take_batch_locked(d);
	pthread_mutex_unlock(&d->mu);
	run_batch(d, batch);
	pthread_mutex_lock(&d->mu);
	while (batch) {
		struct write_op *op = batch;
		batch = op->next; /* its thread may be off once it is called */
		op->sync.must = MUST_NOTHING;
		op->sync.result = ERR_OK;
		if (!waits_on(d, op) || !database_join_sync_locked(d, &op->sync))
			waiter_list_put(&called, &op->sync.waiter);
	}
	database_begin_sync_locked(d, &called);
	d->writing = false;
	database_begin_write_locked(d, &called);
	pthread_mutex_unlock(&d->mu);
	waiter_list_call(&called);
}

void
database_begin_write_locked(struct database *d, struct waiter_list *called)
{
	if (!d->queue || d->writing || (d->gathers && d->syncing))
		return;
	d->writing = true;
	d->queue->sync.must = MUST_WRITE;
	waiter_list_put(called, &d->queue->sync.waiter);
}

/* On return it was tried, and where it was committed and waits_on() its sync is over as well. */
static void
run_queued(struct database *d, struct write_op *op)
{
	struct waiter_list called;

	waiter_init(&op->sync.waiter);
	waiter_list_init(&called);
	pthread_mutex_lock(&d->mu);
	*d->queue_end = op;
	d->queue_end = &op->next;
	database_begin_write_locked(d, &called); /* calls us, where nobody else came before */
	pthread_mutex_unlock(&d->mu);
	waiter_list_call(&called);
	waiter_wait(&op->sync.waiter);
	if (op->sync.must == MUST_WRITE) {
		lead(d);
		waiter_wait(&op->sync.waiter); /* for the sync: the operation is done */
	}
	if (op->sync.must == MUST_SYNC)
		database_sync_round(d, &op->sync);
}

/* Runs the operation and waits for its durability, unless there is a promise to add it to. */
static enum err
write_now_or_promise(
    struct database *d, txn_op *run, void *arg, enum durability durability, struct promise *p)
{
	struct write_op op = {.run = run,
	    .arg = arg,
	    .txn.account = d->account,
	    .durable = durability == DURABLE_NOW && !p};

	int64_t began_us = clock_mono_us();
	METRICS_COUNT(database_writes, 0);
	run_queued(d, &op);
	METRICS_TIME(database_write, 0, began_us);
	if (op.result) {
		settle_files(&op.txn, true, false);
		return op.result;
	}
	if (d->committed && op.txn.touched_count)
		d->committed(d, op.txn.touched, op.txn.touched_count);
	bool drops = false;
	for (struct txn_file *f = op.txn.files; f; f = f->next)
		drops |= !f->added;
	const struct commit *c = &op.sync.commit;
	bool waited = waits_on(d, &op);
	enum err e = waited ? op.sync.result : ERR_OK;
	if (e)
		pool_forget(d->pool, d);
	else if (!waited && (drops || op.durable))
		e = database_wait_synced(d, c->number, c->generation);
	else if (!waited)
		upkeep_note_unsynced(pool_upkeep(d->pool), d);
	if (p)
		promise_add(p, d, c->number, c->generation);
	/* After a failed sync the rows may be there or not: neither file is touched. */
	settle_files(&op.txn, false, !e);
	return e;
}

enum err
database_write(struct database *d, txn_op *run, void *arg, enum durability durability)
{
	return write_now_or_promise(d, run, arg, durability, NULL);
}

enum err
database_write_promised(struct database *d, txn_op *run, void *arg, struct promise *p)
{
	return write_now_or_promise(d, run, arg, DURABLE_NOW, p);
}
