#include "store/acl_private.h"
#include "store/annotation_private.h"
#include "store/changes_private.h"
#include "store/directory_private.h"
#include "store/mailbox_private.h"
#include "store/seen.h"

/* -- letters */

static const struct {
	char letter;
	unsigned rights;
} letters[] = {
    {'l', RIGHT_LOOKUP},
    {'r', RIGHT_READ},
    {'s', RIGHT_SEEN},
    {'w', RIGHT_WRITE},
    {'i', RIGHT_INSERT},
    {'p', RIGHT_POST},
    {'k', RIGHT_CREATE},
    {'x', RIGHT_DELETE_MAILBOX},
    {'t', RIGHT_DELETE},
    {'e', RIGHT_EXPUNGE},
    {'a', RIGHT_ADMIN},
    /* those that stand for others: RFC 4314 §2.1.1, as its examples have them */
    {'c', RIGHT_CREATE | RIGHT_DELETE_MAILBOX},
    {'d', RIGHT_DELETE | RIGHT_EXPUNGE},
};

enum err
acl_parse_rights(struct str text, unsigned *ret)
{
	unsigned rights = 0;

	for (size_t i = 0; i < text.n; i++) {
		size_t k = 0;
		while (k < ARRAY_LEN(letters) && letters[k].letter != text.p[i])
			k++;
		if (k == ARRAY_LEN(letters))
			return ERR_SYNTAX;
		rights |= letters[k].rights;
	}
	*ret = rights;
	return ERR_OK;
}

#define PLAIN_LETTERS (ARRAY_LEN(letters) - 2)

static struct str
print(unsigned rights, size_t count, char out[ACL_LETTERS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (rights & letters[i].rights)
			out[n++] = letters[i].letter;
	return str_make(out, n);
}

struct str
acl_print_rights(unsigned rights, char out[ACL_LETTERS_MAX])
{
	return print(rights, ARRAY_LEN(letters), out);
}

/* -- identifiers */

static enum err
identify_account(struct store *s, struct str name, struct arena *arena, struct acl_who *ret,
    struct str *ret_identifier)
{
	struct account_entry entry;
	struct str address;
	enum err e = directory_expand_login(s, name, arena, &address);

	if (!e)
		e = directory_find_account(s, address, arena, &entry);
	if (e)
		return e == ERR_NOT_FOUND || e == ERR_SYNTAX ? ERR_NO_USER : e;
	ret->account = entry.id;
	*ret_identifier = entry.address;
	return ERR_OK;
}

enum err
acl_identify(struct store *s, struct str identifier, struct arena *arena, struct acl_who *ret,
    struct str *ret_identifier)
{
	struct acl_who who = {.negative = identifier.n > 1 && identifier.p[0] == '-'};
	struct str name = str_skip(identifier, who.negative ? 1 : 0);
	enum err e = ERR_OK;

	if (name.n == 0 || str_has_nul(name) || !str_is_utf8(name))
		return ERR_SYNTAX;
	if (str_eq(name, STR("anyone")))
		who.account = ACL_ANYONE;
	else if (str_eq(name, STR("authenticated")))
		who.account = ACL_AUTHENTICATED;
	else
		e = identify_account(s, name, arena, &who, &name);
	if (e)
		return e;
	*ret_identifier =
	    who.negative ? arena_printf(arena, "-%.*s", STR_ARG(name)) : arena_dup(arena, name);
	if (!ret_identifier->p)
		return ERR_NOMEM;
	*ret = who;
	return ERR_OK;
}

/* -- what one may do */

/* Rights as entries add up. */
struct tally {
	unsigned granted, taken;
};

static void
tally_row(struct tally *t, struct stmt *st, int column)
{
	unsigned rights = 0;

	/* What is no right, some other program has written: it grants nothing. */
	if (acl_parse_rights(stmt_str(st, column + 1), &rights))
		return;
	*(stmt_int(st, column) ? &t->taken : &t->granted) |= rights;
}

static unsigned
tally_rights(const struct tally *t)
{
	return t->granted & ~t->taken;
}

enum err
acl_rights_in(struct db *db, int64_t owner, int64_t mailbox, int64_t viewer, unsigned *ret)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct tally t = {0};
	bool row = false;

	if (viewer == owner) {
		*ret = RIGHTS_ALL;
		return ERR_OK;
	}
	enum err e = db_query(db,
	    "SELECT negative, rights FROM acl WHERE mailbox = ?1 AND account IN (0, -1, ?2)", &st,
	    DB_INT(mailbox), DB_INT(viewer));
	while (!e && !(e = stmt_step(st, &row)) && row)
		tally_row(&t, st, 0);
	if (!e)
		*ret = tally_rights(&t);
	return e;
}

enum err
acl_rights(struct account *a, int64_t mailbox, int64_t viewer, unsigned *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;

	if (viewer == a->id) {
		*ret = RIGHTS_ALL;
		return ERR_OK;
	}
	enum err e = account_read(a, &h);
	return e ? e : acl_rights_in(h->db, a->id, mailbox, viewer, ret);
}

enum err
acl_rights_everywhere(struct account *a, int64_t viewer, struct arena *arena,
    struct acl_of_mailbox **ret, size_t *ret_n)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct acl_of_mailbox *list = NULL;
	struct tally t = {0};
	size_t n = 0, cap = 0;
	bool row = false;
	enum err e = account_read(a, &h);

	if (!e)
		e = db_query(h->db,
		    "SELECT mailbox, negative, rights FROM acl WHERE account IN (0, -1, ?1)"
		    " ORDER BY mailbox",
		    &st, DB_INT(viewer));
	while (!e && !(e = stmt_step(st, &row)) && row) {
		if (n == 0 || list[n - 1].mailbox != stmt_int(st, 0)) {
			t = (struct tally){0};
			list = arena_grow(arena, list, &cap, n + 1, sizeof(*list));
			if (!list)
				return ERR_NOMEM;
			list[n++].mailbox = stmt_int(st, 0);
		}
		tally_row(&t, st, 1);
		list[n - 1].rights = tally_rights(&t);
	}
	if (e)
		return e;
	*ret = list;
	*ret_n = n;
	return ERR_OK;
}

/* -- the lists */

/* Whether there still is an account of this id; groups are always there. */
static enum err
is_there(struct db *directory, int64_t account, bool *ret)
{
	int64_t has = 1;
	enum err e = ERR_OK;

	if (account > 0)
		e = db_get_int(directory, "SELECT EXISTS (SELECT 1 FROM account WHERE id = ?1)",
		    &has, DB_INT(account));
	if (!e)
		*ret = has != 0;
	return e;
}

static struct acl_entry
read_entry(struct stmt *st, struct arena *arena)
{
	struct acl_entry entry = {
	    .who = {.account = stmt_int(st, 0), .negative = stmt_int(st, 1) != 0},
	    .identifier = arena_dup(arena, stmt_str(st, 2)),
	};

	if (acl_parse_rights(stmt_str(st, 3), &entry.rights))
		entry.rights = 0;
	return entry;
}

enum err
acl_list(
    struct account *a, int64_t mailbox, struct arena *arena, struct acl_entry **ret, size_t *ret_n)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(read_end) struct handle *directory = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct acl_entry *list = NULL;
	size_t n = 0, cap = 0;
	bool row = false, there = false;
	enum err e = account_read(a, &h);

	if (!e)
		e = read_begin(&a->store->directory, &directory);
	if (!e)
		e = mailbox_must_exist(h->db, mailbox);
	if (!e)
		e = db_query(h->db,
		    "SELECT account, negative, identifier, rights FROM acl WHERE mailbox = ?1"
		    " ORDER BY negative, identifier",
		    &st, DB_INT(mailbox));
	while (!e && !(e = stmt_step(st, &row)) && row) {
		e = is_there(directory->db, stmt_int(st, 0), &there);
		if (e || !there)
			continue;
		list = arena_grow(arena, list, &cap, n + 1, sizeof(*list));
		if (!list)
			return ERR_NOMEM;
		list[n++] = read_entry(st, arena);
	}
	if (e)
		return e;
	if (arena_failed(arena))
		return ERR_NOMEM;
	*ret = list;
	*ret_n = n;
	return ERR_OK;
}

/* -- changing them */

struct change {
	int64_t mailbox;
	struct acl_who who;
	struct str identifier;
	enum acl_op op;
	unsigned rights;
};

static enum err
read_rights(struct db *db, const struct change *c, unsigned *ret)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = db_query(db,
	    "SELECT rights FROM acl WHERE mailbox = ?1 AND negative = ?2 AND account = ?3", &st,
	    DB_INT(c->mailbox), DB_INT(c->who.negative), DB_INT(c->who.account));

	*ret = 0;
	if (!e)
		e = stmt_step(st, &row);
	if (!e && row && acl_parse_rights(stmt_str(st, 0), ret))
		*ret = 0;
	return e;
}

static enum err
write_rights(struct db *db, const struct change *c, unsigned rights)
{
	char text[ACL_LETTERS_MAX];
	int64_t count;

	if (!rights)
		return db_run(db,
		    "DELETE FROM acl WHERE mailbox = ?1 AND negative = ?2 AND account = ?3",
		    DB_INT(c->mailbox), DB_INT(c->who.negative), DB_INT(c->who.account));
	enum err e = db_get_int(
	    db, "SELECT count(*) FROM acl WHERE mailbox = ?1", &count, DB_INT(c->mailbox));
	if (e || count >= ACL_ENTRIES_MAX)
		return e ? e : ERR_LIMIT;
	return db_run(db,
	    "INSERT OR REPLACE INTO acl (mailbox, negative, account, identifier, rights)"
	    " VALUES (?1, ?2, ?3, ?4, ?5)",
	    DB_INT(c->mailbox), DB_INT(c->who.negative), DB_INT(c->who.account),
	    DB_TEXT(c->identifier), DB_TEXT(print(rights, PLAIN_LETTERS, text)));
}

static enum err
change_in_txn(struct txn *t, void *arg)
{
	const struct change *c = arg;
	unsigned rights;
	enum err e = mailbox_must_exist(t->db, c->mailbox);

	if (!e)
		e = read_rights(t->db, c, &rights);
	if (e)
		return e;
	if (c->op == ACL_SET)
		rights = c->rights;
	else if (c->op == ACL_ADD)
		rights |= c->rights;
	else
		rights &= ~c->rights;
	/* Sessions that have it selected look again whether they still may. */
	txn_touch(t, c->mailbox);
	return write_rights(t->db, c, rights);
}

/* Who may see more now, or less: RFC 5465 §5.4. */
static void
tell_whom_it_concerns(struct account *a, int64_t who)
{
	if (who > 0)
		bus_announce(a->store->bus, who, 0);
	else
		bus_announce_all(a->store->bus);
}

enum err
acl_change(struct account *a, int64_t mailbox, struct acl_who who, struct str identifier,
    enum acl_op op, unsigned rights)
{
	struct change c = {mailbox, who, identifier, op, rights};
	bool gives = !who.negative && op != ACL_REMOVE && rights;
	enum err e = ERR_OK;

	if (who.account == a->id)
		return ERR_CANNOT;
	/* The directory is told of somebody new before, and looked at afterwards: where all is as
	 * it should be, that writes nothing. */
	if (gives)
		e = share_announce(a, who.account);
	if (!e)
		e = account_write(a, change_in_txn, &c, DURABLE_NOW);
	if (!e)
		e = share_follow(a);
	if (!e)
		tell_whom_it_concerns(a, who.account);
	return e;
}

/* -- with the life of mailboxes and accounts */

enum err
acl_inherit(struct txn *t, int64_t mailbox, struct str name)
{
	size_t slash;

	while ((slash = str_rfind(name, '/')) != STR_NONE) {
		int64_t superior;
		bool noselect = false;
		name = str_sub(name, 0, slash);
		enum err e = mailbox_id(t->db, name, &superior, &noselect);
		if (e == ERR_NOT_FOUND || (!e && noselect))
			continue;
		return e ? e
			 : db_run(t->db,
			       "INSERT INTO acl (mailbox, negative, account, identifier, rights)"
			       " SELECT ?2, negative, account, identifier, rights FROM acl"
			       " WHERE mailbox = ?1",
			       DB_INT(superior), DB_INT(mailbox));
	}
	return ERR_OK;
}

enum err
acl_drop(struct txn *t, int64_t mailbox)
{
	enum err e = db_run(t->db, "DELETE FROM acl WHERE mailbox = ?1", DB_INT(mailbox));

	return e ? e : seen_drop(t->db, mailbox);
}

static enum err
forget_in_txn(struct txn *t, void *arg)
{
	const int64_t *gone = arg;
	enum err e = db_run(t->db, "DELETE FROM acl WHERE account = ?1", DB_INT(*gone));

	if (!e)
		e = txn_drop_viewer_annotations(t, *gone);
	return e ? e : seen_drop_viewer(t->db, *gone);
}

enum err
acl_forget_account(struct account *a, int64_t gone)
{
	return account_write(a, forget_in_txn, &gone, DURABLE_LATER);
}
