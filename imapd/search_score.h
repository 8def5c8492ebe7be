/* imapd/search_score.h - how relevant a message is that a search with FUZZY has found (RFC 6203
 * §4): 1 to 100.
 *
 * Seven tenths are for where the strings were found: their words in the subject (or in the field
 * that was asked for), and the string as it was given; three tenths for being recent. All of it
 * is known from the header, which the index has. Pure.
 */
#ifndef IMAPD_SEARCH_SCORE_H
#define IMAPD_SEARCH_SCORE_H

#include "imapd/search_match.h"

/* Points of a key: for each word of the string, and for the string itself. */
#define SCORE_WORD 2
#define SCORE_STRING 3

/* All that the score depends on is known. */
bool search_score_is_known(const struct search_program *p, const enum match *slots);
/* Of the message `seq` of `count`. */
unsigned search_score(
    const struct search_program *p, const enum match *slots, uint32_t seq, uint32_t count);

#endif
