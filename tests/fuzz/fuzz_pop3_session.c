/* Whole POP3 sessions. The first octet: in which state the rest is sent, and in pieces of which
 * size. Whatever comes, what a session says is whole lines. */
#include "pop3d/pop3_session.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/ground.h"

#define INPUTS_PER_STORE 2000 /* then a fresh one: messages get removed */

static struct ground ground; /* a target is called again and again: its one global */

static void
at_exit(void)
{
	if (ground.store)
		ground_take_down(&ground);
}

static void
deliver_some(struct ground *g)
{
	ground_deliver(g, STR("Subject: one\r\n\r\n.dot\r\n..\r\n"));
	ground_deliver(g, STR("Subject: two\r\nX: y\r\n\r\n1\r\n2\n3\r\nno end"));
	ground_deliver(g, STR("Subject: three\r\n\r\n"));
}

static bool
is_nearly_empty(struct ground *g)
{
	struct maildrop m;

	FUZZ_CHECK(maildrop_open(g->store, g->account, &m) == ERR_OK);
	bool few = maildrop_count(&m) < 2;
	maildrop_close(&m);
	return few;
}

static void
stand_on(struct ground *g)
{
	static bool registered;

	if (g->store && g->inputs++ >= INPUTS_PER_STORE)
		ground_take_down(g);
	if (!registered)
		registered = atexit(at_exit) == 0;
	if (!g->store)
		ground_set_up(g, "pop3d");
	if (is_nearly_empty(g))
		deliver_some(g);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const before[] = {"", "USER ann\r\n", "AUTH PLAIN\r\n", "AUTH LOGIN\r\n",
	    "USER ann\r\nPASS open sesame\r\n", "USER ann\r\nPASS open sesame\r\nDELE 1\r\n"};
	static const size_t pieces[] = {1, 7, 65536};
	static const struct conn_memory_options options = {.tls_available = true};
	CLEANUP(arena_free) struct arena *arena = arena_new(SIZE_MAX / 2);

	if (size == 0)
		return 0;
	stand_on(&ground);
	struct pop3_session *s = pop3_session_new(ground.service);
	FUZZ_CHECK(s);
	struct conn *c = conn_memory_open(&pop3_session_ops, s, &options);
	struct str first = str_of(before[data[0] % ARRAY_LEN(before)]);
	if (first.n)
		conn_memory_feed(c, first);
	struct str in = str_make(data + 1, size - 1);
	size_t piece = pieces[data[0] / 16 % ARRAY_LEN(pieces)];
	for (size_t at = 0; at < in.n && !conn_memory_closed(c); at += piece)
		conn_memory_feed(c, str_sub(in, at, piece));
	struct str got = conn_memory_output(c, arena);
	FUZZ_CHECK(str_starts(got, STR("+OK ")));
	FUZZ_CHECK(str_ends_nocase(got, STR("\r\n")));
	conn_memory_eof(c);
	conn_memory_close(&c);
	return 0;
}
