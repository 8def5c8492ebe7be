/* imapd/search_text.h - looks for strings in a text that comes in pieces: transfer encoding and
 * charset are undone, case is folded, and a match may lie across any border between pieces. Memory
 * is bounded whatever comes. Pure.
 */
#ifndef IMAPD_SEARCH_TEXT_H
#define IMAPD_SEARCH_TEXT_H

#include "common/mail/charset_stream.h"
#include "common/mail/codec.h"

struct text_needle {
	struct str text; /* UTF-8, folded; not empty */
	bool found;
};

/* All zero: no text in hand, nothing held. */
struct text_search {
	struct text_needle *needles; /* the caller's */
	size_t n;
	size_t longest; /* octets of the longest needle */
	struct decoder decoder;
	struct charset_stream *charset;
	struct sbuf decoded; /* a piece without its transfer encoding */
	struct sbuf utf8; /* text not folded yet */
	struct sbuf folded; /* text being searched, behind the end of what came before */
};

/* Begins a text in this encoding and charset (empty: none named). ERR_NOMEM. */
NODISCARD enum err text_search_begin(struct text_search *t, enum part_encoding encoding,
    struct str charset, struct text_needle *needles, size_t n);
/* The next octets as they stand in the message. ERR_NOMEM. */
NODISCARD enum err text_search_feed(struct text_search *t, struct str octets);
/* The text has ended. */
NODISCARD enum err text_search_end(struct text_search *t);
/* Gives the memory back. */
void text_search_done(struct text_search *t);

#endif
