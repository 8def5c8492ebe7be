#include "store/account_private.h"

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
