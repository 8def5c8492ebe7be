/*
 * SEARCH and UID SEARCH, RFC 3501 §6.4.4 and §6.4.8.
 *
 * A pump: message by message, a large one piece by piece, so that no search holds a worker for
 * longer than a step. A number is written as soon as it is found, so memory does not grow with the
 * result. What a message costs depends on what decides: often the view alone, seldom its text.
 */
#include "common/base/clock.h"
#include "imapd/imap_handlers.h"
#include "imapd/imap_write.h"
#include "imapd/octets.h"
#include "imapd/search_body.h"
#include "imapd/told_walk.h"

struct search {
	struct search_program program;
	struct told_walk walk;
	struct reader *reader; /* NULL between steps */
	struct search_body body;
	enum match *slots;
	bool begun; /* "* SEARCH" is written */
	bool in_body; /* the body of the message in hand is being searched */
	bool missing; /* some had been expunged */
	enum err failed; /* some could not be read: the first error */
};

static void
release(void *state)
{
	struct search *q = state;

	search_body_done(&q->body);
	reader_close(&q->reader);
}

static enum err
need_reader(struct imap_session *s, struct search *q)
{
	return q->reader ? ERR_OK : reader_open(s->account, &q->reader);
}

static enum err
search_stored_header(struct search *q, const struct message_row *row)
{
	CLEANUP(sbuf_done) struct sbuf large = {0};

	if (row->header.p)
		return search_header(&q->program, row->header, q->slots);
	enum err e = octets_read_header(q->reader, row->id, 0, row->header_size, &large);
	return e ? e : search_header(&q->program, sbuf_view(&large), q->slots);
}

/* From the row, then from the header. */
static enum err
match_stored(struct imap_session *s, struct search *q, struct search_known *k, enum match *ret)
{
	const struct search_program *p = &q->program;
	struct message_row row;
	enum err e = need_reader(s, q);

	if (!e && p->needs_row) {
		e = reader_message(q->reader, k->entry->message, WANT_BASICS, &row);
		k->row = &row;
		if (!e)
			*ret = search_match(p, k);
	}
	if (!e && *ret == MATCH_UNKNOWN) {
		unsigned want = WANT_HEADER | (p->needs_body ? WANT_PARTS : 0);
		e = reader_message(q->reader, k->entry->message, want, &row);
		k->row = &row;
		if (!e)
			e = search_stored_header(q, &row);
		if (!e)
			*ret = search_match(p, k);
	}
	if (!e && *ret == MATCH_UNKNOWN) {
		e = search_body_begin(&q->body, &row);
		q->in_body = !e;
	}
	k->row = NULL;
	return e;
}

/* Goes on in the text until it decides or the time is up; then *ret stays MATCH_UNKNOWN. */
static enum err
match_body(struct imap_session *s, struct search *q, struct search_known *k, int64_t until_ms,
    enum match *ret)
{
	struct message_row row;
	enum err e = need_reader(s, q);

	if (!e) /* size and date are asked for again: the row of the last step is no more */
		e = reader_message(q->reader, k->entry->message, WANT_BASICS, &row);
	k->row = &row;
	while (!e && *ret == MATCH_UNKNOWN && clock_mono_ms() < until_ms) {
		bool done;
		e = search_body_step(&q->body, q->reader, k->entry->message, &done);
		if (!e)
			*ret = search_match(&q->program, k);
	}
	if (e || *ret != MATCH_UNKNOWN)
		q->in_body = false;
	k->row = NULL;
	return e;
}

/* A message that can't be read does not match, and is remembered. */
static enum err
match_message(struct imap_session *s, struct search *q, const struct view_entry *entry,
    int64_t until_ms, enum match *ret)
{
	struct search_known k = {entry, imap_is_recent(s, entry->uid), NULL, q->slots};
	enum err e = ERR_OK;

	*ret = MATCH_UNKNOWN;
	if (!q->in_body) {
		search_forget(&q->program, q->slots);
		*ret = search_match(&q->program, &k);
		if (*ret == MATCH_UNKNOWN)
			e = match_stored(s, q, &k, ret);
	}
	if (!e && q->in_body)
		e = match_body(s, q, &k, until_ms, ret);
	if (!e)
		return ERR_OK;
	*ret = MATCH_NO;
	q->in_body = false;
	if (e == ERR_GONE)
		q->missing = true;
	else if (!q->failed)
		q->failed = e;
	return e == ERR_NOMEM || e == ERR_BUSY ? e : ERR_OK;
}

static void
end_line(struct imap_session *s, struct search *q)
{
	if (q->begun)
		conn_puts(s->conn, "\r\n");
}

static enum err
end_search(struct imap_session *s, struct imap_cmd *cmd, struct search *q)
{
	end_line(s, q);
	if (!q->failed && q->missing) /* RFC 5530 §3 has it so: OK [EXPUNGEISSUED] */
		imap_set_code(cmd, "EXPUNGEISSUED");
	return q->failed;
}

static enum err
step(struct imap_session *s, struct imap_cmd *cmd, void *state, bool *ret_done)
{
	struct search *q = state;
	int64_t until_ms = clock_mono_ms() + PUMP_STEP_MS;
	enum err e = ERR_OK;

	if (!q->begun)
		conn_puts(s->conn, "* SEARCH");
	q->begun = true;
	for (uint32_t n = 0; n % 64 != 63 || clock_mono_ms() < until_ms; n++) {
		enum match m;
		uint32_t seq;
		const struct view_entry *entry = told_walk_peek(&q->walk, s->told, &seq);
		if (!entry) {
			*ret_done = true;
			e = end_search(s, cmd, q);
			break;
		}
		if (conn_out_full(s->conn) || (q->reader && clock_mono_ms() >= until_ms))
			break;
		e = match_message(s, q, entry, until_ms, &m);
		if (e)
			end_line(s, q);
		if (e || m == MATCH_UNKNOWN)
			break;
		if (m == MATCH_YES) {
			conn_puts(s->conn, " ");
			imap_write_u64(s->conn, cmd->uid ? entry->uid : seq);
		}
		told_walk_pass(&q->walk, entry->uid);
	}
	reader_close(&q->reader);
	return e;
}

enum err
cmd_search(struct imap_session *s, struct imap_cmd *cmd)
{
	struct search *q = ARENA_NEW(cmd->arena, struct search);

	if (!q)
		return ERR_NOMEM;
	imap_parse_space(cmd->args);
	search_parse(cmd->args, s->told, &q->program);
	enum err e = imap_parse_end(cmd->args);
	if (e)
		return e;
	q->slots = arena_alloc_array(cmd->arena, q->program.slot_count, sizeof(q->slots[0]));
	if (!q->slots)
		return ERR_NOMEM;
	e = search_body_init(&q->body, &q->program, q->slots, cmd->arena);
	if (e)
		release(q);
	else
		imap_pump(s, cmd, step, q, release);
	return e;
}
