/*
 * SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, 7677) by libgsasl, which asks for what it needs
 * through a callback. For a name that nobody has, it is told a salt and keys all the same: the
 * exchange then fails at its end, as with a wrong password (RFC 5802 §9 has user names in mind).
 */
#include "common/auth/sasl_private.h"

#include "common/auth/prep.h"
#include "common/auth/scram_keys.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

static int answer(Gsasl *ctx, Gsasl_session *g, Gsasl_property wanted);

/* The library's handle and this process's key for made-up salts: constants once made. */
static pthread_once_t constants_once = PTHREAD_ONCE_INIT;
static struct {
	Gsasl *gsasl;
	unsigned char key[32];
	bool ok;
} constants;

static void
make_constants(void)
{
	if (RAND_bytes(constants.key, sizeof(constants.key)) != 1)
		return;
	if (gsasl_init(&constants.gsasl) != GSASL_OK)
		return;
	gsasl_callback_set(constants.gsasl, answer);
	constants.ok = true;
}

static bool
set_base64(Gsasl_session *g, Gsasl_property p, struct str raw)
{
	char text[256];

	if (raw.n > 180)
		return false;
	EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)raw.p, (int)raw.n);
	bool ok = gsasl_property_set(g, p, text) == GSASL_OK;
	OPENSSL_cleanse(text, sizeof(text));
	return ok;
}

/* HMAC of what it is for and the name, whose case does not matter to the directory either. */
static bool
invent(const struct sasl *s, char purpose, unsigned char out[32])
{
	unsigned char text[1 + SASL_NAME_MAX * 4];
	struct str key = s->host->secret;
	struct str name = s->address.n ? s->address : s->login;

	if (key.n == 0)
		key = str_make(constants.key, sizeof(constants.key));
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

/* Searches the user that the client's first message named; salt, iterations and keys become
 * properties at once, known or made up. */
static enum err
look_up(struct sasl *s, Gsasl_session *g)
{
	const char *name = gsasl_property_fast(g, GSASL_AUTHID);
	struct credential c = {0};
	char iterations[16];

	CLEANUP(arena_free) struct arena *arena = arena_new(64L * 1024);
	if (!arena)
		return ERR_NOMEM;
	enum err e = sasl_keep_login(s, str_of(name));
	if (e)
		return e;
	e = sasl_find(s, arena, &c);
	s->found = !e && c.scram_stored_key.n == SCRAM_KEY_SIZE &&
		   c.scram_server_key.n == SCRAM_KEY_SIZE && c.scram_iterations > 0;
	if (e && e != ERR_NOT_FOUND)
		return e;
	if (!s->found) {
		e = invent_credential(s, arena, &c);
		if (e)
			return e;
	}
	snprintf(iterations, sizeof(iterations), "%u", (unsigned)c.scram_iterations);
	if (gsasl_property_set(g, GSASL_SCRAM_ITER, iterations) != GSASL_OK ||
	    !set_base64(g, GSASL_SCRAM_SALT, c.scram_salt) ||
	    !set_base64(g, GSASL_SCRAM_STOREDKEY, c.scram_stored_key) ||
	    !set_base64(g, GSASL_SCRAM_SERVERKEY, c.scram_server_key))
		return ERR_NOMEM;
	return ERR_OK;
}

/* What ties the exchange to this TLS connection (RFC 9266). */
static int
answer_binding(struct sasl *s, Gsasl_session *g)
{
	struct str raw;

	CLEANUP(arena_free) struct arena *arena = arena_new(4096);
	if (!arena || !s->host->tls || !s->host->binding)
		return GSASL_NO_CALLBACK;
	if (s->host->binding(s->host->binding_arg, "tls-exporter", arena, &raw))
		return GSASL_NO_CALLBACK;
	return set_base64(g, GSASL_CB_TLS_EXPORTER, raw) ? GSASL_OK : GSASL_MALLOC_ERROR;
}

static int
answer(Gsasl *ctx, Gsasl_session *g, Gsasl_property wanted)
{
	struct sasl *s = gsasl_session_hook_get(g);

	(void)ctx;
	switch (wanted) {
	case GSASL_CB_TLS_EXPORTER:
		return answer_binding(s, g);
	case GSASL_SCRAM_ITER:
	case GSASL_SCRAM_SALT:
	case GSASL_SCRAM_STOREDKEY:
	case GSASL_SCRAM_SERVERKEY:
		if (s->looked_up)
			return GSASL_NO_CALLBACK;
		s->looked_up = true;
		s->host_err = look_up(s, g);
		return s->host_err ? GSASL_NO_CALLBACK : GSASL_OK;
	default: /* never a password, nor tls-unique, which TLS 1.3 does not have */
		return GSASL_NO_CALLBACK;
	}
}

/* In the name of a client-first message "=" stands only in "=2C" and "=3D"; anything else fails
 * (RFC 5802 §5.1), which the library leaves to us. Messages of another shape are its business. */
static bool
has_bad_escape(struct str message)
{
	struct str part;

	if (!str_split(&message, ',', &part) || !str_split(&message, ',', &part) ||
	    !str_split(&message, ',', &part) || !str_starts(part, STR("n=")))
		return false;
	struct str name = str_skip(part, 2);
	for (size_t i = 0; i < name.n; i++) {
		struct str code = str_sub(name, i, 3);
		if (name.p[i] == '=' && !str_eq(code, STR("=2C")) && !str_eq(code, STR("=3D")))
			return true;
	}
	return false;
}

static enum err
from_gsasl(int rc)
{
	switch (rc) {
	case GSASL_MALLOC_ERROR:
		return ERR_NOMEM;
	case GSASL_CRYPTO_ERROR:
		return ERR_INTERNAL;
	case GSASL_MECHANISM_PARSE_ERROR:
	case GSASL_BASE64_ERROR:
	case GSASL_MECHANISM_CALLED_TOO_MANY_TIMES:
		return ERR_SYNTAX;
	default:
		return ERR_AUTH_FAILED;
	}
}

static enum err
start(struct sasl *s)
{
	pthread_once(&constants_once, make_constants);
	if (!constants.ok)
		return ERR_INTERNAL;
	int rc = gsasl_server_start(constants.gsasl, s->mechanism->name.p, &s->scram);
	if (rc != GSASL_OK)
		return rc == GSASL_MALLOC_ERROR ? ERR_NOMEM : ERR_INTERNAL;
	gsasl_session_hook_set(s->scram, s);
	return ERR_OK;
}

/* The proof was right: is there such a user, and do they act for themselves? */
static enum err
conclude(struct sasl *s)
{
	const char *authzid = gsasl_property_fast(s->scram, GSASL_AUTHZID);

	if (!s->found || !sasl_may_act_as(s, str_of(authzid)))
		return ERR_AUTH_FAILED;
	return ERR_OK;
}

enum sasl_status
sasl_step_scram(struct sasl *s, struct str response, struct arena *arena, struct str *ret_challenge,
    enum err *ret_err)
{
	char *out = NULL;
	size_t out_n = 0;
	enum err e = s->scram ? ERR_OK : start(s);

	if (e)
		return sasl_fail(e, ret_err);
	if (str_has_nul(response) || (!s->looked_up && has_bad_escape(response)))
		return sasl_fail(ERR_SYNTAX, ret_err);
	/* "y": the client binds and believes that we can't. We offered -PLUS, so someone between us
	 * took it out of the list (RFC 5802 §6). */
	if (!s->looked_up && sasl_offers_binding(s->host) && str_starts(response, STR("y")))
		return sasl_fail(ERR_AUTH_FAILED, ret_err);
	int rc = gsasl_step(s->scram, response.p ? response.p : "", response.n, &out, &out_n);
	if (s->host_err || (rc != GSASL_OK && rc != GSASL_NEEDS_MORE)) {
		gsasl_free(out);
		return sasl_fail(s->host_err ? s->host_err : from_gsasl(rc), ret_err);
	}
	*ret_challenge = arena_dup(arena, str_make(out, out_n));
	gsasl_free(out);
	if (out_n && !ret_challenge->p)
		return sasl_fail(ERR_NOMEM, ret_err);
	if (rc == GSASL_NEEDS_MORE)
		return SASL_CONTINUE;
	e = conclude(s);
	if (e) {
		*ret_challenge = STR("");
		return sasl_fail(e, ret_err);
	}
	return SASL_DONE;
}
