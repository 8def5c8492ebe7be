#include "store/threads.h"

#include "common/base/siphash.h"
#include "common/mail/header.h"
#include "common/mail/message_id.h"
#include "store/account_private.h"
#include "store/threads_private.h"

#define STEP_MESSAGES 200
#define IDS_MAX 64 /* of one message: its own, the first and the last of those that it names */

/* Hashes of Message IDs, under the account's own key: an outsider who could find two IDs of one
 * hash would put messages into threads that they do not name. */
struct ids {
	unsigned char key[SIPHASH_KEY_SIZE];
	uint64_t hash[IDS_MAX];
	size_t n;
};

static void
add_ids(struct str field, struct ids *ids)
{
	CLEANUP(sbuf_done) struct sbuf id = SBUF_INIT(4096);

	while (message_id_next(&field, &id)) {
		if (ids->n == IDS_MAX) /* the last ones are the nearest relatives */
			ids->n--;
		ids->hash[ids->n++] = siphash(ids->key, sbuf_view(&id));
	}
}

/* The message's own id first. */
static void
read_ids(struct str header, struct ids *ids)
{
	struct str rest = header;
	struct header_field field;

	ids->n = 0;
	while (header_next(&rest, &field))
		if (str_eq_nocase(field.name, STR("Message-ID")))
			add_ids(field.value, ids);
	rest = header;
	while (header_next(&rest, &field))
		if (str_eq_nocase(field.name, STR("References")) ||
		    str_eq_nocase(field.name, STR("In-Reply-To")))
			add_ids(field.value, ids);
}

/* The thread that one of them is known to be in, 0 if none is. */
static enum err
find_thread(struct db *db, const struct ids *ids, int64_t *ret)
{
	enum err e = ERR_OK;

	*ret = 0;
	for (size_t i = 0; i < ids->n && !*ret && !e; i++) {
		e = db_get_int(db, "SELECT thread FROM thread_id WHERE hash = ?1", ret,
		    DB_INT((int64_t)ids->hash[i]));
		if (e == ERR_NOT_FOUND)
			e = ERR_OK;
	}
	return e;
}

/* The IDs lead to the thread, as many of them as it may have: a reply to a message behind those
 * names one before them too. */
static enum err
add_thread_ids(struct db *db, const struct ids *ids, int64_t thread)
{
	int64_t have = 0;
	enum err e = db_get_int(
	    db, "SELECT count(*) FROM thread_id WHERE thread = ?1", &have, DB_INT(thread));

	for (size_t i = 0; i < ids->n && !e && have < THREAD_IDS_MAX; i++, have++)
		e = db_run(db, "INSERT OR IGNORE INTO thread_id (hash, thread) VALUES (?1, ?2)",
		    DB_INT((int64_t)ids->hash[i]), DB_INT(thread));
	return e;
}

static enum err
assign(struct db *db, int64_t message, struct str header, struct ids *ids)
{
	int64_t thread = 0;

	read_ids(header, ids);
	/* one it has had since before the IDs were hashed under a key */
	enum err e = db_get_int(
	    db, "SELECT thread FROM thread WHERE message = ?1", &thread, DB_INT(message));
	if (!e)
		return add_thread_ids(db, ids, thread);
	if (e == ERR_NOT_FOUND)
		e = find_thread(db, ids, &thread);
	if (!e && thread == 0)
		thread = message;
	if (!e)
		e = db_run(db, "INSERT INTO thread (message, thread) VALUES (?1, ?2)",
		    DB_INT(message), DB_INT(thread));
	return e ? e : add_thread_ids(db, ids, thread);
}

enum err
txn_forget_thread(struct txn *t, int64_t message)
{
	int64_t thread;
	enum err e = db_get_int(
	    t->db, "SELECT thread FROM thread WHERE message = ?1", &thread, DB_INT(message));

	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	e = db_run(t->db, "DELETE FROM thread WHERE message = ?1", DB_INT(message));
	return e ? e
		 : db_run(t->db,
		       "DELETE FROM thread_id WHERE thread = ?1"
		       " AND NOT EXISTS (SELECT 1 FROM thread WHERE thread = ?1)",
		       DB_INT(thread));
}

static enum err
read_key(struct db *db, struct ids *ids)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = db_query(db, "SELECT key FROM thread_key", &st);

	if (!e)
		e = stmt_step(st, &row);
	if (e)
		return e;
	if (!row || stmt_str(st, 0).n != sizeof(ids->key))
		return ERR_CORRUPT;
	memcpy(ids->key, stmt_str(st, 0).p, sizeof(ids->key));
	return ERR_OK;
}

struct assigning {
	bool done;
};

static enum err
assign_some(struct txn *t, void *arg)
{
	struct assigning *a = arg;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct ids ids;
	int64_t upto = 0;
	int rows = 0;
	bool row;
	enum err e = db_get_int(t->db, "SELECT threaded FROM meta", &upto);

	if (!e)
		e = read_key(t->db, &ids);
	if (!e)
		e = db_query(t->db,
		    "SELECT m.id, h.octets FROM message m LEFT JOIN header h ON h.message = m.id"
		    " WHERE m.id > ?1 ORDER BY m.id LIMIT ?2",
		    &st, DB_INT(upto), DB_INT(STEP_MESSAGES));
	while (!e && !(e = stmt_step(st, &row)) && row) {
		upto = stmt_int(st, 0);
		e = assign(t->db, upto, stmt_str(st, 1), &ids);
		rows++;
	}
	if (!e && rows > 0)
		e = db_run(t->db, "UPDATE meta SET threaded = ?1", DB_INT(upto));
	a->done = rows < STEP_MESSAGES;
	return e;
}

static enum err
is_done(struct account *a, bool *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	int64_t behind = 0;
	enum err e = account_read(a, &h);

	if (!e)
		e = db_get_int(h->db,
		    "SELECT coalesce((SELECT max(id) FROM message), 0) > (SELECT threaded FROM "
		    "meta)",
		    &behind);
	*ret = !behind;
	return e;
}

enum err
threads_assign(struct account *a, bool *ret_done)
{
	struct assigning assigning = {0};
	enum err e = is_done(a, ret_done);

	if (e || *ret_done)
		return e;
	e = account_write(a, assign_some, &assigning, DURABLE_LATER);
	if (!e && assigning.done) /* once told, for ever */
		e = account_sync(a);
	*ret_done = assigning.done;
	return e;
}
