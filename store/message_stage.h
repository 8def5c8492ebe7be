/* store/message_stage.h - messages of one account that are brought into another, batch by batch,
 * before any entry points to them. Only for store/.
 *
 * Nobody sees a staged message. Each batch is a transaction of its own, and so that no crash leaves
 * messages without an entry for ever, it also lays a tombstone of mailbox 0 that names them. The
 * transaction that gives all of them their entries takes those tombstones away (stage_settle());
 * who gives up hands them to the cleaner (stage_drop()). What neither has happened to is left by a
 * process that died: from the age of STAGE_DEAD_S on the cleaner takes it (stage_adopt()).
 */
#ifndef STORE_MESSAGE_STAGE_H
#define STORE_MESSAGE_STAGE_H

#include "store/message_private.h"

#define STAGE_MAILBOX 0 /* of the tombstones */
#define STAGE_DEAD_S 3600

/* One batch: what other writers of the target wait for at most. */
#define STAGE_MESSAGES 128
#define STAGE_OCTETS (1024 * 1024) /* that go through the database; a larger file is linked */

struct stage {
	struct account *from, *to;
	int64_t *note; /* the tombstones */
	size_t notes, cap;
};

/* Brings the messages of `rows` from one account to the other; ret[i] is the new message, 0 where
 * the old one is no more. Committed, not synced; files and their names are on stable storage. Where
 * it fails nothing of the batch is there. ERR_GONE (an account), ERR_NOMEM, ERR_IO, ERR_NO_SPACE.
 */
NODISCARD enum err stage_messages(
    struct stage *s, const struct entry *rows, size_t n, int64_t *ret);
/* In the transaction that makes the entries. ERR_BUSY: the cleaner has taken them for dead. */
NODISCARD enum err stage_settle(struct txn *t, const struct stage *s);
/* They are not wanted any more. Where that can't be written they count as dead later. */
void stage_drop(struct stage *s);
void stage_done(struct stage *s);

/* -- for the cleaner */

/* Whether there are messages that count as dead. */
NODISCARD enum err stage_has_dead(struct db *db, bool *ret);
/* Names them in `unswept`. */
NODISCARD enum err stage_adopt(struct account *a);

#endif
