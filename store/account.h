/* store/account.h - one account's store: a shared, reference-counted object per process and
 * account. It holds no database handle of its own between calls; handles come from a bounded pool
 * that closes idle ones. */
#ifndef STORE_ACCOUNT_H
#define STORE_ACCOUNT_H

#include "store/store.h"

struct account;

/* A reference to the account `id`. ERR_NOT_FOUND, ERR_CORRUPT (that account only; the log names the
 * file), ERR_IO. Migrates an older database. */
NODISCARD enum err account_open(struct store *s, int64_t id, struct account **ret);
struct account *account_ref(struct account *a);
void account_unref(struct account **a);
int64_t account_id(const struct account *a);
/* accounts/<id> below the data directory, as long as the account lives. */
const char *account_dir(const struct account *a);

struct quota {
	uint64_t bytes_used;
	uint64_t bytes_limit; /* 0 none */
	uint64_t messages_used;
	uint64_t messages_limit;
};

NODISCARD enum err account_quota(struct account *a, struct quota *ret);
/* Whether `bytes` more would fit: ERR_OK or ERR_OVER_QUOTA. A hint for RCPT; the delivery itself
 * decides again in its transaction. */
NODISCARD enum err account_has_room(struct account *a, uint64_t bytes);
/* Before a client is told what has happened since it was here last: where the machine has been
 * started since the account was written to, what may have been given out and lost is left behind
 * now, not at the next write (store/boot.h). */
NODISCARD enum err account_settle(struct account *a);
/* What was committed is on stable storage when it returns (IMAP CHECK). */
NODISCARD enum err account_sync(struct account *a);

/* Deletes the messages that no mailbox has any more, all of them; store_tick() does so in small
 * steps, soon after an expunge. */
NODISCARD enum err account_clean(struct account *a);
/* Integrity of the database, counters and quota against a recount, blobs against rows. Problems are
 * written as lines to `report`; ERR_CORRUPT if there are any. */
NODISCARD enum err account_check(struct account *a, struct sbuf *report);

#endif
