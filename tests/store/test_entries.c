/* Pages of entries in a database: what many changes leave, and that pages stay few and full. */
#include "common/base/log.h"
#include "store/message_private.h"
#include "store/view_private.h"
#include "tests/store/fixture.h"
#include "tests/support/test.h"

#include <stdio.h>

static struct fixture f;

static int64_t
query(const char *sql)
{
	CLEANUP(read_end) struct handle *h = NULL;
	int64_t n = -1;

	ck_assert_ok(account_read(f.a, &h));
	add_views(h->db);
	ck_assert_ok(db_get_int(h->db, sql, &n));
	return n;
}

static enum err
run_script(struct txn *t, void *arg)
{
	return db_script(t->db, arg);
}

static void
run(const char *sql)
{
	ck_assert_ok(account_write(f.a, run_script, (char *)(uintptr_t)sql, DURABLE_LATER));
}

/* One small message, then copies of it: as many entries as a test wants, in no time. */
static void
fill_inbox(uint32_t n)
{
	deliver_one(&f, 1, 100);
	for (uint32_t have = 1; have < n;) {
		struct uidset uids;
		struct copied c;
		uidset_init(&uids, f.arena);
		ck_assert_ok(uidset_add(&uids, 1, n - have < have ? n - have : have));
		ck_assert_ok(message_copy(f.a, f.inbox, &uids, f.inbox, f.arena, &c));
		have += (uint32_t)uidset_count(&c.to);
	}
}

/* What the pages hold, by the SQL of the view, is what the view has. */
static void
ck_assert_pages(uint32_t count)
{
	CLEANUP(view_unref) struct view *v = view_now(&f, f.inbox);

	ck_assert_uint_eq(view_count(v), count);
	ck_assert_counters(f.a);
	ck_assert_int_le(
	    query("SELECT count(*) FROM entry_page WHERE count = 0 OR count > 256"), 0);
}

START_TEST(copies_onto_the_same_mailbox_fill_pages)
{
	fixture_open(&f);
	fill_inbox(1000);
	ck_assert_pages(1000);
	ck_assert_int_eq(query("SELECT count(*) FROM entry_page"), 4); /* 3 full ones and 232 */
	ck_assert_int_eq(query("SELECT count(*) FROM entry_page WHERE count = 256"), 3);
	/* copies of one message have little that tells them apart */
	ck_assert_int_le(query("SELECT max(length(entries)) FROM entry_page"), 1024);
	ck_assert_int_eq(query("SELECT count(*) FROM message"), 1);
	fixture_close(&f);
}
END_TEST

START_TEST(pages_that_lose_entries_join_or_go)
{
	struct uidset gone;

	fixture_open(&f);
	fill_inbox(960);
	for (uint32_t uid = 1; uid <= 960; uid++) {
		uidset_init(&gone, f.arena);
		if (uid % 10 == 3)
			continue;
		ck_assert_ok(uidset_add(&gone, uid, uid));
		ck_assert_ok(message_remove(f.a, f.inbox, &gone));
	}
	ck_assert_pages(96);
	ck_assert_int_le(query("SELECT count(*) FROM entry_page"), 2);
	struct uidset rest = uids_of(&f, "1:940");
	ck_assert_ok(message_remove(f.a, f.inbox, &rest));
	ck_assert_str_eq(listing(&f, f.inbox), "943 953");
	ck_assert_int_eq(query("SELECT count(*) FROM entry_page"), 1);
	ck_assert_int_eq(query("SELECT length(entries) FROM entry_page"), 128);
	rest = uids_of(&f, "953");
	ck_assert_ok(message_remove(f.a, f.inbox, &rest));
	rest = uids_of(&f, "1:4294967295");
	ck_assert_ok(message_remove(f.a, f.inbox, &rest));
	ck_assert_pages(0);
	ck_assert_int_eq(query("SELECT count(*) FROM entry_page"), 0);
	ck_assert_uint_eq(deliver_one(&f, 2, 100), 961);
	ck_assert_pages(1);
	fixture_close(&f);
}
END_TEST

START_TEST(many_entries_expunged_at_once_leave_few_rows)
{
	fixture_open(&f);
	fill_inbox(5000);
	struct uidset most = uids_of(&f, "2:4999");
	ck_assert_ok(message_remove(f.a, f.inbox, &most));
	ck_assert_str_eq(listing(&f, f.inbox), "1 5000");
	ck_assert_int_eq(query("SELECT count(*) FROM tombstone"), 3); /* of 2000 at most */
	ck_assert_int_eq(query("SELECT count(*) FROM expunged"), 4998);
	ck_assert_int_eq(query("SELECT count(DISTINCT uid) FROM expunged"), 4998);
	ck_assert_int_eq(query("SELECT count(*) FROM entry_page"), 1);
	ck_assert_pages(2);
	fixture_close(&f);
}
END_TEST

START_TEST(ranges_find_what_is_in_them)
{
	static const struct {
		const char *uids;
		uint32_t found;
	} rows[] = {
	    {"1:1000", 500},
	    {"1:4294967295", 500},
	    {"1001:4294967295", 0},
	    {"2,4,6", 0},
	    {"1,3,5", 3},
	    {"192:194", 1}, /* around the end of a page */
	    {"5:3,1:5,4,5", 3}, /* as nobody should ask */
	    {"1,200,399,401,999", 4},
	    {"999", 1},
	    {"500:510,998:5000", 6},
	};

	fixture_open(&f);
	fill_inbox(1000);
	struct uidset even;
	uidset_init(&even, f.arena);
	for (uint32_t uid = 2; uid <= 1000; uid += 2)
		ck_assert_ok(uidset_add(&even, uid, uid));
	ck_assert_ok(message_remove(f.a, f.inbox, &even));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct uidset uids = uids_of(&f, rows[i].uids);
		struct copied c;
		ck_assert_ok(message_copy(f.a, f.inbox, &uids, f.archive, f.arena, &c));
		ck_assert_msg(uidset_count(&c.to) == rows[i].found, "%s: %u", rows[i].uids,
		    (unsigned)uidset_count(&c.to));
	}
	ck_assert_pages(500);
	fixture_close(&f);
}
END_TEST

START_TEST(keywords_in_any_page_keep_their_bits)
{
	struct str name;
	struct flag_list list = {.keywords = &name, .keyword_count = 1};
	char text[20];

	fixture_open(&f);
	fill_inbox(300);
	name = str_make(text, 0);
	for (uint32_t i = 0; i < KEYWORDS_MAX; i++) {
		struct uidset uid;
		uidset_init(&uid, f.arena);
		ck_assert_ok(uidset_add(&uid, 1 + 5 * i, 1 + 5 * i));
		name.n = (size_t)snprintf(text, sizeof(text), "word%u", i);
		ck_assert_ok(
		    message_store_flags(f.a, f.inbox, &uid, FLAGS_ADD, &list, MODSEQ_ANY, NULL));
	}
	struct uidset last = uids_of(&f, "300"), owner = uids_of(&f, "246");
	name = STR("another");
	ck_assert_int_eq(
	    message_store_flags(f.a, f.inbox, &last, FLAGS_ADD, &list, MODSEQ_ANY, NULL),
	    ERR_LIMIT);
	name = STR("word49");
	ck_assert_ok(
	    message_store_flags(f.a, f.inbox, &owner, FLAGS_REMOVE, &list, MODSEQ_ANY, NULL));
	name = STR("another");
	ck_assert_ok(message_store_flags(f.a, f.inbox, &last, FLAGS_ADD, &list, MODSEQ_ANY, NULL));
	ck_assert_int_eq(query("SELECT bit FROM keyword WHERE name = 'another'"), 49);
	ck_assert_int_eq(query("SELECT count(*) FROM keyword"), KEYWORDS_MAX);
	ck_assert_pages(300);
	fixture_close(&f);
}
END_TEST

START_TEST(the_last_uid_is_given_out_and_then_no_more)
{
	struct copied c;

	fixture_open(&f);
	deliver_one(&f, 1, 100);
	run("UPDATE mailbox SET uidnext = 4294967294 WHERE name = 'INBOX'");
	ck_assert_uint_eq(deliver_one(&f, 2, 100), 4294967294);
	struct uidset all = uids_of(&f, "1:4294967295"), one = uids_of(&f, "1");
	ck_assert_int_eq(message_copy(f.a, f.inbox, &one, f.inbox, f.arena, &c), ERR_LIMIT);
	ck_assert_str_eq(listing(&f, f.inbox), "1 4294967294");
	ck_assert_ok(message_copy(f.a, f.inbox, &all, f.archive, f.arena, &c));
	ck_assert_uint_eq(uidset_count(&c.to), 2);
	ck_assert_pages(2);
	ck_assert_ok(message_remove(f.a, f.inbox, &all));
	ck_assert_pages(0);
	fixture_close(&f);
}
END_TEST

START_TEST(renaming_inbox_takes_all_pages_along)
{
	struct mailbox_info info;

	fixture_open(&f);
	fill_inbox(500);
	CLEANUP(view_unref) struct view *before = view_now(&f, f.inbox);
	ck_assert_ok(mailbox_rename(f.a, STR("INBOX"), STR("old")));
	ck_assert_ok(mailbox_find(f.a, STR("old"), f.arena, &info));
	CLEANUP(view_unref) struct view *after = view_now(&f, info.id);
	ck_assert_uint_eq(view_count(after), 500);
	for (uint32_t seq = 1; seq <= 500; seq++) {
		ck_assert_uint_eq(view_at(after, seq)->uid, view_at(before, seq)->uid);
		ck_assert_uint_gt(view_at(after, seq)->modseq, view_modseq(before));
	}
	ck_assert_pages(0);
	ck_assert_int_eq(query("SELECT count(*) FROM expunged"), 500);
	ck_assert_int_eq(query("SELECT count(*) FROM unswept"), 0); /* nothing to clean */
	fixture_close(&f);
}
END_TEST

static char logged[2000];

static void
keep_line(void *arg, struct str line)
{
	(void)arg;
	snprintf(logged, sizeof(logged), "%.*s", STR_ARG(line));
}

START_TEST(a_damaged_page_is_an_error_with_the_path_and_no_crash)
{
	static const char *const damages[] = {
	    "UPDATE entry_page SET entries = zeroblob(3840)",
	    "UPDATE entry_page SET entries = ''",
	    "UPDATE entry_page SET entries = 17",
	    "UPDATE entry_page SET entries = randomblob(3840)",
	    "UPDATE entry_page SET count = -1",
	    "UPDATE entry_page SET count = 9223372036854775807",
	    "UPDATE entry_page SET modseq = 0",
	    ("INSERT INTO entry_page SELECT id + 2, mailbox, modseq, count, entries"
	     " FROM entry_page WHERE id & 4294967295 = 257"),
	};

	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		struct flag_list seen = {.system = FLAG_SEEN};
		struct copied c;
		struct view *v = NULL;
		fixture_open(&f);
		fill_inbox(600);
		run(damages[i]);
		run("UPDATE mailbox SET highest_modseq = highest_modseq + 1");
		struct uidset uids = uids_of(&f, "1:600");
		log_capture(keep_line, NULL);
		enum err flags =
		    message_store_flags(f.a, f.inbox, &uids, FLAGS_SET, &seen, MODSEQ_ANY, NULL);
		enum err copy = message_copy(f.a, f.inbox, &uids, f.archive, f.arena, &c);
		enum err view = view_current(f.a, f.inbox, &v);
		enum err gone = message_remove(f.a, f.inbox, &uids);
		enum err deleted = mailbox_delete(f.a, STR("Junk"));
		log_capture(NULL, NULL);
		ck_assert_msg(view == ERR_CORRUPT, "%s: %d", damages[i], view);
		ck_assert_ptr_nonnull(strstr(logged, "/mail.db"));
		ck_assert_ok(deleted); /* others are no worse for it */
		if (i < ARRAY_LEN(damages) - 1) {
			ck_assert_int_eq(flags, ERR_CORRUPT);
			ck_assert_int_eq(copy, ERR_CORRUPT);
			ck_assert_int_eq(gone, ERR_CORRUPT);
		}
		fixture_close(&f);
	}
}
END_TEST

/* A view that this process brought forward itself, one that another read. */
static void
ck_assert_same_entries(const struct view *a, const struct view *b)
{
	ck_assert_uint_eq(view_count(a), view_count(b));
	ck_assert_uint_eq(view_modseq(a), view_modseq(b));
	for (uint32_t seq = 1; seq <= view_count(a); seq++) {
		const struct view_entry *x = view_at(a, seq), *y = view_at(b, seq);
		ck_assert(x->uid == y->uid && x->flags == y->flags && x->modseq == y->modseq &&
			  x->message == y->message && x->size == y->size);
	}
}

static void *
sum_uids(void *arg)
{
	struct view_iter it = view_iter_at(arg, 1);
	const struct view_entry *e;
	uintptr_t sum = 0;

	while ((e = view_next(&it)))
		sum += e->uid;
	return (void *)sum;
}

START_TEST(entries_are_unpacked_when_somebody_looks_and_once)
{
	pthread_t thread[4];
	struct view_hint hint = {0};
	uint32_t seq = 0;

	fixture_open(&f);
	fill_inbox(1000);
	CLEANUP(view_unref) struct view *v = NULL;
	ck_assert_ok(view_catch_up(f.a, f.inbox, 0, &v));
	ck_assert_uint_eq(view_count(v), 1000);
	ck_assert_uint_eq(v->chunks, 4);
	/* the flags of a chunk are known without its entries */
	struct uid_range all = {300, UINT32_MAX};
	ck_assert_ptr_nonnull(view_find_flags(v, all, FLAG_SEEN, 0, &hint, &seq));
	ck_assert_uint_eq(seq, 300);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(atomic_load(&v->slot[i].c->packed->open), i == 1);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, sum_uids, v), 0);
	for (size_t i = 0; i < 4; i++) {
		void *sum;
		ck_assert_int_eq(pthread_join(thread[i], &sum), 0);
		ck_assert_uint_eq((uintptr_t)sum, 1000 * 1001 / 2);
	}
	fixture_close(&f);
}
END_TEST

START_TEST(a_view_after_a_store_is_as_if_it_had_been_read)
{
	static const char *const sets[] = {"7", "1:300", "2:3,96:97,299", "400"};
	struct flag_list lists[] = {{.system = FLAG_SEEN}, {.system = FLAG_DRAFT | FLAG_DELETED}};

	fixture_open(&f);
	fill_inbox(300);
	struct store *second = fixture_second(&f, "second");
	struct account *other = NULL;
	ck_assert_ok(account_open(second, account_id(f.a), &other));
	srand(3);
	for (int i = 0; i < 60; i++) {
		CLEANUP(view_unref) struct view *mine = NULL;
		CLEANUP(view_unref) struct view *theirs = NULL;
		struct uidset uids = uids_of(&f, sets[rand() % 4]);
		struct account *who = rand() % 4 ? f.a : other;
		if (rand() % 3)
			mine = view_now(&f, f.inbox);
		view_unref(&mine);
		ck_assert_ok(message_store_flags(who, f.inbox, &uids, (enum flags_op)(rand() % 3),
		    &lists[rand() % 2], MODSEQ_ANY, NULL));
		mine = view_now(&f, f.inbox);
		ck_assert_ok(view_current(other, f.inbox, &theirs));
		ck_assert_same_entries(mine, theirs);
		CLEANUP(view_unref) struct view *fresh = NULL;
		ck_assert_ok(view_catch_up(f.a, f.inbox, VIEWER_OWNER, &fresh));
		ck_assert_same_entries(mine, fresh);
	}
	account_unref(&other);
	store_close(&second);
	fixture_close(&f);
}
END_TEST

TEST_MAIN("entries", entries_are_unpacked_when_somebody_looks_and_once,
    a_view_after_a_store_is_as_if_it_had_been_read, copies_onto_the_same_mailbox_fill_pages,
    pages_that_lose_entries_join_or_go, many_entries_expunged_at_once_leave_few_rows,
    ranges_find_what_is_in_them, keywords_in_any_page_keep_their_bits,
    the_last_uid_is_given_out_and_then_no_more, renaming_inbox_takes_all_pages_along,
    a_damaged_page_is_an_error_with_the_path_and_no_crash)
