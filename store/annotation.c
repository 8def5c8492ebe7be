#include "store/annotation.h"

#include "store/account_private.h"
#include "store/annotation_private.h"
#include "store/changes_private.h"

#include <limits.h>

#define REMOVED_MAX 100 /* removals that are remembered where ANNOTATIONS_MAX counts */

/* A row without a value tells of a removal, or of a special use that changed: "specialuse" itself
 * stands in the mailbox's row. */

static bool
is_private(struct str name)
{
	return str_starts(name, STR("/private"));
}

static int64_t
viewer(const struct annotation_home *home, struct str name)
{
	return is_private(name) ? home->user : 0;
}

static enum err
begin_read(const struct annotation_home *home, struct handle **ret)
{
	return home->account ? account_read(home->account, ret)
			     : read_begin(&home->store->directory, ret);
}

/* -- reading */

struct found {
	struct arena *arena;
	struct annotation *list;
	size_t n, cap;
};

static enum err
add_found(struct found *f, struct str name, struct str value, uint64_t size)
{
	f->list = arena_grow(f->arena, f->list, &f->cap, f->n + 1, sizeof(*f->list));
	if (!f->list)
		return ERR_NOMEM;
	f->list[f->n++] = (struct annotation){.name = arena_dup(f->arena, name),
	    .value = value.p ? arena_dup(f->arena, value) : (struct str){NULL, 0},
	    .size = size};
	return arena_failed(f->arena) ? ERR_NOMEM : ERR_OK;
}

/* How many components `name` is below `above`, which it begins with. */
static unsigned
depth_below(struct str name, struct str above)
{
	unsigned depth = 0;

	for (size_t i = above.n; i < name.n; i++)
		depth += name.p[i] == '/';
	return depth;
}

/* Special uses are short: no maximum is asked of them. */
static enum err
find_special_use(struct db *db, const struct annotation_home *home, struct found *f)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e =
	    db_query(db, "SELECT special_use FROM mailbox WHERE id = ?1 AND special_use <> ''", &st,
		DB_INT(home->mailbox));

	if (!e)
		e = stmt_step(st, &row);
	if (e || !row)
		return e;
	struct str use = stmt_str(st, 0);
	return add_found(f, STR(ANNOTATION_SPECIAL_USE), use, use.n);
}

static bool
is_below_or_same(struct str name, struct str above)
{
	return str_starts(name, above) && (name.n == above.n || name.p[above.n] == '/');
}

enum err
annotation_find(const struct annotation_home *home, struct str name, unsigned depth,
    uint64_t max_size, struct arena *arena, struct annotation **ret, size_t *ret_n)
{
	const struct str special = STR(ANNOTATION_SPECIAL_USE);
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct found f = {.arena = arena};
	bool row = false;
	enum err e = begin_read(home, &h);

	// NOLINTBEGIN(readability-suspicious-call-argument): `special` is a name below `name`
	if (!e && home->mailbox && !home->user && is_below_or_same(special, name) &&
	    depth_below(special, name) <= depth)
		// NOLINTEND(readability-suspicious-call-argument)
		e = find_special_use(h->db, home, &f);
	/* '0' is what follows '/' */
	if (!e)
		e = db_query(h->db,
		    "SELECT name, length(value), CASE WHEN length(value) <= ?4 THEN value END"
		    " FROM annotation WHERE mailbox = ?1 AND viewer = ?2 AND value IS NOT NULL"
		    " AND (name = ?3 OR (?5 AND name > ?3 || '/' AND name < ?3 || '0'))"
		    " ORDER BY name",
		    &st, DB_INT(home->mailbox), DB_INT(viewer(home, name)), DB_TEXT(name),
		    DB_INT(max_size < INT64_MAX ? max_size : INT64_MAX), DB_INT(depth > 0));
	while (!e && !(e = stmt_step(st, &row)) && row)
		if (depth_below(stmt_str(st, 0), name) <= depth)
			e = add_found(&f, stmt_str(st, 0),
			    stmt_is_null(st, 2) ? (struct str){NULL, 0} : stmt_str(st, 2),
			    (uint64_t)stmt_int(st, 1));
	*ret = f.list;
	*ret_n = f.n;
	return e;
}

/* -- setting */

/* The directory has no counter of its own. */
static enum err
next_modseq(struct txn *t, uint64_t *ret)
{
	int64_t modseq;

	if (t->account)
		return txn_next_modseq(t, ret);
	enum err e =
	    db_get_int(t->db, "SELECT ifnull(max(modseq), 0) + 1 FROM annotation", &modseq);
	if (!e)
		*ret = (uint64_t)modseq;
	return e;
}

static enum err
put(struct txn *t, int64_t mailbox, int64_t whose, struct str name, struct db_arg value,
    uint64_t modseq)
{
	return db_run(t->db,
	    "INSERT INTO annotation (mailbox, viewer, name, value, modseq)"
	    " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (mailbox, viewer, name)"
	    " DO UPDATE SET value = excluded.value, modseq = excluded.modseq",
	    DB_INT(mailbox), DB_INT(whose), DB_TEXT(name), value, DB_INT(modseq));
}

/* The words of `uses` that are not among those of `taken`. */
static enum err
leave_out(struct str uses, struct str taken, struct sbuf *out)
{
	struct str one, other;

	while (uses.n > 0 && str_split(&uses, ' ', &one)) {
		struct str rest = taken;
		bool is_taken = false;
		while (!is_taken && rest.n > 0 && str_split(&rest, ' ', &other))
			is_taken = str_eq(one, other);
		if (!is_taken)
			sbuf_printf(out, "%s%.*s", out->n > 0 ? " " : "", STR_ARG(one));
	}
	return sbuf_error(out);
}

/* The next mailbox after `*at` that has a special use; its other ones are what is left to it. */
static enum err
take_from_next(struct txn *t, int64_t mailbox, struct str use, uint64_t modseq, int64_t *at)
{
	CLEANUP(sbuf_done) struct sbuf left = SBUF_INIT(1000);
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = db_query(t->db,
	    "SELECT id, special_use FROM mailbox WHERE id > ?1 AND id <> ?2 AND special_use <> ''"
	    " ORDER BY id LIMIT 1",
	    &st, DB_INT(*at), DB_INT(mailbox));

	if (!e)
		e = stmt_step(st, &row);
	if (e)
		return e;
	if (!row)
		return ERR_NOT_FOUND;
	*at = stmt_int(st, 0);
	size_t had = stmt_str(st, 1).n;
	e = leave_out(stmt_str(st, 1), use, &left);
	stmt_done(&st);
	if (e || left.n == had)
		return e;
	e = db_run(t->db, "UPDATE mailbox SET special_use = ?2 WHERE id = ?1", DB_INT(*at),
	    DB_TEXT(sbuf_view(&left)));
	return e ? e : put(t, *at, 0, STR(ANNOTATION_SPECIAL_USE), DB_NULL, modseq);
}

enum err
txn_set_special_use(struct txn *t, int64_t mailbox, struct str use, uint64_t modseq)
{
	int64_t at = 0;
	enum err e = ERR_OK;

	while (!e && use.n > 0)
		e = take_from_next(t, mailbox, use, modseq, &at);
	if (!e || e == ERR_NOT_FOUND)
		e = db_run(t->db, "UPDATE mailbox SET special_use = ?2 WHERE id = ?1",
		    DB_INT(mailbox), DB_TEXT(use));
	if (!e)
		e = put(t, mailbox, 0, STR(ANNOTATION_SPECIAL_USE), DB_NULL, modseq);
	txn_touch(t, 0);
	return e;
}

enum err
txn_drop_annotations(struct txn *t, int64_t mailbox)
{
	return db_run(t->db, "DELETE FROM annotation WHERE mailbox = ?1", DB_INT(mailbox));
}

enum err
txn_drop_viewer_annotations(struct txn *t, int64_t account)
{
	return db_run(t->db, "DELETE FROM annotation WHERE viewer = ?1", DB_INT(account));
}

static enum err
set_one(
    struct txn *t, const struct annotation_home *home, const struct annotation *a, uint64_t modseq)
{
	int64_t whose = viewer(home, a->name);

	if (a->value.p)
		return put(t, home->mailbox, whose, a->name, DB_BLOB(a->value), modseq);
	return db_run(t->db,
	    "UPDATE annotation SET value = NULL, modseq = ?4"
	    " WHERE mailbox = ?1 AND viewer = ?2 AND name = ?3 AND value IS NOT NULL",
	    DB_INT(home->mailbox), DB_INT(whose), DB_TEXT(a->name), DB_INT(modseq));
}

/* How many there are now, private and shared apart, and what they take. */
static enum err
check_limits(struct txn *t, const struct annotation_home *home)
{
	int64_t most, octets;
	enum err e = db_get_int(t->db,
	    "SELECT ifnull(max(n), 0) FROM (SELECT count(*) AS n FROM annotation WHERE mailbox = ?1"
	    " AND viewer IN (0, ?2) AND value IS NOT NULL GROUP BY viewer, substr(name, 1, 8))",
	    &most, DB_INT(home->mailbox), DB_INT(home->user));

	if (!e)
		e = db_get_int(t->db,
		    "SELECT ifnull(sum(length(name) + length(value)), 0) FROM annotation"
		    " WHERE value IS NOT NULL",
		    &octets);
	if (e)
		return e;
	return most > ANNOTATIONS_MAX || octets > ANNOTATION_OCTETS_MAX ? ERR_LIMIT : ERR_OK;
}

static enum err
forget_removals(struct txn *t, const struct annotation_home *home)
{
	return db_run(t->db,
	    "DELETE FROM annotation WHERE (mailbox, viewer, name) IN (SELECT mailbox, viewer, name"
	    " FROM annotation WHERE mailbox = ?1 AND viewer IN (0, ?2) AND value IS NULL"
	    " ORDER BY modseq DESC LIMIT -1 OFFSET ?3)",
	    DB_INT(home->mailbox), DB_INT(home->user), DB_INT(REMOVED_MAX));
}

struct setting {
	const struct annotation_home *home;
	const struct annotation *list;
	size_t n;
	uint64_t modseq;
};

static enum err
check_mailbox(struct txn *t, int64_t mailbox)
{
	int64_t ignored;
	enum err e = mailbox ? db_get_int(t->db, "SELECT 1 FROM mailbox WHERE id = ?1", &ignored,
				   DB_INT(mailbox))
			     : ERR_OK;

	return e == ERR_NOT_FOUND ? ERR_GONE : e;
}

static enum err
set_all(struct txn *t, void *arg)
{
	struct setting *s = arg;
	const struct annotation_home *home = s->home;
	bool more = false;
	enum err e = check_mailbox(t, home->mailbox);

	if (!e)
		e = next_modseq(t, &s->modseq);
	for (size_t i = 0; i < s->n && !e; i++) {
		const struct annotation *a = &s->list[i];
		if (home->mailbox && !home->user && str_eq(a->name, STR(ANNOTATION_SPECIAL_USE))) {
			e = txn_set_special_use(
			    t, home->mailbox, a->value.p ? a->value : STR(""), s->modseq);
			continue;
		}
		more |= a->value.p != NULL;
		e = set_one(t, home, a, s->modseq);
	}
	if (!e)
		e = forget_removals(t, home);
	if (!e && more)
		e = check_limits(t, home);
	if (!e && home->mailbox) /* RFC 7162 §3.2: MUST increment the mailbox's modseq */
		e = txn_change_mailbox(
		    t, home->mailbox, &(const struct mailbox_change){0}, s->modseq);
	txn_touch(t, home->mailbox);
	return e;
}

enum err
annotation_set(const struct annotation_home *home, const struct annotation *list, size_t n,
    uint64_t *ret_modseq)
{
	struct setting s = {.home = home, .list = list, .n = n};
	enum err e = home->account
			 ? account_write(home->account, set_all, &s, DURABLE_NOW)
			 : database_write(&home->store->directory, set_all, &s, DURABLE_NOW);

	if (!e && !home->account)
		bus_announce_all(home->store->bus);
	if (!e)
		*ret_modseq = s.modseq;
	return e;
}

/* -- changes */

static enum err
latest(struct db *db, uint64_t *ret)
{
	int64_t modseq;
	enum err e = db_get_int(db, "SELECT ifnull(max(modseq), 0) FROM annotation", &modseq);

	if (!e)
		*ret = (uint64_t)modseq;
	return e;
}

enum err
annotation_latest(const struct annotation_home *home, uint64_t *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	enum err e = begin_read(home, &h);

	return e ? e : latest(h->db, ret);
}

static enum err
query_changes(struct db *db, const struct annotation_home *home, uint64_t modseq, struct stmt **ret)
{
	if (!home->account)
		return db_query(db, "SELECT 0, '', name, modseq FROM annotation WHERE modseq > ?1",
		    ret, DB_INT(modseq));
	return db_query(db,
	    "SELECT a.mailbox, ifnull(b.name, ''), a.name, a.modseq FROM annotation a"
	    " LEFT JOIN mailbox b ON b.id = a.mailbox WHERE a.modseq > ?1"
	    " AND (a.viewer = ?2 OR substr(a.name, 1, 8) <> '/private') ORDER BY a.mailbox, a.name",
	    ret, DB_INT(modseq), DB_INT(home->user));
}

enum err
annotation_changes(const struct annotation_home *home, uint64_t modseq, struct arena *arena,
    struct annotation_change **ret, size_t *ret_n, uint64_t *ret_latest)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct annotation_change *list = NULL;
	size_t n = 0, cap = 0;
	bool row = false;
	enum err e = begin_read(home, &h);

	if (!e)
		e = latest(h->db, ret_latest);
	if (!e && *ret_latest > modseq)
		e = query_changes(h->db, home, modseq, &st);
	while (!e && st && !(e = stmt_step(st, &row)) && row) {
		list = arena_grow(arena, list, &cap, n + 1, sizeof(*list));
		if (!list)
			return ERR_NOMEM;
		list[n++] = (struct annotation_change){.mailbox = stmt_int(st, 0),
		    .mailbox_name = arena_dup(arena, stmt_str(st, 1)),
		    .name = arena_dup(arena, stmt_str(st, 2)),
		    .modseq = (uint64_t)stmt_int(st, 3)};
	}
	if (!e && arena_failed(arena))
		e = ERR_NOMEM;
	*ret = list;
	*ret_n = n;
	return e;
}
