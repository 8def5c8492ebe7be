/* smtpd/outbound/cte_writer.h - transfer encodings as they are written: quoted-printable and
 * base64 (RFC 2045 §6.7, §6.8), and copies for servers that take seven bits. Fed in pieces cut
 * anywhere. Pure.
 */
#ifndef SMTPD_OUTBOUND_CTE_WRITER_H
#define SMTPD_OUTBOUND_CTE_WRITER_H

#include "common/base/sbuf.h"

enum cte {
	CTE_COPY, /* but NUL becomes "?": outside of chunks it is sent nowhere (RFC 5321 §2.3.8) */
	CTE_ASCII, /* octets above 0x7f, too: for what nobody reads */
	CTE_ESCAPE, /* both become "=XX": for quoted-printable that is not quite */
	CTE_QP, /* of text whose lines end in CRLF */
	CTE_BASE64,
};

#define CTE_LINE 76 /* octets of a line, without CRLF */

struct cte_writer {
	enum cte how;
	size_t column;
	unsigned char held[57]; /* base64: less than a line */
	size_t held_n;
	bool any_line; /* base64: a line was written */
	bool after_cr; /* quoted-printable: a CR that may be half of a line end */
	char blank; /* and a blank that may stand at the end of its line; 0 none */
};

void cte_begin(struct cte_writer *w, enum cte how);
void cte_feed(struct cte_writer *w, struct str in, struct sbuf *out);
/* The end, without a line end. */
void cte_end(struct cte_writer *w, struct sbuf *out);

#endif
