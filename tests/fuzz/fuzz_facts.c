#include "common/mail/base_subject.h"
#include "common/mail/message_id.h"
#include "search/facts.h"
#include "tests/fuzz/fuzz.h"

/* A header; what is computed of it must not depend on what else is asked for. */
static void
check_facts(struct facts_maker *m, struct str header)
{
	static const struct facts_basics basics = {1000, 0, 10};
	struct facts f;

	FUZZ_CHECK(facts_make(m, &basics, header, FACTS_ALL, &f) == ERR_OK);
	FUZZ_CHECK(f.reference_count <= FACT_REFERENCES_MAX);
	for (size_t i = 0; i < FACT__TEXTS; i++) {
		struct str text = f.texts[i];
		FUZZ_CHECK(text.n <= (i < FACT__SEARCHED ? FACT_TEXT_MAX : FACT_KEY_MAX));
		FUZZ_CHECK(
		    i >= FACT__SEARCHED || text.n == 0 || text.p[text.n - 1] == FACT_VALUE_END);
	}
	struct fact_id subject = f.subject;
	bool has_subject = f.texts[FACT_BASE_SUBJECT].n > 0;
	int64_t sent_s = f.sent_s;
	FUZZ_CHECK(has_subject == fact_id_is(&subject));
	FUZZ_CHECK(facts_make(m, &basics, header, FACTS_SENT, &f) == ERR_OK);
	FUZZ_CHECK(f.sent_s == sent_s && f.texts[FACT_FROM].n == 0 && f.reference_count == 0);
	FUZZ_CHECK(facts_make(m, &basics, header, FACTS_SUBJECT, &f) == ERR_OK);
	FUZZ_CHECK(fact_id_eq(&f.subject, &subject));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_make(data, size);
	CLEANUP(facts_maker_free) struct facts_maker *m = facts_maker_new();
	CLEANUP(sbuf_done) struct sbuf once = SBUF_INIT(64 << 20);
	CLEANUP(sbuf_done) struct sbuf twice = SBUF_INIT(64 << 20);
	CLEANUP(sbuf_done) struct sbuf id = SBUF_INIT(64 << 20);

	FUZZ_CHECK(m);
	check_facts(m, in);

	base_subject(in, &once);
	FUZZ_CHECK(!once.err && once.n <= in.n);
	FUZZ_CHECK(!base_subject(sbuf_view(&once), &twice)); /* nothing is left to remove */
	FUZZ_CHECK(str_eq(sbuf_view(&once), sbuf_view(&twice)));

	struct str rest = in;
	for (size_t left = rest.n; message_id_next(&rest, &id); left = rest.n) {
		FUZZ_CHECK(rest.n < left);
		FUZZ_CHECK(id.n >= 3 && str_find(sbuf_view(&id), '@') != STR_NONE);
	}
	FUZZ_CHECK(rest.n == 0);
	return 0;
}
