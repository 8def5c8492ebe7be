/* store/mailbox_private.h - what the files of the folder tree share. Private to store/. */
#ifndef STORE_MAILBOX_PRIVATE_H
#define STORE_MAILBOX_PRIVATE_H

#include "store/account_private.h"
#include "store/mailbox.h"

/* What a new account's database is filled with. */
struct mailbox_defaults {
	int64_t account;
	int64_t created_s;
	uint64_t quota_bytes;
	const char *boot; /* the machine's: boot.h */
};

/* For database_create(): meta, INBOX and the special-use mailboxes, subscribed. `arg` is a struct
 * mailbox_defaults. */
NODISCARD enum err mailbox_make_defaults(struct db *db, void *arg);

/* The row of this name, in any transaction: ERR_NOT_FOUND. */
NODISCARD enum err mailbox_id(struct db *db, struct str name, int64_t *ret, bool *ret_noselect);
/* Whether there is a mailbox below `name`. */
NODISCARD enum err mailbox_has_children(struct db *db, struct str name, bool *ret);
/* A new row with a fresh UIDVALIDITY; the superior ones must exist. ERR_EXISTS, ERR_LIMIT. */
NODISCARD enum err mailbox_insert(
    struct txn *t, struct str name, struct str special_use, int64_t *ret_id);
/* Makes the missing superiors of `name`. */
NODISCARD enum err mailbox_make_superiors(struct txn *t, struct str name);
/* Takes away the \Noselect names above `name` that have nothing below them any more. */
NODISCARD enum err mailbox_prune_superiors(struct txn *t, struct str name);

#endif
