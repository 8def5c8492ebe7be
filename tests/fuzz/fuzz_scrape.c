/* Who asks a daemon for its figures by HTTP: the first octet says whether it comes octet by octet.
 * Every answer is one of HTTP, and ends the connection. */
#include "common/base/clock.h"
#include "common/net/scrape.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct scrape_source source = {.daemon = "imapd"};
	CLEANUP(arena_free) struct arena *arena = arena_new(16 << 20);

	if (size == 0)
		return 0;
	clock_freeze(1700000000);
	struct str in = str_make(data + 1, size - 1);
	size_t piece = data[0] & 1 ? 1 : in.n;
	void *session = scrape_session_new(&source);
	FUZZ_CHECK(session);
	struct conn *c = conn_memory_open(&scrape_session_ops, session, NULL);
	for (; in.n > 0 && !conn_memory_closed(c); in = str_skip(in, piece))
		conn_memory_feed(c, str_sub(in, 0, piece));
	clock_advance_ms(2L * SCRAPE_MS);
	conn_memory_run(c);
	struct str out = conn_memory_output(c, arena);
	FUZZ_CHECK(conn_memory_closed(c));
	FUZZ_CHECK(out.n == 0 || str_starts(out, STR("HTTP/1.1 ")));
	/* Nothing of the request comes back but the choice of an answer. */
	FUZZ_CHECK(str_find(out, '\0') == STR_NONE);
	conn_memory_close(&c);
	return 0;
}
