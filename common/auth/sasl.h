/* common/auth/sasl.h - the server side of SASL: PLAIN (RFC 4616), LOGIN (draft-murchison),
 * SCRAM-SHA-256 and -PLUS (RFC 5802, 7677), EXTERNAL (RFC 4422), OAUTHBEARER (RFC 7628) and
 * XOAUTH2.
 *
 * The three daemons hold one exchange per connection and carry its messages in their own framing.
 * An exchange belongs to its session; nothing here waits or sleeps.
 */
#ifndef COMMON_AUTH_SASL_H
#define COMMON_AUTH_SASL_H

#include "common/auth/oauth.h"
#include "common/auth/password_line.h"
#include "common/base/sbuf.h"

struct sasl;

/* What the exchange asks of its daemon. */
struct sasl_host {
	void *find_arg;
	/* The account behind a login name; strings in `arena`. ERR_NOT_FOUND for no such (or
	 * disabled) account; *ret_address may then say what address the name stands for, so that
	 * all ways to write it look alike. */
	enum err (*find)(void *arg, struct str login, struct arena *arena, int64_t *ret_account,
	    struct str *ret_address, struct credential *ret_credential);
	void *binding_arg;
	/* Raw channel binding of `type` ("tls-exporter", "tls-server-end-point"), or ERR_CANNOT. */
	enum err (*binding)(void *arg, const char *type, struct arena *arena, struct str *ret);
	/* The address in the client's certificate, verified; with binding_arg. */
	enum err (*client)(void *arg, struct arena *arena, struct str *ret);
	bool certified; /* there is one: EXTERNAL is possible */
	struct login_cache *cache; /* may be NULL */
	/* Salts for names that nobody has are made from it: the same in every process and after a
	 * restart, so that they tell no more than real ones. Empty: a key of this process. */
	struct str secret;
	bool secure; /* cleartext mechanisms allowed */
	bool tls; /* -PLUS can be had: binding() gives tls-exporter */
	/* Where passwords wait to be computed, but those that the cache knows; NULL: they are
	 * computed by the caller. */
	struct password_line *line;
	/* Whose they are, but for the name; with wake_arg. */
	void (*who)(void *arg, struct standing_who *ret);
	bool (*silent)(void *arg); /* password_asker.silent, with wake_arg */
	/* The provider that knows tokens, NULL: none. */
	struct oauth *oauth;
	/* There is an answer (SASL_WAIT): called on some thread. */
	void (*wake)(void *arg);
	void *wake_arg;
	/* Mechanisms that are not advertised, NULL-terminated, or NULL; who asks for one gets it.
	 */
	const char *const *hide;
};

/* "PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS": those that are allowed now, each preceded by
 * `prefix` and separated by blanks. */
void sasl_list(const struct sasl_host *host, const char *prefix, struct sbuf *out);

/* ERR_UNKNOWN: no such mechanism; ERR_NEEDS_TLS: not on this connection. */
NODISCARD enum err sasl_begin(
    struct str mechanism, const struct sasl_host *host, struct sasl **ret);
void sasl_free(struct sasl **s);

enum sasl_status {
	SASL_CONTINUE, /* send *ret_challenge (raw octets, may be empty), then call again with the
			  answer */
	SASL_DONE, /* logged in: sasl_account(), sasl_address(). If *ret_challenge is not empty it
		    * must still be sent (SCRAM's server-final), as success data or as a challenge
		    * with an empty answer, as the protocol has it. */
	SASL_WAIT, /* for sasl_host.wake(); then call again, without a response. Only with a line
		      or an oauth */
	SASL_FAILED, /* *ret_err says why: ERR_AUTH_FAILED, ERR_SYNTAX, ERR_BUSY, or one of OURS */
};

/* One step. `response` is the client's decoded message; .p == NULL when it sent none yet (no
 * initial response). */
enum sasl_status sasl_step(struct sasl *s, struct str response, struct arena *arena,
    struct str *ret_challenge, enum err *ret_err);
/* A login by a command of the protocol itself (LOGIN, PASS): an exchange whose only message is
 * this. ERR_NEEDS_TLS; else *ret_status as of sasl_step(). A name or a password that nobody can
 * have is a wrong one. */
NODISCARD enum err sasl_login_by_command(const struct sasl_host *host, struct str name,
    struct str password, struct arena *arena, struct sasl **ret, enum sasl_status *ret_status,
    enum err *ret_err);
int64_t sasl_account(const struct sasl *s);
struct str sasl_address(const struct sasl *s);
/* It failed since the user, though authenticated, asked to act as another. */
bool sasl_wants_other_identity(const struct sasl *s);
/* What to count it by: the address that the name stands for, or the name; may be empty. */
struct str sasl_claim(const struct sasl *s);
/* The name that was tried, for the log; may be empty. Never the secret. */
struct str sasl_login(const struct sasl *s);

#endif
