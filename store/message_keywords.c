/* Keywords of a mailbox: a name for each of the upper flag bits. */
#include "store/message_private.h"

void
keyword_names_done(struct keyword_names *n)
{
	arena_free(&n->arena);
}

enum err
keyword_names_load(struct db *db, int64_t mailbox, struct keyword_names *n)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row;

	*n = (struct keyword_names){.arena = arena_new(2 * KEYWORDS_MAX * (KEYWORD_LEN_MAX + 32))};
	if (!n->arena)
		return ERR_NOMEM;
	enum err e =
	    db_query(db, "SELECT bit, name FROM keyword WHERE mailbox = ?1", &st, DB_INT(mailbox));
	while (!e && !(e = stmt_step(st, &row)) && row) {
		int64_t bit = stmt_int(st, 0);
		if (bit >= 0 && bit < KEYWORDS_MAX)
			n->name[bit] = arena_dup(n->arena, stmt_str(st, 1));
	}
	return !e && arena_failed(n->arena) ? ERR_NOMEM : e;
}

static int
names_find(const struct keyword_names *n, struct str name)
{
	for (int i = 0; i < KEYWORDS_MAX; i++)
		if (n->name[i].n && str_eq_nocase(n->name[i], name))
			return i;
	return -1;
}

static uint64_t
bit_of(int i)
{
	return 1ull << (FLAG_KEYWORD_SHIFT + i);
}

static enum err
find_used(struct db *db, int64_t mailbox, uint64_t *used)
{
	CLEANUP(page_scan_done) struct page_scan s;
	bool more;
	enum err e = page_scan_mailbox(db, mailbox, &s);

	while (!e && !(e = page_scan_next(&s, &more)) && more)
		for (uint32_t i = 0; i < s.page.n; i++)
			*used |= s.page.e[i].flags;
	return e;
}

/* Takes the bits that no entry has away from their keywords. `keep`: bits just being given out. */
static enum err
free_unused(struct txn *t, int64_t mailbox, struct keyword_names *n, uint64_t keep)
{
	uint64_t used = keep;
	enum err e = find_used(t->db, mailbox, &used);

	for (int i = 0; i < KEYWORDS_MAX && !e; i++) {
		if (!n->name[i].n || used & bit_of(i))
			continue;
		e = db_run(t->db, "DELETE FROM keyword WHERE mailbox = ?1 AND bit = ?2",
		    DB_INT(mailbox), DB_INT(i));
		n->name[i] = (struct str){NULL, 0};
	}
	return e;
}

static int
free_bit(const struct keyword_names *n)
{
	for (int i = 0; i < KEYWORDS_MAX; i++)
		if (!n->name[i].n)
			return i;
	return -1;
}

static enum err
names_add(struct txn *t, int64_t mailbox, struct keyword_names *n, struct str name, uint64_t keep,
    int *ret)
{
	if (name.n == 0 || name.n > KEYWORD_LEN_MAX)
		return ERR_LIMIT;
	int i = free_bit(n);
	if (i < 0) {
		enum err e = free_unused(t, mailbox, n, keep);
		if (e)
			return e;
		i = free_bit(n);
	}
	if (i < 0)
		return ERR_LIMIT;
	n->name[i] = arena_dup(n->arena, name);
	if (!n->name[i].p)
		return ERR_NOMEM;
	*ret = i;
	return db_run(t->db, "INSERT INTO keyword (mailbox, bit, name) VALUES (?1, ?2, ?3)",
	    DB_INT(mailbox), DB_INT(i), DB_TEXT(name));
}

enum err
keywords_to_bits(struct txn *t, int64_t mailbox, const struct flag_list *list, bool add,
    uint64_t keep, uint64_t *ret)
{
	CLEANUP(keyword_names_done) struct keyword_names n = {0};
	uint64_t bits = list->system & FLAG_SYSTEM;

	if (list->keyword_count == 0) {
		*ret = bits;
		return ERR_OK;
	}
	enum err e = keyword_names_load(t->db, mailbox, &n);
	for (size_t k = 0; k < list->keyword_count && !e; k++) {
		int i = names_find(&n, list->keywords[k]);
		if (i < 0 && !add)
			continue;
		if (i < 0)
			e = names_add(t, mailbox, &n, list->keywords[k], keep | bits, &i);
		if (!e)
			bits |= bit_of(i);
	}
	if (!e)
		*ret = bits;
	return e;
}

enum err
keywords_map(struct txn *t, const struct keyword_names *source, int64_t to, uint64_t used,
    uint64_t map[KEYWORDS_MAX])
{
	CLEANUP(keyword_names_done) struct keyword_names target = {0};
	uint64_t given = 0;

	memset(map, 0, KEYWORDS_MAX * sizeof(map[0]));
	if (!(used & ~FLAG_SYSTEM))
		return ERR_OK;
	enum err e = keyword_names_load(t->db, to, &target);
	for (int i = 0; i < KEYWORDS_MAX && !e; i++) {
		if (!(used & bit_of(i)) || !source->name[i].n)
			continue;
		int j = names_find(&target, source->name[i]);
		if (j < 0)
			e = names_add(t, to, &target, source->name[i], given, &j);
		if (!e)
			given |= map[i] = bit_of(j);
	}
	return e;
}

uint64_t
keywords_apply(const uint64_t map[KEYWORDS_MAX], uint64_t flags)
{
	uint64_t out = flags & FLAG_SYSTEM;

	for (int i = 0; i < KEYWORDS_MAX; i++)
		if (flags & bit_of(i))
			out |= map[i];
	return out;
}
