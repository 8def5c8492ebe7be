/* common/auth/sasl_private.h - what the mechanisms share; for common/auth only. */
#ifndef COMMON_AUTH_SASL_PRIVATE_H
#define COMMON_AUTH_SASL_PRIVATE_H

#include "common/auth/sasl.h"

#define SASL_NAME_MAX 255 /* octets of an identity (RFC 4616 §2) */
#define SASL_STEPS_MAX                                                                             \
	4 /* messages of one exchange; no mechanism here has more. Calls after a                   \
	     wait do not count */
#define SASL_MESSAGE_MAX 8192

struct sasl {
	const struct sasl_mechanism *mechanism;
	const struct sasl_host *host;
	struct arena *arena; /* holds what follows; lives as long as the exchange */
	struct str login; /* as tried, prepared */
	int64_t account;
	struct str address;
	unsigned steps;
	struct scram *scram; /* in arena, once the first message was taken */
	bool other_identity; /* proved who they are, and asked to be somebody else */
	struct password_check *check; /* passwords: in line */
	bool may_act; /* passwords: asked to be themselves */
	struct oauth_query *query; /* tokens: being asked */
	bool refused; /* tokens: the client has been told why */
};

typedef enum sasl_status sasl_step_fn(struct sasl *s, struct str response, struct arena *arena,
    struct str *ret_challenge, enum err *ret_err);

struct sasl_mechanism {
	struct str name;
	bool cleartext; /* sends the password itself */
	bool binds; /* needs TLS */
	bool token; /* needs a provider */
	bool certificate; /* needs the client's */
	sasl_step_fn *step;
};

/* In common/auth/sasl_plain.c: the password of s->login, which must have been kept. */
enum sasl_status sasl_check_password(struct sasl *s, struct str authzid, struct str password,
    struct arena *arena, enum err *ret_err);

sasl_step_fn sasl_step_plain;
sasl_step_fn sasl_step_login;
sasl_step_fn sasl_step_scram;
sasl_step_fn sasl_step_oauthbearer;
sasl_step_fn sasl_step_xoauth2;
sasl_step_fn sasl_step_external;

/* Keeps the prepared name of who logs in. ERR_SYNTAX (empty, NUL), ERR_TOO_LONG, ERR_NOMEM. */
NODISCARD enum err sasl_keep_login(struct sasl *s, struct str name);
/* Asks the host for the account of s->login; fills account and address, also on ERR_NOT_FOUND (0,
 * and what the name stands for or nothing). */
NODISCARD enum err sasl_find(struct sasl *s, struct arena *arena, struct credential *ret);
/* Nobody acts for another: an authorization identity is empty or the user's own, by the name they
 * log in with or by their address. */
bool sasl_may_act_as(struct sasl *s, struct str authzid);
/* Of a mechanism and a host that fit each other. NULL without memory. */
struct sasl *sasl_new(const struct sasl_mechanism *m, const struct sasl_host *host);
/* SASL_FAILED with `e`. */
enum sasl_status sasl_fail(enum err e, enum err *ret_err);

/* A -PLUS mechanism is advertised on this connection. */
bool sasl_offers_binding(const struct sasl_host *host);

#endif
