/* COPY and MOVE within an account: entries that point to the same message. */
#include "store/message_copy.h"

struct copy_op {
	const struct transfer *x;
	struct copied *ret;
};

/* -- pieces that copies into another account share */

enum err
copy_find_rows(struct db *db, const struct transfer *x, struct rows *ret, struct seen_marks *marks)
{
	enum err e = mailbox_must_exist(db, x->from);

	if (!e)
		e = rows_find(db, x->from, x->uids, 0, ret);
	if (!e && ret->n < x->count)
		return ERR_STALE;
	if (!e && ret->n > 0 && x->from_viewer)
		e = seen_read(
		    db, x->from, x->from_viewer, ret->r[0].uid, ret->r[ret->n - 1].uid, 0, marks);
	return e;
}

uint64_t
copy_used_flags(const struct transfer *x, const struct rows *rows)
{
	uint64_t used = 0;

	for (size_t i = 0; i < rows->n; i++)
		used |= rows->r[i].flags;
	return x->actor.may & FLAG_KEYWORDS ? used : used & FLAG_SYSTEM;
}

/* Whether the user who copies has seen the message. */
static bool
has_seen(const struct transfer *x, const struct entry *e, const struct seen_marks *marks)
{
	if (!x->from_viewer)
		return e->flags & FLAG_SEEN;
	const struct seen_mark *m = seen_find(marks, e->uid);
	return m && m->seen;
}

enum err
copy_entries(const struct transfer *x, const struct rows *rows, const struct seen_marks *marks,
    const uint64_t map[KEYWORDS_MAX], uint32_t first_uid, uint64_t modseq, struct rows *ret,
    struct seen_marks *ret_marks)
{
	const struct entry made = entry_new(0, 0, 0, 0, modseq);
	enum err e = ERR_OK;

	ret->r = reallocarray(NULL, rows->n, sizeof(*ret->r));
	if (!ret->r)
		return ERR_NOMEM;
	ret->n = ret->cap = rows->n;
	for (size_t i = 0; i < rows->n && !e; i++) {
		struct entry *copy = &ret->r[i];
		bool seen = has_seen(x, &rows->r[i], marks) && (x->actor.may & FLAG_SEEN);
		*copy = made;
		copy->uid = first_uid + (uint32_t)i;
		copy->message = rows->r[i].message;
		copy->size = rows->r[i].size;
		copy->flags = keywords_apply(map, rows->r[i].flags) & x->actor.may & ~FLAG_SEEN;
		/* what its owner has seen he has seen in his other mailboxes, too */
		if (!x->actor.viewer && seen)
			copy->flags |= FLAG_SEEN;
		else if (x->actor.viewer && x->from_account == x->to_account)
			copy->flags |= rows->r[i].flags & FLAG_SEEN;
		if (x->actor.viewer && seen)
			e = seen_marks_add(
			    ret_marks, (struct seen_mark){.uid = copy->uid, .seen = true});
	}
	return e;
}

enum err
copy_report(const struct rows *rows, uint32_t first_uid, struct copied *ret)
{
	enum err e = uidset_add(&ret->to, first_uid, first_uid + (uint32_t)rows->n - 1);

	for (size_t i = 0; i < rows->n && !e; i++)
		e = uidset_add(&ret->from, rows->r[i].uid, rows->r[i].uid);
	return e;
}

/* -- within an account */

static enum err
put_copies(struct txn *t, const struct copy_op *op, const struct rows *rows,
    const struct rows *copies, const struct seen_marks *fresh, uint64_t modseq)
{
	const struct transfer *x = op->x;
	struct mailbox_change change = {.within = x->move};
	uint32_t first = copies->r[0].uid;
	enum err e = ERR_OK;

	for (size_t i = 0; i < copies->n; i++)
		change_count(&change, copies->r[i].flags, copies->r[i].size, 1);
	e = seen_copy(t, x->from, rows, x->to, first, modseq, x->actor.viewer);
	if (!e && fresh->n > 0)
		e = seen_write(t, x->to, x->actor.viewer, fresh, modseq);
	if (!e && x->move)
		e = rows_remove(t, x->from, rows, modseq, true);
	if (!e)
		e = txn_change_mailbox(t, x->to, &change, modseq);
	if (!e)
		e = entries_append(t->db, x->to, copies->r, copies->n);
	return e ? e : copy_report(rows, first, op->ret);
}

static enum err
copy_rows(struct txn *t, const struct copy_op *op, const struct rows *rows,
    const struct seen_marks *marks)
{
	const struct transfer *x = op->x;
	uint64_t modseq, map[KEYWORDS_MAX];
	CLEANUP(rows_done) struct rows copies = {0};
	CLEANUP(seen_marks_done) struct seen_marks fresh = {0};
	CLEANUP(keyword_names_done) struct keyword_names names = {0};
	uint64_t used = copy_used_flags(x, rows);
	uint32_t first;
	enum err e = txn_take_uids(t, x->to, (uint32_t)rows->n, &first, &op->ret->uidvalidity);

	if (!e)
		e = txn_next_modseq(t, &modseq);
	if (!e && (used & FLAG_KEYWORDS))
		e = keyword_names_load(t->db, x->from, &names);
	if (!e)
		e = keywords_map(t, &names, x->to, used, map);
	if (!e)
		e = copy_entries(x, rows, marks, map, first, modseq, &copies, &fresh);
	return e ? e : put_copies(t, op, rows, &copies, &fresh, modseq);
}

static enum err
copy_in_txn(struct txn *t, void *arg)
{
	struct copy_op *op = arg;
	CLEANUP(rows_done) struct rows rows = {0};
	CLEANUP(seen_marks_done) struct seen_marks marks = {0};
	enum err e = copy_find_rows(t->db, op->x, &rows, &marks);

	if (!e && rows.n > 0)
		return copy_rows(t, op, &rows, &marks);
	return e ? e : txn_take_uids(t, op->x->to, 0, &(uint32_t){0}, &op->ret->uidvalidity);
}

enum err
message_transfer(const struct transfer *x, struct arena *arena, struct copied *ret)
{
	struct copied copied = {0};
	struct copy_op op = {.x = x, .ret = &copied};

	if (x->from_account != x->to_account)
		return copy_elsewhere(x, arena, ret);
	uidset_init(&copied.from, arena);
	uidset_init(&copied.to, arena);
	enum err e = account_write_promised(x->to_account, copy_in_txn, &op, x->promise);
	if (!e)
		*ret = copied;
	return e;
}

static enum err
of_owner(struct account *a, struct transfer x, struct arena *arena, struct copied *ret)
{
	x.from_account = x.to_account = a;
	x.actor = ACTOR_OWNER;
	return message_transfer(&x, arena, ret);
}

enum err
message_copy(struct account *a, int64_t from, const struct uidset *uids, int64_t to,
    struct arena *arena, struct copied *ret)
{
	return of_owner(a, (struct transfer){.from = from, .to = to, .uids = uids}, arena, ret);
}

enum err
message_move(struct account *a, int64_t from, const struct uidset *uids, int64_t to,
    struct arena *arena, struct copied *ret)
{
	return of_owner(
	    a, (struct transfer){.from = from, .to = to, .uids = uids, .move = true}, arena, ret);
}
