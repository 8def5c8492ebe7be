/* Merges the words of segments: their sorted words are walked through side by side, once for each
 * section, so that memory does not grow with them. */
#include "search/words_private.h"

/* One source: its words, and where the walk is. */
struct walk_source {
	struct words words;
	const uint32_t *to;
	size_t at;
	struct str word; /* the one at `at` */
	bool has; /* there is one */
};

struct walk {
	struct walk_source sources[SEGMENT_MERGE_MAX];
	size_t n;
	bool in[SEGMENT_MERGE_MAX]; /* which sources have the word in hand */
	struct str word;
};

static void
look(struct walk_source *s)
{
	s->has = s->at < s->words.count;
	if (s->has)
		s->word = words_text(&s->words, s->at);
}

static void
rewind_walk(struct walk *w)
{
	for (size_t i = 0; i < w->n; i++) {
		w->sources[i].at = 0;
		look(&w->sources[i]);
	}
	memset(w->in, 0, sizeof(w->in));
}

/* The next word in order, and who has it. */
static bool
next_word(struct walk *w)
{
	bool any = false;

	for (size_t i = 0; i < w->n; i++) {
		struct walk_source *s = &w->sources[i];
		if (w->in[i]) {
			s->at++;
			look(s);
		}
		w->in[i] = false;
		if (!s->has)
			continue;
		int order = any ? str_cmp(s->word, w->word) : -1;
		if (order < 0) {
			memset(w->in, 0, i * sizeof(w->in[0]));
			w->word = s->word;
			any = true;
		}
		w->in[i] = order <= 0;
	}
	return any;
}

/* The postings of the word in hand, those of messages that remain; handed to `put` coded anew.
 * Returns their octets. */
static uint64_t
each_posting(const struct walk *w, void (*put)(void *arg, const void *octets, size_t n), void *arg)
{
	struct posting_coder out = {0, 0};
	unsigned char octets[POSTING_MAX];
	uint64_t size = 0;

	for (size_t i = 0; i < w->n; i++) {
		const struct walk_source *s = &w->sources[i];
		struct posting_coder in = {0, 0};
		struct posting p;
		struct str rest = w->in[i] ? words_postings(&s->words, s->at) : STR("");
		while (posting_next(&in, &rest, &p)) {
			if (p.ordinal >= s->words.messages)
				break;
			p.ordinal = s->to[p.ordinal];
			if (p.ordinal == SEGMENT_NONE || p.ordinal < out.next)
				continue;
			size_t n = posting_put(&out, p, octets);
			size += n;
			if (put)
				put(arg, octets, n);
		}
	}
	return size;
}

static void
put_octets(void *arg, const void *octets, size_t n)
{
	segment_writer_put(arg, octets, n);
}

static void
merge_text(struct walk *walk, struct segment_writer *w)
{
	static const char end = WORDS_END;

	segment_writer_begin(w, WORDS_TEXT);
	segment_writer_put(w, &end, 1);
	rewind_walk(walk);
	while (!segment_writer_failed(w) && next_word(walk)) {
		if (each_posting(walk, NULL, NULL) == 0)
			continue;
		segment_writer_put(w, walk->word.p, walk->word.n);
		segment_writer_put(w, &end, 1);
	}
}

static enum err
merge_places(struct walk *walk, struct segment_writer *w)
{
	uint64_t text = 1, post = 0;

	segment_writer_begin(w, WORDS_AT);
	rewind_walk(walk);
	for (bool more = true; more && !segment_writer_failed(w);) {
		uint64_t size = 0;
		while ((more = next_word(walk)) && (size = each_posting(walk, NULL, NULL)) == 0)
			;
		struct word_at at = {(uint32_t)text, (uint32_t)post};
		segment_writer_put(w, &at, sizeof(at));
		text += walk->word.n + 1;
		post += size;
	}
	return text > UINT32_MAX || post > UINT32_MAX ? ERR_LIMIT : ERR_OK;
}

static void
merge_postings(struct walk *walk, struct segment_writer *w)
{
	segment_writer_begin(w, WORDS_POST);
	rewind_walk(walk);
	while (!segment_writer_failed(w) && next_word(walk))
		each_posting(walk, put_octets, w);
}

static void
merge_unknown(const struct segment_source *sources, size_t n, struct segment_writer *w)
{
	segment_writer_begin(w, WORDS_UNKNOWN);
	for (size_t i = 0; i < n; i++) {
		struct segment *s = sources[i].segment;
		struct words words;
		struct words_unknown unknown;
		bool none = !words_of(s, &words);
		words_unknown_of(s, &unknown);
		for (uint32_t k = 0; k < segment_count(s); k++) {
			uint32_t to = sources[i].to[k];
			if (to != SEGMENT_NONE && (none || words_are_unknown(&unknown, k)))
				segment_writer_put(w, &to, sizeof(to));
		}
	}
}

enum err
words_merge(
    const struct segment_source *sources, size_t n, uint32_t count, struct segment_writer *w)
{
	CLEANUP(mem_free) struct walk *walk = calloc(1, sizeof(*walk));

	(void)count;
	if (!walk)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		struct walk_source *s = &walk->sources[walk->n];
		if (!words_of(sources[i].segment, &s->words))
			continue;
		s->to = sources[i].to;
		walk->n++;
	}
	merge_text(walk, w);
	enum err e = merge_places(walk, w);
	if (e)
		return e;
	merge_postings(walk, w);
	merge_unknown(sources, n, w);
	return ERR_OK;
}
