/* Asking a provider for its keys, with one that takes its time: http_fetch() is this file's own. */
#include "common/auth/http_fetch.h"
#include "common/auth/oauth.h"
#include "common/auth/oauth_provider.h"
#include "common/base/clock.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>

#define TOKEN_ARENA (1024L * 1024)

/* RFC 7515 §A.3.1: the key and the token of the example, and the token as if of another key. */
#define KEYS                                                                                       \
	"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"                                      \
	"\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":"                                   \
	"\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}"
#define GOOD                                                                                       \
	"eyJhbGciOiJFUzI1NiJ9."                                                                    \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0" \
	"cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-"   \
	"Kg6NU1Q"

/* {"alg":"ES256","kid":"new"}, {}, and 64 octets */
#define OTHER_KEY                                                                                  \
	"eyJhbGciOiJFUzI1NiIsImtpZCI6Im5ldyJ9.e30."                                                \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"                                              \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static struct {
	pthread_mutex_t mu;
	pthread_cond_t changed;
	int asked;
	bool hold; /* the answer waits */
	bool fail;
} provider = {.mu = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

enum err
http_fetch(const struct http_request *r, struct sbuf *ret_body)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&provider.mu);

	(void)r;
	provider.asked++;
	pthread_cond_broadcast(&provider.changed);
	while (provider.hold)
		pthread_cond_wait(&provider.changed, &provider.mu);
	if (provider.fail)
		return ERR_IO;
	sbuf_puts(ret_body, KEYS);
	return ERR_OK;
}

static void
set_hold(bool hold)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&provider.mu);

	provider.hold = hold;
	pthread_cond_broadcast(&provider.changed);
}

static void
wait_until_asked(int times)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&provider.mu);

	while (provider.asked < times)
		pthread_cond_wait(&provider.changed, &provider.mu);
}

static struct oauth_provider *
open_provider(void)
{
	struct oauth_provider *p = NULL;
	CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(4096);
	const char *dir = test_mkdir();
	char path[128];
	snprintf(path, sizeof(path), "%s/pillarbox.conf", dir);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs("data_dir = .\noauth { jwks_url = \"https://p.test/keys\" audience = \"*\" "
	      "user_claim = iss }\n",
	    f);
	fclose(f);
	CLEANUP(conf_unref) struct conf *c = NULL;
	enum err e = conf_load(path, &c, &problem);
	ck_assert_msg(!e, "%s", sbuf_cstr(&problem));
	test_rmdir(dir);
	ck_assert_ok(oauth_provider_new(c, &p));
	return p;
}

static enum err
ask(struct oauth_provider *p, const char *token)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(TOKEN_ARENA);
	struct str user;
	enum err e = oauth_provider_ask(p, str_of(token), arena, &user);

	if (!e)
		ck_assert_str_is(user, "joe");
	return e;
}

struct asking {
	struct oauth_provider *p;
	const char *token;
	enum err result;
};

static void *
ask_for(void *arg)
{
	struct asking *a = arg;

	a->result = ask(a->p, a->token);
	return NULL;
}

/* While the provider is asked for a key that is not known, and while keys that are old are renewed,
 * tokens of the known ones are checked. A lock that is held would end this test by its timeout. */
START_TEST(tokens_of_known_keys_do_not_wait_for_the_provider)
{
	clock_freeze(1300819000);
	CLEANUP(oauth_provider_free) struct oauth_provider *p = open_provider();
	struct asking other = {.p = p, .token = OTHER_KEY};
	pthread_t thread;

	ck_assert_ok(ask(p, GOOD));
	ck_assert_int_eq(provider.asked, 1);
	clock_advance_ms((OAUTH_KEYS_AGAIN_S + 1) * 1000L);
	set_hold(true);
	ck_assert_int_eq(pthread_create(&thread, NULL, ask_for, &other), 0);
	wait_until_asked(2);
	ck_assert_ok(ask(p, GOOD));
	set_hold(false);
	pthread_join(thread, NULL);
	ck_assert_int_eq(other.result, ERR_AUTH_FAILED);
	clock_thaw();
}
END_TEST

START_TEST(old_keys_serve_while_they_are_renewed_and_when_that_fails)
{
	clock_freeze(1300819000 - 2L * OAUTH_KEYS_FRESH_S);
	CLEANUP(oauth_provider_free) struct oauth_provider *p = open_provider();
	struct asking first = {.p = p, .token = GOOD};
	pthread_t thread;

	ck_assert_ok(ask(p, GOOD));
	clock_advance_ms((OAUTH_KEYS_FRESH_S + 1) * 1000L);
	set_hold(true);
	ck_assert_int_eq(pthread_create(&thread, NULL, ask_for, &first), 0);
	wait_until_asked(2);
	ck_assert_ok(ask(p, GOOD));
	ck_assert_int_eq(provider.asked, 2);
	provider.fail = true;
	set_hold(false);
	pthread_join(thread, NULL);
	ck_assert_ok(first.result);
	clock_thaw();
}
END_TEST

/* One fetch serves all, and a provider is not asked again at once. */
START_TEST(a_provider_is_not_flooded)
{
	clock_freeze(1300819000);
	CLEANUP(oauth_provider_free) struct oauth_provider *p = open_provider();
	struct asking many[8];
	pthread_t threads[ARRAY_LEN(many)];

	set_hold(true);
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		many[i] = (struct asking){.p = p, .token = i % 2 ? GOOD : OTHER_KEY};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_for, &many[i]), 0);
	}
	wait_until_asked(1);
	set_hold(false);
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		pthread_join(threads[i], NULL);
		ck_assert_int_eq(many[i].result, i % 2 ? ERR_OK : ERR_AUTH_FAILED);
	}
	ck_assert_int_eq(ask(p, OTHER_KEY), ERR_AUTH_FAILED);
	ck_assert_int_eq(provider.asked, 1);
	clock_advance_ms((OAUTH_KEYS_AGAIN_S + 1) * 1000L);
	ck_assert_int_eq(ask(p, OTHER_KEY), ERR_AUTH_FAILED);
	ck_assert_int_eq(provider.asked, 2);
	clock_thaw();
}
END_TEST

START_TEST(without_keys_nobody_is_let_in_and_it_is_our_fault)
{
	clock_freeze(1300819000);
	CLEANUP(oauth_provider_free) struct oauth_provider *p = open_provider();

	provider.fail = true;
	ck_assert_int_eq(ask(p, GOOD), ERR_IO);
	provider.fail = false;
	ck_assert_int_eq(ask(p, GOOD), ERR_IO); /* not asked again so soon */
	clock_advance_ms((OAUTH_KEYS_AGAIN_S + 1) * 1000L);
	ck_assert_ok(ask(p, GOOD));
	clock_thaw();
}
END_TEST

TEST_MAIN("oauth_provider", tokens_of_known_keys_do_not_wait_for_the_provider,
    old_keys_serve_while_they_are_renewed_and_when_that_fails, a_provider_is_not_flooded,
    without_keys_nobody_is_let_in_and_it_is_our_fault)
