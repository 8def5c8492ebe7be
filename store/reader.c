#include "store/reader.h"

#include "store/account_private.h"
#include "store/damage.h"
#include "store/entries.h"
#include "store/row_walk.h"
#include "store/threads.h"

#include <stdlib.h>

/* The octets of one message, kept between calls. */
struct octets {
	bool open;
	int64_t message;
	uint64_t size;
	struct message_file *file; /* or NULL, and they stand in the rows: */
	struct str header, body;
};

struct reader {
	struct page *page; /* of entries, as reader_saved() left it; or NULL */
	struct account *account;
	struct handle *handle;
	struct row_walk rows, headers, bodies; /* what the strings given out live in */
	unsigned rows_want; /* the columns of `rows` */
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
	message_file_close(&o->file);
	o->open = false;
}

void
reader_close(struct reader **rp)
{
	struct reader *r = MOVE_PTR(*rp);

	if (!r)
		return;
	forget_octets(&r->octets);
	free(r->page);
	row_walk_end(&r->rows);
	row_walk_end(&r->headers);
	row_walk_end(&r->bodies);
	read_end(&r->handle);
	account_unref(&r->account);
	free(r);
}

static enum err
damaged(int64_t message, const char *path, const char *detail)
{
	return damage_found("reader", path, detail, F_INT("message", message));
}

/* -- rows */

/* SQLite takes a column out of the row, and follows the row's overflow pages to it, whether or not
 * anybody looks at it: so there is a query for each choice. */
#define ROWS(envelope, bodystructure, parts)                                                       \
	"SELECT id, size, header_size, internal_s, internal_zone_s, email_id, blob, " envelope     \
	", " bodystructure ", " parts " FROM message WHERE id >= ?1 ORDER BY id"
#define COLUMN_CHOICES (WANT_ENVELOPE | WANT_BODYSTRUCTURE | WANT_PARTS)
static const char *const row_queries[COLUMN_CHOICES + 1] = {
    [WANT_BASICS] = ROWS("NULL", "NULL", "NULL"),
    [WANT_ENVELOPE] = ROWS("envelope", "NULL", "NULL"),
    [WANT_BODYSTRUCTURE] = ROWS("NULL", "bodystructure", "NULL"),
    [WANT_ENVELOPE | WANT_BODYSTRUCTURE] = ROWS("envelope", "bodystructure", "NULL"),
    [WANT_PARTS] = ROWS("NULL", "NULL", "parts"),
    [WANT_ENVELOPE | WANT_PARTS] = ROWS("envelope", "NULL", "parts"),
    [WANT_BODYSTRUCTURE | WANT_PARTS] = ROWS("NULL", "bodystructure", "parts"),
    [COLUMN_CHOICES] = ROWS("envelope", "bodystructure", "parts"),
};

/* Moves r->rows to the message's row, with these columns at least. */
static enum err
find_row(struct reader *r, int64_t message, unsigned want)
{
	bool found = false;

	want &= COLUMN_CHOICES;
	if (want & ~r->rows_want || !r->rows.st) {
		row_walk_end(&r->rows);
		r->rows_want = want;
	}
	enum err e =
	    row_walk_to(&r->rows, r->handle->db, row_queries[r->rows_want], message, &found);
	return e || found ? e : ERR_GONE;
}

/* What `walk` has for the message; NULL where it has no row. Octets of another message that were
 * kept may stand in the row that is left. */
static enum err
find_octets(
    struct reader *r, struct row_walk *walk, const char *sql, int64_t message, struct str *ret)
{
	bool found = false;

	if (r->octets.open && r->octets.message != message)
		forget_octets(&r->octets);
	enum err e = row_walk_to(walk, r->handle->db, sql, message, &found);
	*ret = found ? stmt_str(walk->st, 1) : (struct str){NULL, 0};
	return e;
}

static enum err
find_header(struct reader *r, int64_t message, struct str *ret)
{
	return find_octets(r, &r->headers,
	    "SELECT message, octets FROM header WHERE message >= ?1 ORDER BY message", message,
	    ret);
}

static enum err
find_body(struct reader *r, int64_t message, struct str *ret)
{
	return find_octets(r, &r->bodies,
	    "SELECT message, octets FROM body WHERE message >= ?1 ORDER BY message", message, ret);
}

/* The header's row; a header that was too big for one is left to reader_read(), piece by piece. */
static enum err
read_header(struct reader *r, int64_t message, uint64_t header_size, struct str *ret)
{
	enum err e = find_header(r, message, ret);

	if (e || ret->n == header_size)
		return e;
	if (ret->n)
		return damaged(
		    message, db_path(r->handle->db), "the header has not the right size");
	return ERR_OK;
}

enum err
reader_message(struct reader *r, int64_t message, unsigned want, struct message_row *ret)
{
	enum err e = find_row(r, message, want);

	if (e)
		return e;
	struct stmt *st = r->rows.st;
	struct message_row out = {
	    .id = message,
	    .size = (uint64_t)stmt_int(st, 1),
	    .header_size = (uint64_t)stmt_int(st, 2),
	    .internal_s = stmt_int(st, 3),
	    .internal_zone_s = (int32_t)stmt_int(st, 4),
	    .email_id = stmt_str(st, 5),
	};
	if (want & WANT_ENVELOPE)
		out.envelope = stmt_str(st, 7);
	if (want & WANT_BODYSTRUCTURE)
		out.bodystructure = stmt_str(st, 8);
	if (want & WANT_PARTS)
		out.parts = stmt_str(st, 9);
	if (want & WANT_HEADER)
		e = read_header(r, message, out.header_size, &out.header);
	if (!e)
		*ret = out;
	return e;
}

enum err
reader_header(struct reader *r, int64_t message, struct str *ret)
{
	return find_header(r, message, ret);
}

/* -- what does not stand in the message's row */

enum err
reader_saved(struct reader *r, int64_t mailbox, uint32_t uid, int64_t *ret_s)
{
	if (!r->page)
		r->page = calloc(1, sizeof(*r->page));
	if (!r->page)
		return ERR_NOMEM;
	struct page *p = r->page;
	if (p->n == 0 || p->mailbox != mailbox || uid < p->e[0].uid || uid > p->e[p->n - 1].uid) {
		p->n = 0;
		enum err e = page_advance(r->handle->db, mailbox, uid, p);
		if (e)
			return e;
	}
	uint32_t i = page_position(p, uid);
	if (i == p->n || p->e[i].uid != uid)
		return ERR_GONE;
	*ret_s = p->e[i].saved_s;
	return ERR_OK;
}

enum err
reader_thread(struct reader *r, int64_t message, int64_t *ret)
{
	enum err e = db_get_int(
	    r->handle->db, "SELECT thread FROM thread WHERE message = ?1", ret, DB_INT(message));

	if (e == ERR_NOT_FOUND)
		*ret = 0;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* -- octets */

static enum err
wrong_size(const struct reader *r, int64_t message)
{
	return damaged(message, db_path(r->handle->db), "the rows have not the message's size");
}

/* Both rows, if it has them: then the message's own need not be looked at, and is compared only
 * when it happens to be at hand. */
static enum err
open_rows(struct reader *r, int64_t message, bool *ret_found)
{
	struct octets *o = &r->octets;
	enum err e = find_header(r, message, &o->header);

	o->body = (struct str){NULL, 0};
	if (!e && o->header.p)
		e = find_body(r, message, &o->body);
	*ret_found = !e && o->header.p && o->body.p;
	if (!*ret_found)
		return e;
	o->size = o->header.n + o->body.n;
	bool at_hand = r->rows.st && r->rows.at == message;
	return at_hand && (uint64_t)stmt_int(r->rows.st, 1) != o->size ? wrong_size(r, message)
								       : ERR_OK;
}

static enum err
open_file(struct reader *r, int64_t message)
{
	struct octets *o = &r->octets;
	enum err e = find_row(r, message, WANT_BASICS);

	if (e)
		return e;
	o->size = (uint64_t)stmt_int(r->rows.st, 1);
	struct str blob = stmt_str(r->rows.st, 6);
	return blob.n ? message_file_open(r->account, message, blob, o->size, &o->file)
		      : wrong_size(r, message);
}

/* The octets where the rows have them; else *ret_found is false. */
static enum err
find_rows(struct reader *r, int64_t message, bool *ret_found)
{
	struct octets *o = &r->octets;

	if (o->open && o->message == message) {
		*ret_found = !o->file;
		return ERR_OK;
	}
	forget_octets(o);
	enum err e = open_rows(r, message, ret_found);
	o->message = message;
	o->open = !e && *ret_found;
	return e;
}

static enum err
open_octets(struct reader *r, int64_t message)
{
	struct octets *o = &r->octets;
	bool found = false;
	enum err e = find_rows(r, message, &found);

	if (!e && !o->open) {
		e = open_file(r, message);
		o->open = !e;
	}
	return e;
}

enum err
reader_octets(
    struct reader *r, int64_t message, uint64_t size, struct str *ret_header, struct str *ret_body)
{
	bool found = false;
	enum err e = find_rows(r, message, &found);

	if (!e && found && r->octets.size != size)
		e = wrong_size(r, message);
	if (e)
		return e;
	*ret_header = found ? r->octets.header : (struct str){NULL, 0};
	*ret_body = found ? r->octets.body : (struct str){NULL, 0};
	return ERR_OK;
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
