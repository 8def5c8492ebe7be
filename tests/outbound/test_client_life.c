/* The client in time: several jobs, waiting for more, time limits, stops, lost connections; and the
 * message as it goes out. */
#include "common/base/clock.h"
#include "common/net/conn_private.h"
#include "tests/outbound/client_fixture.h"

#define TEXT "Subject: hi\r\n\r\nbye\r\n"
#define BODY "Subject: hi\n\nbye\n.\n"
#define PIPE "250-mx\n250 PIPELINING\n"
#define SAY "MAIL FROM:<a@us.example>\nRCPT TO:<b@x>\nDATA\n"
#define TAKEN "250 ok\n250 ok\n354 go\n"
#define B_DONE "b@x DONE 2.0.0 250 2.0.0 ok (relayed)\n"

static void
greet(struct client_fixture *f)
{
	client_open(f);
	client_talk(f, "220 mx\n", "EHLO us.example\n", false);
}

static void
job(struct client_fixture *f)
{
	client_fixture_job(f, "a@us.example", "b@x", TEXT);
}

START_TEST(jobs_follow_each_other_on_one_connection)
{
	for (int by_byte = 0; by_byte < 2; by_byte++) {
		CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();
		job(f), job(f), job(f);
		greet(f);
		client_talk(f, PIPE, SAY, by_byte);
		client_talk(f, TAKEN, BODY, by_byte);
		client_talk(f, "250 2.0.0 ok\n", SAY, by_byte);
		client_talk(f, "250 ok\n550 5.1.1 no\n503 no\n", "RSET\n", by_byte);
		client_talk(f, "250 reset\n", SAY, by_byte);
		client_talk(f, TAKEN, BODY, by_byte);
		client_talk(f, "250 2.0.0 ok\n", "QUIT\n<closed>", by_byte);
		ck_assert_str_is(sbuf_view(&f->log),
		    B_DONE "b@x NEVER 5.1.1 550 5.1.1 no\n" B_DONE "FINE 0  jobs=3 tls=\n");
	}
}
END_TEST

START_TEST(a_connection_waits_for_more_as_long_as_it_may)
{
	clock_freeze(1000000);
	for (int how = 0; how < 4; how++) {
		CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();
		f->wait_ms = 5000;
		job(f);
		greet(f);
		client_talk(f, PIPE, SAY, false);
		client_talk(f, TAKEN, BODY, false);
		client_talk(f, "250 2.0.0 ok\n", "", false);
		if (how == 0) { /* another comes */
			job(f);
			conn_wake(f->conn);
			client_talk(f, NULL, SAY, false);
			continue;
		}
		if (how == 1) { /* none does */
			f->wait_ms = 0;
			clock_advance_ms(5001);
			client_talk(f, NULL, "QUIT\n<closed>", false);
		} else if (how == 2) {
			client_talk(f, "421 4.4.2 idle too long\n", "<closed>", false);
		} else {
			conn_memory_eof(f->conn);
			ck_assert(conn_memory_closed(f->conn));
		}
		struct str end = sbuf_view(&f->log);
		ck_assert_msg(str_starts(end, STR(B_DONE "FINE 0 ")), "%.*s", STR_ARG(end));
	}
	clock_thaw();
}
END_TEST

/* A connection used before may just have been about to close: that says nothing of the new job. */
START_TEST(a_job_is_untried_when_a_used_connection_breaks_before_it_is_answered)
{
	for (int how = 0; how < 3; how++) {
		CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();
		job(f), job(f);
		greet(f);
		client_talk(f, PIPE, SAY, false);
		client_talk(f, TAKEN, BODY, false);
		client_talk(f, "250 2.0.0 ok\n", SAY, false);
		if (how == 0)
			conn_memory_eof(f->conn);
		else if (how == 1)
			client_talk(f, "421 4.7.0 enough\n", "<closed>", false);
		else
			conn_memory_close(&f->conn);
		struct str log = sbuf_view(&f->log);
		ck_assert_msg(str_starts(log, STR(B_DONE "b@x UNTRIED 4.")), "%.*s", STR_ARG(log));
	}
}
END_TEST

/* One that breaks off at once is not tried without end. */
START_TEST(a_lost_connection_is_an_attempt_where_it_was_the_first)
{
	static const struct {
		const char *replies, *says, *log;
	} steps[] = {
	    {"", "", "NO_CONNECTION 0 The server closed the connection jobs=0 tls=\n"},
	    {PIPE, SAY,
		"b@x LATER 4.4.2 The server closed the connection\n"
		"FINE 0 The server closed the connection jobs=1 tls=\n"},
	    {PIPE "250 ok\n550 5.1.1 no\n", SAY,
		"b@x NEVER 5.1.1 550 5.1.1 no\nFINE 0 The server closed the connection jobs=1 "
		"tls=\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();
		job(f);
		greet(f);
		if (i == 2) {
			client_talk(f, PIPE, SAY, false);
			client_talk(f, "250 ok\n550 5.1.1 no\n", "", false);
		} else if (i) {
			client_talk(f, steps[i].replies, steps[i].says, false);
		}
		conn_memory_eof(f->conn);
		ck_assert_str_is(sbuf_view(&f->log), steps[i].log);
	}
}
END_TEST

/* RFC 5321 §4.5.3.2 */
START_TEST(each_step_has_its_time_limit)
{
	static const struct {
		const char *server;
		const char *client;
		int64_t ms;
		const char *log;
	} steps[] = {
	    {NULL, "", CLIENT_GREETING_MS,
		"NO_CONNECTION 0 Timed out waiting for an answer to the greeting jobs=0 tls=\n"},
	    {"220 mx\n", "EHLO us.example\n", CLIENT_COMMAND_MS,
		"NO_CONNECTION 0 Timed out waiting for an answer to EHLO jobs=0 tls=\n"},
	    {"250 mx\n", "MAIL FROM:<a@us.example>\n", CLIENT_COMMAND_MS,
		"b@x LATER 4.4.2 Timed out waiting for an answer to MAIL, RCPT or DATA\n"
		"FINE 0 Timed out waiting for an answer to MAIL, RCPT or DATA jobs=1 tls=\n"},
	    {"250 ok\n", "RCPT TO:<b@x>\n", CLIENT_COMMAND_MS,
		"b@x LATER 4.4.2 Timed out waiting for an answer to MAIL, RCPT or DATA\n"
		"FINE 0 Timed out waiting for an answer to MAIL, RCPT or DATA jobs=1 tls=\n"},
	    {"250 ok\n", "DATA\n", CLIENT_DATA_MS,
		"b@x LATER 4.4.2 Timed out waiting for an answer to MAIL, RCPT or DATA\n"
		"FINE 0 Timed out waiting for an answer to MAIL, RCPT or DATA jobs=1 tls=\n"},
	    {"354 go\n", BODY, CLIENT_FINAL_MS,
		"b@x LATER 4.4.2 Timed out waiting for an answer to the end of the message\n"
		"FINE 0 Timed out waiting for an answer to the end of the message jobs=1 tls=\n"},
	};

	clock_freeze(1000000);
	for (size_t last = 0; last < ARRAY_LEN(steps); last++) {
		CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();
		job(f);
		client_open(f);
		for (size_t i = 0; i <= last; i++)
			client_talk(f, steps[i].server, steps[i].client, false);
		clock_advance_ms(steps[last].ms - 1);
		client_talk(f, NULL, "", false);
		clock_advance_ms(1);
		client_talk(f, NULL, "<closed>", false);
		ck_assert_str_is(sbuf_view(&f->log), steps[last].log);
	}
	clock_thaw();
}
END_TEST

START_TEST(a_stop_lets_what_is_under_way_end_and_nothing_begin)
{
	clock_freeze(1000000);
	for (int how = 0; how < 4; how++) {
		CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();
		f->wait_ms = 60000;
		job(f), job(f);
		client_open(f);
		if (how > 0) {
			client_talk(f, "220 mx\n", "EHLO us.example\n", false);
			client_talk(f, PIPE, SAY, false);
		}
		conn_notify(f->conn, CONN_EV_STOP);
		conn_memory_run(f->conn);
		if (how == 0) {
			client_talk(f, NULL, "<closed>", false);
			ck_assert_str_is(
			    sbuf_view(&f->log), "STOPPED 0 This server is stopping jobs=0 tls=\n");
		} else if (how == 1) { /* it ends in time */
			client_talk(f, TAKEN, BODY, false);
			client_talk(f, "250 2.0.0 ok\n", "QUIT\n<closed>", false);
			ck_assert_str_is(sbuf_view(&f->log), B_DONE "FINE 0  jobs=1 tls=\n");
		} else if (how == 2) { /* it does not */
			clock_advance_ms(CLIENT_STOP_MS);
			client_talk(f, NULL, "<closed>", false);
			ck_assert_str_is(sbuf_view(&f->log),
			    "b@x UNTRIED 4.3.2 This server is stopping\n"
			    "FINE 0 This server is stopping jobs=1 tls=\n");
		} else { /* the message is said, its end not answered: it may have been taken */
			client_talk(f, TAKEN, BODY, false);
			clock_advance_ms(CLIENT_STOP_MS);
			client_talk(f, NULL, "<closed>", false);
			ck_assert_str_is(sbuf_view(&f->log),
			    "b@x UNTRIED 4.3.2 This server is stopping\n"
			    "FINE 0 This server is stopping jobs=1 tls=\n");
		}
	}
	clock_thaw();
}
END_TEST

/* -- the message ----------------------------------------------------------------------------- */

static void
body_row(const char *text, const char *wire)
{
	CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();

	client_fixture_job(f, "a@us.example", "b@x", text);
	greet(f);
	client_talk(f, PIPE, SAY, false);
	client_talk(f, TAKEN, wire, false);
}

/* RFC 5321 §4.5.2; and whatever the message holds, only its own end is one (§2.3.8). */
START_TEST(no_octets_of_a_message_end_it)
{
	static const char *const rows[][2] = {
	    {"", ".\n"},
	    {"a: b\r\n\r\n.\r\n..\r\n.x\r\n", "a: b\n\n..\n...\n..x\n.\n"},
	    {"a: b\r\n\r\nno end", "a: b\n\nno end\n.\n"},
	    {"a: b\n\n.\nMAIL FROM:<x@y>\n", "a: b\n\n..\nMAIL FROM:<x@y>\n.\n"},
	    {"a\r.\rb\r", "a\n..\nb\n.\n"},
	    {"a\r\r\n.\r\n", "a\n\n..\n.\n"},
	    {"a\n\r.\n\r", "a\n\n..\n\n.\n"},
	    {"a\r\n.\r.\r\n", "a\n..\n..\n.\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		body_row(rows[i][0], rows[i][1]);
}
END_TEST

/* A server that reads slowly holds back a message in bounded memory, and has three minutes for each
 * of its pieces. */
START_TEST(a_long_message_goes_out_as_it_is_taken)
{
	CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();
	CLEANUP(arena_free) struct arena *a = arena_new(64 << 20);
	size_t n = 8 << 20, got = 0, last = 0;
	char *text = malloc(n + 1);

	clock_freeze(1000000);
	for (size_t i = 0; i < n; i++)
		text[i] = "0123456.\r\n"[i % 10];
	n -= n % 10;
	text[n] = '\0';
	client_fixture_job(f, "a@us.example", "b@x", text);
	greet(f);
	client_talk(f, PIPE, SAY, false);
	conn_memory_feed(f->conn, STR("250 ok\r\n250 ok\r\n354 go\r\n"));
	while (got < n + 3) {
		ck_assert_uint_le(conn_out_pending(f->conn), CONN_OUT_HIGH + 64 * 1024);
		struct str some = conn_memory_output_some(f->conn, a, 100000);
		ck_assert_uint_gt(some.n, 0);
		got += some.n;
		last = some.n;
		if (got < n + 3)
			clock_advance_ms(CLIENT_BLOCK_MS - 1);
		conn_memory_run(f->conn);
		arena_reset(a);
		ck_assert_msg(!conn_memory_closed(f->conn), "%zu: %s", got, sbuf_cstr(&f->log));
	}
	ck_assert_uint_gt(last, 0);
	ck_assert_uint_eq(got, n + 3);
	conn_memory_feed(f->conn, STR("250 2.0.0 ok\r\n"));
	ck_assert_str_is(sbuf_view(&f->log), B_DONE "FINE 0  jobs=1 tls=\n");
	free(text);
	clock_thaw();
}
END_TEST

static void
begin_long(struct client_fixture *f, char *text, size_t n)
{
	memset(text, 'x', n);
	text[n] = '\0';
	client_fixture_job(f, "a@us.example", "b@x", text);
	job(f);
	greet(f);
	client_talk(f, PIPE, SAY, false);
	conn_memory_feed(f->conn, STR("250 ok\r\n250 ok\r\n354 go\r\n"));
}

START_TEST(a_server_may_refuse_a_message_before_it_has_all_of_it)
{
	static const char *const rows[][2] = {
	    {"552 5.3.4 too big\r\n", "b@x NEVER 5.3.4 552 5.3.4 too big\nFINE 0  jobs=1 tls=\n"},
	    {"421 4.3.2 closing\r\n", "b@x LATER 4.3.2 421 4.3.2 closing\nFINE 0  jobs=1 tls=\n"},
	    {"250 ok\r\n", "b@x LATER 4.5.0 The server answered before it had the whole message\n"
			   "FINE 0  jobs=1 tls=\n"},
	    {"?\r\n", "b@x LATER 4.5.0 The server's reply is not one of SMTP\n"
		      "FINE 0 The server's reply is not one of SMTP jobs=1 tls=\n"},
	};
	static char text[2 << 20];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();
		begin_long(f, text, sizeof(text) - 1);
		conn_memory_feed(f->conn, str_of(rows[i][0]));
		ck_assert_str_is(sbuf_view(&f->log), rows[i][1]);
		ck_assert(conn_memory_closed(f->conn));
	}
}
END_TEST

START_TEST(a_message_that_cannot_be_read_to_its_end_is_never_ended)
{
	CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();
	CLEANUP(arena_free) struct arena *a = arena_new(64 << 20);
	static char text[1 << 20];

	begin_long(f, text, sizeof(text) - 1);
	f->read_err = ERR_IO;
	f->read_room = 700000;
	struct str out = conn_memory_output(f->conn, a);
	ck_assert(conn_memory_closed(f->conn));
	ck_assert(!str_ends_nocase(out, STR("\r\n.\r\n")));
	ck_assert_str_is(sbuf_view(&f->log),
	    "b@x LATER 4.3.0 The message can't be read from the queue\nFINE 0  jobs=1 tls=\n");
}
END_TEST

START_TEST(a_message_that_takes_long_to_make_ready_is_waited_for)
{
	clock_freeze(1000000);
	for (int how = 0; how < 4; how++) {
		CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();
		job(f);
		f->content_waits = true;
		greet(f);
		client_talk(f, PIPE, "", false);
		conn_wake(f->conn); /* for something else */
		client_talk(f, NULL, "", false);
		if (how == 0) { /* it is ready */
			f->content_waits = false;
			conn_wake(f->conn);
			client_talk(f, NULL, SAY, false);
			ck_assert_uint_eq(f->contents_asked, 3);
			client_talk(f, TAKEN, BODY, false);
			client_talk(f, "250 2.0.0 ok\n", "QUIT\n<closed>", false);
			ck_assert_str_is(sbuf_view(&f->log), B_DONE "FINE 0  jobs=1 tls=\n");
		} else if (how == 1) { /* the server has no patience: nothing was tried */
			client_talk(f, "421 4.4.2 too long\n", "<closed>", false);
			ck_assert(str_starts(sbuf_view(&f->log), STR("b@x UNTRIED 4.4.2")));
		} else if (how == 2) { /* we were too slow */
			clock_advance_ms(CLIENT_PREPARE_MS);
			client_talk(f, NULL, "QUIT\n<closed>", false);
			ck_assert(str_starts(sbuf_view(&f->log), STR("b@x LATER 4.3.2")));
		} else {
			conn_notify(f->conn, CONN_EV_STOP);
			client_talk(f, NULL, "QUIT\n<closed>", false);
			ck_assert(str_starts(sbuf_view(&f->log), STR("b@x UNTRIED 4.3.2")));
		}
	}
	clock_thaw();
}
END_TEST

START_TEST(a_job_without_content_is_passed_over)
{
	CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();

	f->no_content = true;
	job(f), job(f);
	greet(f);
	client_talk(f, PIPE, "QUIT\n<closed>", false);
	ck_assert_str_is(sbuf_view(&f->log), "b@x NEVER  \nb@x NEVER  \nFINE 0  jobs=2 tls=\n");
}
END_TEST

TEST_MAIN("client_life", jobs_follow_each_other_on_one_connection,
    a_connection_waits_for_more_as_long_as_it_may,
    a_job_is_untried_when_a_used_connection_breaks_before_it_is_answered,
    a_lost_connection_is_an_attempt_where_it_was_the_first, each_step_has_its_time_limit,
    a_stop_lets_what_is_under_way_end_and_nothing_begin, no_octets_of_a_message_end_it,
    a_long_message_goes_out_as_it_is_taken, a_server_may_refuse_a_message_before_it_has_all_of_it,
    a_message_that_cannot_be_read_to_its_end_is_never_ended,
    a_message_that_takes_long_to_make_ready_is_waited_for, a_job_without_content_is_passed_over)
