/* Accounts whose mail goes on to other addresses. */
#include "store/directory_private.h"

struct forward_change {
	struct store *store;
	struct directory_address address;
	struct directory_targets targets;
	bool keeps;
};

static enum err
set_forward(struct txn *t, void *arg)
{
	const struct forward_change *c = arg;
	int64_t id;
	enum err e = directory_account_id(t->db, &c->address, &id);

	if (!e)
		e = directory_check_targets(c->store, t->db, &c->targets);
	if (!e)
		e = db_run(t->db, "DELETE FROM forward WHERE account = ?1", DB_INT(id));
	if (!e)
		e = db_run(t->db, "UPDATE account SET keeps = ?2 WHERE id = ?1", DB_INT(id),
		    DB_INT(c->keeps || c->targets.n == 0));
	return e ? e
		 : directory_insert_targets(t->db,
		       "INSERT INTO forward (account, position, address) VALUES (?1, ?2, ?3)", id,
		       &c->targets);
}

enum err
directory_set_forward(
    struct store *s, struct str address, const struct str *targets, size_t n, bool keeps)
{
	CLEANUP(arena_free)
	struct arena *arena = arena_new(DIRECTORY_ARENA + FORWARD_MAX_TARGETS * 2048);
	struct forward_change c = {.store = s, .keeps = keeps};

	if (!arena)
		return ERR_NOMEM;
	if (n > FORWARD_MAX_TARGETS)
		return ERR_LIMIT;
	enum err e = directory_parse_address(address, arena, &c.address);
	if (!e)
		e = directory_parse_targets(&c.address, targets, n, arena, &c.targets);
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
