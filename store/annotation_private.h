/* store/annotation_private.h - what the folder tree needs of annotation.c. Private to store/. */
#ifndef STORE_ANNOTATION_PRIVATE_H
#define STORE_ANNOTATION_PRIVATE_H

#include "store/database.h"

/* The mailbox has these special uses, "\\Sent" or several with a blank between, or none; whatever
 * other mailbox had one of them has it no more. */
NODISCARD enum err txn_set_special_use(
    struct txn *t, int64_t mailbox, struct str use, uint64_t modseq);
/* The mailbox goes, and its entries with it. */
NODISCARD enum err txn_drop_annotations(struct txn *t, int64_t mailbox);
/* An account is no more that had entries of its own here. */
NODISCARD enum err txn_drop_viewer_annotations(struct txn *t, int64_t account);

#endif
