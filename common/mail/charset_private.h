/* common/mail/charset_private.h - a charset made ready to convert from, for those who convert many
 * pieces. Only for this folder.
 */
#ifndef COMMON_MAIL_CHARSET_PRIVATE_H
#define COMMON_MAIL_CHARSET_PRIVATE_H

#include "common/base/sbuf.h"
#include "common/base/str.h"

#include <iconv.h>

struct converter {
	enum { CONVERT_GUESS, CONVERT_UTF8, CONVERT_1252, CONVERT_ICONV } how;
	iconv_t cd; /* (iconv_t)-1 unless CONVERT_ICONV */
};

/* False for a charset that is not known; the converter guesses then. */
bool converter_open(struct converter *c, struct str charset);
void converter_close(struct converter *c);
/* Converts `in`, which starts in the charset's initial state. */
void converter_run(struct converter *c, struct str in, struct sbuf *out);

/* Copies UTF-8, each octet that is wrong becoming U+FFFD. What iconv() gives comes through here
 * too: glibc writes what is above U+10FFFF as it was before RFC 3629 §4. */
void utf8_put(struct str in, struct sbuf *out);
/* Converts `in`, as `cd` stands, U+FFFD for each octet that can't be. How many octets of its end
 * are left, as the start of a character: 0 where the text `ends` with it. */
size_t iconv_put(iconv_t cd, struct str in, bool ends, struct sbuf *out);
/* The octets of the well-formed UTF-8 character that `s` starts with, 0 if there is none. */
size_t utf8_length(struct str s);

#endif
