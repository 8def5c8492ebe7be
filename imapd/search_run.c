#include "imapd/search_run.h"

#include "common/base/clock.h"
#include "imapd/imap_session.h"
#include "imapd/message_limit.h"
#include "imapd/search_score.h"
#include "search/octets.h"
#include "store/threads.h"

#define LOOKS 64 /* messages that the view alone decides between two looks at the clock */

enum err
search_run_reader(struct search_run *q)
{
	return q->reader ? ERR_OK : reader_open(q->account, &q->reader);
}

void
search_run_rest(struct search_run *q)
{
	reader_close(&q->reader);
}

void
search_run_done(struct search_run *q)
{
	search_index_done(&q->index);
	search_body_done(&q->body);
	reader_close(&q->reader);
}

enum err
search_run_unread(struct search_run *q, enum err e)
{
	if (e == ERR_GONE)
		q->missing = true;
	else if (!q->failed)
		q->failed = e;
	return e == ERR_NOMEM || e == ERR_BUSY ? e : ERR_OK;
}

static enum err
begin_messages(
    struct search_run *q, struct account *account, struct view *view, struct arena *arena)
{
	q->account = account;
	q->view = view;
	q->walk = (struct told_walk){0};
	q->slots = arena_alloc_array(arena, q->program.slot_count, sizeof(q->slots[0]));
	return q->slots ? search_body_init(&q->body, &q->program, q->slots, arena) : ERR_NOMEM;
}

static enum err
begin_index(struct imap_session *s, struct search_run *q)
{
	return search_index_begin(&q->index, &q->program, q->wants_facts,
	    s->conf->imapd.search_index ? s->indexer : NULL, q->account);
}

enum err
search_run_begin_in(struct imap_session *s, struct search_run *q, struct account *account,
    struct view *view, struct arena *arena)
{
	enum err e = begin_messages(q, account, view, arena);

	if (!e)
		e = begin_index(s, q);
	if (e)
		search_run_done(q);
	return e;
}

enum err
search_run_begin_next(struct imap_session *s, struct search_run *q, struct account *account,
    struct view *view, struct arena *arena)
{
	bool same = q->account == account;

	search_body_done(&q->body);
	if (!same)
		search_index_done(&q->index);
	enum err e = begin_messages(q, account, view, arena);
	if (!e && !same)
		e = begin_index(s, q);
	return e;
}

static enum err
intersect(const struct uidset *a, const struct uidset *b, struct uidset *ret)
{
	enum err e = ERR_OK;

	for (size_t i = 0, j = 0; i < a->n && j < b->n && !e;) {
		uint32_t lo = a->r[i].lo > b->r[j].lo ? a->r[i].lo : b->r[j].lo;
		uint32_t hi = a->r[i].hi < b->r[j].hi ? a->r[i].hi : b->r[j].hi;
		if (lo <= hi)
			e = uidset_add(ret, lo, hi);
		if (a->r[i].hi < b->r[j].hi)
			i++;
		else
			j++;
	}
	return e;
}

/* RFC 9738 §3.1 counts the messages that are searched: those in all the sets that are named. */
static enum err
limit_search(struct imap_session *s, struct search_run *q, struct imap_cmd *cmd)
{
	const struct search_node *root = q->program.root;
	const struct search_node *n = root->kind == SEARCH_AND ? root->child : root;
	enum err e = ERR_OK;

	uidset_init(&q->limited, cmd->arena);
	e = uidset_add(&q->limited, 1, UINT32_MAX);
	for (; n && !e; n = n == root ? NULL : n->next) {
		struct uidset both = {.arena = cmd->arena};
		if (n->kind != SEARCH_UIDS)
			continue;
		e = intersect(&q->limited, &n->uids, &both);
		q->limited = both;
	}
	if (!e)
		e = imap_limit_messages(s, cmd, &q->limited, 0);
	if (cmd->limited_to)
		q->walk.uids = &q->limited;
	return e;
}

enum err
search_run_begin(struct imap_session *s, struct search_run *q, struct imap_cmd *cmd)
{
	enum err e = imap_parse_end(cmd->args);

	if (e)
		return search_explain(&q->program, e, cmd);
	if (q->program.has_modseq)
		imap_enable_condstore(s); /* RFC 7162 §3.1 */
	e = search_run_begin_in(s, q, s->owner, s->told, cmd->arena);
	if (!e && s->conf->imapd.message_limit > 0)
		e = limit_search(s, q, cmd);
	return e;
}

static enum err
search_stored_header(struct search_run *q, const struct message_row *row)
{
	CLEANUP(sbuf_done) struct sbuf large = {0};

	if (row->header.p)
		return search_header(&q->program, row->header, q->slots);
	enum err e = octets_read_header(q->reader, row->id, 0, row->header_size, &large);
	return e ? e : search_header(&q->program, sbuf_view(&large), q->slots);
}

/* From the index; *ret_filled is false when the time is up before it was asked. */
static enum err
match_indexed(struct search_run *q, struct search_known *k, int64_t until_ms, enum match *ret,
    bool *ret_filled)
{
	enum err e =
	    search_index_fill(&q->index, k->entry->message, q->slots, until_ms, ret_filled);

	if (e || !*ret_filled)
		return e;
	if (q->program.needs_row)
		k->row = search_index_row(&q->index, k->entry->message);
	*ret = search_match(&q->program, k);
	k->row = NULL;
	return ERR_OK;
}

/* What of the message does not stand in its row. */
static enum err
look_up(struct search_run *q, const struct search_known *k, struct message_row *row)
{
	const struct search_program *p = &q->program;
	int64_t thread = 0;
	enum err e = ERR_OK;

	if (p->needs_saved)
		e = reader_saved(q->reader, view_mailbox(q->view), k->entry->uid, &row->saved_s);
	if (!e && p->needs_threads)
		e = reader_thread(q->reader, k->entry->message, &thread);
	if (thread)
		thread_objectid(q->thread_id, q->account, thread);
	else
		q->thread_id[0] = '\0';
	row->thread_id = str_of(q->thread_id);
	return e;
}

static enum err
read_row(struct search_run *q, const struct search_known *k, unsigned want, struct message_row *row)
{
	enum err e = reader_message(q->reader, k->entry->message, want, row);

	return e ? e : look_up(q, k, row);
}

/* From the row, then from the header. */
static enum err
match_stored(struct search_run *q, struct search_known *k, enum match *ret)
{
	const struct search_program *p = &q->program;
	struct message_row row;
	enum err e = search_run_reader(q);

	if (!e && p->needs_row) {
		e = read_row(q, k, WANT_BASICS, &row);
		k->row = &row;
		if (!e)
			*ret = search_match(p, k);
	}
	if (!e && *ret == MATCH_UNKNOWN) {
		unsigned want = WANT_HEADER | (p->needs_body ? WANT_PARTS : 0);
		e = read_row(q, k, want, &row);
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
match_body(struct search_run *q, struct search_known *k, int64_t until_ms, enum match *ret)
{
	struct message_row row;
	enum err e = search_run_reader(q);

	if (!e) /* size and date are asked for again: the row of the last step is no more */
		e = read_row(q, k, WANT_BASICS, &row);
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

/* What the score of a message that matches depends on: the index may know it, or else its header
 * does. *ret becomes MATCH_UNKNOWN when the time is up. */
static enum err
know_score(struct search_run *q, struct search_known *k, int64_t until_ms, enum match *ret)
{
	struct message_row row;
	bool filled;
	enum err e = search_index_fill(&q->index, k->entry->message, q->slots, until_ms, &filled);

	if (e || !filled) {
		*ret = MATCH_UNKNOWN;
		return e;
	}
	if (search_score_is_known(&q->program, q->slots))
		return ERR_OK;
	e = search_run_reader(q);
	if (!e)
		e = reader_message(q->reader, k->entry->message, WANT_HEADER, &row);
	return e ? e : search_stored_header(q, &row);
}

/* A message that can't be read does not match, and is remembered. */
static enum err
match_message(struct imap_session *s, struct search_run *q, const struct view_entry *entry,
    int64_t until_ms, enum match *ret)
{
	bool recent = q->view == s->told && imap_is_recent(s, entry->uid);
	struct search_known k = {entry, recent, NULL, q->slots};
	enum err e = ERR_OK;
	bool filled = true;

	*ret = MATCH_UNKNOWN;
	if (!q->in_body) {
		search_forget(&q->program, q->slots);
		*ret = search_match(&q->program, &k);
		if (*ret == MATCH_UNKNOWN)
			e = match_indexed(q, &k, until_ms, ret, &filled);
		if (!e && !filled)
			return ERR_OK; /* the time is up */
		if (!e && *ret == MATCH_UNKNOWN)
			e = match_stored(q, &k, ret);
	}
	if (!e && q->in_body)
		e = match_body(q, &k, until_ms, ret);
	if (!e && *ret == MATCH_YES && !search_score_is_known(&q->program, q->slots))
		e = know_score(q, &k, until_ms, ret);
	if (!e)
		return ERR_OK;
	*ret = MATCH_NO;
	q->in_body = false;
	return search_run_unread(q, e);
}

enum err
search_run_next(struct imap_session *s, struct search_run *q, int64_t until_ms,
    enum search_next *ret, struct search_hit *ret_hit)
{
	while (q->program.needs_threads && !q->threaded) {
		/* a store that can't write lets people read: those have none */
		bool all = true;
		q->threaded = threads_assign(q->account, &all) || all;
		*ret = SEARCH_PAUSE;
		if (!q->threaded && clock_mono_ms() >= until_ms)
			return ERR_OK;
	}
	for (;;) {
		enum match m;
		uint32_t seq;
		const struct view_entry *entry = told_walk_peek_flags(
		    &q->walk, q->view, q->program.mask, q->program.flags, &seq);
		*ret = entry ? SEARCH_PAUSE : SEARCH_END;
		if (!entry)
			return ERR_OK;
		q->at = seq;
		if ((q->reader || ++q->looked % LOOKS == 0) && clock_mono_ms() >= until_ms)
			return ERR_OK;
		enum err e = ERR_OK;
		if (q->program.flags_only)
			m = MATCH_YES;
		else
			e = match_message(s, q, entry, until_ms, &m);
		if (e || m == MATCH_UNKNOWN)
			return e;
		told_walk_pass(&q->walk, entry->uid);
		if (m == MATCH_YES) {
			*ret = SEARCH_HIT;
			*ret_hit = (struct search_hit){entry, seq, 0};
			if (q->program.fuzzy)
				ret_hit->score =
				    search_score(&q->program, q->slots, seq, view_count(q->view));
			return ERR_OK;
		}
	}
}

enum err
search_run_gather(struct imap_session *s, struct imap_cmd *cmd, struct search_run *q,
    search_take *take, void *state, bool *ret_end)
{
	int64_t until_ms = clock_mono_ms() + PUMP_STEP_MS;
	enum search_next next = SEARCH_HIT;
	struct search_hit hit;
	bool enough = false;
	enum err e = ERR_OK;

	while (!e && next == SEARCH_HIT && !enough) {
		e = search_run_next(s, q, until_ms, &next, &hit);
		if (!e && next == SEARCH_HIT)
			e = take(s, cmd, state, &hit, &enough);
	}
	search_run_rest(q);
	*ret_end = !e && (enough || next == SEARCH_END);
	if (!e && !*ret_end)
		imap_tell_progress(s, cmd, &q->progress, q->at - 1, view_count(q->view));
	return e;
}

enum err
search_explain(const struct search_program *p, enum err e, struct imap_cmd *cmd)
{
	if (e == ERR_NOT_FOUND && p->undefined_filter.n > 0)
		imap_set_code(
		    cmd, "UNDEFINED-FILTER %.*s", STR_ARG(p->undefined_filter)); /* RFC 5466 §3.1 */
	if (e == ERR_SYNTAX && p->needs_uid)
		imap_set_code(cmd, "UIDREQUIRED"); /* RFC 9586 §3 */
	if (e == ERR_PARAM && p->filter_charset)
		imap_set_code(cmd, "BADCHARSET (UTF-8 US-ASCII)");
	return e;
}

enum err
search_run_end(const struct search_run *q, struct imap_cmd *cmd)
{
	if (!q->failed && q->missing) /* RFC 5530 §3 has it so: OK [EXPUNGEISSUED] */
		imap_set_code(cmd, "EXPUNGEISSUED");
	return q->failed;
}
