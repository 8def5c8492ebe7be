#include "store/sts_cache.h"

#include "common/base/clock.h"
#include "store/queue_private.h"

enum err
sts_cache_find(struct store *s, struct str domain, struct arena *arena, struct sts_cached *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = queue_read_begin(s, &h);

	if (!e)
		e = db_query(h->db,
		    "SELECT id, policy, fetched_s, until_s FROM sts_policy"
		    " WHERE domain = ?1 AND until_s > ?2",
		    &st, DB_TEXT(domain), DB_INT(clock_real_s()));
	if (!e)
		e = stmt_step(st, &row);
	if (e)
		return e;
	if (!row)
		return ERR_NOT_FOUND;
	*ret = (struct sts_cached){
	    .id = arena_dup(arena, stmt_str(st, 0)),
	    .policy = arena_dup(arena, stmt_str(st, 1)),
	    .fetched_s = stmt_int(st, 2),
	    .until_s = stmt_int(st, 3),
	};
	return arena_failed(arena) ? ERR_NOMEM : ERR_OK;
}

struct put {
	struct str domain;
	const struct sts_cached *what;
};

static enum err
put_in_txn(struct txn *t, void *arg)
{
	const struct put *p = arg;
	enum err e = db_run(t->db,
	    "INSERT OR REPLACE INTO sts_policy (domain, id, policy, fetched_s, until_s)"
	    " VALUES (?1, ?2, ?3, ?4, ?5)",
	    DB_TEXT(p->domain), DB_TEXT(p->what->id), DB_TEXT(p->what->policy),
	    DB_INT(p->what->fetched_s), DB_INT(p->what->until_s));

	if (!e)
		e = db_run(
		    t->db, "DELETE FROM sts_policy WHERE until_s <= ?1", DB_INT(clock_real_s()));
	/* one comes, one goes: a walk of the index, and no count of its rows */
	if (!e)
		e = db_run(t->db,
		    "DELETE FROM sts_policy WHERE domain IN (SELECT domain FROM sts_policy"
		    " ORDER BY fetched_s DESC LIMIT -1 OFFSET ?1)",
		    DB_INT(STS_CACHE_MAX));
	return e;
}

enum err
sts_cache_put(struct store *s, struct str domain, const struct sts_cached *what)
{
	struct put p = {domain, what};
	struct database *d = NULL;
	enum err e = queue_database(s, &d);

	return e ? e : database_write(d, put_in_txn, &p, DURABLE_LATER);
}
