/* tests/outbound/network.h - a network that is only thought of: servers that answer after a while
 * or never, messages in a queue, a clock that jumps from event to event; and the scheduler between
 * them.
 */
#ifndef TESTS_OUTBOUND_NETWORK_H
#define TESTS_OUTBOUND_NETWORK_H

#include "smtpd/outbound/scheduler.h"

#define SERVERS_MAX 1000
#define CONNECTIONS_SEEN 64

struct server_model {
	bool dead; /* never answers: an attempt takes DEAD_MS */
	int64_t alive_at_ms; /* from then on it is not; 0: never */
	size_t most_at_once; /* connections it takes, further ones are refused; 0: any number */
	size_t open, open_max;
	size_t taken; /* messages */
	int64_t last_ms; /* of the last one, since the start */
	size_t attempts; /* connections */
};

struct network {
	struct server_model servers[SERVERS_MAX];
	struct scheduler *scheduler;
	struct scheduler_options o;
	int64_t now_ms; /* since the start */
	size_t open, open_max; /* connections that carry mail */
	size_t rows_max; /* in memory */
	size_t unread; /* so many picks can't be read from the queue */
	int64_t damaged; /* nor can this message ever; 0 none */
	size_t damaged_picks;
	size_t picks;
	size_t deferred, failed;
	int64_t taken_order[200000]; /* messages in the order in which they were taken */
	size_t taken;
	void *inside; /* network.c */
};

#define DEAD_MS 30000
#define CONNECT_MS 50
#define MESSAGE_MS 100

void network_new(struct network *n);
void network_free(struct network *n);
/* A message from `sender` to one recipient at `domain`, which `server` serves, due now. */
void network_send(struct network *n, const char *sender, const char *domain, size_t server);
/* The same where the best MX is that of `first`, and mail goes to `server` as it does not answer.
 */
void network_send_past(
    struct network *n, const char *sender, const char *domain, size_t first, size_t server);
/* A message that wants no policy: `server` asks for TLS that it has not got, so that only such mail
 * finds the way, which is another lane of the same host. */
void network_send_anyhow(struct network *n, const char *sender, const char *domain, size_t server);
/* Runs until nothing happens before `until_ms`. */
void network_run(struct network *n, int64_t until_ms);

#endif
