/* common/net/line.h - takes command lines from a connection (SMTP, LMTP, POP3; IMAP between
 * literals).
 *
 * A line ends in CRLF and nothing else: a bare LF or CR is not a line end (RFC 5321 §2.3.8). The
 * octets of an over-long line are thrown away as they arrive, so it costs no memory and its rest is
 * never run as a command.
 */
#ifndef COMMON_NET_LINE_H
#define COMMON_NET_LINE_H

#include "common/net/conn.h"

enum line_status {
	LINE_PARTIAL, /* not whole yet: return CONN_READ */
	LINE_WHOLE, /* *ret_line is the line without CRLF; valid until line_done() */
	LINE_TOO_LONG, /* answered once, when its end has come; already consumed */
	LINE_BARE, /* ended by LF alone, or has a CR or NUL inside; already consumed up to its LF */
};

struct line_reader {
	bool skipping; /* inside a line that is too long */
	size_t scanned; /* octets of the unread input already searched for LF: a line that trickles
			   in stays linear */
};

/* Looks for a line of at most `max` octets without CRLF. */
enum line_status line_take(struct line_reader *r, struct conn *c, size_t max, struct str *ret_line);
/* Consumes the line that LINE_WHOLE gave. */
void line_done(struct line_reader *r, struct conn *c, struct str line);

#endif
