/* Accounts whose mail goes on to other addresses. */
#include "store/directory_private.h"

struct forward_change {
	struct store *store;
	struct directory_address address;
	struct directory_address *targets;
	size_t target_count;
	bool keeps;
	struct arena *arena;
};

static enum err
insert_targets(struct db *db, int64_t account, const struct forward_change *c)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < c->target_count && !e; i++) {
		struct str address = arena_printf(c->arena, "%.*s@%.*s",
		    STR_ARG(c->targets[i].local), STR_ARG(c->targets[i].domain));
		if (!address.p)
			return ERR_NOMEM;
		e = db_run(db,
		    "INSERT INTO forward (account, position, address) VALUES (?1, ?2, ?3)",
		    DB_INT(account), DB_INT(i), DB_TEXT(address));
	}
	return e;
}

static enum err
set_forward(struct txn *t, void *arg)
{
	const struct forward_change *c = arg;
	int64_t id;
	enum err e = directory_account_id(t->db, &c->address, &id);

	for (size_t i = 0; i < c->target_count && !e; i++)
		e = directory_check_target(c->store, t->db, &c->targets[i]);
	if (!e)
		e = db_run(t->db, "DELETE FROM forward WHERE account = ?1", DB_INT(id));
	if (!e)
		e = db_run(t->db, "UPDATE account SET keeps = ?2 WHERE id = ?1", DB_INT(id),
		    DB_INT(c->keeps || c->target_count == 0));
	return e ? e : insert_targets(t->db, id, c);
}

enum err
directory_set_forward(
    struct store *s, struct str address, const struct str *targets, size_t n, bool keeps)
{
	CLEANUP(arena_free)
	struct arena *arena = arena_new(DIRECTORY_ARENA + FORWARD_MAX_TARGETS * 2048);
	struct forward_change c = {.store = s, .target_count = n, .keeps = keeps, .arena = arena};

	if (!arena)
		return ERR_NOMEM;
	if (n > FORWARD_MAX_TARGETS)
		return ERR_LIMIT;
	enum err e = directory_parse_address(address, arena, &c.address);
	c.targets = arena_alloc_array(arena, n + 1, sizeof(*c.targets));
	if (!e && !c.targets)
		e = ERR_NOMEM;
	for (size_t i = 0; i < n && !e; i++) {
		struct directory_address *target = &c.targets[i];
		e = directory_parse_address(targets[i], arena, target);
		if (!e && str_eq(target->local, c.address.local) &&
		    str_eq(target->domain, c.address.domain))
			e = ERR_LOOP;
	}
	return e ? e : database_write(&s->directory, set_forward, &c, DURABLE_NOW);
}

enum err
directory_get_forward(
    struct store *s, struct str address, struct arena *arena, struct forward_entry *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct forward_entry f = {.target_count = 0};
	struct directory_address a;
	size_t cap = 0;
	int64_t id = 0, keeps = 1;
	bool row = false;
	enum err e = directory_parse_address(address, arena, &a);

	if (!e)
		e = read_begin(&s->directory, &h);
	if (!e)
		e = directory_account_id(h->db, &a, &id);
	if (!e)
		e = db_get_int(
		    h->db, "SELECT keeps FROM account WHERE id = ?1", &keeps, DB_INT(id));
	if (!e)
		e = db_query(h->db,
		    "SELECT address FROM forward WHERE account = ?1 ORDER BY position", &st,
		    DB_INT(id));
	while (!e && !(e = stmt_step(st, &row)) && row) {
		f.targets =
		    arena_grow(arena, f.targets, &cap, f.target_count + 1, sizeof(*f.targets));
		if (!f.targets)
			return ERR_NOMEM;
		f.targets[f.target_count++] = arena_dup(arena, stmt_str(st, 0));
	}
	if (e)
		return e;
	f.keeps = keeps != 0;
	if (arena_failed(arena))
		return ERR_NOMEM;
	*ret = f;
	return ERR_OK;
}
