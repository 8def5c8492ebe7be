/* imapd/search_parse.h - the search program of a SEARCH (RFC 3501 §6.4.4): a tree of keys.
 * Pure; everything lives in the command's arena.
 */
#ifndef IMAPD_SEARCH_PARSE_H
#define IMAPD_SEARCH_PARSE_H

#include "imapd/imap_parse.h"

enum search_kind {
	SEARCH_ALL,
	SEARCH_AND,
	SEARCH_OR,
	SEARCH_NOT,
	/* known from the view */
	SEARCH_UIDS,
	SEARCH_FLAGS,
	SEARCH_RECENT,
	/* from the message's row */
	SEARCH_LARGER,
	SEARCH_SMALLER,
	SEARCH_DATE, /* INTERNALDATE */
	/* from its octets; these have a slot */
	SEARCH_SENT, /* the Date: field */
	SEARCH_HEADER,
	SEARCH_BODY,
	SEARCH_TEXT,
};

enum search_relation { SEARCH_BEFORE, SEARCH_ON, SEARCH_SINCE };

struct search_node {
	enum search_kind kind;
	struct search_node *child; /* AND, OR, NOT */
	struct search_node *next; /* among the children of its parent */
	struct uidset uids;
	uint64_t flags; /* bits of the view the program was parsed for; all must be set */
	uint64_t octets;
	enum search_relation relation;
	int32_t day; /* since 1970 */
	struct str field; /* SEARCH_HEADER */
	struct str needle; /* UTF-8, folded */
	size_t slot; /* of its result for the message in hand */
};

#define SEARCH_DEPTH_MAX 200 /* parentheses and NOT within each other: ERR_LIMIT */
#define SEARCH_KEYS_MAX 1000 /* ERR_LIMIT */

struct search_program {
	struct search_node *root;
	struct search_node **slots; /* the nodes with a slot, by slot */
	size_t slot_count;
	size_t keys;
	bool needs_row; /* some key wants size or date */
	bool needs_header; /* some key has a slot */
	bool needs_body; /* BODY or TEXT */
	/* What matches has of these flags exactly those; known from the keys that all must match.
	 */
	uint64_t mask, flags;
	bool flags_only; /* and there is no other key */
};

/* Reads ["CHARSET" SP astring SP] search-key *(SP search-key). Sequence numbers, "*" and keywords
 * are resolved in `view`. ERR_BAD_CHARSET, ERR_LIMIT, ERR_SYNTAX stick in `a`. */
void search_parse(struct imap_args *a, const struct view *view, struct search_program *ret);
/* Reads SP charset 1*(SP search-key), as SORT and THREAD have it (RFC 5256 §5). */
void search_parse_in_charset(
    struct imap_args *a, const struct view *view, struct search_program *ret);

#endif
