/* Logins whose password waits in line: nothing of the session goes on meanwhile, and it may end at
 * any time. RFC 4954 §4, §6. */
#include "common/base/clock.h"
#include "common/net/conn_private.h"
#include "tests/smtpd/fake.h"
#include "tests/support/password_gate.h"

#define PLAIN "AUTH PLAIN AGFubkBleGFtcGxlLnRlc3QAc2VjcmV0\r\n" /* \0ann@example.test\0secret */
#define WRONG "AUTH PLAIN AGFubkBleGFtcGxlLnRlc3QAd3Jvbmc=\r\n" /* …\0wrong */
#define NOBODY "AUTH PLAIN AG5vYm9keQBzZWNyZXQ=\r\n" /* \0nobody\0secret */
#define STOPS "421 4.3.2 mail.example.test Shutting down\n<closed>"

static struct fake *
new_gated(uint32_t waiting_max)
{
	struct fake *f = fake_new();

	password_gate_new(&f->service, "secret", waiting_max);
	return f;
}

/* A session that has said EHLO. */
static struct conn *
begin(struct fake *f)
{
	static const struct conn_memory_options local = {
	    .service = SMTP_SUBMISSION, .tls_available = true};
	struct smtp_session *s = smtp_session_new(&f->service, f->partials);
	struct conn *c = conn_memory_open(&smtp_session_ops, s, &local);

	conn_memory_feed(c, STR("EHLO client.test\r\n"));
	conn_memory_output(c, f->arena);
	return c;
}

static void
expect(struct conn *c, const char *wanted)
{
	dialogue_row(c, &(struct dialogue){NULL, wanted}, false);
}

/* The same, and it says this, line by line, which is not answered. */
static struct conn *
begin_with(struct fake *f, const char *text)
{
	struct conn *c = begin(f);
	struct str rest = str_of(text), line;

	while (str_split(&rest, '\n', &line) && line.n) {
		conn_memory_feed(c, str_make(line.p, line.n + 1));
		expect(c, NULL);
	}
	return c;
}

START_TEST(a_right_password_waits_and_what_is_pipelined_behind_it_comes_after)
{
	static const char *const asked[] = {PLAIN, "AUTH PLAIN\r\n", "AUTH LOGIN\r\n"};
	static const char *const answers[][2] = {{NULL}, {"AGFubkBleGFtcGxlLnRlc3QAc2VjcmV0\r\n"},
	    {"YW5uQGV4YW1wbGUudGVzdA==\r\n", "c2VjcmV0\r\n"}};
	CLEANUP(fake_free) struct fake *f = new_gated(10);

	for (unsigned i = 0; i < ARRAY_LEN(asked); i++) {
		password_gate_shut();
		CLEANUP(conn_memory_close) struct conn *c = begin(f);
		conn_memory_feed(c, str_of(asked[i]));
		for (unsigned k = 0; k < 2 && answers[i][k]; k++) {
			expect(c, "334 ");
			conn_memory_feed(c, str_of(answers[i][k]));
		}
		password_gate_wait(i + 1);
		expect(c, NULL);
		conn_memory_feed(
		    c, STR("MAIL FROM:<ann@example.test>\r\nRCPT TO:<bob@example.test>\r\n"));
		expect(c, NULL);
		conn_memory_feed(c, STR("NOOP\r\n"));
		expect(c, NULL);
		password_gate_open();
		password_gate_turn(c);
		expect(c, "235 2.7.0\n250 2.1.0\n250 2.1.5\n250 2.0.0");
	}
}
END_TEST

/* RFC 4954 §4: it is the last of a group of commands. */
START_TEST(a_login_that_is_sent_with_more_in_one_go_does_not_wait)
{
	CLEANUP(fake_free) struct fake *f = new_gated(10);
	CLEANUP(conn_memory_close) struct conn *c = begin(f);

	conn_memory_feed(c, STR(PLAIN "MAIL FROM:<ann@example.test>\r\n"));
	struct str got = conn_memory_output(c, f->arena);
	ck_assert_msg(str_starts(got, STR("554 5.5.0 ")), "%.*s", STR_ARG(got));
	ck_assert_uint_eq(password_line_waiting(f->service.passwords), 0);
	ck_assert_uint_eq(password_gate_computed(), 0);
	password_gate_open();
}
END_TEST

START_TEST(a_wrong_password_waits_in_line_and_then_for_its_delay)
{
	static const char *const wrong[] = {WRONG "NOOP\r\n", NOBODY "NOOP\r\n"};
	CLEANUP(fake_free) struct fake *f = new_gated(10);

	clock_freeze(1700000000);
	for (unsigned i = 0; i < ARRAY_LEN(wrong); i++) {
		password_gate_shut();
		CLEANUP(conn_memory_close) struct conn *c = begin_with(f, wrong[i]);
		password_gate_open();
		password_gate_turn(c);
		expect(c, NULL);
		struct str got = password_gate_held(c, f->arena);
		ck_assert_msg(str_starts(got, STR("535 5.7.8 ")), "%.*s", STR_ARG(got));
		ck_assert_uint_ne(str_find_nocase(got, STR("\r\n250 2.0.0")), STR_NONE);
	}
	clock_thaw();
}
END_TEST

START_TEST(when_the_line_is_full_it_is_said_so_and_may_be_tried_again)
{
	static const char *const more[] = {PLAIN, WRONG, NOBODY};
	CLEANUP(fake_free) struct fake *f = new_gated(1);

	clock_freeze(1700000000);
	CLEANUP(conn_memory_close) struct conn *computed = begin_with(f, PLAIN);
	password_gate_wait(1);
	CLEANUP(conn_memory_close) struct conn *waits = begin_with(f, PLAIN);
	CLEANUP(conn_memory_close) struct conn *c = NULL;
	for (size_t i = 0; i < ARRAY_LEN(more); i++) {
		conn_memory_close(&c);
		c = begin(f);
		conn_memory_feed(c, str_of(more[i]));
		struct str got = password_gate_held(c, f->arena);
		ck_assert_msg(str_starts(got, STR("454 4.7.0 ")), "%zu: %.*s", i, STR_ARG(got));
		ck_assert(!conn_memory_closed(c));
	}
	password_gate_open();
	password_gate_turn(computed);
	expect(computed, "235 2.7.0");
	password_gate_turn(waits);
	expect(waits, "235 2.7.0");
	password_gate_shut();
	conn_memory_feed(c, STR(PLAIN));
	expect(c, NULL);
	password_gate_open();
	password_gate_turn(c);
	expect(c, "235 2.7.0");
	clock_thaw();
}
END_TEST

START_TEST(who_has_waited_too_long_is_told_so)
{
	CLEANUP(fake_free) struct fake *f = new_gated(10);

	clock_freeze(1700000000);
	CLEANUP(conn_memory_close) struct conn *computed = begin_with(f, PLAIN);
	password_gate_wait(1);
	CLEANUP(conn_memory_close) struct conn *waits = begin_with(f, PLAIN "NOOP\r\n");
	clock_advance_ms(PASSWORD_GATE_WAIT_MS);
	password_gate_open();
	password_gate_turn(computed);
	expect(computed, "235 2.7.0");
	password_gate_turn(waits);
	struct str got = password_gate_held(waits, f->arena);
	ck_assert_msg(str_starts(got, STR("454 4.7.0 ")), "%.*s", STR_ARG(got));
	ck_assert_uint_ne(str_find_nocase(got, STR("\r\n250 2.0.0")), STR_NONE);
	ck_assert_uint_eq(password_gate_computed(), 1);
	clock_thaw();
}
END_TEST

START_TEST(a_client_may_leave_while_its_password_waits_or_is_computed)
{
	CLEANUP(fake_free) struct fake *f = new_gated(10);
	struct conn *computed = begin_with(f, PLAIN);

	password_gate_wait(1);
	struct conn *waits = begin_with(f, PLAIN "NOOP\r\n");
	ck_assert_uint_eq(password_line_waiting(f->service.passwords), 1);
	conn_memory_close(&waits);
	ck_assert_uint_eq(password_line_waiting(f->service.passwords), 0);
	conn_memory_close(&computed);
	CLEANUP(conn_memory_close) struct conn *c = begin_with(f, PLAIN);
	password_gate_open();
	password_gate_turn(c);
	expect(c, "235 2.7.0");
	ck_assert_uint_eq(password_gate_computed(), 2);
}
END_TEST

START_TEST(who_has_said_all_is_answered_all_the_same)
{
	CLEANUP(fake_free) struct fake *f = new_gated(10);
	CLEANUP(conn_memory_close) struct conn *c = begin_with(f, PLAIN "NOOP\r\n");

	conn_memory_eof(c);
	expect(c, NULL);
	password_gate_open();
	password_gate_turn(c);
	expect(c, "235 2.7.0\n250 2.0.0\n<closed>");
}
END_TEST

START_TEST(a_stop_ends_who_waits_and_whose_password_is_computed)
{
	CLEANUP(fake_free) struct fake *f = new_gated(10);
	CLEANUP(conn_memory_close) struct conn *computed = begin_with(f, PLAIN);

	password_gate_wait(1);
	CLEANUP(conn_memory_close) struct conn *waits = begin_with(f, PLAIN);
	conn_notify(waits, CONN_EV_STOP);
	expect(waits, STOPS);
	conn_notify(computed, CONN_EV_STOP);
	expect(computed, STOPS);
	ck_assert_uint_eq(password_line_waiting(f->service.passwords), 0);
	password_gate_open();
}
END_TEST

START_TEST(the_time_for_logging_in_goes_on_meanwhile)
{
	CLEANUP(fake_free) struct fake *f = new_gated(10);

	clock_freeze(1700000000);
	CLEANUP(conn_memory_close) struct conn *c = begin_with(f, PLAIN);
	password_gate_wait(1);
	clock_advance_ms((int64_t)f->conf->login_timeout_s * 1000);
	expect(c, "421 4.4.2\n<closed>");
	password_gate_open();
	clock_thaw();
}
END_TEST

TEST_MAIN("smtp_password", a_right_password_waits_and_what_is_pipelined_behind_it_comes_after,
    a_login_that_is_sent_with_more_in_one_go_does_not_wait,
    a_wrong_password_waits_in_line_and_then_for_its_delay,
    when_the_line_is_full_it_is_said_so_and_may_be_tried_again, who_has_waited_too_long_is_told_so,
    a_client_may_leave_while_its_password_waits_or_is_computed,
    who_has_said_all_is_answered_all_the_same, a_stop_ends_who_waits_and_whose_password_is_computed,
    the_time_for_logging_in_goes_on_meanwhile)
