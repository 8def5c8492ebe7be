#include "store/message_private.h"

#include "common/base/clock.h"

#include <stdlib.h>

/* With more ranges than this one pass over the mailbox is cheaper than a query for each. */
#define RANGES_MAX 500

void
rows_done(struct rows *rows)
{
	free(rows->r);
	*rows = (struct rows){0};
}

static enum err
push(struct rows *rows, const struct row *r)
{
	if (rows->n == rows->cap) {
		size_t cap = rows->cap ? rows->cap * 2 : 32;
		struct row *grown = realloc(rows->r, cap * sizeof(*grown));
		if (!grown)
			return ERR_NOMEM;
		rows->r = grown;
		rows->cap = cap;
	}
	rows->r[rows->n++] = *r;
	return ERR_OK;
}

static enum err
find_range(struct db *db, int64_t mailbox, struct uid_range range, const struct uidset *among,
    uint64_t flags, struct rows *rows)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row;
	enum err e = db_query(db,
	    "SELECT e.uid, e.message, e.flags, e.modseq, m.size FROM entry e"
	    " JOIN message m ON m.id = e.message"
	    " WHERE e.mailbox = ?1 AND e.uid BETWEEN ?2 AND ?3 AND (e.flags & ?4) = ?4"
	    " ORDER BY e.uid",
	    &st, DB_INT(mailbox), DB_INT(range.lo), DB_INT(range.hi), DB_INT(flags));

	while (!e && !(e = stmt_step(st, &row)) && row) {
		struct row r = {
		    .uid = (uint32_t)stmt_int(st, 0),
		    .message = stmt_int(st, 1),
		    .flags = (uint64_t)stmt_int(st, 2),
		    .modseq = (uint64_t)stmt_int(st, 3),
		    .size = (uint64_t)stmt_int(st, 4),
		};
		if (!among || uidset_has(among, r.uid))
			e = push(rows, &r);
	}
	return e;
}

static bool
is_normal(const struct uidset *s)
{
	for (size_t i = 1; i < s->n; i++)
		if (s->r[i].lo <= s->r[i - 1].hi)
			return false;
	return true;
}

static enum err
find_in(
    struct db *db, int64_t mailbox, const struct uidset *uids, uint64_t flags, struct rows *rows)
{
	enum err e = ERR_OK;

	if (uids->n > RANGES_MAX)
		return find_range(db, mailbox,
		    (struct uid_range){uids->r[0].lo, uids->r[uids->n - 1].hi}, uids, flags, rows);
	for (size_t i = 0; i < uids->n && !e; i++)
		e = find_range(db, mailbox, uids->r[i], NULL, flags, rows);
	return e;
}

enum err
rows_find(
    struct db *db, int64_t mailbox, const struct uidset *uids, uint64_t flags, struct rows *ret)
{
	if (!uids)
		return find_range(db, mailbox, (struct uid_range){0, UINT32_MAX}, NULL, flags, ret);
	if (is_normal(uids))
		return find_in(db, mailbox, uids, flags, ret);
	/* nobody's entry may be found twice, whatever the caller forgot */
	CLEANUP(arena_free) struct arena *arena = arena_new(SIZE_MAX / 2);
	struct uidset normal;
	enum err e = arena ? ERR_OK : ERR_NOMEM;
	uidset_init(&normal, arena);
	for (size_t i = 0; i < uids->n && !e; i++)
		e = uidset_add(&normal, uids->r[i].lo, uids->r[i].hi);
	if (e)
		return e;
	uidset_normalise(&normal);
	return find_in(db, mailbox, &normal, flags, ret);
}

enum err
mailbox_must_exist(struct db *db, int64_t mailbox)
{
	int64_t ignored;
	enum err e = db_get_int(
	    db, "SELECT 1 FROM mailbox WHERE id = ?1 AND NOT noselect", &ignored, DB_INT(mailbox));

	return e == ERR_NOT_FOUND ? ERR_GONE : e;
}

void
change_count(struct mailbox_change *c, uint64_t flags, uint64_t size, int sign)
{
	c->messages += sign;
	c->unseen += flags & FLAG_SEEN ? 0 : sign;
	c->deleted += flags & FLAG_DELETED ? sign : 0;
	c->bytes += sign * (int64_t)size;
}

enum err
entry_add(
    struct txn *t, int64_t mailbox, uint32_t uid, int64_t message, uint64_t flags, uint64_t modseq)
{
	return db_run(t->db,
	    "INSERT INTO entry (mailbox, uid, message, flags, modseq, saved_s)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	    DB_INT(mailbox), DB_INT(uid), DB_INT(message), DB_INT(flags), DB_INT(modseq),
	    DB_INT(clock_real_s()));
}

enum err
rows_remove(struct txn *t, int64_t mailbox, const struct rows *rows, uint64_t modseq, bool release)
{
	struct mailbox_change change = {0};
	int64_t now_s = clock_real_s();
	enum err e = ERR_OK;

	for (size_t i = 0; i < rows->n && !e; i++) {
		const struct row *r = &rows->r[i];
		change_count(&change, r->flags, r->size, -1);
		e = db_run(t->db, "DELETE FROM entry WHERE mailbox = ?1 AND uid = ?2",
		    DB_INT(mailbox), DB_INT(r->uid));
		if (!e)
			e = db_run(t->db,
			    "INSERT INTO tombstone (mailbox, uid, modseq, expunged_s)"
			    " VALUES (?1, ?2, ?3, ?4)",
			    DB_INT(mailbox), DB_INT(r->uid), DB_INT(modseq), DB_INT(now_s));
		if (!e && release)
			e = txn_release_message(t, r->message);
	}
	if (!e)
		e = txn_prune_tombstones(t, mailbox, PRUNE_MIN + 2 * rows->n);
	return e ? e : txn_change_mailbox(t, mailbox, &change, modseq);
}
