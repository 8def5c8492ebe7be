/* imapd/fetch_binary.h - a part without its transfer encoding: BINARY and BINARY.SIZE (RFC 3516
 * §4.2, RFC 9051 §6.4.5).
 *
 * A literal's length comes first, so a part is decoded twice: once to count, once to write. Both
 * can stop anywhere and go on later; memory is bounded whatever the part's size.
 */
#ifndef IMAPD_FETCH_BINARY_H
#define IMAPD_FETCH_BINARY_H

#include "common/mail/codec.h"
#include "imapd/fetch_value.h"

/* All zero: no part is in hand. */
struct fetch_binary {
	bool begun, counted;
	struct decoder decoder;
	bool mends_lines; /* text: a bare LF is a line end (RFC 9051 §7.5.2) */
	char last; /* octet decoded */
	uint64_t at; /* octets of the part taken */
	uint64_t decoded; /* octets they were */
	bool has_nul;
	struct extent clip; /* of the decoded part, when counted */
	struct sbuf out;
};

/* `v` is the value of `item` in `src`. ERR_CANNOT for an encoding that nobody knows. */
NODISCARD enum err fetch_binary_begin(struct fetch_binary *b, struct fetch_source *src,
    const struct fetch_item *item, const struct fetch_value *v);
/* Decodes and counts, until the end or the time; b->counted says which. Errors of
 * fetch_value_read(). */
NODISCARD enum err fetch_binary_count(struct fetch_binary *b, struct fetch_source *src,
    const struct fetch_item *item, const struct fetch_value *v, int64_t until_ms);
/* Writes the counted octets, until the end or until the output is full (for a part that may wait);
 * b->clip.size is what is left. */
NODISCARD enum err fetch_binary_write(struct fetch_binary *b, struct fetch_source *src,
    const struct fetch_value *v, struct conn *c, bool may_wait);
/* The part is done; keeps memory for the next. */
void fetch_binary_end(struct fetch_binary *b);
void fetch_binary_done(struct fetch_binary *b);

#endif
