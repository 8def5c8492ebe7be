/* imapd/fetch_listed.h - header fields for a list of messages, taken from the account's segments
 * where those have them (search/list_fields.h): what is told is the same as the header would give.
 *
 * Only from some messages on, since the segments of an account that is used for the first time are
 * read in full to be checked. It belongs to a FETCH; between its steps nothing is held.
 */
#ifndef IMAPD_FETCH_LISTED_H
#define IMAPD_FETCH_LISTED_H

#include "imapd/fetch_items.h"
#include "search/list_fields.h"
#include "search/segments.h"

#define FETCH_LISTED_AFTER 64 /* messages of the FETCH */

struct imap_session;

struct fetch_listed {
	bool wanted; /* of the header only fields are asked for that segments keep */
	unsigned passed; /* messages, up to FETCH_LISTED_AFTER */
	/* within a step */
	bool asked; /* for the set */
	struct segments *set; /* or NULL */
	struct segment_place place;
	size_t opened; /* the segment `fields` is of, from 1 on; 0 none */
	struct list_fields fields;
};

/* Whether the item is such fields. */
bool fetch_listed_has(const struct fetch_item *item);
/* A header block with these fields of the message; false: they are to be read from the header. It
 * lives until the step ends. */
bool fetch_listed_get(
    struct fetch_listed *l, struct imap_session *s, int64_t message, struct str *ret);
/* The end of a step. */
void fetch_listed_close(struct fetch_listed *l);

#endif
