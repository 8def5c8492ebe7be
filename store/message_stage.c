#include "store/message_stage.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "store/cleaner.h"
#include "store/file.h"
#include "store/message_insert.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define BLOB_DIR_LETTERS 2 /* of a name, account_blob_path() */

struct batch {
	struct stage *stage;
	struct db *source; /* in a consistent read */
	const struct entry *rows;
	size_t n;
	int64_t *made;
	struct insert **in; /* of those that are there */
	char dir[BLOB_DIR_LETTERS + 1]; /* all files of a batch get into one: one sync is enough */
	char path[PATH_MAX]; /* of it; empty: no file yet */
	int64_t note;
};

static void
batch_done(struct batch *b)
{
	for (size_t i = 0; b->in && i < b->n; i++)
		free(b->in[i]);
	free(b->in);
}

/* -- files */

/* A name in the batch's directory that no file has. */
static enum err
name_file(struct batch *b, struct insert *in)
{
	struct insert fresh;
	enum err e = insert_make_name(&fresh);

	if (e)
		return e;
	if (!b->dir[0])
		memcpy(b->dir, fresh.email_id, BLOB_DIR_LETTERS);
	memcpy(fresh.email_id, b->dir, BLOB_DIR_LETTERS);
	e = account_blob_path(b->stage->to, str_of(fresh.email_id), in->blob_path);
	if (e || b->path[0])
		return e;
	size_t n = (size_t)(strrchr(in->blob_path, '/') - in->blob_path);
	memcpy(b->path, in->blob_path, n);
	b->path[n] = '\0';
	return account_make_blob_dir(b->stage->to, b->path);
}

/* The octets of files stand on the disk since they were accepted; a second name is all it takes. */
static enum err
link_file(struct batch *b, struct str blob, struct insert *in, bool *ret_there)
{
	char path[PATH_MAX];
	enum err e = account_blob_path(b->stage->from, blob, path);

	*ret_there = true;
	if (!e)
		e = name_file(b, in);
	if (!e && link(path, in->blob_path)) {
		*ret_there = errno != ENOENT; /* expunged and swept meanwhile */
		e = *ret_there ? file_error("link", in->blob_path) : ERR_OK;
		in->blob_path[0] = '\0';
	} else if (e) {
		in->blob_path[0] = '\0';
	}
	return e;
}

/* -- before the transaction */

/* RFC 8474 §5.1: a copy has the EMAILID of what it is a copy of. */
static enum err
take_email_id(struct insert *in, struct str email_id)
{
	if (email_id.n != EMAIL_ID_LEN)
		return insert_make_name(in);
	memcpy(in->email_id, email_id.p, EMAIL_ID_LEN);
	in->email_id[EMAIL_ID_LEN] = '\0';
	return ERR_OK;
}

static enum err
prepare_one(struct batch *b, struct stmt *st, size_t i)
{
	bool row = false, there = true;

	stmt_reset(st);
	stmt_bind(st, 1, DB_INT(b->rows[i].message));
	enum err e = stmt_step(st, &row);
	if (e || !row)
		return e;
	struct insert *in = calloc(1, sizeof(*in));
	if (!in)
		return ERR_NOMEM;
	b->in[i] = in;
	e = take_email_id(in, stmt_str(st, 1));
	if (!e && stmt_str(st, 0).n > 0)
		e = link_file(b, stmt_str(st, 0), in, &there);
	if (!there) {
		free(in);
		b->in[i] = NULL;
	}
	return e;
}

static enum err
prepare(struct batch *b)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	enum err e =
	    db_query(b->source, "SELECT blob, email_id FROM message WHERE id = ?1", &st, DB_INT(0));

	for (size_t i = 0; i < b->n && !e; i++)
		e = prepare_one(b, st, i);
	return e || !b->path[0] ? e : file_sync(b->path);
}

/* -- rows */

static enum err
copy_octets(
    struct txn *t, struct db *source, const char *read, const char *write, int64_t from, int64_t to)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = db_query(source, read, &st, DB_INT(from));

	if (!e)
		e = stmt_step(st, &row);
	return e || !row ? e : db_run(t->db, write, DB_INT(to), DB_BLOB(stmt_str(st, 0)));
}

static enum err
copy_row(struct txn *t, struct db *source, int64_t message, struct insert *in, int64_t *ret)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct message_index index;
	bool row = false;
	enum err e = db_query(source,
	    "SELECT size, header_size, internal_s, internal_zone_s, envelope, bodystructure, parts"
	    " FROM message WHERE id = ?1",
	    &st, DB_INT(message));

	if (!e)
		e = stmt_step(st, &row);
	if (e || !row)
		return e ? e : ERR_CORRUPT; /* it was there in the same read */
	index = (struct message_index){.size = (uint64_t)stmt_int(st, 0),
	    .header_size = (uint64_t)stmt_int(st, 1),
	    .envelope = stmt_str(st, 4),
	    .bodystructure = stmt_str(st, 5),
	    .parts = stmt_str(st, 6)};
	in->index = &index;
	in->internal_s = stmt_int(st, 2);
	in->internal_zone_s = (int32_t)stmt_int(st, 3);
	e = insert_row(t, in, ret);
	in->index = NULL;
	return e;
}

static enum err
copy_message(struct txn *t, struct db *source, int64_t message, struct insert *in, int64_t *ret)
{
	enum err e = copy_row(t, source, message, in, ret);

	if (!e)
		e = copy_octets(t, source, "SELECT octets FROM header WHERE message = ?1",
		    "INSERT INTO header (message, octets) VALUES (?1, ?2)", message, *ret);
	if (!e)
		e = copy_octets(t, source, "SELECT octets FROM body WHERE message = ?1",
		    "INSERT INTO body (message, octets) VALUES (?1, ?2)", message, *ret);
	return e;
}

static enum err
stage_in_txn(struct txn *t, void *arg)
{
	struct batch *b = arg;
	struct entry notes[STAGE_MESSAGES];
	struct rows named = {.r = notes};
	enum err e = ERR_OK;

	for (size_t i = 0; i < b->n && !e; i++) {
		b->made[i] = 0;
		if (!b->in[i])
			continue;
		e = copy_message(t, b->source, b->rows[i].message, b->in[i], &b->made[i]);
		notes[named.n++] = (struct entry){.message = b->made[i], .size = b->rows[i].size};
	}
	if (!e && named.n > 0)
		e = txn_add_tombstone(t, STAGE_MAILBOX, &named, 0, true);
	b->note = !e && named.n > 0 ? db_last_id(t->db) : 0;
	return e;
}

static enum err
reserve_note(struct stage *s)
{
	if (s->notes < s->cap)
		return ERR_OK;
	size_t cap = s->cap ? 2 * s->cap : 16;
	int64_t *grown = reallocarray(s->note, cap, sizeof(*grown));
	if (!grown)
		return ERR_NOMEM;
	s->note = grown;
	s->cap = cap;
	return ERR_OK;
}

enum err
stage_messages(struct stage *s, const struct entry *rows, size_t n, int64_t *ret)
{
	CLEANUP(read_end) struct handle *source = NULL;
	CLEANUP(batch_done) struct batch b = {.stage = s, .rows = rows, .n = n, .made = ret};

	assert(n <= STAGE_MESSAGES);
	// NOLINTNEXTLINE(bugprone-sizeof-expression): its elements are pointers
	b.in = calloc(n ? n : 1, sizeof(*b.in));
	enum err e = b.in ? reserve_note(s) : ERR_NOMEM;
	if (!e)
		e = account_read(s->from, &source);
	if (e)
		return e;
	b.source = source->db;
	e = prepare(&b);
	if (!e)
		e = account_write(s->to, stage_in_txn, &b, DURABLE_LATER);
	for (size_t i = 0; i < n; i++)
		if (b.in[i])
			insert_undo(b.in[i], e);
	if (!e && b.note)
		s->note[s->notes++] = b.note;
	return e;
}

/* -- what becomes of them */

enum err
stage_settle(struct txn *t, const struct stage *s)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < s->notes && !e; i++) {
		e = db_run(t->db,
		    "DELETE FROM tombstone WHERE id = ?1 AND mailbox = ?2"
		    " AND id NOT IN (SELECT tombstone FROM unswept)",
		    DB_INT(s->note[i]), DB_INT(STAGE_MAILBOX));
		if (!e && db_changes(t->db) == 0)
			e = ERR_BUSY;
	}
	return e;
}

static enum err
drop_in_txn(struct txn *t, void *arg)
{
	const struct stage *s = arg;
	enum err e = ERR_OK;

	/* Those of a transaction whose sync has failed may have been settled after all. */
	for (size_t i = 0; i < s->notes && !e; i++)
		e = db_run(t->db,
		    "INSERT OR IGNORE INTO unswept (tombstone)"
		    " SELECT id FROM tombstone WHERE id = ?1 AND mailbox = ?2",
		    DB_INT(s->note[i]), DB_INT(STAGE_MAILBOX));
	return e;
}

void
stage_drop(struct stage *s)
{
	if (s->notes == 0)
		return;
	enum err e = account_write(s->to, drop_in_txn, s, DURABLE_LATER);
	if (e && e != ERR_GONE)
		log_warn("store", F_CSTR("op", "drop_staged"), F_ERR(e), F_INT("to", s->to->id));
	account_note_unswept(s->to);
	s->notes = 0;
}

void
stage_done(struct stage *s)
{
	free(s->note);
	*s = (struct stage){0};
}

/* -- the dead */

enum err
stage_has_dead(struct db *db, bool *ret)
{
	int64_t any = 0;
	enum err e = db_get_int(db,
	    "SELECT EXISTS (SELECT 1 FROM tombstone INDEXED BY tombstone_modseq WHERE mailbox = ?1"
	    " AND expunged_s < ?2 AND id NOT IN (SELECT tombstone FROM unswept))",
	    &any, DB_INT(STAGE_MAILBOX), DB_INT(clock_real_s() - STAGE_DEAD_S));

	if (!e)
		*ret = any != 0;
	return e;
}

static enum err
adopt_in_txn(struct txn *t, void *unused)
{
	(void)unused;
	return db_run(t->db,
	    "INSERT OR IGNORE INTO unswept (tombstone)"
	    " SELECT id FROM tombstone INDEXED BY tombstone_modseq"
	    " WHERE mailbox = ?1 AND expunged_s < ?2",
	    DB_INT(STAGE_MAILBOX), DB_INT(clock_real_s() - STAGE_DEAD_S));
}

enum err
stage_adopt(struct account *a)
{
	return account_write(a, adopt_in_txn, NULL, DURABLE_LATER);
}
