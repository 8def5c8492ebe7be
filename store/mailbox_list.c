/* Mailboxes as they are looked up: by name, by id, all of them. */
#include "store/mailbox_private.h"
#include "store/seen.h"

/* '0' is what follows '/': names between name/ and name0 are below name. */
#define INFO_COLUMNS                                                                               \
	"id, name, special_use, noselect, uidvalidity, uidnext, highest_modseq, messages, unseen," \
	" deleted, bytes, recent_from, pruned_modseq, EXISTS (SELECT 1 FROM subscription s WHERE " \
	"s.name = "                                                                                \
	"m.name)"
#define HAS_CHILDREN                                                                               \
	"EXISTS (SELECT 1 FROM mailbox c WHERE c.name > m.name || '/' AND c.name < m.name || '0')"

static struct mailbox_info
read_info(struct stmt *st, struct arena *arena)
{
	return (struct mailbox_info){.id = stmt_int(st, 0),
	    .name = arena_dup(arena, stmt_str(st, 1)),
	    .special_use = arena_dup(arena, stmt_str(st, 2)),
	    .noselect = stmt_int(st, 3) != 0,
	    .uidvalidity = (uint32_t)stmt_int(st, 4),
	    .uidnext = (uint32_t)stmt_int(st, 5),
	    .highest_modseq = (uint64_t)stmt_int(st, 6),
	    .messages = (uint32_t)stmt_int(st, 7),
	    .unseen = (uint32_t)stmt_int(st, 8),
	    .deleted = (uint32_t)stmt_int(st, 9),
	    .bytes = (uint64_t)stmt_int(st, 10),
	    .recent_from = (uint32_t)stmt_int(st, 11),
	    .pruned_modseq = (uint64_t)stmt_int(st, 12),
	    .subscribed = stmt_int(st, 13) != 0};
}

static enum err
read_one(struct stmt *st, struct arena *arena, struct mailbox_info *ret)
{
	bool row = false;
	enum err e = stmt_step(st, &row);

	if (e)
		return e;
	if (!row)
		return ERR_NOT_FOUND;
	struct mailbox_info info = read_info(st, arena);
	info.has_children = stmt_int(st, 14) != 0;
	if (arena_failed(arena))
		return ERR_NOMEM;
	*ret = info;
	return ERR_OK;
}

enum err
mailbox_find(struct account *a, struct str name, struct arena *arena, struct mailbox_info *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct str canonical;
	enum err e = mailbox_check_name(name, arena, &canonical);

	if (e)
		return e == ERR_SYNTAX ? ERR_NOT_FOUND : e;
	e = account_read(a, &h);
	if (!e)
		e = db_query(h->db,
		    "SELECT " INFO_COLUMNS ", " HAS_CHILDREN " FROM mailbox m WHERE name = ?1", &st,
		    DB_TEXT(canonical));
	return e ? e : read_one(st, arena, ret);
}

enum err
mailbox_get(struct account *a, int64_t id, struct arena *arena, struct mailbox_info *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	enum err e = account_read(a, &h);

	if (!e)
		e = db_query(h->db,
		    "SELECT " INFO_COLUMNS ", " HAS_CHILDREN " FROM mailbox m WHERE id = ?1", &st,
		    DB_INT(id));
	if (!e)
		e = read_one(st, arena, ret);
	return e == ERR_NOT_FOUND ? ERR_GONE : e;
}

/* -- all of them */

static bool
is_below_inbox(struct str name)
{
	return str_starts(name, STR("INBOX")) && (name.n == 5 || name.p[5] == '/');
}

/* INBOX and what is below it first; otherwise octet order in which '/' comes before all else, so
 * that what is below a mailbox follows it at once. */
static int
compare_info(const void *ap, const void *bp)
{
	struct str a = ((const struct mailbox_info *)ap)->name;
	struct str b = ((const struct mailbox_info *)bp)->name;
	int first = is_below_inbox(b) - is_below_inbox(a);

	if (first)
		return first;
	for (size_t i = 0; i < a.n && i < b.n; i++) {
		if (a.p[i] == b.p[i])
			continue;
		int x = a.p[i] == '/' ? 0 : (unsigned char)a.p[i];
		int y = b.p[i] == '/' ? 0 : (unsigned char)b.p[i];
		return x - y;
	}
	return (a.n > b.n) - (a.n < b.n);
}

static void
note_children(struct mailbox_info *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = i + 1; j < n && !list[i].has_children; j++) {
			struct str below = list[j].name;
			if (!str_starts(below, list[i].name) || below.p[list[i].name.n] != '/')
				break;
			list[i].has_children = list[j].id != 0;
		}
	}
}

struct listing {
	struct arena *arena;
	struct mailbox_info *list;
	size_t n, cap;
};

static enum err
add_info(struct listing *l, struct mailbox_info info)
{
	l->list = arena_grow(l->arena, l->list, &l->cap, l->n + 1, sizeof(*l->list));
	if (!l->list)
		return ERR_NOMEM;
	l->list[l->n++] = info;
	return ERR_OK;
}

static enum err
list_mailboxes(struct db *db, struct listing *l)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = db_query(db, "SELECT " INFO_COLUMNS " FROM mailbox m", &st);

	while (!e && !(e = stmt_step(st, &row)) && row)
		e = add_info(l, read_info(st, l->arena));
	return e;
}

static enum err
list_subscriptions(struct db *db, struct listing *l)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = db_query(
	    db, "SELECT name FROM subscription WHERE name NOT IN (SELECT name FROM mailbox)", &st);

	while (!e && !(e = stmt_step(st, &row)) && row)
		e = add_info(l, (struct mailbox_info){.name = arena_dup(l->arena, stmt_str(st, 0)),
				    .subscribed = true});
	return e;
}

enum err
mailbox_list(struct account *a, struct arena *arena, struct mailbox_info **ret, size_t *ret_n)
{
	CLEANUP(read_end) struct handle *h = NULL;
	struct listing l = {.arena = arena};
	enum err e = account_read(a, &h);

	if (!e)
		e = list_mailboxes(h->db, &l);
	if (!e)
		e = list_subscriptions(h->db, &l);
	if (!e && arena_failed(arena))
		e = ERR_NOMEM;
	if (e)
		return e;
	if (l.n > 0)
		qsort(l.list, l.n, sizeof(*l.list), compare_info);
	note_children(l.list, l.n);
	*ret = l.list;
	*ret_n = l.n;
	return ERR_OK;
}

/* -- \Recent */

struct claim {
	int64_t mailbox, viewer;
	uint32_t first, uidnext;
};

static enum err
read_claim(struct db *db, struct claim *c)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	uint64_t ignored;
	bool row = false;
	enum err e =
	    db_query(db, "SELECT recent_from, uidnext FROM mailbox WHERE id = ?1 AND NOT noselect",
		&st, DB_INT(c->mailbox));

	if (!e)
		e = stmt_step(st, &row);
	if (e || !row)
		return e ? e : ERR_GONE;
	c->first = (uint32_t)stmt_int(st, 0);
	c->uidnext = (uint32_t)stmt_int(st, 1);
	return c->viewer == VIEWER_OWNER
		   ? ERR_OK
		   : seen_read_state(db, c->mailbox, c->viewer, &ignored, &c->first);
}

static enum err
claim_recent(struct txn *t, void *arg)
{
	struct claim *c = arg;
	enum err e = read_claim(t->db, c);

	if (e)
		return e;
	return c->viewer == VIEWER_OWNER
		   ? db_run(t->db, "UPDATE mailbox SET recent_from = uidnext WHERE id = ?1",
			 DB_INT(c->mailbox))
		   : seen_claim_recent(t, c->mailbox, c->viewer, c->uidnext);
}

enum err
mailbox_claim_recent(struct account *a, int64_t mailbox, bool claim, uint32_t *ret_first)
{
	return mailbox_claim_recent_as(a, mailbox, VIEWER_OWNER, claim, ret_first);
}

enum err
mailbox_claim_recent_as(
    struct account *a, int64_t mailbox, int64_t viewer, bool claim, uint32_t *ret_first)
{
	CLEANUP(read_end) struct handle *h = NULL;
	struct claim c = {.mailbox = mailbox, .viewer = viewer};
	enum err e = account_read(a, &h);

	if (!e)
		e = read_claim(h->db, &c);
	if (e)
		return e;
	bool any = c.uidnext > c.first;
	read_end(&h);
	/* Most SELECTs find nothing new and write nothing. \Recent is a courtesy: a full disk or a
	 * busy database keeps nobody from reading, the claim is made another time. */
	if (claim && any && account_write(a, claim_recent, &c, DURABLE_LATER) == ERR_GONE)
		return ERR_GONE;
	*ret_first = c.first ? c.first : c.uidnext;
	return ERR_OK;
}

enum err
mailbox_see_as(struct account *a, int64_t viewer, struct mailbox_info *info)
{
	CLEANUP(read_end) struct handle *h = NULL;
	uint64_t modseq = 0;
	uint32_t recent_from = 0;
	enum err e = account_read(a, &h);

	if (!e)
		e = seen_read_state(h->db, info->id, viewer, &modseq, &recent_from);
	if (e)
		return e;
	if (modseq > info->highest_modseq)
		info->highest_modseq = modseq;
	info->recent_from = recent_from ? recent_from : info->uidnext;
	return ERR_OK;
}
