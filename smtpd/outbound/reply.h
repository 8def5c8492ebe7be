/* smtpd/outbound/reply.h - replies of other servers: RFC 5321 §4.2, with RFC 2034's codes.
 *
 * Fed with octets cut anywhere; takes exactly one reply. Tolerant where servers in the field are
 * careless and nothing can be made of it: lines that end in LF alone, a code without a text, a
 * blank missing behind it, lines without a code between others. Everything else is garbage, since
 * who is out of step may take one command's reply for another's. Bounded whatever comes. Pure.
 */
#ifndef SMTPD_OUTBOUND_REPLY_H
#define SMTPD_OUTBOUND_REPLY_H

#include "common/base/arena.h"
#include "common/base/sbuf.h"

#define REPLY_LINE_MAX 2048 /* octets of a line that are looked at; RFC 5321 §4.5.3.1.5 has 512 */
#define REPLY_LINES_MAX 1000 /* of one reply */
#define REPLY_KEPT_MAX 16384 /* octets of its text that are kept; EHLO's may be long */

enum reply_status {
	REPLY_PARTIAL,
	REPLY_WHOLE,
	REPLY_GARBAGE, /* no reply; there is no going on */
};

struct reply_reader {
	enum reply_status status;
	uint16_t code; /* of the last line */
	uint32_t lines;
	struct sbuf line; /* as far as it has come */
	struct sbuf text; /* lines without their codes, each ended by LF */
};

void reply_init(struct reply_reader *r);
void reply_done(struct reply_reader *r);
/* For the next one; keeps no memory. */
void reply_clear(struct reply_reader *r);
/* Takes octets of `in` until the reply is whole; how many. */
size_t reply_feed(struct reply_reader *r, struct str in);

/* Its lines, ended by LF each; valid until the next feed or clear. */
struct str reply_lines(const struct reply_reader *r);
/* "550 5.1.1 No such user": code and lines joined by blanks, at most `max` octets of valid UTF-8
 * without control characters; in `arena`. */
struct str reply_text(const struct reply_reader *r, size_t max, struct arena *arena);
/* The enhanced code at its start (RFC 3463 §2), where its class fits the reply's; else "4.0.0" and
 * the like. In `arena`. */
struct str reply_enhanced(const struct reply_reader *r, struct arena *arena);

#endif
