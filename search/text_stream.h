/* search/text_stream.h - a text part as it is searched: transfer encoding and charset undone, case
 * folded (common/mail/charset.h). It comes in pieces cut anywhere; memory is bounded whatever
 * comes. Pure; one thread at a time.
 *
 * The scan and the index read texts through this alone, so they can't differ.
 */
#ifndef SEARCH_TEXT_STREAM_H
#define SEARCH_TEXT_STREAM_H

#include "common/mail/charset_stream.h"
#include "common/mail/codec.h"

/* All zero: no text in hand, nothing held. */
struct text_stream {
	struct decoder decoder;
	struct charset_stream *charset;
	struct sbuf decoded; /* a piece without its transfer encoding */
	struct sbuf utf8; /* text not folded yet */
};

/* Begins a text in this encoding and charset (empty: none named). ERR_NOMEM. */
NODISCARD enum err text_stream_begin(
    struct text_stream *t, enum part_encoding encoding, struct str charset);
/* The next octets as they stand in the message; what they say is appended to `out`, which may lag
 * behind. ERR_NOMEM. */
NODISCARD enum err text_stream_feed(struct text_stream *t, struct str octets, struct sbuf *out);
/* The text has ended: the rest of it. */
NODISCARD enum err text_stream_end(struct text_stream *t, struct sbuf *out);
/* Gives the memory back. */
void text_stream_done(struct text_stream *t);

#endif
