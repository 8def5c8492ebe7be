/* What a peer can't do: long lines, endless mistakes, silence, other protocols. */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "store/changes.h"
#include "tests/pop3d/fixture.h"

#include <stdio.h>

static struct str
repeated(struct pop3_fixture *f, const char *head, char fill, size_t n)
{
	char *p = arena_alloc(f->arena, strlen(head) + n + 2);

	memcpy(p, head, strlen(head));
	memset(p + strlen(head), fill, n);
	memcpy(p + strlen(head) + n, "\r\n", 2);
	return str_make(p, strlen(head) + n + 2);
}

START_TEST(long_lines_are_refused_and_their_rest_is_no_command)
{
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = pop3_fixture_open(NULL, 0);
	CLEANUP(conn_memory_close) struct conn *c = pop3_connect(f, NULL);

	pop3_output(f, c);
	conn_memory_feed(c, repeated(f, "USER ", 'x', POP3_NAME_MAX));
	ck_assert_str_eq(pop3_output(f, c), "+OK Send the password\r\n");
	conn_memory_feed(c, repeated(f, "USER ", 'x', POP3_NAME_MAX + 1));
	ck_assert_str_eq(pop3_output(f, c), "-ERR Line too long\r\n");
	conn_memory_feed(c, repeated(f, "AUTH PLAIN ", 'A', POP3_LINE_AUTH));
	ck_assert_str_eq(pop3_output(f, c), "-ERR Line too long\r\n");
	conn_memory_feed(c, repeated(f, "USER ", 'x', 3000000));
	ck_assert_str_eq(pop3_output(f, c), "-ERR Line too long\r\n");
	ck_assert_str_eq(pop3_ask(f, c, "USER ann\r\nPASS open sesame"),
	    "+OK Send the password\r\n+OK Logged in\r\n");
	conn_memory_feed(c, repeated(f, "NOOP", ' ', POP3_LINE_AFTER_LOGIN));
	ck_assert_str_eq(pop3_output(f, c), "-ERR Line too long\r\n");
	conn_memory_feed(c, repeated(f, "NOOP", ' ', 300));
	ck_assert_str_eq(pop3_output(f, c), "+OK Still here\r\n");
}
END_TEST

START_TEST(a_line_ends_in_crlf_and_nothing_else)
{
	static const struct {
		struct str sent;
		const char *expect;
	} rows[] = {
	    {{"NOOP\n", 5}, "-ERR Syntax error\r\n"},
	    {{"NOOP\rNOOP\r\n", 11}, "-ERR Syntax error\r\n"},
	    {{"NOOP\0\r\n", 7}, "-ERR Syntax error\r\n"},
	    {{"\0\r\n", 3}, "-ERR Syntax error\r\n"},
	    {{"DELE 1\r\r\n", 9}, "-ERR Syntax error\r\n"},
	    {{"NOOP\r\n", 6}, "+OK Still here\r\n"},
	};
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open(pop3_three_messages, 3);
	CLEANUP(conn_memory_close) struct conn *c = pop3_login(f);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		conn_memory_feed(c, rows[i].sent);
		ck_assert_str_eq(pop3_output(f, c), rows[i].expect);
	}
}
END_TEST

/* "USER u\0x" must not log in as u. */
START_TEST(nul_ends_no_name)
{
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = pop3_fixture_open(NULL, 0);
	CLEANUP(conn_memory_close) struct conn *c = pop3_connect(f, NULL);

	pop3_output(f, c);
	conn_memory_feed(c, STR("USER ann\0x\r\nPASS open sesame\r\n"));
	ck_assert_str_eq(
	    pop3_output(f, c), "-ERR Syntax error\r\n-ERR Not possible in this state\r\n");
}
END_TEST

START_TEST(too_many_mistakes_end_the_connection)
{
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = pop3_fixture_open(NULL, 0);

	for (int after_login = 0; after_login < 2; after_login++) {
		CLEANUP(conn_memory_close)
		struct conn *c = after_login ? pop3_login(f) : pop3_connect(f, NULL);
		uint32_t limit = after_login ? f->conf->bad_commands_after_login
					     : f->conf->bad_commands_before_login;
		pop3_output(f, c);
		for (uint32_t i = 1; i < limit; i++) {
			ck_assert_str_eq(pop3_ask(f, c, "BOGUS"), "-ERR Unknown command\r\n");
			/* what is no mistake does not help, and does not count */
			pop3_ask(f, c, "CAPA");
		}
		ck_assert(!conn_memory_closed(c));
		ck_assert_str_eq(pop3_ask(f, c, "BOGUS\r\nNOOP"),
		    "-ERR Unknown command\r\n-ERR Too many bad commands\r\n");
		ck_assert(conn_memory_closed(c));
	}
}
END_TEST

START_TEST(http_is_sent_away)
{
	static const char *const requests[] = {"GET / HTTP/1.1\r\nUSER ann",
	    "POST /x HTTP/1.1\r\nHost: example.test\r\n\r\nUSER ann", "get x", "OPTIONS * HTTP/1.1",
	    "CONNECT a:1 HTTP/1.1"};
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = pop3_fixture_open(NULL, 0);

	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		CLEANUP(conn_memory_close) struct conn *c = pop3_connect(f, NULL);
		pop3_output(f, c);
		ck_assert_str_eq(pop3_ask(f, c, requests[i]), "-ERR This is a POP3 server\r\n");
		ck_assert(conn_memory_closed(c));
	}
}
END_TEST

/* Before login there is one deadline for all of it: activity does not move it. */
START_TEST(a_login_must_come_in_time)
{
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = pop3_fixture_open(NULL, 0);
	clock_freeze(1000000);
	CLEANUP(conn_memory_close) struct conn *c = pop3_connect(f, NULL);

	pop3_output(f, c);
	for (int i = 0; i < 5; i++) {
		clock_advance_ms(10000);
		ck_assert_msg(strncmp(pop3_ask(f, c, "CAPA"), "+OK", 3) == 0, "%d", i);
	}
	clock_advance_ms(9999);
	conn_memory_run(c);
	ck_assert(!conn_memory_closed(c));
	clock_advance_ms(1);
	conn_memory_run(c);
	ck_assert(conn_memory_closed(c));
	ck_assert_str_eq(pop3_output(f, c), "");
	clock_thaw();
}
END_TEST

/* RFC 1939 §3: the autologout timer, begun anew by each command, not by a part of one; nothing is
 * said and nothing removed. */
START_TEST(silence_after_login_ends_without_update)
{
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open(pop3_three_messages, 3);
	clock_freeze(1000000);
	CLEANUP(conn_memory_close) struct conn *c = pop3_login(f);

	clock_advance_ms(599999);
	ck_assert_str_eq(pop3_ask(f, c, "DELE 1"), "+OK Marked for removal\r\n");
	clock_advance_ms(599999);
	conn_memory_run(c);
	ck_assert(!conn_memory_closed(c));
	conn_memory_feed(c, STR("QUI"));
	clock_advance_ms(1);
	conn_memory_run(c);
	ck_assert(conn_memory_closed(c));
	ck_assert_str_eq(pop3_output(f, c), "");
	clock_thaw();
	ck_assert_uint_eq(pop3_fixture_count(f), 3);
}
END_TEST

/* A peer that reads nothing holds a bounded buffer, and not for ever. */
START_TEST(a_peer_that_does_not_read_is_left)
{
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = pop3_fixture_open(NULL, 0);
	clock_freeze(1000000);
	struct str big = repeated(f, "Subject: big\r\n\r\n", 'x', 3000000);
	pop3_fixture_deliver(f, big);
	CLEANUP(conn_memory_close) struct conn *c = pop3_login(f);

	conn_memory_feed(c, STR("RETR 1\r\nRETR 1\r\nRETR 1\r\n"));
	ck_assert_uint_le(conn_out_pending(c), CONN_OUT_HIGH + 70000);
	clock_advance_ms(599999);
	conn_memory_run(c);
	ck_assert(!conn_memory_closed(c));
	clock_advance_ms(1);
	conn_memory_run(c);
	/* closing: what is written may still flow for a while, but no more is written */
	ck_assert_uint_lt(strlen(pop3_output(f, c)), 500000);
	ck_assert(conn_memory_closed(c));
	clock_thaw();
}
END_TEST

static char captured[100000];

static void
capture(void *arg, struct str line)
{
	size_t n = strlen(captured);

	(void)arg;
	if (n + line.n + 2 < sizeof(captured))
		snprintf(captured + n, sizeof(captured) - n, "%.*s\n", STR_ARG(line));
}

START_TEST(no_secret_reaches_the_log_and_each_session_has_its_line)
{
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open(pop3_three_messages, 3);
	clock_freeze(1000000);
	log_capture(capture, NULL);
	CLEANUP(conn_memory_close) struct conn *c = pop3_connect(f, NULL);

	pop3_ask(f, c, "PASS open sesame");
	pop3_ask(f, c, "USER ann\r\nPASS wrong-secret");
	clock_advance_ms(2000);
	conn_memory_run(c);
	pop3_ask(f, c, "AUTH PLAIN AGFubgB3cm9uZy1zZWNyZXQ=");
	clock_advance_ms(4000);
	conn_memory_run(c);
	pop3_ask(f, c, "AUTH LOGIN b3BlbiBzZXNhbWU= x");
	pop3_ask(f, c, "USER ann\r\nPASS open sesame\r\nRETR 1\r\nRETR 2\r\nDELE 3\r\nQUIT");
	clock_thaw();
	conn_memory_close(&c);
	log_capture(NULL, NULL);
	ck_assert_ptr_null(strstr(captured, "sesame"));
	ck_assert_ptr_null(strstr(captured, "secret"));
	ck_assert_ptr_null(strstr(captured, "b3Bl"));
	ck_assert_ptr_null(strstr(captured, "AGFu"));
	const char *line = strstr(captured, "session_end");
	ck_assert_ptr_nonnull(line);
	ck_assert_ptr_nonnull(strstr(line, "user=ann@example.test"));
	ck_assert_ptr_nonnull(strstr(line, "retrieved=2"));
	ck_assert_ptr_nonnull(strstr(line, "deleted=1"));
	ck_assert_ptr_nonnull(strstr(line, "how=quit"));
}
END_TEST

static enum fullness
fullness(void *arg)
{
	return *(const enum fullness *)arg;
}

START_TEST(without_memory_messages_are_not_begun)
{
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open(pop3_three_messages, 3);
	CLEANUP(conn_memory_close) struct conn *c = pop3_login(f);
	enum fullness is = MEMORY_FULL;

	store_set_memory(f->store, fullness, &is);
	ck_assert_ptr_nonnull(strstr(pop3_ask(f, c, "RETR 1"), "+OK ")); /* a little at a time */
	is = MEMORY_BRIMFUL;
	ck_assert_ptr_nonnull(strstr(pop3_ask(f, c, "RETR 1"), "-ERR [SYS/TEMP] "));
	ck_assert_ptr_nonnull(strstr(pop3_ask(f, c, "TOP 1 0"), "-ERR [SYS/TEMP] "));
	ck_assert_str_eq(pop3_ask(f, c, "NOOP"), "+OK Still here\r\n");
	ck_assert_ptr_nonnull(strstr(pop3_ask(f, c, "LIST 1"), "+OK 1 "));
	ck_assert_ptr_nonnull(strstr(pop3_ask(f, c, "DELE 2"), "+OK "));
	is = MEMORY_THERE;
	ck_assert_ptr_nonnull(strstr(pop3_ask(f, c, "RETR 1"), "+OK "));
}
END_TEST

TEST_MAIN("pop3_limits", without_memory_messages_are_not_begun,
    long_lines_are_refused_and_their_rest_is_no_command, a_line_ends_in_crlf_and_nothing_else,
    nul_ends_no_name, too_many_mistakes_end_the_connection, http_is_sent_away,
    a_login_must_come_in_time, silence_after_login_ends_without_update,
    a_peer_that_does_not_read_is_left, no_secret_reaches_the_log_and_each_session_has_its_line)
