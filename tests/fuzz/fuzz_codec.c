#include "common/mail/codec.h"
#include "tests/fuzz/fuzz.h"

#define MAX ((size_t)64 << 20)

static void
decode(enum part_encoding encoding, struct str in, size_t step, struct sbuf *out)
{
	struct decoder d;

	decoder_init(&d, encoding);
	for (size_t i = 0; i < in.n; i += step)
		decoder_feed(&d, str_sub(in, i, step), out);
	decoder_finish(&d, out);
	FUZZ_CHECK(!out->err && out->n <= in.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_make(data, size);

	for (int encoding = PART_7BIT; encoding <= PART_OTHER; encoding++) {
		CLEANUP(sbuf_done) struct sbuf whole = SBUF_INIT(MAX);
		CLEANUP(sbuf_done) struct sbuf pieces = SBUF_INIT(MAX);
		decode((enum part_encoding)encoding, in, size ? size : 1, &whole);
		decode((enum part_encoding)encoding, in, 1, &pieces);
		FUZZ_CHECK(str_eq(sbuf_view(&whole), sbuf_view(&pieces)));
	}
	CLEANUP(sbuf_done) struct sbuf coded = SBUF_INIT(MAX);
	CLEANUP(sbuf_done) struct sbuf plain = SBUF_INIT(MAX);
	base64_encode(in, &coded);
	FUZZ_CHECK(base64_decode(sbuf_view(&coded), &plain) == ERR_OK);
	FUZZ_CHECK(str_eq(sbuf_view(&plain), in));
	sbuf_clear(&coded);
	sbuf_clear(&plain);
	if (base64_decode(in, &plain) == ERR_OK) { /* one text for each value */
		base64_encode(sbuf_view(&plain), &coded);
		FUZZ_CHECK(str_eq(sbuf_view(&coded), in));
	}
	return 0;
}
