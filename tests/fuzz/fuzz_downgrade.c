/* A message re-encoded for a server that takes seven bits: what comes out is ASCII but for header
 * fields, and the same however it is read; and doing it again changes nothing more. */
#include "smtpd/outbound/downgrade.h"
#include "tests/fuzz/fuzz.h"

#define OUT_MAX (16u * 1024 * 1024)

struct text_content {
	struct content content;
	struct str text;
	size_t piece;
};

static enum err
read_text(struct content *c, uint64_t offset, char *to, size_t n, size_t *ret_n)
{
	struct text_content *t = (struct text_content *)c;
	struct str rest = str_skip(t->text, offset);

	if (n > t->piece)
		n = t->piece;
	*ret_n = rest.n < n ? rest.n : n;
	memcpy(to, rest.p, *ret_n);
	return ERR_OK;
}

static enum err
to_sbuf(void *arg, struct str octets)
{
	sbuf_put(arg, octets);
	return sbuf_error(arg);
}

static enum err
run(struct str text, enum content_form form, size_t piece, struct sbuf *out)
{
	struct text_content t = {
	    .content = {.size = text.n, .read = read_text}, .text = text, .piece = piece};

	return downgrade_write(&t.content, form, to_sbuf, out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(sbuf_done) struct sbuf once = SBUF_INIT(OUT_MAX);
	CLEANUP(sbuf_done) struct sbuf cut = SBUF_INIT(OUT_MAX);
	CLEANUP(sbuf_done) struct sbuf twice = SBUF_INIT(OUT_MAX);

	if (size < 1)
		return 0;
	enum content_form form = data[0] & 1 ? CONTENT_8BIT : CONTENT_7BIT;
	struct str in = str_make(data + 1, size - 1);
	enum err e = run(in, form, SIZE_MAX, &once);
	FUZZ_CHECK(run(in, form, 3, &cut) == e);
	if (e) {
		FUZZ_CHECK(e == ERR_CANNOT);
		return 0;
	}
	FUZZ_CHECK(str_eq(sbuf_view(&once), sbuf_view(&cut)));
	if (!run(sbuf_view(&once), form, SIZE_MAX, &twice))
		FUZZ_CHECK(str_eq(sbuf_view(&once), sbuf_view(&twice)));
	return 0;
}
