/* common/metrics/text.h - figures in the text exposition format of Prometheus, version 0.0.4.
 *
 * A family's lines stand together, # HELP and # TYPE first. A histogram has a bucket for each power
 * of two from 16 microseconds to a minute, and is left out as long as nothing was observed.
 */
#ifndef COMMON_METRICS_TEXT_H
#define COMMON_METRICS_TEXT_H

#include "common/base/sbuf.h"
#include "common/metrics/metrics.h"

#define METRICS_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_TEXT_MAX ((size_t)2 * 1024 * 1024) /* more than all series have */

/* What `cells` hold of the families of `daemon` ("smtpd"). */
void metrics_write_text(const struct metrics_cells *cells, const char *daemon, struct sbuf *out);
/* METRIC_OF_SMTPD …; METRIC_OF_ALL for another name. */
unsigned metrics_whose(const char *daemon);

#endif
