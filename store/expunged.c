#include "store/expunged.h"

#include "store/message_private.h"

#define STEP_TOMBSTONES 100 /* of TOMBSTONE_ENTRIES at most */

void
expunged_init(struct expunged *x, const struct view *view, uint64_t since,
    const struct uidset *uids, struct arena *arena)
{
	*x = (struct expunged){.view = view, .since = since, .uids = uids, .modseq = since};
	x->tombstone = INT64_MAX; /* behind all of that modseq */
	uidset_init(&x->gone, arena);
}

/* -- by absence */

/* The UIDs of a range that the view has not. */
static enum err
add_gaps(const struct view *v, struct uid_range range, struct uidset *gone)
{
	struct view_iter it = view_iter_at(v, view_seq_from(v, range.lo));
	const struct view_entry *e;
	uint64_t from = range.lo;
	enum err err = ERR_OK;

	while (!err && (e = view_next(&it)) && e->uid <= range.hi) {
		if (e->uid > from)
			err = uidset_add(gone, (uint32_t)from, e->uid - 1);
		from = (uint64_t)e->uid + 1;
	}
	return err || from > range.hi ? err : uidset_add(gone, (uint32_t)from, range.hi);
}

static enum err
find_absent(struct expunged *x)
{
	const struct uid_range all = {1, UINT32_MAX};
	size_t n = x->uids ? x->uids->n : 1;
	uint32_t next = view_uidnext(x->view);
	enum err e = ERR_OK;

	x->gone.n = 0;
	for (size_t i = 0; i < n && !e; i++) {
		struct uid_range r = x->uids ? x->uids->r[i] : all;
		if (r.lo <= x->known_gone)
			r.lo = x->known_gone + 1;
		if (r.hi >= next)
			r.hi = next - 1;
		if (r.lo <= r.hi)
			e = add_gaps(x->view, r, &x->gone);
	}
	return e;
}

/* -- from tombstones */

static enum err
add_tombstone(struct db *db, struct expunged *x, int64_t id, struct str octets)
{
	size_t n = 0;
	enum err e = tombstone_count(db, id, octets, &n);

	for (size_t i = 0; i < n && !e; i++) {
		uint32_t uid = tombstone_entry(octets, i).uid;
		if ((!x->uids || uidset_has(x->uids, uid)) && !view_seq_of(x->view, uid))
			e = uidset_add(&x->gone, uid, uid);
	}
	return e;
}

/* The next of them. Ranges that have piled up in any order are put together now and then, so that
 * what one client expunged message by message from the end takes no more than it must. */
static enum err
read_tombstones(struct db *db, struct expunged *x, bool *ret_done)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	int rows = 0;
	bool row;
	enum err e = db_query(db,
	    "SELECT modseq, id, entries FROM tombstone INDEXED BY tombstone_modseq"
	    " WHERE mailbox = ?1 AND modseq >= ?2 AND modseq <= ?4 AND (modseq, id) > (?2, ?3)"
	    " ORDER BY modseq, id LIMIT ?5",
	    &st, DB_INT(view_mailbox(x->view)), DB_INT(x->modseq), DB_INT(x->tombstone),
	    DB_INT(view_modseq(x->view)), DB_INT(STEP_TOMBSTONES));

	while (!e && !(e = stmt_step(st, &row)) && row) {
		x->modseq = (uint64_t)stmt_int(st, 0);
		x->tombstone = stmt_int(st, 1);
		e = add_tombstone(db, x, x->tombstone, stmt_str(st, 2));
		rows++;
	}
	uidset_normalise(&x->gone);
	*ret_done = rows < STEP_TOMBSTONES;
	return e;
}

static enum err
is_lost(struct db *db, uint64_t modseq, bool *ret)
{
	int64_t lost = 0;
	enum err e =
	    db_get_int(db, "SELECT EXISTS (SELECT 1 FROM modseq_gap WHERE low < ?1 AND ?1 <= high)",
		&lost, DB_INT(modseq));

	*ret = lost;
	return e;
}

enum err
modseq_known(struct account *a, uint64_t since, uint64_t *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	bool lost = false;
	enum err e = account_read(a, &h);

	if (!e)
		e = is_lost(h->db, since, &lost);
	*ret = lost ? 0 : since;
	return e;
}

enum err
expunged_step(struct account *a, struct expunged *x, bool *ret_done)
{
	CLEANUP(read_end) struct handle *h = NULL;
	int64_t pruned = 0;
	bool lost = false;
	enum err e = account_read(a, &h);

	if (!e)
		e = is_lost(h->db, x->since, &lost);
	if (!e && (lost || x->since > view_modseq(x->view))) {
		*ret_done = true;
		return find_absent(x);
	}
	if (!e)
		e = db_get_int(h->db, "SELECT pruned_modseq FROM mailbox WHERE id = ?1", &pruned,
		    DB_INT(view_mailbox(x->view)));
	if (e)
		return e == ERR_NOT_FOUND ? ERR_GONE : e;
	/* also what was pruned since the last step */
	if (x->modseq >= (uint64_t)pruned)
		e = read_tombstones(h->db, x, ret_done);
	if (e || (x->modseq >= (uint64_t)pruned && x->gone.n <= EXPUNGED_RANGES_MAX))
		return e;
	*ret_done = true;
	return find_absent(x);
}
