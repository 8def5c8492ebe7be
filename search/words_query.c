/* Asks the words of a segment. Each run of word octets of the needle (a piece) must be in a word of
 * the message, at its beginning where the needle has a separator before it, at its end where it has
 * one behind it. Since the words stand one after the other with separators between, each of these
 * is a string to be looked for. */
#include "search/words_private.h"

#include "common/base/clock.h"

#define PIECES_MAX 8 /* of a needle, the longest; dropping others leaves more candidates */
#define NAME_PIECES_MAX 4
/* Between two looks at the clock: words that have a piece, octets of words that have not. */
#define LOOKS 64
#define LOOK_OCTETS (1024 * 1024)

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

/* The next word from a->at on that has the pattern; false if there is none within LOOK_OCTETS, and
 * a->at is where to look further. */
static bool
next_hit(const struct words *w, const struct pattern *pattern, struct words_answer *a)
{
	size_t left = w->text.n - a->at;
	size_t n = left < LOOK_OCTETS ? left : LOOK_OCTETS;
	const char *hit = memmem(w->text.p + a->at, n, pattern->p, pattern->n);

	if (!hit) {
		a->at += n < left ? n - (pattern->n - 1) : n;
		return false;
	}
	a->at = (size_t)(hit - w->text.p) + pattern->word_at;
	a->word = word_at(w, a->word, a->at);
	return true;
}

/* Goes on looking for a piece; false when the time is up. */
static bool
look_for(const struct words *w, const struct piece *piece, int64_t until_ms, struct words_answer *a,
    uint64_t *bits)
{
	struct pattern pattern;
	unsigned looks = 0;

	make_pattern(piece, &pattern);
	while (w->count > 0 && a->at < w->text.n) {
		bool hit = next_hit(w, &pattern, a);
		if (hit) {
			take_postings(w, a->word, piece->places, bits);
			/* goes on at the separator behind the word; forward, whatever the segment
			 * says */
			size_t next = w->at[a->word + 1].text;
			a->at = next > a->at + 1 ? next - 1 : a->at + 1;
			a->word += a->word + 1 < w->count;
		}
		if ((!hit || ++looks % LOOKS == 0) && clock_mono_ms() >= until_ms)
			return a->at >= w->text.n;
	}
	return true;
}

/* Empty if it was not begun yet. */
static bool
make_bits(const struct words *w, uint64_t **bits)
{
	if (!*bits)
		*bits = calloc(w->messages / 64 + 1, sizeof(**bits));
	return *bits;
}

/* What has all pieces so far, and the one in hand. */
static void
join_piece(const struct words *w, struct words_answer *a)
{
	for (size_t i = 0; a->piece_bits && i <= w->messages / 64; i++)
		a->bits[i] &= a->piece_bits[i];
	mem_free(&a->piece_bits);
	a->piece++;
	a->word = a->at = 0;
}

enum err
words_ask(
    const struct segment *s, const struct words_query *q, int64_t until_ms, struct words_answer *a)
{
	struct pieces pieces;
	struct words w;

	find_pieces(q, &pieces);
	if (pieces.n == 0 || !words_of(s, &w)) {
		a->done = true;
		return ERR_OK;
	}
	while (a->piece < pieces.n) {
		uint64_t **bits = a->piece ? &a->piece_bits : &a->bits;
		if (!make_bits(&w, bits))
			return ERR_NOMEM;
		if (!look_for(&w, &pieces.p[a->piece], until_ms, a, *bits))
			return ERR_OK;
		join_piece(&w, a);
	}
	a->exact = pieces.whole;
	a->done = true;
	return ERR_OK;
}

void
words_answer_done(struct words_answer *a)
{
	mem_free(&a->bits);
	mem_free(&a->piece_bits);
}

bool
words_are_unknown(const struct words_unknown *u, uint32_t ordinal)
{
	size_t lo = 0, hi = u->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (u->ordinals[mid] == ordinal)
			return true;
		if (u->ordinals[mid] < ordinal)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}
