/* Whole POP3 sessions. The first octet: its low half in which state the rest is sent, then two bits
 * for pieces of which size, one for a peer that is not this host and one for TLS. Whatever comes,
 * what a session says is whole lines. */
#include "pop3d/pop3_session.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/ground.h"

static struct ground ground; /* a target is called again and again: its one global */

#define LOGIN "USER ann\r\nPASS open sesame\r\n"

static const char *const before[16] = {
    "",
    "USER ann\r\n",
    "AUTH PLAIN\r\n",
    "AUTH LOGIN\r\n",
    LOGIN,
    LOGIN "DELE 1\r\n",
    LOGIN "DELE 1\r\nDELE 2\r\nRETR 3\r\n",
    "STLS\r\n",
    "UTF8\r\n" LOGIN,
    "AUTH SCRAM-SHA-256\r\n",
    "AUTH SCRAM-SHA-256 biwsbj1hbm4scj1hYmM=\r\n", /* n,,n=ann,r=abc */
    "AUTH LOGIN\r\nYW5u\r\n",
    "USER ann\r\nPASS wrong\r\n", /* the answer is held back */
    "LANG de\r\nCAPA\r\n",
    LOGIN "DELE 1\r\nQUIT\r\n", /* in the state UPDATE, or behind it */
    "USER eve\r\nPASS wrong\r\n\xff",
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
	ground_deliver(g, STR("Subject: one\r\n\r\n.dot\r\n..\r\n"));
	ground_deliver(g, STR("Subject: two\r\nX: y\r\n\r\n1\r\n2\n3\r\nno end"));
	ground_deliver(g, STR("Subject: three\r\n\r\n"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pieces[] = {1, 7, 65536, 65536};
	static bool registered;
	CLEANUP(arena_free) struct arena *arena = arena_new(SIZE_MAX / 2);

	if (size == 0)
		return 0;
	if (!registered) {
		registered = atexit(at_exit) == 0;
		ground_set_up(&ground, "pop3d", fill);
	}
	ground_begin(&ground);
	const struct conn_memory_options options = {
	    .tls_available = true, .remote = data[0] & 0x40, .tls = data[0] & 0x80};
	struct pop3_session *s = pop3_session_new(ground.service);
	FUZZ_CHECK(s);
	struct conn *c = conn_memory_open(&pop3_session_ops, s, &options);
	ground_feed(c, str_of(before[data[0] & 15]), 65536);
	ground_feed(c, str_make(data + 1, size - 1), pieces[data[0] >> 4 & 3]);
	struct str got = conn_memory_output(c, arena);
	FUZZ_CHECK(str_starts(got, STR("+OK ")));
	FUZZ_CHECK(str_ends_nocase(got, STR("\r\n")));
	conn_memory_eof(c);
	conn_memory_close(&c);
	return 0;
}
