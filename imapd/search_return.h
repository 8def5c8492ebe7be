/* imapd/search_return.h - what a search is to return (RFC 4731 §3.1, RFC 5182, RFC 5267, RFC 9394
 * §3.1, RFC 6203 §4). Pure.
 */
#ifndef IMAPD_SEARCH_RETURN_H
#define IMAPD_SEARCH_RETURN_H

#include "imapd/fetch_items.h"

enum search_return_item {
	RETURN_MIN = 1,
	RETURN_MAX = 2,
	RETURN_ALL = 4,
	RETURN_COUNT = 8,
	RETURN_SAVE = 16,
	RETURN_PARTIAL = 32,
	RETURN_RELEVANCY = 64,
	RETURN_CONTEXT = 128, /* a hint; nothing comes of it */
	RETURN_UPDATE = 256,
};

/* Places in a result, from 1 on, `lo` <= `hi`. */
struct partial_range {
	bool from_end; /* 1 is the last one */
	uint32_t lo, hi;
};

struct search_return {
	bool extended; /* the answer is an ESEARCH; else nothing below counts */
	unsigned items; /* enum search_return_item */
	struct partial_range partial;
	struct fetch_items update_items; /* RFC 5465 §7: of messages that come into the result */
};

/* "1:500", "-1:-100": a mistake if it is none. */
void partial_parse(struct imap_args *a, struct partial_range *ret);
/* The places of `count` that the range has, from 1 on; false if none. */
bool partial_places(
    const struct partial_range *p, uint64_t count, uint64_t *ret_first, uint64_t *ret_last);

/* Takes "RETURN" SP "(" [option *(SP option)] ")" SP, if that stands next. An unknown option is a
 * mistake (RFC 4466 §2.6.1). */
void search_return_parse(struct imap_args *a, struct search_return *ret);

#endif
