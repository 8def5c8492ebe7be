#include "common/auth/password.h"

#include "common/auth/prep.h"
#include "common/auth/scram_keys.h"
#include "common/base/log.h"
#include "common/metrics/metrics.h"

#include <argon2.h>
#include <openssl/rand.h>

/* OWASP's second choice for argon2id: 19 MiB, two passes, one lane. */
#define COST_MEMORY_KIB 19456
#define COST_PASSES 2
#define COST_LANES 1
#define HASH_SIZE 32
#define SALT_SIZE 16
#define ENCODED_MAX 256

/* What an unknown user's password is checked against: the same costs, and no password gives it
 * (the result is not asked for either). */
#define NOBODYS_HASH                                                                               \
	"$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA"                                    \
	"$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static bool
has_control(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

static enum err
from_argon2(int rc)
{
	if (rc == ARGON2_OK)
		return ERR_OK;
	if (rc == ARGON2_VERIFY_MISMATCH)
		return ERR_AUTH_FAILED;
	if (rc == ARGON2_MEMORY_ALLOCATION_ERROR)
		return ERR_NOMEM;
	log_error("password", F_CSTR("argon2", argon2_error_message(rc)));
	return ERR_INTERNAL;
}

static enum err
make_hash(struct str prepared, struct arena *arena, struct str *ret)
{
	unsigned char salt[SALT_SIZE];
	char encoded[ENCODED_MAX];

	if (RAND_bytes(salt, sizeof(salt)) != 1)
		return ERR_INTERNAL;
	enum err e = from_argon2(argon2id_hash_encoded(COST_PASSES, COST_MEMORY_KIB, COST_LANES,
	    prepared.p, prepared.n, salt, sizeof(salt), HASH_SIZE, encoded, sizeof(encoded)));
	if (e)
		return e;
	*ret = arena_dup(arena, str_of(encoded));
	return ret->p ? ERR_OK : ERR_NOMEM;
}

static enum err
make_keys(struct str prepared, struct arena *arena, struct credential *c)
{
	unsigned char *salt = arena_alloc(arena, SCRAM_SALT_SIZE);
	unsigned char *stored = arena_alloc(arena, SCRAM_KEY_SIZE);
	unsigned char *server = arena_alloc(arena, SCRAM_KEY_SIZE);

	if (!salt || !stored || !server)
		return ERR_NOMEM;
	if (RAND_bytes(salt, SCRAM_SALT_SIZE) != 1)
		return ERR_INTERNAL;
	c->scram_salt = str_make(salt, SCRAM_SALT_SIZE);
	c->scram_iterations = SCRAM_ITERATIONS;
	c->scram_stored_key = str_make(stored, SCRAM_KEY_SIZE);
	c->scram_server_key = str_make(server, SCRAM_KEY_SIZE);
	return scram_keys(prepared, c->scram_salt, c->scram_iterations, stored, server);
}

enum err
password_make(struct str password, struct arena *arena, struct credential *ret)
{
	struct credential c = {0};
	struct str prepared;

	if (password.n > PASSWORD_MAX)
		return ERR_TOO_LONG;
	if (has_control(password))
		return ERR_SYNTAX;
	enum err e = prep_string(password, arena, &prepared);
	if (e)
		return e;
	if (prepared.n == 0)
		return ERR_SYNTAX; /* nothing, or only characters that SASLprep maps to nothing */
	e = make_hash(prepared, arena, &c.hash);
	if (!e)
		e = make_keys(prepared, arena, &c);
	prep_wipe(prepared);
	if (!e)
		*ret = c;
	return e;
}

enum err
password_verify(const struct credential *c, struct str password)
{
	char encoded[ENCODED_MAX] = NOBODYS_HASH;
	bool known = c && c->hash.n > 0 && c->hash.n < sizeof(encoded);
	struct str prepared;

	if (password.n == 0 || password.n > PASSWORD_MAX || str_has_nul(password))
		return ERR_AUTH_FAILED; /* whoever the user is */
	CLEANUP(arena_free) struct arena *arena = arena_new(8L * PASSWORD_MAX);
	if (!arena)
		return ERR_NOMEM;
	enum err e = prep_string(password, arena, &prepared);
	if (e)
		return e;
	if (known) {
		memcpy(encoded, c->hash.p, c->hash.n);
		encoded[c->hash.n] = '\0';
	}
	int64_t began_us = clock_mono_us();
	e = from_argon2(argon2id_verify(encoded, prepared.p, prepared.n));
	METRICS_TIME(password_check, 0, began_us);
	prep_wipe(prepared);
	if (!e && !known)
		e = ERR_AUTH_FAILED;
	return e;
}

struct str
password_generate(struct arena *arena)
{
	/* 32 signs, none of which looks or sounds like another: no l, o, 0, 1. */
	static const char signs[] = "abcdefghijkmnpqrstuvwxyz23456789";
	unsigned char random[24];
	char text[sizeof(random)];

	if (RAND_bytes(random, sizeof(random)) != 1)
		return (struct str){NULL, 0};
	for (size_t i = 0; i < sizeof(random); i++)
		text[i] = signs[random[i] % 32];
	struct str s = arena_dup(arena, str_make(text, sizeof(text)));
	prep_wipe(str_make(text, sizeof(text)));
	prep_wipe(str_make(random, sizeof(random)));
	return s;
}
