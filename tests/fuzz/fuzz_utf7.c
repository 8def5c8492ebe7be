#include "common/mail/utf7.h"
#include "tests/fuzz/fuzz.h"

/* Both ways lead back: a name has one form in each. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_make(data, size);
	CLEANUP(sbuf_done) struct sbuf there = SBUF_INIT(64 << 20);
	CLEANUP(sbuf_done) struct sbuf back = SBUF_INIT(64 << 20);

	if (utf7_to_utf8(in, &there) == ERR_OK) {
		FUZZ_CHECK(str_is_utf8(sbuf_view(&there)) && !str_has_nul(sbuf_view(&there)));
		FUZZ_CHECK(utf8_to_utf7(sbuf_view(&there), &back) == ERR_OK);
		FUZZ_CHECK(str_eq(in, sbuf_view(&back)));
	}
	sbuf_clear(&there);
	sbuf_clear(&back);
	if (utf8_to_utf7(in, &there) == ERR_OK) {
		FUZZ_CHECK(str_is_ascii(sbuf_view(&there)));
		FUZZ_CHECK(utf7_to_utf8(sbuf_view(&there), &back) == ERR_OK);
		FUZZ_CHECK(str_eq(in, sbuf_view(&back)));
	}
	return 0;
}
