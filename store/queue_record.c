/* What became of recipients. */
#include "store/queue_private.h"

#include "common/base/clock.h"
#include "store/upkeep.h"

struct record {
	int64_t message;
	const struct queue_result *results;
	size_t n;
	struct queue_adding *report; /* NULL: none */
	bool reported;
	bool doomed; /* a file wants to be removed */
};

static enum err
drop_message(struct txn *t, int64_t message, bool *ret_doomed)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = db_query(t->db,
	    "SELECT file, EXISTS (SELECT 1 FROM passed_on WHERE message = ?1) FROM message"
	    " WHERE id = ?1",
	    &st, DB_INT(message));

	if (!e)
		e = stmt_step(st, &row);
	if (e || !row)
		return e;
	if (stmt_str(st, 0).n) {
		*ret_doomed = true;
		e = db_run(t->db, "INSERT OR IGNORE INTO doomed_file (name) VALUES (?1)",
		    DB_TEXT(stmt_str(st, 0)));
	} else {
		e = db_run(t->db, "DELETE FROM octets WHERE message = ?1", DB_INT(message));
	}
	if (!e && stmt_int(st, 1))
		e = db_run(t->db, "DELETE FROM passed_on WHERE message = ?1", DB_INT(message));
	stmt_done(&st);
	return e ? e : db_run(t->db, "DELETE FROM message WHERE id = ?1", DB_INT(message));
}

enum err
queue_drop_empty(struct txn *t, int64_t message, bool *ret_doomed)
{
	int64_t left;
	enum err e = db_get_int(t->db, "SELECT 1 FROM rcpt WHERE id >= ?1 AND id < ?2 LIMIT 1",
	    &left, DB_INT(QUEUE_RCPT_ID(message, 0)), DB_INT(QUEUE_RCPT_ID(message + 1, 0)));

	return e == ERR_NOT_FOUND ? drop_message(t, message, ret_doomed) : e;
}

/* A row that a person gave up meanwhile is due as it was; one that is held, held. */
static enum err
put_off(struct txn *t, const struct queue_result *r)
{
	if (r->outcome == QUEUE_PUT_BACK)
		return db_run(t->db,
		    "UPDATE rcpt SET next_ms = iif(give_up, next_ms, ?2) WHERE id = ?1",
		    DB_INT(r->rcpt), DB_INT(r->next_ms));
	return db_run(t->db,
	    "UPDATE rcpt SET next_ms = iif(give_up, next_ms, ?2), attempts = attempts + ?6,"
	    " delay_told = delay_told OR ?3, last_reply = ?4, last_host = ?5 WHERE id = ?1",
	    DB_INT(r->rcpt), DB_INT(r->next_ms), DB_INT(r->outcome == QUEUE_DELAY_TOLD),
	    DB_TEXT(r->reply), DB_TEXT(r->host), DB_INT(!r->put_off));
}

static enum err
suppress(struct txn *t, const struct queue_result *r)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e =
	    db_query(t->db, "SELECT address FROM rcpt WHERE id = ?1", &st, DB_INT(r->rcpt));

	if (!e)
		e = stmt_step(st, &row);
	if (e || !row)
		return e;
	return suppression_in_txn(
	    t, stmt_str(st, 0), r->reply, r->host, clock_real_s(), r->suppress_until_s);
}

static enum err
record_one(struct txn *t, const struct queue_result *r, bool *ret_gone, bool *ret_found)
{
	bool goes = r->outcome == QUEUE_DELIVERED || r->outcome == QUEUE_FAILED;
	enum err e = r->suppress_until_s ? suppress(t, r) : ERR_OK;

	if (!e)
		e = goes ? db_run(t->db, "DELETE FROM rcpt WHERE id = ?1", DB_INT(r->rcpt))
			 : put_off(t, r);
	bool found = !e && db_changes(t->db) > 0;

	*ret_found |= found;
	*ret_gone |= found && goes;
	return e;
}

static enum err
record_in_txn(struct txn *t, void *arg)
{
	struct record *r = arg;
	bool gone = false, found = false;
	enum err e = ERR_OK;

	r->doomed = r->reported = false;
	for (size_t i = 0; i < r->n && !e; i++)
		e = record_one(t, &r->results[i], &gone, &found);
	if (!e && gone)
		e = queue_drop_empty(t, r->message, &r->doomed);
	if (!e && found && r->report) {
		e = queue_adding_in_txn(t, r->report);
		r->reported = !e;
	}
	return e;
}

void
queue_note_doomed(struct queue *q)
{
	atomic_store(&q->doomed, true);
	upkeep_want(q->store->upkeep, clock_mono_ms() + UPKEEP_SYNC_MS);
}

static enum err
record(struct store *s, struct record *r, struct queue_adding *report)
{
	struct database *d = NULL;
	enum err e = queue_database(s, &d);

	r->report = report;
	if (!e)
		e = database_write(d, record_in_txn, r, report ? DURABLE_NOW : DURABLE_LATER);
	if (e)
		return e;
	if (r->doomed)
		queue_note_doomed(s->queue);
	if (r->reported)
		queue_poke(s->queue);
	return ERR_OK;
}

enum err
queue_record(struct store *s, int64_t message, const struct queue_result *results, size_t n,
    const struct queue_report *report)
{
	struct record r = {.message = message, .results = results, .n = n};

	if (!report)
		return record(s, &r, NULL);
	CLEANUP(mem_free) struct queue_adding *a = calloc(1, sizeof(*a));
	struct database *d = NULL;
	enum err e = a ? queue_database(s, &d) : ERR_NOMEM;
	if (e)
		return e;
	e = queue_adding_begin(s, report->spool, report->envelope, a);
	if (!e)
		e = record(s, &r, a);
	queue_adding_done(a);
	return e;
}

struct record_many {
	const struct queue_recorded *items;
	size_t n;
	bool doomed;
};

static enum err
record_many_in_txn(struct txn *t, void *arg)
{
	struct record_many *m = arg;
	enum err e = ERR_OK;

	m->doomed = false;
	for (size_t i = 0; i < m->n && !e; i++) {
		const struct queue_recorded *x = &m->items[i];
		struct record r = {.message = x->message, .results = x->results, .n = x->n};
		e = record_in_txn(t, &r);
		m->doomed |= r.doomed;
	}
	return e;
}

enum err
queue_record_many(struct store *s, const struct queue_recorded *items, size_t n)
{
	struct record_many m = {.items = items, .n = n};
	struct database *d = NULL;
	enum err e = queue_database(s, &d);

	if (!e)
		e = database_write(d, record_many_in_txn, &m, DURABLE_LATER);
	if (!e && m.doomed)
		queue_note_doomed(s->queue);
	return e;
}
