/* store/store_private.h - what a store is made of. Private to store/. */
#ifndef STORE_STORE_PRIVATE_H
#define STORE_STORE_PRIVATE_H

#include "common/base/fullness.h"
#include "common/base/log_ration.h"
#include "store/database.h"
#include "store/store.h"

#define BOOT_ROOM 40 /* octets */

struct bus;
struct helpers;
struct queue;
struct tracer;

#define STORE_ACCOUNT_BUCKETS 256 /* a power of two */

struct store {
	char *data_dir;
	char *run_dir; /* NULL: none */
	char *process;
	char *spool_dir; /* data_dir/spool */
	fullness_fn *fullness; /* NULL: never full; set before there is anything to do */
	void *memory_arg;
	struct log_ration memory_complaints; /* that it is; spool.c */
	char *delimiter; /* of sub-addresses, "" for none */
	uint64_t default_quota_bytes;
	uint32_t tombstone_days;
	uint32_t trace_days;
	char boot[BOOT_ROOM]; /* boot.h */

	struct upkeep *upkeep;
	struct pool *pool;
	struct database directory;
	struct helpers *helpers;

	pthread_mutex_t mu;
	struct account *accounts[STORE_ACCOUNT_BUCKETS]; /* guarded by mu */
	bool forgettable; /* an account may have become idle; guarded by mu */
	struct login_note *login_notes; /* directory_account.c; guarded by mu */
	int64_t trimmed_ms; /* store_tick() only */
	size_t clean_bucket; /* of accounts, where the cleaner goes on; store_tick() only */
	bool untrimmed; /* handles were closed since; store_tick() only */

	pthread_mutex_t
	    moves; /* the ends of MOVEs between accounts, one at a time: message_transfer.c */
	struct bus *bus; /* changes.c */
	struct queue *queue; /* queue_open.c */
	struct tracer *tracer; /* trace.c */
	struct signing_key_cache *signing_keys; /* signing_key_cache.c */
};

/* -- of account.c: what store_tick() and store_close() do to accounts */

/* Syncs what nobody waited for, directory.db too. */
void accounts_sync(struct store *s);
/* `handles_closed`: look even if no reference was given up since the last time. True: some went. */
bool accounts_forget_idle(struct store *s, bool handles_closed);
void accounts_free(struct store *s);

/* -- of changes.c and view_cache.c */

/* Called by store_open() and store_close(): who watches here, and the socket of the others
 * (changes_private.h). */
NODISCARD enum err bus_open(struct store *s, struct bus **ret);
/* All watches must be gone. */
void bus_close(struct bus **b);
/* After a commit, outside all locks: the watchers of these mailboxes, here and in the other
 * processes. 0 is the folder tree and concerns all of the account's. */
void changes_publish(struct account *a, const int64_t *mailboxes, size_t n);

/* -- of spool.c */

/* Removes what killed processes left in the spool directory; from store_open(). */
void spool_sweep(const char *spool_dir);

struct view_cache;
void view_cache_free(struct view_cache **c);

#endif
