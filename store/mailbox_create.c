/* Making mailboxes, those of a new account too, and subscribing to them. */
#include "store/acl_private.h"
#include "store/annotation_private.h"
#include "store/entry_page.h"
#include "store/mailbox_private.h"

/* -- a new account */

static const struct {
	struct str name, special_use;
} defaults[] = {
    {{"INBOX", 5}, {"", 0}},
    {{"Sent", 4}, {"\\Sent", 5}},
    {{"Drafts", 6}, {"\\Drafts", 7}},
    {{"Trash", 5}, {"\\Trash", 6}},
    {{"Junk", 4}, {"\\Junk", 5}},
    {{"Archive", 7}, {"\\Archive", 8}},
};

enum err
mailbox_make_defaults(struct db *db, void *arg)
{
	const struct mailbox_defaults *d = arg;
	struct txn t = {.db = db};
	/* UIDVALIDITY starts at the time of creation, so that an account that is made anew under
	 * the same name never shows one that a client remembers; from there it only counts. */
	enum err e = db_run(db,
	    "INSERT INTO meta (id, account, created_s, uidvalidity, modseq, quota_bytes, boot)"
	    " VALUES (1, ?1, ?2, ?2, 1, ?3, ?4)",
	    DB_INT(d->account), DB_INT(d->created_s), DB_INT(d->quota_bytes),
	    DB_TEXT(str_of(d->boot)));

	for (size_t i = 0; i < ARRAY_LEN(defaults) && !e; i++) {
		int64_t ignored;
		e = mailbox_insert(&t, defaults[i].name, defaults[i].special_use, &ignored);
		if (!e)
			e = db_run(db, "INSERT INTO subscription (name) VALUES (?1)",
			    DB_TEXT(defaults[i].name));
	}
	return e;
}

/* -- pieces */

enum err
mailbox_id(struct db *db, struct str name, int64_t *ret, bool *ret_noselect)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e =
	    db_query(db, "SELECT id, noselect FROM mailbox WHERE name = ?1", &st, DB_TEXT(name));

	if (!e)
		e = stmt_step(st, &row);
	if (e)
		return e;
	if (!row)
		return ERR_NOT_FOUND;
	*ret = stmt_int(st, 0);
	*ret_noselect = stmt_int(st, 1) != 0;
	return ERR_OK;
}

enum err
mailbox_has_children(struct db *db, struct str name, bool *ret)
{
	int64_t has;
	enum err e = db_get_int(db,
	    "SELECT EXISTS (SELECT 1 FROM mailbox WHERE name > ?1 || '/' AND name < ?1 || '0')",
	    &has, DB_TEXT(name));

	if (!e)
		*ret = has != 0;
	return e;
}

enum err
mailbox_insert(struct txn *t, struct str name, struct str special_use, int64_t *ret_id)
{
	int64_t count;
	uint32_t uidvalidity;
	uint64_t modseq;
	enum err e = db_get_int(t->db, "SELECT count(*) FROM mailbox", &count);

	if (!e && count >= MAILBOX_MAX)
		return ERR_LIMIT;
	if (!e)
		e = txn_next_uidvalidity(t, &uidvalidity);
	if (!e)
		e = txn_next_modseq(t, &modseq);
	if (!e)
		e = db_run(t->db,
		    "INSERT INTO mailbox (name, uidvalidity, highest_modseq, special_use)"
		    " VALUES (?1, ?2, ?3, ?4)",
		    DB_TEXT(name), DB_INT(uidvalidity), DB_INT(modseq), DB_TEXT(special_use));
	if (!e)
		*ret_id = db_last_id(t->db);
	if (!e && *ret_id > MAILBOX_ID_MAX)
		return ERR_LIMIT;
	return e ? e : acl_inherit(t, *ret_id, name);
}

enum err
mailbox_make_superiors(struct txn *t, struct str name)
{
	enum err e = ERR_OK;

	for (size_t i = 1; i < name.n && !e; i++) {
		if (name.p[i] != '/')
			continue;
		struct str superior = str_sub(name, 0, i);
		int64_t id;
		bool noselect;
		e = mailbox_id(t->db, superior, &id, &noselect);
		if (e == ERR_NOT_FOUND)
			e = mailbox_insert(t, superior, STR(""), &id);
	}
	return e;
}

/* -- CREATE */

struct creation {
	struct str name, special_use;
	int64_t id;
};

static enum err
set_special_use(struct txn *t, const struct creation *c)
{
	uint64_t modseq;
	enum err e = txn_next_modseq(t, &modseq);

	return e ? e : txn_set_special_use(t, c->id, c->special_use, modseq);
}

static enum err
drop_name(struct txn *t, int64_t id)
{
	enum err e = txn_drop_annotations(t, id);

	return e ? e : db_run(t->db, "DELETE FROM mailbox WHERE id = ?1", DB_INT(id));
}

static enum err
create(struct txn *t, void *arg)
{
	struct creation *c = arg;
	bool noselect = false;
	enum err e = mailbox_id(t->db, c->name, &c->id, &noselect);

	if (!e && !noselect)
		return ERR_EXISTS;
	/* The name of a deleted mailbox that had inferiors: a new one takes its place, with an
	 * identifier and a UIDVALIDITY of its own. */
	if (!e)
		e = drop_name(t, c->id);
	else if (e == ERR_NOT_FOUND)
		e = mailbox_make_superiors(t, c->name);
	if (!e)
		e = mailbox_insert(t, c->name, STR(""), &c->id);
	if (!e && c->special_use.n > 0)
		e = set_special_use(t, c);
	txn_touch(t, 0);
	return e;
}

enum err
mailbox_create(struct account *a, struct str name, struct str special_use, int64_t *ret_id)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(4 * MAILBOX_NAME_MAX);
	struct creation c = {.special_use = special_use};

	if (!arena)
		return ERR_NOMEM;
	enum err e = mailbox_check_name(name, arena, &c.name);
	if (!e)
		e = account_write(a, create, &c, DURABLE_NOW);
	if (!e)
		*ret_id = c.id;
	return e;
}

/* -- SUBSCRIBE */

static enum err
subscribe_other(struct txn *t, void *arg)
{
	const struct str *name = arg;
	int64_t count;
	enum err e = db_get_int(t->db, "SELECT count(*) FROM subscription", &count);

	if (!e && count >= 2 * MAILBOX_MAX) /* those of deleted mailboxes stay */
		return ERR_LIMIT;
	if (!e)
		e = db_run(
		    t->db, "INSERT OR IGNORE INTO subscription (name) VALUES (?1)", DB_TEXT(*name));
	txn_touch(t, 0);
	return e;
}

static enum err
subscribe(struct txn *t, void *arg)
{
	const struct str *name = arg;
	int64_t id;
	bool noselect;
	enum err e = mailbox_id(t->db, *name, &id, &noselect);

	return e ? e : subscribe_other(t, arg);
}

static enum err
unsubscribe(struct txn *t, void *arg)
{
	const struct str *name = arg;

	txn_touch(t, 0);
	return db_run(t->db, "DELETE FROM subscription WHERE name = ?1", DB_TEXT(*name));
}

static enum err
change_subscription(struct account *a, struct str name, txn_op *op)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(4 * MAILBOX_NAME_MAX);
	struct str canonical;

	if (!arena)
		return ERR_NOMEM;
	enum err e = mailbox_check_name(name, arena, &canonical);
	return e ? e : account_write(a, op, &canonical, DURABLE_NOW);
}

enum err
mailbox_subscribe(struct account *a, struct str name, bool subscribed)
{
	return change_subscription(a, name, subscribed ? subscribe : unsubscribe);
}

enum err
mailbox_subscribe_other(struct account *a, struct str name)
{
	return change_subscription(a, name, subscribe_other);
}
