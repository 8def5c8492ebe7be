/* SCRAM against libgsasl's own client. */
#include "tests/auth/host.h"
#include "tests/support/test.h"

#include <gsasl.h>
#include <openssl/evp.h>

struct attempt {
	const char *mechanism;
	const char *name, *password, *authzid;
	const char *binding; /* the client's idea of the connection; NULL: none */
	enum err expect;
};

static int
no_more(Gsasl *ctx, Gsasl_session *g, Gsasl_property wanted)
{
	(void)ctx, (void)g, (void)wanted;
	return GSASL_NO_CALLBACK;
}

static Gsasl_session *
client_new(Gsasl *ctx, const struct attempt *t)
{
	Gsasl_session *g = NULL;

	ck_assert_int_eq(gsasl_client_start(ctx, t->mechanism, &g), GSASL_OK);
	gsasl_property_set(g, GSASL_AUTHID, t->name);
	gsasl_property_set(g, GSASL_PASSWORD, t->password);
	if (t->authzid)
		gsasl_property_set(g, GSASL_AUTHZID, t->authzid);
	if (t->binding) {
		char text[256];
		EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)t->binding,
		    (int)strlen(t->binding));
		gsasl_property_set(g, GSASL_CB_TLS_EXPORTER, text);
	}
	return g;
}

/* The whole exchange; ERR_OK when both sides are content. */
static enum err
exchange(struct test_host *h, const struct attempt *t)
{
	CLEANUP(arena_free) struct arena *a = arena_new(65536);
	CLEANUP(sasl_free) struct sasl *s = NULL;
	Gsasl *ctx = NULL;
	struct str challenge = {NULL, 0};
	enum sasl_status st = SASL_CONTINUE;
	enum err e = ERR_OK;
	int rc = GSASL_NEEDS_MORE;

	ck_assert_int_eq(gsasl_init(&ctx), GSASL_OK);
	gsasl_callback_set(ctx, no_more);
	Gsasl_session *g = client_new(ctx, t);
	ck_assert_ok(sasl_begin(str_of(t->mechanism), &h->host, &s));
	for (int round = 0; st == SASL_CONTINUE; round++) {
		char *out = NULL;
		size_t n = 0;

		ck_assert_int_lt(round, 4);
		rc = gsasl_step(g, challenge.p ? challenge.p : "", challenge.n, &out, &n);
		ck_assert_msg(
		    rc == GSASL_OK || rc == GSASL_NEEDS_MORE, "client: %s", gsasl_strerror(rc));
		st = sasl_step(s, str_make(out, n), a, &challenge, &e);
		gsasl_free(out);
	}
	if (st == SASL_DONE) {
		char *out = NULL;
		size_t n = 0;
		ck_assert_ok(e);
		/* the server proves that it knows the keys (RFC 5802 §3, ServerSignature) */
		ck_assert_int_eq(gsasl_step(g, challenge.p, challenge.n, &out, &n), GSASL_OK);
		gsasl_free(out);
		ck_assert_int_eq(sasl_account(s), t->name[0] == 'a' ? 7 : 8);
	} else {
		ck_assert_int_ne(e, ERR_OK);
		ck_assert_uint_eq(challenge.n, 0);
	}
	gsasl_finish(g);
	gsasl_done(ctx);
	return e;
}

#define BINDING "0123456789abcdef0123456789abcdef"
#define UTE                                                                                        \
	"gr\xc3\xbc\xc3\x9f"                                                                       \
	"e@example.test"

/* RFC 5802 §5: both sides prove that they know, or it fails; §5.1: the attributes, with names
 * escaped. */
START_TEST(scram_lets_in_who_knows_the_password)
{
	static const struct attempt rows[] = {
	    {"SCRAM-SHA-256", "ann", "pencil", NULL, NULL, ERR_OK},
	    {"SCRAM-SHA-256", "ann@example.test", "pencil", "ann@example.test", NULL, ERR_OK},
	    {"SCRAM-SHA-256", UTE,
		"Gr\xc3\xbc\xc3\x9f"
		"e",
		NULL, NULL, ERR_OK},
	    {"SCRAM-SHA-256", UTE,
		"Gru\xcc\x88\xc3\x9f"
		"e",
		NULL, NULL, ERR_OK},
	    {"SCRAM-SHA-256", "ann", "Pencil", NULL, NULL, ERR_AUTH_FAILED},
	    {"SCRAM-SHA-256", "nobody", "pencil", NULL, NULL, ERR_AUTH_FAILED},
	    {"SCRAM-SHA-256", "a=b,c", "pencil", NULL, NULL, ERR_AUTH_FAILED},
	    {"SCRAM-SHA-256", "ann", "pencil", "ute@example.test", NULL, ERR_AUTH_FAILED},
	};
	CLEANUP(test_host_free) struct test_host *h = test_host_new(false);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum err e = exchange(h, &rows[i]);
		ck_assert_msg(e == rows[i].expect, "row %zu: %s", i, err_name(e));
	}
}
END_TEST

START_TEST(scram_plus_is_bound_to_its_connection)
{
	static const struct attempt rows[] = {
	    {"SCRAM-SHA-256-PLUS", "ann", "pencil", NULL, BINDING, ERR_OK},
	    {"SCRAM-SHA-256-PLUS", "ann", "Pencil", NULL, BINDING, ERR_AUTH_FAILED},
	    {"SCRAM-SHA-256-PLUS", "nobody", "pencil", NULL, BINDING, ERR_AUTH_FAILED},
	    /* another connection: someone in the middle */
	    {"SCRAM-SHA-256-PLUS", "ann", "pencil", NULL, "another connection's", ERR_AUTH_FAILED},
	    {"SCRAM-SHA-256", "ann", "pencil", NULL, NULL, ERR_OK},
	};
	CLEANUP(test_host_free) struct test_host *h = test_host_new(true);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum err e = exchange(h, &rows[i]);
		ck_assert_msg(e == rows[i].expect, "row %zu: %s", i, err_name(e));
	}
}
END_TEST

/* One first message; *ret_challenge in `a`. */
static enum err
first(struct test_host *h, const char *mechanism, struct str message, struct arena *a,
    struct str *ret_challenge)
{
	CLEANUP(sasl_free) struct sasl *s = NULL;
	enum err e = ERR_OK;

	ck_assert_ok(sasl_begin(str_of(mechanism), &h->host, &s));
	enum sasl_status st = sasl_step(s, message, a, ret_challenge, &e);
	ck_assert_int_eq(st, e ? SASL_FAILED : SASL_CONTINUE);
	return e;
}

/* RFC 5802 §5.1: attributes in their order, an "m" that nobody knows, names with "=" and ","
 * escaped. */
START_TEST(broken_first_messages_are_refused)
{
	static const struct {
		const char *mechanism;
		struct str message;
	} rows[] = {
	    {"SCRAM-SHA-256", {"n,,n=ann", 8}},
	    {"SCRAM-SHA-256", {"nonsense", 8}},
	    {"SCRAM-SHA-256", {"n,,n=,r=abc", 11}},
	    {"SCRAM-SHA-256", {"n,,n=a\0n,r=abc", 14}},
	    {"SCRAM-SHA-256", {"n,,n=a=nn,r=abc", 15}},
	    {"SCRAM-SHA-256", {"n,,n=a=,r=abc", 13}},
	    {"SCRAM-SHA-256", {"n,,m=x,n=ann,r=abc", 18}},
	    {"SCRAM-SHA-256", {",,,,,,", 6}},
	    {"SCRAM-SHA-256-PLUS", {"n,,n=ann,r=abc", 14}},
	    {"SCRAM-SHA-256-PLUS", {"y,,n=ann,r=abc", 14}},
	    {"SCRAM-SHA-256-PLUS", {"p=tls-unique,,n=ann,r=abc", 25}},
	    {"SCRAM-SHA-256-PLUS", {"p=no-such,,n=ann,r=abc", 22}},
	    {"SCRAM-SHA-256-PLUS", {"p=,,n=ann,r=abc", 15}},
	};
	CLEANUP(test_host_free) struct test_host *h = test_host_new(true);
	CLEANUP(arena_free) struct arena *a = arena_new(65536);
	struct str challenge;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum err e = first(h, rows[i].mechanism, rows[i].message, a, &challenge);
		ck_assert_msg(
		    e == ERR_SYNTAX || e == ERR_AUTH_FAILED, "row %zu: %s", i, err_name(e));
	}
}
END_TEST

/* RFC 5802 §6: "y" means that the client saw no -PLUS in the list. */
START_TEST(a_list_that_lost_plus_on_its_way_is_noticed)
{
	CLEANUP(test_host_free) struct test_host *h = test_host_new(true);
	CLEANUP(arena_free) struct arena *a = arena_new(65536);
	struct str challenge;

	ck_assert_int_eq(
	    first(h, "SCRAM-SHA-256", STR("y,,n=ann,r=abc"), a, &challenge), ERR_AUTH_FAILED);
	h->host.tls = false;
	ck_assert_ok(first(h, "SCRAM-SHA-256", STR("y,,n=ann,r=abc"), a, &challenge));
}
END_TEST

/* "s=…,i=…" of what is answered to a name. */
static struct str
salt_of(struct test_host *h, const char *name, struct arena *a)
{
	struct str challenge;

	ck_assert_ok(
	    first(h, "SCRAM-SHA-256", arena_printf(a, "n,,n=%s,r=abc", name), a, &challenge));
	size_t at = str_find_nocase(challenge, STR(",s="));
	ck_assert_uint_ne(at, STR_NONE);
	return str_skip(challenge, at + 1);
}

START_TEST(a_name_that_nobody_has_shows_a_salt_of_its_own)
{
	CLEANUP(test_host_free) struct test_host *h = test_host_new(false);
	CLEANUP(arena_free) struct arena *a = arena_new(65536);
	struct str one = salt_of(h, "nobody", a);
	struct str real = salt_of(h, "ann", a);

	ck_assert(str_eq(one, salt_of(h, "nobody", a)));
	ck_assert(str_eq(one, salt_of(h, "NoBody", a)));
	ck_assert(!str_eq(one, salt_of(h, "nobodies", a)));
	ck_assert(str_eq(real, salt_of(h, "ann", a)));
	ck_assert_uint_eq(one.n, real.n);
	ck_assert(str_eq(str_skip(one, str_find(one, ',')), str_skip(real, str_find(real, ','))));

	/* with a secret of the installation, every process shows the same */
	h->host.secret = STR("of this installation");
	struct str installed = salt_of(h, "nobody", a);
	ck_assert(!str_eq(one, installed));
	ck_assert(str_eq(installed, salt_of(h, "nobody", a)));
}
END_TEST

static void *
exchange_often(void *arg)
{
	static const struct attempt right = {"SCRAM-SHA-256", "ann", "pencil", NULL, NULL, ERR_OK};
	static const struct attempt wrong = {
	    "SCRAM-SHA-256", "nobody", "pencil", NULL, NULL, ERR_AUTH_FAILED};

	for (int i = 0; i < 4; i++)
		if (exchange(arg, &right) || exchange(arg, &wrong) != ERR_AUTH_FAILED)
			return arg;
	return NULL;
}

/* All exchanges of a process share the library's handle. */
START_TEST(threads_log_in_at_once)
{
	CLEANUP(test_host_free) struct test_host *h = test_host_new(false);
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, exchange_often, h), 0);
	for (int i = 0; i < 4; i++) {
		void *wrong;
		pthread_join(threads[i], &wrong);
		ck_assert_ptr_null(wrong);
	}
}
END_TEST

TEST_MAIN("scram", scram_lets_in_who_knows_the_password, scram_plus_is_bound_to_its_connection,
    broken_first_messages_are_refused, a_list_that_lost_plus_on_its_way_is_noticed,
    a_name_that_nobody_has_shows_a_salt_of_its_own, threads_log_in_at_once)
