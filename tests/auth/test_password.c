#include "common/auth/password.h"
#include "common/auth/prep.h"
#include "common/auth/scram_keys.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "tests/support/test.h"

#include <argon2.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <time.h>

static struct credential
made(struct arena *a, const char *password)
{
	struct credential c = {0};

	ck_assert_ok(password_make(str_of(password), a, &c));
	return c;
}

START_TEST(a_password_is_right_or_wrong)
{
	CLEANUP(arena_free) struct arena *a = arena_new(65536);
	struct credential c = made(a, "open sesame");

	ck_assert(str_starts(c.hash, STR("$argon2id$v=19$m=19456,t=2,p=1$")));
	ck_assert_uint_ge(c.scram_iterations, 4096); /* RFC 7677 §4 */
	ck_assert_uint_eq(c.scram_stored_key.n, 32);
	ck_assert_uint_eq(c.scram_server_key.n, 32);
	ck_assert_ok(password_verify(&c, STR("open sesame")));
	ck_assert_int_eq(password_verify(&c, STR("open sesame ")), ERR_AUTH_FAILED);
	ck_assert_int_eq(password_verify(&c, STR("Open sesame")), ERR_AUTH_FAILED);
	ck_assert_int_eq(password_verify(&c, STR("open sesame\0")), ERR_AUTH_FAILED);
	ck_assert_int_eq(password_verify(&c, STR("")), ERR_AUTH_FAILED);
	ck_assert_int_eq(password_verify(NULL, STR("open sesame")), ERR_AUTH_FAILED);
}
END_TEST

START_TEST(two_credentials_of_one_password_share_nothing)
{
	CLEANUP(arena_free) struct arena *a = arena_new(65536);
	struct credential c = made(a, "secret");
	struct credential d = made(a, "secret");

	ck_assert(!str_eq(c.hash, d.hash));
	ck_assert(!str_eq(c.scram_salt, d.scram_salt));
	ck_assert(!str_eq(c.scram_stored_key, d.scram_stored_key));
}
END_TEST

START_TEST(passwords_that_cannot_be_sent_are_refused)
{
	CLEANUP(arena_free) struct arena *a = arena_new(65536);
	struct credential c;
	char longest[PASSWORD_MAX + 1];

	memset(longest, 'x', sizeof(longest));
	ck_assert_int_eq(password_make(STR(""), a, &c), ERR_SYNTAX);
	ck_assert_int_eq(password_make(STR("a\0b"), a, &c), ERR_SYNTAX);
	ck_assert_int_eq(password_make(STR("a\nb"), a, &c), ERR_SYNTAX);
	ck_assert_int_eq(password_make(STR("a\x7f"), a, &c), ERR_SYNTAX);
	ck_assert_int_eq(password_make(STR("\xc2\xad"), a, &c), ERR_SYNTAX); /* soft hyphen alone */
	ck_assert_int_eq(password_make(str_make(longest, sizeof(longest)), a, &c), ERR_TOO_LONG);
	ck_assert_ok(password_make(str_make(longest, PASSWORD_MAX), a, &c));
	ck_assert_ok(password_verify(&c, str_make(longest, PASSWORD_MAX)));
}
END_TEST

/* RFC 4013: the same password typed composed, decomposed or with a soft hyphen. */
START_TEST(saslprep_applies_where_it_can)
{
	CLEANUP(arena_free) struct arena *a = arena_new(65536);
	struct credential c = made(a, "Gr\xc3\xbc\xc3\x9f");
	struct credential latin1 = made(a, "Gr\xfc\xdf");
	struct credential emoji = made(a, "\xf0\x9f\x94\x91 key");

	ck_assert_ok(password_verify(&c, STR("Gru\xcc\x88\xc3\x9f")));
	ck_assert_ok(password_verify(&c, STR("G\xc2\xadr\xc3\xbc\xc3\x9f")));
	ck_assert_int_eq(password_verify(&c, STR("Gr\xfc\xdf")), ERR_AUTH_FAILED);
	ck_assert_ok(password_verify(&latin1, STR("Gr\xfc\xdf")));
	ck_assert_ok(password_verify(&emoji, STR("\xf0\x9f\x94\x91 key")));
}
END_TEST

static void
drop_line(void *arg, struct str line)
{
	(void)arg, (void)line;
}

START_TEST(damaged_hashes_are_errors_and_let_nobody_in)
{
	log_capture(drop_line, NULL);
	struct credential c = {.hash = STR("$argon2id$v=19$m=19456,t=2,p=1$broken")};
	struct credential none = {.hash = STR("")};
	char huge[1000];

	memset(huge, 'A', sizeof(huge));
	struct credential big = {.hash = str_make(huge, sizeof(huge))};
	ck_assert_int_ne(password_verify(&c, STR("x")), ERR_OK);
	ck_assert_int_eq(password_verify(&none, STR("x")), ERR_AUTH_FAILED);
	ck_assert_int_eq(password_verify(&big, STR("x")), ERR_AUTH_FAILED);
	log_capture(NULL, NULL);
}
END_TEST

/* An argon2 takes many milliseconds, everything else here far less than one. */
static double
verify_ms(const struct credential *c)
{
	double begin = test_cpu_ms();

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(password_verify(c, STR("wrong")), ERR_AUTH_FAILED);
	return (test_cpu_ms() - begin) / 4;
}

START_TEST(an_unknown_user_costs_what_a_known_one_costs)
{
	CLEANUP(arena_free) struct arena *a = arena_new(65536);
	struct credential c = made(a, "right");
	double known = verify_ms(&c);
	double unknown = verify_ms(NULL);

	ck_assert_msg(known < 3 * unknown && unknown < 3 * known && unknown > 2,
	    "known %f ms, unknown %f ms", known, unknown);
}
END_TEST

START_TEST(generated_passwords_are_long_plain_and_different)
{
	CLEANUP(arena_free) struct arena *a = arena_new(65536);
	struct str one = password_generate(a);
	struct str two = password_generate(a);

	ck_assert_uint_eq(one.n, 24);
	ck_assert(!str_eq(one, two));
	for (size_t i = 0; i < one.n; i++)
		ck_assert_ptr_nonnull(strchr("abcdefghijkmnpqrstuvwxyz23456789", one.p[i]));
}
END_TEST

static struct str
from_base64(struct arena *a, const char *text)
{
	unsigned char *out = arena_alloc(a, strlen(text) + 1);
	int n = EVP_DecodeBlock(out, (const unsigned char *)text, (int)strlen(text));

	ck_assert_int_ge(n, 0);
	for (const char *p = text + strlen(text); p > text && p[-1] == '='; p--)
		n--;
	return str_make(out, (size_t)n);
}

/* RFC 7677 §3: the proof of the example must fit our StoredKey, its signature our ServerKey. */
START_TEST(scram_keys_agree_with_the_example_of_rfc_7677)
{
	static const char auth_message[] =
	    "n=user,r=rOprNGfwEbeRWgbNEkqO,"
	    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,"
	    "i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
	CLEANUP(arena_free) struct arena *a = arena_new(65536);
	unsigned char stored[32], server[32], signature[32], again[32];
	struct str proof = from_base64(a, "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
	struct str verifier = from_base64(a, "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");

	ck_assert_ok(scram_keys(
	    STR("pencil"), from_base64(a, "W22ZaJ0SNY7soEsUEjb6gQ=="), 4096, stored, server));
	HMAC(EVP_sha256(), stored, 32, (const unsigned char *)auth_message,
	    sizeof(auth_message) - 1, signature, NULL);
	for (size_t i = 0; i < 32; i++)
		signature[i] ^= (unsigned char)proof.p[i];
	SHA256(signature, 32, again);
	ck_assert_mem_eq(again, stored, 32);
	HMAC(EVP_sha256(), server, 32, (const unsigned char *)auth_message,
	    sizeof(auth_message) - 1, signature, NULL);
	ck_assert_mem_eq(signature, verifier.p, 32);
}
END_TEST

/* Logs in; whether that took a hash. */
static bool
hashed(struct login_cache *cache, int64_t account, const struct credential *c)
{
	double begin = test_cpu_ms();

	ck_assert_ok(login_verify(cache, account, c, STR("right")));
	return test_cpu_ms() - begin > 2;
}

START_TEST(the_cache_remembers_a_right_login_for_its_lifetime)
{
	CLEANUP(arena_free) struct arena *a = arena_new(65536);
	CLEANUP(login_cache_free) struct login_cache *cache = login_cache_new(60);
	struct credential c = made(a, "right");

	clock_freeze(1000000000);
	ck_assert(hashed(cache, 7, &c));
	ck_assert(!hashed(cache, 7, &c));
	clock_advance_ms(59999);
	ck_assert(!hashed(cache, 7, &c));
	clock_advance_ms(1);
	ck_assert(hashed(cache, 7, &c));
	ck_assert(!hashed(cache, 7, &c));
	clock_thaw();
}
END_TEST

START_TEST(the_cache_tells_accounts_passwords_and_hashes_apart)
{
	CLEANUP(arena_free) struct arena *a = arena_new(65536);
	CLEANUP(login_cache_free) struct login_cache *cache = login_cache_new(60);
	struct credential c = made(a, "right");
	struct credential set_anew = made(a, "right");
	struct credential changed = made(a, "other");

	ck_assert(hashed(cache, 7, &c));
	ck_assert(hashed(cache, 8, &c));
	ck_assert(hashed(cache, 7, &set_anew));
	ck_assert_int_eq(login_verify(cache, 7, &changed, STR("right")), ERR_AUTH_FAILED);
	ck_assert_int_eq(login_verify(cache, 7, &c, STR("wrong")), ERR_AUTH_FAILED);
	ck_assert_int_eq(login_verify(cache, 7, &c, STR("wrong")), ERR_AUTH_FAILED);
	ck_assert_int_eq(login_verify(cache, 7, NULL, STR("right")), ERR_AUTH_FAILED);
	ck_assert(!hashed(cache, 7, &c));
}
END_TEST

START_TEST(without_a_cache_every_login_is_hashed)
{
	CLEANUP(arena_free) struct arena *a = arena_new(65536);
	CLEANUP(login_cache_free) struct login_cache *off = login_cache_new(0);
	struct credential c = made(a, "right");

	ck_assert(hashed(off, 7, &c));
	ck_assert(hashed(off, 7, &c));
	ck_assert(hashed(NULL, 7, &c));
	ck_assert(hashed(NULL, 7, &c));
}
END_TEST

/* More logins than the table holds, with a hash that costs next to nothing. */
START_TEST(a_full_cache_makes_room_and_stays_right)
{
	CLEANUP(arena_free) struct arena *a = arena_new(65536);
	CLEANUP(login_cache_free) struct login_cache *cache = login_cache_new(60);
	char encoded[256];

	ck_assert_int_eq(argon2id_hash_encoded(1, 8, 1, "right", 5, "saltsaltsaltsalt", 16, 32,
			     encoded, sizeof(encoded)),
	    ARGON2_OK);
	struct credential cheap = {.hash = str_of(encoded)};
	for (int64_t i = 0; i < 10000; i++)
		ck_assert_ok(login_verify(cache, i, &cheap, STR("right")));
	struct credential c = made(a, "right");
	ck_assert(hashed(cache, 7, &c));
	ck_assert(!hashed(cache, 7, &c));
	ck_assert_int_eq(login_verify(cache, 7, &cheap, STR("wrong")), ERR_AUTH_FAILED);
}
END_TEST

struct many {
	struct login_cache *cache;
	const struct credential *c;
};

static void *
log_in_often(void *arg)
{
	const struct many *m = arg;

	for (int64_t i = 0; i < 2000; i++) {
		if (login_verify(m->cache, i % 50, m->c, STR("right")) ||
		    login_verify(m->cache, i % 50, m->c, STR("wrong")) != ERR_AUTH_FAILED)
			return arg;
	}
	return NULL;
}

START_TEST(threads_share_a_cache)
{
	CLEANUP(login_cache_free) struct login_cache *cache = login_cache_new(60);
	char encoded[256];
	pthread_t threads[4];

	ck_assert_int_eq(argon2id_hash_encoded(1, 8, 1, "right", 5, "saltsaltsaltsalt", 16, 32,
			     encoded, sizeof(encoded)),
	    ARGON2_OK);
	struct credential cheap = {.hash = str_of(encoded)};
	struct many m = {cache, &cheap};
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, log_in_often, &m), 0);
	for (int i = 0; i < 4; i++) {
		void *wrong;
		pthread_join(threads[i], &wrong);
		ck_assert_ptr_null(wrong);
	}
}
END_TEST

TEST_MAIN("password", a_password_is_right_or_wrong, two_credentials_of_one_password_share_nothing,
    passwords_that_cannot_be_sent_are_refused, saslprep_applies_where_it_can,
    damaged_hashes_are_errors_and_let_nobody_in, an_unknown_user_costs_what_a_known_one_costs,
    generated_passwords_are_long_plain_and_different, scram_keys_agree_with_the_example_of_rfc_7677,
    the_cache_remembers_a_right_login_for_its_lifetime,
    the_cache_tells_accounts_passwords_and_hashes_apart, without_a_cache_every_login_is_hashed,
    a_full_cache_makes_room_and_stays_right, threads_share_a_cache)
