/* common/mail/parts.h - the part table of a message: where each MIME part's header and body lie.
 * Compact octets in the store (varints), an array here. Pure. RFC 3501 §6.4.5 says how section
 * numbers name parts.
 */
#ifndef COMMON_MAIL_PARTS_H
#define COMMON_MAIL_PARTS_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"

enum part_kind { PART_LEAF, PART_MULTIPART, PART_MESSAGE };
enum part_encoding { PART_7BIT, PART_8BIT, PART_BINARY, PART_QP, PART_BASE64, PART_OTHER };

struct part {
	int32_t parent; /* index in the table, -1 for the message itself (index 0) */
	uint32_t
	    number; /* 1… among its siblings; the child of a message/rfc822 part is its only one */
	enum part_kind kind;
	enum part_encoding encoding;
	bool is_text; /* to be read: text of any subtype, and message types that are no message
			 (message/delivery-status) */
	uint64_t header_at; /* offset in the message; the MIME header, or the message header of
			       index 0 and of children of PART_MESSAGE */
	uint64_t header_size; /* with its empty line */
	uint64_t body_at;
	uint64_t body_size;
	struct str charset; /* of text, as written, lower case; empty if none */
};

struct part_table {
	struct part
	    *parts; /* in the order they stand in the message, a parent before its children */
	size_t n;
};

/* ERR_CORRUPT when the octets are not a table, ERR_NOMEM. The array and charsets live in `arena`.
 */
NODISCARD enum err parts_decode(struct str octets, struct arena *arena, struct part_table *ret);

/* The part that section numbers `path[0..n)` name (RFC 3501 §6.4.5: part 1 of a message that is not
 * multipart is its body), or NULL. n = 0 is the message itself. A PART_MESSAGE child is looked
 * through: "2.1" below message part 2 means part 1 of the embedded message. */
const struct part *parts_find(const struct part_table *t, const uint32_t *path, size_t n);
/* The embedded message (its header and body) of a PART_MESSAGE part, NULL for other parts:
 * for 2.HEADER and 2.TEXT. */
const struct part *parts_embedded(const struct part_table *t, const struct part *p);

#endif
