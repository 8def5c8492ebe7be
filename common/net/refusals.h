/* common/net/refusals.h - connections that are refused: each is counted, and the log tells of some
 * of each listener and limit, whoever comes how often. Thread-safe.
 */
#ifndef COMMON_NET_REFUSALS_H
#define COMMON_NET_REFUSALS_H

#include "common/base/err.h"
#include "common/base/log_ration.h"
#include "common/metrics/metrics.h"

#include <stddef.h>
#include <sys/socket.h>

#define REFUSALS_LIMITS 5
/* Lines of a listener and limit: enough for Fail2Ban (packaging/fail2ban) to see who is at it. */
#define REFUSALS_A_MINUTE 10

/* Begins as zeros. */
struct refusals {
	struct log_ration rations[METRIC_LISTENERS_MAX][REFUSALS_LIMITS];
};

struct refusal {
	size_t listener; /* below METRIC_LISTENERS_MAX */
	const char *listener_name;
	const struct sockaddr *peer;
	enum err why;
	const char *limit; /* the option's name: one of refusals_limit() */
	uint32_t open; /* connections */
};

void refusals_note(struct refusals *r, const struct refusal *what);
/* The limits' names, in the order of METRIC_connections_refused; NULL behind the last. */
const char *refusals_limit(size_t i);

#endif
