/* common/auth/scram_client.h - the client's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802,
 * RFC 7677), for servers that we log in to. The password is never sent, and the server must show
 * that it knows it, too. Pure but for the nonce.
 */
#ifndef COMMON_AUTH_SCRAM_CLIENT_H
#define COMMON_AUTH_SCRAM_CLIENT_H

#include "common/base/sbuf.h"

/* The server says how often the password is hashed: no more than this, or it could keep us busy. */
#define SCRAM_CLIENT_ITERATIONS_MAX 1000000
#define SCRAM_CLIENT_MESSAGE_MAX 4096

struct scram_client;

struct scram_client_options {
	struct str user, password; /* copied, as SASLprep has them */
	struct str binding_type; /* "tls-exporter" for -PLUS; empty: none */
	struct str binding; /* its octets */
	struct str nonce; /* tests; empty: random */
};

/* ERR_SYNTAX (NUL in a name), ERR_NOMEM, ERR_INTERNAL (no random octets). */
NODISCARD enum err scram_client_new(
    const struct scram_client_options *o, struct scram_client **ret);
/* Wipes what it knew. */
void scram_client_free(struct scram_client **c);

/* The first message, with the gs2-header; lives as long as `c`. */
struct str scram_client_first(const struct scram_client *c);
/* The answer to the server's first message, appended to `out`. ERR_SYNTAX: it is none, or not to
 * ours; ERR_LIMIT: too many iterations. */
NODISCARD enum err scram_client_answer(
    struct scram_client *c, struct str server_first, struct sbuf *out);
/* The server's last message. ERR_AUTH_FAILED: it does not know the password. */
NODISCARD enum err scram_client_verify(struct scram_client *c, struct str server_final);
/* scram_client_verify() was content. */
bool scram_client_verified(const struct scram_client *c);

#endif
