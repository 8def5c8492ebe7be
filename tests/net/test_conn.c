/* The connection over memory: what a session sees. */
#include "common/base/clock.h"
#include "common/net/conn_private.h"
#include "common/net/line.h"
#include "tests/support/dialogue.h"

#include <stdio.h>

/* Echoes lines; some words make it do what is to be tested. */
struct echo {
	struct line_reader lines;
	size_t left; /* octets of a big answer still to write */
	bool done;
	int wakes, timeouts;
};

static enum conn_turn
write_big(struct echo *e, struct conn *c)
{
	while (e->left && !conn_out_full(c)) {
		char block[1000];
		size_t n = e->left < sizeof(block) ? e->left : sizeof(block);
		memset(block, 'x', n);
		conn_write(c, block, n);
		e->left -= n;
		if (e->left == 0)
			conn_puts(c, "\r\nend\r\n");
	}
	return e->left ? CONN_DRAIN : CONN_READ;
}

static enum conn_turn
answer(struct echo *e, struct conn *c, struct str line)
{
	if (str_eq(line, STR("quit"))) {
		conn_puts(c, "bye\r\n");
		return CONN_CLOSE;
	}
	if (str_eq(line, STR("tls"))) {
		conn_puts(c, "go\r\n");
		return CONN_TLS;
	}
	if (str_eq(line, STR("sleep"))) {
		conn_set_deadline(c, 1000);
		return CONN_SLEEP;
	}
	if (str_starts(line, STR("big "))) {
		uint32_t n = 0;
		str_to_u32(str_skip(line, 4), &n);
		e->left = n;
		return write_big(e, c);
	}
	conn_printf(c, "echo %.*s\r\n", STR_ARG(line));
	return CONN_READ;
}

static enum conn_turn
echo_turn(void *session, struct conn *c, unsigned events)
{
	struct echo *e = session;

	if (events & CONN_EV_OPEN)
		conn_puts(c, "hello\r\n");
	if (events & CONN_EV_TLS)
		conn_printf(c, "tls %d\r\n", conn_is_tls(c));
	if (events & CONN_EV_WOKEN)
		e->wakes++;
	if (events & CONN_EV_TIMEOUT) {
		e->timeouts++;
		conn_puts(c, "awake\r\n");
	}
	if (e->left && write_big(e, c) == CONN_DRAIN)
		return CONN_DRAIN;
	for (;;) {
		struct str line;
		enum conn_turn turn;
		switch (line_take(&e->lines, c, 20, &line)) {
		case LINE_PARTIAL:
			return CONN_READ;
		case LINE_TOO_LONG:
			conn_puts(c, "long\r\n");
			break;
		case LINE_BARE:
			conn_puts(c, "bare\r\n");
			break;
		case LINE_WHOLE:
			turn = answer(e, c, line);
			line_done(&e->lines, c, line);
			if (turn != CONN_READ)
				return turn;
			break;
		}
	}
}

static void
echo_done(void *session)
{
	((struct echo *)session)->done = true;
}

static const struct session_ops echo_ops = {.turn = echo_turn, .done = echo_done};

static const struct dialogue lines_dialogue[] = {
    {NULL, "hello"},
    {"one", "echo one"},
    {"one\ntwo\nthree", "echo one\necho two\necho three"},
    {"12345678901234567890", "echo 12345678901234567890"},
    {"123456789012345678901", "long"},
    {"a\rb", "bare"},
    {"", "echo "},
    {"quit", "bye\n<closed>"},
};

START_TEST(lines_are_answered_alike_by_line_and_by_byte)
{
	for (int by_byte = 0; by_byte < 2; by_byte++) {
		struct echo e = {0};
		CLEANUP(conn_memory_close) struct conn *c = conn_memory_open(&echo_ops, &e, NULL);
		dialogue_run(
		    c, lines_dialogue, sizeof(lines_dialogue) / sizeof(lines_dialogue[0]), by_byte);
		ck_assert(e.done);
	}
}
END_TEST

START_TEST(bare_line_feed_is_no_line_end_and_an_endless_line_costs_no_memory)
{
	struct echo e = {0};
	CLEANUP(conn_memory_close) struct conn *c = conn_memory_open(&echo_ops, &e, NULL);
	CLEANUP(arena_free) struct arena *a = arena_new(1 << 20);
	char block[4096];

	memset(block, 'a', sizeof(block));
	conn_memory_output(c, a);
	conn_memory_feed(c, STR("x\ny\r\n"));
	ck_assert_str_is(conn_memory_output(c, a), "bare\r\necho y\r\n");
	for (int i = 0; i < 1000; i++) {
		conn_memory_feed(c, str_make(block, sizeof(block)));
		ck_assert_uint_eq(conn_input(c).n, 0);
	}
	conn_memory_feed(c, STR("\r\nz\r\n"));
	ck_assert_str_is(conn_memory_output(c, a), "long\r\necho z\r\n");
}
END_TEST

START_TEST(a_peer_that_does_not_read_holds_back_a_pump_in_bounded_memory)
{
	struct echo e = {0};
	CLEANUP(conn_memory_close) struct conn *c = conn_memory_open(&echo_ops, &e, NULL);
	CLEANUP(arena_free) struct arena *a = arena_new(64 << 20);
	size_t got = 0;

	conn_memory_feed(c, STR("big 10000000\r\nafter\r\n"));
	ck_assert_uint_le(conn_out_pending(c), CONN_OUT_HIGH + 1000);
	ck_assert_uint_gt(e.left, 9000000);
	for (;;) {
		struct str some = conn_memory_output_some(c, a, 50000);
		got += some.n;
		conn_memory_run(c);
		ck_assert_uint_le(conn_out_pending(c), CONN_OUT_HIGH + 1000);
		if (!some.n)
			break;
	}
	ck_assert_uint_eq(
	    got, strlen("hello\r\n") + 10000000 + strlen("\r\nend\r\necho after\r\n"));
}
END_TEST

START_TEST(a_line_that_trickles_in_costs_little_more_than_its_octets)
{
	struct echo e = {0};
	CLEANUP(conn_memory_close) struct conn *c = conn_memory_open(&echo_ops, &e, NULL);
	CLEANUP(arena_free) struct arena *a = arena_new(1 << 20);

	conn_memory_feed(c, STR("one\r\ntw"));
	ck_assert_uint_le(c->in.cap, 256);
	conn_memory_feed(c, STR("o\r\n"));
	ck_assert_str_is(conn_memory_output(c, a), "hello\r\necho one\r\necho two\r\n");
	ck_assert_uint_eq(c->in.cap, 0);
}
END_TEST

START_TEST(plaintext_sent_with_the_starttls_command_is_forgotten)
{
	struct echo e = {0};
	CLEANUP(conn_memory_close) struct conn *c = conn_memory_open(&echo_ops, &e, NULL);
	CLEANUP(arena_free) struct arena *a = arena_new(1 << 20);

	conn_memory_feed(c, STR("tls\r\ninjected\r\n"));
	ck_assert_str_is(conn_memory_output(c, a), "hello\r\ngo\r\ntls 1\r\n");
	conn_memory_feed(c, STR("fresh\r\n"));
	ck_assert_str_is(conn_memory_output(c, a), "echo fresh\r\n");
}
END_TEST

START_TEST(sleep_leaves_input_unread_until_the_deadline)
{
	struct echo e = {0};
	clock_freeze(1700000000);
	CLEANUP(conn_memory_close) struct conn *c = conn_memory_open(&echo_ops, &e, NULL);
	CLEANUP(arena_free) struct arena *a = arena_new(1 << 20);

	conn_memory_feed(c, STR("sleep\r\nlater\r\n"));
	ck_assert_str_is(conn_memory_output(c, a), "hello\r\n");
	clock_advance_ms(999);
	conn_memory_run(c);
	ck_assert_int_eq(e.timeouts, 0);
	clock_advance_ms(1);
	conn_memory_run(c);
	ck_assert_str_is(conn_memory_output(c, a), "awake\r\necho later\r\n");
	conn_wake(c);
	conn_memory_run(c);
	ck_assert_int_eq(e.wakes, 1);
	clock_thaw();
}
END_TEST

START_TEST(end_of_input_ends_the_session_after_its_last_lines)
{
	struct echo e = {0};
	CLEANUP(conn_memory_close) struct conn *c = conn_memory_open(&echo_ops, &e, NULL);
	CLEANUP(arena_free) struct arena *a = arena_new(1 << 20);

	conn_memory_feed(c, STR("last\r\npart"));
	conn_memory_eof(c);
	ck_assert_str_is(conn_memory_output(c, a), "hello\r\necho last\r\n");
	ck_assert(e.done);
	ck_assert(conn_memory_closed(c));
}
END_TEST

TEST_MAIN("conn", lines_are_answered_alike_by_line_and_by_byte,
    bare_line_feed_is_no_line_end_and_an_endless_line_costs_no_memory,
    a_peer_that_does_not_read_holds_back_a_pump_in_bounded_memory,
    a_line_that_trickles_in_costs_little_more_than_its_octets,
    plaintext_sent_with_the_starttls_command_is_forgotten,
    sleep_leaves_input_unread_until_the_deadline,
    end_of_input_ends_the_session_after_its_last_lines)
