/* common/auth/jwt.h - signed tokens (RFC 7519, 7515) and the keys that sign them (RFC 7517, 7518).
 *
 * Public keys only: RS256/384/512, PS256/384/512, ES256/384/512 and EdDSA. "none" and the
 * shared-key algorithms do not exist here (RFC 8725 §3.1). Pure, but for OpenSSL's allocations.
 */
#ifndef COMMON_AUTH_JWT_H
#define COMMON_AUTH_JWT_H

#include "common/base/arena.h"
#include "common/base/err.h"

#include <jansson.h>

struct jwk_set;

/* A provider's key set; keys of kinds that are not known here, and those that are not for verifying
 * signatures ("use", "key_ops"), are left out. ERR_SYNTAX. */
NODISCARD enum err jwk_set_parse(struct str json, struct jwk_set **ret);
/* Another reference to a set that is never changed: any thread may use it, each frees its own. */
struct jwk_set *jwk_set_ref(struct jwk_set *set);
void jwk_set_free(struct jwk_set **set);

/* What a token must say. */
struct jwt_rules {
	const char *issuer; /* iss; NULL or "": any */
	const char *audience; /* among aud; NULL or "": any */
	const char *user_claim; /* the claim that names the user */
	int64_t now_s;
};

#define JWT_LEEWAY_S 60 /* for clocks that differ */

/* The user that a token names, in `arena`, and until when it may be believed. ERR_SYNTAX (no JWT),
 * ERR_NOT_FOUND (no key of that name: the set may be old), ERR_AUTH_FAILED. A header may call it a
 * "JWT" or an access token ("at+jwt", RFC 9068), and nothing else. */
NODISCARD enum err jwt_verify(const struct jwk_set *set, const struct jwt_rules *rules,
    struct str token, struct arena *arena, struct str *ret_user, int64_t *ret_until_s);

/* Whether claims, of a token or of an introspection's answer, are for us and about an address that
 * is its user's: an audience, where there is one, is the wanted one, and the user's claim is not an
 * "email" that "email_verified" says nobody has checked. */
bool jwt_names_user(const json_t *claims, const struct jwt_rules *rules);

#endif
