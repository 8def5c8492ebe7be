/* smtpd/smtp_parse.h - the arguments of SMTP commands: RFC 5321 §4.1.2 and §4.1.3 (paths, address
 * literals), §4.1.1.11 (parameters), RFC 6531 §3.3 (UTF-8 in both), RFC 3030 §2 (BDAT).
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

enum smtp_body { SMTP_BODY_7BIT, SMTP_BODY_8BITMIME, SMTP_BODY_BINARYMIME };

struct smtp_mail_params {
	uint64_t size; /* SIZE=, 0 when not said; one that overflows is UINT64_MAX */
	enum smtp_body body;
	bool smtputf8;
};

/* The parameters after the path, to the end of the line. ERR_PARAM: one that is not known here;
 * ERR_SYNTAX: a mistake in one, or one given twice. AUTH= (RFC 4954 §5) is known only with
 * `auth_offered`; it is checked and not used, since the server trusts no client to speak for
 * another. */
void smtp_parse_mail_params(struct cursor *c, bool auth_offered, struct smtp_mail_params *ret);
/* RCPT has none yet: ERR_PARAM for any. */
void smtp_parse_rcpt_params(struct cursor *c);

/* "86 LAST": RFC 3030 §2. A size that overflows is UINT64_MAX. */
void smtp_parse_bdat(struct cursor *c, uint64_t *ret_size, bool *ret_last);

/* The end of the line; blanks before it are tolerated (RFC 5321 §4.1.1). Gives the error that
 * stuck. */
NODISCARD enum err smtp_parse_end(struct cursor *c);

#endif
