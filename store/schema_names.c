/* Names of mailboxes in Unicode's form NFC, which older programs did not ask for. */
#include "store/mailbox.h"
#include "store/schema.h"

#define NAMES_ARENA (32 * 1024 * 1024)

struct name {
	int64_t id; /* 0: a subscription */
	struct str is, should_be;
};

static enum err
find_names(struct db *db, const char *sql, struct arena *arena, struct name **ret, size_t *ret_n)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct name *list = NULL;
	size_t n = 0, cap = 0;
	bool row = false;
	enum err e = db_query(db, sql, &st);

	while (!e && !(e = stmt_step(st, &row)) && row) {
		struct str is = stmt_str(st, 1), normal;
		if (mailbox_normalise_name(is, arena, &normal) || str_eq(is, normal))
			continue;
		list = arena_grow(arena, list, &cap, n + 1, sizeof(*list));
		if (!list)
			return ERR_NOMEM;
		list[n++] = (struct name){stmt_int(st, 0), arena_dup(arena, is), normal};
	}
	*ret = list;
	*ret_n = n;
	return e ? e : arena_failed(arena) ? ERR_NOMEM : ERR_OK;
}

/* Where both spellings are there, the other one keeps the name and this one gets a number. */
static enum err
rename_mailbox(struct db *db, const struct name *name, struct arena *arena)
{
	struct str to = name->should_be;
	enum err e = ERR_OK;

	for (unsigned i = 2; !e; i++) {
		e = db_run(db, "UPDATE OR IGNORE mailbox SET name = ?2 WHERE id = ?1",
		    DB_INT(name->id), DB_TEXT(to));
		if (e || db_changes(db) > 0)
			break;
		to = arena_printf(arena, "%.*s %u", STR_ARG(name->should_be), i);
		if (!to.p)
			e = ERR_NOMEM;
	}
	return e;
}

enum err
schema_normalise_names(struct db *db)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(NAMES_ARENA);
	struct name *list = NULL;
	size_t n = 0;

	if (!arena)
		return ERR_NOMEM;
	enum err e = find_names(db, "SELECT id, name FROM mailbox ORDER BY id", arena, &list, &n);
	for (size_t i = 0; !e && i < n; i++)
		e = rename_mailbox(db, &list[i], arena);
	if (!e)
		e = find_names(db, "SELECT 0, name FROM subscription", arena, &list, &n);
	for (size_t i = 0; !e && i < n; i++) {
		e = db_run(db, "INSERT OR IGNORE INTO subscription (name) VALUES (?1)",
		    DB_TEXT(list[i].should_be));
		if (!e)
			e = db_run(
			    db, "DELETE FROM subscription WHERE name = ?1", DB_TEXT(list[i].is));
	}
	return e;
}
