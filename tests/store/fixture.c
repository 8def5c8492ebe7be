#include "tests/store/fixture.h"

#include "store/account_private.h"
#include "store/directory.h"
#include "tests/support/test.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

struct store *
fixture_second(struct fixture *f, const char *process)
{
	char data[200], run[200];
	struct store *s = NULL;

	snprintf(data, sizeof(data), "%s/data", f->dir);
	snprintf(run, sizeof(run), "%s/run", f->dir);
	struct store_options o = {
	    .data_dir = data, .run_dir = run, .process = process, .recipient_delimiter = "+"};
	ck_assert_ok(store_open(&o, &s));
	return s;
}

static struct account *
add_account(struct fixture *f, const char *address)
{
	struct account *a = NULL;
	struct credential none = {0};
	int64_t id = 0;

	ck_assert_ok(directory_add_account(f->store, str_of(address), &none, &id));
	ck_assert_ok(account_open(f->store, id, &a));
	return a;
}

void
fixture_open(struct fixture *f)
{
	char data[200];
	struct mailbox_info info;

	*f = (struct fixture){.dir = strdup(test_mkdir()), .arena = arena_new(1 << 26)};
	snprintf(data, sizeof(data), "%s/data", f->dir);
	ck_assert_ok(store_create(data));
	f->store = fixture_second(f, "test");
	ck_assert_ok(directory_add_domain(f->store, STR("example.test")));
	f->a = add_account(f, "a@example.test");
	f->b = add_account(f, "b@example.test");
	ck_assert_ok(mailbox_find(f->a, STR("INBOX"), f->arena, &info));
	f->inbox = info.id;
	ck_assert_ok(mailbox_find(f->a, STR("Archive"), f->arena, &info));
	f->archive = info.id;
}

void
fixture_close(struct fixture *f)
{
	account_unref(&f->a);
	account_unref(&f->b);
	store_close(&f->store);
	arena_free(&f->arena);
	test_rmdir(f->dir);
	free(f->dir);
}

char *
make_message(unsigned seed, size_t size)
{
	char *m = malloc(size + 80);
	size_t n = (size_t)snprintf(m, 80, "X-Seed: %08u\r\n\r\n", seed);

	ck_assert_uint_ge(size, n);
	for (unsigned i = seed * 2654435761u; n < size; n++, i = i * 1103515245u + 12345u)
		m[n] = (n - 20) % 78 == 76   ? '\r'
		       : (n - 20) % 78 == 77 ? '\n'
					     : "abcdefgh"[i >> 24 & 7];
	return m;
}

struct spool *
make_spool(struct fixture *f, const char *octets, size_t size)
{
	struct spool *s = NULL;

	ck_assert_ok(spool_new(f->store, &s));
	for (size_t at = 0; at < size;) {
		size_t piece = 1 + at * 7 % 9001;
		if (piece > size - at)
			piece = size - at;
		ck_assert_ok(spool_write(s, octets + at, piece));
		at += piece;
	}
	ck_assert_uint_eq(spool_size(s), size);
	return s;
}

uint32_t
deliver_one(struct fixture *f, unsigned seed, size_t size)
{
	CLEANUP(mem_free) char *m = make_message(seed, size);
	CLEANUP(spool_free) struct spool *s = make_spool(f, m, size);
	struct delivery d = {.account = account_id(f->a)};

	message_deliver(f->store, s, &d, 1);
	ck_assert_ok(d.result);
	return d.uid;
}

char *
read_message(struct account *a, int64_t message, size_t *ret_n)
{
	CLEANUP(reader_close) struct reader *r = NULL;
	struct message_row row;
	size_t n = 0;

	ck_assert_ok(reader_open(a, &r));
	ck_assert_ok(reader_message(r, message, WANT_BASICS, &row));
	char *to = malloc(row.size + 1);
	for (*ret_n = 0; *ret_n < row.size; *ret_n += n) {
		ck_assert_ok(reader_read(r, message, *ret_n, to + *ret_n, 1 + row.size / 3, &n));
		ck_assert_uint_gt(n, 0);
	}
	return to;
}

struct view *
view_now(struct fixture *f, int64_t mailbox)
{
	struct view *v = NULL;

	ck_assert_ok(view_current(f->a, mailbox, &v));
	return v;
}

const char *
listing(struct fixture *f, int64_t mailbox)
{
	CLEANUP(view_unref) struct view *v = view_now(f, mailbox);
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(1 << 20);
	static const char letters[] = "SAFDR"; /* seen answered flagged deleted draft */
	struct view_iter it = view_iter_at(v, 1);

	for (const struct view_entry *e; (e = view_next(&it));) {
		if (out.n)
			sbuf_putc(&out, ' ');
		sbuf_printf(&out, "%u", e->uid);
		for (int i = 0; i < 5; i++)
			if (e->flags >> i & 1)
				sbuf_putc(&out, letters[i]);
		for (size_t i = 0; i < view_keyword_count(v); i++)
			if (e->flags >> (FLAG_KEYWORD_SHIFT + i) & 1)
				sbuf_printf(&out, "/%.*s", STR_ARG(view_keyword(v, i)));
	}
	return arena_cstr(f->arena, sbuf_view(&out));
}

int64_t
message_of(struct fixture *f, int64_t mailbox, uint32_t uid)
{
	CLEANUP(view_unref) struct view *v = view_now(f, mailbox);
	const struct view_entry *e = view_at(v, view_seq_of(v, uid));

	ck_assert_ptr_nonnull(e);
	return e->message;
}

void
ck_assert_holds(struct account *a, int64_t message, const char *octets, size_t size)
{
	size_t n = 0;
	CLEANUP(mem_free) char *got = read_message(a, message, &n);

	ck_assert_uint_eq(n, size);
	ck_assert_int_eq(memcmp(got, octets, size), 0);
}

struct append
append_of(struct fixture *f, const char *octets, size_t size, uint64_t flags)
{
	return (struct append){.spool = make_spool(f, octets, size),
	    .flags = {.system = flags},
	    .internal_s = 1000000000,
	    .internal_zone_s = -3600};
}

static unsigned
count_files(const char *path)
{
	unsigned n = 0;
	DIR *dir = opendir(path);

	if (!dir)
		return 0;
	for (struct dirent *e; (e = readdir(dir));) {
		char below[1200];
		struct stat st;
		if (e->d_name[0] == '.')
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, e->d_name);
		ck_assert_int_eq(lstat(below, &st), 0);
		n += S_ISDIR(st.st_mode) ? count_files(below) : 1;
	}
	closedir(dir);
	return n;
}

unsigned
count_blobs(const struct fixture *f, const struct account *a)
{
	char path[300];

	snprintf(
	    path, sizeof(path), "%s/data/accounts/%lld/blobs", f->dir, (long long)account_id(a));
	return count_files(path);
}

unsigned
count_spool(const struct fixture *f)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/data/spool", f->dir);
	return count_files(path);
}

struct uidset
uids_of(struct fixture *f, const char *text)
{
	struct uidset s;
	struct str rest = str_of(text);
	struct str hi, lo;

	uidset_init(&s, f->arena);
	while (str_split(&rest, ',', &hi)) {
		uint32_t from = 0, to = 0;
		str_split(&hi, ':', &lo);
		ck_assert(str_to_u32(lo, &from));
		to = from;
		if (hi.n)
			ck_assert(str_to_u32(hi, &to));
		ck_assert_ok(uidset_add(&s, from, to));
	}
	return s;
}

static void
ck_assert_none(struct account *a, struct db *db, const char *sql)
{
	int64_t n = -1;

	ck_assert_ok(db_get_int(db, sql, &n));
	ck_assert_msg(
	    n == 0, "account %lld: %lld of %s", (long long)account_id(a), (long long)n, sql);
}

void
add_views(struct db *db)
{
	ck_assert_ok(db_script(db, "PRAGMA query_only = OFF"));
	ck_assert_ok(db_script(db, schema_account_views));
	ck_assert_ok(db_script(db, "PRAGMA query_only = ON"));
}

void
ck_assert_counters(struct account *a)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(100000);

	enum err e = account_check(a, &report); /* and by other queries than its own: */
	ck_assert_msg(e == ERR_OK, "%s", sbuf_cstr(&report));
	ck_assert_ok(account_read(a, &h));
	add_views(h->db);
	ck_assert_none(a, h->db,
	    "WITH e AS MATERIALIZED (SELECT mailbox AS id, count(*) AS n, sum(NOT flags & 1) AS "
	    "unseen,"
	    " sum((flags & 8) <> 0) AS deleted, sum(m.size) AS bytes, max(modseq) AS modseq,"
	    " max(uid) AS uid FROM entry JOIN message m ON m.id = message GROUP BY mailbox),"
	    " t AS MATERIALIZED (SELECT mailbox AS id, max(expunged_modseq) AS modseq FROM expunged"
	    " GROUP BY mailbox)"
	    "SELECT count(*) FROM mailbox b LEFT JOIN e USING (id) LEFT JOIN t USING (id) WHERE"
	    " b.messages <> ifnull(e.n, 0) OR b.unseen <> ifnull(e.unseen, 0)"
	    " OR b.deleted <> ifnull(e.deleted, 0) OR b.bytes <> ifnull(e.bytes, 0)"
	    " OR highest_modseq < e.modseq OR highest_modseq < t.modseq OR uidnext <= e.uid");
	ck_assert_none(a, h->db,
	    "SELECT count(*) FROM meta WHERE messages <> (SELECT count(*) FROM entry)"
	    " OR bytes <> (SELECT ifnull(sum(bytes), 0) FROM mailbox)"
	    " OR modseq < (SELECT max(highest_modseq) FROM mailbox)");
	ck_assert_none(a, h->db,
	    "SELECT count(*) FROM message WHERE id NOT IN (SELECT message FROM entry)"
	    " AND id NOT IN (SELECT message FROM expunged)");
	ck_assert_none(a, h->db,
	    "SELECT count(*) FROM (SELECT message FROM header UNION SELECT message FROM body)"
	    " WHERE message NOT IN (SELECT id FROM message)");
	ck_assert_none(a, h->db,
	    "SELECT count(*) FROM (SELECT mailbox, uid FROM entry"
	    " INTERSECT SELECT mailbox, uid FROM expunged)");
}
