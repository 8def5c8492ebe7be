/* Words: how text is cut into them, and what a segment answers, compared with the texts themselves.
 */
#include "search/segment_writer.h"
#include "search/word_stream.h"
#include "search/word_table.h"
#include "tests/support/test.h"

#include <limits.h>
#include <stdio.h>

/* -- cutting -------------------------------------------------------------------------------- */

static void
note_word(void *arg, struct str word)
{
	struct sbuf *out = arg;

	ck_assert_uint_ge(word.n, 1);
	ck_assert_uint_le(word.n, WORD_WINDOW);
	sbuf_put(out, word);
	sbuf_putc(out, ' ');
}

static struct str
cut(struct str text, size_t piece, struct sbuf *out)
{
	struct word_stream w = {.n = 0};

	sbuf_clear(out);
	for (size_t at = 0; at < text.n; at += piece)
		word_stream_feed(&w, str_sub(text, at, piece), note_word, out);
	word_stream_end(&w, note_word, out);
	return sbuf_view(out);
}

START_TEST(text_is_cut_alike_whatever_its_pieces)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(1 << 20);
	CLEANUP(sbuf_done) struct sbuf whole = SBUF_INIT(1 << 20);
	CLEANUP(sbuf_done) struct sbuf pieces = SBUF_INIT(1 << 20);

	ck_assert_str_is(cut(STR("one two-three, d\xc3\xa9j\xc3\xa0  4.5"), 100, &whole),
	    "one two three d\xc3\xa9j\xc3\xa0 4 5 ");
	ck_assert_str_is(cut(STR(" \r\n--"), 100, &whole), "");
	ck_assert_str_is(cut(str_make("a\0b", 3), 100, &whole), "a b ");
	for (size_t n = 1; n < 200; n++) { /* words of any length */
		for (size_t i = 0; i < n; i++)
			sbuf_putc(&text, (char)('a' + i % 26));
		sbuf_putc(&text, n % 3 ? ' ' : '\n');
	}
	cut(sbuf_view(&text), text.n, &whole);
	for (size_t piece = 1; piece < 150; piece++)
		ck_assert(str_eq(cut(sbuf_view(&text), piece, &pieces), sbuf_view(&whole)));
}
END_TEST

/* The windows of a long word: each string of WORD_EXACT octets is in one of them. */
START_TEST(a_long_word_is_covered_by_its_windows)
{
	for (size_t n = 1; n < 300; n++) {
		CLEANUP(sbuf_done) struct sbuf words = SBUF_INIT(1 << 20);
		char word[300];
		for (size_t i = 0; i < n; i++)
			word[i] = (char)(0x80 + i % 127);
		struct str cover = cut(str_make(word, n), n, &words);
		for (size_t at = 0; at < n; at++) {
			struct str part = str_sub(str_make(word, n), at, WORD_EXACT);
			ck_assert(memmem(cover.p, cover.n, part.p, part.n));
		}
		/* its end, for strings that go on behind it */
		size_t tail = n < WORD_EXACT ? n : WORD_EXACT;
		ck_assert(memcmp(cover.p + cover.n - 1 - tail, word + n - tail, tail) == 0);
	}
}
END_TEST

START_TEST(postings_come_back_as_they_were_coded)
{
	static const struct posting rows[] = {{0, 1}, {1, 1}, {2, 128}, {200, 128}, {201, 255},
	    {70000, 3}, {SEGMENT_NONE - 2, 3}, {SEGMENT_NONE - 1, 4}};
	unsigned char octets[ARRAY_LEN(rows) * POSTING_MAX];
	struct posting_coder in = {0, 0}, out = {0, 0};
	struct posting p;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		n += posting_put(&out, rows[i], octets + n);
	for (size_t cut = 0; cut <= n; cut++) {
		struct str rest = test_guarded(str_make(octets, cut));
		size_t i = 0;
		in = (struct posting_coder){0, 0};
		for (; posting_next(&in, &rest, &p); i++) {
			ck_assert_uint_eq(p.ordinal, rows[i].ordinal);
			ck_assert_uint_eq(p.places, rows[i].places);
		}
		ck_assert(cut < n ? i < ARRAY_LEN(rows) : i == ARRAY_LEN(rows));
	}
	struct str endless = test_guarded(STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"));
	in = (struct posting_coder){0, 0};
	ck_assert(!posting_next(&in, &endless, &p));
}
END_TEST

/* -- asking --------------------------------------------------------------------------------- */

#define MESSAGES 150

struct made {
	struct sbuf texts[MESSAGES];
	struct segment *segment;
};

static void
made_done(struct made *m)
{
	for (size_t i = 0; i < MESSAGES; i++)
		sbuf_done(&m->texts[i]);
	segment_unref(&m->segment);
}

struct adding {
	struct word_table *table;
	uint32_t ordinal;
};

static void
add_word(void *arg, struct str word)
{
	struct adding *a = arg;

	word_table_add(a->table, word, a->ordinal, WORD_BODY);
}

/* A segment of texts of few letters, so that strings are in many. */
static void
make(struct made *m, const char *dir, uint32_t seed)
{
	CLEANUP(word_table_free) struct word_table *table = word_table_new();
	CLEANUP(segment_writer_free) struct segment_writer *w = NULL;
	static const char letters[] = "aaabbc\xc3\xa9 -d .";
	int64_t ids[MESSAGES];
	uint64_t identities[MESSAGES] = {0};
	char path[PATH_MAX];

	*m = (struct made){.segment = NULL};
	for (uint32_t i = 0; i < MESSAGES; i++) {
		struct word_stream stream = {.n = 0};
		struct adding a = {table, i};
		m->texts[i] = SBUF_INIT(1 << 16);
		for (uint32_t n = 1 + i * 4 % 500; n > 0; n--) {
			seed = seed * 1103515245 + 12345;
			/* some texts have long words */
			uint32_t kinds = i % 5 ? sizeof(letters) - 1 : 6;
			sbuf_putc(&m->texts[i], letters[(seed >> 16) % kinds]);
		}
		word_stream_feed(&stream, sbuf_view(&m->texts[i]), add_word, &a);
		word_stream_end(&stream, add_word, &a);
		ids[i] = i + 1;
	}
	ck_assert_ok(segment_writer_new(dir, 1, MESSAGES, &w));
	segment_writer_messages(w, ids, identities, MESSAGES);
	ck_assert_ok(word_table_write(table, w));
	ck_assert_ok(segment_writer_commit(w));
	snprintf(path, sizeof(path), "%.4000s/1-%d.seg", dir, MESSAGES);
	ck_assert_ok(segment_open(path, &m->segment));
}

/* In steps as small as they get. */
static struct words_answer
ask(const struct made *m, const struct words_query *q, unsigned *ret_steps)
{
	struct words_answer a = {.done = false};

	*ret_steps = 0;
	while (!a.done) {
		ck_assert_ok(words_ask(m->segment, q, 0, &a));
		++*ret_steps;
	}
	return a;
}

static void
ck_answer(const struct made *m, struct str needle)
{
	struct words_query q = {.needle = needle, .places = WORD_BODY};
	bool only_word_octets = needle.n > 0, any_word_octet = false;
	unsigned steps;

	for (size_t i = 0; i < needle.n; i++) {
		only_word_octets &= is_word_octet(needle.p[i]);
		any_word_octet |= is_word_octet(needle.p[i]);
	}
	CLEANUP(words_answer_done) struct words_answer a = ask(m, &q, &steps);
	if (!any_word_octet) {
		ck_assert_ptr_null(a.bits);
		return;
	}
	ck_assert_ptr_nonnull(a.bits);
	ck_assert(a.exact == (only_word_octets && needle.n <= WORD_EXACT));
	for (uint32_t i = 0; i < MESSAGES; i++) {
		struct str text = sbuf_view(&m->texts[i]);
		bool is_in = memmem(text.p, text.n, needle.p, needle.n) != NULL;
		bool said = a.bits[i >> 6] >> (i & 63) & 1;
		ck_assert_msg(a.exact ? said == is_in : said || !is_in,
		    "\"%.*s\" in text %u: is %d, said %d", STR_ARG(needle), i, is_in, said);
	}
}

START_TEST(answers_are_right_for_any_part_of_any_text)
{
	const char *dir = test_mkdir();

	for (uint32_t seed = 1; seed < 3; seed++) {
		CLEANUP(made_done) struct made m;
		make(&m, dir, seed);
		for (size_t i = 0; i < MESSAGES; i += 13)
			for (size_t n = 1; n < 120; n += n < 12 ? 1 : 9)
				for (size_t at = i % 11; at + n <= m.texts[i].n; at += 37)
					ck_answer(&m, str_sub(sbuf_view(&m.texts[i]), at, n));
		ck_answer(&m, STR("zebra"));
		ck_answer(&m, STR("a zebra"));
		ck_answer(&m, STR("ab-"));
		ck_answer(&m, STR(". .-"));
		ck_answer(&m, STR("a b a b a b c d a b c d a b c d - a a a b b b c c c"));
	}
	test_rmdir(dir);
}
END_TEST

START_TEST(a_question_with_many_answers_takes_many_steps)
{
	struct words_query one = {.needle = STR("a"), .places = WORD_BODY};
	struct words_query more = {.needle = STR("a b"), .places = WORD_BODY};
	const char *dir = test_mkdir();
	CLEANUP(made_done) struct made m;
	unsigned steps, more_steps;

	make(&m, dir, 3);
	struct words_answer a = ask(&m, &one, &steps);
	words_answer_done(&a);
	ck_assert_uint_gt(steps, 3);
	a = ask(&m, &more, &more_steps);
	words_answer_done(&a);
	ck_assert_uint_gt(more_steps, 1);
	/* one that is broken off gives its memory back */
	a = (struct words_answer){.done = false};
	ck_assert_ok(words_ask(m.segment, &one, 0, &a));
	ck_assert(!a.done);
	words_answer_done(&a);
	/* and with time all is done at once */
	a = (struct words_answer){.done = false};
	ck_assert_ok(words_ask(m.segment, &more, INT64_MAX, &a));
	ck_assert(a.done);
	words_answer_done(&a);
	test_rmdir(dir);
}
END_TEST

/* -- words that somebody chose ----------------------------------------------------------------- */

#define CHOSEN 6000
#define CHOSEN_SIZE 8

/* What a hash without a key makes of a word: its finder knows words that are all at one place. */
static uint32_t
known_hash(const char *word)
{
	uint64_t h = CHOSEN_SIZE * 0x9e3779b97f4a7c15u, v;

	memcpy(&v, word, sizeof(v));
	h = (h ^ v) * 0xff51afd7ed558ccdu;
	return (uint32_t)(h ^ h >> 32);
}

/* CHOSEN words, whose known hashes end in the same bits of `mask`. */
static void
choose_words(uint32_t mask, char (*words)[CHOSEN_SIZE])
{
	uint64_t number = 0;

	for (size_t n = 0; n < CHOSEN; number++) {
		uint64_t rest = number;
		for (size_t i = 0; i < CHOSEN_SIZE; i++, rest /= 26)
			words[n][i] = (char)('a' + rest % 26);
		n += (known_hash(words[n]) & mask) == 0;
	}
}

static double
add_words(char (*words)[CHOSEN_SIZE])
{
	CLEANUP(word_table_free) struct word_table *t = word_table_new();
	double began = test_cpu_ms();

	for (uint32_t round = 0; round < 4; round++)
		for (size_t i = 0; i < CHOSEN; i++)
			word_table_add(t, str_make(words[i], CHOSEN_SIZE), round, 1);
	ck_assert_ok(word_table_error(t));
	return test_cpu_ms() - began;
}

START_TEST(words_that_a_sender_chose_take_no_longer_than_others)
{
	static char words[CHOSEN][CHOSEN_SIZE];

	choose_words(0, words);
	double common = add_words(words);
	choose_words(8191, words); /* as many places as that many words have */
	double chosen = add_words(words);
	ck_assert_msg(chosen < 10 * common + 5, "%.1f ms, others %.1f ms", chosen, common);
}
END_TEST

TEST_MAIN("words", words_that_a_sender_chose_take_no_longer_than_others,
    text_is_cut_alike_whatever_its_pieces, a_long_word_is_covered_by_its_windows,
    postings_come_back_as_they_were_coded, answers_are_right_for_any_part_of_any_text,
    a_question_with_many_answers_takes_many_steps)
