/* common/net/loop.h - the daemon's one loop thread: listeners, timers, signals, the change bus.
 *
 * Connections are not its business: the workers wait for those themselves (workers.h). What runs
 * here must never block. loop_watch, loop_timer_* and loop_stop are thread-safe; callbacks run on
 * the loop's thread.
 */
#ifndef COMMON_NET_LOOP_H
#define COMMON_NET_LOOP_H

#include "common/base/cleanup.h"
#include "common/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_timer;

NODISCARD enum err loop_new(struct loop **ret);
void loop_free(struct loop **l);
/* Runs until loop_stop(), also one that came before. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* Calls `fn` whenever `fd` is readable (level-triggered), until loop_unwatch(). The caller keeps
 * the fd. */
NODISCARD enum err loop_watch(struct loop *l, int fd, void (*fn)(void *arg), void *arg);
void loop_unwatch(struct loop *l, int fd);

/* A timer, first disarmed. */
struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg);
/* Fires once `ms` from now, up to a second later where that is ten seconds or more; a second call
 * moves it; 0 disarms. */
void loop_timer_set(struct loop_timer *t, int64_t ms);
void loop_timer_free(struct loop_timer **t);

#endif
