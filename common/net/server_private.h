/* common/net/server_private.h - the inside of a daemon's frame, for server.c and server_figures.c.
 */
#ifndef COMMON_NET_SERVER_PRIVATE_H
#define COMMON_NET_SERVER_PRIVATE_H

#include "common/net/files.h"
#include "common/net/hub.h"
#include "common/net/listeners.h"
#include "common/net/memory.h"
#include "common/net/refusals.h"
#include "common/net/scrape.h"

#include <limits.h>
#include <stdatomic.h>

#define SERVICE_FIGURES INT_MAX /* conn_service() of who asks for figures */

struct server {
	const struct daemon *daemon;
	const char *conf_path;
	pthread_mutex_t mu;
	struct conf *conf; /* guarded by mu */
	struct tls_context *tls; /* guarded by mu */
	struct limits *limits;
	struct refusals refusals;
	struct memory memory; /* the loop's */
	struct files files; /* the loop's thread only, after the start */
	struct loop *loop;
	struct workers *workers;
	struct workers *front; /* for who is not logged in */
	struct hub *hub;
	struct listeners *listeners;
	struct listener_spec specs[METRIC_LISTENERS_MAX]; /* the daemon's, and one for figures */
	size_t spec_count;
	int64_t began_s;
	char figures_name[40]; /* of its socket */
	struct scrape_source figures;
	atomic_uint scrapes; /* connections that ask for figures */
	struct loop_timer *drain;
	struct loop_timer *shed; /* runs while memory is full */
	atomic_bool sheds;
	int signal_fd;
	int64_t drained_ms; /* waited so far; the loop's thread only */
	bool draining; /* the loop's thread only */
	void *app;
	void *loaded;
};

/* Before the listeners: fills in `specs`, and names the series of all figures. */
void server_begin_figures(struct server *s);
/* A connection of SERVICE_FIGURES; takes `fd` over. */
void server_accept_scrape(struct server *s, int fd, const struct sockaddr *peer);

#endif
