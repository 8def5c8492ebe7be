#include "store/acl_private.h"
#include "store/annotation_private.h"
#include "store/cleaner.h"
#include "store/mailbox_private.h"
#include "store/message_private.h"

/* A tombstone for the entries, so that the cleaner looks at their messages, and what the account's
 * counters say of them. */
static enum err
release_messages(struct txn *t, int64_t mailbox)
{
	CLEANUP(rows_done) struct rows rows = {0};
	uint64_t modseq;
	enum err e = rows_find(t->db, mailbox, NULL, 0, &rows);

	if (!e)
		e = txn_next_modseq(t, &modseq);
	if (!e)
		e = txn_add_tombstone(t, mailbox, &rows, modseq, false);
	if (!e)
		e = db_run(t->db,
		    "UPDATE meta SET bytes = meta.bytes - b.bytes,"
		    " messages = meta.messages - b.messages"
		    " FROM mailbox b WHERE b.id = ?1",
		    DB_INT(mailbox));
	return e;
}

static enum err
delete_rows(struct txn *t, int64_t mailbox)
{
	enum err e = release_messages(t, mailbox);

	if (!e)
		e = db_run(t->db, "DELETE FROM entry_page WHERE id BETWEEN ?1 AND ?2",
		    DB_INT(page_key(mailbox, 0)), DB_INT(page_key(mailbox, UINT32_MAX)));
	/* the others go when the cleaner has seen to them */
	if (!e)
		e = db_run(t->db,
		    "DELETE FROM tombstone WHERE mailbox = ?1"
		    " AND id NOT IN (SELECT tombstone FROM unswept)",
		    DB_INT(mailbox));
	if (!e)
		e = db_run(t->db, "DELETE FROM keyword WHERE mailbox = ?1", DB_INT(mailbox));
	if (!e)
		e = acl_drop(t, mailbox);
	if (!e)
		e = txn_drop_annotations(t, mailbox);
	if (!e)
		e = db_run(t->db, "DELETE FROM mailbox WHERE id = ?1", DB_INT(mailbox));
	txn_touch(t, mailbox);
	return e;
}

/* RFC 3501 §6.3.4: the name stays for the sake of those below it, under an identifier of its own,
 * so that whoever had the mailbox selected sees that it is gone. */
static enum err
keep_name(struct txn *t, struct str name)
{
	int64_t id;
	enum err e = mailbox_insert(t, name, STR(""), &id);

	return e ? e : db_run(t->db, "UPDATE mailbox SET noselect = 1 WHERE id = ?1", DB_INT(id));
}

enum err
mailbox_prune_superiors(struct txn *t, struct str name)
{
	size_t slash;

	while ((slash = str_rfind(name, '/')) != STR_NONE) {
		int64_t id;
		bool noselect = false, has_children = false;
		name = str_sub(name, 0, slash);
		enum err e = mailbox_id(t->db, name, &id, &noselect);
		if (!e)
			e = mailbox_has_children(t->db, name, &has_children);
		if (e || !noselect || has_children)
			return e == ERR_NOT_FOUND ? ERR_OK : e;
		e = txn_drop_annotations(t, id);
		if (!e)
			e = db_run(t->db, "DELETE FROM mailbox WHERE id = ?1", DB_INT(id));
		if (e)
			return e;
	}
	return ERR_OK;
}

static enum err
delete_by_name(struct txn *t, void *arg)
{
	const struct str *name = arg;
	int64_t id;
	bool noselect = false, has_children = false;
	enum err e = mailbox_id(t->db, *name, &id, &noselect);

	if (!e)
		e = mailbox_has_children(t->db, *name, &has_children);
	if (!e && noselect && has_children)
		return ERR_HAS_CHILDREN;
	if (!e)
		e = delete_rows(t, id);
	if (!e)
		e = has_children ? keep_name(t, *name) : mailbox_prune_superiors(t, *name);
	txn_touch(t, 0);
	return e;
}

enum err
mailbox_delete(struct account *a, struct str name)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(4 * MAILBOX_NAME_MAX);
	struct str canonical;

	if (!arena)
		return ERR_NOMEM;
	enum err e = mailbox_check_name(name, arena, &canonical);
	if (e)
		return e == ERR_SYNTAX ? ERR_NOT_FOUND : e;
	if (str_eq(canonical, STR("INBOX")))
		return ERR_CANNOT;
	e = account_write(a, delete_by_name, &canonical, DURABLE_NOW);
	account_note_unswept(a);
	/* A row too many does no harm, and goes at the next occasion. */
	if (!e)
		(void)!share_follow(a);
	return e;
}
