/* search/text_search.h - looks for strings in a text that comes in pieces: a match may lie across
 * any border between them. Memory is bounded whatever comes. Pure.
 */
#ifndef SEARCH_TEXT_SEARCH_H
#define SEARCH_TEXT_SEARCH_H

#include "common/base/sbuf.h"

struct text_needle {
	struct str text; /* UTF-8, folded; not empty */
	bool found;
};

/* All zero: no text in hand, nothing held. */
struct text_search {
	struct text_needle *needles; /* the caller's */
	size_t n;
	size_t longest; /* octets of the longest needle */
	struct sbuf folded; /* text being searched, behind the end of what came before */
};

/* Begins a text. */
void text_search_begin(struct text_search *t, struct text_needle *needles, size_t n);
/* Where the next piece of folded text is to be appended (text_stream.h), before: */
struct sbuf *text_search_room(struct text_search *t);
/* Looks at what was appended. ERR_NOMEM. */
NODISCARD enum err text_search_look(struct text_search *t);
/* Gives the memory back. */
void text_search_done(struct text_search *t);

#endif
