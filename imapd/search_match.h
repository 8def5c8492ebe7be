/* imapd/search_match.h - whether a message matches a search program, from as little of it as will
 * do: what the view says, then its row, then its header, then its text. Pure.
 */
#ifndef IMAPD_SEARCH_MATCH_H
#define IMAPD_SEARCH_MATCH_H

#include "imapd/search_parse.h"
#include "store/reader.h"

enum match { MATCH_UNKNOWN, MATCH_NO, MATCH_YES };

/* What is known of the message so far. */
struct search_known {
	const struct view_entry *entry;
	bool recent;
	const struct message_row *row; /* NULL: not read */
	enum match *slots; /* answers from its octets, program->slot_count of them */
};

/* MATCH_UNKNOWN: more of the message must be read. */
enum match search_match(const struct search_program *p, const struct search_known *k);

/* A date relates to another so. */
bool search_relates(int32_t day, enum search_relation relation, int32_t to);

/* Nothing is known of the octets. */
void search_forget(const struct search_program *p, enum match *slots);
/* Answers every key that the top header answers, all but BODY and what TEXT did not find there.
 * `header` is looked at as far as SECTION_HEADER_MAX. */
enum err search_header(const struct search_program *p, struct str header, enum match *slots);
/* Looks in the header of a part for TEXT, with `for_body` for BODY too: that of an embedded message
 * is part of the body. */
enum err search_part_header(
    const struct search_program *p, struct str header, bool for_body, enum match *slots);
/* What BODY and TEXT have not found is not there. */
void search_end_body(const struct search_program *p, enum match *slots);

#endif
