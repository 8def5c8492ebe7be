/* EXPUNGE and POP3's UPDATE: entries go, tombstones stay. */
#include "store/cleaner.h"
#include "store/message_private.h"

struct remove_op {
	int64_t mailbox;
	const struct uidset *uids; /* NULL: all */
	uint64_t flags; /* which they must have */
	struct uidset *ret_uids; /* may be NULL */
};

static enum err
remove_in_txn(struct txn *t, void *arg)
{
	struct remove_op *op = arg;
	CLEANUP(rows_done) struct rows rows = {0};
	uint64_t modseq;
	enum err e = mailbox_must_exist(t->db, op->mailbox);

	if (!e)
		e = rows_find(t->db, op->mailbox, op->uids, op->flags, &rows);
	if (e || rows.n == 0)
		return e;
	e = txn_next_modseq(t, &modseq);
	if (!e)
		e = rows_remove(t, op->mailbox, &rows, modseq, false);
	for (size_t i = 0; i < rows.n && !e && op->ret_uids; i++)
		e = uidset_add(op->ret_uids, rows.r[i].uid, rows.r[i].uid);
	return e;
}

static enum err
remove_entries(struct account *a, struct remove_op *op, struct promise *p)
{
	enum err e = account_write_promised(a, remove_in_txn, op, p);

	account_note_unswept(a); /* also where it may have been committed after all */
	return e;
}

/* Whether the mailbox has nothing with \Deleted, as CLOSE finds most often: no need to write. */
static enum err
has_deleted(struct account *a, int64_t mailbox, bool *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	int64_t deleted = 0;
	enum err e = account_read(a, &h);

	if (!e)
		e = db_get_int(h->db, "SELECT deleted FROM mailbox WHERE id = ?1 AND NOT noselect",
		    &deleted, DB_INT(mailbox));
	if (!e)
		*ret = deleted != 0;
	return e == ERR_NOT_FOUND ? ERR_GONE : e;
}

enum err
message_expunge(
    struct account *a, int64_t mailbox, const struct uidset *uids, struct uidset *ret_uids)
{
	return message_expunge_promised(a, mailbox, uids, ret_uids, NULL);
}

enum err
message_expunge_promised(struct account *a, int64_t mailbox, const struct uidset *uids,
    struct uidset *ret_uids, struct promise *p)
{
	struct remove_op op = {
	    .mailbox = mailbox, .uids = uids, .flags = FLAG_DELETED, .ret_uids = ret_uids};
	bool any;
	enum err e = has_deleted(a, mailbox, &any);

	if (e || !any)
		return e;
	return remove_entries(a, &op, p);
}

enum err
message_remove_told(
    struct account *a, int64_t mailbox, const struct uidset *uids, struct uidset *ret_uids)
{
	struct remove_op op = {.mailbox = mailbox, .uids = uids, .ret_uids = ret_uids};

	return remove_entries(a, &op, NULL);
}

enum err
message_remove(struct account *a, int64_t mailbox, const struct uidset *uids)
{
	struct remove_op op = {.mailbox = mailbox, .uids = uids};

	return remove_entries(a, &op, NULL);
}
