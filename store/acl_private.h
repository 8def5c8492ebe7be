/* store/acl_private.h - lists of rights inside of transactions. Private to store/. */
#ifndef STORE_ACL_PRIVATE_H
#define STORE_ACL_PRIVATE_H

#include "store/account_private.h"
#include "store/acl.h"

/* acl_rights() in any transaction. `owner`: whose database it is. */
NODISCARD enum err acl_rights_in(
    struct db *db, int64_t owner, int64_t mailbox, int64_t viewer, unsigned *ret);
/* A new mailbox has the list of the nearest one above it (RFC 4314 §4, CREATE). */
NODISCARD enum err acl_inherit(struct txn *t, int64_t mailbox, struct str name);
/* With the mailbox goes its list, and what its viewers have seen (§4, DELETE). */
NODISCARD enum err acl_drop(struct txn *t, int64_t mailbox);
/* All entries that mean an account which is no more, in all lists of `a`. */
NODISCARD enum err acl_forget_account(struct account *a, int64_t gone);

/* Before entries for `viewer` are made: a crash in between leaves a row too many, never one too
 * few. */
NODISCARD enum err share_announce(struct account *a, int64_t viewer);
/* After a list was changed, or mailboxes were deleted with theirs: makes directory.db's rows those
 * of the lists, where they are others. Whoever changes a list runs it afterwards, so that the last
 * one to run sees the last change. */
NODISCARD enum err share_follow(struct account *a);
/* Makes right what a crash left between the two databases; at the account's first use. A failure is
 * logged and keeps nobody from the account. */
void share_mend(struct account *a);

#endif
