/* COPY and MOVE into another account: its database gets rows of its own, its blobs/ a second name
 * for each file.
 *
 * The source is read in one consistent read that is open all the time. Readers wait for nobody, so
 * two that copy to each other can't stop one another; no thread ever holds two write locks. */
#include "store/message_copy.h"

#include "common/base/log.h"
#include "store/file.h"
#include "store/message_insert.h"

#include <errno.h>
#include <stdlib.h>

/* A message that has a file, which is linked before the transaction. */
struct linked {
	size_t row;
	struct insert in; /* its name and path */
};

struct transfer_op {
	const struct transfer *x;
	struct copied *ret;
	struct handle *source; /* the consistent read */
	struct rows rows;
	struct seen_marks marks;
	struct linked **linked; /* by row */
	size_t linked_n, linked_cap;
};

static void
op_done(struct transfer_op *op)
{
	for (size_t i = 0; i < op->linked_n; i++)
		free(op->linked[i]);
	free(op->linked);
	rows_done(&op->rows);
	seen_marks_done(&op->marks);
	read_end(&op->source);
}

/* -- files */

static enum err
link_file(struct account *from, struct account *to, struct str blob, struct insert *in)
{
	char path[PATH_MAX], dir[PATH_MAX];
	enum err e = insert_make_name(in);

	if (!e)
		e = account_blob_path(from, blob, path);
	if (!e)
		e = account_blob_path(to, str_of(in->email_id), in->blob_path);
	if (e)
		return e;
	size_t n = (size_t)(strrchr(in->blob_path, '/') - in->blob_path);
	memcpy(dir, in->blob_path, n);
	dir[n] = '\0';
	e = file_make_dir(dir);
	if (!e && link(path, in->blob_path)) {
		/* expunged and swept meanwhile */
		e = errno == ENOENT ? ERR_STALE : file_error("link", in->blob_path);
		in->blob_path[0] = '\0';
	}
	return e ? e : file_sync(dir);
}

static enum err
add_linked(struct transfer_op *op, size_t row, struct str blob)
{
	if (op->linked_n == op->linked_cap) {
		size_t cap = op->linked_cap ? 2 * op->linked_cap : 16;
		struct linked **grown = reallocarray(op->linked, cap, sizeof(struct linked *));
		if (!grown)
			return ERR_NOMEM;
		op->linked = grown;
		op->linked_cap = cap;
	}
	struct linked *l = calloc(1, sizeof(*l));
	if (!l)
		return ERR_NOMEM;
	op->linked[op->linked_n++] = l;
	l->row = row;
	return link_file(op->x->from_account, op->x->to_account, blob, &l->in);
}

/* The octets of files stand on the disk since they were accepted; their new names, too, when this
 * returns. */
static enum err
link_files(struct transfer_op *op)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e =
	    db_query(op->source->db, "SELECT blob FROM message WHERE id = ?1", &st, DB_INT(0));

	for (size_t i = 0; i < op->rows.n && !e; i++) {
		stmt_reset(st);
		stmt_bind(st, 1, DB_INT(op->rows.r[i].message));
		e = stmt_step(st, &row);
		if (!e && row && stmt_str(st, 0).n > 0)
			e = add_linked(op, i, stmt_str(st, 0));
	}
	return e;
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
		return e ? e : ERR_CORRUPT; /* an entry without its message */
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

/* Gives each copy a message of its own; one that stands in the mailbox twice does so here too. */
static enum err
copy_messages(struct txn *t, struct transfer_op *op, struct rows *copies)
{
	size_t next = 0;
	enum err e = ERR_OK;

	for (size_t i = 0; i < copies->n && !e; i++) {
		struct insert fresh = {0};
		bool linked = next < op->linked_n && op->linked[next]->row == i;
		struct insert *in = linked ? &op->linked[next++]->in : &fresh;
		if (!linked)
			e = insert_make_name(&fresh);
		if (!e)
			e = copy_message(
			    t, op->source->db, op->rows.r[i].message, in, &copies->r[i].message);
	}
	return e;
}

static enum err
transfer_in_txn(struct txn *t, void *arg)
{
	struct transfer_op *op = arg;
	const struct transfer *x = op->x;
	CLEANUP(rows_done) struct rows copies = {0};
	CLEANUP(seen_marks_done) struct seen_marks fresh = {0};
	struct mailbox_change change = {0};
	uint64_t modseq, map[KEYWORDS_MAX];
	uint32_t first;
	enum err e = txn_take_uids(t, x->to, (uint32_t)op->rows.n, &first, &op->ret->uidvalidity);

	if (e || op->rows.n == 0)
		return e;
	e = txn_next_modseq(t, &modseq);
	if (!e)
		e = keywords_map(
		    t, op->source->db, x->from, x->to, copy_used_flags(x, &op->rows), map);
	if (!e)
		e = copy_entries(x, &op->rows, &op->marks, map, first, modseq, &copies, &fresh);
	for (size_t i = 0; i < copies.n && !e; i++)
		change_count(&change, copies.r[i].flags, copies.r[i].size, 1);
	if (!e) /* quota first: it decides before octets are written */
		e = txn_change_mailbox(t, x->to, &change, modseq);
	if (!e)
		e = copy_messages(t, op, &copies);
	if (!e)
		e = entries_append(t->db, x->to, copies.r, copies.n);
	if (!e && fresh.n > 0)
		e = seen_write(t, x->to, x->actor.viewer, &fresh, modseq);
	return e ? e : copy_report(&op->rows, first, op->ret);
}

/* Keeps of *copied the messages that `gone` has or (`keep` false) has not. */
static enum err
pick(const struct copied *copied, const struct uidset *gone, bool keep, struct copied *ret)
{
	uint32_t to = copied->to.n ? copied->to.r[0].lo : 0; /* they follow each other */
	enum err e = ERR_OK;

	*ret = (struct copied){.uidvalidity = copied->uidvalidity};
	uidset_init(&ret->from, copied->from.arena);
	uidset_init(&ret->to, copied->to.arena);
	for (size_t i = 0; i < copied->from.n; i++) {
		struct uid_range r = copied->from.r[i];
		for (uint64_t uid = r.lo; uid <= r.hi && !e; uid++, to++) {
			if (uidset_has(gone, (uint32_t)uid) != keep)
				continue;
			e = uidset_add(&ret->from, (uint32_t)uid, (uint32_t)uid);
			if (!e)
				e = uidset_add(&ret->to, to, to);
		}
	}
	return e;
}

/* The rest of a MOVE. What another has expunged or moved from the source meanwhile is taken out of
 * the target again: a message is moved once. */
static enum err
remove_source(const struct transfer *x, struct copied *copied)
{
	struct uidset gone;
	struct copied moved = {0}, again = {0};

	uidset_init(&gone, copied->from.arena);
	enum err e = message_remove_told(x->from_account, x->from, &copied->from, &gone);
	if (e == ERR_GONE)
		e = ERR_OK; /* the mailbox, with all that was in it */
	if (!e)
		e = pick(copied, &gone, false, &again);
	if (!e && again.to.n > 0)
		e = message_remove(x->to_account, x->to, &again.to);
	if (!e)
		e = pick(copied, &gone, true, &moved);
	if (!e) {
		*copied = moved;
		return ERR_OK;
	}
	/* it may be that nothing is gone from the source */
	if (gone.n == 0 && message_remove(x->to_account, x->to, &copied->to))
		log_warn("store", F_CSTR("op", "move"), F_ERR(e),
		    F_INT("from", x->from_account->id), F_INT("to", x->to_account->id),
		    F_CSTR("detail", "the messages are in both accounts now"));
	return e;
}

enum err
copy_elsewhere(const struct transfer *x, struct copied *ret)
{
	CLEANUP(op_done) struct transfer_op op = {.x = x, .ret = ret};
	enum err e = account_read(x->from_account, &op.source);

	if (!e)
		e = copy_find_rows(op.source->db, x, &op.rows, &op.marks);
	if (!e)
		e = link_files(&op);
	if (!e)
		e = account_write(x->to_account, transfer_in_txn, &op, DURABLE_NOW);
	for (size_t i = 0; i < op.linked_n; i++)
		insert_undo(&op.linked[i]->in, e);
	if (!e && x->move && op.rows.n > 0)
		e = remove_source(x, ret);
	return e;
}
