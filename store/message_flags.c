/* STORE: flags and keywords of entries. */
#include "store/seen.h"
#include "store/view_private.h"

#include <assert.h>

struct flags_op_arg {
	int64_t mailbox;
	const struct uidset *uids;
	enum flags_op op;
	const struct flag_list *flags;
	struct actor actor;
	const struct flags_condition *condition; /* NULL: none */
	bool comparable; /* the keywords' bits mean the same in condition->known */
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

/* What becomes of the flags `was`, as far as the actor may change them. */
static uint64_t
flags_for(const struct flags_op_arg *arg, uint64_t was, uint64_t bits)
{
	return (flags_after(arg->op, was, bits) & arg->actor.may) | (was & ~arg->actor.may);
}

/* Whether the keywords of the list have in `known` the bits that they have now, or are new since.
 */
static bool
is_comparable(const struct view *known, const struct flag_list *flags, uint64_t bits)
{
	uint64_t found = flags->system;

	if (!known)
		return false;
	for (size_t i = 0; i < flags->keyword_count; i++)
		found |= view_keyword_bit(known, flags->keywords[i]);
	for (size_t i = 0; i < view_keyword_count(known); i++)
		if ((bits & ~found & UINT64_C(1) << (FLAG_KEYWORD_SHIFT + i)) &&
		    view_keyword(known, i).n > 0)
			return false;
	return (found & ~bits) == 0;
}

/* Whether the entry may be changed (RFC 7162 §3.1.3). */
static bool
passes(const struct flags_op_arg *arg, uint64_t bits, uint32_t uid, uint64_t flags, uint64_t modseq)
{
	const struct flags_condition *c = arg->condition;

	if (!c || modseq <= c->unchanged_since)
		return true;
	if (c->unchanged_since == 0) /* system flags always exist, also those not set */
		return arg->op == FLAGS_ADD && !(bits & FLAG_SYSTEM) && !(flags & bits);
	if (!arg->comparable || arg->op == FLAGS_SET)
		return false;
	struct view_hint hint = {0};
	uint32_t seq;
	const struct view_entry *was = view_find(c->known, uid, &hint, &seq);
	return was && was->uid == uid && was->modseq <= c->unchanged_since &&
	       ((was->flags ^ flags) & bits) == 0;
}

/* Of an entry that does not pass, which it does where there is no condition. */
static enum err
note_modified(const struct flags_op_arg *arg, uint32_t uid)
{
	assert(arg->condition);
	struct uidset *modified = arg->condition->modified;

	return modified ? uidset_add(modified, uid, uid) : ERR_OK;
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
		if (!passes(arg, bits, r.uid, r.flags, r.modseq)) {
			enum err e = note_modified(arg, r.uid);
			if (e)
				return e;
			continue;
		}
		uint64_t after = flags_for(arg, r.flags, bits);
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

/* As choose() for a viewer, whose marks stand for \Seen; *fresh gets those he makes now. */
static enum err
choose_for_viewer(const struct flags_op_arg *arg, uint64_t bits, const struct seen_marks *marks,
    struct rows *rows, struct mailbox_change *change, struct seen_marks *fresh)
{
	size_t out = 0;
	enum err e = ERR_OK;

	for (size_t i = 0; i < rows->n && !e; i++) {
		struct entry r = rows->r[i];
		const struct seen_mark *m = seen_find(marks, r.uid);
		uint64_t own = r.flags & FLAG_SEEN, was = r.flags & ~FLAG_SEEN;
		was |= m && m->seen ? FLAG_SEEN : 0;
		if (!passes(
			arg, bits, r.uid, was, m && m->modseq > r.modseq ? m->modseq : r.modseq)) {
			e = note_modified(arg, r.uid);
			continue;
		}
		uint64_t after = flags_for(arg, was, bits);
		if ((after ^ was) & FLAG_SEEN)
			e = seen_marks_add(
			    fresh, (struct seen_mark){.uid = r.uid, .seen = after & FLAG_SEEN});
		after = (after & ~FLAG_SEEN) | own;
		if (after == r.flags)
			continue;
		change_count(change, r.flags, 0, -1);
		change_count(change, after, 0, 1);
		r.flags = after;
		rows->r[out++] = r;
	}
	rows->n = out;
	return e;
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

/* The changed rows get a modseq and are written, the marks too. */
static enum err
write_changes(struct txn *t, struct flags_op_arg *arg, const struct mailbox_change *change,
    const struct seen_marks *fresh)
{
	struct rows *rows = &arg->rows;
	uint64_t modseq = 0;
	enum err e = txn_next_modseq(t, &modseq);

	for (size_t i = 0; i < rows->n && !e; i++)
		rows->r[i].modseq = modseq;
	if (!e && rows->n > 0)
		e = entries_update(t->db, arg->mailbox, rows->r, rows->n);
	if (!e && fresh->n > 0)
		e = seen_write(t, arg->mailbox, arg->actor.viewer, fresh, modseq);
	arg->change.after = modseq;
	/* a keyword may be new */
	arg->alone =
	    t->alone && arg->flags->keyword_count == 0 && db_stamp(t->db, &arg->change.stamp);
	return e || rows->n == 0 ? e : txn_change_mailbox(t, arg->mailbox, change, modseq);
}

static enum err
choose_rows(struct txn *t, struct flags_op_arg *arg, uint64_t bits, struct mailbox_change *change,
    struct seen_marks *fresh)
{
	CLEANUP(seen_marks_done) struct seen_marks marks = {0};
	struct rows *rows = &arg->rows;

	if (!arg->actor.viewer)
		return choose(arg, bits, rows, change);
	enum err e = seen_read(t->db, arg->mailbox, arg->actor.viewer, rows->r[0].uid,
	    rows->r[rows->n - 1].uid, 0, &marks);
	return e ? e : choose_for_viewer(arg, bits, &marks, rows, change, fresh);
}

static enum err
flags_in_txn(struct txn *t, void *varg)
{
	struct flags_op_arg *arg = varg;
	CLEANUP(seen_marks_done) struct seen_marks fresh = {0};
	struct rows *rows = &arg->rows;
	struct mailbox_change change = {0};
	bool add = arg->op != FLAGS_REMOVE && (arg->actor.may & FLAG_KEYWORDS);
	uint64_t bits;
	enum err e = read_modseq(t->db, arg->mailbox, &arg->change.before);

	if (!e)
		e = rows_find(t->db, arg->mailbox, arg->uids, 0, rows);
	if (e || rows->n == 0)
		return e;
	e = keywords_to_bits(t, arg->mailbox, arg->flags, add, 0, &bits);
	if (!e && arg->condition)
		arg->comparable = is_comparable(arg->condition->known, arg->flags, bits);
	if (!e)
		e = choose_rows(t, arg, bits, &change, &fresh);
	return e || rows->n + fresh.n == 0 ? e : write_changes(t, arg, &change, &fresh);
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
message_store_flags_if(struct account *a, int64_t mailbox, const struct uidset *uids,
    enum flags_op op, const struct flag_list *flags, const struct flags_condition *c,
    struct actor actor)
{
	struct flags_op_arg arg = {.mailbox = mailbox,
	    .uids = uids,
	    .op = op,
	    .flags = flags,
	    .actor = actor,
	    .condition = c};
	enum err e = account_write(a, flags_in_txn, &arg, DURABLE_LATER);

	if (!e && arg.alone && arg.rows.n > 0)
		tell_view(a, &arg);
	rows_done(&arg.rows);
	return e;
}

enum err
message_store_flags(struct account *a, int64_t mailbox, const struct uidset *uids, enum flags_op op,
    const struct flag_list *flags, uint64_t unchanged_since, struct uidset *ret_modified)
{
	return message_store_flags_as(
	    a, mailbox, uids, op, flags, unchanged_since, ACTOR_OWNER, ret_modified);
}

enum err
message_store_flags_as(struct account *a, int64_t mailbox, const struct uidset *uids,
    enum flags_op op, const struct flag_list *flags, uint64_t unchanged_since, struct actor actor,
    struct uidset *ret_modified)
{
	const struct flags_condition c = {
	    .unchanged_since = unchanged_since, .modified = ret_modified};

	return message_store_flags_if(a, mailbox, uids, op, flags, &c, actor);
}
