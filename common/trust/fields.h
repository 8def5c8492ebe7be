/* common/trust/fields.h - the fields of a header as signatures see them: found by name, each taken
 * once, the last one first (RFC 6376 §5.4.2), and in canonical form (§3.4.1, §3.4.2).
 *
 * Finding one takes time by the logarithm of their number, however many have the same name. Pure;
 * slices point into the header.
 */
#ifndef COMMON_TRUST_FIELDS_H
#define COMMON_TRUST_FIELDS_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/sbuf.h"
#include "common/mail/header.h"

/* Of a header that is signed or verified: a larger one is not. */
#define TRUST_HEADER_MAX (1024 * 1024)
#define TRUST_FIELDS_MAX 10000

struct fields {
	struct header_field *all; /* in the order of the header */
	size_t count;
	uint32_t *sorted; /* by name, then the last one first */
	uint32_t *taken; /* at a name's first place in `sorted`: how many of it were taken */
};

/* ERR_TOO_BIG beyond the limits above, ERR_NOMEM. In `arena`, where room of about a hundred octets
 * for each field is needed. */
NODISCARD enum err fields_parse(struct str header, struct arena *arena, struct fields *ret);
/* The last field of this name that was not taken yet, or NULL. */
const struct header_field *fields_take(struct fields *f, struct str name);
/* As if none had been taken. */
void fields_put_back(struct fields *f);
/* How many there are of this name. */
size_t fields_number(const struct fields *f, struct str name);

/* Appends the canonical form of a whole field; its line end is CRLF, or left out. */
void field_simple(struct str whole, bool line_end, struct sbuf *out);
void field_relaxed(struct str whole, bool line_end, struct sbuf *out);

/* Appends the field without the value of its tag b= (§3.7), all else as it is. */
void field_without_b(struct str whole, struct sbuf *out);

#endif
