#include "store/seen.h"

#include "store/damage.h"

#include <stdlib.h>

#define MARK_OCTETS 12
#define PAGE_UIDS 256 /* UIDs of one page */

static uint32_t
page_of(uint32_t uid)
{
	return uid / PAGE_UIDS;
}

/* -- in memory */

void
seen_marks_done(struct seen_marks *marks)
{
	free(marks->m);
	*marks = (struct seen_marks){0};
}

enum err
seen_marks_add(struct seen_marks *marks, struct seen_mark mark)
{
	if (marks->n == marks->cap) {
		size_t cap = marks->cap ? marks->cap * 2 : 64;
		struct seen_mark *grown = reallocarray(marks->m, cap, sizeof(*grown));
		if (!grown)
			return ERR_NOMEM;
		marks->m = grown;
		marks->cap = cap;
	}
	marks->m[marks->n++] = mark;
	return ERR_OK;
}

const struct seen_mark *
seen_find(const struct seen_marks *marks, uint32_t uid)
{
	size_t lo = 0;
	size_t hi = marks->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (marks->m[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < marks->n && marks->m[lo].uid == uid ? &marks->m[lo] : NULL;
}

static void
encode(const struct seen_mark *m, char *to)
{
	uint32_t uid = htobe32(m->uid);
	uint64_t rest = htobe64(m->modseq << 1 | m->seen);

	memcpy(to, &uid, sizeof(uid));
	memcpy(to + sizeof(uid), &rest, sizeof(rest));
}

static struct seen_mark
decode(const char *from)
{
	uint32_t uid;
	uint64_t rest;

	memcpy(&uid, from, sizeof(uid));
	memcpy(&rest, from + sizeof(uid), sizeof(rest));
	rest = be64toh(rest);
	return (struct seen_mark){.uid = be32toh(uid), .modseq = rest >> 1, .seen = rest & 1};
}

/* -- reading */

static enum err
corrupt(struct db *db, int64_t mailbox, int64_t page)
{
	return damage_found("store", db_path(db), "not marks of its UIDs in their order",
	    F_CSTR("op", "read_seen"), F_INT("mailbox", mailbox), F_INT("page", page));
}

/* Adds those marks of a page that lie in lo … hi and are younger than `modseq`. */
static enum err
add_page(struct db *db, int64_t mailbox, int64_t page, struct str octets, uint32_t lo, uint32_t hi,
    uint64_t modseq, struct seen_marks *marks)
{
	int64_t last = -1;

	if (octets.n % MARK_OCTETS)
		return corrupt(db, mailbox, page);
	for (size_t at = 0; at < octets.n; at += MARK_OCTETS) {
		struct seen_mark m = decode(octets.p + at);
		if (m.uid <= last || page_of(m.uid) != page)
			return corrupt(db, mailbox, page);
		last = m.uid;
		if (m.uid < lo || m.uid > hi || m.modseq <= modseq)
			continue;
		enum err e = seen_marks_add(marks, m);
		if (e)
			return e;
	}
	return ERR_OK;
}

static int
compare_marks(const void *a, const void *b)
{
	const struct seen_mark *x = a, *y = b;

	return (x->uid > y->uid) - (x->uid < y->uid);
}

enum err
seen_read(struct db *db, int64_t mailbox, int64_t viewer, uint32_t lo, uint32_t hi, uint64_t modseq,
    struct seen_marks *ret)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e;

	if (modseq > 0)
		e = db_query(db,
		    "SELECT page, marks FROM seen_page INDEXED BY seen_page_modseq"
		    " WHERE mailbox = ?1 AND viewer = ?2 AND modseq > ?3",
		    &st, DB_INT(mailbox), DB_INT(viewer), DB_INT(modseq));
	else
		e = db_query(db,
		    "SELECT page, marks FROM seen_page WHERE mailbox = ?1 AND viewer = ?2"
		    " AND page BETWEEN ?3 AND ?4 ORDER BY page",
		    &st, DB_INT(mailbox), DB_INT(viewer), DB_INT(page_of(lo)), DB_INT(page_of(hi)));
	while (!e && !(e = stmt_step(st, &row)) && row)
		e = add_page(db, mailbox, stmt_int(st, 0), stmt_str(st, 1), lo, hi, modseq, ret);
	if (!e && modseq > 0 && ret->n > 1)
		qsort(ret->m, ret->n, sizeof(*ret->m), compare_marks);
	return e;
}

enum err
seen_read_state(
    struct db *db, int64_t mailbox, int64_t viewer, uint64_t *ret_modseq, uint32_t *ret_recent_from)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = db_query(db,
	    "SELECT highest_modseq, recent_from FROM viewer WHERE mailbox = ?1 AND viewer = ?2",
	    &st, DB_INT(mailbox), DB_INT(viewer));

	if (!e)
		e = stmt_step(st, &row);
	if (e)
		return e;
	*ret_modseq = row ? (uint64_t)stmt_int(st, 0) : 0;
	*ret_recent_from = row ? (uint32_t)stmt_int(st, 1) : 0;
	return ERR_OK;
}

/* -- writing */

static enum err
write_page(struct txn *t, int64_t mailbox, int64_t viewer, uint32_t page, const struct seen_mark *m,
    size_t n)
{
	char octets[PAGE_UIDS * MARK_OCTETS];
	uint64_t modseq = 0;

	if (n == 0)
		return db_run(t->db,
		    "DELETE FROM seen_page WHERE mailbox = ?1 AND viewer = ?2 AND page = ?3",
		    DB_INT(mailbox), DB_INT(viewer), DB_INT(page));
	for (size_t i = 0; i < n; i++) {
		encode(&m[i], octets + i * MARK_OCTETS);
		if (m[i].modseq > modseq)
			modseq = m[i].modseq;
	}
	return db_run(t->db,
	    "INSERT OR REPLACE INTO seen_page (mailbox, viewer, page, modseq, marks)"
	    " VALUES (?1, ?2, ?3, ?4, ?5)",
	    DB_INT(mailbox), DB_INT(viewer), DB_INT(page), DB_INT(modseq),
	    DB_BLOB(str_make(octets, n * MARK_OCTETS)));
}

/* Both in the order of UIDs; a mark of `fresh` takes the place of an older one. */
static size_t
merge(const struct seen_marks *old, const struct seen_mark *fresh, size_t n, uint64_t modseq,
    struct seen_mark out[PAGE_UIDS])
{
	size_t o = 0, f = 0, count = 0;

	while (o < old->n || f < n) {
		if (f == n || (o < old->n && old->m[o].uid < fresh[f].uid)) {
			out[count++] = old->m[o++];
			continue;
		}
		if (o < old->n && old->m[o].uid == fresh[f].uid)
			o++;
		out[count] = fresh[f++];
		out[count++].modseq = modseq;
	}
	return count;
}

static enum err
merge_page(struct txn *t, int64_t mailbox, int64_t viewer, const struct seen_mark *fresh, size_t n,
    uint64_t modseq)
{
	CLEANUP(seen_marks_done) struct seen_marks old = {0};
	struct seen_mark merged[PAGE_UIDS];
	uint32_t page = page_of(fresh[0].uid);
	enum err e = seen_read(
	    t->db, mailbox, viewer, page * PAGE_UIDS, page * PAGE_UIDS + (PAGE_UIDS - 1), 0, &old);

	return e ? e
		 : write_page(
		       t, mailbox, viewer, page, merged, merge(&old, fresh, n, modseq, merged));
}

enum err
seen_write(
    struct txn *t, int64_t mailbox, int64_t viewer, const struct seen_marks *marks, uint64_t modseq)
{
	enum err e = ERR_OK;

	for (size_t at = 0, n; at < marks->n && !e; at += n) {
		uint32_t page = page_of(marks->m[at].uid);
		for (n = 1; at + n < marks->n && page_of(marks->m[at + n].uid) == page;)
			n++;
		e = merge_page(t, mailbox, viewer, marks->m + at, n, modseq);
	}
	if (!e)
		e = db_run(t->db,
		    "INSERT INTO viewer (mailbox, viewer, highest_modseq) VALUES (?1, ?2, ?3)"
		    " ON CONFLICT DO UPDATE SET highest_modseq = excluded.highest_modseq",
		    DB_INT(mailbox), DB_INT(viewer), DB_INT(modseq));
	txn_touch(t, mailbox);
	return e;
}

enum err
seen_claim_recent(struct txn *t, int64_t mailbox, int64_t viewer, uint32_t uidnext)
{
	return db_run(t->db,
	    "INSERT INTO viewer (mailbox, viewer, recent_from) VALUES (?1, ?2, ?3)"
	    " ON CONFLICT DO UPDATE SET recent_from = excluded.recent_from",
	    DB_INT(mailbox), DB_INT(viewer), DB_INT(uidnext));
}

/* -- with the life of entries */

/* The viewers that have marks in the mailbox, one after the other: *viewer is the last one and
 * becomes the next; false at the end. */
static enum err
next_viewer(struct db *db, int64_t mailbox, int64_t *viewer, bool *ret)
{
	enum err e = db_get_int(db,
	    "SELECT viewer FROM seen_page WHERE mailbox = ?1 AND viewer > ?2"
	    " ORDER BY viewer LIMIT 1",
	    viewer, DB_INT(mailbox), DB_INT(*viewer));

	*ret = !e;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err
copy_of_viewer(struct txn *t, int64_t viewer, int64_t from, const struct rows *rows, int64_t to,
    uint32_t first, uint64_t modseq)
{
	CLEANUP(seen_marks_done) struct seen_marks marks = {0};
	CLEANUP(seen_marks_done) struct seen_marks copies = {0};
	enum err e =
	    seen_read(t->db, from, viewer, rows->r[0].uid, rows->r[rows->n - 1].uid, 0, &marks);

	for (size_t i = 0; i < rows->n && !e; i++) {
		const struct seen_mark *m = seen_find(&marks, rows->r[i].uid);
		uint32_t uid = first == SEEN_SAME_UIDS ? rows->r[i].uid : first + (uint32_t)i;
		if (m && m->seen)
			e = seen_marks_add(&copies, (struct seen_mark){modseq, uid, true});
	}
	return e || copies.n == 0 ? e : seen_write(t, to, viewer, &copies, modseq);
}

enum err
seen_copy(struct txn *t, int64_t from, const struct rows *rows, int64_t to, uint32_t first,
    uint64_t modseq, int64_t except)
{
	int64_t viewer = 0;
	bool more = true;
	enum err e = rows->n ? next_viewer(t->db, from, &viewer, &more) : ERR_OK;

	while (rows->n && !e && more) {
		if (viewer != except)
			e = copy_of_viewer(t, viewer, from, rows, to, first, modseq);
		if (!e)
			e = next_viewer(t->db, from, &viewer, &more);
	}
	return e;
}

static enum err
remove_from_page(struct txn *t, int64_t mailbox, int64_t viewer, uint32_t page,
    const struct seen_marks *marks, const struct rows *rows)
{
	struct seen_mark left[PAGE_UIDS];
	size_t n = 0, at = 0;

	for (size_t i = 0; i < marks->n; i++) {
		while (at < rows->n && rows->r[at].uid < marks->m[i].uid)
			at++;
		if (at == rows->n || rows->r[at].uid != marks->m[i].uid)
			left[n++] = marks->m[i];
	}
	return n == marks->n ? ERR_OK : write_page(t, mailbox, viewer, page, left, n);
}

/* The viewer's pages from that of the first of the rows to that of the last. */
static enum err
remove_of_viewer(struct txn *t, int64_t mailbox, int64_t viewer, const struct rows *rows)
{
	enum err e = ERR_OK;
	int64_t page = (int64_t)page_of(rows->r[0].uid) - 1;
	int64_t last = page_of(rows->r[rows->n - 1].uid);

	while (!e) {
		CLEANUP(seen_marks_done) struct seen_marks marks = {0};
		e = db_get_int(t->db,
		    "SELECT page FROM seen_page WHERE mailbox = ?1 AND viewer = ?2 AND page > ?3"
		    " AND page <= ?4 ORDER BY page LIMIT 1",
		    &page, DB_INT(mailbox), DB_INT(viewer), DB_INT(page), DB_INT(last));
		if (e)
			break;
		uint32_t low = (uint32_t)page * PAGE_UIDS;
		e = seen_read(t->db, mailbox, viewer, low, low + (PAGE_UIDS - 1), 0, &marks);
		if (!e)
			e = remove_from_page(t, mailbox, viewer, (uint32_t)page, &marks, rows);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err
seen_remove(struct txn *t, int64_t mailbox, const struct rows *rows)
{
	int64_t viewer = 0;
	bool more = true;
	enum err e = rows->n ? next_viewer(t->db, mailbox, &viewer, &more) : ERR_OK;

	while (rows->n && !e && more) {
		e = remove_of_viewer(t, mailbox, viewer, rows);
		if (!e)
			e = next_viewer(t->db, mailbox, &viewer, &more);
	}
	return e;
}

enum err
seen_drop(struct db *db, int64_t mailbox)
{
	enum err e = db_run(db, "DELETE FROM seen_page WHERE mailbox = ?1", DB_INT(mailbox));

	return e ? e : db_run(db, "DELETE FROM viewer WHERE mailbox = ?1", DB_INT(mailbox));
}

enum err
seen_drop_viewer(struct db *db, int64_t viewer)
{
	enum err e = db_run(db, "DELETE FROM seen_page WHERE viewer = ?1", DB_INT(viewer));

	return e ? e : db_run(db, "DELETE FROM viewer WHERE viewer = ?1", DB_INT(viewer));
}
