#include "tests/auth/host.h"
#include "tests/support/test.h"

static const char *
listed(const struct sasl_host *host, struct sbuf *b)
{
	sbuf_clear(b);
	sasl_list(host, "AUTH=", b);
	return sbuf_cstr(b);
}

START_TEST(the_list_names_what_is_allowed_now)
{
	CLEANUP(sbuf_done) struct sbuf b = SBUF_INIT(1000);
	struct sasl_host host = {0};

	ck_assert_str_eq(listed(&host, &b), "AUTH=SCRAM-SHA-256");
	host.secure = true;
	ck_assert_str_eq(listed(&host, &b), "AUTH=PLAIN AUTH=LOGIN AUTH=SCRAM-SHA-256");
	host.tls = true;
	ck_assert_str_eq(
	    listed(&host, &b), "AUTH=PLAIN AUTH=LOGIN AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-256-PLUS");
}
END_TEST

START_TEST(mechanisms_begin_only_where_they_may)
{
	struct sasl_host host = {0};
	struct sasl *s = NULL;

	ck_assert_int_eq(sasl_begin(STR("PLAIN"), &host, &s), ERR_NEEDS_TLS);
	ck_assert_int_eq(sasl_begin(STR("login"), &host, &s), ERR_NEEDS_TLS);
	ck_assert_int_eq(sasl_begin(STR("SCRAM-SHA-256-PLUS"), &host, &s), ERR_NEEDS_TLS);
	ck_assert_int_eq(sasl_begin(STR("GSSAPI"), &host, &s), ERR_UNKNOWN);
	ck_assert_int_eq(sasl_begin(STR(""), &host, &s), ERR_UNKNOWN);
	ck_assert_int_eq(sasl_begin(STR("PLAIN\0"), &host, &s), ERR_UNKNOWN);
	ck_assert_ptr_null(s);
	ck_assert_ok(sasl_begin(STR("scram-sha-256"), &host, &s));
	sasl_free(&s);
	ck_assert_ptr_null(s);
	sasl_free(&s);
}
END_TEST

#define UTE                                                                                        \
	"Gr\xc3\xbc\xc3\x9f"                                                                       \
	"e"
#define UTE_APART                                                                                  \
	"Gru\xcc\x88\xc3\x9f"                                                                      \
	"e" /* the same, decomposed */

/* RFC 4616 §2: [authzid] NUL authcid NUL passwd */
START_TEST(plain_takes_its_one_message)
{
	static const struct {
		struct str message;
		enum err err;
		int64_t account;
	} rows[] = {
	    {{"\0ann@example.test\0pencil", 24}, ERR_OK, 7},
	    {{"\0ann\0pencil", 11}, ERR_OK, 7},
	    {{"\0ANN@Example.Test\0pencil", 24}, ERR_OK, 7},
	    {{"ann\0ann\0pencil", 14}, ERR_OK, 7},
	    {{"ann@example.test\0ann\0pencil", 27}, ERR_OK, 7},
	    {{"ute\0ann\0pencil", 14}, ERR_AUTH_FAILED, 0}, /* nobody acts for another */
	    {{"ute\0ann\0pencil", 14}, ERR_AUTH_FAILED, 0},
	    {{"\0ann\0Pencil", 11}, ERR_AUTH_FAILED, 0},
	    {{"\0nobody\0pencil", 14}, ERR_AUTH_FAILED, 0},
	    {{"\0ann\0pencil\0", 12}, ERR_SYNTAX, 0},
	    {{"\0ann\0pen\0cil", 12}, ERR_SYNTAX, 0},
	    {{"\0ann\0", 5}, ERR_SYNTAX, 0},
	    {{"\0\0pencil", 8}, ERR_SYNTAX, 0},
	    {{"\0ann", 4}, ERR_SYNTAX, 0},
	    {{"ann", 3}, ERR_SYNTAX, 0},
	    {{"", 0}, ERR_SYNTAX, 0},
	    {{"\0", 1}, ERR_SYNTAX, 0},
	    {{"\0\0", 2}, ERR_SYNTAX, 0},
	    {{"\0" UTE "@example.test\0" UTE, 29}, ERR_OK, 8},
	    {{"\0" UTE_APART "@example.test\0" UTE_APART, 31}, ERR_OK, 8},
	};
	CLEANUP(test_host_free) struct test_host *h = test_host_new(false);
	CLEANUP(arena_free) struct arena *a = arena_new(65536);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sasl_free) struct sasl *s = NULL;
		struct str challenge;
		enum err e = ERR_INTERNAL;

		ck_assert_ok(sasl_begin(STR("PLAIN"), &h->host, &s));
		enum sasl_status st =
		    sasl_step(s, test_guarded(rows[i].message), a, &challenge, &e);
		ck_assert_msg(e == rows[i].err, "row %zu: %s", i, err_name(e));
		ck_assert_int_eq(st, rows[i].err ? SASL_FAILED : SASL_DONE);
		if (st == SASL_DONE)
			ck_assert_int_eq(sasl_account(s), rows[i].account);
		ck_assert_uint_eq(challenge.n, 0);
	}
}
END_TEST

START_TEST(plain_without_initial_response_is_asked_for_it)
{
	CLEANUP(test_host_free) struct test_host *h = test_host_new(false);
	CLEANUP(arena_free) struct arena *a = arena_new(65536);
	CLEANUP(sasl_free) struct sasl *s = NULL;
	struct str challenge;
	enum err e;

	ck_assert_ok(sasl_begin(STR("plain"), &h->host, &s));
	ck_assert_int_eq(sasl_step(s, (struct str){NULL, 0}, a, &challenge, &e), SASL_CONTINUE);
	ck_assert_uint_eq(challenge.n, 0);
	ck_assert_int_eq(sasl_step(s, STR("\0ann\0pencil"), a, &challenge, &e), SASL_DONE);
	ck_assert_str_is(sasl_address(s), "ann@example.test");
	ck_assert_str_is(sasl_login(s), "ann");
}
END_TEST

START_TEST(login_asks_for_name_and_password)
{
	static const struct {
		struct str initial, name, password; /* .p NULL: not sent */
		enum err err;
	} rows[] = {
	    {{NULL, 0}, {"ann", 3}, {"pencil", 6}, ERR_OK},
	    {{"ann@example.test", 16}, {NULL, 0}, {"pencil", 6}, ERR_OK},
	    {{NULL, 0}, {"ann", 3}, {"pen", 3}, ERR_AUTH_FAILED},
	    {{NULL, 0}, {"nobody", 6}, {"pencil", 6}, ERR_AUTH_FAILED},
	    {{NULL, 0}, {"ann", 3}, {"pencil\0", 7}, ERR_SYNTAX},
	    {{NULL, 0}, {"ann", 3}, {"", 0}, ERR_SYNTAX},
	    {{NULL, 0}, {"ann\0x", 5}, {NULL, 0}, ERR_SYNTAX},
	    {{NULL, 0}, {"", 0}, {NULL, 0}, ERR_SYNTAX},
	    {{"a\0b", 3}, {NULL, 0}, {NULL, 0}, ERR_SYNTAX},
	};
	CLEANUP(test_host_free) struct test_host *h = test_host_new(false);
	CLEANUP(arena_free) struct arena *a = arena_new(65536);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sasl_free) struct sasl *s = NULL;
		struct str challenge;
		enum err e = ERR_INTERNAL;

		ck_assert_ok(sasl_begin(STR("LOGIN"), &h->host, &s));
		enum sasl_status st = sasl_step(s, rows[i].initial, a, &challenge, &e);
		if (!rows[i].initial.p) {
			ck_assert_int_eq(st, SASL_CONTINUE);
			ck_assert_str_is(challenge, "Username:");
			st = sasl_step(s, rows[i].name, a, &challenge, &e);
		}
		if (rows[i].password.p) {
			ck_assert_int_eq(st, SASL_CONTINUE);
			ck_assert_str_is(challenge, "Password:");
			st = sasl_step(s, rows[i].password, a, &challenge, &e);
		}
		ck_assert_msg(e == rows[i].err, "row %zu: %s", i, err_name(e));
		ck_assert_int_eq(st, rows[i].err ? SASL_FAILED : SASL_DONE);
	}
}
END_TEST

START_TEST(overlong_names_and_messages_are_refused)
{
	CLEANUP(test_host_free) struct test_host *h = test_host_new(false);
	CLEANUP(arena_free) struct arena *a = arena_new(65536);
	static char text[10000];
	struct str challenge;
	enum err e;

	memset(text, 'x', sizeof(text));
	text[0] = text[257] = '\0';
	static const struct {
		const char *mechanism;
		size_t n;
	} rows[] = {{"PLAIN", 300}, {"PLAIN", 10000}, {"LOGIN", 10000}, {"SCRAM-SHA-256", 10000}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sasl_free) struct sasl *s = NULL;
		ck_assert_ok(sasl_begin(str_of(rows[i].mechanism), &h->host, &s));
		ck_assert_int_eq(
		    sasl_step(s, str_make(text, rows[i].n), a, &challenge, &e), SASL_FAILED);
		ck_assert_int_eq(e, ERR_TOO_LONG);
	}
	ck_assert_uint_eq(h->finds, 0);
}
END_TEST

START_TEST(failures_of_the_store_are_not_wrong_passwords)
{
	CLEANUP(test_host_free) struct test_host *h = test_host_new(false);
	CLEANUP(arena_free) struct arena *a = arena_new(65536);
	CLEANUP(sasl_free) struct sasl *s = NULL;
	struct str challenge;
	enum err e;

	h->find_err = ERR_IO;
	ck_assert_ok(sasl_begin(STR("PLAIN"), &h->host, &s));
	ck_assert_int_eq(sasl_step(s, STR("\0ann\0pencil"), a, &challenge, &e), SASL_FAILED);
	ck_assert_int_eq(e, ERR_IO);
	sasl_free(&s);
	ck_assert_ok(sasl_begin(STR("SCRAM-SHA-256"), &h->host, &s));
	ck_assert_int_eq(sasl_step(s, STR("n,,n=ann,r=abc"), a, &challenge, &e), SASL_FAILED);
	ck_assert_int_eq(e, ERR_IO);
}
END_TEST

START_TEST(an_exchange_does_not_go_on_for_ever)
{
	CLEANUP(test_host_free) struct test_host *h = test_host_new(false);
	CLEANUP(arena_free) struct arena *a = arena_new(65536);
	CLEANUP(sasl_free) struct sasl *s = NULL;
	struct str challenge;
	enum err e = ERR_OK;
	int steps = 0;

	ck_assert_ok(sasl_begin(STR("SCRAM-SHA-256"), &h->host, &s));
	while (sasl_step(s, STR(""), a, &challenge, &e) == SASL_CONTINUE)
		ck_assert_int_lt(++steps, 10);
	ck_assert_int_eq(e, ERR_SYNTAX);
}
END_TEST

TEST_MAIN("sasl", the_list_names_what_is_allowed_now, mechanisms_begin_only_where_they_may,
    plain_takes_its_one_message, plain_without_initial_response_is_asked_for_it,
    login_asks_for_name_and_password, overlong_names_and_messages_are_refused,
    failures_of_the_store_are_not_wrong_passwords, an_exchange_does_not_go_on_for_ever)
