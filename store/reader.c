#include "store/reader.h"

#include "common/base/log.h"
#include "store/account_private.h"

#include <stdlib.h>

/* The octets of one message, kept between calls of reader_read(). */
struct octets {
	int64_t message; /* 0: none */
	uint64_t size;
	struct message_file *file; /* or NULL, and its rows: */
	struct stmt *rows_st;
	struct str header, body; /* in the statement */
};

struct reader {
	struct account *account;
	struct handle *handle;
	struct stmt *row_st, *header_st; /* what the strings given out live in */
	struct octets octets;
};

enum err
reader_open(struct account *a, struct reader **ret)
{
	CLEANUP(reader_close) struct reader *r = calloc(1, sizeof(*r));

	if (!r)
		return ERR_NOMEM;
	r->account = account_ref(a);
	enum err e = account_read(a, &r->handle);
	if (!e)
		*ret = MOVE_PTR(r);
	return e;
}

static void
forget_octets(struct octets *o)
{
	stmt_done(&o->rows_st);
	message_file_close(&o->file);
	o->message = 0;
}

void
reader_close(struct reader **rp)
{
	struct reader *r = MOVE_PTR(*rp);

	if (!r)
		return;
	forget_octets(&r->octets);
	stmt_done(&r->row_st);
	stmt_done(&r->header_st);
	read_end(&r->handle);
	account_unref(&r->account);
	free(r);
}

static enum err
damaged(const struct reader *r, int64_t message, const char *path, const char *detail)
{
	log_error("reader", F_CSTR("file", path), F_INT("account", r->account->id),
	    F_INT("message", message), F_CSTR("detail", detail));
	return ERR_CORRUPT;
}

/* -- octets */

static enum err
open_rows(struct reader *r, int64_t message)
{
	struct octets *o = &r->octets;
	struct db *db = r->handle->db;
	bool row = false;
	enum err e = db_query(db,
	    "SELECT h.octets, b.octets FROM header h JOIN body b ON b.message = h.message"
	    " WHERE h.message = ?1",
	    &o->rows_st, DB_INT(message));

	if (!e)
		e = stmt_step(o->rows_st, &row);
	if (e)
		return e;
	if (row) {
		o->header = stmt_str(o->rows_st, 0);
		o->body = stmt_str(o->rows_st, 1);
	}
	if (!row || o->header.n + o->body.n != o->size)
		return damaged(r, message, db_path(db), "the rows have not the message's size");
	return ERR_OK;
}

static enum err
open_octets(struct reader *r, int64_t message)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;

	if (r->octets.message == message)
		return ERR_OK;
	forget_octets(&r->octets);
	enum err e = db_query(
	    r->handle->db, "SELECT size, blob FROM message WHERE id = ?1", &st, DB_INT(message));
	if (!e)
		e = stmt_step(st, &row);
	if (e)
		return e;
	if (!row)
		return ERR_GONE;
	r->octets.size = (uint64_t)stmt_int(st, 0);
	struct str blob = stmt_str(st, 1);
	e = blob.n ? message_file_open(r->account, message, blob, r->octets.size, &r->octets.file)
		   : open_rows(r, message);
	if (e)
		forget_octets(&r->octets);
	else
		r->octets.message = message;
	return e;
}

enum err
reader_read(struct reader *r, int64_t message, uint64_t offset, char *to, size_t n, size_t *ret_n)
{
	struct octets *o = &r->octets;
	enum err e = open_octets(r, message);

	if (e)
		return e;
	if (offset >= o->size)
		n = 0;
	else if (n > o->size - offset)
		n = o->size - offset;
	if (o->file && n > 0) {
		e = message_file_read(o->file, offset, to, n);
	} else if (n > 0) {
		struct str head = str_sub(o->header, offset, n);
		struct str tail = {"", 0};
		if (head.n < n)
			tail = str_sub(
			    o->body, offset > o->header.n ? offset - o->header.n : 0, n - head.n);
		if (head.n)
			memcpy(to, head.p, head.n);
		if (tail.n)
			memcpy(to + head.n, tail.p, tail.n);
	}
	if (!e)
		*ret_n = n;
	return e;
}

enum err
reader_take_file(struct reader *r, int64_t message, struct message_file **ret)
{
	enum err e = open_octets(r, message);

	if (e)
		return e;
	*ret = MOVE_PTR(r->octets.file);
	if (*ret)
		forget_octets(&r->octets);
	return ERR_OK;
}

/* -- rows */

/* The header's row; a header that was too big for one is left to reader_read(), piece by piece. */
static enum err
read_header(struct reader *r, int64_t message, uint64_t header_size, struct str *ret)
{
	bool row = false;
	enum err e = db_query(r->handle->db, "SELECT octets FROM header WHERE message = ?1",
	    &r->header_st, DB_INT(message));

	if (!e)
		e = stmt_step(r->header_st, &row);
	*ret = !e && row ? stmt_str(r->header_st, 0) : (struct str){NULL, 0};
	if (e || ret->n == header_size)
		return e;
	if (ret->n)
		return damaged(
		    r, message, db_path(r->handle->db), "the header has not the right size");
	return ERR_OK;
}

enum err
reader_message(struct reader *r, int64_t message, unsigned want, struct message_row *ret)
{
	bool row = false;

	stmt_done(&r->row_st);
	stmt_done(&r->header_st);
	/* columns that are not asked for are not read: SQLite follows a row's overflow pages only
	 * as far as it must */
	enum err e = db_query(r->handle->db,
	    "SELECT size, header_size, internal_s, internal_zone_s, email_id, envelope,"
	    " bodystructure, parts FROM message WHERE id = ?1",
	    &r->row_st, DB_INT(message));
	if (!e)
		e = stmt_step(r->row_st, &row);
	if (e)
		return e;
	if (!row)
		return ERR_GONE;
	struct stmt *st = r->row_st;
	struct message_row out = {
	    .id = message,
	    .size = (uint64_t)stmt_int(st, 0),
	    .header_size = (uint64_t)stmt_int(st, 1),
	    .internal_s = stmt_int(st, 2),
	    .internal_zone_s = (int32_t)stmt_int(st, 3),
	    .email_id = stmt_str(st, 4),
	};
	if (want & WANT_ENVELOPE)
		out.envelope = stmt_str(st, 5);
	if (want & WANT_BODYSTRUCTURE)
		out.bodystructure = stmt_str(st, 6);
	if (want & WANT_PARTS)
		out.parts = stmt_str(st, 7);
	if (want & WANT_HEADER)
		e = read_header(r, message, out.header_size, &out.header);
	if (!e)
		*ret = out;
	return e;
}
