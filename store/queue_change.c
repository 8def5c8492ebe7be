/* What people do to the queue. */
#include "store/queue_private.h"

#include "common/base/clock.h"
#include "store/trace.h"

/* In one transaction: others wait for it. */
#define CHANGE_AT_ONCE 1000
#define SCAN_AT_ONCE 20000
#define CHANGE_ARENA (16 * 1024 * 1024)

struct change {
	struct queue_match match;
	enum queue_change what;
	int64_t now_ms;
	struct arena *arena; /* of the step */
	struct queue_listed *found; /* those that match, CHANGE_AT_ONCE */
	size_t n;
	int64_t from; /* the next id to look at */
	bool end; /* there are no more */
	bool doomed;
};

enum err
queue_note_edit(struct txn *t)
{
	return db_run(t->db, "UPDATE meta SET edits = edits + 1");
}

/* What the trace is told. */
static struct queue_listed
keep(const struct queue_listed *l, struct arena *arena)
{
	return (struct queue_listed){
	    .message = {.id = l->message.id,
		.account = l->message.account,
		.size = l->message.size,
		.sender = arena_dup(arena, l->message.sender),
		.trace_id = arena_dup(arena, l->message.trace_id),
		.message_id = arena_dup(arena, l->message.message_id)},
	    .rcpt = {.id = l->rcpt.id,
		.attempts = l->rcpt.attempts,
		.next_ms = l->rcpt.next_ms,
		.last_reply = arena_dup(arena, l->rcpt.last_reply),
		.address = arena_dup(arena, l->rcpt.address)},
	};
}

/* What nobody has tried and is due later all the same: its sender said so (RFC 4865 §4), and who
 * lets many go, or lifts a hold, does not mean that. */
static bool
is_for_later(const struct change *c, const struct queue_rcpt *r)
{
	return !r->attempts && !r->last_reply.n && r->next_ms > c->now_ms;
}

static bool
concerns(const struct change *c, const struct queue_rcpt *r)
{
	bool named = c->match.f->message || c->match.f->rcpt;

	switch (c->what) {
	case QUEUE_RETRY:
		return r->state == QUEUE_WAITING && (named || !is_for_later(c, r));
	case QUEUE_HOLD:
		return r->state == QUEUE_WAITING;
	case QUEUE_RELEASE:
		return r->state == QUEUE_HELD;
	case QUEUE_FAIL:
		return !r->give_up;
	case QUEUE_DROP:
		break;
	}
	return true;
}

static enum err
find_some(struct db *db, struct change *c)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = true;
	enum err e = db_query(db, queue_list_sql, &st, DB_INT(c->from), DB_INT(c->match.last));

	for (size_t seen = 0; !e && seen < SCAN_AT_ONCE && c->n < CHANGE_AT_ONCE; seen++) {
		e = stmt_step(st, &row);
		if (e || !row)
			break;
		const struct queue_listed l = {
		    .rcpt = queue_take_rcpt(st, 0, NULL),
		    .message = queue_take_message(st, QUEUE_RCPT_COLUMN_COUNT, NULL),
		};
		c->from = l.rcpt.id + 1;
		if (queue_matches(&c->match, &l) && concerns(c, &l.rcpt))
			c->found[c->n++] = keep(&l, c->arena);
	}
	c->end = !row;
	return e ? e : arena_failed(c->arena) ? ERR_NOMEM : ERR_OK;
}

static enum err
change_row(struct txn *t, const struct change *c, const struct queue_rcpt *r)
{
	int64_t next_ms = c->now_ms;

	switch (c->what) {
	case QUEUE_HOLD:
		return db_run(t->db, "UPDATE rcpt SET state = 1 WHERE id = ?1", DB_INT(r->id));
	case QUEUE_DROP:
		return db_run(t->db, "DELETE FROM rcpt WHERE id = ?1", DB_INT(r->id));
	case QUEUE_FAIL:
		return db_run(t->db,
		    "UPDATE rcpt SET state = 0, give_up = 1, next_ms = ?2 WHERE id = ?1",
		    DB_INT(r->id), DB_INT(c->now_ms));
	case QUEUE_RELEASE:
		if (is_for_later(c, r))
			next_ms = r->next_ms;
		break;
	case QUEUE_RETRY:
		break;
	}
	return db_run(t->db, "UPDATE rcpt SET state = 0, next_ms = ?2 WHERE id = ?1", DB_INT(r->id),
	    DB_INT(next_ms));
}

static enum err
change_in_txn(struct txn *t, void *arg)
{
	struct change *c = arg;
	int64_t from = c->from;
	enum err e;

	c->n = 0;
	e = find_some(t->db, c);
	for (size_t i = 0; i < c->n && !e; i++) {
		const struct queue_listed *l = &c->found[i];
		bool last = i + 1 == c->n || c->found[i + 1].message.id != l->message.id;
		e = change_row(t, c, &l->rcpt);
		if (!e && c->what == QUEUE_DROP && last)
			e = queue_drop_empty(t, l->message.id, &c->doomed);
	}
	if (!e && c->n)
		e = queue_note_edit(t);
	if (e)
		c->from = from;
	return e;
}

static void
trace_change(struct store *s, const struct change *c)
{
	static const enum trace_kind kinds[] = {
	    [QUEUE_RETRY] = TRACE_RETRIED,
	    [QUEUE_HOLD] = TRACE_HELD,
	    [QUEUE_RELEASE] = TRACE_RELEASED,
	    [QUEUE_DROP] = TRACE_DROPPED,
	    [QUEUE_FAIL] = TRACE_GIVEN_UP,
	};

	for (size_t i = 0; i < c->n; i++) {
		const struct queue_listed *l = &c->found[i];
		trace_note(s, &(struct trace_event){.kind = kinds[c->what],
				  .trace_id = l->message.trace_id,
				  .message_id = l->message.message_id,
				  .sender = l->message.sender,
				  .size = l->message.size,
				  .account = l->message.account,
				  .recipient = l->rcpt.address});
	}
}

static enum err
change_step(struct store *s, struct database *d, struct change *c)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(CHANGE_ARENA);

	c->arena = arena;
	c->found = arena ? arena_alloc_array(arena, CHANGE_AT_ONCE, sizeof(*c->found)) : NULL;
	if (!c->found)
		return ERR_NOMEM;
	enum err e = database_write(d, change_in_txn, c, DURABLE_LATER);
	if (e)
		return e;
	if (c->doomed)
		queue_note_doomed(s->queue);
	trace_change(s, c);
	e = trace_flush(s); /* a million of them at once would be too many for its memory */
	(void)e; /* logged; what was asked for is done */
	return ERR_OK;
}

enum err
queue_change(struct store *s, const struct queue_filter *f, enum queue_change what, uint64_t *ret_n)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(64 * 1024);
	struct change c = {.what = what, .now_ms = clock_real_us() / 1000};
	struct database *d = NULL;
	enum err e = arena ? queue_match_make(f, arena, &c.match) : ERR_NOMEM;

	*ret_n = 0;
	if (!e)
		e = queue_database(s, &d);
	if (e)
		return e;
	c.from = c.match.first;
	while (!e && !c.end) {
		e = change_step(s, d, &c);
		*ret_n += e ? 0 : c.n;
	}
	if (!*ret_n)
		return e;
	enum err synced = database_sync(d);
	queue_poke(s->queue);
	return e ? e : synced;
}
