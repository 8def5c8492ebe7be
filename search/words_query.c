/* Asks the words of a segment. Each run of word octets of the needle (a piece) must be in a word of
 * the message, at its beginning where the needle has a separator before it, at its end where it has
 * one behind it. Since the words stand one after the other with separators between, each of these
 * is a string to be looked for. */
#include "search/words_private.h"

#define PIECES_MAX 8 /* of a needle, the longest; dropping others leaves more candidates */
#define NAME_PIECES_MAX 4

struct piece {
	struct str text;
	bool starts, ends; /* must begin, must end the word */
	unsigned places;
};

struct pieces {
	struct piece p[PIECES_MAX + NAME_PIECES_MAX];
	size_t n;
	bool whole; /* one piece is the whole needle, and short enough for an exact answer */
};

static void
add_piece(struct pieces *all, size_t from, size_t max, struct piece piece)
{
	size_t shortest = from;

	if (all->n - from < max) {
		all->p[all->n++] = piece;
		return;
	}
	for (size_t i = from; i < all->n; i++)
		if (all->p[i].text.n < all->p[shortest].text.n)
			shortest = i;
	if (all->p[shortest].text.n < piece.text.n)
		all->p[shortest] = piece;
}

/* `bounded`: the text ends where the needle does. */
static void
split(struct pieces *all, struct str needle, unsigned places, bool bounded, size_t max)
{
	size_t first = all->n;

	for (size_t at = 0; at < needle.n;) {
		size_t from = at;
		while (at < needle.n && is_word_octet(needle.p[at]))
			at++;
		if (at > from)
			add_piece(all, first, max,
			    (struct piece){str_sub(needle, from, at - from), bounded || from > 0,
				bounded || at < needle.n, places});
		else
			at++;
	}
}

static void
find_pieces(const struct words_query *q, struct pieces *ret)
{
	*ret = (struct pieces){0};
	split(ret, q->needle, q->places, false, PIECES_MAX);
	/* of fields without a place of their own it is not known which had the word */
	ret->whole = ret->n == 1 && ret->p[0].text.n == q->needle.n && q->needle.n <= WORD_EXACT &&
		     q->places != WORD_TOP && q->name.n == 0;
	split(ret, q->name, WORD_TOP, true, NAME_PIECES_MAX);
}

/* -- looking through the words -------------------------------------------------------------- */

struct pattern {
	char p[WORD_WINDOW + 2];
	size_t n;
	size_t word_at; /* of its first octet of a word */
};

/* What all words that hold the piece have in them. Of a long word there are windows: the first one
 * has its first WORD_WINDOW octets, the last one at least its last WORD_EXACT. */
static void
make_pattern(const struct piece *piece, struct pattern *ret)
{
	struct str text = piece->text;
	size_t most = piece->starts ? WORD_WINDOW : WORD_EXACT;
	bool ends = piece->ends && (!piece->starts || text.n <= most);

	if (text.n > most)
		text = ends ? str_skip(text, text.n - most) : str_sub(text, 0, most);
	*ret = (struct pattern){.n = 0};
	if (piece->starts)
		ret->p[ret->n++] = WORDS_END;
	ret->word_at = ret->n;
	memcpy(ret->p + ret->n, text.p, text.n);
	ret->n += text.n;
	if (ends)
		ret->p[ret->n++] = WORDS_END;
}

/* The word that has the octet `at` of the text, from `i` on, in steps that grow. */
static size_t
word_at(const struct words *w, size_t i, size_t at)
{
	size_t step = 1;

	while (i + step < w->count && w->at[i + step].text <= at) {
		i += step;
		step *= 2;
	}
	for (; step > 0; step /= 2)
		if (i + step < w->count && w->at[i + step].text <= at)
			i += step;
	return i;
}

static void
take_postings(const struct words *w, size_t i, unsigned places, uint64_t *bits)
{
	struct str rest = words_postings(w, i);
	struct posting_coder c = {0, 0};
	struct posting p;

	while (posting_next(&c, &rest, &p) && p.ordinal < w->messages)
		if (p.places & places)
			bits[p.ordinal >> 6] |= 1ull << (p.ordinal & 63);
}

static void
look_for(const struct words *w, const struct piece *piece, uint64_t *bits)
{
	struct pattern pattern;
	size_t i = 0, at = 0;
	const char *hit;

	make_pattern(piece, &pattern);
	while (w->count > 0 && at < w->text.n &&
	       (hit = memmem(w->text.p + at, w->text.n - at, pattern.p, pattern.n))) {
		at = (size_t)(hit - w->text.p) + pattern.word_at;
		i = word_at(w, i, at);
		take_postings(w, i, piece->places, bits);
		/* goes on at the separator behind the word; forward, whatever the segment says */
		size_t next = w->at[i + 1].text;
		at = next > at + 1 ? next - 1 : at + 1;
		i += i + 1 < w->count;
	}
}

enum err
words_ask(const struct segment *s, const struct words_query *q, uint64_t **ret, bool *ret_exact)
{
	CLEANUP(mem_free) uint64_t *all = NULL, *bits = NULL;
	struct pieces pieces;
	struct words w;

	*ret = NULL;
	find_pieces(q, &pieces);
	if (pieces.n == 0 || !words_of(s, &w))
		return ERR_OK;
	size_t n = ((size_t)w.messages + 63) / 64 + 1;
	all = calloc(n, sizeof(all[0]));
	if (!all)
		return ERR_NOMEM;
	look_for(&w, &pieces.p[0], all);
	for (size_t i = 1; i < pieces.n; i++) {
		free(bits);
		bits = calloc(n, sizeof(bits[0]));
		if (!bits)
			return ERR_NOMEM;
		look_for(&w, &pieces.p[i], bits);
		for (size_t k = 0; k < n; k++)
			all[k] &= bits[k];
	}
	*ret = MOVE_PTR(all);
	*ret_exact = pieces.whole;
	return ERR_OK;
}

bool
words_are_unknown(const struct segment *s, uint32_t ordinal)
{
	size_t lo = 0, hi;
	const uint32_t *unknown = words_unknown(s, &hi);

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (unknown[mid] == ordinal)
			return true;
		if (unknown[mid] < ordinal)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}
