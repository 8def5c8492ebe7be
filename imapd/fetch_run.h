/* imapd/fetch_run.h - FETCH responses for the messages of a set, over several steps.
 *
 * Each step opens a reader, goes on where the last one stopped, be it within a message or within
 * the octets of a section, and closes the reader. A message of any size passes in constant memory,
 * since what is announced as a literal's length is known from the part table. A literal that has
 * begun must be finished though the message is expunged meanwhile: a small one is written in one
 * step, for a large one the message's file is kept open.
 */
#ifndef IMAPD_FETCH_RUN_H
#define IMAPD_FETCH_RUN_H

#include "imapd/fetch_binary.h"
#include "imapd/fetch_listed.h"
#include "imapd/fetch_value.h"
#include "imapd/own_flags.h"
#include "imapd/told_walk.h"

struct fetch_run {
	/* set by the caller; the rest is zero at first */
	struct fetch_items items;
	struct told_walk walk; /* through s->told */
	uint64_t since; /* only what was changed after it */
	struct own_flags own; /* \Seen, set before anything is told */

	struct fetch_source source;
	struct fetch_listed listed;
	unsigned want; /* of reader_message() */
	bool threads; /* are asked for, and not all messages have one yet */
	bool needs_row; /* what the view has is not enough */
	bool sizes; /* are asked for: seldom one is too large for the view */
	bool header_only; /* all items but what the view has are of the header */
	bool octets_only; /* or of the octets, with no part looked for */

	/* the message in progress */
	bool open; /* its "* n FETCH (" is written */
	bool wrote_item;
	size_t item; /* the next one */
	bool in_value; /* label and length of that item are written */
	uint64_t written; /* octets of its value that are */
	struct fetch_value value; /* that value, while source.file is kept for it */

	struct fetch_binary binary; /* or the decoded one */

	bool unknown_encoding; /* of some part that was to be decoded */
	bool missing; /* some had been expunged */
	enum err failed; /* some could not be read: the first error */
	int64_t until_ms; /* when this step has had its share */
	unsigned looks; /* at the clock */
};

/* Before the first step: what the items need. */
void fetch_run_plan(struct fetch_run *f);
/* Writes until the output is full, its share of time is over, or (*ret_done) all is written. What
 * can't be read is left out and noted in `failed` and `missing`. An error ends it; where it comes
 * within a literal, s->pump.cut is set: nothing more may be written to the connection. */
NODISCARD enum err fetch_run_step(struct imap_session *s, struct fetch_run *f, bool *ret_done);
void fetch_run_done(struct fetch_run *f);

#endif
