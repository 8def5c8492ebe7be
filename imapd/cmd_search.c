/*
 * SEARCH and UID SEARCH, RFC 3501 §6.4.4 and §6.4.8, RFC 9051 §6.4.4, with the return options of
 * search_return.h.
 *
 * A pump in two phases: messages are found, then told. No search holds a worker for longer than a
 * step.
 */
#include "imapd/imap_handlers.h"
#include "imapd/search_answer.h"
#include "imapd/search_scope.h"

struct search {
	struct search_run run;
	struct search_answer answer;
	struct context *context; /* of UPDATE, until the search is over */
	bool found; /* all that there is */
};

static void
release(void *state)
{
	struct search *q = state;

	search_run_done(&q->run);
	context_free(&q->context);
}

static enum err
take(struct imap_session *s, struct imap_cmd *cmd, void *state, const struct search_hit *hit,
    bool *ret_enough)
{
	struct search *q = state;
	enum err e = search_answer_add(&q->answer, hit);

	(void)s;
	(void)cmd;
	*ret_enough = search_answer_is_enough(&q->answer);
	return e;
}

static enum err
step(struct imap_session *s, struct imap_cmd *cmd, void *state, bool *ret_done)
{
	struct search *q = state;
	enum err e = ERR_OK;

	if (!q->found)
		e = search_run_gather(s, cmd, &q->run, take, q, &q->found);
	else
		e = search_answer_finish(&q->answer, s, cmd, &q->run, &q->context, ret_done);
	return e ? search_answer_fail(&q->answer, s, e) : ERR_OK;
}

enum err
cmd_search(struct imap_session *s, struct imap_cmd *cmd)
{
	struct search *q = ARENA_NEW(cmd->arena, struct search);

	if (!q)
		return ERR_NOMEM;
	imap_parse_space(cmd->args);
	search_return_parse(cmd->args, &q->answer.ret);
	if (!q->answer.ret.extended && (s->enabled & EN_REV2)) /* RFC 9051 §6.4.4 */
		q->answer.ret = (struct search_return){.extended = true, .items = RETURN_ALL};
	struct search_scope scope =
	    imap_search_scope(s, s->told, q->answer.ret.items & RETURN_RELEVANCY);
	struct imap_args program = *cmd->args;
	search_parse(cmd->args, &scope, &q->run.program);
	search_answer_begin(&q->answer, cmd, "SEARCH");
	q->answer.has_modseq = q->run.program.has_modseq;
	enum err e = search_run_begin(s, &q->run, cmd);
	if (!e && (q->answer.ret.items & RETURN_UPDATE))
		e = context_new(s, cmd, &program, NULL, &q->answer.ret, &q->context);
	if (e) {
		release(q);
		return search_answer_fail(&q->answer, s, e);
	}
	imap_pump(s, cmd, step, q, release);
	return ERR_OK;
}
