/* common/metrics/histogram.h - how times are spread, in a fixed number of buckets.
 *
 * Log-linear: four buckets to each power of two, from a microsecond to two minutes, so that a
 * quantile is right to a quarter. Pure functions of microseconds; the cells are the caller's.
 */
#ifndef COMMON_METRICS_HISTOGRAM_H
#define COMMON_METRICS_HISTOGRAM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 104 /* the last has whatever takes longer */

struct histogram {
	_Atomic uint64_t sum_us;
	_Atomic uint64_t bucket[HISTOGRAM_BUCKETS];
};

static inline size_t
histogram_bucket(uint64_t us)
{
	if (us < 4)
		return (size_t)us;
	unsigned power = 63u - (unsigned)__builtin_clzll(us);
	size_t i = 4 * (size_t)(power - 1) + (size_t)(us >> (power - 2) & 3);

	return i < HISTOGRAM_BUCKETS ? i : HISTOGRAM_BUCKETS - 1;
}

/* The first value that is beyond bucket `i`. */
static inline uint64_t
histogram_end(size_t i)
{
	if (i < 4)
		return i + 1;
	unsigned power = (unsigned)(i / 4) + 1;

	return (4 + (uint64_t)(i % 4) + 1) << (power - 2);
}

uint64_t histogram_count(const struct histogram *h);
/* The value that `share` (0 to 1) of them stay below, in the midst of its bucket; 0 where there is
 * nothing. */
uint64_t histogram_quantile(const struct histogram *h, double share);
/* How many are below `us`, a power of two from 4 on: exact, since buckets end there. */
uint64_t histogram_below(const struct histogram *h, uint64_t us);

#endif
