/* imapd/search_answer.h - the answer of SEARCH, SORT and ESEARCH: an ESEARCH response, or the old
 * SEARCH or SORT, written over any number of turns; and what is saved of it.
 */
#ifndef IMAPD_SEARCH_ANSWER_H
#define IMAPD_SEARCH_ANSWER_H

#include "imapd/context.h"
#include "imapd/imap_command.h"
#include "imapd/search_result.h"
#include "imapd/search_return.h"
#include "imapd/search_run.h"

enum answer_phase {
	ANSWER_BEGINS,
	ANSWER_NUMBERS, /* of SEARCH and SORT */
	ANSWER_ALL,
	ANSWER_PARTIAL,
	ANSWER_SCORES,
	ANSWER_ENDS,
};

struct search_answer {
	struct search_return ret;
	struct search_result result;
	const char *old_name; /* "SEARCH", "SORT": where no ESEARCH was asked for */
	bool has_modseq;
	bool silent; /* nothing is told */
	bool is_list; /* some numbers of the list in hand are written */
	/* ESEARCH: RFC 7377 §2.1; a NULL slice otherwise */
	struct str mailbox;
	uint32_t uidvalidity;
	enum answer_phase phase;
	struct result_walk walk;
	struct uid_range run; /* ANSWER_NUMBERS: what is left of one */
	uint64_t score;
};

/* Before the search; `ret` is parsed. */
void search_answer_begin(struct search_answer *a, struct imap_cmd *cmd, const char *old_name);
/* It has found another. ERR_NOMEM. */
NODISCARD enum err search_answer_add(struct search_answer *a, const struct search_hit *hit);
/* Nothing that is found from now on changes the answer. */
bool search_answer_is_enough(const struct search_answer *a);
/* Writes a result that is whole; when it is written (*ret_done), saves of it what was to be saved,
 * and lets `context`, if there is one, go on with it. NO [NOTSAVED] (ERR_LIMIT) where that is too
 * much, and the errors of search_run_end(). */
NODISCARD enum err search_answer_finish(struct search_answer *a, struct imap_session *s,
    struct imap_cmd *cmd, const struct search_run *run, struct context **context, bool *ret_done);
/* The search has failed with NO: then nothing is saved any more (RFC 5182 §2.1). Gives `e`. */
NODISCARD enum err search_answer_fail(
    const struct search_answer *a, struct imap_session *s, enum err e);

#endif
