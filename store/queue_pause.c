/* Domains and hosts that nothing is sent to for now. */
#include "store/queue_private.h"

#include "common/base/clock.h"

#define PAUSE_ARENA (64 * 1024)
#define HOST_PREFIX "mx:"

struct pause {
	struct str name, reason;
	bool remove;
};

/* The one spelling: "mx:" and the name of a host, or a domain. */
static enum err
spell(struct str name, struct arena *arena, struct str *ret)
{
	bool host = str_starts_nocase(name, STR(HOST_PREFIX));
	struct str domain;

	if (host)
		name = str_skip(name, sizeof(HOST_PREFIX) - 1);
	if (name.n && name.p[name.n - 1] == '.')
		name.n--;
	if (!name.n)
		return ERR_SYNTAX;
	enum err e = queue_domain_of(name, arena, &domain);
	if (e)
		return e;
	*ret = host ? arena_printf(arena, HOST_PREFIX "%.*s", STR_ARG(domain)) : domain;
	return ret->p ? ERR_OK : ERR_NOMEM;
}

static enum err
pause_in_txn(struct txn *t, void *arg)
{
	const struct pause *p = arg;
	enum err e =
	    p->remove
		? db_run(t->db, "DELETE FROM pause WHERE name = ?1", DB_TEXT(p->name))
		: db_run(t->db,
		      "INSERT OR REPLACE INTO pause (name, reason, since_s) VALUES (?1, ?2, ?3)",
		      DB_TEXT(p->name), DB_TEXT(p->reason), DB_INT(clock_real_s()));

	if (!e && db_changes(t->db) == 0)
		return ERR_NOT_FOUND;
	return e ? e : queue_note_edit(t);
}

static enum err
write_pause(struct store *s, struct str name, struct str reason, bool remove)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(PAUSE_ARENA);
	struct pause p = {.reason = reason, .remove = remove};
	struct database *d = NULL;
	enum err e = arena ? spell(name, arena, &p.name) : ERR_NOMEM;

	if (!e)
		e = queue_database(s, &d);
	if (!e)
		e = database_write(d, pause_in_txn, &p, DURABLE_NOW);
	if (!e)
		queue_poke(s->queue);
	return e;
}

enum err
queue_pause_set(struct store *s, struct str name, struct str reason)
{
	return write_pause(s, name, reason, false);
}

enum err
queue_pause_remove(struct store *s, struct str name)
{
	return write_pause(s, name, STR(""), true);
}

enum err
queue_pauses(struct store *s, struct arena *arena, struct queue_pause **ret, size_t *ret_n)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct queue_pause *list = NULL;
	size_t n = 0, cap = 0;
	bool row = false;
	enum err e = queue_read_begin(s, &h);

	if (!e)
		e = db_query(h->db, "SELECT name, reason, since_s FROM pause ORDER BY name", &st);
	while (!e && !(e = stmt_step(st, &row)) && row) {
		list = arena_grow(arena, list, &cap, n + 1, sizeof(*list));
		if (!list)
			return ERR_NOMEM;
		list[n++] = (struct queue_pause){.name = arena_dup(arena, stmt_str(st, 0)),
		    .reason = arena_dup(arena, stmt_str(st, 1)),
		    .since_s = stmt_int(st, 2)};
	}
	if (e)
		return e;
	*ret = list;
	*ret_n = n;
	return arena_failed(arena) ? ERR_NOMEM : ERR_OK;
}
