#include "store/share.h"

#include "common/base/log.h"
#include "store/acl_private.h"

#define FOLLOW_TRIES 4

/* -- asking */

enum err
share_owners(
    struct store *s, int64_t viewer, struct arena *arena, struct share_owner **ret, size_t *ret_n)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct share_owner *owners = NULL;
	size_t n = 0, cap = 0;
	bool row = false;
	enum err e = read_begin(&s->directory, &h);

	if (!e)
		e = db_query(h->db,
		    "SELECT DISTINCT a.id, a.local || '@' || d.name FROM share"
		    " JOIN account a ON a.id = share.owner JOIN domain d ON d.id = a.domain"
		    " WHERE share.viewer IN (?1, 0, -1) AND a.id <> ?1 ORDER BY d.name, a.local",
		    &st, DB_INT(viewer));
	while (!e && !(e = stmt_step(st, &row)) && row) {
		owners = arena_grow(arena, owners, &cap, n + 1, sizeof(*owners));
		if (!owners)
			return ERR_NOMEM;
		owners[n++] = (struct share_owner){
		    .account = stmt_int(st, 0), .address = arena_dup(arena, stmt_str(st, 1))};
	}
	if (e)
		return e;
	if (arena_failed(arena))
		return ERR_NOMEM;
	*ret = owners;
	*ret_n = n;
	return ERR_OK;
}

enum err
share_has(struct store *s, int64_t owner, int64_t viewer, bool *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	int64_t has = 0;
	enum err e = read_begin(&s->directory, &h);

	if (!e)
		e = db_get_int(h->db,
		    "SELECT EXISTS (SELECT 1 FROM share WHERE viewer IN (?2, 0, -1) AND owner = "
		    "?1)",
		    &has, DB_INT(owner), DB_INT(viewer));
	if (!e)
		*ret = has != 0;
	return e;
}

/* -- following the lists */

/* Runs `sql` with the account's id and the number of each whom some entry of its lists means. */
static enum err
each_viewer(struct account *a, struct db *directory, const char *sql)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = account_read(a, &h);

	if (!e)
		e = db_query(h->db, "SELECT DISTINCT account FROM acl WHERE NOT negative", &st);
	while (!e && !(e = stmt_step(st, &row)) && row)
		e = db_run(directory, sql, DB_INT(a->id), DB_INT(stmt_int(st, 0)));
	return e;
}

static enum err
mirror(struct txn *t, void *arg)
{
	struct account *a = arg;
	enum err e = db_run(t->db, "DELETE FROM share WHERE owner = ?1", DB_INT(a->id));

	return e ? e
		 : each_viewer(
		       a, t->db, "INSERT OR IGNORE INTO share (owner, viewer) VALUES (?1, ?2)");
}

struct announcement {
	int64_t owner, viewer;
};

static enum err
announce(struct txn *t, void *arg)
{
	const struct announcement *n = arg;

	return db_run(t->db, "INSERT OR IGNORE INTO share (owner, viewer) VALUES (?1, ?2)",
	    DB_INT(n->owner), DB_INT(n->viewer));
}

static enum err
is_announced(const struct announcement *n, struct store *s, bool *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	int64_t has = 0;
	enum err e = read_begin(&s->directory, &h);

	if (!e)
		e = db_get_int(h->db,
		    "SELECT EXISTS (SELECT 1 FROM share WHERE owner = ?1 AND viewer = ?2)", &has,
		    DB_INT(n->owner), DB_INT(n->viewer));
	*ret = has != 0;
	return e;
}

enum err
share_announce(struct account *a, int64_t viewer)
{
	struct announcement n = {a->id, viewer};
	bool is = false;
	enum err e = is_announced(&n, a->store, &is);

	return e || is ? e : database_write(&a->store->directory, announce, &n, DURABLE_NOW);
}

/* The next number of a query, or the end of it. */
static enum err
next_number(struct stmt *st, bool *ret_row, int64_t *ret)
{
	enum err e = stmt_step(st, ret_row);

	*ret = !e && *ret_row ? stmt_int(st, 0) : 0;
	return e;
}

static enum err
is_mirrored(struct account *a, bool *ret)
{
	CLEANUP(read_end) struct handle *own = NULL;
	CLEANUP(read_end) struct handle *directory = NULL;
	CLEANUP(stmt_done) struct stmt *is = NULL;
	CLEANUP(stmt_done) struct stmt *should_be = NULL;
	bool more = true, other = true;
	int64_t x = 0, y = 0;
	enum err e = account_read(a, &own);

	if (!e)
		e = read_begin(&a->store->directory, &directory);
	if (!e)
		e = db_query(own->db,
		    "SELECT DISTINCT account FROM acl WHERE NOT negative ORDER BY account",
		    &should_be);
	if (!e)
		e = db_query(directory->db,
		    "SELECT viewer FROM share WHERE owner = ?1 ORDER BY viewer", &is,
		    DB_INT(a->id));
	while (!e && more && more == other && x == y) {
		e = next_number(should_be, &more, &x);
		if (!e)
			e = next_number(is, &other, &y);
	}
	if (!e)
		*ret = more == other && x == y;
	return e;
}

static enum err
follow(struct account *a, bool *ret_mirrored)
{
	*ret_mirrored = true;
	enum err e = is_mirrored(a, ret_mirrored);

	return e || *ret_mirrored ? e
				  : database_write(&a->store->directory, mirror, a, DURABLE_LATER);
}

/* Looked at again after each change: somebody may have given a right while it was being made, and
 * have found himself announced still. */
enum err
share_follow(struct account *a)
{
	bool mirrored = false;
	enum err e = ERR_OK;

	for (int tries = 0; tries < FOLLOW_TRIES && !e && !mirrored; tries++)
		e = follow(a, &mirrored);
	return e;
}

void
share_mend(struct account *a)
{
	bool right;
	enum err e = follow(a, &right);

	if (e || !right)
		log_warn("store", F_CSTR("op", "mend_shares"), F_ERR(e),
		    F_CSTR("file", a->database.path));
}
