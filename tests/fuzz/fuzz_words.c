#include "common/mail/charset.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_make(data, size);
	CLEANUP(sbuf_done) struct sbuf words = SBUF_INIT(64 << 20);
	CLEANUP(sbuf_done) struct sbuf folded = SBUF_INIT(64 << 20);
	CLEANUP(sbuf_done) struct sbuf twice = SBUF_INIT(64 << 20);
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(64 << 20);

	words_decode(in, &words);
	FUZZ_CHECK(!words.err && str_is_utf8(sbuf_view(&words)));
	FUZZ_CHECK(str_find(sbuf_view(&words), '\n') == STR_NONE);

	text_fold(in, &folded);
	FUZZ_CHECK(!folded.err);
	text_fold(sbuf_view(&folded), &twice);
	FUZZ_CHECK(!twice.err);

	/* the first line names a charset */
	size_t line = str_find(in, '\n');
	if (line == STR_NONE)
		return 0;
	struct str charset = str_sub(in, 0, line);
	bool known = charset_to_utf8(charset, str_skip(in, line + 1), &text) == ERR_OK;
	FUZZ_CHECK(!text.err && str_is_utf8(sbuf_view(&text)));
	FUZZ_CHECK(known == charset_is_known(charset));
	return 0;
}
