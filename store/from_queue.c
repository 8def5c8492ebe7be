#include "store/from_queue.h"

#include "common/base/log.h"
#include "store/queue_private.h"

static enum err
forget(struct txn *t, const struct queued_key *key)
{
	return db_run(t->db, "DELETE FROM from_queue WHERE message = ?1 AND created_s = ?2",
	    DB_INT(key->message), DB_INT(key->created_s));
}

enum err
from_queue_note(struct txn *t, const struct queued_key *key, bool *ret_had)
{
	enum err e = forget(t, key);

	*ret_had = !e && db_changes(t->db) > 0;
	return e ? e
		 : db_run(t->db, "INSERT INTO from_queue (message, created_s) VALUES (?1, ?2)",
		       DB_INT(key->message), DB_INT(key->created_s));
}

/* Rows from where the last look ended; from the first on when they end. */
static enum err
read_window(struct account *a, struct from_queue_gone *to)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = account_read(a, &h);

	if (!e)
		e = db_query(h->db,
		    "SELECT message, created_s FROM from_queue WHERE message > ?1"
		    " ORDER BY message, created_s LIMIT ?2",
		    &st, DB_INT(atomic_load(&a->from_queue_seen)), DB_INT(FROM_QUEUE_WINDOW));
	while (!e && !(e = stmt_step(st, &row)) && row)
		to->keys[to->n++] = (struct queued_key){stmt_int(st, 0), stmt_int(st, 1)};
	if (!e)
		atomic_store(&a->from_queue_seen,
		    to->n < FROM_QUEUE_WINDOW ? 0 : to->keys[to->n - 1].message);
	return e;
}

/* Keeps those that the queue has no more. */
static enum err
drop_living(struct store *s, struct from_queue_gone *g)
{
	CLEANUP(read_end) struct handle *h = NULL;
	size_t out = 0;
	enum err e = queue_read_begin(s, &h);

	for (size_t i = 0; i < g->n && !e; i++) {
		int64_t lives = 0;
		e = db_get_int(h->db,
		    "SELECT EXISTS (SELECT 1 FROM message WHERE id = ?1 AND created_s = ?2)",
		    &lives, DB_INT(g->keys[i].message), DB_INT(g->keys[i].created_s));
		if (!e && !lives)
			g->keys[out++] = g->keys[i];
	}
	g->n = out;
	return e;
}

void
from_queue_find_gone(struct account *a, struct from_queue_gone *ret)
{
	struct database *d = NULL;
	enum err e;

	ret->n = 0;
	e = read_window(a, ret);
	if (!e && ret->n >= FROM_QUEUE_SPARE)
		e = drop_living(a->store, ret);
	if (!e && ret->n >= FROM_QUEUE_SPARE)
		e = queue_database(a->store, &d);
	/* A message whose end a power loss calls back must find its row. */
	if (d && !e)
		e = database_sync(d);
	if (e)
		log_warn("store", F_CSTR("op", "from_queue"), F_ERR(e), F_INT("account", a->id));
	if (e || !d)
		ret->n = 0;
}

enum err
from_queue_forget(struct txn *t, const struct from_queue_gone *gone)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < gone->n && !e; i++)
		e = forget(t, &gone->keys[i]);
	return e;
}
