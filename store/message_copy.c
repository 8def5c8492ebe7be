/* COPY and MOVE: entries that point to the same message. */
#include "store/message_private.h"

struct copy_op {
	int64_t from, to;
	const struct uidset *uids;
	uint64_t at_least; /* entries that must be there */
	bool move;
	struct copied *ret;
};

/* The rows as entries of the target. */
static enum err
copies_of(const struct rows *rows, const uint64_t map[KEYWORDS_MAX], uint32_t first_uid,
    uint64_t modseq, struct rows *ret)
{
	ret->r = reallocarray(NULL, rows->n, sizeof(*ret->r));
	if (!ret->r)
		return ERR_NOMEM;
	ret->n = ret->cap = rows->n;
	const struct entry made = entry_new(0, 0, 0, 0, modseq);
	for (size_t i = 0; i < rows->n; i++) {
		struct entry *copy = &ret->r[i];
		*copy = made;
		copy->uid = first_uid + (uint32_t)i;
		copy->message = rows->r[i].message;
		copy->size = rows->r[i].size;
		copy->flags = keywords_apply(map, rows->r[i].flags);
	}
	return ERR_OK;
}

static enum err
report_copies(const struct rows *rows, uint32_t first_uid, struct copied *ret)
{
	enum err e = uidset_add(&ret->to, first_uid, first_uid + (uint32_t)rows->n - 1);

	for (size_t i = 0; i < rows->n && !e; i++)
		e = uidset_add(&ret->from, rows->r[i].uid, rows->r[i].uid);
	return e;
}

static enum err
copy_rows(struct txn *t, const struct copy_op *op, const struct rows *rows)
{
	uint64_t modseq, used = 0, map[KEYWORDS_MAX];
	struct mailbox_change change = {.within = op->move};
	CLEANUP(rows_done) struct rows copies = {0};
	uint32_t first;

	for (size_t i = 0; i < rows->n; i++) {
		used |= rows->r[i].flags;
		change_count(&change, rows->r[i].flags, rows->r[i].size, 1);
	}
	enum err e = txn_take_uids(t, op->to, (uint32_t)rows->n, &first, &op->ret->uidvalidity);
	if (!e)
		e = txn_next_modseq(t, &modseq);
	if (!e)
		e = keywords_map(t, op->from, op->to, used, map);
	if (!e)
		e = copies_of(rows, map, first, modseq, &copies);
	if (!e && op->move)
		e = rows_remove(t, op->from, rows, modseq, true);
	if (!e)
		e = txn_change_mailbox(t, op->to, &change, modseq);
	if (!e)
		e = entries_append(t->db, op->to, copies.r, copies.n);
	return e ? e : report_copies(rows, first, op->ret);
}

static enum err
copy_in_txn(struct txn *t, void *arg)
{
	struct copy_op *op = arg;
	CLEANUP(rows_done) struct rows rows = {0};
	enum err e = mailbox_must_exist(t->db, op->from);

	if (!e)
		e = rows_find(t->db, op->from, op->uids, 0, &rows);
	if (!e && rows.n < op->at_least)
		return ERR_STALE;
	if (!e && rows.n > 0)
		return copy_rows(t, op, &rows);
	return e ? e : txn_take_uids(t, op->to, 0, &(uint32_t){0}, &op->ret->uidvalidity);
}

static enum err
copy_or_move(struct account *a, struct copy_op *op, struct arena *arena, struct copied *ret)
{
	struct copied copied = {0};

	uidset_init(&copied.from, arena);
	uidset_init(&copied.to, arena);
	op->ret = &copied;
	enum err e = account_write(a, copy_in_txn, op, DURABLE_NOW);
	if (!e)
		*ret = copied;
	return e;
}

enum err
message_copy(struct account *a, int64_t from, const struct uidset *uids, int64_t to,
    struct arena *arena, struct copied *ret)
{
	struct copy_op op = {.from = from, .to = to, .uids = uids};

	return copy_or_move(a, &op, arena, ret);
}

enum err
message_copy_all(struct account *a, int64_t from, const struct uidset *uids, uint64_t count,
    int64_t to, struct arena *arena, struct copied *ret)
{
	struct copy_op op = {.from = from, .to = to, .uids = uids, .at_least = count};

	return copy_or_move(a, &op, arena, ret);
}

enum err
message_move(struct account *a, int64_t from, const struct uidset *uids, int64_t to,
    struct arena *arena, struct copied *ret)
{
	struct copy_op op = {.from = from, .to = to, .uids = uids, .move = true};

	return copy_or_move(a, &op, arena, ret);
}
