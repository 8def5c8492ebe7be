/* smtpd/outbound/scheduler.h - who is served next: turns of destinations, of senders, of messages;
 * how many connections each destination gets.
 *
 * Pure logic over the queue's rows and the clock (clock.h): it dials nobody and reads no database.
 * Its owner (runner.h) gives it rows as they fall due and the destinations of their domains, asks
 * it for connections to open and for jobs to carry out on them, and tells it how each went. One
 * lock of its own; thread-safe.
 *
 * - A destination (route.h) has a window of connections that begins at `first_window`, grows by one
 * with each window's worth of success and is halved by failure (to one), never beyond `max_window`.
 * A destination none of whose hosts answers is dead for a while that doubles: its rows are put off
 * without being tried, except one as a probe, and nobody else waits for them.
 * - Destinations take turns for the connections that are free in all (`max_connections`).
 * - Within a destination senders take turns, a sender's messages are served in the order of their
 * time, and the recipients of one message go together, up to JOB_RCPTS_MAX in a transaction.
 * - Memory: at most `max_rows` rows; of a domain at most its fair share, the rest is read when that
 * is used up.
 */
#ifndef SMTPD_OUTBOUND_SCHEDULER_H
#define SMTPD_OUTBOUND_SCHEDULER_H

#include "smtpd/outbound/job.h"
#include "smtpd/outbound/route.h"

struct scheduler;
/* The functions are its author's to shape; see runner.h. */

#endif
