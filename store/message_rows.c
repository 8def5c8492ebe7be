#include "store/message_private.h"

#include "common/base/clock.h"
#include "store/seen.h"

#include <stdlib.h>

void
rows_done(struct rows *rows)
{
	free(rows->r);
	*rows = (struct rows){0};
}

static enum err
reserve(struct rows *rows, size_t more)
{
	if (rows->cap - rows->n >= more)
		return ERR_OK;
	size_t cap = rows->cap ? rows->cap * 2 : 32;
	if (cap < rows->n + more)
		cap = rows->n + more;
	struct entry *grown = reallocarray(rows->r, cap, sizeof(*grown));
	if (!grown)
		return ERR_NOMEM;
	rows->r = grown;
	rows->cap = cap;
	return ERR_OK;
}

/* Takes what the page has of the ranges from *at on; leaves *at at the first that may have more
 * behind the page. */
static enum err
take_from_page(
    const struct page *p, const struct uidset *uids, size_t *at, uint64_t flags, struct rows *rows)
{
	enum err e = reserve(rows, p->n);
	uint32_t i = page_position(p, uids->r[*at].lo);

	while (!e && i < p->n) {
		const struct entry *entry = &p->e[i];
		while (*at < uids->n && uids->r[*at].hi < entry->uid)
			++*at;
		if (*at == uids->n)
			break;
		if (entry->uid >= uids->r[*at].lo && (entry->flags & flags) == flags)
			rows->r[rows->n++] = *entry;
		i++;
	}
	return e;
}

static enum err
find_in(
    struct db *db, int64_t mailbox, const struct uidset *uids, uint64_t flags, struct rows *rows)
{
	struct page p = {.n = 0};
	uint32_t uid = 0;

	for (size_t at = 0; at < uids->n;) {
		if (uids->r[at].lo > uid)
			uid = uids->r[at].lo;
		enum err e = page_advance(db, mailbox, uid, &p);
		if (e || p.n == 0)
			return e;
		e = take_from_page(&p, uids, &at, flags, rows);
		if (e)
			return e;
		uint32_t last = p.e[p.n - 1].uid;
		while (at < uids->n && uids->r[at].hi <= last)
			at++;
		if (last == UINT32_MAX)
			break;
		uid = last + 1;
	}
	return ERR_OK;
}

static bool
is_normal(const struct uidset *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->r[i].lo > s->r[i].hi || (i > 0 && s->r[i].lo <= s->r[i - 1].hi))
			return false;
	return true;
}

enum err
rows_find(
    struct db *db, int64_t mailbox, const struct uidset *uids, uint64_t flags, struct rows *ret)
{
	if (!uids) {
		struct uid_range range = {0, UINT32_MAX};
		return find_in(db, mailbox, &(struct uidset){.r = &range, .n = 1}, flags, ret);
	}
	if (is_normal(uids))
		return find_in(db, mailbox, uids, flags, ret);
	/* nobody's entry may be found twice, whatever the caller forgot */
	CLEANUP(arena_free) struct arena *arena = arena_new(SIZE_MAX / 2);
	struct uidset normal;
	enum err e = arena ? ERR_OK : ERR_NOMEM;
	uidset_init(&normal, arena);
	for (size_t i = 0; i < uids->n && !e; i++)
		e = uidset_add(&normal, uids->r[i].lo, uids->r[i].hi);
	if (e)
		return e;
	uidset_normalise(&normal);
	return find_in(db, mailbox, &normal, flags, ret);
}

enum err
mailbox_must_exist(struct db *db, int64_t mailbox)
{
	int64_t ignored;
	enum err e = db_get_int(
	    db, "SELECT 1 FROM mailbox WHERE id = ?1 AND NOT noselect", &ignored, DB_INT(mailbox));

	return e == ERR_NOT_FOUND ? ERR_GONE : e;
}

void
change_count(struct mailbox_change *c, uint64_t flags, uint64_t size, int sign)
{
	c->messages += sign;
	c->unseen += flags & FLAG_SEEN ? 0 : sign;
	c->deleted += flags & FLAG_DELETED ? sign : 0;
	c->bytes += sign * (int64_t)size;
}

struct entry
entry_new(uint32_t uid, int64_t message, uint64_t size, uint64_t flags, uint64_t modseq)
{
	return (struct entry){.uid = uid,
	    .message = message,
	    .size = size,
	    .flags = flags,
	    .modseq = modseq,
	    .saved_s = (uint32_t)clock_real_s()};
}

enum err
rows_remove(struct txn *t, int64_t mailbox, const struct rows *rows, uint64_t modseq, bool moved)
{
	struct mailbox_change change = {.within = moved};

	for (size_t i = 0; i < rows->n; i++)
		change_count(&change, rows->r[i].flags, rows->r[i].size, -1);
	enum err e = entries_remove(t->db, mailbox, rows->r, rows->n);
	if (!e)
		e = seen_remove(t, mailbox, rows);
	if (!e)
		e = txn_add_tombstone(t, mailbox, rows, modseq, moved);
	if (!e)
		e = txn_prune_tombstones(t, mailbox, PRUNE_MIN + 2 * (rows->n / TOMBSTONE_ENTRIES));
	return e ? e : txn_change_mailbox(t, mailbox, &change, modseq);
}
