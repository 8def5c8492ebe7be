/* store/write_private.h - between sync.c (durability) and write.c (combined writes). */
#ifndef STORE_WRITE_PRIVATE_H
#define STORE_WRITE_PRIVATE_H

#include "store/database.h"

struct commit {
	uint64_t number, generation;
};

/* What a thread that waited has to do for itself and for others. */
enum must { MUST_NOTHING, MUST_WRITE, MUST_SYNC };

/* A thread that waits for a transaction, and for the sync of its commit. On its stack. */
struct sync_waiter {
	struct waiter waiter;
	enum must must; /* when it is called */
	struct commit commit;
	enum err result; /* with MUST_NOTHING; ERR_IO: the commit's generation is no more */
};

/* Opens the WAL beside a new handle of the writer. */
NODISCARD enum err database_open_wal(struct database *d);
/* The writer met an I/O error: what is not synced counts as lost. */
void database_fail(struct database *d);
/* Adds a commit to what is promised. */
void promise_add(struct promise *p, struct database *d, uint64_t commit, uint64_t generation);
/* Returns once the commit is on stable storage; ERR_IO when `generation` is no more. */
NODISCARD enum err database_wait_synced(struct database *d, uint64_t commit, uint64_t generation);

/* The same in steps, for who calls several at once. With d->mu held: puts `s` among those who wait
 * for its commit; false: its result is known. After the last, database_begin_sync_locked() sees to
 * it that somebody syncs. Who is called with MUST_SYNC carries out database_sync_round(), without
 * the lock, and has its result then. */
bool database_join_sync_locked(struct database *d, struct sync_waiter *s);
void database_begin_sync_locked(struct database *d, struct waiter_list *called);
void database_sync_round(struct database *d, struct sync_waiter *s);
/* With d->mu held: calls the first operation of the queue to lead a transaction, if one is to begin
 * now. */
void database_begin_write_locked(struct database *d, struct waiter_list *called);

#endif
