/* store/database.h - one database file shared by the threads of this process: lent handles, writes
 * combined into shared transactions, and their durability. Used for every account's mail.db and for
 * directory.db. Private to store/.
 *
 * Reading: a handle is lent from the pool for one consistent read.
 *
 *	CLEANUP(read_end) struct handle *h = NULL;
 *	enum err e = read_begin(&a->database, &h);
 *	if (!e)
 *		e = db_get_int(h->db, "SELECT …", &n);
 *
 * Writing: an operation is a function. Operations of threads that want to write at the same time
 * run one after the other in one transaction, each in a savepoint of its own, and share its commit
 * and its sync. A waiting thread waits for the disk only. An operation must not wait, write to a
 * database in another way or call database_write().
 *
 * Durability: every handle runs with synchronous=NORMAL, where a commit survives the process but
 * not the power. database_sync() makes what was committed durable by one fdatasync of the WAL file,
 * outside the write lock, so that the next transaction runs meanwhile; what a checkpoint has moved
 * out of the WAL before was synced by the checkpoint. After a failed sync nobody is told that it
 * succeeded: all who wait get ERR_IO, the handles are closed and the next writer must first bring
 * all that stands in the WAL into the database file before anything else is accepted.
 *
 * A lock that another process holds is waited for BUSY_PATIENCE_MS; whoever comes after that fails
 * sooner, until the lock is free again, so that a process that hangs does not take the threads of
 * this one. Once logged.
 */
#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

#include "store/db.h"
#include "store/promise.h"
#include "store/schema.h"
#include "store/waiter.h"

#include <pthread.h>
#include <stdatomic.h>

struct pool;
struct account;
struct database;
struct upkeep;

/* A lent connection. */
struct handle {
	struct db *db;
	struct database *database;
	/* -- private to pool.c, guarded by pool->mu */
	enum db_role role;
	uint64_t generation;
	int64_t idle_since_ms;
	bool ready; /* a writer's: write.c has opened the WAL beside it */
	bool attached; /* counted in database->attached */
	struct handle *newer, *older; /* idle handles of the pool, by the time of their return */
	struct handle *next_idle,
	    **idle_link; /* those of one database and role, the newest first */
};

struct write_op;

struct database {
	struct pool *pool;
	char *path;
	const struct schema *schema;
	struct account *account; /* NULL: the directory */
	/* Asked in every transaction before its operations: an error refuses them all. May be NULL.
	 */
	enum err (*admit)(struct db *db);
	/* What is to be written while a sync runs waits until it is over: nothing of it would be
	 * durable before the next one, and there are fewer and larger transactions. */
	bool gathers;
	/* After a commit, on the thread of the operation. May be NULL. */
	void (*committed)(struct database *d, const int64_t *mailboxes, size_t n);

	/* guarded by pool->mu */
	unsigned handles; /* open ones, lent or idle */
	unsigned attached; /* of them, those that have the WAL open, and keep others from taking it
			      away */
	uint64_t openings; /* how often there came to be one of these */
	struct handle *idle[2]; /* by role */
	struct database *next_unsynced; /* upkeep.c; guarded by its lock */
	atomic_bool unsynced; /* on the list of upkeep.c */
	atomic_bool wal_long; /* and wants a checkpoint */

	pthread_mutex_t mu;
	pthread_cond_t rests; /* nobody syncs any more */
	/* guarded by mu */
	struct waiter_list unsynced_waiters; /* sync.c: threads whose commits are to be synced */
	struct write_op *queue, **queue_end;
	bool writing; /* some thread runs the queue */
	int wal_asked; /* the WAL's frames when it was asked for a checkpoint; the leader's */
	bool syncing; /* some thread syncs the WAL, or was called to */
	uint64_t commits; /* the number of the last commit */
	uint64_t synced; /* all up to this one are on stable storage */
	uint64_t generation; /* rises when the handles must be opened anew */
	uint64_t last_good; /* `synced` when the generation before this one ended */
	bool suspect; /* a sync failed: the next writer has to check the WAL out first */
	bool stuck; /* the lock was not to be had: shorter waits until it is */
	int64_t patience_ms; /* for the lock, of the first who finds it taken */
	int wal_fd; /* -1, or the WAL as the writer's handle has it open */
	int (*sync_file)(int fd); /* fdatasync(2), or what a test puts in its place */
};

/* `path` and `schema` of an existing file; nothing is opened yet. */
NODISCARD enum err database_init(
    struct database *d, struct pool *pool, const char *path, const struct schema *schema);
/* No handle is lent and nobody waits. Syncs what is not synced; closes everything. */
void database_done(struct database *d);
/* Makes the file (ERR_EXISTS) with the newest schema and runs `fill` (may be NULL) in it; durable
 * when it returns. */
NODISCARD enum err database_create(const char *path, const struct schema *schema,
    enum err (*fill)(struct db *db, void *arg), void *arg);
/* An existing file is brought forward, one that is missing made. Several processes may do so at
 * once. */
NODISCARD enum err database_provide(const char *path, const struct schema *schema);

/* A handle in a read transaction. ERR_GONE: the file is no more. */
NODISCARD enum err read_begin(struct database *d, struct handle **ret);
void read_end(struct handle **h);

/* -- writing */

enum durability {
	DURABLE_LATER, /* committed now, synced by the next database_sync() */
	DURABLE_NOW
};

#define STUCK_PATIENCE_MS 20

#define TXN_TOUCHED_MAX 8

/* What an operation works in. */
struct txn {
	struct db *db;
	struct account *account;
	bool alone; /* no other operation shares the transaction */
	/* -- private to write.c */
	int64_t touched[TXN_TOUCHED_MAX];
	size_t touched_count;
	struct txn_file *files;
};

typedef enum err txn_op(struct txn *t, void *arg);

/* Runs `op`. ERR_OK only when it returned ERR_OK and was committed (and synced, with DURABLE_NOW);
 * otherwise nothing of it happened, except that after a failed sync (ERR_IO) it may have. */
NODISCARD enum err database_write(
    struct database *d, txn_op *op, void *arg, enum durability durability);

/* As database_write() with DURABLE_NOW, but for the wait: that is promise_keep()'s. What it is
 * added to holds commits of `d` only. */
NODISCARD enum err database_write_promised(
    struct database *d, txn_op *op, void *arg, struct promise *p);

/* All that was committed is on stable storage; after a failed sync by way of the database file, as
 * a writer would bring it there. */
NODISCARD enum err database_sync(struct database *d);
/* From store_tick(): the checkpoint that the writer has asked for, if it has. */
void database_tend_wal(struct database *d);
bool database_is_synced(struct database *d);

/* For operations: notes that `mailbox` changed (0: the folder tree), for changes.h. */
void txn_touch(struct txn *t, int64_t mailbox);
/* The file at `path` is no longer named by any row: removed once that is durable. ERR_NOMEM. */
NODISCARD enum err txn_remove_file(struct txn *t, const char *path);
/* The file at `path` was made for this operation: removed if it fails. ERR_NOMEM. */
NODISCARD enum err txn_added_file(struct txn *t, const char *path);

/* -- the pool of handles */

#define POOL_HANDLES_MAX 256 /* idle ones beyond this are closed, the oldest first */
/* Where more are idle, one that is given back keeps no pages in memory. */
#define POOL_WARM_MAX 64
/* That a writer's has open: database, WAL, the WAL's index, the WAL again. */
#define POOL_HANDLE_FILES 4
#define POOL_IDLE_MS 30000

/* `u`, which may be NULL, outlives the pool: it hears of idle handles and unsynced commits. */
NODISCARD enum err pool_new(struct upkeep *u, struct pool **ret);
void pool_free(struct pool **p);
struct upkeep *pool_upkeep(const struct pool *p);
/* In place of POOL_HANDLES_MAX. Before the first handle. */
void pool_set_max(struct pool *p, unsigned idle_max);
/* Closes handles that were not used for `idle_ms`, with 0 all, else a bounded number before it asks
 * for another tick; how many. */
unsigned pool_reap(struct pool *p, int64_t idle_ms);
/* Closes the idle handles of one database. */
void pool_forget(struct pool *p, struct database *d);
unsigned pool_handles(struct pool *p, const struct database *d); /* of all with NULL */
/* How many were closed since the last call. */
unsigned pool_count_closed(struct pool *p);
/* A handle outside any transaction; the writer's is for write.c alone. */
NODISCARD enum err pool_take(struct database *d, enum db_role role, struct handle **ret);
void pool_give(struct handle **h);
/* The stamp of the database, by way of an idle handle; false when there is none. It differs from
 * those taken before all handles of this process were closed. */
bool pool_stamp(struct database *d, struct db_stamp *ret);

#endif
