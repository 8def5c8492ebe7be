/* Reading a mailbox's entries, all of them or what changed, into a snapshot. */
#include "common/base/log.h"
#include "store/account_private.h"
#include "store/view_private.h"

#include <stdlib.h>

/* What changed since a snapshot. */
struct delta {
	struct view_entry *put;
	size_t n_put, cap_put;
	uint32_t *gone;
	size_t n_gone, cap_gone;
	bool too_many; /* a fresh read of the mailbox is cheaper */
};

static void
delta_done(struct delta *d)
{
	free(d->put);
	free(d->gone);
	*d = (struct delta){0};
}

static bool
grow(void *array, size_t *cap, size_t need, size_t size)
{
	void **p = array;

	if (need <= *cap)
		return true;
	size_t wider = *cap ? *cap * 2 : 16;
	void *q = realloc(*p, wider * size);
	if (!q)
		return false;
	*p = q;
	*cap = wider;
	return true;
}

static struct view_entry
entry_of(struct stmt *st)
{
	return (struct view_entry){
	    .uid = (uint32_t)stmt_int(st, 0),
	    .message = stmt_int(st, 1),
	    .flags = (uint64_t)stmt_int(st, 2),
	    .modseq = (uint64_t)stmt_int(st, 3),
	};
}

static int
compare_entries(const void *a, const void *b)
{
	const struct view_entry *x = a;
	const struct view_entry *y = b;

	return (x->uid > y->uid) - (x->uid < y->uid);
}

static int
compare_uids(const void *a, const void *b)
{
	const uint32_t *x = a;
	const uint32_t *y = b;

	return (*x > *y) - (*x < *y);
}

static enum err
read_puts(struct db *db, const struct view *base, struct delta *d)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row;
	/* Left to itself SQLite would walk the whole mailbox, in the order of its key. */
	enum err e = db_query(db,
	    "SELECT uid, message, flags, modseq FROM entry INDEXED BY entry_modseq"
	    " WHERE mailbox = ?1 AND modseq > ?2",
	    &st, DB_INT(base->meta.mailbox), DB_INT(base->meta.modseq));

	while (!e && !(e = stmt_step(st, &row)) && row) {
		if (d->n_put > base->count / 4 + CHUNK_ENTRIES) {
			d->too_many = true;
			return ERR_OK;
		}
		if (!grow(&d->put, &d->cap_put, d->n_put + 1, sizeof(*d->put)))
			return ERR_NOMEM;
		d->put[d->n_put++] = entry_of(st);
	}
	if (!e && d->n_put > 1)
		qsort(d->put, d->n_put, sizeof(*d->put), compare_entries);
	return e;
}

static enum err
read_gone(struct db *db, const struct view *base, struct delta *d)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row;
	enum err e = db_query(db,
	    "SELECT uid FROM tombstone INDEXED BY tombstone_modseq"
	    " WHERE mailbox = ?1 AND modseq > ?2",
	    &st, DB_INT(base->meta.mailbox), DB_INT(base->meta.modseq));

	while (!e && !(e = stmt_step(st, &row)) && row) {
		if (!grow(&d->gone, &d->cap_gone, d->n_gone + 1, sizeof(*d->gone)))
			return ERR_NOMEM;
		d->gone[d->n_gone++] = (uint32_t)stmt_int(st, 0);
	}
	if (!e && d->n_gone > 1)
		qsort(d->gone, d->n_gone, sizeof(*d->gone), compare_uids);
	return e;
}

static enum err
read_all(
    struct db *db, const struct view_meta *meta, struct view_keywords *keywords, struct view **ret)
{
	CLEANUP(view_builder_done) struct view_builder b;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row;

	view_builder_init(&b);
	enum err e = db_query(db,
	    "SELECT uid, message, flags, modseq FROM entry WHERE mailbox = ?1 ORDER BY uid", &st,
	    DB_INT(meta->mailbox));
	while (!e && !(e = stmt_step(st, &row)) && row) {
		struct view_entry entry = entry_of(st);
		view_builder_put(&b, &entry);
	}
	return e ? e : view_builder_finish(&b, meta, keywords, ret);
}

static bool
same_keywords(const struct view_keywords *k, const struct str *names, size_t n)
{
	if (!k || k->n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!str_eq(k->name[i], names[i]))
			return false;
	return true;
}

/* The keywords by bit; those of `have` when they are still the same. NULL where there are none. */
static enum err
read_keywords(
    struct db *db, int64_t mailbox, struct view_keywords *have, struct view_keywords **ret)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(KEYWORDS_MAX * (KEYWORD_LEN_MAX + 32));
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct str names[KEYWORDS_MAX] = {{NULL, 0}};
	size_t n = 0;
	bool row;
	enum err e = arena ? ERR_OK : ERR_NOMEM;

	if (!e)
		e = db_query(db, "SELECT bit, name FROM keyword WHERE mailbox = ?1 ORDER BY bit",
		    &st, DB_INT(mailbox));
	while (!e && !(e = stmt_step(st, &row)) && row) {
		int64_t bit = stmt_int(st, 0);
		if (bit < 0 || bit >= KEYWORDS_MAX)
			continue;
		names[bit] = arena_dup(arena, stmt_str(st, 1));
		n = (size_t)bit + 1;
	}
	if (e)
		return e;
	if (arena_failed(arena))
		return ERR_NOMEM;
	if (n == 0)
		*ret = NULL;
	else if (same_keywords(have, names, n))
		*ret = view_keywords_ref(have);
	else if (!(*ret = view_keywords_new(names, n)))
		return ERR_NOMEM;
	return ERR_OK;
}

static enum err
read_meta(struct db *db, int64_t mailbox, struct view_meta *ret, uint32_t *ret_messages)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = db_query(db,
	    "SELECT uidvalidity, uidnext, highest_modseq, messages FROM mailbox"
	    " WHERE id = ?1 AND noselect = 0",
	    &st, DB_INT(mailbox));

	if (!e)
		e = stmt_step(st, &row);
	if (e)
		return e;
	if (!row)
		return ERR_GONE;
	*ret = (struct view_meta){
	    .mailbox = mailbox,
	    .uidvalidity = (uint32_t)stmt_int(st, 0),
	    .uidnext = (uint32_t)stmt_int(st, 1),
	    .modseq = (uint64_t)stmt_int(st, 2),
	};
	*ret_messages = (uint32_t)stmt_int(st, 3);
	return ERR_OK;
}

/* `base` with what changed since; *ret stays NULL where that is not worth it or does not come out
 * at `messages` entries (some tombstones are so old that they are gone). */
static enum err
read_changes(struct db *db, const struct view *base, const struct view_meta *meta,
    uint32_t messages, struct view_keywords *keywords, struct view **ret)
{
	CLEANUP(delta_done) struct delta d = {0};
	enum err e = read_puts(db, base, &d);

	if (e || d.too_many)
		return e;
	e = read_gone(db, base, &d);
	if (!e)
		e = view_apply(base, meta, keywords, d.put, d.n_put, d.gone, d.n_gone, ret);
	if (!e && (*ret)->count != messages)
		view_unref(ret);
	return e;
}

enum err
view_catch_up(struct account *a, int64_t mailbox, struct view **view)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(view_keywords_unref) struct view_keywords *keywords = NULL;
	CLEANUP(view_unref) struct view *next = NULL;
	struct view *base = *view;
	struct view_meta meta;
	uint32_t messages;
	enum err e = account_read(a, &h);

	if (!e)
		e = read_meta(h->db, mailbox, &meta, &messages);
	if (e)
		return e;
	if (base && base->meta.modseq == meta.modseq && base->meta.uidvalidity == meta.uidvalidity)
		return ERR_OK;
	e = read_keywords(h->db, mailbox, base ? base->keywords : NULL, &keywords);
	/* a modseq that went back: an older copy of the database was put in place */
	bool usable =
	    base && base->meta.modseq < meta.modseq && base->meta.uidvalidity == meta.uidvalidity;
	if (!e && usable)
		e = read_changes(h->db, base, &meta, messages, keywords, &next);
	if (!e && !next)
		e = read_all(h->db, &meta, keywords, &next);
	if (e)
		return e;
	if (next->count != messages)
		log_warn("view", F_INT("account", a->id), F_INT("mailbox", mailbox),
		    F_UINT("entries", next->count), F_UINT("counted", messages));
	view_unref(view);
	*view = MOVE_PTR(next);
	return ERR_OK;
}
