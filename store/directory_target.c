#include "store/directory_private.h"

enum err
directory_parse_targets(const struct directory_address *from, const struct str *targets, size_t n,
    struct arena *arena, struct directory_targets *ret)
{
	struct directory_address *list = arena_alloc_array(arena, n + 1, sizeof(*list));
	enum err e = list ? ERR_OK : ERR_NOMEM;

	for (size_t i = 0; i < n && !e; i++) {
		e = directory_parse_address(targets[i], arena, &list[i]);
		if (!e && str_eq(list[i].local, from->local) &&
		    str_eq(list[i].domain, from->domain))
			e = ERR_LOOP;
	}
	*ret = (struct directory_targets){list, n, arena};
	return e;
}

static enum err
check_target(struct store *s, struct db *db, const struct directory_address *target)
{
	struct directory_address base = *target;
	struct str detail;
	int64_t ignored;
	enum err e = directory_domain_id(db, target->domain, &ignored);

	if (e == ERR_NOT_FOUND) /* elsewhere */
		return directory_is_dot_string(target->local) ? ERR_OK : ERR_SYNTAX;
	if (e)
		return e;
	e = directory_account_id(db, target, &ignored);
	if (e == ERR_NOT_FOUND)
		e = directory_alias_id(db, target, &ignored);
	if (e != ERR_NOT_FOUND || !directory_split_detail(s, target->local, &base.local, &detail))
		return e;
	e = directory_account_id(db, &base, &ignored);
	return e == ERR_NOT_FOUND ? directory_alias_id(db, &base, &ignored) : e;
}

enum err
directory_check_targets(struct store *s, struct db *db, const struct directory_targets *t)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < t->n && !e; i++)
		e = check_target(s, db, &t->list[i]);
	return e;
}

enum err
directory_insert_targets(
    struct db *db, const char *sql, int64_t whose, const struct directory_targets *t)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < t->n && !e; i++) {
		struct str address = arena_printf(
		    t->arena, "%.*s@%.*s", STR_ARG(t->list[i].local), STR_ARG(t->list[i].domain));
		if (!address.p)
			return ERR_NOMEM;
		e = db_run(db, sql, DB_INT(whose), DB_INT(i), DB_TEXT(address));
	}
	return e;
}
