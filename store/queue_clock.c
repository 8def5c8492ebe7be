/* Times of next attempts that a clock set which was ahead. */
#include "store/queue_private.h"

#include "common/base/clock.h"

#define FRESH_MS 2000 /* created_s has no milliseconds */

struct back {
	int64_t now_ms, by_ms, beyond_ms;
	int64_t n;
};

static enum err
bring_back(struct txn *t, void *arg)
{
	struct back *b = arg;
	/* What a client asked to be held until later (RFC 4865) stays, unless it came while the
	 * clock was ahead. */
	enum err e = db_run(t->db,
	    "UPDATE rcpt SET next_ms = max(?1, next_ms - ?2) WHERE state = 0 AND next_ms > ?3"
	    " AND (attempts > 0 OR give_up OR EXISTS (SELECT 1 FROM message m WHERE"
	    " m.id = rcpt.id >> 20 AND (m.created_s * 1000 > ?1"
	    " OR rcpt.next_ms <= m.created_s * 1000 + ?4)))",
	    DB_INT(b->now_ms), DB_INT(b->by_ms), DB_INT(b->beyond_ms), DB_INT(FRESH_MS));

	_Static_assert(QUEUE_RCPT_SHIFT == 20, "as the statement has it");
	b->n = e ? 0 : db_changes(t->db);
	return !e && b->n ? queue_note_edit(t) : e;
}

static enum err
write_back(struct store *s, struct back *b, uint64_t *ret_n)
{
	struct database *d = NULL;
	enum err e = queue_database(s, &d);

	*ret_n = 0;
	if (!e)
		e = database_write(d, bring_back, b, DURABLE_LATER);
	if (!e)
		*ret_n = (uint64_t)b->n;
	if (!e && b->n)
		queue_poke(s->queue);
	return e;
}

enum err
queue_clock_back(struct store *s, int64_t by_ms, uint64_t *ret_n)
{
	int64_t now_ms = clock_real_us() / 1000;
	struct back b = {now_ms, by_ms, now_ms, 0};

	return write_back(s, &b, ret_n);
}

enum err
queue_clock_bound(struct store *s, int64_t longest_ms, uint64_t *ret_n)
{
	int64_t now_ms = clock_real_us() / 1000;
	struct back b = {now_ms, INT64_MAX / 4, now_ms + longest_ms, 0};

	return write_back(s, &b, ret_n);
}
