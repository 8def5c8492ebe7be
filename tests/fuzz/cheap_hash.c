/* argon2id at the least cost it can have, in place of the library's: a password that is right or
 * wrong is found out a thousand times as fast, by the same way. Nobody's hash, which is as dear as
 * a real one, fits no password anyhow: here it is the only one of that cost, and not computed. */
#include "tests/fuzz/cheap_hash.h"

#include "common/auth/password.h"
#include "tests/fuzz/fuzz.h"

#include <argon2.h>
#include <stdatomic.h>

#define PASSES 1
#define MEMORY_KIB 8
#define FULL_MEMORY_KIB (PASSWORD_MEMORY / 1024)

static atomic_uint spared;

int
argon2id_hash_encoded(const uint32_t passes, const uint32_t memory_kib, const uint32_t lanes,
    const void *password, const size_t password_n, const void *salt, const size_t salt_n,
    const size_t hash_n, char *encoded, const size_t encoded_n)
{
	(void)passes, (void)memory_kib, (void)lanes;
	return argon2_hash(PASSES, MEMORY_KIB, 1, password, password_n, salt, salt_n, NULL, hash_n,
	    encoded, encoded_n, Argon2_id, ARGON2_VERSION_NUMBER);
}

int
argon2_verify_ctx(argon2_context *ctx, const char *hash, argon2_type type)
{
	if (ctx->m_cost == FULL_MEMORY_KIB) {
		atomic_fetch_add(&spared, 1);
		return ARGON2_VERIFY_MISMATCH;
	}
	int rc = argon2_ctx(ctx, type);
	if (rc == ARGON2_OK && memcmp(ctx->out, hash, ctx->outlen) != 0)
		rc = ARGON2_VERIFY_MISMATCH;
	return rc;
}

void
cheap_hash_check(void)
{
	unsigned before = atomic_load(&spared);

	FUZZ_CHECK(password_verify(NULL, STR("wrong")) == ERR_AUTH_FAILED);
	FUZZ_CHECK(atomic_load(&spared) == before + 1);
}
