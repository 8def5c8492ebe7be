/* Replies of servers, cut anywhere: the same reply comes of it, and nothing behind its end is
 * touched. */
#include "smtpd/outbound/offers.h"
#include "smtpd/outbound/reply.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(reply_done) struct reply_reader whole, cut;
	CLEANUP(arena_free) struct arena *a = arena_new(1 << 20);
	struct str in = str_make(data, size);
	struct offers o;
	size_t taken, by_octet = 0;

	reply_init(&whole);
	reply_init(&cut);
	taken = reply_feed(&whole, in);
	while (cut.status == REPLY_PARTIAL && by_octet < in.n)
		by_octet += reply_feed(&cut, str_sub(in, by_octet, 1));
	FUZZ_CHECK(taken == by_octet && whole.status == cut.status && taken <= size);
	if (whole.status != REPLY_WHOLE)
		return 0;
	FUZZ_CHECK(whole.code == cut.code && whole.code >= 200 && whole.code < 600);
	FUZZ_CHECK(data[taken - 1] == '\n');
	struct str text = reply_text(&whole, 1000, a);
	FUZZ_CHECK(str_eq(text, reply_text(&cut, 1000, a)) && text.n >= 3 && text.n <= 1000);
	FUZZ_CHECK(str_is_utf8(text));
	for (size_t i = 0; i < text.n; i++)
		FUZZ_CHECK((unsigned char)text.p[i] >= ' ' && text.p[i] != 0x7f);
	FUZZ_CHECK(reply_enhanced(&whole, a).n >= 5);
	offers_parse(reply_lines(&whole), &o);
	return 0;
}
