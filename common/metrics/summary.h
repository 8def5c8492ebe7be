/* common/metrics/summary.h - figures as JSON, for `pillarbox status`: since the start and of the
 * last minute, with quantiles of times.
 *
 *	"counters": {"connections": [{"listener": "imap", "total": 5, "last_minute": 1}]},
 *	"gauges": {"open_connections": [{"listener": "imap", "now": 2}]},
 *	"times": {"imap_command": [{"command": "FETCH", "count": 9, "p50_us": 80, "p99_us": 640,
 *	  "last_minute": {"count": 2, "p50_us": 80, "p99_us": 80}}]}
 *
 * A series that is zero is left out.
 */
#ifndef COMMON_METRICS_SUMMARY_H
#define COMMON_METRICS_SUMMARY_H

#include "common/base/sbuf.h"
#include "common/metrics/metrics.h"

/* The three members, into an object that is open. `lately` is what remains of `cells` after
 * recent_subtract(), which has returned `lately_us`: what took longer than a minute to come is told
 * as if it had come evenly. */
void metrics_write_summary(const struct metrics_cells *cells, const struct metrics_cells *lately,
    int64_t lately_us, const char *daemon, struct sbuf *out);

#endif
