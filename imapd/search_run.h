/* imapd/search_run.h - which messages of a mailbox match a search program, one after the other and
 * over any number of turns: what SEARCH, SORT, THREAD and ESEARCH share.
 *
 * A turn asks search_run_next() until it says SEARCH_PAUSE or SEARCH_END, and gives the database
 * back with search_run_rest() before it ends. What a message costs depends on what decides: often
 * the view alone, seldom its text; a large message is searched piece by piece.
 */
#ifndef IMAPD_SEARCH_RUN_H
#define IMAPD_SEARCH_RUN_H

#include "imapd/imap_command.h"
#include "imapd/objectid.h"
#include "imapd/progress.h"
#include "imapd/search_body.h"
#include "imapd/search_index.h"
#include "imapd/told_walk.h"

struct search_run {
	struct search_program program;
	struct account *account; /* whose mailbox is searched, and what is known of it; of the */
	struct view *view; /* session, unless search_run_begin_in() */
	bool wants_facts; /* of the messages that match: SORT and THREAD */
	struct told_walk walk;
	struct reader *reader; /* NULL between turns, and while nothing had to be read */
	struct search_index index;
	struct search_body body;
	struct uidset limited; /* what of the view is searched, where there is a limit */
	enum match *slots;
	char thread_id[OBJECTID_ROOM]; /* of the message in hand */
	bool threaded; /* all messages have one */
	struct progress progress;
	uint32_t looked;
	uint32_t at; /* sequence number of the message in hand */
	bool in_body; /* the body of the message in hand is being searched */
	bool missing; /* some had been expunged */
	enum err failed; /* some could not be read: the first error */
};

enum search_next {
	SEARCH_HIT,
	SEARCH_PAUSE, /* the time is up */
	SEARCH_END,
};

struct search_hit {
	const struct view_entry *entry; /* of the view */
	uint32_t seq;
	unsigned score; /* where they were asked for: search_score.h */
};

/* All zero but for `program`, which search_parse() has read from cmd->args, and `wants_facts`. Asks
 * for the end of the arguments; errors of imap_parse_end(), ERR_NOMEM: then there is nothing to
 * give back. */
NODISCARD enum err search_run_begin(
    struct imap_session *s, struct search_run *q, struct imap_cmd *cmd);
/* The same in another mailbox, with the end of the arguments asked for already. `view` and `arena`
 * outlive it. */
NODISCARD enum err search_run_begin_in(struct imap_session *s, struct search_run *q,
    struct account *account, struct view *view, struct arena *arena);
/* The same program, read anew, in the next mailbox. What the index says of strings is not asked
 * again where the account is the same. */
NODISCARD enum err search_run_begin_next(struct imap_session *s, struct search_run *q,
    struct account *account, struct view *view, struct arena *arena);
void search_run_done(struct search_run *q);

/* The next message that matches. A message that can't be read does not match, and is
 * remembered. ERR_NOMEM, ERR_BUSY end the search. */
NODISCARD enum err search_run_next(struct imap_session *s, struct search_run *q, int64_t until_ms,
    enum search_next *ret, struct search_hit *ret_hit);
/* The reader of this turn, opened when it is first asked for: q->reader. */
NODISCARD enum err search_run_reader(struct search_run *q);
/* A message of the result could not be read, with this error: remembers it as one that does not
 * match. Gives the errors that end the search. */
NODISCARD enum err search_run_unread(struct search_run *q, enum err e);
/* Ends the turn's read. */
void search_run_rest(struct search_run *q);
/* A turn of a command that answers when it has all that matches: `take` gets one message after the
 * other until the time is up, then the turn's read ends. *ret_end: there are no more, or it had
 * enough.
 */
typedef enum err search_take(struct imap_session *s, struct imap_cmd *cmd, void *state,
    const struct search_hit *hit, bool *ret_enough);
NODISCARD enum err search_run_gather(struct imap_session *s, struct imap_cmd *cmd,
    struct search_run *q, search_take *take, void *state, bool *ret_end);
/* Says with a response code what was wrong with the program, where there is one for it. Gives `e`.
 */
NODISCARD enum err search_explain(const struct search_program *p, enum err e, struct imap_cmd *cmd);
/* What the command answers after SEARCH_END: the error of a message that could not be read, or
 * ERR_OK, with the code of RFC 5530 §3 where some were gone. */
NODISCARD enum err search_run_end(const struct search_run *q, struct imap_cmd *cmd);

#endif
