/* smtpd/outbound/dot_writer.h - a message as it goes out after DATA: RFC 5321 §4.5.2, §2.3.8.
 *
 * A line that begins with "." gets a second one. A CR or LF that stands alone becomes CRLF,
 * whatever the message holds, so that no server can see an end of the message, and commands behind
 * it, where we see none (SMTP smuggling). Works on pieces cut anywhere. Pure.
 */
#ifndef SMTPD_OUTBOUND_DOT_WRITER_H
#define SMTPD_OUTBOUND_DOT_WRITER_H

#include "common/base/str.h"

struct dot_writer {
	bool in_line; /* octets since the last line end */
	bool after_cr; /* a CR was taken and is not written yet */
};

/* Room that `n` octets need at most. */
#define DOT_WRITER_ROOM(n) (2 * (n) + 2)
#define DOT_WRITER_END 7 /* octets of dot_writer_end() */

/* Writes `in` to `out`; how many octets. */
size_t dot_writer_feed(struct dot_writer *w, struct str in, char *out);
/* The end of a last line that had none, and the final dot. */
size_t dot_writer_end(struct dot_writer *w, char *out);

#endif
