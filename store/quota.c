#include "store/account_private.h"

#include "common/base/log.h"

enum err
account_quota(struct account *a, struct quota *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = account_read(a, &h);

	if (!e)
		e = db_query(
		    h->db, "SELECT bytes, quota_bytes, messages, quota_messages FROM meta", &st);
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
account_has_room(struct account *a, uint64_t bytes)
{
	struct quota q;
	enum err e = account_quota(a, &q);

	if (e)
		return e;
	if (q.bytes_limit && (q.bytes_used > q.bytes_limit || bytes > q.bytes_limit - q.bytes_used))
		return ERR_OVER_QUOTA;
	if (q.messages_limit && q.messages_used >= q.messages_limit)
		return ERR_OVER_QUOTA;
	return ERR_OK;
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
	return e ? e
		 : db_run(t->db, "UPDATE meta SET quota_bytes = ?1, quota_messages = ?2",
		       DB_INT(q.bytes_limit), DB_INT(q.messages_limit));
}

void
account_mend_limits(struct account *a)
{
	struct quota right, is;
	enum err e = read_directory(a, &right);

	if (e == ERR_NOT_FOUND)
		return;
	if (!e)
		e = account_quota(a, &is);
	if (!e && is.bytes_limit == right.bytes_limit && is.messages_limit == right.messages_limit)
		return;
	if (!e)
		e = account_write(a, txn_mirror_limits, NULL, DURABLE_LATER);
	log_warn("store", F_CSTR("op", "mend_limits"), F_ERR(e), F_CSTR("file", a->database.path));
}
