/* store/threads.h - which messages of an account belong together: THREADID (RFC 8474 §5.2).
 *
 * Delivery does not ask. The first who does has every message that has no thread yet put into one,
 * in the order of their ids: into that of the first message known that it names in References or
 * In-Reply-To, or that names it, else into its own. It stays there for ever, whatever comes later,
 * since a THREADID must not change. Copies are one message here. Message IDs lead to a thread,
 * those of messages that are gone too, as long as one of its messages is there.
 */
#ifndef STORE_THREADS_H
#define STORE_THREADS_H

#include "store/reader.h"

#define THREAD_IDS_MAX 1000 /* that lead to one thread */

/* Puts some messages into their threads; *ret_done when all have one. So that others can write, and
 * sessions be served, it is called again and again. */
NODISCARD enum err threads_assign(struct account *a, bool *ret_done);
/* The thread of a message, 0 when it has none yet or is no more. */
NODISCARD enum err reader_thread(struct reader *r, int64_t message, int64_t *ret);

#endif
