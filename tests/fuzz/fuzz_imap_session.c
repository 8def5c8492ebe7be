/* Whole IMAP sessions. The first octet: its low half in which state the rest is sent, then two bits
 * for pieces of which size, one for a peer that is not this host and one for TLS. Whatever comes, a
 * session ends its lines, and answers or is closed. */
#include "imapd/imap_session.h"
#include "store/directory.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/ground.h"

#include <zlib.h>

static struct ground ground; /* a target is called again and again: its one global */

/* The state is what is left after a login, if there is one, and these commands. */
static const struct state {
	bool logged_in;
	enum { PLAIN, INFLATES, DEFLATED } form; /* INFLATES: the input is taken as it is */
	const char *before;
} states[16] = {
    {false, PLAIN, ""},
    {true, PLAIN, ""},
    {true, PLAIN, "0 SELECT INBOX\r\n"},
    {true, PLAIN, "0 EXAMINE INBOX\r\n"},
    {true, PLAIN, "0 SELECT INBOX\r\n0 IDLE\r\n"},
    {true, PLAIN, "0 APPEND INBOX {50}\r\n"},
    {false, PLAIN, "0 AUTHENTICATE PLAIN\r\n"},
    {false, PLAIN, "0 STARTTLS\r\n"},
    {true, PLAIN, "0 ENABLE IMAP4rev2 QRESYNC UTF8=ACCEPT METADATA\r\n0 SELECT INBOX\r\n"},
    {true, PLAIN,
	"0 NOTIFY SET (SELECTED (MessageNew (FLAGS) MessageExpunge FlagChange))"
	" (PERSONAL (MessageNew MessageExpunge MailboxName))\r\n0 SELECT INBOX\r\n"},
    {true, PLAIN,
	"0 SELECT INBOX\r\n0 STORE 1 +FLAGS (\\Deleted x)\r\n"
	"0 SEARCH RETURN (SAVE) ALL\r\n"},
    {true, PLAIN,
	"0 SELECT INBOX\r\n0 SORT RETURN (UPDATE PARTIAL 1:2) (SUBJECT) UTF-8 ALL\r\n"
	"0 IDLE\r\n"},
    {true, PLAIN, "0 APPEND INBOX CATENATE (URL \"/INBOX/;UID=1\" TEXT {50}\r\n"},
    {true, PLAIN,
	"0 CREATE a/b\r\n0 SETMETADATA a/b (/private/comment \"x\")\r\n"
	"0 COPY 1 a/b\r\n0 SELECT INBOX\r\n0 COPY 1:2 a/b\r\n0 EXAMINE a/b\r\n"},
    {true, INFLATES, "0 COMPRESS DEFLATE\r\n"},
    {true, DEFLATED, "0 SELECT INBOX\r\n0 COMPRESS DEFLATE\r\n"},
};

static void
at_exit(void)
{
	if (ground.conf)
		ground_take_down(&ground);
}

static void
fill(struct ground *g)
{
	ground_deliver(
	    g, STR("From: Bob <bob@example.test>\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n"
		   "Date: Wed, 17 Jul 1996 02:23:25 -0700\r\nMIME-Version: 1.0\r\n"
		   "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n"
		   "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nx\r\n--b--\r\n"));
	ground_deliver(g, STR("Subject: two\r\n\r\nplain\r\n"));
	/* Seen once, so that SELECT has nothing to note: what changes nothing is cheap. */
	g->service = service_for_test(g->store, g->conf);
	struct imap_session *s = imap_session_new(g->service);
	FUZZ_CHECK(s);
	struct conn *c = conn_memory_open(&imap_session_ops, s, NULL);
	FUZZ_CHECK(imap_log_in(s, g->account, STR("ann@example.test"), "TEST") == ERR_OK);
	ground_feed(c, STR("0 SELECT INBOX\r\n0 LOGOUT\r\n"), 65536);
	conn_memory_close(&c);
	service_stop(&g->service);
}

/* As a client that compresses sends it. */
static struct str
deflate_all(struct str in, struct arena *arena)
{
	z_stream z = {.next_in = (unsigned char *)(uintptr_t)in.p, .avail_in = (uInt)in.n};

	FUZZ_CHECK(deflateInit2(&z, 1, Z_DEFLATED, -9, 1, Z_DEFAULT_STRATEGY) == Z_OK);
	size_t room = deflateBound(&z, in.n) + 16;
	char *out = arena_alloc(arena, room);
	z.next_out = (unsigned char *)out;
	z.avail_out = (uInt)room;
	FUZZ_CHECK(out && deflate(&z, Z_SYNC_FLUSH) == Z_OK && z.avail_in == 0);
	deflateEnd(&z);
	return str_make(out, z.total_out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pieces[] = {1, 7, 65536, 65536};
	static bool registered;
	struct ground *g = &ground;
	CLEANUP(arena_free) struct arena *arena = arena_new(SIZE_MAX / 2);

	if (size == 0)
		return 0;
	if (!registered) {
		registered = atexit(at_exit) == 0;
		ground_set_up(g, "imapd", fill);
	}
	ground_begin(g);
	const struct state *state = &states[data[0] & 15];
	const struct conn_memory_options options = {
	    .tls_available = true, .remote = data[0] & 0x40, .tls = data[0] & 0x80};
	struct imap_session *s = imap_session_new(g->service);
	FUZZ_CHECK(s);
	struct conn *c = conn_memory_open(&imap_session_ops, s, &options);
	if (state->logged_in)
		FUZZ_CHECK(imap_log_in(s, g->account, STR("ann@example.test"), "TEST") == ERR_OK);
	ground_feed(c, str_of(state->before), 65536);
	struct str in = str_make(data + 1, size - 1);
	if (state->form == DEFLATED)
		in = deflate_all(in, arena);
	ground_feed(c, in, pieces[data[0] >> 4 & 3]);
	struct str got = conn_memory_output(c, arena);
	FUZZ_CHECK(
	    state->form != PLAIN || conn_is_deflated(c) || str_ends_nocase(got, STR("\r\n")));
	conn_memory_eof(c);
	conn_memory_close(&c);
	return 0;
}
