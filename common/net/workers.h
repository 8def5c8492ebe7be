/* common/net/workers.h - the fixed pool of threads that runs sessions.
 *
 * Every worker waits in epoll_wait() on one shared set of one-shot descriptors and on one run
 * queue, so the thread that is told of a readable connection is the thread that runs its turn:
 * there is no hand-over on the way of a command. One-shot arming gives a connection to one thread
 * at a time.
 */
#ifndef COMMON_NET_WORKERS_H
#define COMMON_NET_WORKERS_H

#include "common/base/cleanup.h"
#include "common/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct workers;

/* A thing that workers run: a connection, or a job. Embedded in its owner, which outlives it. */
struct task {
	void (*run)(struct task *t);
	struct task *next; /* run queue; guarded by its lock */
};

NODISCARD enum err workers_start(unsigned threads, struct workers **ret);
/* Waits for running turns to end, then joins. Nothing may be queued or armed any more. */
void workers_stop(struct workers **w);

/* Any thread: `t` runs once on some worker, after what is queued already. */
void workers_queue(struct workers *w, struct task *t);
/* One-shot: when `fd` is ready for `epoll_events`, `t` runs on a worker. `known`: the descriptor
 * was armed before. */
NODISCARD enum err workers_arm(
    struct workers *w, int fd, uint32_t epoll_events, bool known, struct task *t);
void workers_forget(struct workers *w, int fd);
/* All workers but the caller, who is one of them, wait for something to do, and there is more than
 * one processor: who looks for work instead of waiting keeps nobody from it. So at most one of a
 * pool does. */
bool workers_rest(const struct workers *w);

/* What the pool is at, for people: nothing may be decided by it. */
struct workers_state {
	unsigned threads, busy;
	size_t queued; /* tasks that wait for a thread */
};
struct workers_state workers_look(struct workers *w);

#endif
