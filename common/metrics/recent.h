/* common/metrics/recent.h - the last minute: what was counted since about then.
 *
 * Nothing runs by the clock. Whoever ends a command looks whether the last copy of all figures is
 * RECENT_EVERY_US old, and if so makes one; between two copies that are far apart nothing happened.
 * Thread-safe.
 */
#ifndef COMMON_METRICS_RECENT_H
#define COMMON_METRICS_RECENT_H

#include "common/metrics/metrics.h"

#define RECENT_EVERY_US INT64_C(20000000)
#define RECENT_SPAN_US INT64_C(60000000)

extern atomic_llong recent_due_us;
void recent_copy(int64_t now_us);

/* Before something is counted. Now and then adds up all cells, which takes less than a millisecond;
 * else one comparison. */
static inline void
recent_note(int64_t now_us)
{
	if (__builtin_expect(
		now_us >= atomic_load_explicit(&recent_due_us, memory_order_relaxed), 0))
		recent_copy(now_us);
}

/* Takes off `now`, which was read at `now_us`, what had been counted a minute before, or up to
 * RECENT_EVERY_US earlier than that. Returns how long what is left took to come, in microseconds:
 * not less than a minute, unless the process is younger. */
int64_t recent_subtract(struct metrics_cells *now, int64_t now_us);
/* The process begins, or a test does: copies made before are forgotten. */
void recent_begin(int64_t now_us);

#endif
