/* common/mail/charset.h - text to UTF-8 (iconv), encoded words (RFC 2047, 2231 §5), and folding for
 * comparison (utf8proc). Pure. */
#ifndef COMMON_MAIL_CHARSET_H
#define COMMON_MAIL_CHARSET_H

#include "common/base/err.h"
#include "common/base/sbuf.h"
#include "common/base/str.h"

/* Converts as much as can be; octets that are wrong in `charset` become U+FFFD. Empty or "us-ascii"
 * input with 8-bit octets is taken as UTF-8 if it is well-formed, else as windows-1252. An unknown
 * charset is treated the same way and gives ERR_BAD_CHARSET (the text is written nevertheless). */
enum err charset_to_utf8(struct str charset, struct str in, struct sbuf *out);
bool charset_is_known(struct str charset);

/* The tables of the charsets that mail is written in, kept in memory: libc loads them as they are
 * first asked for, which a process can't that is shut in. Others are not known to it then. NULL
 * without memory. These are what a daemon loads and unloads (common/net/server.h), hence `void`. */
void *charsets_load(void);
void charsets_unload(void *charsets);

/* An unstructured header value as people read it: unfolded, encoded words decoded (also broken ones
 * that clients write: adjacent words split inside a character, words inside quotes), raw 8-bit as
 * charset_to_utf8("") does. */
void words_decode(struct str value, struct sbuf *out);

/* Case folding with compatibility decomposition, so that two texts that differ in case or form
 * compare equal octet by octet; ASCII is a fast path. Ill-formed UTF-8 octets pass unchanged. */
void text_fold(struct str utf8, struct sbuf *out);
/* The key of the collation i;unicode-casemap (RFC 5051 §2): titlecase, then compatibility
 * decomposition. Texts are ordered as the octets of their keys are. */
void text_casemap(struct str utf8, struct sbuf *out);

#endif
