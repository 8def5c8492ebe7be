/* common/net/dial.h - connections that we open: to other mail servers.
 *
 * A dialled connection is a struct conn like any other: turns on the workers, bounded input and
 * output, deadlines. Its first turn has CONN_EV_OPEN once it is connected; or CONN_EV_FAILED, when
 * it can't be made, after which it is over (`done` follows). CONN_TLS begins a handshake as client,
 * which ends with CONN_EV_TLS; a handshake that fails gives a turn with CONN_EV_FAILED and
 * conn_failure() tells why.
 */
#ifndef COMMON_NET_DIAL_H
#define COMMON_NET_DIAL_H

#include "common/net/conn.h"
#include "common/net/hub.h"

/* How the other side must show who it is. */
enum tls_proof {
	TLS_PROOF_NONE, /* any certificate: opportunistic TLS (RFC 7435) */
	TLS_PROOF_NAMES, /* a chain to an authority, and one of the names (RFC 8461, smart hosts) */
	TLS_PROOF_DANE, /* TLSA records (RFC 7672) */
};

struct tls_tlsa {
	uint8_t usage, selector, matching;
	struct str data;
};

struct tls_rules {
	enum tls_proof proof;
	struct str server_name; /* SNI; with DANE the TLSA base domain too */
	/* One of them must stand in the certificate, which may have "*.example.org" for the first
	 * label of a name (RFC 6125 §6.4); with DANE they count besides the base domain. */
	const struct str *names;
	size_t name_count;
	const struct tls_tlsa *tlsa;
	size_t tlsa_count;
	const char *ca_file; /* NULL or "": the system's authorities */
	/* A proof that fails is told by conn_tls_outcome() and ends nothing (a policy that is being
	 * tested). */
	bool lenient;
};

/* What the handshake showed, also where the proof was not asked for. */
struct tls_outcome {
	bool verified; /* by what was asked for */
	const char *error; /* RFC 8460 §4.3.2: "certificate-expired" …; NULL: none */
	const char *detail; /* OpenSSL's words */
};

struct dial {
	const struct sockaddr *to;
	const char *source; /* local address to bind, NULL: any */
	int64_t timeout_ms; /* to be connected */
	bool implicit_tls; /* the handshake comes first, by `rules` */
	const struct tls_rules *rules; /* copied */
};

/* Not started yet; a connection that can't be made tells so in its first turn. NULL without a
 * descriptor or memory. */
struct conn *dial_new(struct hub *h, const struct dial *d);
/* As hub_start(). */
void dial_start(struct conn *c, const struct session_ops *ops, void *session);
/* Before CONN_TLS: the rules of the handshake, copied. */
NODISCARD enum err conn_tls_expect(struct conn *c, const struct tls_rules *rules);
/* After CONN_EV_TLS or CONN_EV_FAILED. */
const struct tls_outcome *conn_tls_outcome(const struct conn *c);
/* After CONN_EV_FAILED: "connection refused", "TLS handshake: …". */
const char *conn_failure(const struct conn *c);

#endif
