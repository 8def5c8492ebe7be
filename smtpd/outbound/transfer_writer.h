/* smtpd/outbound/transfer_writer.h - transfer encodings as they are written: quoted-printable and
 * base64 (RFC 2045 §6.7, §6.8), and copies for servers that take seven bits. Fed in pieces cut
 * anywhere. Pure.
 */
#ifndef SMTPD_OUTBOUND_TRANSFER_WRITER_H
#define SMTPD_OUTBOUND_TRANSFER_WRITER_H

#include "common/base/sbuf.h"

enum transfer_how {
	TRANSFER_COPY,
	TRANSFER_ASCII, /* octets above 0x7f become "?": for what nobody reads */
	TRANSFER_ESCAPE, /* become "=XX": for quoted-printable that is not quite */
	TRANSFER_QP, /* of text whose lines end in CRLF */
	TRANSFER_BASE64,
};

#define TRANSFER_LINE 76 /* octets of a line, without CRLF */

struct transfer_writer {
	enum transfer_how how;
	size_t column;
	unsigned char held[57]; /* base64: less than a line */
	size_t held_n;
	bool any_line; /* base64: a line was written */
	bool after_cr; /* quoted-printable: a CR that may be half of a line end */
	char blank; /* and a blank that may stand at the end of its line; 0 none */
};

void transfer_begin(struct transfer_writer *w, enum transfer_how how);
void transfer_feed(struct transfer_writer *w, struct str in, struct sbuf *out);
/* The end, without a line end. */
void transfer_end(struct transfer_writer *w, struct sbuf *out);

#endif
