/* STORE: flags and keywords of entries. */
#include "store/message_private.h"
#include "store/view_private.h"

struct flags_op_arg {
	int64_t mailbox;
	const struct uidset *uids;
	enum flags_op op;
	const struct flag_list *flags;
	uint64_t unchanged_since;
	struct uidset *ret_modified;
	struct rows rows; /* those that were changed, as they are now */
	struct view_change change;
	bool alone; /* `change` is all that the transaction did */
};

static uint64_t
flags_after(enum flags_op op, uint64_t was, uint64_t bits)
{
	switch (op) {
	case FLAGS_ADD:
		return was | bits;
	case FLAGS_REMOVE:
		return was & ~bits;
	case FLAGS_SET:
	default:
		return bits;
	}
}

/* Keeps the rows that come out otherwise, with `flags` as they come out; those that were changed
 * too lately go into the set of the caller. */
static enum err
choose(
    const struct flags_op_arg *arg, uint64_t bits, struct rows *rows, struct mailbox_change *change)
{
	size_t out = 0;

	for (size_t i = 0; i < rows->n; i++) {
		struct entry r = rows->r[i];
		if (r.modseq > arg->unchanged_since) {
			enum err e = arg->ret_modified ? uidset_add(arg->ret_modified, r.uid, r.uid)
						       : ERR_OK;
			if (e)
				return e;
			continue;
		}
		uint64_t after = flags_after(arg->op, r.flags, bits);
		if (after == r.flags)
			continue;
		change_count(change, r.flags, 0, -1);
		change_count(change, after, 0, 1);
		r.flags = after;
		rows->r[out++] = r;
	}
	rows->n = out;
	return ERR_OK;
}

static enum err
read_modseq(struct db *db, int64_t mailbox, uint64_t *ret)
{
	int64_t modseq = 0;
	enum err e =
	    db_get_int(db, "SELECT highest_modseq FROM mailbox WHERE id = ?1 AND NOT noselect",
		&modseq, DB_INT(mailbox));

	if (!e)
		*ret = (uint64_t)modseq;
	return e == ERR_NOT_FOUND ? ERR_GONE : e;
}

static enum err
flags_in_txn(struct txn *t, void *varg)
{
	struct flags_op_arg *arg = varg;
	struct rows *rows = &arg->rows;
	struct mailbox_change change = {0};
	uint64_t bits, modseq = 0;
	enum err e = read_modseq(t->db, arg->mailbox, &arg->change.before);

	if (!e)
		e = rows_find(t->db, arg->mailbox, arg->uids, 0, rows);
	if (e || rows->n == 0)
		return e;
	e = keywords_to_bits(t, arg->mailbox, arg->flags, arg->op != FLAGS_REMOVE, 0, &bits);
	if (!e)
		e = choose(arg, bits, rows, &change);
	if (e || rows->n == 0)
		return e;
	e = txn_next_modseq(t, &modseq);
	for (size_t i = 0; i < rows->n && !e; i++)
		rows->r[i].modseq = modseq;
	if (!e)
		e = entries_update(t->db, arg->mailbox, rows->r, rows->n);
	arg->change.after = modseq;
	/* a keyword may be new */
	arg->alone =
	    t->alone && arg->flags->keyword_count == 0 && db_stamp(t->db, &arg->change.stamp);
	return e ? e : txn_change_mailbox(t, arg->mailbox, &change, modseq);
}

/* Saves the next one who asks for the mailbox from reading what is known here. */
static void
tell_view(struct account *a, struct flags_op_arg *arg)
{
	CLEANUP(mem_free)
	struct view_entry *puts = reallocarray(NULL, arg->rows.n, sizeof(*puts));

	if (!puts)
		return;
	for (size_t i = 0; i < arg->rows.n; i++)
		puts[i] = view_entry_of(&arg->rows.r[i]);
	arg->change.puts = puts;
	arg->change.n = arg->rows.n;
	view_cache_change(a, arg->mailbox, &arg->change);
}

enum err
message_store_flags(struct account *a, int64_t mailbox, const struct uidset *uids, enum flags_op op,
    const struct flag_list *flags, uint64_t unchanged_since, struct uidset *ret_modified)
{
	struct flags_op_arg arg = {.mailbox = mailbox,
	    .uids = uids,
	    .op = op,
	    .flags = flags,
	    .unchanged_since = unchanged_since,
	    .ret_modified = ret_modified};
	enum err e = account_write(a, flags_in_txn, &arg, DURABLE_LATER);

	if (!e && arg.alone && arg.rows.n > 0)
		tell_view(a, &arg);
	rows_done(&arg.rows);
	return e;
}
