#include "common/auth/scram_client.h"

#include "common/auth/prep.h"
#include "common/auth/scram_keys.h"
#include "common/base/arena.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#define NONCE_OCTETS 18
#define ARENA_OCTETS (64L * 1024)

struct scram_client {
	struct arena *arena;
	struct str password;
	struct str header; /* gs2-header */
	struct str binding;
	struct str first; /* with the header */
	struct str nonce; /* ours */
	unsigned char server_signature[SCRAM_KEY_SIZE];
	bool answered, verified;
};

void
scram_client_free(struct scram_client **cp)
{
	struct scram_client *c = MOVE_PTR(*cp);

	if (!c)
		return;
	prep_wipe(c->password);
	OPENSSL_cleanse(c->server_signature, sizeof(c->server_signature));
	arena_free(&c->arena);
	free(c);
}

/* RFC 5802 §5.1: "," and "=" in a name. */
static struct str
encode_name(struct arena *a, struct str name)
{
	char *out = arena_alloc(a, 3 * name.n + 1);
	size_t n = 0;

	for (size_t i = 0; out && i < name.n; i++) {
		if (name.p[i] == ',' || name.p[i] == '=') {
			memcpy(out + n, name.p[i] == ',' ? "=2C" : "=3D", 3);
			n += 3;
		} else {
			out[n++] = name.p[i];
		}
	}
	return str_make(out, n);
}

static struct str
make_nonce(struct arena *a)
{
	unsigned char octets[NONCE_OCTETS];
	char *out = arena_alloc(a, NONCE_OCTETS * 2);

	if (!out || RAND_bytes(octets, sizeof(octets)) != 1)
		return (struct str){0};
	int n = EVP_EncodeBlock((unsigned char *)out, octets, sizeof(octets));
	return str_make(out, (size_t)n);
}

static enum err
prepare(struct scram_client *c, const struct scram_client_options *o)
{
	struct arena *a = c->arena;
	struct str user;
	enum err e = prep_string(o->user, a, &user);

	if (!e)
		e = prep_string(o->password, a, &c->password);
	if (e)
		return e;
	c->password = arena_dup(a, c->password); /* our own, to be wiped */
	c->binding = arena_dup(a, o->binding);
	c->nonce = o->nonce.n ? arena_dup(a, o->nonce) : make_nonce(a);
	c->header = o->binding_type.n ? arena_printf(a, "p=%.*s,,", STR_ARG(o->binding_type))
				      : arena_dup(a, STR("n,,"));
	user = encode_name(a, user);
	c->first = arena_printf(
	    a, "%.*sn=%.*s,r=%.*s", STR_ARG(c->header), STR_ARG(user), STR_ARG(c->nonce));
	if (arena_failed(a))
		return ERR_NOMEM;
	return c->nonce.n ? ERR_OK : ERR_INTERNAL;
}

enum err
scram_client_new(const struct scram_client_options *o, struct scram_client **ret)
{
	CLEANUP(scram_client_free) struct scram_client *c = calloc(1, sizeof(*c));

	if (!c || !(c->arena = arena_new(ARENA_OCTETS)))
		return ERR_NOMEM;
	enum err e = prepare(c, o);
	if (!e)
		*ret = MOVE_PTR(c);
	return e;
}

struct str
scram_client_first(const struct scram_client *c)
{
	return c->first;
}

bool
scram_client_verified(const struct scram_client *c)
{
	return c->verified;
}

/* -- the server's messages ------------------------------------------------------------------- */

/* The value of the attribute `name`, which must come next. */
static bool
take(struct str *rest, char name, struct str *ret)
{
	struct str item;

	if (!str_split(rest, ',', &item) || item.n < 3 || item.p[0] != name || item.p[1] != '=')
		return false;
	*ret = str_skip(item, 2);
	return true;
}

/* Strict base64 of at most `max` octets. */
static bool
decode(struct str text, unsigned char *out, size_t max, size_t *ret_n)
{
	if (text.n == 0 || text.n % 4 != 0 || text.n / 4 * 3 > max)
		return false;
	int n = EVP_DecodeBlock(out, (const unsigned char *)text.p, (int)text.n);
	for (size_t i = 1; n > 0 && i <= 2 && text.p[text.n - i] == '='; i++)
		n--;
	*ret_n = (size_t)(n > 0 ? n : 0);
	return n > 0;
}

struct server_first {
	struct str nonce;
	unsigned char salt[SCRAM_CLIENT_MESSAGE_MAX];
	size_t salt_n;
	uint32_t iterations;
};

static enum err
parse_first(const struct scram_client *c, struct str message, struct server_first *f)
{
	struct str rest = message, salt, iterations;

	if (message.n > SCRAM_CLIENT_MESSAGE_MAX || str_has_nul(message))
		return ERR_SYNTAX;
	/* an extension that must be understood stands first, and fails here */
	if (!take(&rest, 'r', &f->nonce) || !take(&rest, 's', &salt) ||
	    !take(&rest, 'i', &iterations))
		return ERR_SYNTAX;
	if (!str_starts(f->nonce, c->nonce) || f->nonce.n == c->nonce.n ||
	    !decode(salt, f->salt, sizeof(f->salt), &f->salt_n) ||
	    !str_to_u32(iterations, &f->iterations) || f->iterations == 0)
		return ERR_SYNTAX;
	return f->iterations > SCRAM_CLIENT_ITERATIONS_MAX ? ERR_LIMIT : ERR_OK;
}

static bool
sign(const unsigned char *key, struct str text, unsigned char out[SCRAM_KEY_SIZE])
{
	return HMAC(EVP_sha256(), key, SCRAM_KEY_SIZE, (const unsigned char *)text.p, text.n, out,
		   NULL) != NULL;
}

/* RFC 5802 §3: the proof that we know the password, and what the server will have to show. */
static enum err
prove(struct scram_client *c, const struct server_first *f, struct str text,
    unsigned char proof[SCRAM_KEY_SIZE])
{
	unsigned char salted[SCRAM_KEY_SIZE], client_key[SCRAM_KEY_SIZE];
	unsigned char server_key[SCRAM_KEY_SIZE], stored[SCRAM_KEY_SIZE];

	bool ok = PKCS5_PBKDF2_HMAC(c->password.p, (int)c->password.n, f->salt, (int)f->salt_n,
		      (int)f->iterations, EVP_sha256(), SCRAM_KEY_SIZE, salted) == 1 &&
		  sign(salted, STR("Client Key"), client_key) &&
		  sign(salted, STR("Server Key"), server_key) &&
		  EVP_Digest(client_key, SCRAM_KEY_SIZE, stored, NULL, EVP_sha256(), NULL) == 1 &&
		  sign(stored, text, proof) && sign(server_key, text, c->server_signature);
	for (size_t i = 0; ok && i < SCRAM_KEY_SIZE; i++)
		proof[i] ^= client_key[i];
	OPENSSL_cleanse(salted, sizeof(salted));
	OPENSSL_cleanse(client_key, sizeof(client_key));
	OPENSSL_cleanse(server_key, sizeof(server_key));
	OPENSSL_cleanse(stored, sizeof(stored));
	return ok ? ERR_OK : ERR_INTERNAL;
}

static struct str
encode(struct arena *a, struct str octets)
{
	char *out = arena_alloc(a, octets.n / 3 * 4 + 5);

	if (!out)
		return (struct str){0};
	int n =
	    EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)octets.p, (int)octets.n);
	return str_make(out, (size_t)n);
}

enum err
scram_client_answer(struct scram_client *c, struct str server_first, struct sbuf *out)
{
	struct server_first f;
	struct arena *a = c->arena;
	unsigned char proof[SCRAM_KEY_SIZE];
	enum err e = parse_first(c, server_first, &f);

	if (e)
		return e;
	struct str bound = arena_printf(a, "%.*s", STR_ARG(c->header));
	char *with = arena_alloc(a, bound.n + c->binding.n + 1);
	if (!with)
		return ERR_NOMEM;
	memcpy(with, bound.p, bound.n);
	memcpy(with + bound.n, c->binding.p ? c->binding.p : "", c->binding.n);
	struct str c_value = encode(a, str_make(with, bound.n + c->binding.n));
	struct str last = arena_printf(a, "c=%.*s,r=%.*s", STR_ARG(c_value), STR_ARG(f.nonce));
	struct str text = arena_printf(a, "%.*s,%.*s,%.*s",
	    STR_ARG(str_skip(c->first, c->header.n)), STR_ARG(server_first), STR_ARG(last));
	if (arena_failed(a))
		return ERR_NOMEM;
	e = prove(c, &f, text, proof);
	if (e)
		return e;
	struct str p = encode(a, str_make(proof, sizeof(proof)));
	sbuf_printf(out, "%.*s,p=%.*s", STR_ARG(last), STR_ARG(p));
	c->answered = true;
	return p.p ? sbuf_error(out) : ERR_NOMEM;
}

enum err
scram_client_verify(struct scram_client *c, struct str server_final)
{
	unsigned char got[SCRAM_KEY_SIZE + 3];
	struct str rest = server_final, v;
	size_t n;

	if (!c->answered || !take(&rest, 'v', &v) || !decode(v, got, sizeof(got), &n) ||
	    n != SCRAM_KEY_SIZE || CRYPTO_memcmp(got, c->server_signature, n) != 0)
		return ERR_AUTH_FAILED;
	c->verified = true;
	return ERR_OK;
}
