#include "common/auth/password.h"

#include "common/auth/prep.h"
#include "common/auth/scram_keys.h"
#include "common/base/log.h"
#include "common/metrics/metrics.h"

#include <argon2.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <sys/mman.h>

/* OWASP's second choice for argon2id: 19 MiB, two passes, one lane. */
#define COST_MEMORY_KIB (PASSWORD_MEMORY / 1024)
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

/* What this thread keeps: libargon2's calls for memory have no place for an argument. */
static _Thread_local struct {
	atomic_ullong *held; /* NULL: it keeps none */
	void *p;
	size_t n;
} kept;

void
password_keep_memory(atomic_ullong *held)
{
	kept.held = held;
}

void
password_release_memory(void)
{
	if (kept.p)
		munmap(kept.p, kept.n);
	if (kept.held)
		atomic_fetch_sub(kept.held, kept.n);
	kept.p = NULL;
	kept.n = 0;
}

static int
take_memory(uint8_t **ret, size_t n)
{
	if (kept.n < n) {
		password_release_memory();
		void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return ARGON2_MEMORY_ALLOCATION_ERROR;
		kept.p = p;
		kept.n = n;
		if (kept.held)
			atomic_fetch_add(kept.held, n);
	}
	*ret = kept.p;
	return ARGON2_OK;
}

/* It has been wiped. */
static void
give_memory(uint8_t *p, size_t n)
{
	(void)p, (void)n;
	if (!kept.held)
		password_release_memory();
}

/* "AAAA" without padding (RFC 4648 §3.2), at most `max` octets; 0 if it is none. */
static size_t
decode_unpadded(struct str text, unsigned char *out, size_t max)
{
	char padded[ENCODED_MAX];
	size_t n = (text.n + 3) / 4 * 4;

	if (text.n == 0 || n > sizeof(padded) || n / 4 * 3 > max)
		return 0;
	memset(padded, '=', n);
	memcpy(padded, text.p, text.n);
	int got = EVP_DecodeBlock(out, (const unsigned char *)padded, (int)n);
	return got < 0 ? 0 : (size_t)got - (n - text.n);
}

/* The password against "$argon2id$v=19$m=…,t=…,p=…$salt$hash", with memory that may be kept.
 * ARGON2_DECODING_FAIL: it is of another form. */
static int
verify_in_place(const char *encoded, struct str prepared)
{
	unsigned char salt[ENCODED_MAX], hash[ENCODED_MAX], out[ENCODED_MAX];
	unsigned memory, passes, lanes;
	int at = 0;
	struct str salt_text;

	// NOLINTNEXTLINE(cert-err34-c): with a number that does not fit, the hash is another's
	if (sscanf(encoded, "$argon2id$v=19$m=%u,t=%u,p=%u$%n", &memory, &passes, &lanes, &at) !=
		3 ||
	    at == 0)
		return ARGON2_DECODING_FAIL;
	struct str rest = str_of(encoded + at);
	if (!str_split(&rest, '$', &salt_text))
		return ARGON2_DECODING_FAIL;
	size_t salt_n = decode_unpadded(salt_text, salt, sizeof(salt));
	size_t hash_n = decode_unpadded(rest, hash, sizeof(hash));
	if (salt_n == 0 || hash_n == 0)
		return ARGON2_DECODING_FAIL;
	argon2_context ctx = {
	    .out = out,
	    .outlen = (uint32_t)hash_n,
	    .pwd = (uint8_t *)(uintptr_t)prepared.p,
	    .pwdlen = (uint32_t)prepared.n,
	    .salt = salt,
	    .saltlen = (uint32_t)salt_n,
	    .t_cost = passes,
	    .m_cost = memory,
	    .lanes = lanes,
	    .threads = lanes,
	    .version = ARGON2_VERSION_13,
	    .allocate_cbk = take_memory,
	    .free_cbk = give_memory,
	    .flags = ARGON2_DEFAULT_FLAGS,
	};
	return argon2_verify_ctx(&ctx, (const char *)hash, Argon2_id);
}

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
	int rc = verify_in_place(encoded, prepared);
	if (rc == ARGON2_DECODING_FAIL)
		rc = argon2id_verify(encoded, prepared.p, prepared.n);
	e = from_argon2(rc);
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
