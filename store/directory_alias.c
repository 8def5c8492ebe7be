#include "store/directory_private.h"

struct alias_change {
	struct store *store;
	struct directory_address address;
	struct directory_targets targets;
};

static enum err
delete_rows(struct db *db, int64_t id)
{
	enum err e = db_run(db, "DELETE FROM alias_target WHERE alias = ?1", DB_INT(id));

	return e ? e : db_run(db, "DELETE FROM alias WHERE id = ?1", DB_INT(id));
}

static enum err
set_alias(struct txn *t, void *arg)
{
	const struct alias_change *c = arg;
	int64_t domain, id;
	enum err e = directory_domain_id(t->db, c->address.domain, &domain);

	if (e)
		return e == ERR_NOT_FOUND ? ERR_CANNOT : e;
	e = directory_account_id(t->db, &c->address, &id);
	if (e != ERR_NOT_FOUND)
		return e ? e : ERR_EXISTS;
	e = directory_check_targets(c->store, t->db, &c->targets);
	if (e)
		return e;
	e = directory_alias_id(t->db, &c->address, &id);
	if (!e)
		e = delete_rows(t->db, id);
	else if (e == ERR_NOT_FOUND)
		e = ERR_OK;
	if (!e)
		e = db_run(t->db, "INSERT INTO alias (domain, local) VALUES (?1, ?2)",
		    DB_INT(domain), DB_TEXT(c->address.local));
	return e ? e
		 : directory_insert_targets(t->db,
		       "INSERT INTO alias_target (alias, position, address) VALUES (?1, ?2, ?3)",
		       db_last_id(t->db), &c->targets);
}

static enum err
remove_alias(struct txn *t, void *arg)
{
	const struct alias_change *c = arg;
	int64_t id;
	enum err e = directory_alias_id(t->db, &c->address, &id);

	return e ? e : delete_rows(t->db, id);
}

enum err
directory_set_alias(struct store *s, struct str address, const struct str *targets, size_t n)
{
	/* Room for the longest addresses, that many of them. */
	CLEANUP(arena_free)
	struct arena *arena = arena_new(DIRECTORY_ARENA + ALIAS_MAX_TARGETS * 2048);
	struct alias_change c = {.store = s};

	if (!arena)
		return ERR_NOMEM;
	if (n == 0)
		return ERR_SYNTAX;
	if (n > ALIAS_MAX_TARGETS)
		return ERR_LIMIT;
	enum err e = directory_parse_address(address, arena, &c.address);
	if (!e && !directory_is_new_local(s, c.address.local))
		e = ERR_SYNTAX;
	if (!e)
		e = directory_parse_targets(&c.address, targets, n, arena, &c.targets);
	return e ? e : database_write(&s->directory, set_alias, &c, DURABLE_NOW);
}

enum err
directory_remove_alias(struct store *s, struct str address)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(DIRECTORY_ARENA);
	struct alias_change c = {.store = s};

	if (!arena)
		return ERR_NOMEM;
	enum err e = directory_parse_address(address, arena, &c.address);
	return e ? e : database_write(&s->directory, remove_alias, &c, DURABLE_NOW);
}

enum err
directory_list_aliases(
    struct store *s, struct arena *arena, struct alias_entry **ret, size_t *ret_n)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct alias_entry *entries = NULL;
	size_t n = 0, cap = 0, target_cap = 0;
	int64_t last = 0;
	bool row = false;
	enum err e = read_begin(&s->directory, &h);

	if (!e)
		e = db_query(h->db,
		    "SELECT a.id, a.local || '@' || d.name, t.address FROM alias a"
		    " JOIN domain d ON d.id = a.domain JOIN alias_target t ON t.alias = a.id"
		    " ORDER BY d.name, a.local, t.position",
		    &st);
	while (!e && !(e = stmt_step(st, &row)) && row) {
		if (n == 0 || stmt_int(st, 0) != last) {
			entries = arena_grow(arena, entries, &cap, n + 1, sizeof(*entries));
			if (!entries)
				return ERR_NOMEM;
			entries[n++] =
			    (struct alias_entry){.address = arena_dup(arena, stmt_str(st, 1))};
			last = stmt_int(st, 0);
			target_cap = 0;
		}
		struct alias_entry *a = &entries[n - 1];
		a->targets = arena_grow(
		    arena, a->targets, &target_cap, a->target_count + 1, sizeof(*a->targets));
		if (!a->targets)
			return ERR_NOMEM;
		a->targets[a->target_count++] = arena_dup(arena, stmt_str(st, 2));
	}
	if (e)
		return e;
	if (arena_failed(arena))
		return ERR_NOMEM;
	*ret = entries;
	*ret_n = n;
	return ERR_OK;
}
