/*
 * SCRAM-SHA-256 and SCRAM-SHA-256-PLUS: RFC 5802, RFC 7677. Our own, since libgsasl's server knows
 * only one of the two channel bindings that clients use. For a name that nobody has there are a
 * salt and keys all the same: the exchange then fails at its end, as with a wrong password (RFC
 * 5802 §9 has user names in mind).
 */
#include "common/auth/sasl_private.h"

#include "common/auth/prep.h"
#include "common/auth/scram_keys.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>

#define NONCE_MAX 512 /* octets of the client's */
#define NONCE_OCTETS 18 /* of ours, before base64 */
#define BINDING_NAME_MAX 32

/* In the exchange's arena, between the first message and the last. */
struct scram {
	struct str header; /* gs2-header, as the client sent it */
	struct str binding; /* its channel binding's name, or empty */
	struct str authzid;
	struct str client_first; /* without the gs2-header */
	struct str server_first;
	struct str nonce; /* both parts */
	unsigned char stored_key[SCRAM_KEY_SIZE];
	unsigned char server_key[SCRAM_KEY_SIZE];
	bool found; /* the user; else the keys are made up */
};

/* This process's key for made-up salts, where the host has none. */
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static struct {
	unsigned char octets[32];
	bool ok;
} process_key;

static void
make_process_key(void)
{
	process_key.ok = RAND_bytes(process_key.octets, sizeof(process_key.octets)) == 1;
}

/* HMAC of what it is for and the name, whose case does not matter to the directory either. */
static bool
invent(const struct sasl *s, char purpose, unsigned char out[32])
{
	unsigned char text[1 + SASL_NAME_MAX * 4];
	struct str key = s->host->secret;
	struct str name = sasl_claim(s);

	if (key.n == 0)
		key = str_make(process_key.octets, sizeof(process_key.octets));
	text[0] = (unsigned char)purpose;
	size_t n = name.n < sizeof(text) - 1 ? name.n : sizeof(text) - 1;
	for (size_t i = 0; i < n; i++)
		text[1 + i] = (unsigned char)ascii_lower(name.p[i]);
	return HMAC(EVP_sha256(), key.p, (int)key.n, text, n + 1, out, NULL) != NULL;
}

static enum err
invent_credential(const struct sasl *s, struct arena *arena, struct credential *c)
{
	unsigned char *salt = arena_alloc(arena, 32);
	unsigned char *stored = arena_alloc(arena, SCRAM_KEY_SIZE);
	unsigned char *server = arena_alloc(arena, SCRAM_KEY_SIZE);

	if (!salt || !stored || !server)
		return ERR_NOMEM;
	if (!invent(s, 'a', salt) || !invent(s, 'b', stored) || !invent(s, 'c', server))
		return ERR_INTERNAL;
	c->scram_salt = str_make(salt, SCRAM_SALT_SIZE);
	c->scram_iterations = SCRAM_ITERATIONS;
	c->scram_stored_key = str_make(stored, SCRAM_KEY_SIZE);
	c->scram_server_key = str_make(server, SCRAM_KEY_SIZE);
	return ERR_OK;
}

/* -- the client's first message ---------------------------------------------------------------- */

/* A saslname: "=" stands only in "=2C" and "=3D" (RFC 5802 §5.1). */
static bool
decode_name(struct str name, struct arena *arena, struct str *ret)
{
	char *out = arena_alloc(arena, name.n + 1);
	size_t n = 0;

	for (size_t i = 0; out && i < name.n; i++) {
		struct str code = str_sub(name, i, 3);
		if (name.p[i] != '=') {
			out[n++] = name.p[i];
			continue;
		}
		if (!str_eq(code, STR("=2C")) && !str_eq(code, STR("=3D")))
			return false;
		out[n++] = code.p[2] == 'C' ? ',' : '=';
		i += 2;
	}
	*ret = str_make(out, n);
	return out;
}

static bool
is_nonce(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e || s.p[i] == ',')
			return false;
	return s.n > 0 && s.n <= NONCE_MAX;
}

/* The value of the attribute that stands next, "n=…"; .p NULL when it is another. */
static struct str
take_attribute(struct str *rest, char name)
{
	struct str part;

	if (!str_split(rest, ',', &part) || part.n < 2 || part.p[0] != name || part.p[1] != '=')
		return (struct str){NULL, 0};
	return str_skip(part, 2);
}

/* What ties the exchange to this TLS connection, by the name that the client has chosen. */
static enum err
find_binding(const struct sasl *s, const struct scram *x, struct arena *arena, struct str *ret)
{
	char name[BINDING_NAME_MAX];

	if (x->binding.n == 0 || x->binding.n >= sizeof(name) || !s->host->binding)
		return ERR_AUTH_FAILED;
	snprintf(name, sizeof(name), "%.*s", STR_ARG(x->binding));
	return s->host->binding(s->host->binding_arg, name, arena, ret) ? ERR_AUTH_FAILED : ERR_OK;
}

/* "n", "y" or "p=name"; it must fit the mechanism (RFC 5802 §6). */
static enum err
parse_binding_flag(struct sasl *s, struct scram *x, struct str flag, struct arena *arena)
{
	struct str raw;

	if (str_starts(flag, STR("p="))) {
		x->binding = str_skip(flag, 2);
		if (!s->mechanism->binds)
			return ERR_AUTH_FAILED;
		return find_binding(s, x, arena, &raw);
	}
	if (!str_eq(flag, STR("n")) && !str_eq(flag, STR("y")))
		return ERR_SYNTAX;
	if (s->mechanism->binds)
		return ERR_AUTH_FAILED;
	/* "y": the client binds and believes that we can't. We offered -PLUS, so someone between us
	 * took it out of the list. */
	return flag.p[0] == 'y' && sasl_offers_binding(s->host) ? ERR_AUTH_FAILED : ERR_OK;
}

static enum err
parse_first(
    struct sasl *s, struct scram *x, struct str message, struct arena *arena, struct str *ret_nonce)
{
	struct str flag, authzid, name, login;
	struct str rest = message;

	if (!str_split(&rest, ',', &flag) || !rest.p || !str_split(&rest, ',', &authzid) || !rest.p)
		return ERR_SYNTAX;
	x->header = arena_dup(s->arena, str_sub(message, 0, message.n - rest.n));
	x->client_first = arena_dup(s->arena, rest);
	if (!x->header.p || !x->client_first.p)
		return ERR_NOMEM;
	flag = str_sub(x->header, 0, flag.n);
	enum err e = parse_binding_flag(s, x, flag, arena);
	if (e)
		return e;
	x->authzid = STR("");
	if (authzid.n > 0 && (!str_starts(authzid, STR("a=")) ||
				 !decode_name(str_skip(authzid, 2), s->arena, &x->authzid)))
		return ERR_SYNTAX;
	rest = x->client_first;
	name = take_attribute(&rest, 'n'); /* "m=" first: an extension that must be understood */
	*ret_nonce = take_attribute(&rest, 'r');
	if (name.n == 0 || !is_nonce(*ret_nonce) || !decode_name(name, s->arena, &login))
		return ERR_SYNTAX;
	return sasl_keep_login(s, login);
}

/* Keys and salt of the user, or made-up ones. */
static enum err
look_up(struct sasl *s, struct scram *x, struct arena *arena, struct credential *c)
{
	enum err e = sasl_find(s, arena, c);

	if (e && e != ERR_NOT_FOUND)
		return e;
	x->found = !e && c->scram_stored_key.n == SCRAM_KEY_SIZE &&
		   c->scram_server_key.n == SCRAM_KEY_SIZE && c->scram_iterations > 0;
	if (!x->found) {
		e = invent_credential(s, arena, c);
		if (e)
			return e;
	}
	memcpy(x->stored_key, c->scram_stored_key.p, SCRAM_KEY_SIZE);
	memcpy(x->server_key, c->scram_server_key.p, SCRAM_KEY_SIZE);
	return ERR_OK;
}

static enum err
write_first(struct sasl *s, struct scram *x, struct str nonce, const struct credential *c)
{
	unsigned char ours[NONCE_OCTETS];
	unsigned char salt[256];
	char text[NONCE_MAX + 400];
	size_t n;

	if (RAND_bytes(ours, sizeof(ours)) != 1)
		return ERR_INTERNAL;
	if (c->scram_salt.n > 180)
		return ERR_CORRUPT;
	EVP_EncodeBlock(salt, (const unsigned char *)c->scram_salt.p, (int)c->scram_salt.n);
	n = (size_t)snprintf(text, sizeof(text), "r=%.*s", STR_ARG(nonce));
	n += (size_t)EVP_EncodeBlock((unsigned char *)text + n, ours, sizeof(ours));
	size_t nonce_n = n - 2;
	n += (size_t)snprintf(
	    text + n, sizeof(text) - n, ",s=%s,i=%u", (char *)salt, (unsigned)c->scram_iterations);
	x->server_first = arena_dup(s->arena, str_make(text, n));
	x->nonce = str_sub(x->server_first, 2, nonce_n);
	return x->server_first.p ? ERR_OK : ERR_NOMEM;
}

static enum err
take_first(struct sasl *s, struct str message)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(64L * 1024);
	struct scram *x = ARENA_NEW(s->arena, struct scram);
	struct credential c = {0};
	struct str nonce;

	pthread_once(&key_once, make_process_key);
	if (!process_key.ok)
		return ERR_INTERNAL;
	if (!arena || !x)
		return ERR_NOMEM;
	enum err e = parse_first(s, x, message, arena, &nonce);
	if (!e)
		e = look_up(s, x, arena, &c);
	if (!e)
		e = write_first(s, x, nonce, &c);
	if (!e)
		s->scram = x;
	return e;
}

/* -- the client's last message ----------------------------------------------------------------- */

/* Base64 of at most `max` octets; the number of them, 0 if it is none. */
static size_t
decode(struct str text, unsigned char *out, size_t max)
{
	int n = text.n % 4 == 0 && text.n / 4 * 3 <= max
		    ? EVP_DecodeBlock(out, (const unsigned char *)text.p, (int)text.n)
		    : 0;

	if (n <= 0)
		return 0;
	for (size_t i = 1; i <= 2 && i <= text.n && text.p[text.n - i] == '='; i++)
		n--;
	return (size_t)n;
}

/* "c=" repeats the gs2-header, and what ties the exchange to this TLS connection (RFC 5929 §4, RFC
 * 9266): whoever sits between two connections can't know ours. */
static enum err
check_binding(struct sasl *s, const struct scram *x, struct str text)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(64L * 1024);
	struct str raw = STR("");

	if (!arena)
		return ERR_NOMEM;
	enum err e = x->binding.n ? find_binding(s, x, arena, &raw) : ERR_OK;
	if (e)
		return e;
	unsigned char *got = arena_alloc(arena, text.n + 3);
	if (!got)
		return ERR_NOMEM;
	size_t n = decode(text, got, text.n);
	if (n != x->header.n + raw.n || CRYPTO_memcmp(got, x->header.p, x->header.n) != 0 ||
	    CRYPTO_memcmp(got + x->header.n, raw.p, raw.n) != 0)
		return ERR_AUTH_FAILED;
	return ERR_OK;
}

static bool
sign(const unsigned char key[SCRAM_KEY_SIZE], struct str text, unsigned char out[SCRAM_KEY_SIZE])
{
	return HMAC(EVP_sha256(), key, SCRAM_KEY_SIZE, (const unsigned char *)text.p, text.n, out,
		   NULL) != NULL;
}

/* RFC 5802 §3: the proof gives a key that only the password's owner has; we know its hash. */
static bool
proof_is_right(const struct scram *x, struct str signed_text, const unsigned char *proof)
{
	unsigned char key[SCRAM_KEY_SIZE], hash[SCRAM_KEY_SIZE];

	if (!sign(x->stored_key, signed_text, key))
		return false;
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] ^= proof[i];
	bool ok = EVP_Digest(key, sizeof(key), hash, NULL, EVP_sha256(), NULL) == 1 &&
		  CRYPTO_memcmp(hash, x->stored_key, sizeof(hash)) == 0;
	OPENSSL_cleanse(key, sizeof(key));
	return ok;
}

static enum err
write_last(const struct scram *x, struct str signed_text, struct arena *arena, struct str *ret)
{
	unsigned char signature[SCRAM_KEY_SIZE];
	char text[3 + 2 * SCRAM_KEY_SIZE] = "v=";

	if (!sign(x->server_key, signed_text, signature))
		return ERR_INTERNAL;
	EVP_EncodeBlock((unsigned char *)text + 2, signature, sizeof(signature));
	*ret = arena_dup(arena, str_of(text));
	return ret->p ? ERR_OK : ERR_NOMEM;
}

static enum err
take_last(struct sasl *s, struct str message, struct arena *arena, struct str *ret_challenge)
{
	const struct scram *x = s->scram;
	unsigned char proof[SCRAM_KEY_SIZE + 3];
	size_t mark = str_rfind(message, ',');
	struct str rest = message;

	if (mark == STR_NONE)
		return ERR_SYNTAX;
	struct str last = str_skip(message, mark + 1);
	struct str text = str_sub(message, 0, mark);
	struct str binding = take_attribute(&rest, 'c');
	struct str nonce = take_attribute(&rest, 'r');
	if (binding.n == 0 || nonce.n == 0 || !str_starts(last, STR("p=")) ||
	    decode(str_skip(last, 2), proof, sizeof(proof)) != SCRAM_KEY_SIZE)
		return ERR_SYNTAX;
	if (!str_eq(nonce, x->nonce))
		return ERR_AUTH_FAILED;
	enum err e = check_binding(s, x, binding);
	if (e)
		return e;
	struct str parts[] = {x->client_first, STR(","), x->server_first, STR(","), text};
	CLEANUP(sbuf_done) struct sbuf whole = SBUF_INIT(4 * SASL_MESSAGE_MAX);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		sbuf_put(&whole, parts[i]);
	if (sbuf_error(&whole))
		return ERR_NOMEM;
	if (!proof_is_right(x, sbuf_view(&whole), proof) || !x->found ||
	    !sasl_may_act_as(s, x->authzid))
		return ERR_AUTH_FAILED;
	return write_last(x, sbuf_view(&whole), arena, ret_challenge);
}

enum sasl_status
sasl_step_scram(struct sasl *s, struct str response, struct arena *arena, struct str *ret_challenge,
    enum err *ret_err)
{
	if (!response.p && s->steps == 1)
		return SASL_CONTINUE; /* an empty challenge asks for it */
	if (str_has_nul(response))
		return sasl_fail(ERR_SYNTAX, ret_err);
	enum err e =
	    s->scram ? take_last(s, response, arena, ret_challenge) : take_first(s, response);
	if (e)
		return sasl_fail(e, ret_err);
	if (ret_challenge->n > 0)
		return SASL_DONE;
	*ret_challenge = arena_dup(arena, s->scram->server_first);
	return ret_challenge->p ? SASL_CONTINUE : sasl_fail(ERR_NOMEM, ret_err);
}
