/* common/metrics/metrics.h - what a daemon counts of its own doing: names.h has all of it.
 *
 * Counting takes no lock and writes to no cache line that another thread writes to: each thread has
 * cells of its own, which nobody else changes, and a reader adds up those of all threads. Cells of
 * a thread that ended are taken over by the next that begins, with what they hold. Like the log
 * this is one for the process, since what is worth counting happens in every layer. Memory is
 * bounded by names.h and taken page by page as figures come to be used.
 *
 *	METRICS_ADD(received_bytes, 0, n);
 *	METRICS_COUNT(smtp_commands, index);
 *	METRICS_TIME(database_sync, 0, began_us);
 */
#ifndef COMMON_METRICS_METRICS_H
#define COMMON_METRICS_METRICS_H

#include "common/base/clock.h"
#include "common/metrics/histogram.h"
#include "common/metrics/names.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Counts first: what every thread uses lies on one page. */
struct metrics_cells {
#define X(member, kind, series, label, whose, meaning) _Atomic uint64_t member[series];
	METRIC_COUNTS(X)
#undef X
#define X(member, series, label, whose, meaning) struct histogram member[series];
	METRIC_TIMES(X)
#undef X
};

enum metric {
#define X(member, kind, series, label, whose, meaning) METRIC_##member,
	METRIC_COUNTS(X)
#undef X
#define X(member, series, label, whose, meaning) METRIC_##member,
	    METRIC_TIMES(X)
#undef X
		METRIC__COUNT
};

/* This thread's; NULL before its first count. */
extern _Thread_local struct metrics_cells *metrics_own;
/* Its cells from now on. Never NULL: without memory they are shared, and inexact. */
struct metrics_cells *metrics_begin_thread(void);

static inline struct metrics_cells *
metrics_mine(void)
{
	return __builtin_expect(metrics_own != NULL, 1) ? metrics_own : metrics_begin_thread();
}

/* Of one's own cells: nobody else writes there. */
static inline void
metrics_raise(_Atomic uint64_t *cell, uint64_t n)
{
	atomic_store_explicit(
	    cell, atomic_load_explicit(cell, memory_order_relaxed) + n, memory_order_relaxed);
}

static inline void
metrics_observe(struct histogram *h, int64_t us)
{
	uint64_t took = us > 0 ? (uint64_t)us : 0;

	metrics_raise(&h->sum_us, took);
	metrics_raise(&h->bucket[histogram_bucket(took)], 1);
}

/* `i`: which series of the family. */
#define METRICS_ADD(family, i, n) metrics_raise(&metrics_mine()->family[i], (uint64_t)(n))
#define METRICS_COUNT(family, i) METRICS_ADD(family, i, 1)
/* One that was added before, here or on another thread: the sum of all cells is what counts. */
#define METRICS_TAKE(family, i) METRICS_ADD(family, i, UINT64_MAX)
/* The time since `began_us`, of clock_mono_us(). */
#define METRICS_TIME(family, i, began_us)                                                          \
	metrics_observe(&metrics_mine()->family[i], clock_mono_us() - (began_us))

/* The values of the label of a family's series, in their order; NULL ends them. */
typedef const char *metric_value(size_t i);

/* Before anything is read: the daemon has these series. Constant afterwards. A family that has a
 * label and no values is not shown. */
void metrics_set_values(enum metric m, metric_value *value);
/* The same where they stand in a table, which outlives all reading. */
typedef const char *metric_row(const void *table, size_t i);
void metrics_set_rows(enum metric m, metric_row *row, const void *table);

struct metric_family {
	const char *name; /* the member's */
	enum metric_kind {
		METRIC_SUM,
		METRIC_STATE,
		METRIC_TAKEN,
		METRIC_MICROS,
		METRIC_TIME
	} kind;
	size_t series;
	const char *label; /* or NULL */
	unsigned whose;
	const char *meaning;
	size_t offset; /* of its first cell or histogram */
};

const struct metric_family *metrics_family(enum metric m);
/* The series of a family that this process has, and what the label of one says. */
size_t metrics_series(enum metric m);
const char *metrics_value_of(enum metric m, size_t i);

/* All threads' cells added up, and given back. NULL without memory. Not an instant: counting goes
 * on meanwhile. */
struct metrics_cells *metrics_read(void);
/* Cells of nobody, all zero, to be filled and then given back; NULL without memory. */
struct metrics_cells *metrics_cells_new(void);
void metrics_cells_free(struct metrics_cells **cells);
/* Of what was read. */
static inline uint64_t
metrics_cell(const _Atomic uint64_t *cell)
{
	return atomic_load_explicit(cell, memory_order_relaxed);
}
static inline void
metrics_set(_Atomic uint64_t *cell, uint64_t n)
{
	atomic_store_explicit(cell, n, memory_order_relaxed);
}
/* The series of a family in cells that were read. */
static inline const _Atomic uint64_t *
metrics_count_at(const struct metrics_cells *c, const struct metric_family *f, size_t i)
{
	return (const _Atomic uint64_t *)((const char *)c + f->offset) + i;
}
static inline const struct histogram *
metrics_time_at(const struct metrics_cells *c, const struct metric_family *f, size_t i)
{
	return (const struct histogram *)((const char *)c + f->offset) + i;
}

/* Values that several daemons share. */
metric_value metrics_error_code; /* an enum err */
metric_value metrics_mechanism;
metric_value metrics_tls_result;
/* Which of them this is, whatever its case; the last ("other") if none. */
size_t metrics_index_of(metric_value *value, const char *name);

#endif
