/* common/net/server.h - what the three main()s share: options, configuration, listeners,
 *privileges, signals, drain.
 *
 * server_main() runs a daemon from its command line to its end:
 *	-c FILE (default /etc/pillarbox/pillarbox.conf), -t (check the configuration and stop),
 *--help, --version SIGTERM and SIGINT drain: no new connections, sessions get CONN_EV_STOP, after
 *ten seconds what is left is closed. SIGHUP reads configuration, certificates and log file anew;
 *sessions keep what they began with. Readiness is told by the sd_notify protocol ($NOTIFY_SOCKET),
 *to systemd or to `pillarbox run`.
 */
#ifndef COMMON_NET_SERVER_H
#define COMMON_NET_SERVER_H

#include "common/base/conf.h"
#include "common/metrics/metrics.h"
#include "common/net/conn.h"
#include "common/net/hub.h"
#include "common/net/limits.h"
#include "common/net/loop.h"
#include "common/net/tls.h"
#include "common/net/workers.h"
#include "common/sandbox/sandbox.h"

struct server;

/* A port of the daemon. The port_offset of the configuration is added. */
struct listener_spec {
	const char *name; /* "imaps" */
	int service; /* conn_service() of its connections */
	uint16_t port; /* 0: only the Unix socket */
	bool implicit_tls;
	bool logs_in; /* its clients are strangers until they log in: conn_leave_front() */
	const char *unix_name; /* socket's file name in run_dir, or NULL */
	bool (*enabled)(const struct conf *c);
	/* Port that the configuration names instead, 0 for none; may be NULL. */
	uint16_t (*configured_port)(const struct conf *c);
	/* Addresses instead of conf->listen, NULL-terminated; may be NULL. */
	const char *const *(*addresses)(const struct conf *c);
};

struct daemon {
	const char *name; /* "imapd" */
	const char *alpn; /* "imap" */
	const char *description; /* for --help */
	const struct listener_spec *listeners;
	size_t listener_count;
	const struct session_ops *ops;
	unsigned
	    does; /* SANDBOX_… (common/sandbox/sandbox.h), beside what its configuration asks for */
	/* Takes into memory what can't be had any more when the process is shut in (shut_in.h), and
	 * gives it back at the end; may be NULL. */
	void *(*load)(void);
	void (*unload)(void *loaded);
	/* Before the listeners open: *ret_app is handed to every session. Failures are logged by
	 * the callee. */
	enum err (*start)(struct server *s, void **ret_app);
	/* Port of the figures, 0 for none: conf->metrics. */
	uint16_t (*metrics_port)(const struct conf *c);
	/* What series the daemon's own families have: metrics_set_values(). */
	const struct metric_values {
		enum metric metric;
		metric_value *value;
	} * metrics;
	size_t metric_count;
	/* Fills in figures that are not counted but are so now, on a worker's thread; may be NULL.
	 */
	void (*collect)(void *app, struct metrics_cells *to);
	/* Connections that the app may open itself at once, for which descriptors are set aside;
	 * may be NULL. */
	uint32_t (*dialled)(const struct conf *c);
	/* The daemon is stopping: from now on the app dials nobody; the connections it has hear
	 * CONN_EV_STOP after this. On the loop's thread; may be NULL. */
	void (*drain)(void *app);
	/* The configuration was read anew: server_conf() is another. On the loop's thread; may be
	 * NULL. */
	void (*reloaded)(void *app);
	/* After the last session is gone. */
	void (*stop)(void *app);
	/* A new connection; NULL (no memory) closes it without a word. */
	void *(*session_new)(void *app, struct server *s, struct conn *c);
	/* Complete lines sent to a connection over the limits: ERR_LIMIT (its address has too
	 * many), ERR_BUSY (in all) or ERR_NOMEM (max_memory is used up). */
	const char *(*refuse_text)(int service, enum err why);
};

int server_main(int argc, char **argv, const struct daemon *d);

/* The socket in run_dir that tells the figures of the daemon of that name (scrape.h). */
#define STATUS_SOCKET "%s.status.sock"

/* For sessions and apps. The configuration in force now, a new reference. */
struct conf *server_conf(struct server *s);
/* "imapd" */
const char *server_name(const struct server *s);
struct loop *server_loop(struct server *s);
/* For connections that the app dials (dial.h). */
struct hub *server_hub(struct server *s);
struct workers *server_workers(struct server *s);
struct limits *server_limits(struct server *s);
/* The memory that the daemon may take: max_memory. */
uint64_t server_memory_limit(const struct server *s);
/* Of it; any thread. `server` is a struct server *. While it is full, those who have kept the
 * daemon waiting too long are ended (hub_shed()). */
enum fullness server_fullness(void *server);
/* A part of it is the app's, whatever others take; `used` tells, on any thread, what it has of that
 * now. NULL: none. After a reload the limit may be another. */
void server_reserve_memory(
    struct server *s, uint64_t octets, uint64_t (*used)(void *arg), void *arg);
/* The descriptors that the app may keep open for its data. */
uint32_t server_store_files(const struct server *s);

#endif
