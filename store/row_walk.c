#include "store/row_walk.h"

/* Stepping over the rows between costs less than a search up to this distance of ids. */
#define STEPS_MAX 4

static enum err
step(struct row_walk *w, int64_t from)
{
	bool row = false;
	enum err e = stmt_step(w->st, &row);

	w->from = from;
	w->at = row ? stmt_int(w->st, 0) : ROW_WALK_END;
	return e;
}

static enum err
seek(struct row_walk *w, struct db *db, const char *sql, int64_t id)
{
	if (!w->st) {
		enum err e = db_query(db, sql, &w->st, DB_INT(id));
		return e ? e : step(w, id);
	}
	stmt_reset(w->st);
	stmt_bind(w->st, 1, DB_INT(id));
	return step(w, id);
}

enum err
row_walk_to(struct row_walk *w, struct db *db, const char *sql, int64_t id, bool *ret_found)
{
	enum err e = ERR_OK;

	if (!w->st || id < w->from || (id > w->at && id - w->at > STEPS_MAX))
		e = seek(w, db, sql, id);
	while (!e && w->at < id)
		e = step(w, w->at + 1);
	if (e)
		row_walk_end(w);
	*ret_found = !e && w->at == id && id != ROW_WALK_END;
	return e;
}

void
row_walk_end(struct row_walk *w)
{
	stmt_done(&w->st);
}
