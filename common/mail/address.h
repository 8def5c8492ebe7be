/* common/mail/address.h - address lists of header fields (RFC 5322 §3.4, obsolete §4.4, groups,
 * comments, encoded words kept), tolerant: what can't be read becomes a mailbox with what is there.
 * Pure. */
#ifndef COMMON_MAIL_ADDRESS_H
#define COMMON_MAIL_ADDRESS_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"

#define ADDRESS_MAX 10000 /* of one field; further ones are left out */

/* One entry as RFC 3501 §7.4.2 ENVELOPE has it; p == NULL means NIL. A group starts with {name
 * NULL, mailbox = group name, host NULL} and ends with {all NULL}. */
struct address {
	struct str
	    name; /* display name or, without one, a trailing comment; encoded words as written */
	struct str route; /* obsolete source route "@a,@b" */
	struct str mailbox; /* local part, quotes removed */
	struct str host;
	struct address *next;
};

/* Parses a whole field body. Linear. The list lives in `arena`; NULL for an empty field or without
 * memory. */
struct address *address_parse_list(struct str value, struct arena *arena);

#endif
