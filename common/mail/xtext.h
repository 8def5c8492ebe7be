/* common/mail/xtext.h - the encodings of ESMTP parameters: xtext (RFC 3461 §4) and the UTF-8
 * address type (RFC 6533 §3). Pure.
 */
#ifndef COMMON_MAIL_XTEXT_H
#define COMMON_MAIL_XTEXT_H

#include "common/base/err.h"
#include "common/base/sbuf.h"

/* ERR_SYNTAX: an octet or escape that has no place in xtext, or one that stands for a control
 * character. */
NODISCARD enum err xtext_decode(struct str in, struct sbuf *out);
void xtext_encode(struct str in, struct sbuf *out);

/* The address behind "utf-8;": "\x{HEX}" for what may not stand there. ERR_SYNTAX. */
NODISCARD enum err unitext_decode(struct str in, struct sbuf *out);
/* All in ASCII. `in` is UTF-8. */
void unitext_encode(struct str in, struct sbuf *out);

#endif
