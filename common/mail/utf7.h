/* common/mail/utf7.h - modified UTF-7 of mailbox names (RFC 3501 §5.1.3) to UTF-8 and back. Pure.
 */
#ifndef COMMON_MAIL_UTF7_H
#define COMMON_MAIL_UTF7_H

#include "common/base/err.h"
#include "common/base/sbuf.h"
#include "common/base/str.h"

/* ERR_SYNTAX on what is not canonical: 8-bit octets, superfluous or unterminated shifts, lone
 * surrogates, printable ASCII inside base64, NUL. */
NODISCARD enum err utf7_to_utf8(struct str in, struct sbuf *out);
NODISCARD enum err utf8_to_utf7(struct str in, struct sbuf *out);

#endif
