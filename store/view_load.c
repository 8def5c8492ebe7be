/* Reading a mailbox's entries, all of them or what changed, into a snapshot. */
#include "common/base/log.h"
#include "store/seen.h"
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
	if (wider < need)
		wider = need;
	void *q = reallocarray(*p, wider, size);
	if (!q)
		return false;
	*p = q;
	*cap = wider;
	return true;
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

/* What one operation changed stands in UID order; what several did does, mostly. */
static void
sort_delta(struct delta *d)
{
	size_t i = 1;

	while (i < d->n_put && d->put[i - 1].uid < d->put[i].uid)
		i++;
	if (i < d->n_put)
		qsort(d->put, d->n_put, sizeof(*d->put), compare_entries);
	for (i = 1; i < d->n_gone && d->gone[i - 1] < d->gone[i];)
		i++;
	if (i < d->n_gone)
		qsort(d->gone, d->n_gone, sizeof(*d->gone), compare_uids);
}

static enum err
put_page(struct delta *d, const struct page *p, uint64_t known)
{
	if (!grow(&d->put, &d->cap_put, d->n_put + p->n, sizeof(*d->put)))
		return ERR_NOMEM;
	for (uint32_t i = 0; i < p->n; i++)
		if (p->e[i].modseq > known)
			d->put[d->n_put++] = view_entry_of(&p->e[i]);
	return ERR_OK;
}

static enum err
read_puts(struct db *db, const struct view *base, struct delta *d)
{
	CLEANUP(page_scan_done) struct page_scan s;
	bool more;
	enum err e = page_scan_changed(db, base->meta.mailbox, base->meta.modseq, &s);

	while (!e && !(e = page_scan_next(&s, &more)) && more) {
		if (d->n_put > base->count / 4 + CHUNK_ENTRIES) {
			d->too_many = true;
			return ERR_OK;
		}
		e = put_page(d, &s.page, base->meta.modseq);
	}
	return e;
}

static enum err
read_gone(struct db *db, const struct view *base, struct delta *d)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row;
	enum err e = db_query(db,
	    "SELECT id, entries FROM tombstone INDEXED BY tombstone_modseq"
	    " WHERE mailbox = ?1 AND modseq > ?2",
	    &st, DB_INT(base->meta.mailbox), DB_INT(base->meta.modseq));

	while (!e && !(e = stmt_step(st, &row)) && row) {
		struct str octets = stmt_str(st, 1);
		size_t n = 0;
		e = tombstone_count(db, stmt_int(st, 0), octets, &n);
		if (!e && !grow(&d->gone, &d->cap_gone, d->n_gone + n, sizeof(*d->gone)))
			e = ERR_NOMEM;
		for (size_t i = 0; i < n && !e; i++)
			d->gone[d->n_gone++] = tombstone_entry(octets, i).uid;
	}
	return e;
}

/* -- as a viewer sees it */

static void
put_mark(struct view_entry *e, const struct seen_mark *m)
{
	e->flags = m->seen ? e->flags | FLAG_SEEN : e->flags & ~FLAG_SEEN;
	if (m->modseq > e->modseq)
		e->modseq = m->modseq;
}

/* In the order of UIDs: *at is the first mark that may be this entry's or a later one's. */
static void
put_next_mark(struct view_entry *e, const struct seen_marks *marks, size_t *at)
{
	e->flags &= ~FLAG_SEEN;
	while (*at < marks->n && marks->m[*at].uid < e->uid)
		++*at;
	if (*at < marks->n && marks->m[*at].uid == e->uid)
		put_mark(e, &marks->m[*at]);
}

static struct view_entry *
find_put(struct delta *d, size_t n, uint32_t uid)
{
	const struct view_entry key = {.uid = uid};

	return n ? bsearch(&key, d->put, n, sizeof(key), compare_entries) : NULL;
}

/* Entries that were changed have the \Seen they had in `base`; then come the marks made since, on
 * these and on others. */
static enum err
put_viewer(struct db *db, const struct view *base, struct delta *d)
{
	CLEANUP(seen_marks_done) struct seen_marks marks = {0};
	size_t n = d->n_put;
	enum err e = seen_read(
	    db, base->meta.mailbox, base->meta.viewer, 0, UINT32_MAX, base->meta.modseq, &marks);

	for (size_t i = 0; i < n; i++) {
		const struct view_entry *was = view_at(base, view_seq_of(base, d->put[i].uid));
		d->put[i].flags &= ~FLAG_SEEN;
		d->put[i].flags |= was ? was->flags & FLAG_SEEN : 0;
	}
	for (size_t i = 0; i < marks.n && !e; i++) {
		struct view_entry *put = find_put(d, n, marks.m[i].uid);
		const struct view_entry *was =
		    put ? NULL : view_at(base, view_seq_of(base, marks.m[i].uid));
		if (put)
			put_mark(put, &marks.m[i]);
		if (!was)
			continue;
		if (!grow(&d->put, &d->cap_put, d->n_put + 1, sizeof(*d->put)))
			return ERR_NOMEM;
		d->put[d->n_put] = *was;
		put_mark(&d->put[d->n_put++], &marks.m[i]);
	}
	sort_delta(d);
	return e;
}

static enum err
read_all(struct db *db, const struct view_meta *meta, uint32_t messages,
    struct view_keywords *keywords, struct view **ret)
{
	CLEANUP(view_builder_done) struct view_builder b;
	CLEANUP(page_scan_done) struct page_scan s;
	CLEANUP(seen_marks_done) struct seen_marks marks = {0};
	size_t at = 0;
	bool more;

	view_builder_init(&b);
	enum err e = page_scan_mailbox(db, meta->mailbox, &s);
	if (!meta->viewer)
		view_builder_expect(&b, messages);
	if (!e && meta->viewer)
		e = seen_read(db, meta->mailbox, meta->viewer, 0, UINT32_MAX, 0, &marks);
	while (!e && !(e = page_scan_next(&s, &more)) && more) {
		if (!meta->viewer)
			view_builder_put_page(&b, &s.page, s.modseq, s.octets);
		for (uint32_t i = 0; i < s.page.n && meta->viewer; i++) {
			struct view_entry entry = view_entry_of(&s.page.e[i]);
			put_next_mark(&entry, &marks, &at);
			view_builder_put(&b, &entry);
		}
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
read_meta(
    struct db *db, int64_t mailbox, int64_t viewer, struct view_meta *ret, uint32_t *ret_messages)
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
	    .viewer = viewer,
	    .uidvalidity = (uint32_t)stmt_int(st, 0),
	    .uidnext = (uint32_t)stmt_int(st, 1),
	    .modseq = (uint64_t)stmt_int(st, 2),
	};
	*ret_messages = (uint32_t)stmt_int(st, 3);
	uint64_t marked = 0;
	uint32_t ignored;
	if (viewer)
		e = seen_read_state(db, mailbox, viewer, &marked, &ignored);
	if (marked > ret->modseq)
		ret->modseq = marked;
	return e;
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
	sort_delta(&d);
	if (!e && meta->viewer)
		e = put_viewer(db, base, &d);
	if (!e)
		e = view_apply(base, meta, keywords, d.put, d.n_put, d.gone, d.n_gone, ret);
	if (!e && (*ret)->count != messages)
		view_unref(ret);
	return e;
}

enum err
view_catch_up(struct account *a, int64_t mailbox, int64_t viewer, struct view **view)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(view_keywords_unref) struct view_keywords *keywords = NULL;
	CLEANUP(view_unref) struct view *next = NULL;
	struct view *base = *view;
	struct view_meta meta;
	uint32_t messages;
	enum err e = account_read(a, &h);

	if (!e)
		e = read_meta(h->db, mailbox, viewer, &meta, &messages);
	if (e)
		return e;
	if (base && base->meta.modseq == meta.modseq &&
	    base->meta.uidvalidity == meta.uidvalidity && base->meta.uidnext == meta.uidnext)
		return ERR_OK;
	e = read_keywords(h->db, mailbox, base ? base->keywords : NULL, &keywords);
	/* a modseq that went back: an older copy of the database was put in place */
	bool usable =
	    base && base->meta.modseq < meta.modseq && base->meta.uidvalidity == meta.uidvalidity;
	if (!e && usable)
		e = read_changes(h->db, base, &meta, messages, keywords, &next);
	if (!e && !next)
		e = read_all(h->db, &meta, messages, keywords, &next);
	if (e)
		return e;
	if (next->count != messages)
		log_warn("view", F_INT("account", a->id), F_INT("mailbox", mailbox),
		    F_UINT("entries", next->count), F_UINT("counted", messages));
	view_unref(view);
	*view = MOVE_PTR(next);
	return ERR_OK;
}
