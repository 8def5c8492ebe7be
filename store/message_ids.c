#include "store/message_ids.h"

#include "store/account_private.h"

#include <stdio.h>

enum err
message_ids(struct account *a, int64_t from, int64_t *ids, size_t max, size_t *ret_n)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	size_t n = 0;
	enum err e = account_read(a, &h);

	if (!e)
		e = db_query(h->db, "SELECT id FROM message WHERE id >= ?1 ORDER BY id LIMIT ?2",
		    &st, DB_INT(from), DB_INT(max));
	while (!e && n < max && !(e = stmt_step(st, &row)) && row)
		ids[n++] = stmt_int(st, 0);
	if (!e)
		*ret_n = n;
	return e;
}

enum err
message_last_id(struct account *a, int64_t low, int64_t high, int64_t *ret_id, char *email_id)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = account_read(a, &h);

	if (!e)
		e = db_query(h->db,
		    "SELECT id, email_id FROM message WHERE id BETWEEN ?1 AND ?2"
		    " ORDER BY id DESC LIMIT 1",
		    &st, DB_INT(low), DB_INT(high));
	if (!e)
		e = stmt_step(st, &row);
	if (e || !row)
		return e ? e : ERR_NOT_FOUND;
	*ret_id = stmt_int(st, 0);
	struct str text = stmt_str(st, 1);
	if (email_id)
		snprintf(email_id, EMAIL_ID_ROOM, "%.*s", STR_ARG(text));
	return ERR_OK;
}

enum err
message_ids_given(struct account *a, int64_t *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	enum err e = account_read(a, &h);

	if (!e)
		e = db_get_int(h->db,
		    "SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'message'), 0)",
		    ret);
	return e;
}
