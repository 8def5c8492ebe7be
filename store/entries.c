#include "store/entries.h"

#include "store/damage.h"

/* A page that falls below this joins a neighbour if both fit into one. */
#define PAGE_SMALL (PAGE_ENTRIES / 4)

/* -- reading */

static enum err
corrupt(struct db *db, int64_t key, const char *detail)
{
	return damage_found(
	    "store", db_path(db), detail, F_CSTR("op", "read_page"), F_INT("page", key));
}

/* Columns: id, modseq, count, entries. */
static enum err
decode_row(struct db *db, struct stmt *st, struct page *ret)
{
	int64_t key = stmt_int(st, 0);
	const char *wrong =
	    page_decode(key, (uint64_t)stmt_int(st, 1), stmt_int(st, 2), stmt_str(st, 3), ret);

	return wrong ? corrupt(db, key, wrong) : ERR_OK;
}

/* The first row of a query with the bounds ?1 and ?2, if any. */
static enum err
first_row(struct db *db, const char *sql, int64_t from, int64_t to, struct page *ret)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = db_query(db, sql, &st, DB_INT(from), DB_INT(to));

	ret->n = 0;
	if (!e)
		e = stmt_step(st, &row);
	return e || !row ? e : decode_row(db, st, ret);
}

static enum err
page_at_or_before(struct db *db, int64_t mailbox, uint32_t uid, struct page *ret)
{
	return first_row(db,
	    "SELECT id, modseq, count, entries FROM entry_page WHERE id BETWEEN ?1 AND ?2"
	    " ORDER BY id DESC LIMIT 1",
	    page_key(mailbox, 0), page_key(mailbox, uid), ret);
}

static enum err
page_after(struct db *db, int64_t mailbox, uint32_t low, struct page *ret)
{
	return first_row(db,
	    "SELECT id, modseq, count, entries FROM entry_page WHERE id > ?1 AND id <= ?2"
	    " ORDER BY id LIMIT 1",
	    page_key(mailbox, low), page_key(mailbox, UINT32_MAX), ret);
}

static bool
reaches(const struct page *p, uint32_t uid)
{
	return p->n > 0 && p->e[p->n - 1].uid >= uid;
}

/* page_advance() without a page. */
static enum err
page_find(struct db *db, int64_t mailbox, uint32_t uid, struct page *ret)
{
	enum err e = page_at_or_before(db, mailbox, uid, ret);

	return e || reaches(ret, uid) ? e : page_after(db, mailbox, uid, ret);
}

enum err
page_advance(struct db *db, int64_t mailbox, uint32_t uid, struct page *p)
{
	if (p->n == 0)
		return page_find(db, mailbox, uid, p);
	enum err e = page_after(db, mailbox, p->low, p);
	/* beyond the next one: it is looked up */
	return e || p->n == 0 || reaches(p, uid) ? e : page_find(db, mailbox, uid, p);
}

enum err
page_scan_mailbox(struct db *db, int64_t mailbox, struct page_scan *s)
{
	*s = (struct page_scan){.db = db, .in_order = true};
	return db_query(db,
	    "SELECT id, modseq, count, entries FROM entry_page WHERE id BETWEEN ?1 AND ?2"
	    " ORDER BY id",
	    &s->st, DB_INT(page_key(mailbox, 0)), DB_INT(page_key(mailbox, UINT32_MAX)));
}

enum err
page_scan_changed(struct db *db, int64_t mailbox, uint64_t modseq, struct page_scan *s)
{
	*s = (struct page_scan){.db = db};
	/* Left to itself SQLite would walk the whole mailbox, in the order of its key. */
	return db_query(db,
	    "SELECT id, modseq, count, entries FROM entry_page INDEXED BY entry_page_modseq"
	    " WHERE mailbox = ?1 AND modseq > ?2",
	    &s->st, DB_INT(mailbox), DB_INT(modseq));
}

enum err
page_scan_account(struct db *db, struct page_scan *s)
{
	*s = (struct page_scan){.db = db, .in_order = true};
	return db_query(
	    db, "SELECT id, modseq, count, entries FROM entry_page ORDER BY id", &s->st);
}

enum err
page_scan_next(struct page_scan *s, bool *ret_page)
{
	struct page *p = &s->page;
	int64_t mailbox = p->n ? p->mailbox : 0;
	uint32_t last_uid = p->n ? p->e[p->n - 1].uid : 0;

	p->n = 0;
	enum err e = stmt_step(s->st, ret_page);
	if (e || !*ret_page)
		return e;
	e = decode_row(s->db, s->st, p);
	s->modseq = (uint64_t)stmt_int(s->st, 1);
	s->octets = stmt_str(s->st, 3);
	if (!e && s->in_order && p->mailbox == mailbox && p->e[0].uid <= last_uid)
		return corrupt(s->db, page_key(p->mailbox, p->low), "UIDs of the page before");
	return e;
}

void
page_scan_done(struct page_scan *s)
{
	stmt_done(&s->st);
}

/* -- writing */

static enum err
insert_page(struct db *db, const struct page *p)
{
	char octets[PAGE_OCTETS];

	return db_run(db,
	    "INSERT INTO entry_page (id, mailbox, modseq, count, entries)"
	    " VALUES (?1, ?2, ?3, ?4, ?5)",
	    DB_INT(page_key(p->mailbox, p->low)), DB_INT(p->mailbox), DB_INT(page_modseq(p)),
	    DB_INT(p->n), DB_BLOB(page_encode(p, octets)));
}

static enum err
update_page(struct db *db, const struct page *p)
{
	char octets[PAGE_OCTETS];

	return db_run(db,
	    "UPDATE entry_page SET modseq = ?2, count = ?3, entries = ?4 WHERE id = ?1",
	    DB_INT(page_key(p->mailbox, p->low)), DB_INT(page_modseq(p)), DB_INT(p->n),
	    DB_BLOB(page_encode(p, octets)));
}

static enum err
delete_page(struct db *db, const struct page *p)
{
	return db_run(
	    db, "DELETE FROM entry_page WHERE id = ?1", DB_INT(page_key(p->mailbox, p->low)));
}

/* How many of the `n` entries the page takes up. */
static size_t
fill(struct page *p, const struct entry *e, size_t n)
{
	size_t room = PAGE_ENTRIES - p->n;
	size_t take = n < room ? n : room;

	memcpy(&p->e[p->n], e, take * sizeof(*e));
	p->n += (uint32_t)take;
	return take;
}

enum err
entries_append(struct db *db, int64_t mailbox, const struct entry *e, size_t n)
{
	struct page p;
	size_t done = 0;

	if (n == 0)
		return ERR_OK;
	enum err err = page_at_or_before(db, mailbox, UINT32_MAX, &p);
	if (!err && reaches(&p, e[0].uid))
		return corrupt(db, page_key(mailbox, p.low), "a UID that was not given out yet");
	if (!err && p.n > 0 && p.n < PAGE_ENTRIES) {
		done = fill(&p, e, n);
		err = update_page(db, &p);
	}
	while (!err && done < n) {
		p.mailbox = mailbox;
		p.low = e[done].uid;
		p.n = 0;
		done += fill(&p, e + done, n - done);
		err = insert_page(db, &p);
	}
	return err;
}

/* Changes those of the `n` entries that the page holds, or (`remove`) takes them out; how many. */
static size_t
apply(struct page *p, const struct entry *e, size_t n, bool remove)
{
	uint32_t at = page_position(p, e[0].uid), out = at;
	size_t done = 0;

	for (; at < p->n; at++) {
		bool found = done < n && e[done].uid == p->e[at].uid;
		if (found && remove) {
			done++;
			continue;
		}
		p->e[out] = p->e[at];
		if (found) {
			p->e[out].flags = e[done].flags;
			p->e[out].modseq = e[done].modseq;
			done++;
		}
		out++;
	}
	p->n = out;
	return done;
}

/* Puts the entries of `next` behind those of `p`. */
static enum err
join(struct db *db, struct page *p, const struct page *next)
{
	fill(p, next->e, next->n);
	enum err e = delete_page(db, next);
	return e ? e : update_page(db, p);
}

/* Writes a page that lost entries. */
static enum err
write_shrunk(struct db *db, struct page *p)
{
	struct page other;

	if (p->n == 0)
		return delete_page(db, p);
	if (p->n >= PAGE_SMALL)
		return update_page(db, p);
	enum err e = ERR_OK;
	other.n = 0;
	if (p->low > 0)
		e = page_at_or_before(db, p->mailbox, p->low - 1, &other);
	if (!e && other.n > 0 && other.n + p->n <= PAGE_ENTRIES)
		return join(db, &other, p);
	if (!e)
		e = page_after(db, p->mailbox, p->low, &other);
	if (!e && other.n > 0 && other.n + p->n <= PAGE_ENTRIES)
		return join(db, p, &other);
	return e ? e : update_page(db, p);
}

static enum err
change(struct db *db, int64_t mailbox, const struct entry *e, size_t n, bool remove)
{
	struct page p;

	for (size_t done = 0; done < n;) {
		enum err err = page_find(db, mailbox, e[done].uid, &p);
		size_t found = !err && p.n > 0 ? apply(&p, e + done, n - done, remove) : 0;
		if (!err && found == 0)
			return corrupt(db, page_key(mailbox, e[done].uid), "an entry was lost");
		done += found;
		if (!err)
			err = remove ? write_shrunk(db, &p) : update_page(db, &p);
		if (err)
			return err;
	}
	return ERR_OK;
}

enum err
entries_update(struct db *db, int64_t mailbox, const struct entry *e, size_t n)
{
	return change(db, mailbox, e, n, false);
}

enum err
entries_remove(struct db *db, int64_t mailbox, const struct entry *e, size_t n)
{
	return change(db, mailbox, e, n, true);
}

enum err
entries_rehome(struct db *db, int64_t from, int64_t to, uint64_t modseq)
{
	struct page p = {.n = 0};
	enum err e = page_find(db, from, 0, &p);

	while (!e && p.n > 0) {
		e = delete_page(db, &p);
		p.mailbox = to;
		for (uint32_t i = 0; i < p.n; i++)
			p.e[i].modseq = modseq;
		if (!e)
			e = insert_page(db, &p);
		if (!e)
			e = page_after(db, from, p.low, &p);
	}
	return e;
}
