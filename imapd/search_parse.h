/* imapd/search_parse.h - the search program of a SEARCH (RFC 3501 §6.4.4, RFC 9051 §6.4.4): a tree
 * of keys. Pure; everything lives in the arena of the arguments.
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
	SEARCH_MODSEQ, /* RFC 7162 §3.1.5: `octets` or later */
	/* from the message's row */
	SEARCH_LARGER,
	SEARCH_SMALLER,
	SEARCH_DATE, /* INTERNALDATE */
	SEARCH_OLDER, /* INTERNALDATE is `moment_s` or before (RFC 5032) */
	SEARCH_YOUNGER, /* or after */
	SEARCH_EMAIL_ID, /* RFC 8474: `needle` */
	SEARCH_THREAD_ID, /* RFC 8474: `needle` */
	SEARCH_SAVED, /* RFC 8514: SAVEDATE */
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
	struct str keyword; /* SEARCH_FLAGS: which they are; empty for a system flag */
	uint64_t octets;
	int64_t moment_s;
	enum search_relation relation;
	int32_t day; /* since 1970 */
	struct str field; /* SEARCH_HEADER */
	struct str needle; /* UTF-8, folded */
	size_t slot; /* of its result for the message in hand */
	unsigned points; /* what it adds to the score of a message that matches: search_score.h */
};

/* What a program is read for. */
struct search_scope {
	/* Sequence numbers, "*" and keywords are those of it; NULL: there are none such. */
	const struct view *view;
	bool uid_only; /* sequence numbers are a mistake (RFC 9586) */
	bool utf8; /* UTF8=ACCEPT: strings are UTF-8, and no other charset can be named (RFC 6855
		      §3) */
	bool scored; /* scores will be asked for: without FUZZY that is a mistake (RFC 6203 §4) */
	/* The text of a filter (RFC 5466), in `arena`; ERR_NOT_FOUND. NULL: there are none. */
	enum err (*filter)(void *arg, struct str name, struct arena *arena, struct str *ret);
	void *arg;
};

#define SEARCH_DEPTH_MAX 200 /* parentheses and NOT within each other: ERR_LIMIT */
#define SEARCH_KEYS_MAX 1000 /* ERR_LIMIT */
#define SEARCH_FILTERS_MAX 8 /* filters within each other (RFC 5466 §3.1: three at least) */
#define SEARCH_WORDS_MAX 16 /* of a string of FUZZY; the others decide nothing */

struct search_program {
	struct search_node *root;
	struct search_node **slots; /* the nodes with a slot, by slot */
	size_t slot_count;
	size_t keys;
	bool needs_row; /* some key wants size or date */
	bool has_interval; /* OLDER or YOUNGER */
	bool needs_threads; /* THREADID */
	bool needs_saved; /* SAVEDBEFORE … */
	bool has_modseq; /* the answer names the highest of what was found (RFC 7162 §3.1.5) */
	bool fuzzy; /* some key is FUZZY */
	struct search_node **scores; /* those with points, none of which decides */
	size_t score_count;
	unsigned points; /* of all of them */
	struct str undefined_filter; /* ERR_NOT_FOUND: its name */
	bool needs_uid; /* ERR_SYNTAX: it has sequence numbers */
	bool filter_charset; /* ERR_PARAM: a filter beside another charset than UTF-8 */
	bool needs_header; /* some key has a slot */
	bool needs_body; /* BODY or TEXT */
	/* What matches has of these flags exactly those; known from the keys that all must match.
	 */
	uint64_t mask, flags;
	bool flags_only; /* and there is no other key */
};

/* Reads ["CHARSET" SP astring SP] search-key *(SP search-key). Sequence numbers that do not exist
 * are no mistake (RFC 7377 §2). ERR_BAD_CHARSET, ERR_LIMIT, ERR_SYNTAX, ERR_NOT_FOUND (a filter)
 * stick in `a`. */
void search_parse(
    struct imap_args *a, const struct search_scope *scope, struct search_program *ret);
/* Reads SP charset 1*(SP search-key), as SORT and THREAD have it (RFC 5256 §5). */
void search_parse_in_charset(
    struct imap_args *a, const struct search_scope *scope, struct search_program *ret);
/* For a later time: OLDER and YOUNGER count from now, and keywords are as `view` has them, which
 * may know one that it did not know when the program was read. */
void search_program_rebind(struct search_program *p, const struct view *view);

#endif
