/* common/trust/dkim.h - signatures of mail: DKIM (RFC 6376), with RSA and Ed25519 (RFC 8301, RFC
 * 8463).
 *
 * Signing and verifying stream: header first, then the body in pieces; memory does not grow with
 * the body. Pure functions of octets; keys of others come from whoever asked the DNS. A struct
 * dkim_key may be used by several threads at once, all else belongs to one at a time.
 */
#ifndef COMMON_TRUST_DKIM_H
#define COMMON_TRUST_DKIM_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/sbuf.h"
#include "common/trust/fields.h"

enum dkim_algorithm { DKIM_RSA_SHA256, DKIM_ED25519_SHA256 };
enum dkim_canon { DKIM_SIMPLE, DKIM_RELAXED };

/* "rsa", "ed25519": as k= and our files name them. */
const char *dkim_algorithm_name(enum dkim_algorithm a);
NODISCARD enum err dkim_algorithm_parse(struct str name, enum dkim_algorithm *ret);

#define DKIM_RSA_MIN_BITS 1024 /* RFC 8301 §3.2 */
#define DKIM_RSA_MAX_BITS 8192 /* more costs a verifier too much */
#define DKIM_PEM_MAX 16384

/* -- private keys */

struct dkim_key; /* parsed once, shared */
/* PEM (PKCS#8, or what OpenSSL knows besides). ERR_SYNTAX, ERR_DENIED (RSA under 1024 bits, RFC
 * 8301 §3.2), ERR_NOMEM. */
NODISCARD enum err dkim_key_parse(struct str pem, struct dkim_key **ret);
void dkim_key_free(struct dkim_key **k);
enum dkim_algorithm dkim_key_algorithm(const struct dkim_key *k);
/* A new one, as PEM, which the caller wipes; and the TXT record that publishes it ("v=DKIM1; k=…;
 * p=…"). */
NODISCARD enum err dkim_key_make(enum dkim_algorithm a, struct sbuf *ret_pem);
NODISCARD enum err dkim_key_record(const struct dkim_key *k, struct sbuf *ret_txt);

/* -- the body's hash */

#define DKIM_HASH 32 /* octets of SHA-256 */

struct dkim_body; /* SHA-256 of the canonical body, computed as octets pass */
#define DKIM_BODY_WHOLE UINT64_MAX
/* Of the first `limit` octets (l=). NULL without memory. */
struct dkim_body *dkim_body_new_limited(enum dkim_canon c, uint64_t limit);
struct dkim_body *dkim_body_new(enum dkim_canon c);
void dkim_body_feed(struct dkim_body *b, struct str octets);
NODISCARD enum err dkim_body_end(struct dkim_body *b, unsigned char ret[DKIM_HASH]);
/* Octets of the canonical body in all; after dkim_body_end(). */
uint64_t dkim_body_size(const struct dkim_body *b);
void dkim_body_free(struct dkim_body **b);

/* -- signing */

struct dkim_signature_options {
	const struct dkim_key *key;
	struct str domain; /* d= */
	struct str selector; /* s= */
	int64_t now_s;
	int64_t lifetime_s; /* x=; 0 none */
};

/* Appends a whole DKIM-Signature field with CRLF, relaxed/relaxed. `header` is the message's, with
 * its lines. From and others are signed once more than they are there, so that none can be added
 * (§8.15). ERR_CANNOT: no From, or more than one (§5.4). ERR_TOO_BIG: see fields.h. ERR_NOMEM. */
NODISCARD enum err dkim_sign(struct str header, const unsigned char body_hash[DKIM_HASH],
    const struct dkim_signature_options *o, struct sbuf *out);

/* -- verifying */

/* RFC 8601 §2.7.1. */
enum dkim_verdict {
	DKIM_PASS,
	DKIM_FAIL, /* header or body were changed, or it was made with another key */
	DKIM_POLICY, /* right in itself, but it does not say enough: l=, a short key */
	DKIM_NEUTRAL, /* can't be read */
	DKIM_TEMPERROR, /* the key could not be asked for */
	DKIM_PERMERROR, /* no such key, expired, … */
};
const char *dkim_verdict_name(enum dkim_verdict v);

struct dkim_signature {
	struct str domain; /* d= */
	struct str selector; /* s= */
	struct str identity; /* i=, or empty */
	enum dkim_algorithm algorithm;
	enum dkim_canon header_canon, body_canon;
	struct str key_name; /* to ask TXT for; empty: `verdict` is final */
	enum dkim_verdict verdict; /* once its key was given and the body has ended */
	const char *why; /* of a verdict that is not PASS, for people */
	bool testing; /* t=y of the key */
};

#define DKIM_SIGNATURES_MAX 10 /* of one message are looked at, the first ones (§6.1) */

struct dkim_verifier;
/* Reads the signatures of `header`, which must stay while the verifier is used. ERR_TOO_BIG,
 * ERR_NOMEM. */
NODISCARD enum err dkim_verifier_new(struct str header, int64_t now_s, struct dkim_verifier **ret);
void dkim_verifier_free(struct dkim_verifier **v);
size_t dkim_verifier_count(const struct dkim_verifier *v);
const struct dkim_signature *dkim_verifier_signature(const struct dkim_verifier *v, size_t i);
/* The body, and its end. */
void dkim_verifier_feed(struct dkim_verifier *v, struct str octets);
void dkim_verifier_end(struct dkim_verifier *v);

enum dkim_key_status { DKIM_KEY_FOUND, DKIM_KEY_NONE, DKIM_KEY_LATER };
/* What the DNS has under key_name, after dkim_verifier_end(): the verdict falls. */
void dkim_verifier_key(struct dkim_verifier *v, size_t i, enum dkim_key_status status,
    const struct str *txts, size_t n);

#endif
