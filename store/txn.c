/* The pieces that operations on an account are made of (account_private.h). */
#include "store/account_private.h"

enum err
txn_next_modseq(struct txn *t, uint64_t *ret)
{
	int64_t modseq = 0;
	enum err e =
	    db_get_int(t->db, "UPDATE meta SET modseq = modseq + 1 RETURNING modseq", &modseq);

	if (!e)
		*ret = (uint64_t)modseq;
	return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
}

enum err
txn_next_uidvalidity(struct txn *t, uint32_t *ret)
{
	int64_t value = 0;
	enum err e = db_get_int(t->db,
	    "UPDATE meta SET uidvalidity = uidvalidity + 1 WHERE uidvalidity < 4294967295"
	    " RETURNING uidvalidity",
	    &value);

	if (!e)
		*ret = (uint32_t)value;
	return e == ERR_NOT_FOUND ? ERR_LIMIT : e;
}

/* Growth is what a limit forbids; an account that is over it may still shrink. */
static enum err
change_account(struct txn *t, const struct mailbox_change *c)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = db_query(t->db,
	    "UPDATE meta SET bytes = bytes + ?1, messages = messages + ?2"
	    " WHERE (?1 <= 0 OR quota_bytes = 0 OR bytes + ?1 <= quota_bytes)"
	    " AND (?2 <= 0 OR quota_messages = 0 OR messages + ?2 <= quota_messages)"
	    " RETURNING bytes, quota_bytes, messages, quota_messages",
	    &st, DB_INT(c->bytes), DB_INT(c->messages));

	if (!e)
		e = stmt_step(st, &row);
	if (e)
		return e;
	if (!row)
		return ERR_OVER_QUOTA;
	/* A hint, also if the transaction fails. */
	account_note_quota(t->account, &(struct quota){.bytes_used = (uint64_t)stmt_int(st, 0),
					   .bytes_limit = (uint64_t)stmt_int(st, 1),
					   .messages_used = (uint64_t)stmt_int(st, 2),
					   .messages_limit = (uint64_t)stmt_int(st, 3)});
	return ERR_OK;
}

enum err
txn_change_mailbox(struct txn *t, int64_t mailbox, const struct mailbox_change *c, uint64_t modseq)
{
	enum err e = !c->within && (c->bytes || c->messages) ? change_account(t, c) : ERR_OK;

	if (!e)
		e = db_run(t->db,
		    "UPDATE mailbox SET messages = messages + ?2, unseen = unseen + ?3,"
		    " deleted = deleted + ?4, bytes = bytes + ?5, highest_modseq = ?6"
		    " WHERE id = ?1",
		    DB_INT(mailbox), DB_INT(c->messages), DB_INT(c->unseen), DB_INT(c->deleted),
		    DB_INT(c->bytes), DB_INT(modseq));
	if (!e && db_changes(t->db) == 0)
		return ERR_GONE;
	if (!e)
		txn_touch(t, mailbox);
	return e;
}

enum err
txn_take_uids(
    struct txn *t, int64_t mailbox, uint32_t n, uint32_t *ret_first, uint32_t *ret_uidvalidity)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = db_query(t->db,
	    "UPDATE mailbox SET uidnext = uidnext + ?2 WHERE id = ?1 AND NOT noselect"
	    " AND uidnext + ?2 <= 4294967295 RETURNING uidnext, uidvalidity",
	    &st, DB_INT(mailbox), DB_INT(n));

	if (!e)
		e = stmt_step(st, &row);
	if (e)
		return e;
	if (row) {
		*ret_first = (uint32_t)stmt_int(st, 0) - n;
		*ret_uidvalidity = (uint32_t)stmt_int(st, 1);
		return ERR_OK;
	}
	int64_t ignored;
	e = db_get_int(t->db, "SELECT 1 FROM mailbox WHERE id = ?1 AND NOT noselect", &ignored,
	    DB_INT(mailbox));
	if (e)
		return e == ERR_NOT_FOUND ? ERR_GONE : e;
	return ERR_LIMIT;
}
