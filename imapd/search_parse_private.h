/* imapd/search_parse_private.h - what the reader of search programs is made of: its state, and the
 * nodes it makes. Only for search_*.c.
 */
#ifndef IMAPD_SEARCH_PARSE_PRIVATE_H
#define IMAPD_SEARCH_PARSE_PRIVATE_H

#include "imapd/search_parse.h"

struct search_parser {
	struct imap_args *a;
	const struct search_scope *scope;
	struct search_program *program;
	struct str charset; /* of the strings; empty if not named */
	size_t slot_cap, score_cap;
	unsigned depth;
	unsigned fuzzy; /* how many FUZZY keys are around the one in hand */
	unsigned filters; /* how many filters it stands in */
};

/* NULL without memory, which then sticks in the arguments; so do the other failures. */
struct search_node *search_new_node(struct search_parser *p, enum search_kind kind);
struct search_node *search_new_not(struct search_parser *p, struct search_node *child);
struct search_node *search_new_flags(struct search_parser *p, uint64_t flags, bool set);
/* A node whose answer is found in the message's octets. */
struct search_node *search_new_slot(struct search_parser *p, enum search_kind kind);
/* A key that looks for a string: HEADER (`field`), BODY, TEXT; within FUZZY for its words. */
struct search_node *search_new_string(
    struct search_parser *p, enum search_kind kind, struct str field, struct str needle);

/* Keys behind their word, from the SP that follows it; search_parse_set() begins at the set. */
struct search_node *search_parse_string(
    struct search_parser *p, enum search_kind kind, struct str field);
struct search_node *search_parse_date(
    struct search_parser *p, enum search_kind kind, enum search_relation relation);
struct search_node *search_parse_size(struct search_parser *p, enum search_kind kind);
struct search_node *search_parse_keyword(struct search_parser *p, bool set);
struct search_node *search_parse_set(struct search_parser *p, bool uid);
struct search_node *search_parse_modseq(struct search_parser *p);
struct search_node *search_parse_interval(struct search_parser *p, enum search_kind kind);
struct search_node *search_parse_email_id(struct search_parser *p);
struct search_node *search_parse_beyond(struct search_parser *p, bool after);
struct search_node *search_parse_thread_id(struct search_parser *p);

#endif
