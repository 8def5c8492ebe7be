/* A sender, forwarded, leads back; a local part that anybody wrote does not. */
#include "common/trust/srs.h"

#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_make(data, size);
	CLEANUP(sbuf_done) struct sbuf there = SBUF_INIT(4096);
	CLEANUP(sbuf_done) struct sbuf again = SBUF_INIT(4096);
	CLEANUP(sbuf_done) struct sbuf back = SBUF_INIT(4096);
	const struct str secret = STR("secret");

	FUZZ_CHECK(srs_reverse(in, secret, 1600000000, &back) != ERR_OK);
	if (srs_forward(in, STR("ours.test"), secret, 1600000000, &there) || there.n == 0)
		return 0;
	struct str local = str_sub(sbuf_view(&there), 0, there.n - strlen("@ours.test"));
	enum err e = srs_reverse(local, secret, 1600000000, &back);
	/* The way back is as long as the way there: nothing else may keep it from leading back. */
	FUZZ_CHECK(!e || e == ERR_LIMIT);
	/* What leads back and is sent again comes to the same address, but for needless quotes. */
	if (!e && !srs_forward(sbuf_view(&back), STR("ours.test"), secret, 1600000000, &again))
		FUZZ_CHECK(str_eq(sbuf_view(&there), sbuf_view(&again)));
	return 0;
}
