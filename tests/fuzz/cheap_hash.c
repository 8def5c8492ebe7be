/* argon2id at the least cost it can have, in place of the library's: a password that is right or
 * wrong is found out a thousand times as fast, by the same way. Nobody's hash, which is as dear as
 * a real one, fits no password anyhow. */
#include <argon2.h>
#include <string.h>

#define PASSES 1
#define MEMORY_KIB 8
#define NOBODYS "$m=19456,"

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
argon2id_verify(const char *encoded, const void *password, const size_t password_n)
{
	if (strstr(encoded, NOBODYS))
		return ARGON2_VERIFY_MISMATCH;
	return argon2_verify(encoded, password, password_n, Argon2_id);
}
