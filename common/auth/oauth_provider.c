#include "common/auth/oauth_provider.h"

#include "common/auth/http_fetch.h"
#include "common/auth/jwt.h"
#include "common/auth/oauth.h"
#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/log.h"

#include <fcntl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>

#define BELIEVED_MAX 1024 /* tokens */
#define SECRET_MAX 1024
#define DIGEST_OCTETS 32

/* A token that was found good: its digest only. */
struct believed {
	unsigned char digest[DIGEST_OCTETS];
	int64_t until_s;
	char *user;
};

struct oauth_provider {
	struct conf *conf; /* a reference: the strings below */
	const struct conf_oauth *settings;
	char *authorization; /* of introspection requests, or NULL */
	pthread_mutex_t mu;
	struct believed believed[BELIEVED_MAX]; /* guarded by mu */
	pthread_mutex_t keys_mu; /* never held while the provider is asked */
	struct jwk_set *keys; /* guarded by keys_mu, as is the next */
	int64_t keys_s; /* when they were fetched, on the monotonic clock */
	pthread_mutex_t fetch_mu; /* held while keys are fetched; taken before keys_mu */
	int64_t tried_s; /* guarded by fetch_mu */
};

/* "*" stands for any. */
static const char *
wanted_audience(const struct conf_oauth *s)
{
	return strcmp(s->audience, "*") ? s->audience : NULL;
}

/* -- keys ------------------------------------------------------------------------------------- */

/* A reference to the keys there are, or NULL. */
static struct jwk_set *
take_keys(struct oauth_provider *p, int64_t *ret_since_s)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&p->keys_mu);

	*ret_since_s = p->keys_s;
	return p->keys ? jwk_set_ref(p->keys) : NULL;
}

static void
put_keys(struct oauth_provider *p, struct jwk_set *fresh, int64_t now_s)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&p->keys_mu);

	jwk_set_free(&p->keys);
	p->keys = fresh;
	p->keys_s = now_s;
}

/* Fetches the keys unless that was just tried. The caller holds fetch_mu. */
static enum err
fetch_keys_locked(struct oauth_provider *p, int64_t now_s)
{
	CLEANUP(sbuf_done) struct sbuf body = SBUF_INIT(HTTP_FETCH_MAX);
	struct jwk_set *fresh = NULL;

	if (p->tried_s && now_s - p->tried_s < OAUTH_KEYS_AGAIN_S)
		return ERR_IO;
	p->tried_s = now_s;
	const struct http_request r = {
	    .url = p->settings->jwks_url, .ca_file = p->settings->ca_file};
	enum err e = http_fetch(&r, &body);
	if (!e)
		e = jwk_set_parse(sbuf_view(&body), &fresh);
	if (e) {
		if (e == ERR_SYNTAX)
			log_error("oauth_provider_failed", F_CSTR("url", r.url),
			    F_CSTR("reason", "its answer is no key set"));
		return ERR_IO;
	}
	put_keys(p, fresh, now_s);
	return ERR_OK;
}

/* Puts keys in the place of *keys, which are of `since_s`, where the provider has newer ones or
 * another thread has just got them: one fetch serves all who need it. ERR_IO: there are none. */
static enum err
replace_keys(struct oauth_provider *p, int64_t now_s, int64_t since_s, struct jwk_set **keys)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&p->fetch_mu);
	CLEANUP(jwk_set_free) struct jwk_set *found = NULL;
	int64_t found_s;

	found = take_keys(p, &found_s);
	if (!found || found_s == since_s) {
		enum err e = fetch_keys_locked(p, now_s);
		if (e)
			return e;
		jwk_set_free(&found);
		found = take_keys(p, &found_s);
	}
	jwk_set_free(keys);
	*keys = MOVE_PTR(found);
	return ERR_OK;
}

/* Old keys are renewed by whoever comes first; the others go on with them meanwhile, and all do
 * where the provider can't be reached. */
static void
renew_keys(struct oauth_provider *p, int64_t now_s, int64_t since_s, struct jwk_set **keys)
{
	if (pthread_mutex_trylock(&p->fetch_mu) != 0)
		return;
	if (fetch_keys_locked(p, now_s) == ERR_OK) {
		jwk_set_free(keys);
		*keys = take_keys(p, &since_s);
	}
	pthread_mutex_unlock(&p->fetch_mu);
}

static enum err
check_jwt(struct oauth_provider *p, struct str token, struct arena *arena, struct str *ret_user)
{
	const struct jwt_rules rules = {
	    .issuer = p->settings->issuer,
	    .audience = wanted_audience(p->settings),
	    .user_claim = p->settings->user_claim,
	    .now_s = clock_real_s(),
	};
	int64_t now_s = clock_mono_ms() / 1000 + 1;
	int64_t since_s, until_s;
	CLEANUP(jwk_set_free) struct jwk_set *keys = take_keys(p, &since_s);

	if (!keys) {
		enum err e = replace_keys(p, now_s, since_s, &keys);
		if (e)
			return e;
	} else if (now_s - since_s > OAUTH_KEYS_FRESH_S) {
		renew_keys(p, now_s, since_s, &keys);
	}
	enum err e = jwt_verify(keys, &rules, token, arena, ret_user, &until_s);
	if (e != ERR_NOT_FOUND)
		return e;
	/* A key that is not known: the provider may have changed them. */
	if (replace_keys(p, now_s, since_s, &keys))
		return ERR_AUTH_FAILED;
	e = jwt_verify(keys, &rules, token, arena, ret_user, &until_s);
	return e == ERR_NOT_FOUND ? ERR_AUTH_FAILED : e;
}

/* -- introspection ---------------------------------------------------------------------------- */

static void
put_encoded(struct sbuf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (ascii_is_alpha(s.p[i]) || ascii_is_digit(s.p[i]))
			sbuf_putc(out, s.p[i]);
		else
			sbuf_printf(out, "%%%02X", (unsigned char)s.p[i]);
}

static void
free_json(json_t **j)
{
	json_decref(*j);
}

/* RFC 7662 §2.2; what the provider did not say cannot be wrong. */
static enum err
read_introspection(struct oauth_provider *p, struct str body, struct arena *arena,
    struct str *ret_user, int64_t *ret_until_s)
{
	CLEANUP(free_json) json_t *root = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
	const char *issuer = p->settings->issuer;
	const char *iss = json_string_value(json_object_get(root, "iss"));
	const json_t *exp = json_object_get(root, "exp");
	const json_t *user = json_object_get(root, p->settings->user_claim);
	int64_t now_s = clock_real_s();

	if (!json_is_object(root)) {
		log_error("oauth_provider_failed", F_CSTR("url", p->settings->introspection_url),
		    F_CSTR("reason", "its answer is no JSON object"));
		return ERR_IO;
	}
	*ret_until_s = now_s + OAUTH_BELIEVE_S;
	if (json_is_integer(exp) && json_integer_value(exp) < *ret_until_s)
		*ret_until_s = json_integer_value(exp);
	if (!json_is_true(json_object_get(root, "active")) || *ret_until_s <= now_s)
		return ERR_AUTH_FAILED;
	const struct jwt_rules rules = {
	    .audience = wanted_audience(p->settings), .user_claim = p->settings->user_claim};
	if (*issuer && iss && strcmp(iss, issuer) != 0)
		return ERR_AUTH_FAILED;
	if (!jwt_names_user(root, &rules))
		return ERR_AUTH_FAILED;
	if (!json_is_string(user)) {
		log_error("oauth_provider_failed", F_CSTR("url", p->settings->introspection_url),
		    F_CSTR("reason", "its answer has no claim that names the user"),
		    F_CSTR("claim", p->settings->user_claim));
		return ERR_AUTH_FAILED;
	}
	*ret_user = arena_dup(arena, str_make(json_string_value(user), json_string_length(user)));
	return ret_user->p ? ERR_OK : ERR_NOMEM;
}

static void
digest_token(struct str token, unsigned char out[DIGEST_OCTETS])
{
	EVP_Digest(token.p, token.n, out, NULL, EVP_sha256(), NULL);
}

static struct believed *
believed_slot(struct oauth_provider *p, const unsigned char digest[DIGEST_OCTETS])
{
	size_t i = (size_t)digest[0] << 8 | digest[1];

	return &p->believed[i % BELIEVED_MAX];
}

static bool
is_believed(struct oauth_provider *p, struct str token, struct arena *arena, struct str *ret_user)
{
	unsigned char digest[DIGEST_OCTETS];
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&p->mu);

	digest_token(token, digest);
	struct believed *b = believed_slot(p, digest);
	if (!b->user || b->until_s <= clock_real_s() ||
	    CRYPTO_memcmp(b->digest, digest, sizeof(digest)) != 0)
		return false;
	*ret_user = arena_dup(arena, str_of(b->user));
	return ret_user->p;
}

static void
believe(struct oauth_provider *p, struct str token, struct str user, int64_t until_s)
{
	unsigned char digest[DIGEST_OCTETS];
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&p->mu);

	digest_token(token, digest);
	struct believed *b = believed_slot(p, digest);
	free(b->user);
	memcpy(b->digest, digest, sizeof(digest));
	b->until_s = until_s;
	b->user = strndup(user.p, user.n);
}

static void
wipe(struct sbuf *b)
{
	if (b->p)
		OPENSSL_cleanse(b->p, b->n);
	sbuf_done(b);
}

static enum err
introspect(struct oauth_provider *p, struct str token, struct arena *arena, struct str *ret_user)
{
	CLEANUP(wipe) struct sbuf form = SBUF_INIT(64 * 1024);
	CLEANUP(sbuf_done) struct sbuf body = SBUF_INIT(HTTP_FETCH_MAX);
	int64_t until_s;

	if (is_believed(p, token, arena, ret_user))
		return ERR_OK;
	sbuf_reserve(&form, 3 * token.n + 64); /* one piece, so that one wipe gets all */
	sbuf_puts(&form, "token_type_hint=access_token&token=");
	put_encoded(&form, token);
	if (sbuf_error(&form))
		return ERR_NOMEM;
	const struct http_request r = {
	    .url = p->settings->introspection_url,
	    .ca_file = p->settings->ca_file,
	    .authorization = p->authorization,
	    .form = sbuf_view(&form),
	};
	enum err e = http_fetch(&r, &body);
	if (!e)
		e = read_introspection(p, sbuf_view(&body), arena, ret_user, &until_s);
	if (!e)
		believe(p, token, *ret_user, until_s);
	return e;
}

enum err
oauth_provider_ask(
    struct oauth_provider *p, struct str token, struct arena *arena, struct str *ret_user)
{
	enum err e = *p->settings->jwks_url ? check_jwt(p, token, arena, ret_user)
					    : introspect(p, token, arena, ret_user);

	return e == ERR_SYNTAX ? ERR_AUTH_FAILED : e;
}

/* -- life ------------------------------------------------------------------------------------- */

/* "Basic …" of RFC 6749 §2.3.1, for the introspection endpoint. */
static enum err
make_authorization(struct oauth_provider *p)
{
	const struct conf_oauth *s = p->settings;
	char secret[SECRET_MAX] = "";
	CLEANUP(wipe) struct sbuf pair = SBUF_INIT(8 * SECRET_MAX);

	if (!*s->client_id)
		return ERR_OK;
	if (*s->client_secret_file) {
		CLEANUP(fd_close) int fd = open(s->client_secret_file, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || read(fd, secret, sizeof(secret) - 1) <= 0) {
			log_error("oauth_secret_unreadable", F_CSTR("path", s->client_secret_file));
			return ERR_CONFIG;
		}
		secret[strcspn(secret, "\r\n")] = '\0';
	}
	sbuf_reserve(&pair, 4 * SECRET_MAX + 3 * strlen(s->client_id));
	put_encoded(&pair, str_of(s->client_id));
	sbuf_putc(&pair, ':');
	put_encoded(&pair, str_of(secret));
	OPENSSL_cleanse(secret, sizeof(secret));
	struct str plain = sbuf_view(&pair);
	size_t n = 4 * ((plain.n + 2) / 3);
	p->authorization = malloc(sizeof("Basic ") + n);
	if (!p->authorization || sbuf_error(&pair))
		return ERR_NOMEM;
	memcpy(p->authorization, "Basic ", 6);
	EVP_EncodeBlock(
	    (unsigned char *)p->authorization + 6, (const unsigned char *)plain.p, (int)plain.n);
	return ERR_OK;
}

enum err
oauth_provider_new(const struct conf *conf, struct oauth_provider **ret)
{
	CLEANUP(oauth_provider_free) struct oauth_provider *p = calloc(1, sizeof(*p));

	if (!p)
		return ERR_NOMEM;
	p->conf = conf_ref((struct conf *)conf);
	p->settings = &p->conf->oauth;
	pthread_mutex_init(&p->mu, NULL);
	pthread_mutex_init(&p->keys_mu, NULL);
	pthread_mutex_init(&p->fetch_mu, NULL);
	enum err e = make_authorization(p);
	if (!e)
		*ret = MOVE_PTR(p);
	return e;
}

void
oauth_provider_free(struct oauth_provider **pp)
{
	struct oauth_provider *p = MOVE_PTR(*pp);

	if (!p)
		return;
	for (size_t i = 0; i < BELIEVED_MAX; i++)
		free(p->believed[i].user);
	jwk_set_free(&p->keys);
	if (p->authorization)
		OPENSSL_cleanse(p->authorization, strlen(p->authorization));
	free(p->authorization);
	pthread_mutex_destroy(&p->mu);
	pthread_mutex_destroy(&p->keys_mu);
	pthread_mutex_destroy(&p->fetch_mu);
	conf_unref(&p->conf);
	free(p);
}

const struct conf_oauth *
oauth_provider_settings(const struct oauth_provider *p)
{
	return p->settings;
}
