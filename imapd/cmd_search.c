/*
 * SEARCH and UID SEARCH, RFC 3501 §6.4.4 and §6.4.8.
 *
 * A pump: no search holds a worker for longer than a step. A number is written as soon as it is
 * found, so memory does not grow with the result.
 */
#include "common/base/clock.h"
#include "imapd/imap_handlers.h"
#include "imapd/imap_write.h"
#include "imapd/search_run.h"

struct search {
	struct search_run run;
	bool begun; /* "* SEARCH" is written */
};

static void
release(void *state)
{
	struct search *q = state;

	search_run_done(&q->run);
}

static enum err
step(struct imap_session *s, struct imap_cmd *cmd, void *state, bool *ret_done)
{
	struct search *q = state;
	int64_t until_ms = clock_mono_ms() + PUMP_STEP_MS;
	enum search_next next = SEARCH_HIT;
	struct search_hit hit;
	enum err e = ERR_OK;

	if (!q->begun)
		conn_puts(s->conn, "* SEARCH");
	q->begun = true;
	while (!e && next == SEARCH_HIT && !conn_out_full(s->conn)) {
		e = search_run_next(s, &q->run, until_ms, &next, &hit);
		if (!e && next == SEARCH_HIT) {
			conn_puts(s->conn, " ");
			imap_write_u64(s->conn, cmd->uid ? hit.entry->uid : hit.seq);
		}
	}
	search_run_rest(&q->run);
	*ret_done = !e && next == SEARCH_END;
	if (e || *ret_done)
		conn_puts(s->conn, "\r\n");
	return *ret_done ? search_run_end(&q->run, cmd) : e;
}

enum err
cmd_search(struct imap_session *s, struct imap_cmd *cmd)
{
	struct search *q = ARENA_NEW(cmd->arena, struct search);

	if (!q)
		return ERR_NOMEM;
	imap_parse_space(cmd->args);
	search_parse(cmd->args, s->told, &q->run.program);
	enum err e = search_run_begin(s, &q->run, cmd);
	if (!e)
		imap_pump(s, cmd, step, q, release);
	return e;
}
