/*
 * SORT and UID SORT: RFC 5256 §3, BASE.6.4.SORT; SORT=DISPLAY, RFC 5957; ESORT, RFC 5267 §3.
 *
 * A pump in phases: messages are found and their keys taken, put in order, listed, told. No step
 * holds a worker for long, whatever the size of the mailbox. Strings compare by i;unicode-casemap,
 * as RFC 5255 §4.3 asks at level 1.
 */
#include "imapd/context.h"
#include "imapd/imap_handlers.h"
#include "imapd/search_answer.h"
#include "imapd/search_scope.h"
#include "imapd/sort_run.h"

#define LIST_STEP 65536 /* items listed: about a millisecond */

struct sort {
	struct sort_run sort;
	struct search_answer answer;
	struct context *context; /* of UPDATE, until the search is over */
	size_t listed;
};

static void
release(void *state)
{
	struct sort *q = state;

	sort_run_done(&q->sort);
	context_free(&q->context);
}

/* True when the result is whole. */
static bool
list(struct sort *q, enum err *e)
{
	const struct sort_items *items = &q->sort.items;
	size_t end = items->n - q->listed > LIST_STEP ? q->listed + LIST_STEP : items->n;

	for (; !*e && q->listed < end; q->listed++)
		*e = search_result_add(&q->answer.result, sort_items_number(items, q->listed),
		    q->sort.modseq, sort_items_score(items, q->listed));
	return q->listed == items->n;
}

static enum err
step(struct imap_session *s, struct imap_cmd *cmd, void *state, bool *ret_done)
{
	struct sort *q = state;
	enum err e = ERR_OK;

	if (q->sort.phase != SORT_DONE)
		e = sort_run_step(s, cmd, &q->sort);
	else if (list(q, &e) && !e)
		e = search_answer_finish(&q->answer, s, cmd, &q->sort.run, &q->context, ret_done);
	return e ? search_answer_fail(&q->answer, s, e) : ERR_OK;
}

enum err
cmd_sort(struct imap_session *s, struct imap_cmd *cmd)
{
	struct sort *q = ARENA_NEW(cmd->arena, struct sort);

	if (!q)
		return ERR_NOMEM;
	imap_parse_space(cmd->args);
	search_return_parse(cmd->args, &q->answer.ret);
	sort_parse(cmd->args, &q->sort.items.program);
	bool by_score = sort_has(&q->sort.items.program, SORT_RELEVANCY);
	struct search_scope scope =
	    imap_search_scope(s, s->told, by_score || (q->answer.ret.items & RETURN_RELEVANCY));
	struct imap_args program = *cmd->args;
	search_parse_in_charset(cmd->args, &scope, &q->sort.run.program);
	search_answer_begin(&q->answer, cmd, "SORT");
	q->answer.has_modseq = q->sort.run.program.has_modseq;
	q->sort.uid = cmd->uid;
	q->sort.run.wants_facts = true;
	enum err e = search_run_begin(s, &q->sort.run, cmd);
	if (!e && (q->answer.ret.items & RETURN_UPDATE))
		e = context_new(
		    s, cmd, &program, &q->sort.items.program, &q->answer.ret, &q->context);
	if (e) {
		release(q);
		return search_answer_fail(&q->answer, s, e);
	}
	imap_pump(s, cmd, step, q, release);
	return ERR_OK;
}
