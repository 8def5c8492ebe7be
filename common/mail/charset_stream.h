/* common/mail/charset_stream.h - charset_to_utf8() for a text that comes in pieces, cut anywhere:
 * a charset's shift state and a character's first octets are kept from one to the next. Memory is
 * bounded whatever comes. Pure; one thread at a time.
 */
#ifndef COMMON_MAIL_CHARSET_STREAM_H
#define COMMON_MAIL_CHARSET_STREAM_H

#include "common/base/err.h"
#include "common/base/sbuf.h"
#include "common/base/str.h"

struct charset_stream;

/* NULL without memory. An unknown charset is guessed, as charset_to_utf8() does. */
struct charset_stream *charset_stream_new(struct str charset);
void charset_stream_free(struct charset_stream **s);

/* Appends what the octets so far are to `out`, which may lag behind by a line of up to 64 KiB.
 * ERR_NOMEM. */
NODISCARD enum err charset_stream_feed(
    struct charset_stream *s, struct str octets, struct sbuf *out);
/* The text has ended: the rest. */
NODISCARD enum err charset_stream_end(struct charset_stream *s, struct sbuf *out);

#endif
