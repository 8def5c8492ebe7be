/* store/service.h - what the three daemons share above the store: the open store with its bus and
 * tick on the daemon's loop, the cache of verified logins, and the one way to log in. A session is
 * made with a service; tests make one without a server.
 */
#ifndef STORE_SERVICE_H
#define STORE_SERVICE_H

#include "common/auth/sasl.h"
#include "common/base/log_ration.h"
#include "common/net/server.h"
#include "store/directory.h"

#define SERVICE_STAMP_MAX 16

struct service {
	struct store *store;
	struct login_cache *logins;
	struct standing *standing; /* may be NULL in tests, */
	struct password_line *passwords; /* and this: computed on the spot */
	struct oauth *oauth; /* NULL: no provider is configured */
	struct limits *limits; /* the server's, or one of its own in tests */
	struct server *server; /* NULL in tests */
	char secret[DIRECTORY_SECRET_SIZE]; /* directory_secret() */
	/* When the daemon began, "6gkz3m0-": what makes ids of sessions, which are counted from
	 * one, unlike those of the times before. Empty in tests. */
	char stamp[SERVICE_STAMP_MAX];
	struct log_ration memory_complaints; /* that it is full */
	struct conf *conf; /* tests only: what service_conf() gives */
};

/* Opens the store that the server's configuration names. A failure is logged with the path. For
 * daemon.start / daemon.stop. */
NODISCARD enum err service_start(struct server *s, const char *process, struct service **ret);
void service_stop(struct service **svc);
/* For daemon.reloaded: passwords may take another part of another max_memory. */
void service_reloaded(struct service *svc);
/* The same as daemon.start, .stop and .reloaded, for a daemon whose app is its service. */
enum err service_start_app(struct server *s, void **ret_app);
void service_stop_app(void *app);
void service_reloaded_app(void *app);
/* Tests: over an open store and a configuration, neither of which it takes over. */
struct service *service_for_test(struct store *store, struct conf *conf);

/* What stands in `stamp` for a daemon that began then: seven letters and digits that rise with
 * time, new ones each thirty-second of a second for 34 years. */
void service_stamp(int64_t real_us, char out[SERVICE_STAMP_MAX]);

/* The configuration in force now: a new reference for the session to keep. */
struct conf *service_conf(struct service *svc);

/* The host of a SASL exchange on `c`; *ret must outlive the exchange. */
void service_sasl_host(struct service *svc, struct conn *c, struct sasl_host *ret);
/* A command that may take much asks before it begins: ERR_NOMEM while memory is as full as
 * `refused_at`, or more. The client tries again later; the log says so once a minute. */
NODISCARD enum err service_may_begin(
    struct service *svc, const char *command, enum fullness refused_at);
/* What the store is at: for daemon.collect. */
void service_collect(void *svc, struct metrics_cells *to);

/* After any login, SASL or not: logs it (`login user=… mechanism=… peer=… tls=…`), notes it in the
 * directory. */
void service_login_succeeded(
    struct service *svc, struct conn *c, int64_t account, struct str user, const char *mechanism);
/* Logs that the exchange failed; returns for how many ms the answer must be held back
 * (conn_set_deadline + CONN_SLEEP). */
int64_t service_login_failed(
    struct service *svc, struct conn *c, const struct sasl *x, const char *mechanism);
/* The same where nothing was judged, since too many are logging in (ERR_BUSY): it counts for
 * nobody, but asking again at once is no cheaper than guessing. */
int64_t service_login_put_off(
    struct service *svc, struct conn *c, const struct sasl *x, const char *mechanism);

#endif
