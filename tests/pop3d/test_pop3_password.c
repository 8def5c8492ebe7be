/* Logins whose password waits in line: nothing of the session goes on meanwhile, and it may end at
 * any time. RFC 1939 §7, RFC 5034 §4, RFC 3206 §4. */
#include "common/base/clock.h"
#include "common/net/conn_private.h"
#include "tests/pop3d/fixture.h"
#include "tests/support/password_gate.h"

#define SAID "+OK Send the password\r\n"
#define PASS "USER ann\r\nPASS open sesame\r\n"
#define PLAIN "AUTH PLAIN AGFubgBvcGVuIHNlc2FtZQ==\r\n" /* \0ann\0open sesame */
#define BUSY "-ERR [SYS/TEMP] "
#define WRONG "-ERR [AUTH] "

static struct pop3_fixture *
open_gated(uint32_t waiting_max)
{
	struct pop3_fixture *f = pop3_fixture_open(pop3_three_messages, 3);

	password_gate_new(f->service, "open sesame", waiting_max);
	return f;
}

/* Says this to a session that has only begun; the password is not answered. */
static struct conn *
begin(struct pop3_fixture *f, const char *text)
{
	struct conn *c = pop3_connect(f, NULL);

	pop3_output(f, c);
	conn_memory_feed(c, str_of(text));
	ck_assert_str_eq(pop3_output(f, c), strncmp(text, "USER", 4) == 0 ? SAID : "");
	return c;
}

static void
expect(struct conn *c, const char *wanted)
{
	dialogue_row(c, &(struct dialogue){NULL, wanted}, false);
}

START_TEST(a_right_password_waits_and_what_is_pipelined_behind_it_comes_after)
{
	static const char *const logins[] = {PASS, PLAIN, "AUTH PLAIN\r\n"};
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = open_gated(10);

	for (unsigned i = 0; i < ARRAY_LEN(logins); i++) {
		password_gate_shut();
		CLEANUP(conn_memory_close) struct conn *c = pop3_connect(f, NULL);
		pop3_output(f, c);
		conn_memory_feed(c, str_of(logins[i]));
		if (i == 2)
			ck_assert_str_eq(pop3_ask(f, c, "AGFubgBvcGVuIHNlc2FtZQ=="), "+ \r\n");
		pop3_output(f, c);
		password_gate_wait(i + 1);
		ck_assert_str_eq(pop3_ask(f, c, "STAT\r\nLIST 1"), "");
		ck_assert_str_eq(pop3_ask(f, c, "NOOP"), "");
		password_gate_open();
		password_gate_turn(c);
		expect(c, "+OK Logged in\n+OK 3 96\n+OK 1 \n+OK");
	}
}
END_TEST

START_TEST(a_login_that_is_sent_with_more_in_one_go_is_answered_first)
{
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = open_gated(10);
	CLEANUP(conn_memory_close) struct conn *c = begin(f, PASS "STAT\r\nQUIT\r\n");

	password_gate_open();
	password_gate_turn(c);
	expect(c, "+OK Logged in\n+OK 3 96\n+OK\n<closed>");
}
END_TEST

START_TEST(a_wrong_password_waits_in_line_and_then_for_its_delay)
{
	static const char *const wrong[] = {
	    "USER ann\r\nPASS wrong\r\nCAPA\r\n", "USER nobody\r\nPASS open sesame\r\nCAPA\r\n"};
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = open_gated(10);

	clock_freeze(1000000);
	for (unsigned i = 0; i < ARRAY_LEN(wrong); i++) {
		password_gate_shut();
		CLEANUP(conn_memory_close) struct conn *c = begin(f, wrong[i]);
		password_gate_open();
		password_gate_turn(c);
		expect(c, NULL);
		struct str got = password_gate_held(c, f->arena);
		ck_assert_msg(str_starts(got, STR(WRONG)), "%.*s", STR_ARG(got));
		ck_assert_uint_ne(str_find_nocase(got, STR("\r\n+OK")), STR_NONE);
	}
	clock_thaw();
}
END_TEST

START_TEST(when_the_line_is_full_it_is_said_so_and_may_be_tried_again)
{
	static const char *const more[] = {
	    PASS, PLAIN, "USER ann\r\nPASS wrong\r\n", "USER nobody\r\nPASS x\r\n"};
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = open_gated(1);

	clock_freeze(1000000);
	CLEANUP(conn_memory_close) struct conn *computed = begin(f, PASS);
	password_gate_wait(1);
	CLEANUP(conn_memory_close) struct conn *waits = begin(f, PLAIN);
	CLEANUP(conn_memory_close) struct conn *c = NULL;
	for (size_t i = 0; i < ARRAY_LEN(more); i++) {
		conn_memory_close(&c);
		c = pop3_connect(f, NULL);
		pop3_output(f, c);
		conn_memory_feed(c, str_of(more[i]));
		struct str got = password_gate_held(c, f->arena);
		if (str_eq(got, STR(SAID)))
			got = password_gate_held(c, f->arena);
		else if (str_starts(got, STR(SAID)))
			got = str_skip(got, strlen(SAID));
		ck_assert_msg(str_starts(got, STR(BUSY)), "%zu: %.*s", i, STR_ARG(got));
		ck_assert(!conn_memory_closed(c));
	}
	password_gate_open();
	password_gate_turn(computed);
	expect(computed, "+OK Logged in");
	password_gate_turn(waits);
	expect(waits, "+OK Logged in");
	password_gate_shut();
	ck_assert_str_eq(pop3_ask(f, c, "USER ann\r\nPASS open sesame"), SAID);
	password_gate_open();
	password_gate_turn(c);
	expect(c, "+OK Logged in");
	clock_thaw();
}
END_TEST

START_TEST(who_has_waited_too_long_is_told_so)
{
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = open_gated(10);

	clock_freeze(1000000);
	CLEANUP(conn_memory_close) struct conn *computed = begin(f, PASS);
	password_gate_wait(1);
	CLEANUP(conn_memory_close) struct conn *waits = begin(f, PASS "CAPA\r\n");
	clock_advance_ms(PASSWORD_GATE_WAIT_MS);
	password_gate_open();
	password_gate_turn(computed);
	expect(computed, "+OK Logged in");
	password_gate_turn(waits);
	struct str got = password_gate_held(waits, f->arena);
	ck_assert_msg(str_starts(got, STR(BUSY)), "%.*s", STR_ARG(got));
	ck_assert_uint_ne(str_find_nocase(got, STR("\r\n+OK")), STR_NONE);
	ck_assert_uint_eq(password_gate_computed(), 1);
	clock_thaw();
}
END_TEST

START_TEST(a_client_may_leave_while_its_password_waits_or_is_computed)
{
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = open_gated(10);
	struct conn *computed = begin(f, PASS);

	password_gate_wait(1);
	struct conn *waits = begin(f, PLAIN "STAT\r\n");
	ck_assert_uint_eq(password_line_waiting(f->service->passwords), 1);
	conn_memory_close(&waits);
	ck_assert_uint_eq(password_line_waiting(f->service->passwords), 0);
	conn_memory_close(&computed);
	CLEANUP(conn_memory_close) struct conn *c = begin(f, PASS);
	password_gate_open();
	password_gate_turn(c);
	expect(c, "+OK Logged in");
	ck_assert_uint_eq(password_gate_computed(), 2);
}
END_TEST

START_TEST(who_has_said_all_is_answered_all_the_same)
{
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = open_gated(10);
	CLEANUP(conn_memory_close) struct conn *c = begin(f, PASS "STAT\r\n");

	conn_memory_eof(c);
	expect(c, NULL);
	password_gate_open();
	password_gate_turn(c);
	expect(c, "+OK Logged in\n+OK 3 96\n<closed>");
}
END_TEST

START_TEST(a_stop_ends_who_waits_and_whose_password_is_computed)
{
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = open_gated(10);
	CLEANUP(conn_memory_close) struct conn *computed = begin(f, PASS);

	password_gate_wait(1);
	CLEANUP(conn_memory_close) struct conn *waits = begin(f, PLAIN);
	conn_notify(waits, CONN_EV_STOP);
	expect(waits, "-ERR [SYS/TEMP] Server is shutting down\n<closed>");
	conn_notify(computed, CONN_EV_STOP);
	expect(computed, "-ERR [SYS/TEMP] Server is shutting down\n<closed>");
	ck_assert_uint_eq(password_line_waiting(f->service->passwords), 0);
	password_gate_open();
}
END_TEST

START_TEST(the_time_for_logging_in_goes_on_meanwhile)
{
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = open_gated(10);

	clock_freeze(1000000);
	CLEANUP(conn_memory_close) struct conn *c = begin(f, PASS);
	password_gate_wait(1);
	clock_advance_ms((int64_t)f->conf->login_timeout_s * 1000);
	expect(c, "<closed>");
	password_gate_open();
	clock_thaw();
}
END_TEST

TEST_MAIN("pop3_password", a_right_password_waits_and_what_is_pipelined_behind_it_comes_after,
    a_login_that_is_sent_with_more_in_one_go_is_answered_first,
    a_wrong_password_waits_in_line_and_then_for_its_delay,
    when_the_line_is_full_it_is_said_so_and_may_be_tried_again, who_has_waited_too_long_is_told_so,
    a_client_may_leave_while_its_password_waits_or_is_computed,
    who_has_said_all_is_answered_all_the_same, a_stop_ends_who_waits_and_whose_password_is_computed,
    the_time_for_logging_in_goes_on_meanwhile)
