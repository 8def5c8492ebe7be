/* COMPRESS=DEFLATE: RFC 4978. The client here is zlib; a memory connection cools its codec whenever
 * it rests, so every command also picks a stream up again. */
#include "common/net/conn_private.h"
#include "tests/imapd/imap_fixture.h"

#include <stdio.h>
#include <zlib.h>

struct peer {
	z_stream out, in;
	struct conn *c;
	struct arena *arena;
	int flush;
	bool by_octet;
};

static void
peer_init(struct peer *p, struct imap_fixture *f, int flush)
{
	*p = (struct peer){.c = f->conn, .arena = f->arena, .flush = flush};
	ck_assert_int_eq(deflateInit2(&p->out, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
	ck_assert_int_eq(inflateInit2(&p->in, -15), Z_OK);
}

static void
peer_done(struct peer *p)
{
	deflateEnd(&p->out);
	inflateEnd(&p->in);
}

static void
feed(struct peer *p, struct str s)
{
	if (!p->by_octet) {
		conn_memory_feed(p->c, s);
		return;
	}
	for (size_t i = 0; i < s.n; i++)
		conn_memory_feed(p->c, str_sub(s, i, 1));
}

static struct str
deflated(struct peer *p, const char *text, int flush)
{
	size_t room = strlen(text) + 1000;
	char *out = arena_alloc(p->arena, room);

	p->out.next_in = (unsigned char *)text;
	p->out.avail_in = (unsigned)strlen(text);
	p->out.next_out = (unsigned char *)out;
	p->out.avail_out = (unsigned)room;
	ck_assert_int_ne(deflate(&p->out, flush), Z_STREAM_ERROR);
	return str_make(out, room - p->out.avail_out);
}

static struct str
inflated(struct peer *p, struct str raw)
{
	size_t room = 4 * 1024 * 1024;
	char *out = malloc(room);

	p->in.next_in = (unsigned char *)raw.p;
	p->in.avail_in = (unsigned)raw.n;
	p->in.next_out = (unsigned char *)out;
	p->in.avail_out = (unsigned)room;
	int r = inflate(&p->in, Z_SYNC_FLUSH);
	ck_assert_msg(r == Z_OK || r == Z_BUF_ERROR, "not a deflate stream: %d", r);
	ck_assert_uint_eq(p->in.avail_in, 0);
	struct str text = arena_dup(p->arena, str_make(out, room - p->in.avail_out));
	free(out);
	return text;
}

static struct str
ask(struct peer *p, const char *text)
{
	feed(p, deflated(p, text, p->flush));
	return inflated(p, conn_memory_output(p->c, p->arena));
}

static void
ck_has(struct str text, const char *want)
{
	ck_assert_msg(
	    str_find_nocase(text, str_of(want)) != STR_NONE, "no %s in: %.*s", want, STR_ARG(text));
}

static void
turn_on(struct conn *c, struct arena *arena)
{
	conn_memory_feed(c, STR("c COMPRESS DEFLATE\r\n"));
	struct str told = conn_memory_output(c, arena);
	ck_assert_msg(str_eq(told, STR("c OK DEFLATE active\r\n")), "%.*s", STR_ARG(told)); /* §3 */
}

/* A client that flushes partially leaves a stream that can't be picked up anew: it is kept. */
static const struct {
	int flush;
	bool by_octet;
} ways[] = {
    {Z_SYNC_FLUSH, false},
    {Z_SYNC_FLUSH, true},
    {Z_FULL_FLUSH, false},
    {Z_PARTIAL_FLUSH, false},
    {Z_PARTIAL_FLUSH, true},
};

/* RFC 4978 §3: all that follows is compressed, in both directions. */
static void
run_session(int flush, bool by_octet)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:200");
	CLEANUP(peer_done) struct peer p;

	peer_init(&p, f, flush);
	p.by_octet = by_octet;
	turn_on(f->conn, f->arena);
	for (int round = 0; round < 5; round++) {
		ck_has(ask(&p, "1 SELECT Inbox\r\n"), "1 OK [READ-WRITE]");
		ck_has(ask(&p, "2 FETCH 1:* (FLAGS BODY.PEEK[])\r\n"), "2 OK");
		ck_has(ask(&p, "3 NOOP\r\n4 NOOP\r\n"), "4 OK NOOP");
		ck_has(ask(&p, "5 IDLE\r\n"), "+ ");
		ck_has(ask(&p, "DONE\r\n"), "5 OK");
	}
	imap_fixture_deliver(f, "Inbox", STR("Subject: new\r\n\r\nx\r\n"));
	ck_has(ask(&p, "6 APPEND Inbox {17+}\r\nSubject: x\r\n\r\nx\r\n\r\n"), "202 EXISTS");
	ck_has(ask(&p, "7 COMPRESS DEFLATE\r\n"), "7 NO [COMPRESSIONACTIVE]"); /* §3 */
	struct str caps = ask(&p, "8 CAPABILITY\r\n");
	ck_has(caps, "8 OK");
	ck_has(ask(&p, "9 LOGOUT\r\n"), "* BYE");
	ck_assert(conn_memory_closed(f->conn));
}

START_TEST(a_session_goes_on_deflated)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		run_session(ways[i].flush, ways[i].by_octet);
}
END_TEST

START_TEST(a_slow_reader_gets_every_octet)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:3");
	CLEANUP(peer_done) struct peer p;
	enum { N = 900 * 1000 };
	CLEANUP(mem_free) char *message = malloc(N + 1);
	uint32_t x = 1;

	peer_init(&p, f, Z_SYNC_FLUSH);
	/* Nothing that zlib could make small. */
	memcpy(message, "A: b\r\n\r\n", 8);
	for (size_t i = 8; i < N; i++) {
		x = x * 1103515245 + 12345;
		message[i] = (char)(' ' + (x >> 16) % 94);
	}
	imap_fixture_deliver(f, "Inbox", str_make(message, N));
	turn_on(f->conn, f->arena);
	ck_has(ask(&p, "1 SELECT Inbox\r\n"), "1 OK");
	conn_memory_feed(f->conn, deflated(&p, "2 FETCH 4 BODY.PEEK[]\r\n", Z_SYNC_FLUSH));
	CLEANUP(sbuf_done) struct sbuf raw = SBUF_INIT(4 * N);
	for (;;) {
		struct str piece = conn_memory_output_some(f->conn, f->arena, 1000);
		if (piece.n == 0)
			break;
		sbuf_put(&raw, piece);
		conn_memory_run(f->conn);
	}
	struct str text = inflated(&p, sbuf_view(&raw));
	ck_has(text, "2 OK FETCH completed");
	ck_assert_uint_gt(text.n, N);
	ck_assert(memmem(text.p, text.n, message, N));
}
END_TEST

/* What a codec at rest can't give back is counted: nothing of the compressor, however much the peer
 * leaves unread, and the decompressor where the peer stops in the middle of a block. */
START_TEST(who_stops_within_a_block_is_counted_and_bounded)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	CLEANUP(peer_done) struct peer p;
	struct deflate_shelf *shelf = conn_memory_deflate_shelf(f->conn);
	CLEANUP(mem_free) char *message = malloc(300000);

	peer_init(&p, f, Z_SYNC_FLUSH);
	memcpy(message, "A: b\r\n\r\n", 8);
	for (uint32_t i = 8, x = 1; i < 300000; i++, x = x * 1103515245 + 12345)
		message[i] = (char)(' ' + (x >> 16) % 94);
	imap_fixture_deliver(f, "Inbox", str_make(message, 300000));
	turn_on(f->conn, f->arena);
	ck_has(ask(&p, "1 SELECT Inbox\r\n"), "1 OK");
	ck_assert_uint_eq(shelf->stuck, 0);
	conn_memory_feed(f->conn, deflated(&p, "2 FETCH 1 BODY.PEEK[]\r\n", Z_SYNC_FLUSH));
	for (int i = 0; i < 20; i++) { /* reads slowly, and stops */
		inflated(&p, conn_memory_output_some(f->conn, f->arena, 1000));
		conn_memory_run(f->conn);
		ck_assert_uint_eq(shelf->stuck, 0);
	}
	while (inflated(&p, conn_memory_output_some(f->conn, f->arena, 100000)).n > 0)
		conn_memory_run(f->conn);
	struct str half =
	    deflated(&p, "3 NOOP some words that are not all the same\r\n", Z_SYNC_FLUSH);
	conn_memory_feed(f->conn, str_sub(half, 0, half.n / 2));
	ck_assert_uint_eq(shelf->stuck, 1);
	ck_assert(!conn_memory_closed(f->conn));
	shelf->stuck_max = 0;
	conn_memory_feed(f->conn, str_sub(half, half.n / 2, 1));
	conn_memory_run(f->conn);
	ck_assert(conn_memory_closed(f->conn));
}
END_TEST

/* A client may not send before the answer (§3); one that does has its octets taken for the stream.
 */
START_TEST(what_came_with_the_command_is_the_stream)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	CLEANUP(peer_done) struct peer p;
	CLEANUP(sbuf_done) struct sbuf both = SBUF_INIT(10000);

	peer_init(&p, f, Z_SYNC_FLUSH);
	sbuf_puts(&both, "c COMPRESS DEFLATE\r\n");
	sbuf_put(&both, deflated(&p, "1 NOOP\r\n", Z_SYNC_FLUSH));
	conn_memory_feed(f->conn, sbuf_view(&both));
	struct str out = conn_memory_output(f->conn, f->arena);
	struct str plain = STR("c OK DEFLATE active\r\n");
	ck_assert(str_starts(out, plain));
	ck_has(inflated(&p, str_skip(out, plain.n)), "1 OK NOOP completed");
}
END_TEST

START_TEST(the_end_of_the_stream_is_the_end)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	CLEANUP(peer_done) struct peer p;

	peer_init(&p, f, Z_FINISH);
	turn_on(f->conn, f->arena);
	ck_has(ask(&p, "1 NOOP\r\n"), "1 OK");
	ck_assert(conn_memory_closed(f->conn));
}
END_TEST

START_TEST(garbage_ends_the_connection)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");

	turn_on(f->conn, f->arena);
	conn_memory_feed(f->conn, STR("\xff\xff\xff\xff garbage"));
	ck_assert(conn_memory_closed(f->conn));
}
END_TEST

static const struct dialogue refusals[] = {
    {"1 COMPRESS", "1 BAD"},
    {"2 COMPRESS LZ4", "2 BAD Expected DEFLATE at position 12"}, /* RFC 4978 §3 */
    {"3 COMPRESS DEFLATE 9", "3 BAD"},
    {"4 NOOP", "4 OK"},
};
DIALOGUE_TEST(compress_refuses, refusals, "Inbox:0")

TEST_MAIN("cmd_compress", a_session_goes_on_deflated, a_slow_reader_gets_every_octet,
    who_stops_within_a_block_is_counted_and_bounded, what_came_with_the_command_is_the_stream,
    the_end_of_the_stream_is_the_end, garbage_ends_the_connection, compress_refuses)
