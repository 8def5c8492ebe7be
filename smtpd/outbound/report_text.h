/* smtpd/outbound/report_text.h - the part of a report that people read. Pure. */
#ifndef SMTPD_OUTBOUND_REPORT_TEXT_H
#define SMTPD_OUTBOUND_REPORT_TEXT_H

#include "smtpd/outbound/report.h"

/* What a subject begins with: what is the matter, for all recipients together. */
const char *report_headline(const struct report *r);
/* What an enhanced status code (RFC 3463, RFC 5248) means for the sender, and what he can do: one
 * or two sentences. */
const char *report_advice(struct str status);
/* The whole text, lines ended by CRLF. `subject` of the original, unfolded, may be empty. */
void report_put_text(const struct report *r, struct str subject, struct sbuf *out);
/* Words of another server on one line: what is no printable character becomes a blank, what is no
 * UTF-8 (or not ASCII, without `utf8`) a question mark. */
void report_put_words(struct str words, bool utf8, struct sbuf *out);

#endif
