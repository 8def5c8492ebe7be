/* store/peers.h - datagrams between the processes that have one data directory open. Only for
 * store/.
 *
 * Each process that listens has a socket run_dir/bus/<process>.<unique>.sock; whoever commits sends
 * to all the others. Where nobody watches nobody is woken: a process listens from its first watch
 * on. Sending never blocks: a destination whose queue is full is remembered and soon told to
 * look again at everything. Sockets that nobody holds any more are removed. Thread-safe.
 */
#ifndef STORE_PEERS_H
#define STORE_PEERS_H

#include "common/base/cleanup.h"
#include "common/base/err.h"

#include <stdint.h>

struct peers;

/* What changed; account 0: something was lost, look again at everything. */
struct peer_news {
	int64_t account;
	int64_t mailbox;
};

/* Makes run_dir/bus where it is missing. A failure is logged with the path. */
NODISCARD enum err peers_open(const char *run_dir, const char *process, struct peers **ret);
void peers_close(struct peers **b);
/* From now on the others' news come here. Once is enough. */
NODISCARD enum err peers_listen(struct peers *b);
void peers_send(struct peers *b, const struct peer_news *news);
/* Readable when there is something to receive or a refused datagram is to be sent again. */
int peers_fd(const struct peers *b);
/* Takes in what has arrived, a bounded number; `fn` is called for each. Also sends "look again" to
 * those that refused a datagram. */
void peers_receive(struct peers *b, void (*fn)(void *arg, const struct peer_news *news), void *arg);

#endif
