/*
 * SORT and UID SORT: RFC 5256 §3, BASE.6.4.SORT; SORT=DISPLAY, RFC 5957; ESORT, RFC 5267 §3.
 *
 * A pump in phases: messages are found and their keys taken, put in order, listed, told. No step
 * holds a worker for long, whatever the size of the mailbox. Strings compare by i;unicode-casemap,
 * as RFC 5255 §4.3 asks at level 1.
 */
#include "imapd/facts_read.h"
#include "imapd/imap_handlers.h"
#include "imapd/search_answer.h"
#include "imapd/search_scope.h"
#include "imapd/sort_items.h"

#define LIST_STEP 65536 /* items listed: about a millisecond */

enum sort_phase { SORT_FINDS, SORT_SORTS, SORT_LISTS, SORT_WRITES };

struct sort {
	struct search_run run;
	struct facts_read facts;
	struct sort_items items;
	struct search_answer answer;
	enum sort_phase phase;
	uint64_t modseq; /* the highest found */
	size_t listed;
};

static void
release(void *state)
{
	struct sort *q = state;

	search_run_done(&q->run);
	facts_read_done(&q->facts);
	sort_items_done(&q->items);
}

static enum err
take(struct imap_session *s, struct imap_cmd *cmd, void *state, const struct search_hit *hit,
    bool *ret_enough)
{
	struct sort *q = state;
	uint32_t number = cmd->uid ? hit->entry->uid : hit->seq;
	struct facts facts;
	size_t table;
	uint32_t row;

	(void)s;
	(void)ret_enough; /* what sorts first may come last */
	if (hit->entry->modseq > q->modseq)
		q->modseq = hit->entry->modseq;
	if (search_index_facts(&q->run.index, hit->entry->message, &table, &row))
		return sort_items_add_row(&q->items, number, hit->score, (uint32_t)table + 1, row);
	enum err e = search_run_reader(&q->run);
	if (!e)
		e = facts_read_message(&q->facts, q->run.reader, hit->entry->message,
		    sort_items_want(&q->items.program), &facts);
	if (e)
		return search_run_unread(&q->run, e);
	return sort_items_add(&q->items, number, hit->score, &facts);
}

static enum err
find(struct imap_session *s, struct imap_cmd *cmd, struct sort *q)
{
	bool end;
	enum err e = search_run_gather(s, cmd, &q->run, take, q, &end);

	if (!e && end)
		q->phase = SORT_SORTS;
	return e;
}

static enum err
put_in_order(struct sort *q)
{
	bool done;
	enum err e = sort_items_step(&q->items, &done);

	if (!e && done)
		q->phase = SORT_LISTS;
	return e;
}

static enum err
list(struct sort *q)
{
	size_t end = q->items.n - q->listed > LIST_STEP ? q->listed + LIST_STEP : q->items.n;
	enum err e = ERR_OK;

	for (; !e && q->listed < end; q->listed++)
		e = search_result_add(&q->answer.result, sort_items_number(&q->items, q->listed),
		    q->modseq, sort_items_score(&q->items, q->listed));
	if (!e && q->listed == q->items.n)
		q->phase = SORT_WRITES;
	return e;
}

static enum err
write_answer(struct imap_session *s, struct imap_cmd *cmd, struct sort *q, bool *ret_done)
{
	*ret_done = search_answer_write(&q->answer, s, cmd, s->told);
	if (!*ret_done)
		return ERR_OK;
	enum err e = search_run_end(&q->run, cmd);
	return e ? e : search_answer_save(&q->answer, s, cmd);
}

static enum err
step(struct imap_session *s, struct imap_cmd *cmd, void *state, bool *ret_done)
{
	struct sort *q = state;
	enum err e = ERR_OK;

	switch (q->phase) {
	case SORT_FINDS:
		e = find(s, cmd, q);
		break;
	case SORT_SORTS:
		e = put_in_order(q);
		break;
	case SORT_LISTS:
		e = list(q);
		break;
	case SORT_WRITES:
		e = write_answer(s, cmd, q, ret_done);
		break;
	}
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
	sort_parse(cmd->args, &q->items.program);
	struct search_scope scope = imap_search_scope(s, s->told,
	    (q->answer.ret.items & RETURN_RELEVANCY) ||
		sort_has(&q->items.program, SORT_RELEVANCY));
	search_parse_in_charset(cmd->args, &scope, &q->run.program);
	search_answer_begin(&q->answer, cmd, "SORT");
	q->answer.has_modseq = q->run.program.has_modseq;
	q->run.wants_facts = true;
	enum err e = search_run_begin(s, &q->run, cmd);
	if (e)
		return search_answer_fail(&q->answer, s, e);
	q->items.tables = q->run.index.tables;
	imap_pump(s, cmd, step, q, release);
	return ERR_OK;
}
