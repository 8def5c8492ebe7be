/* store/from_queue.h - which messages of the queue an account has.
 *
 * A delivery from the queue is two commits in two databases: the message into mail.db, then its
 * recipient out of queue.db. What dies between them, or is called back by a power loss, is due
 * again; so the account keeps, in the transaction of the delivery, which message of the queue that
 * was, and does not take it twice. The same makes one copy of what leads to an account by several
 * recipients of a message. The queue's id of a message is not enough: a queue that was brought back
 * from a backup, or begun anew, gives ids again. So the second at which the message came to the
 * queue stands beside it.
 *
 * A row is needed for as long as the queue may have the message. Deliveries take away what the
 * queue has no more, once that is durable there: they look at FROM_QUEUE_WINDOW rows each, and at
 * all by turns. Where the window holds everything at most FROM_QUEUE_SPARE rows stay that nobody
 * needs.
 *
 * Private to store/. Thread-safe.
 */
#ifndef STORE_FROM_QUEUE_H
#define STORE_FROM_QUEUE_H

#include "store/account_private.h"

#define FROM_QUEUE_WINDOW 64
#define FROM_QUEUE_SPARE 16

/* A message of the queue: its id and when it came there. */
struct queued_key {
	int64_t message;
	int64_t created_s;
};

/* In the transaction of a delivery. *ret_had: the account has it. The row is written even then:
 * what is there may be the work of one who died before it was synced, and the sync of this
 * transaction is one of that, too. */
NODISCARD enum err from_queue_note(struct txn *t, const struct queued_key *key, bool *ret_had);

/* Rows that nobody needs any more. */
struct from_queue_gone {
	struct queued_key keys[FROM_QUEUE_WINDOW];
	size_t n;
};

/* Before a delivery: those that are worth a write; the queue has forgotten them durably. Whatever
 * fails, there are none: a later delivery finds them. */
void from_queue_find_gone(struct account *a, struct from_queue_gone *ret);
NODISCARD enum err from_queue_forget(struct txn *t, const struct from_queue_gone *gone);

#endif
