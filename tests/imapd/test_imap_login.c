/* LOGIN and AUTHENTICATE: RFC 3501 §6.2.2, §6.2.3, RFC 4959; delays of failed logins. */
#include "common/auth/password.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/mail/codec.h"
#include "tests/imapd/imap_fixture.h"
#include "tests/support/closed_line.h"
#include "tests/support/log_lines.h"
#include "tests/support/sasl_text.h"

#include <gsasl.h>
#include <stdio.h>

static struct imap_fixture *
open_with_password(void)
{
	struct imap_fixture *f = imap_fixture_open("Inbox:1");
	struct credential c;

	ck_assert_ok(password_make(STR(FIXTURE_PASSWORD), f->arena, &c));
	ck_assert_ok(directory_set_credential(f->store, STR(FIXTURE_USER), &c));
	return f;
}

static struct conn *
stranger(struct imap_fixture *f)
{
	struct conn *c = imap_fixture_stranger(f, NULL);

	conn_memory_output(c, f->arena);
	return c;
}

START_TEST(login_speaks)
{
	static const char *const good[] = {
	    "1 LOGIN " FIXTURE_USER " \"" FIXTURE_PASSWORD "\"",
	    "1 LOGIN ann \"correct horse\"",
	    "1 LOGIN \"ANN@EXAMPLE.TEST\" \"correct horse\"",
	    "1 LOGIN {3+}\nann {13+}\ncorrect horse",
	    "1 AUTHENTICATE PLAIN AGFubgBjb3JyZWN0IGhvcnNl",
	};
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_with_password();

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct conn *c = stranger(f);
		ck_exchange_on(c, good[i], "1 OK [CAPABILITY IMAP4rev1 ");
		ck_exchange_on(c, "2 SELECT INBOX", "* 1 EXISTS\n2 OK");
		imap_fixture_drop(f);
	}
	struct conn *c = stranger(f);
	ck_exchange_on(c, "1 LOGIN {3}", "+ ");
	ck_exchange_on(c, "ann {13}", "+ ");
	ck_exchange_on(c, "correct horse", "1 OK [CAPABILITY");
}
END_TEST

START_TEST(authenticate_speaks)
{
	static const struct dialogue rows[] = {
	    {"1 AUTHENTICATE X-NONE", "1 NO [CANNOT] No such mechanism"},
	    {"2 AUTHENTICATE", "2 BAD"},
	    {"3 AUTHENTICATE PLAIN", "+ "},
	    {"*", "3 BAD"}, /* RFC 3501 §6.2.2: cancelled */
	    {"4 AUTHENTICATE PLAIN", "+ "},
	    {"not base64!", "4 BAD Expected base64"},
	    {"5 AUTHENTICATE PLAIN =", "5 BAD"}, /* RFC 4959 §3: an empty initial response */
	    {"6 AUTHENTICATE PLAIN AGFubgBjb3JyZWN0IGhvcnNl x", "6 BAD"},
	};
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_with_password();
	struct conn *c = stranger(f);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_exchange_on(c, rows[i].send, rows[i].expect);
	ck_exchange_on(c, "7 AUTHENTICATE LOGIN", "+ ");
	ck_exchange_on(c, "YW5u", "+ ");
	ck_exchange_on(c, "Y29ycmVjdCBob3JzZQ==", "7 OK [CAPABILITY");
	c = stranger(f);
	ck_exchange_on(c, "8 AUTHENTICATE PLAIN", "+ ");
	ck_exchange_on(c, "AGFubgBjb3JyZWN0IGhvcnNl", "8 OK [CAPABILITY");
	c = stranger(f);
	/* LOGIN with the user name as initial response, as Outlook sends it */
	ck_exchange_on(c, "9 AUTHENTICATE LOGIN YW5u", "+ ");
	ck_exchange_on(c, "Y29ycmVjdCBob3JzZQ==", "9 OK [CAPABILITY");
}
END_TEST

/* One message of libgsasl's client: its answer to the server's "+ …" line, in base64. */
static struct str
client_answer(struct imap_fixture *f, Gsasl_session *client, struct str line)
{
	struct str challenge = str_trim(str_skip(line, 1));
	char *answer = NULL;

	int rc = gsasl_step64(client, arena_cstr(f->arena, challenge), &answer);
	ck_assert_msg(rc == GSASL_OK || rc == GSASL_NEEDS_MORE, "%s", gsasl_strerror(rc));
	struct str copy = arena_dup(f->arena, str_of(answer));
	gsasl_free(answer);
	return copy;
}

START_TEST(scram_logs_in_with_a_client_we_did_not_write)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_with_password();
	Gsasl *gsasl = NULL;

	ck_assert_int_eq(gsasl_init(&gsasl), GSASL_OK);
	for (int initial = 0; initial < 2; initial++) {
		struct conn *c = stranger(f);
		Gsasl_session *client = NULL;
		ck_assert_int_eq(gsasl_client_start(gsasl, "SCRAM-SHA-256", &client), GSASL_OK);
		gsasl_property_set(client, GSASL_AUTHID, FIXTURE_USER);
		gsasl_property_set(client, GSASL_PASSWORD, FIXTURE_PASSWORD);
		struct str got;
		if (initial) {
			struct str first = client_answer(f, client, STR("+ "));
			struct str line = arena_printf(
			    f->arena, "1 AUTHENTICATE SCRAM-SHA-256 %.*s", STR_ARG(first));
			got = imap_fixture_ask(f, c, line.p);
		} else {
			got = imap_fixture_ask(f, c, "1 AUTHENTICATE SCRAM-SHA-256");
		}
		/* the server's last message comes as a challenge too, answered with nothing */
		int rounds = 0;
		while (str_starts(got, STR("+ ")) && rounds++ < 5)
			got = imap_fixture_ask(f, c, client_answer(f, client, got).p);
		ck_assert_msg(str_starts(got, STR("1 OK [CAPABILITY")), "%.*s", STR_ARG(got));
		gsasl_finish(client);
		ck_exchange_on(c, "2 SELECT INBOX", "* 1 EXISTS\n2 OK");
	}
	gsasl_done(gsasl);
}
END_TEST

START_TEST(a_failed_login_is_answered_late_and_too_many_end_the_session)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_with_password();

	clock_freeze(1000000000);
	struct conn *c = stranger(f);
	for (uint32_t i = 1; i <= f->conf->login_failures; i++) {
		struct str got = {NULL, 0};
		int waited = 0;

		/* what is pipelined behind it waits as well */
		conn_memory_feed(
		    c, i % 2 ? STR("1 LOGIN ann wrong\r\n2 NOOP\r\n")
			     : STR("1 AUTHENTICATE PLAIN AGFubgB3cm9uZw==\r\n2 NOOP\r\n"));
		while ((got = conn_memory_output(c, f->arena)).n == 0) {
			clock_advance_ms(100);
			conn_memory_run(c);
			waited += 100;
			ck_assert_int_le(waited, 15000); /* at most 15 s */
		}
		bool last = i == f->conf->login_failures;
		ck_assert_int_ge(waited, 1000);
		ck_assert_msg(str_starts(got, STR("1 NO [AUTHENTICATIONFAILED] ")), "%.*s",
		    STR_ARG(got)); /* RFC 5530 */
		ck_assert_int_eq(str_find_nocase(got, STR("2 OK")) != STR_NONE, !last);
		ck_assert_int_eq(str_find_nocase(got, STR("* BYE")) != STR_NONE, last);
		ck_assert_int_eq(conn_memory_closed(c), last);
	}
	clock_thaw();
}
END_TEST

static void
count_put_off(void *arg, struct str line)
{
	*(unsigned *)arg += str_find_nocase(line, STR("login_put_off")) != STR_NONE &&
			    str_find_nocase(line, STR("user=ann")) != STR_NONE;
}

/* Nothing was judged, so the address is not blamed; but asking costs what guessing does. */
START_TEST(a_login_that_is_put_off_is_answered_late_and_too_many_end_the_session)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_with_password();
	static const char said[] =
	    "1 NO [UNAVAILABLE] Too many are logging in, try again later\r\n";
	unsigned logged = 0;

	test_closed_line(&f->service->standing, &f->service->passwords);
	ck_assert_ok(log_open("test", "stderr", LOG_LEVEL_INFO));
	log_capture(count_put_off, &logged);
	clock_freeze(1000000000);
	struct conn *c = stranger(f);
	for (uint32_t i = 1; i <= f->conf->login_failures; i++) {
		bool last = i == f->conf->login_failures;

		conn_memory_feed(
		    c, i % 2 ? STR("1 LOGIN ann \"correct horse\"\r\n2 NOOP\r\n")
			     : STR("1 AUTHENTICATE PLAIN AGFubgBjb3JyZWN0IGhvcnNl\r\n2 NOOP\r\n"));
		clock_advance_ms(999);
		conn_memory_run(c);
		ck_assert_uint_eq(conn_memory_output(c, f->arena).n, 0);
		clock_advance_ms(1);
		conn_memory_run(c);
		struct str got = conn_memory_output(c, f->arena);
		ck_assert_msg(str_starts(got, str_of(said)), "%.*s", STR_ARG(got));
		ck_assert_int_eq(str_find_nocase(got, STR("2 OK")) != STR_NONE, !last);
		ck_assert_int_eq(str_find_nocase(got, STR("* BYE")) != STR_NONE, last);
		ck_assert_int_eq(conn_memory_closed(c), last);
		ck_assert_uint_eq(logged, i);
	}
	log_capture(NULL, NULL);
	clock_thaw();
}
END_TEST

START_TEST(unknown_user_and_wrong_password_look_the_same)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_with_password();
	static const char *const wrong[] = {"1 LOGIN ann wrong", "1 LOGIN nobody wrong"};
	struct str got[2];

	clock_freeze(1000000000);
	for (size_t i = 0; i < 2; i++) {
		struct conn *c = stranger(f);
		imap_fixture_ask(f, c, wrong[i]);
		clock_advance_ms(20000);
		conn_memory_run(c);
		got[i] = conn_memory_output(c, f->arena);
		ck_assert(got[i].n > 0);
	}
	ck_assert(str_eq(got[0], got[1]));
	clock_thaw();
}
END_TEST

static void
look_for_secrets(void *arg, struct str line)
{
	*(bool *)arg |= str_find_nocase(line, STR("horse")) != STR_NONE ||
			str_find_nocase(line, STR("AGFubgBjb3")) != STR_NONE;
}

START_TEST(no_password_reaches_the_log)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_with_password();
	bool found = false;

	ck_assert_ok(log_open("test", "stderr", LOG_LEVEL_DEBUG));
	log_capture(look_for_secrets, &found);
	struct conn *c = stranger(f);
	ck_exchange_on(c, "1 LOGIN ann \"correct horse\" x", "1 BAD");
	ck_exchange_on(c, "1 LOGINN ann \"correct horse\"", "1 BAD");
	ck_exchange_on(c, "1 LOGIN ann \"correct horse\"", "1 OK");
	c = stranger(f);
	ck_exchange_on(c, "1 AUTHENTICATE PLAIN AGFubgBjb3JyZWN0IGhvcnNl", "1 OK");
	log_capture(NULL, NULL);
	ck_assert(!found);
}
END_TEST

/* A program that trips over one: what it is not shown it may use all the same. */
START_TEST(an_account_may_be_shown_less)
{
	static const char login[] = "1 LOGIN ann \"correct horse\"";
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_with_password();

	ck_assert_ok(directory_hide(f->store, STR(FIXTURE_USER), STR("idle UIDPLUS")));
	struct conn *c = stranger(f);
	struct str got = imap_fixture_ask(f, c, login);
	ck_assert(str_find_nocase(got, STR("1 OK [CAPABILITY ")) != STR_NONE);
	ck_assert(str_find_nocase(got, STR(" MOVE")) != STR_NONE);
	ck_assert(str_find_nocase(got, STR(" IDLE")) == STR_NONE);
	ck_assert(str_find_nocase(got, STR(" UIDPLUS")) == STR_NONE);
	ck_exchange_on(c, "2 IDLE", "+ ");
	ck_exchange_on(c, "DONE", "2 OK");

	ck_assert_ok(directory_hide(f->store, STR(FIXTURE_USER), STR("")));
	got = imap_fixture_ask(f, stranger(f), login);
	ck_assert(str_find_nocase(got, STR(" IDLE")) != STR_NONE);
	ck_assert_int_eq(
	    directory_hide(f->store, STR("nobody@example.test"), STR("IDLE")), ERR_NOT_FOUND);
}
END_TEST

/* `before`, `text` as a literal, `behind`, line end. */
static void
say_literal(struct conn *c, const char *before, const char *text, const char *behind)
{
	CLEANUP(sbuf_done) struct sbuf line = SBUF_INIT(8192);

	sbuf_printf(&line, "%s{%zu+}\r\n%s%s\r\n", before, strlen(text), text, behind);
	conn_memory_feed(c, sbuf_view(&line));
}

START_TEST(whatever_a_client_says_each_line_of_the_log_is_one_event)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_with_password();
	unsigned names = 0;
	unsigned ids = 0; /* values of more than 1,024 octets are refused: RFC 2971 §3.3 */

	log_lines_begin();
	for (const char *const *evil = log_lines_evil; *evil; evil++, names++) {
		ids += strlen(*evil) <= 1024;
		struct conn *c = imap_fixture_connect(f);
		say_literal(c, "1 ID (\"name\" ", *evil, " \"version\" \"1\")");
		say_literal(c, "2 SELECT ", *evil, "");
		say_literal(c, "3 CREATE ", *evil, "");
		say_literal(c, "4 RENAME ", *evil, " INBOX");
		conn_memory_feed(c, STR("5 "));
		conn_memory_feed(c, str_of(*evil)); /* as a command */
		conn_memory_feed(c, STR(" x\r\n"));
		conn_memory_output(c, f->arena);
		imap_fixture_drop(f);
	}
	log_lines_end();
	ck_assert_uint_eq(log_lines_count("client"), ids);
	ck_assert_uint_eq(log_lines_count("session_end"), names);
	ck_assert_uint_gt(log_lines_count("refused"), names);
}
END_TEST

/* Each costs the time of a password: of the names the worst. */
START_TEST(whoever_a_client_claims_to_be_a_failed_login_is_one_line)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_with_password();
	unsigned names = 0;

	clock_freeze(1000000000);
	for (const char *const *evil = log_lines_worst; *evil; evil++, names++) {
		for (int how = 0; how < 4; how++) {
			CLEANUP(sbuf_done) struct sbuf line = SBUF_INIT(32768);
			struct conn *c = stranger(f);
			log_lines_begin();
			if (how == 0)
				sbuf_printf(&line, "1 LOGIN {%zu+}\r\n%s x", strlen(*evil), *evil);
			else if (how == 1)
				sbuf_printf(&line, "1 AUTHENTICATE LOGIN %s%s",
				    sasl_text_name(*evil), evil[1] ? "\r\neA==" : "");
			else
				sbuf_printf(&line, "1 AUTHENTICATE PLAIN %s",
				    sasl_text_plain(
					how == 2 ? "" : *evil, how == 2 ? *evil : FIXTURE_USER));
			sbuf_puts(&line, "\r\n");
			conn_memory_feed(c, sbuf_view(&line));
			clock_advance_ms(20000);
			conn_memory_run(c);
			imap_fixture_drop(f);
			log_lines_end();
			ck_assert_uint_eq(log_lines_count("refused"), 1);
			/* the last is too long for a name, but to LOGIN, as which it is just wrong
			 */
			ck_assert_uint_eq(
			    log_lines_count("login_failed"), how == 0 || evil[1] != NULL);
			ck_assert_uint_eq(log_lines_count("session_end"), 1);
		}
	}
	clock_thaw();
}
END_TEST

/* The first message of SCRAM-SHA-256, in base64: RFC 5802 §7. */
static const char *
scram_first(const char *name)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(16384);

	sbuf_puts(&text, "n,,n=");
	for (; *name; name++) {
		if (*name == '=' || *name == ',')
			sbuf_printf(&text, "=%02X", *name);
		else
			sbuf_putc(&text, *name);
	}
	sbuf_puts(&text, ",r=abc");
	return sasl_text_name(sbuf_cstr(&text));
}

/* Costs no password's time: with another nonce than the server's the proof is not looked at. */
START_TEST(a_name_of_scram_is_one_field_of_one_line)
{
	static const char proof[] = "c=biws,r=abc,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_with_password();
	unsigned names = 0;

	clock_freeze(1000000000);
	log_lines_begin();
	for (const char *const *evil = log_lines_evil; *evil; evil++) {
		struct conn *c = stranger(f);
		struct str line = arena_printf(
		    f->arena, "1 AUTHENTICATE SCRAM-SHA-256 %s\r\n", scram_first(*evil));
		conn_memory_feed(c, line);
		struct str got = conn_memory_output(c, f->arena);
		if (str_starts(got, STR("+ "))) { /* it can be a name */
			names++;
			conn_memory_feed(c, str_of(sasl_text_name(proof)));
			conn_memory_feed(c, STR("\r\n"));
		}
		clock_advance_ms(20000);
		conn_memory_run(c);
		imap_fixture_drop(f);
	}
	log_lines_end();
	clock_thaw();
	ck_assert_uint_gt(names, 10);
	ck_assert_uint_eq(log_lines_count("login_failed"), names);
}
END_TEST

TEST_MAIN("imap_login", whatever_a_client_says_each_line_of_the_log_is_one_event,
    whoever_a_client_claims_to_be_a_failed_login_is_one_line,
    a_name_of_scram_is_one_field_of_one_line, an_account_may_be_shown_less, login_speaks,
    authenticate_speaks, scram_logs_in_with_a_client_we_did_not_write,
    a_failed_login_is_answered_late_and_too_many_end_the_session,
    a_login_that_is_put_off_is_answered_late_and_too_many_end_the_session,
    unknown_user_and_wrong_password_look_the_same, no_password_reaches_the_log)
