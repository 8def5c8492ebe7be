/*
 * THREAD and UID THREAD: RFC 5256 §3, BASE.6.4.THREAD; the algorithms ORDEREDSUBJECT and
 * REFERENCES.
 *
 * A pump in three phases, as SORT: messages are found and linked, the forest is finished in a few
 * passes, and written.
 */
#include "imapd/facts_read.h"
#include "imapd/imap_handlers.h"
#include "imapd/search_run.h"
#include "imapd/search_scope.h"
#include "imapd/thread_write.h"

enum thread_phase { THREAD_FINDS, THREAD_FINISHES, THREAD_WRITES };

struct thread {
	struct search_run run;
	struct facts_read facts;
	struct thread_forest forest;
	struct thread_walk walk;
	enum thread_phase phase;
};

static void
release(void *state)
{
	struct thread *q = state;

	search_run_done(&q->run);
	facts_read_done(&q->facts);
	thread_forest_done(&q->forest);
}

static enum err
take(struct imap_session *s, struct imap_cmd *cmd, void *state, const struct search_hit *hit,
    bool *ret_enough)
{
	struct thread *q = state;
	uint32_t number = cmd->uid ? hit->entry->uid : hit->seq;
	struct facts facts;
	size_t table;
	uint32_t row;

	(void)s;
	(void)ret_enough;
	if (search_index_facts(&q->run.index, hit->entry->message, &table, &row)) {
		facts_table_thread(&q->run.index.tables[table], row, &facts);
		return thread_forest_add(&q->forest, number, &facts);
	}
	enum err e = search_run_reader(&q->run);
	if (!e)
		e = facts_read_message(&q->facts, q->run.reader, hit->entry->message,
		    thread_forest_want(&q->forest), &facts);
	if (e)
		return search_run_unread(&q->run, e);
	return thread_forest_add(&q->forest, number, &facts);
}

static enum err
find(struct imap_session *s, struct imap_cmd *cmd, struct thread *q)
{
	bool end;
	enum err e = search_run_gather(s, cmd, &q->run, take, q, &end);

	if (!e && end)
		q->phase = THREAD_FINISHES;
	return e;
}

static enum err
finish(struct imap_session *s, struct thread *q)
{
	bool done;
	enum err e = thread_forest_finish(&q->forest, &done);

	if (e || !done)
		return e;
	conn_puts(s->conn, "* THREAD");
	q->walk = thread_walk_begin(&q->forest);
	q->phase = THREAD_WRITES;
	return ERR_OK;
}

static enum err
step(struct imap_session *s, struct imap_cmd *cmd, void *state, bool *ret_done)
{
	struct thread *q = state;

	switch (q->phase) {
	case THREAD_FINDS:
		return find(s, cmd, q);
	case THREAD_FINISHES:
		return finish(s, q);
	case THREAD_WRITES:
		break;
	}
	*ret_done = thread_write(&q->walk, &q->forest, s->conn);
	if (!*ret_done)
		return ERR_OK;
	conn_puts(s->conn, "\r\n");
	return search_run_end(&q->run, cmd);
}

static enum thread_algorithm
parse_algorithm(struct imap_args *a)
{
	imap_parse_space(a);
	if (imap_accept_word(a, "ORDEREDSUBJECT"))
		return THREAD_ORDEREDSUBJECT;
	if (imap_accept_word(a, "REFS"))
		return THREAD_REFS;
	if (!imap_accept_word(a, "REFERENCES"))
		imap_parse_fail(a, ERR_SYNTAX, "a threading algorithm that is known");
	return THREAD_REFERENCES;
}

enum err
cmd_thread(struct imap_session *s, struct imap_cmd *cmd)
{
	struct thread *q = ARENA_NEW(cmd->arena, struct thread);

	if (!q)
		return ERR_NOMEM;
	q->forest.algorithm = parse_algorithm(cmd->args);
	struct search_scope scope = imap_search_scope(s, s->told, false);
	search_parse_in_charset(cmd->args, &scope, &q->run.program);
	q->run.wants_facts = true;
	enum err e = search_run_begin(s, &q->run, cmd);
	if (e)
		return e;
	thread_forest_expect(&q->forest, view_count(s->told));
	imap_pump(s, cmd, step, q, release);
	return ERR_OK;
}
