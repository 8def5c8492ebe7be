/* imapd/search_index.h - answers to the keys of a search program from the account's segments, for
 * those messages that a segment covers; the others are searched as if there were no index, so the
 * result is the same whatever is covered. One thread at a time; no database handle is held.
 *
 * A segment is asked about a key when the first of its messages comes up, one key at a time.
 */
#ifndef IMAPD_SEARCH_INDEX_H
#define IMAPD_SEARCH_INDEX_H

#include "imapd/search_match.h"
#include "search/facts_table.h"
#include "search/indexer.h"

struct slot_answer;

/* All zero: no index. */
struct search_index {
	const struct search_program *p;
	struct segments *set; /* NULL: nothing is covered */
	struct facts_table *tables; /* by segment */
	struct segment_place place;
	struct message_row row; /* see search_index_row() */
	struct slot_answer **answers; /* by segment; NULL until it is asked */
	struct indexer *indexer; /* NULL: none, or it knows already that it is behind */
	struct account *account;
	unsigned missed; /* messages that were looked for in vain */
};

/* `indexer` may be NULL. `wants_facts`: search_index_facts() will be asked for, whatever the
 * program is. Failures of the index are no failures of the search: it then covers nothing.
 * ERR_NOMEM. */
NODISCARD enum err search_index_begin(struct search_index *x, const struct search_program *p,
    bool wants_facts, struct indexer *indexer, struct account *a);
void search_index_done(struct search_index *x);

/* Fills in what is known of the message; slots of which nothing is known are left alone. False when
 * the time is up before all was asked: to be called again. ERR_NOMEM. */
NODISCARD enum err search_index_fill(
    struct search_index *x, int64_t message, enum match *slots, int64_t until_ms, bool *ret_filled);
/* The size and the date of the message, as if its row had been read; NULL if they are not known. */
const struct message_row *search_index_row(struct search_index *x, int64_t message);
/* Where its facts are: in x->tables[*ret_table]. False if nowhere. */
bool search_index_facts(
    struct search_index *x, int64_t message, size_t *ret_table, uint32_t *ret_row);

#endif
