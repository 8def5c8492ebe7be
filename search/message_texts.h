/* search/message_texts.h - walks through what BODY and TEXT look at in a stored message behind its
 * top header, piece by piece, so that a message of any size can be stopped at and gone on with: the
 * headers of its parts, and what the parts of type text say. Other parts are left out, as RFC 3501
 * §6.4.4 allows.
 *
 * The scan and the index walk through messages with this alone. One thread at a time.
 */
#ifndef SEARCH_MESSAGE_TEXTS_H
#define SEARCH_MESSAGE_TEXTS_H

#include "common/mail/parts.h"
#include "search/text_stream.h"
#include "store/reader.h"

/* All zero: nothing held. */
struct message_texts {
	const struct part_table *parts; /* the caller's */
	size_t part; /* the one in hand */
	enum { TEXTS_AT_HEADER, TEXTS_AT_TEXT, TEXTS_IN_TEXT } stage; /* of it */
	uint64_t at; /* of its octets, looked at */
	struct text_stream stream;
	struct sbuf header;
	char *piece; /* octets just read */
};

enum texts_event {
	TEXTS_HEADER, /* of a part: its fields are in `header` */
	TEXTS_EMBEDDED_HEADER, /* the same of an embedded message: part of the body */
	TEXTS_BEGIN, /* of the text of a part */
	TEXTS_PIECE, /* more of it (perhaps nothing yet) was appended to `out` */
	TEXTS_END, /* its last piece was appended */
	TEXTS_DONE, /* of the message */
};

/* Begins with a message. */
void message_texts_begin(struct message_texts *t, const struct part_table *parts);
/* What comes next. Text is appended to `out`, folded. Errors of reader_read(), ERR_CORRUPT,
 * ERR_NOMEM. */
NODISCARD enum err message_texts_next(struct message_texts *t, struct reader *r, int64_t message,
    struct sbuf *out, enum texts_event *ret);
/* Gives the memory back. */
void message_texts_done(struct message_texts *t);

#endif
