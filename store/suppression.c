#include "store/suppression.h"

#include "common/base/clock.h"
#include "store/directory_private.h"
#include "store/queue_private.h"

#define ADDRESS_ARENA (64 * 1024)

/* The one spelling of an address. ERR_SYNTAX. */
static enum err
spell(struct str address, struct arena *arena, struct str *ret)
{
	size_t at = str_rfind(address, '@');
	struct str local, domain;

	if (at == STR_NONE || at == 0 || !str_is_utf8(address))
		return ERR_SYNTAX;
	enum err e = directory_fold_local(str_sub(address, 0, at), arena, &local);
	if (!e)
		e = queue_domain_of(address, arena, &domain);
	if (e)
		return e;
	*ret = arena_printf(arena, "%.*s@%.*s", STR_ARG(local), STR_ARG(domain));
	return arena_failed(arena) ? ERR_NOMEM : ERR_OK;
}

/* Those whose time is over go when others come. */
static enum err
insert(struct txn *t, const struct suppressed *x, struct str address)
{
	enum err e =
	    db_run(t->db, "DELETE FROM suppressed WHERE until_s <= ?1", DB_INT(clock_real_s()));

	return e ? e
		 : db_run(t->db,
		       "INSERT OR REPLACE INTO suppressed (address, reply, host, since_s, until_s)"
		       " VALUES (?1, ?2, ?3, ?4, ?5)",
		       DB_TEXT(address), DB_TEXT(x->reply), DB_TEXT(x->host), DB_INT(x->since_s),
		       DB_INT(x->until_s));
}

enum err
suppression_in_txn(struct txn *t, struct str address, struct str reply, struct str host,
    int64_t since_s, int64_t until_s)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(ADDRESS_ARENA);
	const struct suppressed x = {
	    .reply = reply, .host = host, .since_s = since_s, .until_s = until_s};
	struct str spelt;

	if (!arena)
		return ERR_NOMEM;
	enum err e = spell(address, arena, &spelt);
	if (e == ERR_SYNTAX)
		return ERR_OK;
	return e ? e : insert(t, &x, spelt);
}

struct change {
	const struct suppressed *add; /* NULL: remove */
	struct str address;
};

static enum err
change_in_txn(struct txn *t, void *arg)
{
	const struct change *c = arg;

	if (c->add)
		return insert(t, c->add, c->address);
	enum err e =
	    db_run(t->db, "DELETE FROM suppressed WHERE address = ?1", DB_TEXT(c->address));
	return e ? e : db_changes(t->db) ? ERR_OK : ERR_NOT_FOUND;
}

static enum err
change(struct store *s, struct str address, const struct suppressed *add)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(ADDRESS_ARENA);
	struct change c = {.add = add};
	struct database *d = NULL;

	if (!arena)
		return ERR_NOMEM;
	enum err e = spell(address, arena, &c.address);
	if (!e)
		e = queue_database(s, &d);
	return e ? e : database_write(d, change_in_txn, &c, DURABLE_NOW);
}

enum err
suppression_add(struct store *s, const struct suppressed *what)
{
	return change(s, what->address, what);
}

enum err
suppression_remove(struct store *s, struct str address)
{
	return change(s, address, NULL);
}

static struct suppressed
take(struct stmt *st)
{
	return (struct suppressed){.address = stmt_str(st, 0),
	    .reply = stmt_str(st, 1),
	    .host = stmt_str(st, 2),
	    .since_s = stmt_int(st, 3),
	    .until_s = stmt_int(st, 4)};
}

enum err
suppression_find(struct store *s, struct str address, struct arena *arena, struct suppressed *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct str spelt;
	bool row = false;
	enum err e = spell(address, arena, &spelt);

	if (e)
		return e == ERR_SYNTAX ? ERR_NOT_FOUND : e;
	e = queue_read_begin(s, &h);
	if (!e)
		e = db_query(h->db,
		    "SELECT address, reply, host, since_s, until_s FROM suppressed"
		    " WHERE address = ?1 AND until_s > ?2",
		    &st, DB_TEXT(spelt), DB_INT(clock_real_s()));
	if (!e)
		e = stmt_step(st, &row);
	if (e)
		return e;
	if (!row)
		return ERR_NOT_FOUND;
	*ret = take(st);
	ret->address = arena_dup(arena, ret->address);
	ret->reply = arena_dup(arena, ret->reply);
	ret->host = arena_dup(arena, ret->host);
	return arena_failed(arena) ? ERR_NOMEM : ERR_OK;
}

enum err
suppression_list(
    struct store *s, enum err (*each)(const struct suppressed *x, void *arg), void *arg)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = queue_read_begin(s, &h);

	if (!e)
		e = db_query(h->db,
		    "SELECT address, reply, host, since_s, until_s FROM suppressed"
		    " WHERE until_s > ?1 ORDER BY address",
		    &st, DB_INT(clock_real_s()));
	while (!e && !(e = stmt_step(st, &row)) && row) {
		const struct suppressed x = take(st);
		e = each(&x, arg);
	}
	return e;
}
