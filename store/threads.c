#include "store/threads.h"

#include "common/mail/header.h"
#include "common/mail/message_id.h"
#include "store/account_private.h"

#define STEP_MESSAGES 200
#define IDS_MAX 64 /* of one message: its own, the first and the last of those that it names */

/* Hashes of Message IDs. */
struct ids {
	uint64_t hash[IDS_MAX];
	size_t n;
};

static uint64_t
hash_of(struct str id)
{
	uint64_t h = 0xcbf29ce484222325; /* FNV-1a */

	for (size_t i = 0; i < id.n; i++)
		h = (h ^ (unsigned char)id.p[i]) * 0x100000001b3;
	return h;
}

static void
add_ids(struct str field, struct ids *ids)
{
	CLEANUP(sbuf_done) struct sbuf id = SBUF_INIT(4096);

	while (message_id_next(&field, &id)) {
		if (ids->n == IDS_MAX) /* the last ones are the nearest relatives */
			ids->n--;
		ids->hash[ids->n++] = hash_of(sbuf_view(&id));
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

static enum err
assign(struct db *db, int64_t message, struct str header)
{
	struct ids ids;
	int64_t thread;

	read_ids(header, &ids);
	enum err e = find_thread(db, &ids, &thread);
	if (!e && thread == 0)
		thread = message;
	if (!e)
		e = db_run(db, "INSERT INTO thread (message, thread) VALUES (?1, ?2)",
		    DB_INT(message), DB_INT(thread));
	for (size_t i = 0; i < ids.n && !e; i++)
		e = db_run(db, "INSERT OR IGNORE INTO thread_id (hash, thread) VALUES (?1, ?2)",
		    DB_INT((int64_t)ids.hash[i]), DB_INT(thread));
	return e;
}

struct assigning {
	bool done;
};

static enum err
assign_some(struct txn *t, void *arg)
{
	struct assigning *a = arg;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	int64_t upto = 0;
	int rows = 0;
	bool row;
	enum err e = db_get_int(t->db, "SELECT threaded FROM meta", &upto);

	if (!e)
		e = db_query(t->db,
		    "SELECT m.id, h.octets FROM message m LEFT JOIN header h ON h.message = m.id"
		    " WHERE m.id > ?1 ORDER BY m.id LIMIT ?2",
		    &st, DB_INT(upto), DB_INT(STEP_MESSAGES));
	while (!e && !(e = stmt_step(st, &row)) && row) {
		upto = stmt_int(st, 0);
		e = assign(t->db, upto, stmt_str(st, 1));
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
