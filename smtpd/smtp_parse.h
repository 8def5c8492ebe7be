/* smtpd/smtp_parse.h - the arguments of SMTP commands: RFC 5321 §4.1.2 and §4.1.3 (paths, address
 * literals), RFC 6531 §3.3 (UTF-8 in them), RFC 3030 §2 (BDAT). Parameters: smtp_params.h.
 *
 * One production is one function over a cursor; the first mistake sticks in it and is asked once.
 * Pure. What is given out lives in the arena or in the command line.
 */
#ifndef SMTPD_SMTP_PARSE_H
#define SMTPD_SMTP_PARSE_H

#include "common/base/arena.h"
#include "common/base/cursor.h"

/* RFC 5321 §4.5.3.1.1 asks for 64 octets at least and for more where possible: bounce addresses
 * made by machines are longer. */
#define SMTP_LOCAL_MAX 255
#define SMTP_DOMAIN_MAX 255 /* §4.5.3.1.2, RFC 1035 §2.3.4 */
#define SMTP_LABEL_MAX 63
#define SMTP_ROUTE_MAX 20 /* hosts of a source route, which is thrown away anyway */

struct smtp_path {
	/* "local@domain", the local part in quotes only where it must be, so that one mailbox has
	 * one spelling; "postmaster" without a domain (§4.5.1); empty for "<>". */
	struct str address;
	bool utf8; /* octets above 0x7f: allowed only in a transaction with SMTPUTF8 */
};

/* "<>" or "<" [source route ":"] mailbox ">"; ERR_SYNTAX. The route is read and ignored (§3.6.1,
 * §4.1.1.3). */
void smtp_parse_reverse_path(struct cursor *c, struct arena *arena, struct smtp_path *ret);
/* The same without "<>", but with "<postmaster>". */
void smtp_parse_forward_path(struct cursor *c, struct arena *arena, struct smtp_path *ret);

/* Character classes of parameters: a keyword's, a value's, blanks. */
char_class smtp_is_keyword, smtp_is_value, smtp_is_blank;
/* RFC 1870 §6: digits; a number that overflows is UINT64_MAX. */
void smtp_take_size(struct cursor *c, struct str value, uint64_t *ret);

/* "86 LAST": RFC 3030 §2. A size that overflows is UINT64_MAX. */
void smtp_parse_bdat(struct cursor *c, uint64_t *ret_size, bool *ret_last);

/* The end of the line; blanks before it are tolerated (RFC 5321 §4.1.1). Gives the error that
 * stuck. */
NODISCARD enum err smtp_parse_end(struct cursor *c);

#endif
