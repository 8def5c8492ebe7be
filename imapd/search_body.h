/* imapd/search_body.h - the keys BODY and TEXT, looked for in the parts of a message piece by
 * piece, so that a search of a message of any size can stop and go on.
 *
 * BODY looks at what the parts of type text say and at the headers of embedded messages; TEXT also
 * at the MIME headers (a file's name). Other parts are left out, as RFC 3501 §6.4.4 allows.
 */
#ifndef IMAPD_SEARCH_BODY_H
#define IMAPD_SEARCH_BODY_H

#include "imapd/search_match.h"
#include "search/message_texts.h"
#include "search/text_search.h"

struct search_body {
	const struct search_program *p;
	enum match *slots; /* the caller's */
	struct arena *arena; /* of the part table */
	struct part_table parts;
	struct message_texts texts;
	struct text_search search;
	struct text_needle *needles; /* what the text in hand is searched for */
	size_t *slot_of; /* whose answers they are */
	size_t needle_count;
};

/* ERR_NOMEM. `slots` and `cmd_arena` live as long as the search. */
NODISCARD enum err search_body_init(struct search_body *b, const struct search_program *p,
    enum match *slots, struct arena *cmd_arena);
void search_body_done(struct search_body *b);

/* Begins with the message of this row (WANT_PARTS). ERR_CORRUPT, ERR_NOMEM. */
NODISCARD enum err search_body_begin(struct search_body *b, const struct message_row *row);
/* Looks at the next piece; what it finds becomes MATCH_YES in the slots; at the end the others are
 * MATCH_NO. Errors of reader_read(). */
NODISCARD enum err search_body_step(
    struct search_body *b, struct reader *r, int64_t message, bool *ret_done);

#endif
