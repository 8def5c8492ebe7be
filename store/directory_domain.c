#include "store/directory_private.h"
#include "store/signing_key_private.h"

static enum err
insert_domain(struct txn *t, void *arg)
{
	const struct str *name = arg;

	return db_run(t->db, "INSERT INTO domain (name) VALUES (?1)", DB_TEXT(*name));
}

static enum err
delete_domain(struct txn *t, void *arg)
{
	const struct str *name = arg;
	int64_t id, used;
	enum err e = directory_domain_id(t->db, *name, &id);

	if (!e)
		e = db_get_int(t->db,
		    "SELECT EXISTS (SELECT 1 FROM account WHERE domain = ?1)"
		    " OR EXISTS (SELECT 1 FROM alias WHERE domain = ?1)",
		    &used, DB_INT(id));
	if (!e && used)
		return ERR_CANNOT;
	if (!e)
		e = db_run(t->db, "DELETE FROM signing_key WHERE domain = ?1", DB_INT(id));
	return e ? e : db_run(t->db, "DELETE FROM domain WHERE id = ?1", DB_INT(id));
}

static enum err
write_domain(struct store *s, struct str domain, txn_op *op)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(DIRECTORY_ARENA);
	struct str name;

	if (!arena)
		return ERR_NOMEM;
	enum err e = directory_parse_domain(domain, arena, &name);
	return e ? e : database_write(&s->directory, op, &name, DURABLE_NOW);
}

enum err
directory_add_domain(struct store *s, struct str domain)
{
	return write_domain(s, domain, insert_domain);
}

enum err
directory_remove_domain(struct store *s, struct str domain)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(DIRECTORY_ARENA);
	struct signing_key *keys = NULL;
	size_t n = 0;

	if (!arena)
		return ERR_NOMEM;
	enum err e = signing_key_list(s, domain, arena, &keys, &n);
	if (!e)
		e = write_domain(s, domain, delete_domain);
	for (size_t i = 0; i < n && !e; i++)
		e = signing_key_remove_file(s, &keys[i]);
	return e;
}

enum err
directory_list_domains(struct store *s, struct arena *arena, struct str **ret, size_t *ret_n)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct str *names = NULL;
	size_t n = 0, cap = 0;
	bool row = false;
	enum err e = read_begin(&s->directory, &h);

	if (!e)
		e = db_query(h->db, "SELECT name FROM domain ORDER BY name", &st);
	while (!e && !(e = stmt_step(st, &row)) && row) {
		names = arena_grow(arena, names, &cap, n + 1, sizeof(*names));
		if (!names)
			return ERR_NOMEM;
		names[n++] = arena_dup(arena, stmt_str(st, 0));
	}
	if (e)
		return e;
	if (arena_failed(arena))
		return ERR_NOMEM;
	*ret = names;
	*ret_n = n;
	return ERR_OK;
}

enum err
directory_postmaster(struct store *s, struct arena *arena, struct str *ret)
{
	struct str *domains = NULL;
	size_t n = 0;
	enum err e = directory_list_domains(s, arena, &domains, &n);

	if (e || !n)
		return e ? e : ERR_NOT_FOUND;
	*ret = arena_printf(arena, "postmaster@%.*s", STR_ARG(domains[0]));
	return ret->p ? ERR_OK : ERR_NOMEM;
}

enum err
directory_is_local_domain(struct store *s, struct str domain)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(DIRECTORY_ARENA);
	CLEANUP(read_end) struct handle *h = NULL;
	struct str name;
	int64_t id;

	if (!arena)
		return ERR_NOMEM;
	enum err e = directory_parse_domain(domain, arena, &name);
	if (e == ERR_SYNTAX)
		return ERR_NOT_FOUND; /* such as an address literal */
	if (!e)
		e = read_begin(&s->directory, &h);
	return e ? e : directory_domain_id(h->db, name, &id);
}
