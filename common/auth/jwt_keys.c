/* JSON Web Keys: RFC 7517, RFC 7518 §6, RFC 8037 §2. */
#include "common/auth/jwt_private.h"
#include "common/base/cleanup.h"

#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#define KEY_ARENA_MAX (64 * 1024)
#define RSA_BITS_MIN 2048 /* RFC 7518 §3.3 */

struct str
base64url_decode(struct str text, struct arena *arena)
{
	struct str none = {NULL, 0};
	size_t padded = (text.n + 3) / 4 * 4;
	char *in = arena_alloc(arena, padded + 1);
	unsigned char *out = arena_alloc(arena, padded + 1);

	if (!in || !out || text.n % 4 == 1 || text.n > INT32_MAX / 2)
		return none;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '-' && c != '_')
			return none;
		in[i] = c == '-' ? '+' : c == '_' ? '/' : c;
	}
	memset(in + text.n, '=', padded - text.n);
	if (EVP_DecodeBlock(out, (unsigned char *)in, (int)padded) < 0)
		return none;
	/* What the last digit holds beyond the last octet: one value has one text (RFC 4648 §3.5).
	 */
	for (size_t i = text.n * 3 / 4; i < padded * 3 / 4; i++)
		if (out[i])
			return none;
	return str_make((char *)out, text.n * 3 / 4);
}

static void
free_bld(OSSL_PARAM_BLD **b)
{
	OSSL_PARAM_BLD_free(*b);
}

static void
free_bn(BIGNUM **b)
{
	BN_free(*b);
}

static struct str
member(const json_t *jwk, const char *name, struct arena *arena)
{
	const char *text = json_string_value(json_object_get(jwk, name));

	return text ? base64url_decode(str_of(text), arena) : (struct str){NULL, 0};
}

static EVP_PKEY *
make_key(const char *type, OSSL_PARAM_BLD *bld)
{
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);

	if (ctx && params && EVP_PKEY_fromdata_init(ctx) == 1)
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static EVP_PKEY *
rsa_key(const json_t *jwk, struct arena *arena)
{
	CLEANUP(free_bld) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	CLEANUP(free_bn) BIGNUM *n = NULL;
	CLEANUP(free_bn) BIGNUM *e = NULL;
	struct str modulus = member(jwk, "n", arena);
	struct str exponent = member(jwk, "e", arena);

	if (!bld || !modulus.p || !exponent.p)
		return NULL;
	n = BN_bin2bn((const unsigned char *)modulus.p, (int)modulus.n, NULL);
	e = BN_bin2bn((const unsigned char *)exponent.p, (int)exponent.n, NULL);
	if (!n || !e || BN_num_bits(n) < RSA_BITS_MIN)
		return NULL;
	if (!OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) ||
	    !OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e))
		return NULL;
	return make_key("RSA", bld);
}

static const struct curve {
	const char *name;
	const char *group;
	size_t octets; /* of a coordinate */
} curves[] = {{"P-256", "prime256v1", 32}, {"P-384", "secp384r1", 48}, {"P-521", "secp521r1", 66}};

static EVP_PKEY *
ec_key(const json_t *jwk, struct arena *arena)
{
	CLEANUP(free_bld) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	const char *name = json_string_value(json_object_get(jwk, "crv"));
	struct str x = member(jwk, "x", arena);
	struct str y = member(jwk, "y", arena);
	unsigned char point[1 + 2 * 66] = {POINT_CONVERSION_UNCOMPRESSED};

	if (!bld || !name || !x.p || !y.p)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
		const struct curve *c = &curves[i];
		if (strcmp(name, c->name) != 0 || x.n != c->octets || y.n != c->octets)
			continue;
		memcpy(point + 1, x.p, x.n);
		memcpy(point + 1 + x.n, y.p, y.n);
		if (!OSSL_PARAM_BLD_push_utf8_string(
			bld, OSSL_PKEY_PARAM_GROUP_NAME, c->group, 0) ||
		    !OSSL_PARAM_BLD_push_octet_string(
			bld, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + x.n + y.n))
			return NULL;
		return make_key("EC", bld);
	}
	return NULL;
}

static EVP_PKEY *
edwards_key(const json_t *jwk, struct arena *arena)
{
	const char *curve = json_string_value(json_object_get(jwk, "crv"));
	struct str x = member(jwk, "x", arena);

	if (!curve || strcmp(curve, "Ed25519") != 0 || x.n != 32)
		return NULL;
	return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)x.p, x.n);
}

/* RFC 7517 §4.2, §4.3: both may be left out, and say the same where they are there. */
static bool
is_for_verifying(const json_t *jwk)
{
	const json_t *use = json_object_get(jwk, "use");
	const json_t *operations = json_object_get(jwk, "key_ops");
	const json_t *one;
	size_t i;

	if (use && (!json_is_string(use) || strcmp(json_string_value(use), "sig") != 0))
		return false;
	if (!operations)
		return true;
	json_array_foreach(operations, i, one)
	{
		const char *text = json_string_value(one);
		if (text && !strcmp(text, "verify"))
			return true;
	}
	return false;
}

static EVP_PKEY *
read_key(const json_t *jwk)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(KEY_ARENA_MAX);
	const char *type = json_string_value(json_object_get(jwk, "kty"));
	const json_t *algorithm = json_object_get(jwk, "alg");

	if (!arena || !type || !is_for_verifying(jwk) || (algorithm && !json_is_string(algorithm)))
		return NULL;
	if (!strcmp(type, "RSA"))
		return rsa_key(jwk, arena);
	if (!strcmp(type, "EC"))
		return ec_key(jwk, arena);
	return !strcmp(type, "OKP") ? edwards_key(jwk, arena) : NULL;
}

static void
free_json(json_t **j)
{
	json_decref(*j);
}

/* A copy of a member that is a text; NULL where it is none. */
static bool
keep_text(const json_t *jwk, const char *name, char **ret)
{
	const char *text = json_string_value(json_object_get(jwk, name));

	*ret = text ? strdup(text) : NULL;
	return !text || *ret;
}

/* The key is the set's from now on: a name or an algorithm that got lost would let it verify what
 * it must not. */
static bool
add_key(struct jwk_set *set, const json_t *jwk, EVP_PKEY *key)
{
	struct jwk *k = &set->keys[set->n++];

	*k = (struct jwk){.key = key};
	return keep_text(jwk, "kid", &k->id) && keep_text(jwk, "alg", &k->algorithm);
}

enum err
jwk_set_parse(struct str json, struct jwk_set **ret)
{
	CLEANUP(free_json) json_t *root = json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES, NULL);
	const json_t *keys = json_object_get(root, "keys");
	struct jwk_set *set;
	const json_t *jwk;
	size_t i;

	if (!json_is_array(keys))
		return ERR_SYNTAX;
	set = calloc(1, sizeof(*set));
	if (!set)
		return ERR_NOMEM;
	json_array_foreach(keys, i, jwk)
	{
		EVP_PKEY *key = set->n < JWK_MAX ? read_key(jwk) : NULL;
		if (key && !add_key(set, jwk, key)) {
			jwk_set_free(&set);
			return ERR_NOMEM;
		}
	}
	ERR_clear_error();
	*ret = set;
	return ERR_OK;
}

struct jwk_set *
jwk_set_ref(struct jwk_set *set)
{
	atomic_fetch_add(&set->refs, 1);
	return set;
}

void
jwk_set_free(struct jwk_set **set)
{
	if (!*set)
		return;
	if (atomic_fetch_sub(&(*set)->refs, 1) > 0) {
		*set = NULL;
		return;
	}
	for (size_t i = 0; i < (*set)->n; i++) {
		free((*set)->keys[i].id);
		free((*set)->keys[i].algorithm);
		EVP_PKEY_free((*set)->keys[i].key);
	}
	free(*set);
	*set = NULL;
}
