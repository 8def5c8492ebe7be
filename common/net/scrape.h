/* common/net/scrape.h - who asks a daemon for its figures: one request of HTTP/1.1 (RFC 9110, 9112)
 * on a connection like any other, so nothing here waits and a slow asker holds no thread.
 *
 * GET /metrics is the text format of Prometheus, GET /status JSON for `pillarbox status`. A request
 * has at most SCRAPE_REQUEST_MAX octets and no content, and SCRAPE_MS to come; the answer ends the
 * connection. Anything that is not exactly so is answered with an error. Nobody logs in: the ports
 * are the operator's choice (metrics in the configuration), the socket's permissions its guard.
 */
#ifndef COMMON_NET_SCRAPE_H
#define COMMON_NET_SCRAPE_H

#include "common/metrics/metrics.h"
#include "common/net/conn.h"

#define SCRAPE_REQUEST_MAX 4096
#define SCRAPE_MS 10000
#define SCRAPES_MAX 16 /* connections at a time; more are closed at once */

/* Whose figures; outlives the sessions. */
struct scrape_source {
	const char *daemon;
	/* Fills in what is not counted but is so now; on a worker's thread. May be NULL. */
	void (*collect)(void *arg, struct metrics_cells *to);
	void *arg;
};

/* NULL without memory. */
void *scrape_session_new(const struct scrape_source *source);
extern const struct session_ops scrape_session_ops;

#endif
