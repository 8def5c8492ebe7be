#include "store/account_private.h"

#include "common/base/clock.h"
#include "common/base/log.h"

#define SEEN_MS 10000 /* for so long it is trusted that an account has plenty of room */

enum err
quota_read(struct db *db, struct quota *ret)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e =
	    db_query(db, "SELECT bytes, quota_bytes, messages, quota_messages FROM meta", &st);

	if (!e)
		e = stmt_step(st, &row);
	if (e)
		return e;
	if (!row)
		return ERR_CORRUPT;
	*ret = (struct quota){.bytes_used = (uint64_t)stmt_int(st, 0),
	    .bytes_limit = (uint64_t)stmt_int(st, 1),
	    .messages_used = (uint64_t)stmt_int(st, 2),
	    .messages_limit = (uint64_t)stmt_int(st, 3)};
	return ERR_OK;
}

enum err
account_quota(struct account *a, struct quota *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	enum err e = account_read(a, &h);

	if (!e)
		e = quota_read(h->db, ret);
	if (!e)
		account_note_quota(a, ret);
	return e;
}

static bool
fits(const struct quota *q, uint64_t bytes, uint64_t messages)
{
	if (q->bytes_limit &&
	    (q->bytes_used > q->bytes_limit || bytes > q->bytes_limit - q->bytes_used))
		return false;
	return !q->messages_limit || (q->messages_used <= q->messages_limit &&
					 messages <= q->messages_limit - q->messages_used);
}

void
account_note_quota(struct account *a, const struct quota *seen)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&a->quota_mu);

	(void)held;
	a->quota_ms = seen ? clock_mono_ms() : 0;
	if (seen)
		a->quota = *seen;
}

/* An eighth of the limits or more would be left, by what was seen lately. */
static bool
had_plenty(struct account *a, uint64_t bytes)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&a->quota_mu);
	const struct quota *q = &a->quota;

	(void)held;
	return a->quota_ms && clock_mono_ms() - a->quota_ms < SEEN_MS && bytes < UINT64_MAX / 2 &&
	       fits(q, bytes + q->bytes_limit / 8, 1 + q->messages_limit / 8);
}

enum err
account_has_room(struct account *a, uint64_t bytes)
{
	struct quota q;

	if (had_plenty(a, bytes))
		return ERR_OK;
	enum err e = account_quota(a, &q);
	if (e)
		return e;
	return fits(&q, bytes, 1) ? ERR_OK : ERR_OVER_QUOTA;
}

/* -- the limits in both databases */

/* ERR_NOT_FOUND: the directory does not have the account, or not yet. */
static enum err
read_directory(struct account *a, struct quota *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = read_begin(&a->store->directory, &h);

	if (!e)
		e = db_query(h->db, "SELECT quota_bytes, quota_messages FROM account WHERE id = ?1",
		    &st, DB_INT(a->id));
	if (!e)
		e = stmt_step(st, &row);
	if (e)
		return e;
	if (!row)
		return ERR_NOT_FOUND;
	*ret = (struct quota){
	    .bytes_limit = (uint64_t)stmt_int(st, 0), .messages_limit = (uint64_t)stmt_int(st, 1)};
	return ERR_OK;
}

enum err
txn_mirror_limits(struct txn *t, void *unused)
{
	struct quota q;
	enum err e = read_directory(t->account, &q);

	(void)unused;
	if (!e)
		e = db_run(t->db, "UPDATE meta SET quota_bytes = ?1, quota_messages = ?2",
		    DB_INT(q.bytes_limit), DB_INT(q.messages_limit));
	account_note_quota(t->account, NULL);
	return e;
}

void
account_mend_limits(struct account *a, const struct quota *is)
{
	struct quota right;
	enum err e = read_directory(a, &right);

	if (e == ERR_NOT_FOUND)
		return;
	if (!e && is->bytes_limit == right.bytes_limit &&
	    is->messages_limit == right.messages_limit)
		return;
	if (!e)
		e = account_write(a, txn_mirror_limits, NULL, DURABLE_LATER);
	log_warn("store", F_CSTR("op", "mend_limits"), F_ERR(e), F_CSTR("file", a->database.path));
}
