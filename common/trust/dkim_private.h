/* common/trust/dkim_private.h - what signatures of DKIM and of ARC have in common. Private to
 * common/trust/. */
#ifndef COMMON_TRUST_DKIM_PRIVATE_H
#define COMMON_TRUST_DKIM_PRIVATE_H

#include "common/trust/dkim.h"
#include "common/trust/tags.h"

#include <openssl/evp.h>

struct dkim_key {
	EVP_PKEY *pkey;
	enum dkim_algorithm algorithm;
};

/* -- keys of others */

struct dkim_public {
	EVP_PKEY *pkey;
	enum dkim_algorithm algorithm;
	bool testing; /* t=y */
	bool same_domain; /* t=s: i= must be of d= itself */
};

/* A TXT record. ERR_UNKNOWN: it is none of a key; ERR_SYNTAX; ERR_GONE: revoked (p= empty);
 * ERR_CANNOT: not for mail, not for SHA-256, or of an algorithm not known; ERR_DENIED: RSA of too
 * few or too many bits; ERR_NOMEM. */
NODISCARD enum err dkim_public_parse(struct str txt, struct dkim_public *ret);
void dkim_public_done(struct dkim_public *k);

/* Signs what was fed to `md` (SHA-256 of the canonical header); the signature's octets to `out`. */
NODISCARD enum err dkim_sign_hash(
    const struct dkim_key *k, const unsigned char hash[DKIM_HASH], struct sbuf *out);
bool dkim_check_hash(
    const struct dkim_public *k, const unsigned char hash[DKIM_HASH], struct str signature);

/* -- the header's hash */

/* Appends the fields of `names` ("from:to", h=) in canonical form, each taken from `f`. */
void dkim_put_fields(struct fields *f, struct str names, enum dkim_canon c, struct sbuf *out);
NODISCARD enum err dkim_sha256(struct str octets, unsigned char ret[DKIM_HASH]);
/* Appends base64, folded, a tab before each further line; the first has `column` octets already. */
void dkim_put_folded(struct str base64, size_t column, struct sbuf *out);
/* Appends the signature of `octets` to `field`, which ends in "b=", and its line end. */
NODISCARD enum err dkim_put_signature(
    const struct dkim_key *k, const struct sbuf *octets, struct sbuf *field);
/* Appends what a signature covers: the fields of `names`, then its own field without the value of
 * b=. */
NODISCARD enum err dkim_put_covered(
    struct fields *f, struct str names, enum dkim_canon c, struct str own, struct sbuf *out);
/* Whether `b`, in base64, is the signature of `octets`. */
bool dkim_is_signature(const struct dkim_public *k, const struct sbuf *octets, struct str b);
/* "from:to:to:…": which fields a signature of ours covers. */
enum dkim_cover { DKIM_COVER_SEALED, DKIM_COVER_PRESENT };
NODISCARD enum err dkim_put_names(
    const struct fields *f, enum dkim_cover how, struct str also, struct sbuf *out);
/* The same list with lines folded. */
void dkim_put_names_folded(struct str names, size_t column, struct sbuf *out);

/* -- what tags say */

NODISCARD enum err dkim_parse_algorithm(struct str a, enum dkim_algorithm *ret);
/* c=; a missing second part is simple (§3.5). */
NODISCARD enum err dkim_parse_canon(
    struct str c, enum dkim_canon *ret_header, enum dkim_canon *ret_body);
/* A domain or selector as it may stand in a question to the DNS. */
bool dkim_is_name(struct str name);

#endif
