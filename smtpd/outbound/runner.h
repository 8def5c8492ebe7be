/* smtpd/outbound/runner.h - sends what is in the queue: reads what is due, finds the way, opens
 * connections, hands out jobs, records what became of them, tells senders.
 *
 * One thread of its own reads and records, in batches; everything that waits for others happens as
 * turns of connections (client.h) or answers of the DNS; deliveries into the local store, and what
 * becomes of mail that has no way to go, are tasks on the daemon's workers. At rest it makes no
 * system call before the next recipient is due.
 *
 * A connection gets its next message when what became of the last one is committed, which its own
 * turn does where nobody is to be told: so a kill can repeat one message per connection, whose 250
 * had come and was not recorded.
 */
#ifndef SMTPD_OUTBOUND_RUNNER_H
#define SMTPD_OUTBOUND_RUNNER_H

#include "common/base/conf.h"
#include "common/metrics/metrics.h"
#include "common/net/hub.h"
#include "store/store.h"

struct runner;

/* All but `conf`, of which a reference is taken, outlive the runner. */
struct runner_options {
	struct store *store;
	struct hub *hub;
	struct loop *loop;
	struct workers *workers;
	struct conf *conf;
};

/* Where another process still runs the queue it waits for its turn. */
NODISCARD enum err runner_start(const struct runner_options *o, struct runner **ret);
/* The label of queue_results. */
metric_value results_value;
/* Nothing new is begun; what is under way is recorded as it ends. */
void runner_drain(struct runner *r);
/* The configuration was read anew. */
void runner_reload(struct runner *r, struct conf *conf);
/* After the last connection is gone; waits for what is to be recorded. Not on a worker. */
void runner_stop(struct runner **r);

#endif
