/* Events of mail into trace.db and out of it. */
#include "store/trace_private.h"

#define EVENTS_AT_ONCE                                                                             \
	500 /* in one transaction: nobody waits for it, but the disk is others' too */
#define PRUNE_AT_ONCE 2000

struct batch {
	const struct trace_pending *first, *end;
};

/* What a refused recipient was noted under before the message came. */
static enum err
complete(struct txn *t, int64_t message, const struct trace_event *e)
{
	return db_run(t->db,
	    "UPDATE message SET message_id = ?2, size = ?3, account = ?4"
	    " WHERE id = ?1 AND message_id = ''",
	    DB_INT(message), DB_TEXT(e->message_id), DB_INT(e->size), DB_INT(e->account));
}

/* Ids are not given twice, but a clock that was set back may do so: mail is the same where what
 * else is known of it does not differ. */
static enum err
find_message(struct txn *t, const struct trace_event *e, int64_t *ret)
{
	enum err err = db_get_int(t->db,
	    "SELECT id FROM message WHERE trace_id = ?1 AND (?2 = '' OR sender = ?2)"
	    " AND (?3 = '' OR message_id IN (?3, '')) ORDER BY id DESC LIMIT 1",
	    ret, DB_TEXT(e->trace_id), DB_TEXT(e->sender), DB_TEXT(e->message_id));

	if (!err && e->message_id.n)
		return complete(t, *ret, e);
	if (err != ERR_NOT_FOUND)
		return err;
	err = db_run(t->db,
	    "INSERT INTO message (trace_id, message_id, sender, size, account)"
	    " VALUES (?1, ?2, ?3, ?4, ?5)",
	    DB_TEXT(e->trace_id), DB_TEXT(e->message_id), DB_TEXT(e->sender), DB_INT(e->size),
	    DB_INT(e->account));
	if (!err)
		*ret = db_last_id(t->db);
	return err;
}

static bool
is_of_the_same(const struct trace_event *a, const struct trace_event *b)
{
	return a && str_eq(a->trace_id, b->trace_id) && str_eq(a->sender, b->sender) &&
	       str_eq(a->message_id, b->message_id);
}

static enum err
write_in_txn(struct txn *t, void *arg)
{
	const struct batch *b = arg;
	const struct trace_event *last = NULL;
	int64_t message = 0;
	enum err err = ERR_OK;

	for (const struct trace_pending *p = b->first; p != b->end && !err; p = p->next) {
		const struct trace_event *e = &p->e;
		if (!is_of_the_same(last, e))
			err = find_message(t, e, &message);
		last = e;
		if (!err)
			err = db_run(t->db,
			    "INSERT INTO event (message, at_ms, kind, recipient, host, tls, text)"
			    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
			    DB_INT(message), DB_INT(e->at_ms), DB_INT(e->kind),
			    DB_TEXT(e->recipient), DB_TEXT(e->host), DB_TEXT(e->tls),
			    DB_TEXT(e->text));
	}
	return err;
}

enum err
trace_write_events(struct database *d, const struct trace_pending *first)
{
	enum err e = ERR_OK;

	while (first && !e) {
		const struct trace_pending *end = first;
		for (size_t n = 0; end && n < EVENTS_AT_ONCE; n++)
			end = end->next;
		struct batch b = {first, end};
		e = database_write(d, write_in_txn, &b, DURABLE_LATER);
		first = end;
	}
	return e;
}

/* -- forgetting */

struct prune {
	int64_t before_ms;
	int64_t messages[PRUNE_AT_ONCE];
	size_t n;
};

static enum err
drop_events(struct txn *t, struct prune *p)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = db_query(t->db,
	    "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE at_ms < ?1"
	    " ORDER BY at_ms LIMIT ?2) RETURNING message",
	    &st, DB_INT(p->before_ms), DB_INT(PRUNE_AT_ONCE));

	while (!e && !(e = stmt_step(st, &row)) && row && p->n < PRUNE_AT_ONCE)
		p->messages[p->n++] = stmt_int(st, 0);
	return e;
}

static enum err
prune_in_txn(struct txn *t, void *arg)
{
	struct prune *p = arg;

	p->n = 0;
	enum err e = drop_events(t, p);
	for (size_t i = 0; i < p->n && !e; i++)
		if (i == 0 || p->messages[i] != p->messages[i - 1])
			e = db_run(t->db,
			    "DELETE FROM message WHERE id = ?1"
			    " AND NOT EXISTS (SELECT 1 FROM event WHERE message = ?1)",
			    DB_INT(p->messages[i]));
	return e;
}

enum err
trace_prune(struct database *d, int64_t before_ms, bool *ret_more)
{
	CLEANUP(mem_free) struct prune *p = calloc(1, sizeof(*p));

	if (!p)
		return ERR_NOMEM;
	p->before_ms = before_ms;
	enum err e = database_write(d, prune_in_txn, p, DURABLE_LATER);
	*ret_more = !e && p->n == PRUNE_AT_ONCE;
	return e;
}
