#include "search/words_private.h"

enum word_place
word_place_of(struct str field)
{
	static const struct {
		const char *name;
		enum word_place place;
	} rows[] = {
	    {"Subject", WORD_SUBJECT},
	    {"From", WORD_FROM},
	    {"To", WORD_TO},
	    {"Cc", WORD_CC},
	    {"Bcc", WORD_BCC},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_eq_nocase(field, str_of(rows[i].name)))
			return rows[i].place;
	return WORD_TOP;
}

bool
words_of(const struct segment *s, struct words *ret)
{
	const void *at;
	size_t n;

	*ret = (struct words){.messages = segment_count(s)};
	if (!segment_section(s, WORDS_TEXT, &ret->text) ||
	    !segment_section(s, WORDS_POST, &ret->post) ||
	    !segment_array(s, WORDS_AT, sizeof(ret->at[0]), &at, &n) || n == 0)
		return false;
	ret->at = at;
	ret->count = n - 1;
	return ret->text.n > 0;
}

static struct str
between(struct str s, size_t from, size_t to)
{
	return from <= to && to <= s.n ? str_make(s.p + from, to - from) : str_make("", 0);
}

struct str
words_text(const struct words *w, size_t i)
{
	return between(w->text, w->at[i].text, (size_t)w->at[i + 1].text - 1);
}

struct str
words_postings(const struct words *w, size_t i)
{
	return between(w->post, w->at[i].post, w->at[i + 1].post);
}

void
words_unknown_of(const struct segment *s, struct words_unknown *ret)
{
	const void *p;
	size_t n;

	*ret = (struct words_unknown){0};
	if (segment_array(s, WORDS_UNKNOWN, sizeof(uint32_t), &p, &n))
		*ret = (struct words_unknown){p, n};
}

size_t
posting_put(struct posting_coder *c, struct posting p, unsigned char *to)
{
	bool differ = p.places != c->places;
	uint64_t v = (uint64_t)(p.ordinal - c->next) << 1 | differ;
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		to[n++] = (unsigned char)(v | 0x80);
	to[n++] = (unsigned char)v;
	if (differ)
		to[n++] = (unsigned char)p.places;
	*c = (struct posting_coder){p.ordinal + 1, p.places};
	return n;
}

bool
posting_next(struct posting_coder *c, struct str *rest, struct posting *ret)
{
	const unsigned char *p = (const unsigned char *)rest->p;
	uint64_t v = 0;
	size_t n = 0;

	do {
		if (n == rest->n || n == POSTING_MAX - 1)
			return false;
		v |= (uint64_t)(p[n] & 0x7f) << 7 * n;
	} while (p[n++] & 0x80);
	if (v & 1) {
		if (n == rest->n)
			return false;
		c->places = p[n++];
	}
	v = (v >> 1) + c->next;
	if (v >= SEGMENT_NONE)
		return false;
	ret->ordinal = (uint32_t)v;
	ret->places = c->places;
	c->next = ret->ordinal + 1;
	rest->p += n;
	rest->n -= n;
	return true;
}
