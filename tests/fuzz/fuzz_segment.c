/* A segment of any octets: checksums are made right first, since it is what stands behind them that
 * is to be searched. */
#include "search/facts_table.h"
#include "search/list_fields.h"
#include "search/segment_private.h"
#include "search/words_private.h"
#include "tests/fuzz/fuzz.h"

static void
sign(struct str file)
{
	struct segment_head *h = (struct segment_head *)file.p;

	memcpy(h->magic, SEGMENT_MAGIC, sizeof(h->magic));
	h->order = SEGMENT_ORDER;
	h->size = file.n;
	h->checksum = 0;
	for (size_t at = sizeof(*h); at < file.n; at += SEGMENT_BLOCK) {
		struct str block = str_sub(file, at, SEGMENT_BLOCK);
		h->checksum = segment_checksum(h->checksum, block.p, block.n);
	}
	h->head_checksum = segment_checksum(0, h, offsetof(struct segment_head, head_checksum));
}

static void
ask(const struct segment *s, const char *needle, const char *name)
{
	struct words_query q = {str_of(needle), WORD_ANYWHERE, str_of(name)};
	struct words_answer a = {.done = false};

	while (!a.done)
		FUZZ_CHECK(words_ask(s, &q, 0, &a) == ERR_OK);
	words_answer_done(&a);
}

static void
walk_words(const struct segment *s)
{
	struct words w;
	struct posting p;
	struct words_unknown unknown;

	words_unknown_of(s, &unknown);
	for (uint32_t i = 0; i < segment_count(s); i++)
		(void)words_are_unknown(&unknown, i);
	if (!words_of(s, &w))
		return;
	for (size_t i = 0; i < w.count; i++) {
		struct str word = words_text(&w, i), rest = words_postings(&w, i);
		struct posting_coder c = {0, 0};
		FUZZ_CHECK(word.n == 0 || (word.p >= w.text.p && word.n <= w.text.n));
		while (posting_next(&c, &rest, &p))
			;
	}
}

static void
walk_facts(const struct segment *s)
{
	CLEANUP(mem_free) uint64_t *bits = NULL;
	struct facts_table t;
	struct facts f;

	facts_table_open(s, &t);
	bits = calloc(t.n / 64 + 1, sizeof(bits[0]));
	FUZZ_CHECK(bits && t.n <= segment_count(s));
	for (uint32_t i = 0; i < t.n; i++) {
		facts_table_thread(&t, i, &f);
		for (uint32_t k = 0; k < f.reference_count; k++)
			(void)fact_id_is(&f.references[k]);
		for (int text = 0; text < FACT__TEXTS; text++) {
			struct str octets = facts_table_text(&t, (enum fact_text)text, i);
			FUZZ_CHECK(
			    octets.n == 0 || memchr(octets.p, octets.p[octets.n - 1], octets.n));
		}
	}
	for (int text = 0; t.n && text < FACT__SEARCHED; text++) {
		facts_table_find(&t, (enum fact_text)text, STR("e"), bits);
		facts_table_find(&t, (enum fact_text)text, STR(""), bits);
	}
}

static void
walk_fields(const struct segment *s)
{
	struct list_fields t;
	struct str block;
	uint32_t sum = 0;

	list_fields_open(s, &t);
	FUZZ_CHECK(t.n == 0 || t.n == segment_count(s));
	for (uint32_t i = 0; i <= t.n; i++)
		if (list_fields_get(&t, i, &block))
			for (size_t k = 0; k < block.n; k++)
				sum += (unsigned char)block.p[k];
	(void)sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(segment_unref) struct segment *s = NULL;
	CLEANUP(mem_free) char *copy = malloc(size + 1);

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	struct str file = str_make(copy, size);
	if (size < SEGMENT_DATA_AT) {
		FUZZ_CHECK(segment_parse(file, &s) == ERR_CORRUPT);
		return 0;
	}
	sign(file);
	if (segment_parse(file, &s) != ERR_OK)
		return 0;
	for (uint32_t i = 0; i < segment_count(s); i++)
		FUZZ_CHECK(segment_ordinal(s, segment_message(s, i), 0) == i);
	ask(s, "e", "");
	ask(s, "the meeting", "subject");
	ask(s, " a-b ", "");
	ask(s, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa b", "x-y");
	ask(s, "", "to");
	walk_words(s);
	walk_facts(s);
	walk_fields(s);
	return 0;
}
