/* Whole IMAP sessions. The first octet: in which state the rest is sent, and in pieces of which
 * size. Whatever comes, a session ends its lines, and answers or is closed. */
#include "imapd/imap_session.h"
#include "store/directory.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/ground.h"

#define INPUTS_PER_STORE 2000 /* then a fresh one: names and messages pile up */

static struct ground ground; /* a target is called again and again: its one global */

static void
at_exit(void)
{
	if (ground.store)
		ground_take_down(&ground);
}

static void
set_up(struct ground *g)
{
	ground_set_up(g, "imapd");
	FUZZ_CHECK(directory_set_quota(g->store, STR("ann@example.test"), 1 << 20, 1000) == ERR_OK);
	ground_deliver(
	    g, STR("From: Bob <bob@example.test>\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n"
		   "Date: Wed, 17 Jul 1996 02:23:25 -0700\r\nMIME-Version: 1.0\r\n"
		   "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n"
		   "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nx\r\n--b--\r\n"));
	ground_deliver(g, STR("Subject: two\r\n\r\nplain\r\n"));
}

static void
feed(struct conn *c, struct str in, size_t piece)
{
	for (size_t at = 0; at < in.n && !conn_memory_closed(c); at += piece)
		conn_memory_feed(c, str_sub(in, at, piece));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const before[] = {"", "", "0 SELECT INBOX\r\n", "0 EXAMINE INBOX\r\n",
	    "0 SELECT INBOX\r\n0 IDLE\r\n", "0 APPEND INBOX {50}\r\n"};
	static const size_t pieces[] = {1, 7, 65536};
	static bool registered;
	struct ground *g = &ground;
	CLEANUP(arena_free) struct arena *arena = arena_new(SIZE_MAX / 2);

	if (size == 0)
		return 0;
	if (g->store && g->inputs++ >= INPUTS_PER_STORE)
		ground_take_down(g);
	if (!g->store && !registered)
		registered = atexit(at_exit) == 0;
	if (!g->store)
		set_up(g);
	unsigned state = data[0] % ARRAY_LEN(before);
	struct imap_session *s = imap_session_new(g->service);
	FUZZ_CHECK(s);
	struct conn *c = conn_memory_open(&imap_session_ops, s, NULL);
	if (state > 0) {
		FUZZ_CHECK(imap_log_in(s, g->account, STR("ann@example.test"), "TEST") == ERR_OK);
		feed(c, str_of(before[state]), 65536);
	}
	feed(c, str_make(data + 1, size - 1), pieces[data[0] / 16 % ARRAY_LEN(pieces)]);
	struct str got = conn_memory_output(c, arena);
	FUZZ_CHECK(str_ends_nocase(got, STR("\r\n")));
	conn_memory_eof(c);
	conn_memory_close(&c);
	return 0;
}
