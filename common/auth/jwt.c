/* Checking a token: RFC 7519 §7.2, RFC 7515 §5.2, RFC 8725. */
#include "common/auth/jwt_private.h"
#include "common/base/cleanup.h"

#include <jansson.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

static const struct algorithm {
	const char *name; /* RFC 7518 §3.1, RFC 8037 §3.1 */
	const char *key_type;
	const char *digest; /* NULL: the key's own */
	bool pss;
	size_t half; /* EC: octets of r and of s */
} algorithms[] = {
    {"RS256", "RSA", "SHA256", false, 0},
    {"RS384", "RSA", "SHA384", false, 0},
    {"RS512", "RSA", "SHA512", false, 0},
    {"PS256", "RSA", "SHA256", true, 0},
    {"PS384", "RSA", "SHA384", true, 0},
    {"PS512", "RSA", "SHA512", true, 0},
    {"ES256", "EC", "SHA256", false, 32},
    {"ES384", "EC", "SHA384", false, 48},
    {"ES512", "EC", "SHA512", false, 66},
    {"EdDSA", "ED25519", NULL, false, 0},
};

static const struct algorithm *
find_algorithm(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_LEN(algorithms); i++)
		if (!strcmp(name, algorithms[i].name))
			return &algorithms[i];
	return NULL;
}

static void
free_json(json_t **j)
{
	json_decref(*j);
}

static json_t *
load(struct str part, struct arena *arena)
{
	struct str text = base64url_decode(part, arena);

	return text.p ? json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

/* r and s side by side (RFC 7518 §3.4) as OpenSSL wants them. */
static struct str
ecdsa_to_der(struct str raw, size_t half, struct arena *arena)
{
	struct str none = {NULL, 0};
	ECDSA_SIG *sig = ECDSA_SIG_new();
	const unsigned char *p = (const unsigned char *)raw.p;
	unsigned char *der = arena_alloc(arena, 2 * half + 16);

	if (!sig || !der || raw.n != 2 * half) {
		ECDSA_SIG_free(sig);
		return none;
	}
	ECDSA_SIG_set0(sig, BN_bin2bn(p, (int)half, NULL), BN_bin2bn(p + half, (int)half, NULL));
	unsigned char *end = der;
	int n = i2d_ECDSA_SIG(sig, &end);
	ECDSA_SIG_free(sig);
	return n > 0 ? str_make((char *)der, (size_t)n) : none;
}

static bool
verify_with(EVP_PKEY *key, const struct algorithm *a, struct str text, struct str signature)
{
	EVP_PKEY_CTX *pctx = NULL;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	bool ok = ctx && EVP_PKEY_is_a(key, a->key_type) &&
		  EVP_DigestVerifyInit_ex(ctx, &pctx, a->digest, NULL, NULL, key, NULL) == 1;
	if (ok && a->pss)
		ok = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1;
	ok = ok && EVP_DigestVerify(ctx, (const unsigned char *)signature.p, signature.n,
		       (const unsigned char *)text.p, text.n) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

/* RFC 7517 §4.4 and RFC 8725 §3.1: by the algorithm it is for; RFC 7518 §3.4: ES256 is of P-256 and
 * so on, and says so by its size. */
static bool
is_key_for(const struct jwk *k, const struct algorithm *a)
{
	if (k->algorithm && strcmp(k->algorithm, a->name) != 0)
		return false;
	return !a->half || ((size_t)EVP_PKEY_get_bits(k->key) + 7) / 8 == a->half;
}

/* By the key it names; a token that names none may be of any. */
static enum err
verify_signature(const struct jwk_set *set, const json_t *header, struct str text,
    struct str signature, struct arena *arena)
{
	const struct algorithm *a =
	    find_algorithm(json_string_value(json_object_get(header, "alg")));
	const char *id = json_string_value(json_object_get(header, "kid"));
	bool known = false;

	if (!a || json_object_get(header, "crit")) /* RFC 7515 §4.1.11: none is understood here */
		return ERR_AUTH_FAILED;
	if (a->half)
		signature = ecdsa_to_der(signature, a->half, arena);
	if (!signature.p)
		return ERR_AUTH_FAILED;
	for (size_t i = 0; i < set->n; i++) {
		const struct jwk *k = &set->keys[i];
		if (id && (!k->id || strcmp(id, k->id) != 0))
			continue;
		known = true;
		if (is_key_for(k, a) && verify_with(k->key, a, text, signature))
			return ERR_OK;
	}
	return known ? ERR_AUTH_FAILED : ERR_NOT_FOUND;
}

/* RFC 8725 §3.11: a token that says it was made for something else (an event, a proof, a logout) is
 * no access token, whoever signed it. Most providers call theirs "JWT" or nothing. A media type
 * without "application/" (RFC 7515 §4.1.9). */
static bool
is_access_token(const json_t *header)
{
	const json_t *typ = json_object_get(header, "typ");

	if (!typ)
		return true;
	struct str type = str_of(json_is_string(typ) ? json_string_value(typ) : "");
	if (str_starts_nocase(type, STR("application/")))
		type = str_skip(type, strlen("application/"));
	return str_eq_nocase(type, STR("JWT")) || str_eq_nocase(type, STR("at+jwt"));
}

static bool
has_audience(const json_t *aud, const char *wanted)
{
	const json_t *one;
	size_t i;

	if (json_is_string(aud))
		return !strcmp(json_string_value(aud), wanted);
	json_array_foreach(aud, i, one)
	{
		const char *text = json_string_value(one);
		if (text && !strcmp(text, wanted))
			return true;
	}
	return false;
}

bool
jwt_names_user(const json_t *claims, const struct jwt_rules *r)
{
	const json_t *aud = json_object_get(claims, "aud");
	const json_t *verified = json_object_get(claims, "email_verified");

	if (aud && r->audience && *r->audience && !has_audience(aud, r->audience))
		return false;
	/* OpenID Connect Core §5.1: an address that its user has only claimed to have */
	const char *text = json_string_value(verified);
	bool only_claimed = json_is_false(verified) || (text && !strcmp(text, "false"));
	return !only_claimed || strcmp(r->user_claim, "email") != 0;
}

/* RFC 7519 §4.1. A token without an end is none to be believed. */
static bool
claims_hold(const json_t *claims, const struct jwt_rules *r, int64_t *ret_until_s)
{
	const json_t *exp = json_object_get(claims, "exp");
	const json_t *nbf = json_object_get(claims, "nbf");
	const char *iss = json_string_value(json_object_get(claims, "iss"));

	if (!json_is_number(exp) || (nbf && !json_is_number(nbf)))
		return false;
	double until = json_number_value(exp);
	if (!(until > 0 && until < 1e15) || (double)(r->now_s - JWT_LEEWAY_S) >= until)
		return false;
	if (nbf && json_number_value(nbf) > (double)(r->now_s + JWT_LEEWAY_S))
		return false;
	if (r->issuer && *r->issuer && (!iss || strcmp(iss, r->issuer) != 0))
		return false;
	if (r->audience && *r->audience && !json_object_get(claims, "aud"))
		return false;
	if (!jwt_names_user(claims, r))
		return false;
	*ret_until_s = (int64_t)until;
	return true;
}

enum err
jwt_verify(const struct jwk_set *set, const struct jwt_rules *rules, struct str token,
    struct arena *arena, struct str *ret_user, int64_t *ret_until_s)
{
	CLEANUP(free_json) json_t *header = NULL;
	CLEANUP(free_json) json_t *claims = NULL;
	size_t first = str_find(token, '.');
	size_t last = str_rfind(token, '.');

	if (first == STR_NONE || first == last)
		return ERR_SYNTAX;
	struct str text = str_sub(token, 0, last);
	header = load(str_sub(token, 0, first), arena);
	struct str signature = base64url_decode(str_skip(token, last + 1), arena);
	if (!json_is_object(header) || !signature.p)
		return ERR_SYNTAX;
	enum err e = verify_signature(set, header, text, signature, arena);
	if (e)
		return e;
	if (!is_access_token(header))
		return ERR_AUTH_FAILED;
	claims = load(str_sub(token, first + 1, last - first - 1), arena);
	if (!json_is_object(claims))
		return ERR_SYNTAX;
	const json_t *user = json_object_get(claims, rules->user_claim);
	if (!claims_hold(claims, rules, ret_until_s) || !json_is_string(user))
		return ERR_AUTH_FAILED;
	*ret_user = arena_dup(arena, str_make(json_string_value(user), json_string_length(user)));
	return ret_user->p ? ERR_OK : ERR_NOMEM;
}
