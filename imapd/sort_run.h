/* imapd/sort_run.h - the messages that match a search, put in the order of sort criteria, over any
 * number of turns.
 */
#ifndef IMAPD_SORT_RUN_H
#define IMAPD_SORT_RUN_H

#include "imapd/facts_read.h"
#include "imapd/search_run.h"
#include "imapd/sort_items.h"

enum sort_phase { SORT_FINDS, SORT_SORTS, SORT_DONE };

struct sort_run {
	struct search_run run;
	struct facts_read facts;
	struct sort_items items; /* SORT_DONE: in order */
	bool uid; /* its numbers are UIDs */
	enum sort_phase phase;
	uint64_t modseq; /* the highest found */
};

/* All zero but for items.program, `uid` and `run`, which has begun with wants_facts. Does some of
 * the work; it is over at SORT_DONE. */
NODISCARD enum err sort_run_step(struct imap_session *s, struct imap_cmd *cmd, struct sort_run *q);
void sort_run_done(struct sort_run *q);

#endif
