/* common/base/conf.h - the configuration file, read once into an immutable struct.
 *
 * One table in conf.c describes every option: name, type, range, default, what it means; the parser
 * (libconfuse), the checks, the manual page and `pillarbox init` use that table. Errors name file,
 * line, option and what would be right. A struct conf is shared between threads by reference:
 * conf_ref/conf_unref; a reload makes a new one.
 */
#ifndef COMMON_BASE_CONF_H
#define COMMON_BASE_CONF_H

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/base/sbuf.h"

/* A certificate and its key, PEM files; `name` is the host name it answers to by SNI, "" for the
 * default. */
struct conf_tls {
	const char *name;
	const char *certificate;
	const char *key;
	const char *client_authorities; /* of the default one: for all; "": none are asked for */
};

/* Where mail for `domain` goes instead of where the DNS says. */
struct conf_transport {
	const char *domain; /* "example.org"; ".example.org": what is below it; "*": all others */
	const char *host; /* a name or an address; or ""… */
	const char *socket; /* … and a Unix socket */
	uint32_t port; /* 0: the protocol's */
	const char *protocol; /* "smtp", "lmtp" */
	const char *tls; /* "none", "opportunistic", "required", "verified" */
	bool implicit_tls;
	const char *user, *password_file; /* "": no login */
};

struct conf {
	/* where and who */
	const char *path; /* of the file itself */
	const char *hostname; /* this host's name, as greeting and trace headers show it */
	const char *data_dir; /* databases and message files */
	const char *run_dir; /* sockets, pid files */
	const char *user; /* to become after binding when started as root; "" stays */
	const char *group;
	const char *sandbox; /* "on", "strict", "log", "off" */
	bool core_dumps;
	const char *const *listen; /* addresses, NULL-terminated */
	uint32_t port_offset; /* added to every port */
	struct conf_tls *tls; /* the default one first */
	size_t tls_count;
	struct conf_transport *transports; /* in the order of the file */
	size_t transport_count;

	/* log */
	const char *log_target; /* stderr, syslog, file:/path */
	const char *log_level;

	/* threads and limits; all counts and sizes are at least 1 */
	uint32_t workers; /* threads in the pool of each daemon */
	uint32_t max_connections; /* in all, per daemon */
	uint32_t max_connections_per_address; /* IPv4 address or IPv6 /64 */
	uint32_t max_connections_per_network; /* IPv4 /24 or IPv6 /48 */
	uint32_t max_logins_per_network; /* of them, those that have not logged in yet */
	uint64_t max_memory; /* octets of one daemon; 0: a quarter of the machine's */
	uint32_t login_timeout_s; /* before login; TRUST: 60 */
	uint32_t login_failures; /* then the connection is closed: 5 */
	uint32_t login_failure_delay_ms; /* by timer: 1000 */
	uint32_t password_threads; /* computed at once; 0: as many as there are processors */
	uint32_t password_queue; /* that wait for it */
	uint32_t password_wait_s; /* for how long */
	uint32_t login_cache_s; /* how long a verified login is remembered; 0 = not at all */
	uint32_t bad_commands_before_login; /* 10 */
	uint32_t bad_commands_after_login; /* 20 */
	uint64_t default_quota_bytes; /* for new accounts; 0 = none */
	uint32_t tombstone_days; /* how long expunged messages' numbers are remembered: 90; 0 = for
				    ever */
	uint32_t trace_days; /* how long what became of mail is remembered: 30; 0 = for ever */
	const char *recipient_delimiter; /* "+", "" switches sub-addressing off */

	struct conf_oauth {
		const char *jwks_url; /* one of these two, or neither: no OAuth */
		const char *introspection_url;
		const char *client_id, *client_secret_file; /* for introspection */
		const char *issuer; /* what tokens must name; "": anything */
		const char *audience; /* the same; "*": anything; not "" with jwks_url */
		const char *user_claim; /* has the user's address */
		const char *ca_file;
	} oauth;

	struct {
		bool smtp, submission, submissions, lmtp; /* which listeners */
		uint32_t lmtp_port; /* 0: only the Unix socket */
		uint64_t message_size_limit; /* octets, 52428800 */
		uint32_t max_recipients; /* 1000 */
		uint32_t max_received; /* hops, 100 */
		uint32_t timeout_s; /* between commands, 300 */
		uint32_t min_data_rate; /* octets of message data in a second, 500; 0: any */
		bool refuse_bare_newline; /* else normalised to CRLF */
		uint32_t max_mails; /* transactions per connection, 1000 */
		const char *const *hide_mechanisms; /* NULL-terminated: AUTH does not list them */
		bool dsn_for_all; /* on port 25 too */
	} smtpd;

	struct { /* figures, by HTTP without a login */
		const char *const *listen; /* addresses, NULL-terminated */
		uint32_t smtpd_port, pop3d_port, imapd_port; /* 0: only the Unix socket */
	} metrics;

	struct { /* mail to other servers */
		bool enabled;
		uint32_t max_connections; /* to all together, 200 */
		uint32_t first_window; /* connections to one destination at first, 5 */
		uint32_t max_window; /* and at most, 20 */
		uint32_t connection_reuse; /* messages over one connection, 100 */
		uint32_t retry_first_s; /* 300; doubled each time */
		uint32_t retry_max_s; /* 14400 */
		uint32_t expire_s; /* given up then, 432000 */
		uint32_t delay_notice_s; /* the sender is told then, 14400; 0: never */
		const char *const *source; /* NULL-terminated: local addresses to connect from */
		bool allow_private; /* hosts that the DNS puts into private networks */
		uint32_t port; /* 25, but for tests */
		const char *helo; /* "": hostname */
		const char *ca_file; /* "": the system's authorities */
		uint32_t policy_port; /* 443, but for tests */
	} outbound;

	struct { /* what one account may send (RFC 6409 §6) */
		uint32_t per_hour, per_day; /* recipients at other servers; 0: any number */
		uint32_t new_per_day; /* of them, those it never wrote to before */
		uint32_t max_future_release_s; /* RFC 4865; 0: not offered */
		uint32_t suppress_s; /* an address that refused for good is left alone so long; 0:
					not */
	} sending;

	struct {
		const char *const
		    *resolvers; /* "192.0.2.53", "127.0.0.1@5353"; none: the system's */
		bool from_root;
		const char *trust_anchor_file; /* "": none, nothing is validated */
		uint32_t timeout_s; /* for an answer */
	} dns;

	struct {
		bool pop3, pop3s;
		uint32_t timeout_s; /* RFC 1939 §3: at least 10 minutes */
	} pop3d;

	struct {
		bool imap, imaps;
		uint32_t timeout_s; /* RFC 3501 §5.4: at least 30 minutes */
		uint32_t
		    max_line; /* octets of a command without its literals, after login: 65536 */
		uint32_t max_line_before_login; /* 8192 */
		uint64_t append_limit; /* octets of one message, 52428800 */
		const char *const *hide_capabilities; /* NULL-terminated: never advertised */
		bool search_index; /* made and used */
		bool uidonly; /* RFC 9586 is offered */
		uint32_t message_limit; /* messages of one command (RFC 9738), 0 none */
		const char *const *admins; /* NULL-terminated: addresses of accounts */
		bool share_with_all; /* users may give rights to anyone and authenticated */
	} imapd;
};

/* Reads `path`. On failure *ret_problem (when not NULL) holds one line per mistake, ready for the
 * terminal, and the result is ERR_CONFIG (or the error of opening the file). */
NODISCARD enum err conf_load(const char *path, struct conf **ret, struct sbuf *ret_problem);
struct conf *conf_ref(struct conf *c);
void conf_unref(struct conf **c);

/* The commented configuration file that `pillarbox init` writes: every option with its meaning,
 * `set` overriding defaults
 * ("hostname", "data_dir", …; pairs, NULL-terminated). */
void conf_write_default(struct sbuf *out, const char *const *set);

#endif
