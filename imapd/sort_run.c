#include "imapd/sort_run.h"

void
sort_run_done(struct sort_run *q)
{
	search_run_done(&q->run);
	facts_read_done(&q->facts);
	sort_items_done(&q->items);
}

static enum err
take(struct imap_session *s, struct imap_cmd *cmd, void *state, const struct search_hit *hit,
    bool *ret_enough)
{
	struct sort_run *q = state;
	uint32_t number = q->uid ? hit->entry->uid : hit->seq;
	struct facts facts;
	size_t table;
	uint32_t row;

	(void)s;
	(void)cmd;
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

enum err
sort_run_step(struct imap_session *s, struct imap_cmd *cmd, struct sort_run *q)
{
	bool done = false;
	enum err e = ERR_OK;

	if (q->phase == SORT_FINDS) {
		q->items.tables = q->run.index.tables;
		e = search_run_gather(s, cmd, &q->run, take, q, &done);
		if (done)
			q->phase = SORT_SORTS;
	} else if (q->phase == SORT_SORTS) {
		e = sort_items_step(&q->items, &done);
		if (done)
			q->phase = SORT_DONE;
	}
	return e;
}
