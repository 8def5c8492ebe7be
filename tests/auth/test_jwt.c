/* Tokens and their keys: RFC 7515, 7517, 7518, 7519, 8725. Keys and signatures are made here. */
#include "common/auth/jwt_private.h"
#include "common/base/sbuf.h"
#include "tests/support/test.h"

#include <openssl/ecdsa.h>
#include <stdio.h>

#define NOW 1300819000 /* before the end of the tokens of RFC 7515 Appendix A: 1300819380 */
#define TOKEN_ARENA (1024L * 1024)

/* RFC 7515 §A.2.1, §A.3.1: the keys of the examples. */
static const char rfc_keys[] =
    "{\"keys\":[{\"kty\":\"RSA\",\"n\":"
    "\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4"
    "d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexM"
    "dbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK"
    "-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\",\"e\":\"AQAB\"},"
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

/* RFC 7515 §A.2.1. */
static const char rfc_rs256[] =
    "eyJhbGciOiJSUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5"
    "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L"
    "07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUi"
    "pUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

/* RFC 7515 §A.3.1. */
static const char rfc_es256[] =
    "eyJhbGciOiJFUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

/* RFC 7515 §A.1.1: by a shared key. */
static const char rfc_hs256[] =
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/* RFC 7515 §A.5: by nobody. */
static const char rfc_none[] =
    "eyJhbGciOiJub25lIn0."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".";

static const struct jwt_rules rfc_rules = {.user_claim = "iss", .now_s = NOW};

static struct jwk_set *
parse_keys(const char *json)
{
	struct jwk_set *set = NULL;

	ck_assert_ok(jwk_set_parse(test_guarded(str_of(json)), &set));
	return set;
}

static enum err
verify(const struct jwk_set *set, const struct jwt_rules *rules, struct str token)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(TOKEN_ARENA);
	struct str user;
	int64_t until;

	return jwt_verify(set, rules, token, arena, &user, &until);
}

START_TEST(the_examples_of_the_rfc_verify)
{
	CLEANUP(jwk_set_free) struct jwk_set *set = parse_keys(rfc_keys);
	const char *const tokens[] = {rfc_rs256, rfc_es256};

	ck_assert_uint_eq(set->n, 2);
	for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
		CLEANUP(arena_free) struct arena *arena = arena_new(TOKEN_ARENA);
		struct str user;
		int64_t until;
		ck_assert_ok(jwt_verify(
		    set, &rfc_rules, test_guarded(str_of(tokens[i])), arena, &user, &until));
		ck_assert_str_is(user, "joe");
		ck_assert_int_eq(until, 1300819380);
	}
}
END_TEST

/* RFC 8725 §3.1: what the token says of its algorithm never makes a weaker check. */
START_TEST(no_shared_key_and_no_unsigned_token_is_believed)
{
	CLEANUP(jwk_set_free) struct jwk_set *set = parse_keys(rfc_keys);

	ck_assert_int_eq(verify(set, &rfc_rules, str_of(rfc_hs256)), ERR_AUTH_FAILED);
	ck_assert_int_ne(verify(set, &rfc_rules, str_of(rfc_none)), ERR_OK);
}
END_TEST

/* RFC 7515 §5.2 */
START_TEST(no_part_of_a_good_token_verifies)
{
	CLEANUP(jwk_set_free) struct jwk_set *set = parse_keys(rfc_keys);
	struct str token = str_of(rfc_es256);

	for (size_t n = 0; n < token.n; n++)
		ck_assert_msg(verify(set, &rfc_rules, test_guarded(str_sub(token, 0, n))) != ERR_OK,
		    "cut at %zu", n);
}
END_TEST

/* Every octet, by each bit and by what base64 would take for it: the last digit of a part has bits
 * that stand for nothing (RFC 4648 §3.5), and they must not make a second good token. */
START_TEST(no_changed_octet_verifies)
{
	CLEANUP(jwk_set_free) struct jwk_set *set = parse_keys(rfc_keys);
	char token[sizeof(rfc_es256)];
	const char digits[] = "AQgwBbZz09-_=.+/ \n";

	memcpy(token, rfc_es256, sizeof(token));
	size_t n = sizeof(token) - 1;
	for (size_t i = 0; i < n; i++) {
		char was = token[i];
		for (int bit = 0; bit < 8; bit++) {
			token[i] = (char)(was ^ (1 << bit));
			ck_assert_msg(verify(set, &rfc_rules, str_make(token, n)) != ERR_OK,
			    "bit %d of octet %zu", bit, i);
		}
		for (size_t d = 0; d < sizeof(digits); d++) {
			token[i] = digits[d];
			ck_assert_msg(digits[d] == was ||
					  verify(set, &rfc_rules, str_make(token, n)) != ERR_OK,
			    "%d at octet %zu", digits[d], i);
		}
		token[i] = was;
	}
}
END_TEST

/* A key of this run, and tokens by it. */
struct signer {
	EVP_PKEY *key;
	struct jwk_set *set;
};

static void
base64url(const void *p, size_t n, struct sbuf *out)
{
	size_t from = out->n;
	unsigned char text[2048];

	ck_assert_uint_lt(n, sizeof(text) / 2);
	EVP_EncodeBlock(text, p, (int)n);
	sbuf_puts(out, (char *)text);
	while (out->n > from && out->p[out->n - 1] == '=')
		out->n--;
	for (size_t i = from; i < out->n; i++)
		if (out->p[i] == '+' || out->p[i] == '/')
			out->p[i] = out->p[i] == '+' ? '-' : '_';
}

static struct signer
signer_new(void)
{
	struct signer s = {.key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
	CLEANUP(sbuf_done) struct sbuf json = SBUF_INIT(4096);
	unsigned char raw[32];
	size_t n = sizeof(raw);

	ck_assert_int_eq(EVP_PKEY_get_raw_public_key(s.key, raw, &n), 1);
	sbuf_puts(&json, "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"},{\"kty\":\"OKP\",\"crv\":"
			 "\"Ed25519\",\"kid\":\"one\",\"x\":\"");
	base64url(raw, n, &json);
	sbuf_puts(&json, "\"}]}");
	ck_assert_ok(jwk_set_parse(sbuf_view(&json), &s.set));
	ck_assert_uint_eq(s.set->n, 1); /* a shared key is none here */
	return s;
}

static void
signer_done(struct signer *s)
{
	EVP_PKEY_free(s->key);
	jwk_set_free(&s->set);
}

static void
sign(const struct signer *s, const char *header, const char *claims, struct sbuf *out)
{
	unsigned char signature[64];
	size_t n = sizeof(signature);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	base64url(header, strlen(header), out);
	sbuf_puts(out, ".");
	base64url(claims, strlen(claims), out);
	ck_assert_int_eq(EVP_DigestSignInit(ctx, NULL, NULL, NULL, s->key), 1);
	ck_assert_int_eq(
	    EVP_DigestSign(ctx, signature, &n, (const unsigned char *)out->p, out->n), 1);
	EVP_MD_CTX_free(ctx);
	sbuf_puts(out, ".");
	base64url(signature, n, out);
}

/* r and s side by side (RFC 7518 §3.4), where both fit in 32 octets. */
static void
ec_raw(const unsigned char *der, size_t n, unsigned char out[64])
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);

	ck_assert_ptr_nonnull(sig);
	if (BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, 32) < 0 ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + 32, 32) < 0)
		memset(out, 1, 64); /* of a larger curve */
	ECDSA_SIG_free(sig);
}

static void
sign_sha256(EVP_PKEY *key, const char *header, const char *claims, struct sbuf *out)
{
	unsigned char signature[512], raw[64];
	size_t n = sizeof(signature);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	base64url(header, strlen(header), out);
	sbuf_puts(out, ".");
	base64url(claims, strlen(claims), out);
	ck_assert_int_eq(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
	ck_assert_int_eq(
	    EVP_DigestSign(ctx, signature, &n, (const unsigned char *)out->p, out->n), 1);
	EVP_MD_CTX_free(ctx);
	sbuf_puts(out, ".");
	if (!EVP_PKEY_is_a(key, "EC")) {
		base64url(signature, n, out);
		return;
	}
	ec_raw(signature, n, raw);
	base64url(raw, sizeof(raw), out);
}

#define GOOD_HEADER "{\"alg\":\"EdDSA\",\"kid\":\"one\"}"
#define GOOD_CLAIMS "\"iss\":\"https://p.test\",\"aud\":[\"x\",\"mail\"],\"email\":\"u@e.test\""

static const struct signed_token {
	const char *rfc;
	const char *header, *claims;
	enum err expect;
} signed_tokens[] = {
    {"RFC 7519 §7.2", GOOD_HEADER, "{" GOOD_CLAIMS ",\"exp\":1300819001}", ERR_OK},
    {"RFC 7515 §4.1.4, no key is named", "{\"alg\":\"EdDSA\"}",
	"{" GOOD_CLAIMS ",\"exp\":1300819001}", ERR_OK},
    {"RFC 7515 §4.1.4, one that is not there", "{\"alg\":\"EdDSA\",\"kid\":\"two\"}",
	"{" GOOD_CLAIMS ",\"exp\":1300819001}", ERR_NOT_FOUND},
    {"RFC 7515 §4.1.11", "{\"alg\":\"EdDSA\",\"crit\":[\"exp\"],\"exp\":1}",
	"{" GOOD_CLAIMS ",\"exp\":1300819001}", ERR_AUTH_FAILED},
    {"RFC 7515 §4.1.1, none", "{\"kid\":\"one\"}", "{" GOOD_CLAIMS ",\"exp\":1300819001}",
	ERR_AUTH_FAILED},
    {"RFC 8725 §3.1, of another kind of key", "{\"alg\":\"ES256\",\"kid\":\"one\"}",
	"{" GOOD_CLAIMS ",\"exp\":1300819001}", ERR_AUTH_FAILED},
    {"RFC 7515 §4, a name twice", "{\"alg\":\"none\",\"alg\":\"EdDSA\"}",
	"{" GOOD_CLAIMS ",\"exp\":1300819001}", ERR_SYNTAX},
    {"RFC 7515 §4, no object", "[]", "{" GOOD_CLAIMS ",\"exp\":1300819001}", ERR_SYNTAX},
    {"RFC 7519 §7.2, no object", GOOD_HEADER, "[1]", ERR_SYNTAX},
    {"RFC 7519 §4, a name twice", GOOD_HEADER,
	"{" GOOD_CLAIMS ",\"exp\":1300819001,\"email\":\"root@e.test\"}", ERR_SYNTAX},
    {"RFC 7519 §4.1.4, within the leeway", GOOD_HEADER, "{" GOOD_CLAIMS ",\"exp\":1300818941}",
	ERR_OK},
    {"RFC 7519 §4.1.4, behind it", GOOD_HEADER, "{" GOOD_CLAIMS ",\"exp\":1300818940}",
	ERR_AUTH_FAILED},
    {"RFC 7519 §4.1.4, none", GOOD_HEADER, "{" GOOD_CLAIMS "}", ERR_AUTH_FAILED},
    {"RFC 7519 §4.1.4, no number", GOOD_HEADER, "{" GOOD_CLAIMS ",\"exp\":\"1300819001\"}",
	ERR_AUTH_FAILED},
    {"RFC 7519 §4.1.4, beyond all time", GOOD_HEADER, "{" GOOD_CLAIMS ",\"exp\":1e300}",
	ERR_AUTH_FAILED},
    {"RFC 7519 §4.1.4, below it", GOOD_HEADER, "{" GOOD_CLAIMS ",\"exp\":-1}", ERR_AUTH_FAILED},
    {"RFC 7519 §4.1.5, within the leeway", GOOD_HEADER,
	"{" GOOD_CLAIMS ",\"exp\":1300819001,\"nbf\":1300819060}", ERR_OK},
    {"RFC 7519 §4.1.5, before it", GOOD_HEADER,
	"{" GOOD_CLAIMS ",\"exp\":1300819001,\"nbf\":1300819061}", ERR_AUTH_FAILED},
    {"RFC 7519 §4.1.5, no number", GOOD_HEADER,
	"{" GOOD_CLAIMS ",\"exp\":1300819001,\"nbf\":\"0\"}", ERR_AUTH_FAILED},
    {"RFC 7519 §4.1.1, another", GOOD_HEADER,
	"{\"iss\":\"https://p.test/\",\"aud\":\"mail\",\"email\":\"u@e.test\",\"exp\":1300819001}",
	ERR_AUTH_FAILED},
    {"RFC 7519 §4.1.1, none", GOOD_HEADER,
	"{\"aud\":\"mail\",\"email\":\"u@e.test\",\"exp\":1300819001}", ERR_AUTH_FAILED},
    {"RFC 7519 §4.1.3, a single one", GOOD_HEADER,
	"{\"iss\":\"https://p.test\",\"aud\":\"mail\",\"email\":\"u@e.test\",\"exp\":1300819001}",
	ERR_OK},
    {"RFC 7519 §4.1.3, others", GOOD_HEADER,
	"{\"iss\":\"https://p.test\",\"aud\":[\"x\",1],\"email\":\"u@e.test\",\"exp\":1300819001}",
	ERR_AUTH_FAILED},
    {"RFC 7519 §4.1.3, none", GOOD_HEADER,
	"{\"iss\":\"https://p.test\",\"email\":\"u@e.test\",\"exp\":1300819001}", ERR_AUTH_FAILED},
    {"OpenID Connect Core §5.1, a checked address", GOOD_HEADER,
	"{" GOOD_CLAIMS ",\"exp\":1300819001,\"email_verified\":true}", ERR_OK},
    {"OpenID Connect Core §5.1, one that is only claimed", GOOD_HEADER,
	"{" GOOD_CLAIMS ",\"exp\":1300819001,\"email_verified\":false}", ERR_AUTH_FAILED},
    /* RFC 8725 §3.11: what was made for something else is no access token; RFC 7515 §4.1.9: the
     * media type, without regard to case, and "application/" may be left out */
    {"RFC 7519 §5.1, a JWT", "{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}",
	"{" GOOD_CLAIMS ",\"exp\":1300819001}", ERR_OK},
    {"RFC 9068 §2.1, an access token", "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\"}",
	"{" GOOD_CLAIMS ",\"exp\":1300819001}", ERR_OK},
    {"RFC 9068 §4, in full", "{\"alg\":\"EdDSA\",\"typ\":\"Application/AT+jwt\"}",
	"{" GOOD_CLAIMS ",\"exp\":1300819001}", ERR_OK},
    {"RFC 8417 §2.3, an event", "{\"alg\":\"EdDSA\",\"typ\":\"secevent+jwt\"}",
	"{" GOOD_CLAIMS ",\"exp\":1300819001}", ERR_AUTH_FAILED},
    {"RFC 9449 §4.2, a proof", "{\"alg\":\"EdDSA\",\"typ\":\"dpop+jwt\"}",
	"{" GOOD_CLAIMS ",\"exp\":1300819001}", ERR_AUTH_FAILED},
    {"RFC 7515 §4.1.9, no text", "{\"alg\":\"EdDSA\",\"typ\":7}",
	"{" GOOD_CLAIMS ",\"exp\":1300819001}", ERR_AUTH_FAILED},
    {"RFC 7515 §4.1.9, empty", "{\"alg\":\"EdDSA\",\"typ\":\"\"}",
	"{" GOOD_CLAIMS ",\"exp\":1300819001}", ERR_AUTH_FAILED},
    {"RFC 7519 §4.3, no user", GOOD_HEADER,
	"{\"iss\":\"https://p.test\",\"aud\":\"mail\",\"exp\":1300819001}", ERR_AUTH_FAILED},
    {"RFC 7519 §4.3, a user that is no text", GOOD_HEADER,
	"{\"iss\":\"https://p.test\",\"aud\":\"mail\",\"email\":7,\"exp\":1300819001}",
	ERR_AUTH_FAILED},
};

START_TEST(what_a_signed_token_says_is_checked)
{
	const struct jwt_rules rules = {"https://p.test", "mail", "email", NOW};
	CLEANUP(signer_done) struct signer s = signer_new();

	for (size_t i = 0; i < ARRAY_LEN(signed_tokens); i++) {
		const struct signed_token *t = &signed_tokens[i];
		CLEANUP(sbuf_done) struct sbuf token = SBUF_INIT(4096);
		sign(&s, t->header, t->claims, &token);
		enum err e = verify(s.set, &rules, test_guarded(sbuf_view(&token)));
		ck_assert_msg(e == t->expect, "%s: %s", t->rfc, err_name(e));
	}
}
END_TEST

#define KEY_WITH(more)                                                                             \
	"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_"                              \
	"7TyWQHOg7hcvPapiMlrwIaaPcHURo\"," more "}"

/* RFC 7517 §5: keys that are not understood are left out, the others stay. */
START_TEST(keys_of_other_kinds_are_left_out)
{
	static const struct {
		const char *json;
		enum err expect;
		size_t n;
	} rows[] = {
	    {"", ERR_SYNTAX, 0},
	    {"[]", ERR_SYNTAX, 0},
	    {"{}", ERR_SYNTAX, 0},
	    {"{\"keys\":{}}", ERR_SYNTAX, 0},
	    {"{\"keys\":[]}", ERR_OK, 0},
	    {"{\"keys\":[1,null,{},{\"kty\":1},{\"kty\":\"oct\",\"k\":\"AA\"}]}", ERR_OK, 0},
	    /* RFC 7518 §6.2.1: not on the curve, too short, no such curve */
	    {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
	     "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	     "\"y\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"},"
	     "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83O\",\"y\":\"f83O\"},"
	     "{\"kty\":\"EC\",\"crv\":\"P-1\",\"x\":\"f83O\",\"y\":\"f83O\"}]}",
		ERR_OK, 0},
	    /* RFC 7518 §3.3: 2048 bits and more */
	    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbj\","
	     "\"e\":\"AQAB\"},{\"kty\":\"RSA\",\"e\":\"AQAB\"}]}",
		ERR_OK, 0},
	    /* RFC 7517 §4.2: not for signatures */
	    {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"enc\",\"x\":"
	     "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}",
		ERR_OK, 0},
	    {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"sig\",\"x\":"
	     "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"},{\"kty\":\"?\"}]}",
		ERR_OK, 1},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(jwk_set_free) struct jwk_set *set = NULL;
		enum err e = jwk_set_parse(test_guarded(str_of(rows[i].json)), &set);
		ck_assert_msg(e == rows[i].expect, "row %zu: %s", i, err_name(e));
		ck_assert_uint_eq(set ? set->n : 0, rows[i].n);
	}
}
END_TEST

static EVP_PKEY *
new_key(const char *curve)
{
	return strcmp(curve, "RSA") ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve)
				    : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
}

/* RFC 8725 §3.1, RFC 7517 §4.4: a key is used with the algorithm it names and no other; RFC 7518
 * §3.4: each ES algorithm has one curve. */
START_TEST(a_key_verifies_by_its_own_algorithm_alone)
{
	static const struct {
		const char *key, *alg_of_key, *alg_of_token;
		enum err expect;
	} rows[] = {
	    {"RSA", NULL, "RS256", ERR_OK},
	    {"RSA", "RS256", "RS256", ERR_OK},
	    {"RSA", "RS512", "RS256", ERR_AUTH_FAILED},
	    {"RSA", "PS256", "RS256", ERR_AUTH_FAILED},
	    {"RSA", "RSA-OAEP", "RS256", ERR_AUTH_FAILED},
	    {"P-256", NULL, "ES256", ERR_OK},
	    {"P-256", "ES256", "ES256", ERR_OK},
	    {"P-256", "ES384", "ES256", ERR_AUTH_FAILED},
	    {"P-521", NULL, "ES256", ERR_AUTH_FAILED},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sbuf_done) struct sbuf token = SBUF_INIT(4096);
		char header[128];
		struct jwk_set set = {.n = 1};
		EVP_PKEY *key = new_key(rows[i].key);
		char alg[16], id[] = "k";
		snprintf(alg, sizeof(alg), "%s", rows[i].alg_of_key ? rows[i].alg_of_key : "");
		set.keys[0] = (struct jwk){id, rows[i].alg_of_key ? alg : NULL, key};
		snprintf(
		    header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"k\"}", rows[i].alg_of_token);
		sign_sha256(key, header, "{\"iss\":\"joe\",\"exp\":1300819001}", &token);
		enum err e = verify(&set, &rfc_rules, test_guarded(sbuf_view(&token)));
		ck_assert_msg(e == rows[i].expect, "row %zu: %s", i, err_name(e));
		EVP_PKEY_free(key);
	}
}
END_TEST

START_TEST(a_set_has_no_more_keys_than_the_limit)
{
	CLEANUP(sbuf_done) struct sbuf json = SBUF_INIT(65536);

	sbuf_puts(&json, "{\"keys\":[");
	for (int i = 0; i <= JWK_MAX; i++)
		sbuf_printf(&json,
		    "%s{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
		    "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
		    i ? "," : "");
	sbuf_puts(&json, "]}");
	CLEANUP(jwk_set_free) struct jwk_set *set = NULL;
	ck_assert_ok(jwk_set_parse(sbuf_view(&json), &set));
	ck_assert_uint_eq(set->n, JWK_MAX);
}
END_TEST

TEST_MAIN("jwt", the_examples_of_the_rfc_verify, no_shared_key_and_no_unsigned_token_is_believed,
    no_part_of_a_good_token_verifies, no_changed_octet_verifies,
    what_a_signed_token_says_is_checked, keys_of_other_kinds_are_left_out,
    a_key_verifies_by_its_own_algorithm_alone, a_set_has_no_more_keys_than_the_limit)
