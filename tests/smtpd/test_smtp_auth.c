/* AUTH: RFC 4954. */
#include "tests/smtpd/fake.h"
#include "tests/support/closed_line.h"
#include "tests/support/log_lines.h"
#include "tests/support/sasl_text.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/mail/codec.h"

#include <gsasl.h>

#define PLAIN_RIGHT "AGFubkBleGFtcGxlLnRlc3QAc2VjcmV0" /* \0ann@example.test\0secret */
#define PLAIN_WRONG "AGFubkBleGFtcGxlLnRlc3QAd3Jvbmc=" /* \0ann@example.test\0wrong */
#define LOGIN_NAME "YW5uQGV4YW1wbGUudGVzdA=="
#define LOGIN_PASSWORD "c2VjcmV0"

static struct fake *
with_user(const struct conn_memory_options *options)
{
	struct fake *f = fake_new();

	ck_assert_ok(password_make(STR("secret"), f->arena, &f->credential));
	fake_open_with(f, options);
	return f;
}

static const struct conn_memory_options local = {.service = SMTP_SUBMISSION, .tls_available = true};
static const struct conn_memory_options remote = {
    .service = SMTP_SUBMISSION, .tls_available = true, .remote = true, .peer = "192.0.2.7"};

START_TEST(plain_and_login_log_in)
{
	static const struct dialogue rows[][6] = {
	    {{"AUTH PLAIN " PLAIN_RIGHT, "235 2.7.0"}},
	    {{"auth plain", "334 "}, {PLAIN_RIGHT, "235 2.7.0"}},
	    {{"AUTH LOGIN", "334 VXNlcm5hbWU6"}, {LOGIN_NAME, "334 UGFzc3dvcmQ6"},
		{LOGIN_PASSWORD, "235 2.7.0"}},
	    {{"AUTH LOGIN " LOGIN_NAME, "334 UGFzc3dvcmQ6"}, {LOGIN_PASSWORD, "235 2.7.0"}},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows) * 2; i++) {
		CLEANUP(fake_free) struct fake *f = with_user(&local);
		fake_say(f, "EHLO client.test", "250 HELP");
		for (size_t j = 0; rows[i / 2][j].send; j++)
			dialogue_row(f->conn, &rows[i / 2][j], i & 1);
		fake_say(f, "MAIL FROM:<ann@example.test>", "250");
	}
}
END_TEST

START_TEST(what_is_no_exchange_is_refused_with_its_code)
{
	CLEANUP(fake_free) struct fake *f = with_user(&local);

	fake_say(f, "AUTH PLAIN " PLAIN_RIGHT, "503 5.5.1");
	fake_say(f, "HELO client.test", "250");
	fake_say(f, "AUTH PLAIN " PLAIN_RIGHT, "503 5.5.1 Send EHLO first");
	fake_say(f, "EHLO client.test", "250 HELP");
	fake_say(f, "AUTH", "501 5.5.4");
	fake_say(f, "AUTH CRAM-MD5", "504 5.5.4");
	fake_say(f, "AUTH AVERYLONGMECHANISMNAMETHATISNONE", "504 5.5.4");
	fake_say(f, "AUTH PLAIN not-base64!", "501 5.5.2");
	fake_say(f, "AUTH PLAIN " PLAIN_RIGHT " more", "501 5.5.2");
	f->conf->bad_commands_before_login = 100;
	fake_say(f, "AUTH PLAIN =", "501 5.5.2");
	fake_say(f, "AUTH PLAIN", "334 ");
	fake_say(f, "*", "501 5.7.0");
	fake_say(f, "AUTH PLAIN", "334 ");
	fake_say(f, "a", "501 5.5.2");
	fake_say(f, "AUTH LOGIN", "334 ");
	ck_assert(str_starts(fake_feed(f, STR("YW5u\n")), STR("501 5.5.2")));
	fake_say(f, "NOOP", "250");
	fake_say(f, "AUTH PLAIN " PLAIN_RIGHT, "235");
	fake_say(f, "AUTH PLAIN " PLAIN_RIGHT, "503 5.5.1 Already");
}
END_TEST

START_TEST(lines_of_an_exchange_may_be_long_but_not_endless)
{
	static char line[SMTP_AUTH_LINE_MAX + 8];
	CLEANUP(fake_free) struct fake *f = with_user(&local);

	fake_say(f, "EHLO client.test", "250 HELP");
	memset(line, 'A', sizeof(line));
	memcpy(line, "AUTH PLAIN ", 11);
	memcpy(line + 11 + 8000, "\r\n", 2);
	ck_assert(str_starts(fake_feed(f, str_make(line, 8013)), STR("501 5.5.2"))); /* all NUL */
	memset(line + 11, 'A', sizeof(line) - 11);
	memcpy(line + sizeof(line) - 2, "\r\n", 2);
	ck_assert(str_starts(fake_feed(f, str_make(line, sizeof(line))), STR("500 5.5.2")));
	fake_say(f, "AUTH PLAIN", "334 ");
	memset(line, 'A', 11);
	ck_assert(str_starts(fake_feed(f, str_make(line, sizeof(line))), STR("500 5.5.6")));
	fake_say(f, "NOOP", "250");
}
END_TEST

START_TEST(without_tls_no_password_is_taken_from_afar)
{
	CLEANUP(fake_free) struct fake *f = with_user(&remote);

	fake_say(f, "EHLO client.test", "250-STARTTLS\n250-AUTH SCRAM-SHA-256\n250 HELP");
	fake_say(f, "AUTH PLAIN " PLAIN_RIGHT, "538 5.7.11");
	fake_say(f, "AUTH LOGIN", "538 5.7.11");
	fake_say(f, "STARTTLS", "220");
	fake_say(f, "EHLO client.test", "250-AUTH PLAIN LOGIN SCRAM-SHA-256\n250 HELP");
	fake_say(f, "AUTH PLAIN " PLAIN_RIGHT, "235");
}
END_TEST

START_TEST(a_wrong_password_waits_and_too_many_end_it)
{
	clock_freeze(1700000000);
	CLEANUP(fake_free) struct fake *f = with_user(&local);

	f->conf->login_failures = 3;
	fake_say(f, "EHLO client.test", "250 HELP");
	for (int i = 0; i < 2; i++) {
		fake_say(f, "AUTH PLAIN " PLAIN_WRONG, NULL);
		fake_say(f, "NOOP", NULL); /* unread until then */
		clock_advance_ms(999);
		fake_say(f, NULL, NULL);
		clock_advance_ms(1);
		fake_say(f, NULL, "535 5.7.8\n250 2.0.0");
	}
	fake_say(f, "AUTH PLAIN", "334 ");
	fake_say(f, "AG5vYm9keQBzZWNyZXQ=", NULL); /* \0nobody\0secret: the same */
	clock_advance_ms(1000);
	fake_say(f, NULL, "421 4.7.0\n<closed>");
	clock_thaw();
}
END_TEST

START_TEST(a_login_that_is_put_off_waits_and_too_many_end_it)
{
	clock_freeze(1700000000);
	CLEANUP(fake_free) struct fake *f = with_user(&local);

	test_closed_line(&f->service.standing, &f->service.passwords);
	fake_open_with(f, &local);
	f->conf->login_failures = 3;
	fake_say(f, "EHLO client.test", "250 HELP");
	for (int i = 0; i < 2; i++) {
		fake_say(f, "AUTH PLAIN " PLAIN_RIGHT, NULL);
		fake_say(f, "NOOP", NULL); /* unread until then */
		clock_advance_ms(999);
		fake_say(f, NULL, NULL);
		clock_advance_ms(1);
		fake_say(f, NULL, "454 4.7.0\n250 2.0.0");
	}
	fake_say(f, "AUTH PLAIN " PLAIN_RIGHT, NULL);
	clock_advance_ms(1000);
	fake_say(f, NULL, "421 4.7.0\n<closed>");
	fake_close(f);
	password_line_free(&f->service.passwords);
	standing_free(&f->service.standing);
	clock_thaw();
}
END_TEST

START_TEST(who_does_not_log_in_has_a_minute)
{
	clock_freeze(1700000000);
	CLEANUP(fake_free) struct fake *f = with_user(&local);

	fake_say(f, "EHLO client.test", "250 HELP");
	clock_advance_ms(40000);
	fake_say(f, "NOOP", "250");
	clock_advance_ms(21000);
	fake_say(f, NULL, "421 4.4.2\n<closed>");
	fake_open_with(f, &local);
	fake_say(f, "EHLO client.test", "250 HELP");
	fake_say(f, "AUTH PLAIN " PLAIN_RIGHT, "235");
	clock_advance_ms(200000);
	fake_say(f, NULL, NULL);
	fake_say(f, "NOOP", "250");
	clock_thaw();
}
END_TEST

static struct str
decode(struct str line, struct arena *arena)
{
	CLEANUP(sbuf_done) struct sbuf raw = SBUF_INIT(4096);

	ck_assert(str_starts(line, STR("334 ")));
	ck_assert_ok(base64_decode(str_trim(str_skip(line, 4)), &raw));
	return arena_dup(arena, sbuf_view(&raw));
}

/* libgsasl's client side against the session. */
START_TEST(scram_logs_in_with_its_last_challenge_answered_by_an_empty_line)
{
	CLEANUP(fake_free) struct fake *f = with_user(&remote);
	Gsasl *ctx;
	Gsasl_session *client;
	struct str challenge = STR("");
	int rc = GSASL_NEEDS_MORE;

	ck_assert_int_eq(gsasl_init(&ctx), GSASL_OK);
	ck_assert_int_eq(gsasl_client_start(ctx, "SCRAM-SHA-256", &client), GSASL_OK);
	gsasl_property_set(client, GSASL_AUTHID, "ann@example.test");
	gsasl_property_set(client, GSASL_PASSWORD, "secret");
	fake_say(f, "EHLO client.test", "250 HELP");
	fake_say(f, "AUTH SCRAM-SHA-256", "334 ");
	for (int i = 0; rc == GSASL_NEEDS_MORE && i < 5; i++) {
		char *out;
		size_t n;
		CLEANUP(sbuf_done) struct sbuf line = SBUF_INIT(4096);
		rc = gsasl_step(client, challenge.p, challenge.n, &out, &n);
		ck_assert_msg(rc == GSASL_OK || rc == GSASL_NEEDS_MORE, "%s", gsasl_strerror(rc));
		base64_encode(str_make(out, n), &line);
		gsasl_free(out);
		sbuf_puts(&line, "\r\n");
		struct str got = fake_feed(f, sbuf_view(&line));
		if (rc == GSASL_NEEDS_MORE)
			challenge = decode(got, f->arena);
		else
			ck_assert(str_starts(got, STR("235 2.7.0")));
	}
	ck_assert_int_eq(rc, GSASL_OK);
	gsasl_finish(client);
	gsasl_done(ctx);
	fake_say(f, "MAIL FROM:<ann@example.test>", "250");
}
END_TEST

struct lines {
	char text[65536];
	size_t n;
};

static void
keep_log(void *arg, struct str line)
{
	struct lines *l = arg;

	ck_assert_uint_lt(l->n + line.n + 1, sizeof(l->text));
	memcpy(l->text + l->n, line.p, line.n);
	l->n += line.n;
	l->text[l->n++] = '\n';
	l->text[l->n] = '\0';
}

START_TEST(no_line_of_an_exchange_reaches_the_log)
{
	static struct lines log;
	clock_freeze(1700000000);
	CLEANUP(fake_free) struct fake *f = with_user(&local);

	log_capture(keep_log, &log);
	fake_say(f, "EHLO client.test", "250 HELP");
	fake_say(f, "AUTH PLAIN " PLAIN_RIGHT " ", "235");
	fake_open_with(f, &local);
	fake_say(f, "EHLO client.test", "250 HELP");
	fake_say(f, "AUTH PLAIN " PLAIN_WRONG, NULL);
	clock_advance_ms(1000);
	fake_say(f, NULL, "535");
	fake_say(f, "AUTH LOGIN " PLAIN_RIGHT "!", "501");
	fake_say(f, "AUTH XYZ " PLAIN_RIGHT, "504");
	fake_say(f, PLAIN_RIGHT, "500");
	fake_close(f);
	log_capture(NULL, NULL);
	clock_thaw();
	ck_assert_ptr_null(strstr(log.text, "AGFub"));
	ck_assert_ptr_null(strstr(log.text, "secret"));
	ck_assert_ptr_nonnull(strstr(log.text, "login sid=memory user=ann@example.test"));
	ck_assert_ptr_nonnull(strstr(log.text, "login_failed sid=memory user=ann@example.test"));
}
END_TEST

START_TEST(whatever_a_client_says_each_line_of_the_log_is_one_event)
{
	static const struct {
		const char *before;
		const char *behind; /* the name; NULL: without one */
	} commands[] = {{"EHLO ", "\r\n"}, {"EHLO c.test\r\n", NULL}, {"", " x\r\n"},
	    {"MAIL FROM:<", "@b.test>\r\n"}, {"MAIL FROM:<\"", "\"@b.test>\r\n"},
	    {"MAIL FROM:<a@b.test> ENVID=", "\r\n"}, {"RSET\r\n", NULL},
	    {"MAIL FROM:<a@b.test>\r\n", NULL}, {"RCPT TO:<", "@example.test>\r\n"},
	    {"RCPT TO:<\"", "\"@example.test>\r\n"}, {"RCPT TO:<ann@", ">\r\n"}, {"RSET\r\n", NULL},
	    {"MAIL FROM:<\"", "\"@b.test>\r\n"},
	    {"RCPT TO:<ann@example.test>\r\nBDAT 14 LAST\r\nSubject: x\r\n\r\n", NULL},
	    {"HELO ", "\r\n"}, {"QUIT\r\n", NULL}};
	CLEANUP(fake_free) struct fake *f = fake_new();
	unsigned names = 0;

	log_lines_begin();
	for (const char *const *evil = log_lines_evil; *evil; evil++, names++) {
		CLEANUP(sbuf_done) struct sbuf said = SBUF_INIT(32768);
		for (size_t i = 0; i < ARRAY_LEN(commands); i++)
			sbuf_printf(&said, "%s%s%s", commands[i].before,
			    commands[i].behind ? *evil : "",
			    commands[i].behind ? commands[i].behind : "");
		fake_open(f, SMTP_MX);
		fake_feed(f, sbuf_view(&said));
		fake_close(f);
	}
	log_lines_end();
	ck_assert_uint_eq(log_lines_count("session_end"), names);
	ck_assert_uint_gt(log_lines_count("refuse"), 3 * names);
	ck_assert_uint_gt(log_lines_count("accept"), 2); /* a quoted local part may be much */
}
END_TEST

START_TEST(whoever_a_client_claims_to_be_a_failed_login_is_one_line)
{
	clock_freeze(1700000000);
	CLEANUP(fake_free) struct fake *f = with_user(&local);

	for (const char *const *evil = log_lines_worst; *evil; evil++) {
		for (int how = 1; how < 4; how++) {
			CLEANUP(sbuf_done) struct sbuf line = SBUF_INIT(32768);
			fake_open_with(f, &local);
			log_lines_begin();
			fake_say(f, "EHLO client.test", "250 HELP");
			if (how == 1)
				sbuf_printf(&line, "AUTH LOGIN %s\r\n", sasl_text_name(*evil));
			else
				sbuf_printf(&line, "AUTH PLAIN %s\r\n",
				    sasl_text_plain(how == 2 ? "" : *evil,
					how == 2 ? *evil : "ann@example.test"));
			struct str got = fake_feed(f, sbuf_view(&line));
			if (str_starts(got, STR("334 ")))
				fake_feed(f, STR("eA==\r\n"));
			clock_advance_ms(20000);
			fake_feed(f, STR("QUIT\r\n"));
			fake_close(f);
			log_lines_end();
			/* the last is too long for a name */
			ck_assert_uint_eq(log_lines_count("login_failed"), evil[1] != NULL);
			ck_assert_uint_eq(log_lines_count("refuse"), evil[1] == NULL);
			ck_assert_uint_eq(log_lines_count("session_end"), 1);
		}
	}
	clock_thaw();
}
END_TEST

TEST_MAIN("smtp_auth", whatever_a_client_says_each_line_of_the_log_is_one_event,
    whoever_a_client_claims_to_be_a_failed_login_is_one_line, plain_and_login_log_in,
    what_is_no_exchange_is_refused_with_its_code, lines_of_an_exchange_may_be_long_but_not_endless,
    without_tls_no_password_is_taken_from_afar, a_wrong_password_waits_and_too_many_end_it,
    a_login_that_is_put_off_waits_and_too_many_end_it, who_does_not_log_in_has_a_minute,
    scram_logs_in_with_its_last_challenge_answered_by_an_empty_line,
    no_line_of_an_exchange_reaches_the_log)
