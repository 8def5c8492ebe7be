/* store/account_private.h - what an account is made of, and the pieces its transactions are made
 * of. Private to store/. */
#ifndef STORE_ACCOUNT_PRIVATE_H
#define STORE_ACCOUNT_PRIVATE_H

#include "store/account.h"
#include "store/database.h"
#include "store/store_private.h"

struct view_cache;

#define BLOB_DIRS 1024 /* by two letters of an EMAILID, each of 32 */

struct account {
	struct database database; /* mail.db */
	struct store *store;
	int64_t id;
	char *dir; /* accounts/<id> */
	char *blobs; /* accounts/<id>/blobs */
	_Atomic uint64_t blob_dirs[BLOB_DIRS / 64]; /* those whose names are durable, for sure */
	struct account *next; /* in store->accounts; guarded by store->mu */
	unsigned refs; /* guarded by store->mu */
	pthread_mutex_t open_mu;
	bool opened; /* migrated and fit for use; guarded by open_mu */

	pthread_mutex_t quota_mu;
	struct quota quota; /* as seen last, quota.c; guarded by quota_mu */
	int64_t quota_ms; /* when, 0 never; guarded by quota_mu */

	_Atomic bool
	    same_boot; /* what was given out since the machine started is all there: boot.h */
	_Atomic bool unswept; /* the cleaner may have something to do (cleaner.h) */
	int64_t clean_after_ms; /* but not before; store_tick() only */
	_Atomic int64_t from_queue_seen; /* up to where from_queue.c has looked */
	struct view_cache
	    *views; /* view_cache.c; NULL until needed, view_cache_free() at the end */
};

/* database_write() of the account; watchers are called after the commit. */
NODISCARD enum err account_write(
    struct account *a, txn_op *op, void *arg, enum durability durability);
/* With NULL, or a promise that holds commits of another account, it is durable when it returns. */
NODISCARD enum err account_write_promised(
    struct account *a, txn_op *op, void *arg, struct promise *p);
/* A consistent read; guard read_end. */
NODISCARD enum err account_read(struct account *a, struct handle **ret);

/* blobs/xx/<name>, the first two letters of the name between; in `out`, which must hold PATH_MAX
 * octets. */
NODISCARD enum err account_blob_path(const struct account *a, struct str name, char *out);

/* Makes the directory of a blob, durable in its parent. `dir` is its path, with which `blob_path`
 * of account_blob_path() begins. */
NODISCARD enum err account_make_blob_dir(struct account *a, const char *dir);

/* -- pieces of operations */

/* A modseq higher than every one before. One is enough for all changes of an operation. */
NODISCARD enum err txn_next_modseq(struct txn *t, uint64_t *ret);
NODISCARD enum err txn_next_uidvalidity(struct txn *t, uint32_t *ret);

/* -- of quota.c: the limits stand in directory.db and, so that one transaction decides, in mail.db.
 */

/* An operation: sets the limits as the directory has them at that moment. Whoever changes them
 * there runs it afterwards, so that the last one to run sees the last change. */
NODISCARD enum err txn_mirror_limits(struct txn *t, void *unused);
/* What a crash between the two commits left different from `is` is made the same. A failure is
 * logged and keeps nobody from the account. */
void account_mend_limits(struct account *a, const struct quota *is);
/* What mail.db has now. ERR_CORRUPT. */
NODISCARD enum err quota_read(struct db *db, struct quota *ret);
/* What was seen in passing: spares account_has_room() a handle. NULL: it may be wrong now. */
void account_note_quota(struct account *a, const struct quota *seen);

struct mailbox_change {
	int64_t messages; /* entries added less those removed */
	int64_t unseen; /* the same, of those without \Seen */
	int64_t deleted; /* the same, of those with \Deleted */
	int64_t bytes;
	bool within; /* they come from, or go to, a mailbox of the same account */
};

/* Adds to the counters of the mailbox and, but for moves within it, of the account, sets the
 * mailbox's highest_modseq and touches it. ERR_OVER_QUOTA when the account grows beyond a limit,
 * ERR_GONE without the mailbox. */
NODISCARD enum err txn_change_mailbox(
    struct txn *t, int64_t mailbox, const struct mailbox_change *change, uint64_t modseq);
/* `n` consecutive UIDs, the first in *ret_first. ERR_GONE; ERR_LIMIT when there are none left. */
NODISCARD enum err txn_take_uids(
    struct txn *t, int64_t mailbox, uint32_t n, uint32_t *ret_first, uint32_t *ret_uidvalidity);
#endif
