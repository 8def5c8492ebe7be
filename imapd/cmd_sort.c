/*
 * SORT and UID SORT: RFC 5256 §3, BASE.6.4.SORT, and SORT=DISPLAY, RFC 5957.
 *
 * A pump in three phases: messages are found and their keys taken, put in order, written. No step
 * holds a worker for long, whatever the size of the mailbox. Strings compare by i;unicode-casemap,
 * as RFC 5255 §4.3 asks at level 1.
 */
#include "imapd/facts_read.h"
#include "imapd/imap_handlers.h"
#include "imapd/imap_write.h"
#include "imapd/search_run.h"
#include "imapd/sort_items.h"

enum sort_phase { SORT_FINDS, SORT_SORTS, SORT_WRITES };

struct sort {
	struct search_run run;
	struct facts_read facts;
	struct sort_items items;
	enum sort_phase phase;
	bool begun; /* "* SORT" is written */
	size_t written;
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
take(struct imap_session *s, struct imap_cmd *cmd, void *state, const struct search_hit *hit)
{
	struct sort *q = state;
	uint32_t number = cmd->uid ? hit->entry->uid : hit->seq;
	struct facts facts;
	size_t table;
	uint32_t row;

	if (search_index_facts(&q->run.index, hit->entry->message, &table, &row))
		return sort_items_add_row(&q->items, number, (uint32_t)table + 1, row);
	enum err e = search_run_reader(s, &q->run);
	if (!e)
		e = facts_read_message(&q->facts, q->run.reader, hit->entry->message,
		    sort_items_want(&q->items.program), &facts);
	if (e)
		return search_run_unread(&q->run, e);
	return sort_items_add(&q->items, number, &facts);
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
		q->phase = SORT_WRITES;
	return e;
}

static bool
write_numbers(struct imap_session *s, struct sort *q)
{
	if (!q->begun)
		conn_puts(s->conn, "* SORT");
	q->begun = true;
	while (q->written < q->items.n && !conn_out_full(s->conn)) {
		conn_puts(s->conn, " ");
		imap_write_u64(s->conn, sort_items_number(&q->items, q->written++));
	}
	if (q->written < q->items.n)
		return false;
	conn_puts(s->conn, "\r\n");
	return true;
}

static enum err
step(struct imap_session *s, struct imap_cmd *cmd, void *state, bool *ret_done)
{
	struct sort *q = state;

	switch (q->phase) {
	case SORT_FINDS:
		return find(s, cmd, q);
	case SORT_SORTS:
		return put_in_order(q);
	case SORT_WRITES:
		break;
	}
	*ret_done = write_numbers(s, q);
	return *ret_done ? search_run_end(&q->run, cmd) : ERR_OK;
}

enum err
cmd_sort(struct imap_session *s, struct imap_cmd *cmd)
{
	struct sort *q = ARENA_NEW(cmd->arena, struct sort);

	if (!q)
		return ERR_NOMEM;
	imap_parse_space(cmd->args);
	sort_parse(cmd->args, &q->items.program);
	search_parse_in_charset(cmd->args, s->told, &q->run.program);
	q->run.wants_facts = true;
	enum err e = search_run_begin(s, &q->run, cmd);
	q->items.tables = q->run.index.tables;
	if (!e)
		imap_pump(s, cmd, step, q, release);
	return e;
}
