/* common/mail/header.h - header fields (RFC 5322 §2.2, §3.6, obsolete forms §4.5). Pure; slices
 * point into the input. */
#ifndef COMMON_MAIL_HEADER_H
#define COMMON_MAIL_HEADER_H

#include "common/base/arena.h"
#include "common/base/sbuf.h"
#include "common/base/str.h"

struct header_field {
	struct str name; /* without trailing blanks */
	struct str value; /* after the colon, folding and final CRLF still in */
	struct str whole; /* the field as it stands, with its line ends */
};

/* Takes the next field from *rest, a header block with LF or CRLF line ends; lines that are no
 * field (no colon) are skipped. False at the empty line or the end. */
bool header_next(struct str *rest, struct header_field *ret);
/* The first field of this name (ASCII case ignored); its value unfolded (line ends dropped, blanks
 * kept) and trimmed, in `arena`. {NULL,0} if absent or without memory. */
struct str header_get(struct str block, struct str name, struct arena *arena);
/* Unfolds `value`: CRLF and LF are dropped. */
void header_unfold(struct str value, struct sbuf *out);
/* The same, trimmed, in `arena`; {NULL,0} without memory. */
struct str header_unfold_dup(struct str value, struct arena *arena);

#endif
