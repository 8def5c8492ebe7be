/* The part of account_check() that reads entries: every page, mailbox by mailbox, then all that the
 * entries point to. */
#include "store/check_private.h"
#include "store/message_private.h"

#include <stdio.h>

/* A message as an entry names it, or a tombstone that the cleaner has not seen to, or that of a
 * staged one (message_stage.h). */
struct named {
	int64_t message;
	uint64_t size;
	bool by_entry;
};

struct names {
	struct named *a;
	size_t n, cap;
};

static void
names_done(struct names *names)
{
	free(names->a);
}

static enum err
add_name(struct names *names, const struct entry *e, bool by_entry)
{
	if (names->n == names->cap) {
		size_t cap = names->cap ? 2 * names->cap : 1024;
		struct named *grown = reallocarray(names->a, cap, sizeof(*grown));
		if (!grown)
			return ERR_NOMEM;
		names->a = grown;
		names->cap = cap;
	}
	names->a[names->n++] = (struct named){e->message, e->size, by_entry};
	return ERR_OK;
}

/* What the pages of one mailbox add up to. */
struct sums {
	int64_t messages, unseen, deleted, bytes;
	uint64_t modseq;
	uint32_t uid; /* the highest */
};

static void
add_page(struct sums *s, const struct page *p)
{
	for (uint32_t i = 0; i < p->n; i++) {
		s->messages++;
		s->unseen += !(p->e[i].flags & FLAG_SEEN);
		s->deleted += (p->e[i].flags & FLAG_DELETED) != 0;
		s->bytes += (int64_t)p->e[i].size;
		s->uid = p->e[i].uid;
	}
	if (page_modseq(p) > s->modseq)
		s->modseq = page_modseq(p);
}

static void
compare(struct check *c, const char *what, struct str name, int64_t is, int64_t should_be)
{
	if (is != should_be)
		check_problem(c, what, name, is, should_be);
}

/* `row`: id, name, messages, unseen, deleted, bytes, uidnext, highest_modseq. */
static enum err
check_mailbox(struct check *c, struct stmt *row, struct names *names, struct sums *total)
{
	CLEANUP(page_scan_done) struct page_scan s;
	struct str name = stmt_str(row, 1);
	struct sums sums = {0};
	bool more;
	enum err e = page_scan_mailbox(c->db, stmt_int(row, 0), &s);

	while (!e && !(e = page_scan_next(&s, &more)) && more) {
		add_page(&sums, &s.page);
		for (uint32_t i = 0; i < s.page.n && !e; i++)
			e = add_name(names, &s.page.e[i], true);
	}
	if (e == ERR_CORRUPT) {
		check_problem(c, "pages", name, 0, 1);
		return ERR_OK;
	}
	if (e)
		return e;
	compare(c, "mailbox messages", name, stmt_int(row, 2), sums.messages);
	compare(c, "mailbox unseen", name, stmt_int(row, 3), sums.unseen);
	compare(c, "mailbox deleted", name, stmt_int(row, 4), sums.deleted);
	compare(c, "mailbox bytes", name, stmt_int(row, 5), sums.bytes);
	if (stmt_int(row, 6) <= sums.uid)
		check_problem(c, "mailbox uidnext", name, stmt_int(row, 6), sums.uid + 1);
	if ((uint64_t)stmt_int(row, 7) < sums.modseq)
		check_problem(
		    c, "mailbox highest modseq", name, stmt_int(row, 7), (int64_t)sums.modseq);
	total->messages += sums.messages;
	total->bytes += sums.bytes;
	return ERR_OK;
}

static enum err
check_mailboxes(struct check *c, struct names *names)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct sums total = {0};
	int64_t bytes = 0, messages = 0;
	bool row;
	enum err e = db_query(c->db,
	    "SELECT id, name, messages, unseen, deleted, bytes, uidnext, highest_modseq"
	    " FROM mailbox",
	    &st);

	while (!e && !(e = stmt_step(st, &row)) && row)
		e = check_mailbox(c, st, names, &total);
	if (!e)
		e = db_get_int(c->db, "SELECT bytes FROM meta", &bytes);
	if (!e)
		e = db_get_int(c->db, "SELECT messages FROM meta", &messages);
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e; /* meta is another's claim */
	compare(c, "account bytes", STR("all"), bytes, total.bytes);
	compare(c, "account messages", STR("all"), messages, total.messages);
	return ERR_OK;
}

static enum err
check_tombstone(struct check *c, struct stmt *row, struct names *names)
{
	struct str octets = stmt_str(row, 1);
	size_t n = 0;
	enum err e = tombstone_count(c->db, stmt_int(row, 0), octets, &n);

	if (e == ERR_CORRUPT) {
		check_problem(c, "octets of a tombstone", str_of("entries"), (int64_t)octets.n, 0);
		return ERR_OK;
	}
	for (size_t i = 0; i < n && !e; i++) {
		struct entry gone = tombstone_entry(octets, i);
		if (gone.message && stmt_int(row, 3))
			e = add_name(names, &gone, false);
		if (!stmt_is_null(row, 2) && gone.uid >= stmt_int(row, 2))
			check_problem(c, "uidnext, less than an expunged UID", stmt_str(row, 4),
			    stmt_int(row, 2), gone.uid + 1);
	}
	return e;
}

static enum err
check_tombstones(struct check *c, struct names *names)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row;
	enum err e = db_query(c->db,
	    "SELECT t.id, t.entries, b.uidnext,"
	    " t.mailbox = 0 OR EXISTS (SELECT 1 FROM unswept WHERE tombstone = t.id), b.name"
	    " FROM tombstone t LEFT JOIN mailbox b ON b.id = t.mailbox",
	    &st);

	while (!e && !(e = stmt_step(st, &row)) && row)
		e = check_tombstone(c, st, names);
	return e;
}

static int
compare_names(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	return (x->message > y->message) - (x->message < y->message);
}

static struct str
print_id(int64_t id, char out[32])
{
	snprintf(out, 32, "message %lld", (long long)id);
	return str_of(out);
}

/* The message `id` (0: there are no more) comes next: what is named before it is not there. Its own
 * names are passed, and looked at. */
static void
pass_names(struct check *c, const struct names *names, size_t *at, int64_t id, uint64_t size)
{
	char text[32];
	size_t own = 0;

	for (; *at < names->n && (id == 0 || names->a[*at].message <= id); ++*at) {
		const struct named *n = &names->a[*at];
		if (n->message != id) {
			if (n->by_entry)
				check_problem(
				    c, "entry without it, rows", print_id(n->message, text), 0, 1);
			continue;
		}
		own++;
		if (n->by_entry && n->size != size)
			check_problem(c, "size in an entry", print_id(id, text), (int64_t)n->size,
			    (int64_t)size);
	}
	if (id && own == 0)
		check_problem(c, "entries, and none was expunged,", print_id(id, text), 0, 1);
}

static enum err
check_messages(struct check *c, struct names *names)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	size_t at = 0;
	bool row;
	enum err e = db_query(c->db, "SELECT id, size FROM message ORDER BY id", &st);

	if (names->n > 1)
		qsort(names->a, names->n, sizeof(*names->a), compare_names);
	while (!e && !(e = stmt_step(st, &row)) && row)
		pass_names(c, names, &at, stmt_int(st, 0), (uint64_t)stmt_int(st, 1));
	if (!e)
		pass_names(c, names, &at, 0, 0);
	return e;
}

enum err
check_pages(struct check *c)
{
	CLEANUP(names_done) struct names names = {0};
	enum err e = check_mailboxes(c, &names);

	if (!e)
		e = check_tombstones(c, &names);
	return e ? e : check_messages(c, &names);
}
