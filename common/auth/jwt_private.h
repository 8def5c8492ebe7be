/* common/auth/jwt_private.h - what the files of jwt.h share. */
#ifndef COMMON_AUTH_JWT_PRIVATE_H
#define COMMON_AUTH_JWT_PRIVATE_H

#include "common/auth/jwt.h"

#include <openssl/evp.h>
#include <stdatomic.h>

#define JWK_MAX 64 /* keys of a set; what follows is left out */

struct jwk {
	char *id; /* kid, or NULL */
	char *algorithm; /* the only one it is for (RFC 7517 §4.4), or NULL */
	EVP_PKEY *key;
};

struct jwk_set {
	atomic_uint refs; /* besides the first */
	struct jwk keys[JWK_MAX];
	size_t n;
};

/* Base64 without padding (RFC 7515 §2) into `arena`; .p NULL where it is none. */
struct str base64url_decode(struct str text, struct arena *arena);

#endif
