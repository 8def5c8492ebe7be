/* common/trust/dkim.h - signatures of mail: DKIM (RFC 6376), with RSA and Ed25519 (RFC 8301, RFC
 * 8463).
 *
 * Signing and verifying stream: header first, then the body in pieces; memory does not grow with
 * the body. Pure functions of octets; keys of others come from whoever asked the DNS.
 */
#ifndef COMMON_TRUST_DKIM_H
#define COMMON_TRUST_DKIM_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/sbuf.h"

enum dkim_algorithm { DKIM_RSA_SHA256, DKIM_ED25519_SHA256 };
enum dkim_canon { DKIM_SIMPLE, DKIM_RELAXED };

struct dkim_key; /* a private one, parsed once, shared */
/* PEM (PKCS#8). ERR_SYNTAX, ERR_DENIED (RSA under 1024 bits, RFC 8301 §3.2). */
NODISCARD enum err dkim_key_parse(struct str pem, struct dkim_key **ret);
void dkim_key_free(struct dkim_key **k);
enum dkim_algorithm dkim_key_algorithm(const struct dkim_key *k);
/* A new one, as PEM; and the TXT record that publishes it ("v=DKIM1; k=…; p=…"). */
NODISCARD enum err dkim_key_make(enum dkim_algorithm a, struct sbuf *ret_pem);
NODISCARD enum err dkim_key_record(const struct dkim_key *k, struct sbuf *ret_txt);

struct dkim_signature_options {
	const struct dkim_key *key;
	struct str domain; /* d= */
	struct str selector; /* s= */
	int64_t now_s;
	int64_t lifetime_s; /* x=; 0 none */
};

/* Signs with all of `o`: `body_hash` streams. */
struct dkim_body; /* the relaxed body's SHA-256, computed as octets pass */
struct dkim_body *dkim_body_new(enum dkim_canon c);
void dkim_body_feed(struct dkim_body *b, struct str octets);
void dkim_body_end(struct dkim_body *b, unsigned char ret[32]);
void dkim_body_free(struct dkim_body **b);
/* Appends a whole DKIM-Signature field with CRLF. `header` is the message's, with its lines. From
 * and others are signed once more than they are there, so that none can be added (§8.15). */
NODISCARD enum err dkim_sign(struct str header, const unsigned char body_hash[32],
    const struct dkim_signature_options *o, struct sbuf *out);

#endif
