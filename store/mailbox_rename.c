#include "store/mailbox_private.h"
#include "store/message_private.h"
#include "store/seen.h"

struct renaming {
	struct str from, to;
};

static bool
is_below(struct str name, struct str superior)
{
	return str_starts(name, superior) && name.n > superior.n && name.p[superior.n] == '/';
}

/* The longer names of those below must be valid, too. */
static enum err
check_inferiors(struct db *db, const struct renaming *r)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(16 * MAILBOX_NAME_MAX);
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;

	if (!arena)
		return ERR_NOMEM;
	enum err e =
	    db_query(db, "SELECT name FROM mailbox WHERE name > ?1 || '/' AND name < ?1 || '0'",
		&st, DB_TEXT(r->from));
	while (!e && !(e = stmt_step(st, &row)) && row) {
		struct str below = str_skip(stmt_str(st, 0), r->from.n), ignored;
		struct str name = arena_printf(arena, "%.*s%.*s", STR_ARG(r->to), STR_ARG(below));
		e = name.p ? mailbox_check_name(name, arena, &ignored) : ERR_NOMEM;
		arena_reset(arena);
	}
	return e;
}

static enum err
rename_tree(struct txn *t, const struct renaming *r)
{
	enum err e = check_inferiors(t->db, r);

	if (!e)
		e = db_run(t->db, "UPDATE mailbox SET name = ?2 WHERE name = ?1", DB_TEXT(r->from),
		    DB_TEXT(r->to));
	if (!e)
		e = db_run(t->db,
		    "UPDATE mailbox SET name = ?2 || substr(name, length(?1) + 1)"
		    " WHERE name > ?1 || '/' AND name < ?1 || '0'",
		    DB_TEXT(r->from), DB_TEXT(r->to));
	return e ? e : mailbox_prune_superiors(t, r->from);
}

/* RFC 3501 §6.3.5: the messages of INBOX move to a new mailbox; INBOX stays, empty, and so does
 * what is below it. UIDs may stay the same there: its UIDVALIDITY is new. */
static enum err
empty_inbox(struct txn *t, int64_t inbox, int64_t target)
{
	uint64_t modseq;
	CLEANUP(rows_done) struct rows rows = {0};
	enum err e = txn_next_modseq(t, &modseq);

	if (!e)
		e = rows_find(t->db, inbox, NULL, 0, &rows);
	if (!e)
		e = txn_add_tombstone(t, inbox, &rows, modseq, true);
	if (!e)
		e = entries_rehome(t->db, inbox, target, modseq);
	if (!e)
		e = db_run(t->db,
		    "INSERT INTO keyword (mailbox, bit, name)"
		    " SELECT ?2, bit, name FROM keyword WHERE mailbox = ?1",
		    DB_INT(inbox), DB_INT(target));
	if (!e)
		e = db_run(t->db,
		    "UPDATE mailbox SET (uidnext, messages, unseen, deleted, bytes, recent_from,"
		    " highest_modseq) = (SELECT uidnext, messages, unseen, deleted, bytes,"
		    " recent_from, ?3 FROM mailbox WHERE id = ?1) WHERE id = ?2",
		    DB_INT(inbox), DB_INT(target), DB_INT(modseq));
	if (!e)
		e = db_run(t->db,
		    "UPDATE mailbox SET messages = 0, unseen = 0, deleted = 0, bytes = 0,"
		    " recent_from = uidnext, highest_modseq = ?2 WHERE id = ?1",
		    DB_INT(inbox), DB_INT(modseq));
	if (!e) /* RFC 5464 §4.1: they stay, and go with the messages */
		e = db_run(t->db,
		    "INSERT INTO annotation (mailbox, viewer, name, value, modseq)"
		    " SELECT ?2, viewer, name, value, ?3 FROM annotation"
		    " WHERE mailbox = ?1 AND value IS NOT NULL",
		    DB_INT(inbox), DB_INT(target), DB_INT(modseq));
	if (!e)
		e = seen_copy(t, inbox, &rows, target, SEEN_SAME_UIDS, modseq, 0);
	if (!e)
		e = seen_remove(t, inbox, &rows);
	txn_touch(t, inbox);
	txn_touch(t, target);
	return e;
}

static enum err
rename_mailbox(struct txn *t, void *arg)
{
	const struct renaming *r = arg;
	int64_t id, target;
	bool ignored;
	enum err e = mailbox_id(t->db, r->from, &id, &ignored);

	if (e)
		return e;
	e = mailbox_id(t->db, r->to, &target, &ignored);
	if (e != ERR_NOT_FOUND)
		return e ? e : ERR_EXISTS;
	e = mailbox_make_superiors(t, r->to);
	txn_touch(t, 0);
	if (e)
		return e;
	if (!str_eq(r->from, STR("INBOX")))
		return rename_tree(t, r);
	e = mailbox_insert(t, r->to, STR(""), &target);
	return e ? e : empty_inbox(t, id, target);
}

enum err
mailbox_rename(struct account *a, struct str from, struct str to)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(8 * MAILBOX_NAME_MAX);
	struct renaming r;

	if (!arena)
		return ERR_NOMEM;
	enum err e = mailbox_check_name(from, arena, &r.from);
	if (e)
		return e == ERR_SYNTAX ? ERR_NOT_FOUND : e;
	e = mailbox_check_name(to, arena, &r.to);
	if (e)
		return e;
	/* Below itself there is no place for it; but INBOX stays where it is. */
	if (is_below(r.to, r.from) && !str_eq(r.from, STR("INBOX")))
		return ERR_CANNOT;
	return account_write(a, rename_mailbox, &r, DURABLE_NOW);
}
