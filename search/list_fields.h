/* search/list_fields.h - the header fields that mail programs ask for to show a list of messages,
 * octet by octet as they stand in the header, in a segment: a list is then made from a fraction of
 * the octets, and without looking into the database.
 *
 * What is kept of a message is a header block of its own: its fields of LIST_FIELDS names, in their
 * order. Picking from it fields of these names gives the same as picking from the header. Pure; any
 * number of threads.
 */
#ifndef SEARCH_LIST_FIELDS_H
#define SEARCH_LIST_FIELDS_H

#include "search/segment_build.h"

/* A message that would need more is not kept. */
#define LIST_FIELDS_MAX (16 * 1024)

/* The builder of the sections. */
extern const struct segment_builder list_fields_builder;

/* Whether fields of this name are kept; without regard to case. */
bool list_fields_has(struct str name);

/* The sections of a segment; n is 0 where it has none that are sound. */
struct list_fields {
	uint32_t n;
	const uint32_t *ends;
	struct str octets;
};
void list_fields_open(const struct segment *s, struct list_fields *ret);
/* The block of the message; false: it is not known. Lives as long as the segment. */
bool list_fields_get(const struct list_fields *t, uint32_t ordinal, struct str *ret);

#endif
