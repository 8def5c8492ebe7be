/* Logins whose password waits in line: nothing of the session goes on meanwhile, and it may end at
 * any time. RFC 3501 §6.2.2, §6.2.3, RFC 5530 §3. */
#include "common/base/clock.h"
#include "common/net/conn_private.h"
#include "common/net/server_private.h"
#include "tests/imapd/imap_fixture.h"
#include "tests/support/password_gate.h"

#define LOGIN "LOGIN ann \"" FIXTURE_PASSWORD "\"\r\n"
#define PLAIN "AUTHENTICATE PLAIN AGFubgBjb3JyZWN0IGhvcnNl\r\n" /* \0ann\0correct horse */
#define BYE "* BYE [UNAVAILABLE] Server is shutting down\n<closed>"

static struct imap_fixture *
open_gated(uint32_t waiting_max)
{
	struct imap_fixture *f = imap_fixture_open("Inbox:1");

	password_gate_new(f->service, FIXTURE_PASSWORD, waiting_max);
	return f;
}

/* Says this to a session that has only begun; nothing may come back. */
static struct conn *
begin(struct imap_fixture *f, const char *text)
{
	struct conn *c = imap_fixture_stranger(f, NULL);

	conn_memory_output(c, f->arena);
	conn_memory_feed(c, str_of(text));
	ck_exchange_on(c, NULL, NULL);
	return c;
}

START_TEST(a_right_password_waits_and_what_is_pipelined_behind_it_comes_after)
{
	static const char *const logins[] = {"1 " LOGIN, "1 " PLAIN};
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_gated(10);

	for (unsigned i = 0; i < ARRAY_LEN(logins); i++) {
		password_gate_shut();
		struct conn *c = begin(f, logins[i]);
		password_gate_wait(i + 1);
		ck_exchange_on(c, "2 SELECT INBOX\n3 FETCH 1 UID", NULL);
		ck_exchange_on(c, "4 NOOP", NULL);
		password_gate_open();
		password_gate_turn(c);
		ck_exchange_on(
		    c, NULL, "1 OK [CAPABILITY\n* 1 EXISTS\n2 OK\n* 1 FETCH (UID 1)\n3 OK\n4 OK");
		imap_fixture_drop(f);
	}
}
END_TEST

START_TEST(a_login_that_is_sent_with_more_in_one_go_is_answered_first)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_gated(10);
	struct conn *c = begin(f, "1 " LOGIN "2 SELECT INBOX\r\n3 LOGOUT\r\n");

	password_gate_open();
	password_gate_turn(c);
	ck_exchange_on(c, NULL, "1 OK [CAPABILITY\n* 1 EXISTS\n2 OK\n* BYE\n3 OK\n<closed>");
}
END_TEST

START_TEST(a_wrong_password_waits_in_line_and_then_for_its_delay)
{
	static const char *const wrong[] = {"1 LOGIN ann wrong\r\n2 NOOP\r\n",
	    "1 LOGIN nobody \"" FIXTURE_PASSWORD "\"\r\n2 NOOP\r\n"};
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_gated(10);

	clock_freeze(1000000000);
	for (unsigned i = 0; i < ARRAY_LEN(wrong); i++) {
		password_gate_shut();
		struct conn *c = begin(f, wrong[i]);
		password_gate_open();
		password_gate_turn(c);
		ck_exchange_on(c, NULL, NULL);
		struct str got = password_gate_held(c, f->arena);
		ck_assert_msg(
		    str_starts(got, STR("1 NO [AUTHENTICATIONFAILED] ")), "%.*s", STR_ARG(got));
		ck_assert_uint_ne(str_find_nocase(got, STR("\r\n2 OK")), STR_NONE);
	}
	clock_thaw();
}
END_TEST

START_TEST(when_the_line_is_full_it_is_said_so_and_may_be_tried_again)
{
	static const char *const more[] = {
	    ("1 " LOGIN), ("1 " PLAIN), "1 LOGIN ann wrong\r\n", "1 LOGIN nobody x\r\n"};
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_gated(1);
	struct conn *c = NULL;

	clock_freeze(1000000000);
	struct conn *computed = begin(f, "1 " LOGIN);
	password_gate_wait(1);
	struct conn *waits = begin(f, "1 " LOGIN);
	for (size_t i = 0; i < ARRAY_LEN(more); i++) {
		c = imap_fixture_stranger(f, NULL);
		conn_memory_output(c, f->arena);
		conn_memory_feed(c, str_of(more[i]));
		struct str got = password_gate_held(c, f->arena);
		ck_assert_msg(
		    str_starts(got, STR("1 NO [UNAVAILABLE] ")), "%zu: %.*s", i, STR_ARG(got));
		ck_assert(!conn_memory_closed(c));
		if (i + 1 < ARRAY_LEN(more))
			imap_fixture_drop(f);
	}
	password_gate_open();
	password_gate_turn(computed);
	ck_exchange_on(computed, NULL, "1 OK [CAPABILITY");
	password_gate_turn(waits);
	ck_exchange_on(waits, NULL, "1 OK [CAPABILITY");
	password_gate_shut();
	ck_exchange_on(c, "2 LOGIN ann \"" FIXTURE_PASSWORD "\"", NULL);
	password_gate_open();
	password_gate_turn(c);
	ck_exchange_on(c, NULL, "2 OK [CAPABILITY");
	clock_thaw();
}
END_TEST

START_TEST(who_has_waited_too_long_is_told_so)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_gated(10);

	clock_freeze(1000000000);
	struct conn *computed = begin(f, "1 " LOGIN);
	password_gate_wait(1);
	struct conn *waits = begin(f, "1 " LOGIN "2 NOOP\r\n");
	clock_advance_ms(PASSWORD_GATE_WAIT_MS);
	password_gate_open();
	password_gate_turn(computed);
	ck_exchange_on(computed, NULL, "1 OK [CAPABILITY");
	password_gate_turn(waits);
	struct str got = password_gate_held(waits, f->arena);
	ck_assert_msg(str_starts(got, STR("1 NO [UNAVAILABLE] ")), "%.*s", STR_ARG(got));
	ck_assert_uint_ne(str_find_nocase(got, STR("\r\n2 OK")), STR_NONE);
	ck_assert_uint_eq(password_gate_computed(), 1);
	clock_thaw();
}
END_TEST

START_TEST(a_client_may_leave_while_its_password_waits_or_is_computed)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_gated(10);

	begin(f, "1 " LOGIN);
	password_gate_wait(1);
	begin(f, "1 " PLAIN "2 NOOP\r\n");
	ck_assert_uint_eq(password_line_waiting(f->service->passwords), 1);
	imap_fixture_drop(f);
	ck_assert_uint_eq(password_line_waiting(f->service->passwords), 0);
	imap_fixture_drop(f); /* that which is computed */
	struct conn *c = begin(f, "1 " LOGIN);
	password_gate_open();
	password_gate_turn(c);
	ck_exchange_on(c, NULL, "1 OK [CAPABILITY");
	ck_assert_uint_eq(password_gate_computed(), 2);
}
END_TEST

START_TEST(who_has_said_all_is_answered_all_the_same)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_gated(10);
	struct conn *c = begin(f, "1 " LOGIN "2 STATUS INBOX (MESSAGES)\r\n");

	conn_memory_eof(c);
	ck_exchange_on(c, NULL, NULL);
	password_gate_open();
	password_gate_turn(c);
	ck_exchange_on(c, NULL, "1 OK [CAPABILITY\n* STATUS INBOX (MESSAGES 1)\n2 OK\n<closed>");
}
END_TEST

START_TEST(a_stop_ends_who_waits_and_whose_password_is_computed)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_gated(10);
	struct conn *c[2];

	c[0] = begin(f, "1 " LOGIN);
	password_gate_wait(1);
	c[1] = begin(f, "1 " PLAIN);
	for (unsigned i = 0; i < 2; i++) {
		conn_notify(c[i], CONN_EV_STOP);
		ck_exchange_on(c[i], NULL, BYE);
	}
	ck_assert_uint_eq(password_line_waiting(f->service->passwords), 0);
	password_gate_open();
}
END_TEST

START_TEST(the_time_for_logging_in_goes_on_meanwhile)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_gated(10);

	clock_freeze(1000000000);
	struct conn *c = begin(f, "1 " LOGIN);
	password_gate_wait(1);
	clock_advance_ms((int64_t)f->conf->login_timeout_s * 1000);
	ck_exchange_on(c, NULL, "* BYE Login took too long\n<closed>");
	password_gate_open();
	clock_thaw();
}
END_TEST

/* The reply to a login beside one that is computed and one that waits, when the daemon has read
 * this anew. All of them end. */
static struct str
third_login(struct imap_fixture *f, struct server *s, uint32_t queue)
{
	const unsigned before = password_gate_computed();

	f->conf->password_queue = queue;
	s->conf = f->conf;
	service_reloaded(f->service);
	password_gate_shut();
	struct conn *computed = begin(f, "1 LOGIN ann wrong\r\n");
	password_gate_wait(before + 1);
	begin(f, "1 LOGIN ann wrong\r\n");
	struct conn *c = imap_fixture_stranger(f, NULL);
	conn_memory_output(c, f->arena);
	conn_memory_feed(c, STR("1 LOGIN ann wrong\r\n"));
	struct str got = password_gate_held(c, f->arena);
	imap_fixture_drop(f);
	imap_fixture_drop(f);
	password_gate_open();
	password_gate_turn(computed);
	imap_fixture_drop(f);
	return got;
}

START_TEST(a_reload_changes_how_many_may_wait)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_gated(10);
	struct server s = {.mu = PTHREAD_MUTEX_INITIALIZER, .memory.fd = -1};

	ck_assert_ok(memory_init(&s.memory, "", UINT64_C(1) << 30));
	f->service->server = &s;
	f->conf->password_threads = 1;
	f->conf->password_wait_s = 60; /* longer than an answer is held back */
	clock_freeze(1000000000);
	struct str got = third_login(f, &s, 1);
	ck_assert_msg(str_starts(got, STR("1 NO [UNAVAILABLE] ")), "%.*s", STR_ARG(got));
	got = third_login(f, &s, 2);
	ck_assert_msg(got.n == 0, "%.*s", STR_ARG(got)); /* it waits */
	got = third_login(f, &s, 1);
	ck_assert_msg(str_starts(got, STR("1 NO [UNAVAILABLE] ")), "%.*s", STR_ARG(got));
	clock_thaw();
	f->service->server = NULL;
	server_reserve_memory(&s, 0, NULL, NULL);
	memory_done(&s.memory);
}
END_TEST

TEST_MAIN("imap_password", a_right_password_waits_and_what_is_pipelined_behind_it_comes_after,
    a_login_that_is_sent_with_more_in_one_go_is_answered_first,
    a_wrong_password_waits_in_line_and_then_for_its_delay,
    when_the_line_is_full_it_is_said_so_and_may_be_tried_again, who_has_waited_too_long_is_told_so,
    a_client_may_leave_while_its_password_waits_or_is_computed,
    who_has_said_all_is_answered_all_the_same, a_stop_ends_who_waits_and_whose_password_is_computed,
    the_time_for_logging_in_goes_on_meanwhile, a_reload_changes_how_many_may_wait)
