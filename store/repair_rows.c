/* Rows of a damaged mail.db, as salvage.h finds them, into a new one. */
#include "store/account_private.h"
#include "store/repair_private.h"

#include <stdlib.h>
#include <string.h>

/* Types of columns as a record has them: n null, i integer, t text, b blob, . any. */
struct table {
	const char *name;
	const char *shape; /* by which a row is known that no tree leads to; NULL: it is not */
	bool keyed; /* the first column is the rowid */
	size_t columns; /* those that `insert` takes */
	const char *insert;
};

/* What breaks a rule, or is there already, is left out. */
static const struct table tables[] = {
    {"meta", NULL, true, 10,
	"INSERT OR IGNORE INTO meta (id, account, created_s, uidvalidity, modseq, bytes, messages,"
	" quota_bytes, quota_messages, removed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"},
    {"mailbox", "ntiiiiiiiiti", true, 12,
	"INSERT OR IGNORE INTO mailbox (id, name, uidvalidity, uidnext, highest_modseq, messages,"
	" unseen, deleted, bytes, recent_from, special_use, noselect)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"},
    {"subscription", "t", false, 1, "INSERT OR IGNORE INTO subscription (name) VALUES (?1)"},
    {"keyword", "iit", false, 3,
	"INSERT OR IGNORE INTO keyword (mailbox, bit, name) VALUES (?1, ?2, ?3)"},
    {"message", "ntiiiitbbb", true, 10,
	"INSERT OR IGNORE INTO message (id, email_id, size, header_size, internal_s,"
	" internal_zone_s, blob, envelope, bodystructure, parts)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"},
    {"header", NULL, true, 2, "INSERT OR IGNORE INTO header (message, octets) VALUES (?1, ?2)"},
    {"body", NULL, true, 2, "INSERT OR IGNORE INTO body (message, octets) VALUES (?1, ?2)"},
    {"tombstone", NULL, true, 5,
	"INSERT OR IGNORE INTO tombstone (id, mailbox, modseq, expunged_s, entries)"
	" VALUES (?1, ?2, ?3, ?4, ?5)"},
    {"unswept", NULL, true, 1, "INSERT OR IGNORE INTO unswept (tombstone) VALUES (?1)"},
    {"annotation", "iiti.", false, 5,
	"INSERT OR IGNORE INTO annotation (mailbox, viewer, name, modseq, value)"
	" VALUES (?1, ?2, ?3, ?4, ?5)"},
    {"acl", "iiitt", false, 5,
	"INSERT OR IGNORE INTO acl (mailbox, negative, account, identifier, rights)"
	" VALUES (?1, ?2, ?3, ?4, ?5)"},
    {"viewer", NULL, false, 4,
	"INSERT OR IGNORE INTO viewer (mailbox, viewer, highest_modseq, recent_from)"
	" VALUES (?1, ?2, ?3, ?4)"},
    {"seen_page", NULL, false, 5,
	"INSERT OR IGNORE INTO seen_page (mailbox, viewer, page, modseq, marks)"
	" VALUES (?1, ?2, ?3, ?4, ?5)"},
    {"thread", NULL, true, 2, "INSERT OR IGNORE INTO thread (message, thread) VALUES (?1, ?2)"},
    {"modseq_gap", NULL, true, 2, "INSERT OR IGNORE INTO modseq_gap (low, high) VALUES (?1, ?2)"},
    {"from_queue", NULL, false, 2,
	"INSERT OR IGNORE INTO from_queue (message, created_s) VALUES (?1, ?2)"},
};

static bool
has_shape(const struct salvage_row *row, const char *shape)
{
	size_t n = strlen(shape);

	for (size_t i = 0; i < n && row->n >= n; i++)
		if (shape[i] != '.' && shape[i] != "nitb"[row->v[i].type])
			return false;
	return row->n >= n && row->n <= n + 1; /* one column was added to mailbox */
}

static const struct table *
table_of(const struct salvage_row *row)
{
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		const struct table *t = &tables[i];
		if (row->table.n ? str_eq(row->table, str_of(t->name))
				 : t->shape && t->keyed == row->keyed && has_shape(row, t->shape))
			return t;
	}
	return NULL;
}

static enum err
insert(struct repair *r, const struct table *t, const struct salvage_row *row)
{
	struct db_arg args[SALVAGE_COLUMNS_MAX];
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool more;

	if (row->n < t->columns)
		return ERR_OK;
	for (size_t i = 0; i < t->columns; i++) {
		const struct salvage_value *v = &row->v[i];
		args[i] = v->type == SALVAGE_INT    ? DB_INT(v->i)
			  : v->type == SALVAGE_TEXT ? DB_TEXT(v->s)
			  : v->type == SALVAGE_BLOB ? DB_BLOB(v->s)
						    : DB_NULL;
	}
	if (t->keyed)
		args[0] = DB_INT(row->rowid);
	enum err e = db_query_args(r->db, t->insert, &st, args, t->columns);
	return e ? e : stmt_step(st, &more);
}

enum err
repair_add_entry(struct repair *r, struct repair_entry entry)
{
	if (r->n == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 1024;
		struct repair_entry *grown = reallocarray(r->entries, cap, sizeof(*grown));
		if (!grown)
			return ERR_NOMEM;
		r->entries = grown;
		r->cap = cap;
	}
	r->entries[r->n++] = entry;
	return ERR_OK;
}

static enum err
add_entries(struct repair *r, const struct salvage_row *row)
{
	struct page p;
	enum err e = ERR_OK;

	if (page_decode(row->rowid, (uint64_t)row->v[2].i, row->v[3].i, row->v[4].s, &p))
		return ERR_OK;
	for (uint32_t i = 0; i < p.n && !e; i++)
		e = repair_add_entry(r, (struct repair_entry){p.mailbox, p.e[i]});
	return e;
}

static enum err
take_row(const struct salvage_row *row, void *arg)
{
	struct repair *r = arg;
	bool pages =
	    row->table.n ? str_eq(row->table, STR("entry_page")) : row->keyed && row->rowid >> 32;

	if (pages && has_shape(row, "niiib"))
		return add_entries(r, row);
	const struct table *t = table_of(row);
	return t ? insert(r, t, row) : ERR_OK;
}

/* What was given out stays so. Of the second round, when the tables have their rows. */
static enum err
raise_sequence(struct repair *r, const struct salvage_row *row)
{
	struct str name = row->v[0].s;
	int64_t last = row->v[1].i;
	enum err e = db_run(r->db,
	    "INSERT INTO sqlite_sequence (name, seq) SELECT ?1, 0"
	    " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)",
	    DB_TEXT(name));

	return e ? e
		 : db_run(r->db, "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1",
		       DB_TEXT(name), DB_INT(last));
}

/* Octets that no tree leads to: are they of a header or of a body? */
static enum err
take_late(const struct salvage_row *row, void *arg)
{
	struct repair *r = arg;
	int64_t header = -1, size = -1;

	if (str_eq(row->table, STR("sqlite_sequence")) && has_shape(row, "ti"))
		return raise_sequence(r, row);
	if (row->table.n || !row->keyed || row->n != 2 || !has_shape(row, "nb"))
		return ERR_OK;
	enum err e = db_get_int(
	    r->db, "SELECT header_size FROM message WHERE id = ?1", &header, DB_INT(row->rowid));
	if (!e)
		e = db_get_int(
		    r->db, "SELECT size FROM message WHERE id = ?1", &size, DB_INT(row->rowid));
	if (e && e != ERR_NOT_FOUND)
		return e;
	struct str octets = row->v[1].s;
	bool ends = octets.n >= 4 && memcmp(octets.p + octets.n - 4, "\r\n\r\n", 4) == 0;
	int64_t n = (int64_t)octets.n;
	if (size >= 0 && n != header && n != size - header)
		return ERR_OK;
	bool is_header = size >= 0 && header * 2 != size ? n == header : ends;
	return is_header
		   ? db_run(r->db, "INSERT OR IGNORE INTO header (message, octets) VALUES (?1, ?2)",
			 DB_INT(row->rowid), DB_BLOB(octets))
		   : db_run(r->db, "INSERT OR IGNORE INTO body (message, octets) VALUES (?1, ?2)",
			 DB_INT(row->rowid), DB_BLOB(octets));
}

enum err
repair_load(struct repair *r)
{
	enum err e = salvage_rows(r->salvage, take_row, r);

	return e ? e : salvage_rows(r->salvage, take_late, r);
}
