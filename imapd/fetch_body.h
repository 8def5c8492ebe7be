/* imapd/fetch_body.h - what the section of BODY[section]<partial> names (RFC 3501 §6.4.5): octets
 * of the stored message, or header fields picked from some of them. Pure.
 */
#ifndef IMAPD_FETCH_BODY_H
#define IMAPD_FETCH_BODY_H

#include "common/base/sbuf.h"
#include "common/mail/message_index.h"
#include "common/mail/parts.h"

enum section_what {
	SECTION_WHOLE, /* BODY[], BODY[1.2] */
	SECTION_HEADER,
	SECTION_FIELDS,
	SECTION_FIELDS_NOT,
	SECTION_TEXT,
	SECTION_MIME,
};

struct section {
	enum section_what what;
	const uint32_t *path; /* part numbers; none: the message itself */
	size_t path_n;
	struct str *fields; /* sorted by section_sort_fields() */
	size_t field_count;
	uint64_t hints; /* what their names look like: section_sort_fields() */
};

struct partial {
	bool given;
	uint64_t from;
	uint64_t count;
};

/* Octets [at, at + size) of the message. */
struct extent {
	uint64_t at;
	uint64_t size;
};

/* The sizes of a message as its row has them: enough for sections without part numbers. */
struct message_sizes {
	uint64_t size;
	uint64_t header_size;
};

/* A header is searched for fields this far; what stands beyond is no field (the limit of the
 * message index). */
#define SECTION_HEADER_MAX MIME_MAX_HEADER

/* Whether the part table is needed to find the section. */
static inline bool
section_needs_parts(const struct section *s)
{
	return s->path_n > 0;
}

static inline bool
section_picks_fields(const struct section *s)
{
	return s->what == SECTION_FIELDS || s->what == SECTION_FIELDS_NOT;
}

/* Where the section lies; for picked fields, where the header lies that they are picked from.
 * `parts` may be NULL when section_needs_parts() is false. False: the message has no such part, or
 * HEADER, HEADER.FIELDS or TEXT of a part that is no message. */
bool section_find(const struct section *s, const struct message_sizes *sizes,
    const struct part_table *parts, struct extent *ret);

/* Prepares the field names, so that a long list costs little per field of the message. Needed
 * before section_pick_fields(). */
void section_sort_fields(struct section *s);
/* Those fields of the header `block` that the section names (or, for FIELDS_NOT, does not), octet
 * by octet in the order of the message, and the empty line. */
void section_pick_fields(const struct section *s, struct str block, struct sbuf *out);

/* The part of `size` octets that <from.count> names; nothing beyond the end. */
struct extent partial_clip(const struct partial *p, uint64_t size);

#endif
