/* smtpd/queue_figures.h - how full the queue is, for whoever asks how smtpd does.
 *
 * Counting reads the whole table, so after one the answer holds for twenty times as long as it
 * took. Thread-safe.
 */
#ifndef SMTPD_QUEUE_FIGURES_H
#define SMTPD_QUEUE_FIGURES_H

#include "common/metrics/metrics.h"
#include "store/store.h"

struct queue_figures;

/* The store outlives it. NULL without memory. */
struct queue_figures *queue_figures_new(struct store *store);
void queue_figures_free(struct queue_figures **q);
/* Fills in what names.h has of the queue as it is now; nothing where it can't be read. */
void queue_figures_collect(struct queue_figures *q, struct metrics_cells *to);
/* The label of queue_recipients. */
metric_value queue_figures_state;

#endif
