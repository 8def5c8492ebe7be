/* A header with signatures and chains, a body and a key's record, separated by 0x01: nothing of it
 * is trusted. */
#include "common/trust/arc.h"
#include "common/trust/dkim.h"
#include "common/trust/tags.h"
#include "tests/fuzz/fuzz.h"

static void
fuzz_forms(struct str header)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(16 << 20);
	CLEANUP(sbuf_done) struct sbuf once = SBUF_INIT(16 << 20);
	CLEANUP(sbuf_done) struct sbuf twice = SBUF_INIT(16 << 20);
	struct fields f;

	if (fields_parse(header, arena, &f))
		return;
	for (size_t i = 0; i < f.count; i++) {
		sbuf_clear(&once);
		sbuf_clear(&twice);
		field_relaxed(f.all[i].whole, true, &once);
		field_relaxed(sbuf_view(&once), true, &twice); /* a form has that form */
		FUZZ_CHECK(str_eq(sbuf_view(&once), sbuf_view(&twice)));
		sbuf_clear(&once);
		sbuf_clear(&twice);
		field_simple(f.all[i].whole, true, &once);
		field_simple(sbuf_view(&once), true, &twice);
		FUZZ_CHECK(str_eq(sbuf_view(&once), sbuf_view(&twice)));
		sbuf_clear(&once);
		field_without_b(f.all[i].whole, &once);
		FUZZ_CHECK(once.n <= f.all[i].whole.n);
		FUZZ_CHECK(fields_number(&f, f.all[i].name) > 0);
	}
	/* each is taken once */
	for (size_t i = 0; i < f.count; i++)
		FUZZ_CHECK(fields_take(&f, f.all[i].name));
	for (size_t i = 0; i < f.count; i++)
		FUZZ_CHECK(!fields_take(&f, f.all[i].name));
}

static void
fuzz_body(struct str body, enum dkim_canon c)
{
	CLEANUP(dkim_body_free) struct dkim_body *whole = dkim_body_new(c);
	CLEANUP(dkim_body_free) struct dkim_body *pieces = dkim_body_new(c);
	unsigned char a[DKIM_HASH], b[DKIM_HASH];

	dkim_body_feed(whole, body);
	for (size_t i = 0; i < body.n; i++)
		dkim_body_feed(pieces, str_sub(body, i, 1));
	FUZZ_CHECK(!dkim_body_end(whole, a) && !dkim_body_end(pieces, b));
	FUZZ_CHECK(memcmp(a, b, DKIM_HASH) == 0);
	FUZZ_CHECK(dkim_body_size(whole) == dkim_body_size(pieces));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_make(data, size), header = {"", 0}, body = {"", 0};
	CLEANUP(dkim_verifier_free) struct dkim_verifier *v = NULL;
	CLEANUP(arc_verifier_free) struct arc_verifier *chain = NULL;

	(void)str_split(&rest, '\1', &header);
	(void)str_split(&rest, '\1', &body);
	fuzz_forms(header);
	fuzz_body(body, DKIM_SIMPLE);
	fuzz_body(body, DKIM_RELAXED);
	if (!dkim_verifier_new(header, 1600000000, &v)) {
		dkim_verifier_feed(v, body);
		dkim_verifier_end(v);
		for (size_t i = 0; i < dkim_verifier_count(v); i++) {
			dkim_verifier_key(v, i, DKIM_KEY_FOUND, &rest, 1);
			FUZZ_CHECK(dkim_verifier_signature(v, i)->verdict == DKIM_PASS ||
				   dkim_verifier_signature(v, i)->why);
		}
	}
	if (!arc_verifier_new(header, &chain)) {
		arc_verifier_feed(chain, body);
		arc_verifier_end(chain);
		for (size_t i = 0; i < arc_verifier_key_count(chain); i++)
			arc_verifier_key(chain, i, DKIM_KEY_FOUND, &rest, 1);
		(void)arc_verifier_status(chain, NULL);
	}
	return 0;
}
