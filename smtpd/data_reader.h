/* smtpd/data_reader.h - the octets after DATA and BDAT, made into a message: RFC 5321 §4.5.2,
 * §2.3.8, §4.1.1.4; RFC 3030 §2 and §3.
 *
 * A state machine over pieces cut anywhere; it keeps no text. Only CR LF . CR LF ends DATA, and
 * ". CR LF" right at its start. A CR or LF that stands alone never ends anything and starts no line
 * in which dots count: it becomes CR LF in what is handed on, so that no program that reads the
 * message later sees another line structure than this one did (SMTP smuggling, CVE-2023-51764 and
 * kin). `bare` tells that there was one.
 *
 * NUL is handed on as it came. It ends nothing in this suite, no reader of the store stops at it,
 * and real mail holds it; to refuse such mail would lose what every other server takes.
 *
 * Pure; not thread-safe.
 */
#ifndef SMTPD_DATA_READER_H
#define SMTPD_DATA_READER_H

#include "common/base/str.h"

enum data_form {
	DATA_DOTS, /* DATA: dots are undone, the dot ends it */
	DATA_CHUNKS, /* BDAT: no dots; line ends are put right */
	DATA_BINARY, /* BDAT with BODY=BINARYMIME: every octet as it is, since a lone CR or LF may
			be content (RFC 3030 §3) */
};

struct data_reader {
	enum data_form form;
	enum {
		DATA_LINE_START,
		DATA_IN_LINE,
		DATA_AFTER_CR,
		DATA_AFTER_DOT,
		DATA_AFTER_DOT_CR
	} state;
	bool ended; /* the final dot has come */
	bool bare; /* there was a CR or LF alone */
};

typedef void data_sink(void *arg, const char *p, size_t n);

void data_reader_init(struct data_reader *r, enum data_form form);
/* Hands what `in` adds to the message to `sink`, in pieces. Returns how many octets were the
 * message's: all of them, or fewer when the final dot is among them. */
size_t data_reader_feed(struct data_reader *r, struct str in, data_sink *sink, void *arg);
/* The end after the last chunk: a CR still held is a lone one. */
void data_reader_finish(struct data_reader *r, data_sink *sink, void *arg);

#endif
