/* Times in the queue are dates: what becomes of them when somebody sets the clock. */
#include "store/queue_private.h"

#include "common/base/clock.h"

#define FRESH_MS 2000 /* created_s has no milliseconds */

_Static_assert(QUEUE_RCPT_SHIFT == 20, "as the statements have it");

/* Nobody has tried it, and it was to wait from the beginning: a client wants it to be held until
 * then (RFC 4865). */
#define IS_HELD(rcpt, message)                                                                     \
	" (" rcpt ".attempts = 0 AND NOT " rcpt ".give_up AND " rcpt ".next_ms > " message         \
	".created_s * 1000 + ?2) "

struct move {
	int64_t now_ms, by_ms;
	int64_t beyond_ms; /* what is due later is brought back */
	bool ages; /* messages too */
	bool unknown; /* by how much: by_ms is as good as endless */
	int64_t rcpts, messages; /* that were changed */
};

/* -- back -------------------------------------------------------------------------------------- */

/* What came while the clock was ahead is not held until the date that it had then. */
static enum err
bring_rcpts_back(struct txn *t, struct move *m)
{
	enum err e = db_run(t->db,
	    "UPDATE rcpt SET next_ms = max(?1, next_ms - ?3) WHERE state = 0 AND next_ms > ?4"
	    " AND EXISTS (SELECT 1 FROM message m WHERE m.id = rcpt.id >> 20"
	    " AND (m.created_s * 1000 > ?1 OR NOT" IS_HELD("rcpt", "m") "))",
	    DB_INT(m->now_ms), DB_INT(FRESH_MS), DB_INT(m->by_ms), DB_INT(m->beyond_ms));

	m->rcpts = e ? 0 : db_changes(t->db);
	return e;
}

/* Those that this clock could have seen come stay: they have no less left by it. */
static enum err
bring_messages_back(struct txn *t, struct move *m)
{
	enum err e = db_run(t->db,
	    "UPDATE message SET created_s = created_s - coalesce(?2, created_s - ?1),"
	    " expires_s = expires_s - coalesce(?2, created_s - ?1) WHERE created_s > ?1",
	    DB_INT(m->now_ms / 1000), m->unknown ? DB_NULL : DB_INT(m->by_ms / 1000));

	m->messages = e ? 0 : db_changes(t->db);
	return e;
}

/* Whoever runs the queue has rows of it in hand. */
static enum err
note_move(struct txn *t, const struct move *m)
{
	return m->rcpts || m->messages ? queue_note_edit(t) : ERR_OK;
}

static enum err
move_back(struct txn *t, void *arg)
{
	struct move *m = arg;
	enum err e = bring_rcpts_back(t, m);

	if (!e && m->ages)
		e = bring_messages_back(t, m);
	return e ? e : note_move(t, m);
}

/* -- forward ----------------------------------------------------------------------------------- */

/* What lies in the later half of the jump was written by the new clock: the old one did not come so
 * far, and attempts are not so far apart. */
static enum err
move_forward(struct txn *t, void *arg)
{
	struct move *m = arg;
	int64_t old_ms = m->now_ms - m->by_ms / 2;

	/* Messages first: whether a recipient is held is told by when its message came, and one
	 * that is not has come later then. */
	enum err e = db_run(t->db,
	    "UPDATE message SET expires_s = expires_s + ?1, created_s = created_s +"
	    " CASE WHEN EXISTS (SELECT 1 FROM rcpt r WHERE r.id >= message.id << 20"
	    " AND r.id < (message.id + 1) << 20 AND" IS_HELD(
		"r", "message") ") THEN 0 ELSE ?1 END"
				" WHERE created_s * 1000 < ?3",
	    DB_INT(m->by_ms / 1000), DB_INT(FRESH_MS), DB_INT(old_ms));
	m->messages = e ? 0 : db_changes(t->db);
	if (!e)
		e = db_run(t->db,
		    "UPDATE rcpt SET next_ms = next_ms + ?1 WHERE state = 0 AND next_ms < ?3"
		    " AND EXISTS (SELECT 1 FROM message m WHERE m.id = rcpt.id >> 20"
		    " AND NOT" IS_HELD("rcpt", "m") ")",
		    DB_INT(m->by_ms), DB_INT(FRESH_MS), DB_INT(old_ms));
	m->rcpts = e ? 0 : db_changes(t->db);
	return e ? e : note_move(t, m);
}

/* ---------------------------------------------------------------------------------------------- */

static enum err
write_move(struct store *s, txn_op *op, struct move *m, uint64_t *ret_n)
{
	struct database *d = NULL;
	enum err e = queue_database(s, &d);

	*ret_n = 0;
	if (!e)
		e = database_write(d, op, m, DURABLE_LATER);
	if (!e)
		*ret_n = (uint64_t)m->rcpts;
	if (!e && (m->rcpts || m->messages))
		queue_poke(s->queue);
	return e;
}

enum err
queue_clock_moved(struct store *s, int64_t by_ms, uint64_t *ret_n)
{
	int64_t now_ms = clock_real_us() / 1000;
	struct move m = {.now_ms = now_ms, .beyond_ms = now_ms};

	*ret_n = 0;
	if (by_ms >= 0) {
		m.by_ms = by_ms;
		return by_ms > QUEUE_CLOCK_JUMP_MS ? write_move(s, move_forward, &m, ret_n)
						   : ERR_OK;
	}
	m.by_ms = -by_ms;
	m.ages = m.by_ms > QUEUE_CLOCK_JUMP_MS;
	return write_move(s, move_back, &m, ret_n);
}

/* Who only reads keeps nobody waiting. */
static enum err
is_from_the_future(struct store *s, const struct move *m, bool *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	int64_t found = 0;
	enum err e = queue_read_begin(s, &h);

	if (!e) /* all of an index, where no table is read */
		e = db_get_int(h->db,
		    "SELECT EXISTS (SELECT 1 FROM rcpt WHERE state = 0 AND next_ms > ?1)"
		    " OR EXISTS (SELECT 1 FROM message WHERE created_s > ?2)",
		    &found, DB_INT(m->beyond_ms), DB_INT(m->now_ms / 1000));
	*ret = found;
	return e;
}

enum err
queue_clock_bound(struct store *s, int64_t longest_ms, uint64_t *ret_n)
{
	int64_t now_ms = clock_real_us() / 1000;
	struct move m = {.now_ms = now_ms,
	    .by_ms = INT64_MAX / 4,
	    .beyond_ms = now_ms + longest_ms,
	    .ages = true,
	    .unknown = true};
	bool found = false;

	*ret_n = 0;
	enum err e = is_from_the_future(s, &m, &found);
	return e || !found ? e : write_move(s, move_back, &m, ret_n);
}
