/* Messages into, between and out of mailboxes, one operation at a time. */
#include "common/base/clock.h"
#include "store/directory.h"
#include "store/message_private.h"
#include "store/view_private.h"
#include "tests/store/fixture.h"
#include "tests/support/test.h"

#include <sys/resource.h>

static struct fixture f;

START_TEST(a_message_of_any_size_comes_back_octet_for_octet)
{
	static const struct {
		size_t size;
		unsigned files;
	} rows[] = {
	    {20, 0},
	    {4096, 0},
	    {SPOOL_MEMORY - 1, 0},
	    {SPOOL_MEMORY, 0},
	    {SPOOL_MEMORY + 1, 1},
	    {3 * SPOOL_MEMORY, 1},
	    {1000003, 1},
	};
	fixture_open(&f);
	unsigned files = 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t size = rows[i].size;
		CLEANUP(mem_free) char *octets = make_message((unsigned)i, size);
		CLEANUP(reader_close) struct reader *r = NULL;
		struct message_row row;
		uint32_t uid = deliver_one(&f, (unsigned)i, size);
		int64_t id = message_of(&f, f.inbox, uid);
		ck_assert_uint_eq(uid, i + 1);
		files += rows[i].files;
		ck_assert_uint_eq(count_blobs(&f, f.a), files);
		ck_assert_uint_eq(count_spool(&f), 0);
		ck_assert_holds(f.a, id, octets, size);

		ck_assert_ok(reader_open(f.a, &r));
		ck_assert_ok(reader_message(
		    r, id, WANT_HEADER | WANT_ENVELOPE | WANT_BODYSTRUCTURE | WANT_PARTS, &row));
		ck_assert_uint_eq(row.size, size);
		ck_assert_uint_eq(row.header_size, 20);
		ck_assert_uint_eq(row.email_id.n, 20);
		for (size_t k = 0; k < 20; k++)
			ck_assert(strchr("abcdefghijklmnopqrstuvwxyz234567", row.email_id.p[k]));
		ck_assert(str_eq(row.header, str_make(octets, 20)));
		ck_assert_uint_gt(row.envelope.n, 0);
		ck_assert_uint_gt(row.bodystructure.n, 0);
		ck_assert_uint_gt(row.parts.n, 0);
		/* anywhere, also across the line between header and body, and past the end */
		for (size_t at = 0; at < size + 10; at += 1 + size / 37) {
			char buf[100];
			size_t n = 77;
			ck_assert_ok(reader_read(r, id, at, buf, 50, &n));
			size_t expect = at >= size ? 0 : size - at < 50 ? size - at : 50;
			ck_assert_uint_eq(n, expect);
			ck_assert_int_eq(memcmp(buf, octets + at, expect), 0);
		}
	}
	ck_assert_counters(f.a);
	fixture_close(&f);
}
END_TEST

START_TEST(an_empty_message_is_stored)
{
	fixture_open(&f);
	CLEANUP(spool_free) struct spool *s = NULL;
	ck_assert_ok(spool_new(f.store, &s));
	struct delivery d = {.account = account_id(f.a)};
	message_deliver(f.store, s, &d, 1);
	ck_assert_ok(d.result);
	ck_assert_holds(f.a, message_of(&f, f.inbox, d.uid), "", 0);
	fixture_close(&f);
}
END_TEST

START_TEST(a_big_message_takes_constant_memory)
{
	fixture_open(&f);
	CLEANUP(spool_free) struct spool *s = NULL;
	ck_assert_ok(spool_new(f.store, &s));
	CLEANUP(mem_free) char *octets = make_message(1, 65536);
	struct rusage before, after;
	ck_assert_ok(spool_write(s, octets, 65536));
	getrusage(RUSAGE_SELF, &before);
	for (int i = 1; i < 400; i++) /* 25 MB */
		ck_assert_ok(spool_write(s, octets, 65536));
	struct delivery d = {.account = account_id(f.a)};
	message_deliver(f.store, s, &d, 1);
	getrusage(RUSAGE_SELF, &after);
	ck_assert_ok(d.result);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 4096);
#endif
	fixture_close(&f);
}
END_TEST

START_TEST(several_accounts_get_one_copy_each_and_fail_alone)
{
	for (size_t size = 1000; size <= 200000; size += 199000) {
		fixture_open(&f);
		CLEANUP(mem_free) char *octets = make_message(1, size);
		CLEANUP(spool_free) struct spool *s = make_spool(&f, octets, size);
		struct delivery d[] = {
		    {.account = account_id(f.a)}, {.account = 999}, {.account = account_id(f.b)},
		    {.account = account_id(f.a), .mailbox = STR("Archive")}, /* has it */
		};
		ck_assert_ok(directory_set_quota(f.store, STR("b@example.test"), 500, 0));
		message_deliver(f.store, s, d, 4);
		ck_assert_ok(d[0].result);
		ck_assert_int_eq(d[1].result, ERR_GONE);
		ck_assert_int_eq(d[2].result, ERR_OVER_QUOTA);
		ck_assert_ok(d[3].result);
		ck_assert_uint_eq(d[3].uid, d[0].uid);
		ck_assert_str_eq(listing(&f, f.inbox), "1");
		ck_assert_str_eq(listing(&f, f.archive), "");
		ck_assert_uint_eq(count_blobs(&f, f.a), size > SPOOL_MEMORY);
		ck_assert_uint_eq(count_blobs(&f, f.b), 0);
		/* the rest of the spool's life: the same message again, to both */
		ck_assert_ok(directory_set_quota(f.store, STR("b@example.test"), 0, 0));
		d[1].account = account_id(f.b);
		message_deliver(f.store, s, d, 2);
		ck_assert_ok(d[0].result);
		ck_assert_ok(d[1].result);
		spool_free(&s);
		ck_assert_uint_eq(count_spool(&f), 0);
		ck_assert_holds(f.a, message_of(&f, f.inbox, 2), octets, size);
		ck_assert_counters(f.a);
		ck_assert_counters(f.b);
		fixture_close(&f);
	}
}
END_TEST

START_TEST(a_delivery_goes_to_its_mailbox_or_the_inbox)
{
	static const struct {
		const char *mailbox;
		bool inbox;
	} rows[] = {
	    {"", true},
	    {"Archive", false},
	    {"inbox", true},
	    {"nowhere", true},
	    {"bad//name", true},
	    {"Archive/", false},
	};
	fixture_open(&f);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(spool_free) struct spool *s = make_spool(&f, "A: b\r\n\r\n", 8);
		CLEANUP(view_unref) struct view *before = view_now(&f, f.inbox);
		struct delivery d = {
		    .account = account_id(f.a), .mailbox = str_of(rows[i].mailbox)};
		message_deliver(f.store, s, &d, 1);
		ck_assert_ok(d.result);
		CLEANUP(view_unref) struct view *after = view_now(&f, f.inbox);
		ck_assert_msg(
		    view_count(after) - view_count(before) == rows[i].inbox, "%s", rows[i].mailbox);
	}
	fixture_close(&f);
}
END_TEST

START_TEST(over_quota_leaves_nothing_behind)
{
	struct quota q;

	fixture_open(&f);
	ck_assert_ok(directory_set_quota(f.store, STR("a@example.test"), 250000, 4));
	deliver_one(&f, 1, 1000);
	deliver_one(&f, 2, 200000);
	for (size_t size = 60000; size <= 200000; size += 140000) {
		CLEANUP(mem_free) char *octets = make_message(3, size);
		CLEANUP(spool_free) struct spool *s = make_spool(&f, octets, size);
		struct delivery d = {.account = account_id(f.a)};
		message_deliver(f.store, s, &d, 1);
		ck_assert_int_eq(d.result, ERR_OVER_QUOTA);
	}
	struct copied copied;
	struct uidset two = uids_of(&f, "2");
	ck_assert_int_eq(
	    message_copy(f.a, f.inbox, &two, f.archive, f.arena, &copied), ERR_OVER_QUOTA);
	ck_assert_ok(message_move(f.a, f.inbox, &two, f.archive, f.arena, &copied));
	ck_assert_ok(account_quota(f.a, &q));
	ck_assert_uint_eq(q.bytes_used, 201000);
	ck_assert_uint_eq(q.messages_used, 2);
	ck_assert_uint_eq(count_blobs(&f, f.a), 1);
	deliver_one(&f, 4, 49000); /* exactly full */
	ck_assert_ok(account_quota(f.a, &q));
	ck_assert_uint_eq(q.bytes_used, 250000);
	ck_assert_counters(f.a);
	/* over a limit that was lowered mail can still go to Trash, and out */
	ck_assert_ok(directory_set_quota(f.store, STR("a@example.test"), 1000, 1));
	struct uidset one = uids_of(&f, "1");
	ck_assert_ok(message_move(f.a, f.inbox, &one, f.archive, f.arena, &copied));
	ck_assert_int_eq(
	    message_copy(f.a, f.archive, &one, f.inbox, f.arena, &copied), ERR_OVER_QUOTA);
	ck_assert_ok(message_remove(f.a, f.archive, &one));
	ck_assert_ok(account_quota(f.a, &q));
	ck_assert_uint_eq(q.bytes_used, 50000);
	ck_assert_uint_eq(q.messages_used, 2);
	ck_assert_counters(f.a);
	fixture_close(&f);
}
END_TEST

START_TEST(append_takes_all_or_none)
{
	uint32_t validity = 0;

	fixture_open(&f);
	CLEANUP(mem_free) char *big = make_message(1, 100000);
	struct str words[] = {STR("$Label1"), STR("Junk")};
	struct append items[3] = {append_of(&f, "A: 1\r\n\r\none", 11, FLAG_SEEN),
	    append_of(&f, big, 100000, 0), append_of(&f, "A: 3\r\n\r\nthree", 13, FLAG_DELETED)};
	items[2].flags.keywords = words;
	items[2].flags.keyword_count = 2;
	ck_assert_ok(directory_set_quota(f.store, STR("a@example.test"), 100020, 0));
	ck_assert_int_eq(message_append(f.a, f.archive, items, 3, &validity), ERR_OVER_QUOTA);
	ck_assert_str_eq(listing(&f, f.archive), "");
	ck_assert_uint_eq(count_blobs(&f, f.a), 0);
	ck_assert_counters(f.a);
	ck_assert_ok(directory_set_quota(f.store, STR("a@example.test"), 0, 0));
	ck_assert_int_eq(message_append(f.a, 12345, items, 3, &validity), ERR_GONE);
	ck_assert_uint_eq(count_blobs(&f, f.a), 0);
	ck_assert_ok(message_append(f.a, f.archive, items, 3, &validity));
	ck_assert_uint_eq(items[2].ret_uid, items[0].ret_uid + 2);
	ck_assert_str_eq(listing(&f, f.archive), "1S 2 3D/$Label1/Junk");
	CLEANUP(view_unref) struct view *v = view_now(&f, f.archive);
	ck_assert_uint_eq(view_uidvalidity(v), validity);
	ck_assert_uint_eq(view_uidnext(v), 4);
	CLEANUP(reader_close) struct reader *r = NULL;
	struct message_row row;
	ck_assert_ok(reader_open(f.a, &r));
	ck_assert_ok(reader_message(r, view_at(v, 2)->message, WANT_HEADER, &row));
	ck_assert_int_eq(row.internal_s, 1000000000);
	ck_assert_int_eq(row.internal_zone_s, -3600);
	ck_assert_counters(f.a);
	for (int i = 0; i < 3; i++)
		spool_free(&items[i].spool);
	reader_close(&r);
	fixture_close(&f);
}
END_TEST

START_TEST(flags_change_as_asked_and_only_then_get_a_modseq)
{
	static const struct {
		enum flags_op op;
		uint64_t flags;
		const char *keyword, *uids, *after;
		bool changes;
	} rows[] = {
	    {FLAGS_ADD, FLAG_SEEN, NULL, "1", "1S 2 3", true},
	    {FLAGS_ADD, FLAG_SEEN, NULL, "1", "1S 2 3", false},
	    {FLAGS_ADD, FLAG_DELETED, "Junk", "1:2", "1SD/Junk 2D/Junk 3", true},
	    {FLAGS_ADD, 0, "JUNK", "2", "1SD/Junk 2D/Junk 3", false},
	    {FLAGS_REMOVE, FLAG_SEEN, "Other", "1:99", "1D/Junk 2D/Junk 3", true},
	    {FLAGS_SET, FLAG_DRAFT, NULL, "2:3", "1D/Junk 2R 3R", true},
	    {FLAGS_SET, FLAG_DRAFT, NULL, "3,2,2,3", "1D/Junk 2R 3R", false},
	    {FLAGS_REMOVE, FLAG_DRAFT, "junk", "3,1,2,1:3", "1D 2 3", true},
	    {FLAGS_SET, 0, NULL, "1:3", "1 2 3", true},
	    {FLAGS_ADD, FLAG_SEEN, "Never", "7:9", "1 2 3", false},
	};
	fixture_open(&f);
	for (unsigned i = 1; i <= 3; i++)
		deliver_one(&f, i, 100);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(view_unref) struct view *before = view_now(&f, f.inbox);
		struct uidset uids = uids_of(&f, rows[i].uids);
		struct str word = str_of(rows[i].keyword);
		struct flag_list list = {rows[i].flags, &word, rows[i].keyword ? 1 : 0};
		ck_assert_ok(
		    message_store_flags(f.a, f.inbox, &uids, rows[i].op, &list, MODSEQ_ANY, NULL));
		CLEANUP(view_unref) struct view *after = view_now(&f, f.inbox);
		ck_assert_str_eq(listing(&f, f.inbox), rows[i].after);
		ck_assert_msg(
		    (view_modseq(after) > view_modseq(before)) == rows[i].changes, "row %zu", i);
		ck_assert_counters(f.a);
	}
	CLEANUP(view_unref) struct view *last = view_now(&f, f.inbox);
	ck_assert_uint_eq(view_keyword_bit(last, STR("Never")), 0);
	struct uidset one = uids_of(&f, "1");
	struct flag_list none = {0};
	ck_assert_int_eq(
	    message_store_flags(f.a, 777, &one, FLAGS_SET, &none, MODSEQ_ANY, NULL), ERR_GONE);
	fixture_close(&f);
}
END_TEST

START_TEST(entries_changed_meanwhile_are_left_alone)
{
	fixture_open(&f);
	for (unsigned i = 1; i <= 4; i++)
		deliver_one(&f, i, 100);
	CLEANUP(view_unref) struct view *known = view_now(&f, f.inbox);
	struct uidset three = uids_of(&f, "3");
	struct uidset all = uids_of(&f, "1:4");
	struct uidset modified;
	struct flag_list seen = {.system = FLAG_SEEN};
	struct flag_list flagged = {.system = FLAG_FLAGGED};
	uidset_init(&modified, f.arena);
	ck_assert_ok(message_store_flags(f.a, f.inbox, &three, FLAGS_ADD, &seen, MODSEQ_ANY, NULL));
	ck_assert_ok(message_store_flags(
	    f.a, f.inbox, &all, FLAGS_ADD, &flagged, view_modseq(known), &modified));
	ck_assert_str_eq(listing(&f, f.inbox), "1F 2F 3S 4F");
	ck_assert_uint_eq(uidset_count(&modified), 1);
	ck_assert(uidset_has(&modified, 3));
	fixture_close(&f);
}
END_TEST

/* Bits are taken back from keywords that no entry has: an entry of the same APPEND has one, too. */
START_TEST(messages_appended_together_do_not_take_keywords_from_each_other)
{
	struct flag_list none = {0};
	uint32_t validity = 0;

	fixture_open(&f);
	deliver_one(&f, 1, 100);
	struct uidset one = uids_of(&f, "1");
	for (int i = 0; i < KEYWORDS_MAX; i++) {
		struct str word = arena_printf(f.arena, "word%d", i);
		struct flag_list list = {0, &word, 1};
		ck_assert_ok(
		    message_store_flags(f.a, f.inbox, &one, FLAGS_SET, &list, MODSEQ_ANY, NULL));
	}
	ck_assert_ok(message_store_flags(f.a, f.inbox, &one, FLAGS_SET, &none, MODSEQ_ANY, NULL));
	struct str words[] = {STR("word0"), STR("new"), STR("newer"), STR("word1")};
	struct append items[4];
	for (size_t i = 0; i < ARRAY_LEN(items); i++) {
		items[i] = append_of(&f, "A: 1\r\n\r\n", 8, 0);
		items[i].flags.keywords = &words[i];
		items[i].flags.keyword_count = 1;
	}
	ck_assert_ok(message_append(f.a, f.inbox, items, ARRAY_LEN(items), &validity));
	ck_assert_str_eq(listing(&f, f.inbox), "1 2/word0 3/new 4/newer 5/word1");
	for (size_t i = 0; i < ARRAY_LEN(items); i++)
		spool_free(&items[i].spool);
	fixture_close(&f);
}
END_TEST

START_TEST(keywords_have_a_limit_and_unused_ones_make_room)
{
	fixture_open(&f);
	deliver_one(&f, 1, 100);
	struct uidset one = uids_of(&f, "1");
	for (int i = 0; i <= KEYWORDS_MAX; i++) {
		struct str word = arena_printf(f.arena, "word%d", i);
		struct flag_list list = {0, &word, 1};
		enum err e =
		    message_store_flags(f.a, f.inbox, &one, FLAGS_ADD, &list, MODSEQ_ANY, NULL);
		ck_assert_int_eq(e, i < KEYWORDS_MAX ? ERR_OK : ERR_LIMIT);
	}
	struct str word5 = STR("word5");
	struct str fresh[] = {STR("fresh"), STR("WORD7")};
	struct flag_list remove = {0, &word5, 1};
	struct flag_list add = {0, fresh, 2};
	ck_assert_ok(
	    message_store_flags(f.a, f.inbox, &one, FLAGS_REMOVE, &remove, MODSEQ_ANY, NULL));
	ck_assert_ok(message_store_flags(f.a, f.inbox, &one, FLAGS_ADD, &add, MODSEQ_ANY, NULL));
	const char *now = listing(&f, f.inbox);
	ck_assert_ptr_nonnull(strstr(now, "/fresh"));
	ck_assert_ptr_null(strstr(now, "/word5/"));
	ck_assert_ptr_nonnull(strstr(now, "/word57"));
	/* into an empty set all at once, and one too long */
	char long_name[KEYWORD_LEN_MAX + 2];
	memset(long_name, 'k', sizeof(long_name));
	struct str longest = str_make(long_name, KEYWORD_LEN_MAX);
	struct str too_long = str_make(long_name, KEYWORD_LEN_MAX + 1);
	struct flag_list ok = {0, &longest, 1};
	struct flag_list not_ok = {0, &too_long, 1};
	struct flag_list none = {0};
	ck_assert_ok(message_store_flags(f.a, f.inbox, &one, FLAGS_SET, &none, MODSEQ_ANY, NULL));
	ck_assert_ok(message_store_flags(f.a, f.inbox, &one, FLAGS_SET, &ok, MODSEQ_ANY, NULL));
	ck_assert_int_eq(
	    message_store_flags(f.a, f.inbox, &one, FLAGS_SET, &not_ok, MODSEQ_ANY, NULL),
	    ERR_LIMIT);
	fixture_close(&f);
}
END_TEST

START_TEST(a_copy_shares_the_message_and_a_move_brings_it)
{
	struct copied c;
	struct str words[] = {STR("one"), STR("two")};

	fixture_open(&f);
	deliver_one(&f, 1, 100);
	deliver_one(&f, 2, 100000);
	deliver_one(&f, 3, 100);
	struct uidset all = uids_of(&f, "1:100");
	struct uidset two = uids_of(&f, "2");
	struct flag_list first = {FLAG_SEEN, words, 2}, second = {0, words + 1, 1};
	struct append a = append_of(&f, "A: b\r\n\r\n", 8, 0);
	a.flags = second; /* Archive knows "two" by another bit */
	ck_assert_ok(message_append(f.a, f.archive, &a, 1, &(uint32_t){0}));
	spool_free(&a.spool);
	ck_assert_ok(message_store_flags(f.a, f.inbox, &two, FLAGS_ADD, &first, MODSEQ_ANY, NULL));

	ck_assert_ok(message_copy(f.a, f.inbox, &all, f.archive, f.arena, &c));
	ck_assert_str_eq(listing(&f, f.archive), "1/two 2 3S/two/one 4");
	ck_assert_str_eq(listing(&f, f.inbox), "1 2S/one/two 3");
	ck_assert_uint_eq(uidset_count(&c.from), 3);
	ck_assert_uint_eq(c.from.n, 1);
	ck_assert_uint_eq(c.to.r[0].lo, 2);
	ck_assert_uint_eq(c.to.r[0].hi, 4);
	ck_assert_int_eq(message_of(&f, f.inbox, 2), message_of(&f, f.archive, 3));
	ck_assert_uint_eq(count_blobs(&f, f.a), 1);
	ck_assert_counters(f.a);

	struct uidset some = uids_of(&f, "2:3,99");
	CLEANUP(view_unref) struct view *before = view_now(&f, f.inbox);
	ck_assert_ok(message_move(f.a, f.inbox, &some, f.archive, f.arena, &c));
	CLEANUP(view_unref) struct view *after = view_now(&f, f.inbox);
	ck_assert_uint_gt(view_modseq(after), view_modseq(before));
	ck_assert_str_eq(listing(&f, f.inbox), "1");
	ck_assert_str_eq(listing(&f, f.archive), "1/two 2 3S/two/one 4 5S/two/one 6");
	ck_assert_uint_eq(uidset_count(&c.from), 2);
	ck_assert_uint_eq(uidset_count(&c.to), 2);
	ck_assert_counters(f.a);

	ck_assert_ok(message_move(f.a, f.archive, &some, f.archive, f.arena, &c)); /* to itself */
	ck_assert_str_eq(listing(&f, f.archive), "1/two 4 5S/two/one 6 7 8S/two/one");
	ck_assert_counters(f.a);
	struct uidset none = uids_of(&f, "90:99");
	ck_assert_ok(message_copy(f.a, f.archive, &none, f.inbox, f.arena, &c));
	ck_assert_uint_eq(c.from.n, 0);
	ck_assert_uint_ne(c.uidvalidity, 0);
	ck_assert_int_eq(message_copy(f.a, f.archive, &none, 99, f.arena, &c), ERR_GONE);
	ck_assert_int_eq(message_copy(f.a, 99, &all, f.archive, f.arena, &c), ERR_GONE);
	ck_assert_int_eq(message_move(f.a, f.archive, &all, 99, f.arena, &c), ERR_GONE);
	ck_assert_str_eq(listing(&f, f.archive), "1/two 4 5S/two/one 6 7 8S/two/one");
	fixture_close(&f);
}
END_TEST

START_TEST(expunge_takes_the_deleted_and_the_last_entry_takes_the_message)
{
	struct copied c;
	struct uidset went;
	struct flag_list deleted = {.system = FLAG_DELETED};

	fixture_open(&f);
	for (unsigned i = 1; i <= 5; i++)
		deliver_one(&f, i, i == 2 ? 100000 : 100);
	uidset_init(&went, f.arena);
	ck_assert_ok(message_expunge(f.a, f.inbox, NULL, &went));
	ck_assert_uint_eq(went.n, 0);
	struct uidset two = uids_of(&f, "2");
	struct uidset some = uids_of(&f, "1:3,5");
	struct uidset upper = uids_of(&f, "2:4");
	ck_assert_ok(message_copy(f.a, f.inbox, &two, f.archive, f.arena, &c));
	int64_t shared = message_of(&f, f.inbox, 2), alone = message_of(&f, f.inbox, 3);
	ck_assert_ok(
	    message_store_flags(f.a, f.inbox, &some, FLAGS_ADD, &deleted, MODSEQ_ANY, NULL));
	ck_assert_ok(message_expunge(f.a, f.inbox, &upper, &went)); /* UID EXPUNGE */
	ck_assert_str_eq(listing(&f, f.inbox), "1D 4 5D");
	ck_assert_uint_eq(uidset_count(&went), 2);
	CLEANUP(reader_close) struct reader *r = NULL;
	struct message_row row;
	ck_assert_ok(account_clean(f.a));
	ck_assert_ok(reader_open(f.a, &r));
	ck_assert_ok(reader_message(r, shared, WANT_HEADER, &row));
	ck_assert_int_eq(reader_message(r, alone, WANT_HEADER, &row), ERR_GONE);
	size_t n;
	ck_assert_int_eq(reader_read(r, alone, 0, (char[1]){0}, 1, &n), ERR_GONE);
	reader_close(&r);
	ck_assert_ok(message_expunge(f.a, f.inbox, NULL, NULL));
	ck_assert_str_eq(listing(&f, f.inbox), "4");
	ck_assert_ok(account_clean(f.a));
	ck_assert_uint_eq(count_blobs(&f, f.a), 1);
	struct uidset first = uids_of(&f, "1");
	ck_assert_ok(message_remove(f.a, f.archive, &first)); /* whatever its flags */
	ck_assert_ok(account_clean(f.a));
	ck_assert_uint_eq(count_blobs(&f, f.a), 0);
	ck_assert_ok(message_remove(f.a, f.archive, &first)); /* already gone: fine */
	ck_assert_int_eq(message_expunge(f.a, 99, NULL, NULL), ERR_GONE);
	ck_assert_int_eq(message_remove(f.a, 99, &first), ERR_GONE);
	ck_assert_counters(f.a);
	ck_assert_uint_eq(deliver_one(&f, 9, 50), 6); /* UIDs are not used twice */
	fixture_close(&f);
}
END_TEST

static int64_t
count_tombstones(struct account *a)
{
	CLEANUP(read_end) struct handle *h = NULL;
	int64_t n = -1;

	ck_assert_ok(account_read(a, &h));
	ck_assert_ok(db_get_int(h->db, "SELECT count(*) FROM tombstone", &n));
	return n;
}

static void
remove_uids(uint32_t from, uint32_t to)
{
	struct uidset uids;

	uidset_init(&uids, f.arena);
	ck_assert_ok(uidset_add(&uids, from, to));
	ck_assert_ok(message_remove(f.a, f.inbox, &uids));
}

START_TEST(old_tombstones_go_in_small_steps_and_it_is_known_how_far)
{
	struct mailbox_info info;

	fixture_open(&f);
	f.store->tombstone_days = 90;
	for (unsigned i = 1; i <= 70; i++)
		deliver_one(&f, i, 100);
	CLEANUP(view_unref) struct view *full = view_now(&f, f.inbox);
	CLEANUP(view_unref) struct view *sixteen = NULL;
	clock_freeze(2000000000);
	for (uint32_t uid = 1; uid <= 50; uid++) {
		remove_uids(uid, uid);
		if (uid == 16)
			sixteen = view_now(&f, f.inbox);
	}
	CLEANUP(view_unref) struct view *before = view_now(&f, f.inbox);
	clock_advance_ms(80 * 86400000ll);
	remove_uids(51, 52);
	ck_assert_int_eq(count_tombstones(f.a), 51);
	ck_assert_ok(mailbox_find(f.a, STR("INBOX"), f.arena, &info));
	ck_assert_uint_eq(info.pruned_modseq, 0);

	clock_advance_ms(11 * 86400000ll);
	remove_uids(53, 53); /* the first 50 are too old now, but wait for the cleaner */
	ck_assert_int_eq(count_tombstones(f.a), 52);
	ck_assert_ok(account_clean(f.a));
	remove_uids(54, 54); /* 16 of them go */
	ck_assert_int_eq(count_tombstones(f.a), 53 - 16);
	ck_assert_ok(mailbox_find(f.a, STR("INBOX"), f.arena, &info));
	ck_assert_uint_eq(info.pruned_modseq, view_modseq(sixteen));
	for (uint32_t uid = 55; uid <= 58; uid++)
		remove_uids(uid, uid);
	ck_assert_int_eq(count_tombstones(f.a), 7); /* 51 is younger */
	ck_assert_ok(mailbox_find(f.a, STR("INBOX"), f.arena, &info));
	ck_assert_uint_eq(info.pruned_modseq, view_modseq(before));
	ck_assert_str_eq(listing(&f, f.inbox), "59 60 61 62 63 64 65 66 67 68 69 70");
	ck_assert_counters(f.a);
	clock_thaw();
	/* another process has the mailbox as it was before all of this */
	struct view *stale = MOVE_PTR(full);
	ck_assert_ok(view_catch_up(f.a, f.inbox, VIEWER_OWNER, &stale));
	ck_assert_uint_eq(view_count(stale), 12);
	view_unref(&stale);
	fixture_close(&f);
}
END_TEST

TEST_MAIN("message", a_message_of_any_size_comes_back_octet_for_octet, an_empty_message_is_stored,
    a_big_message_takes_constant_memory, several_accounts_get_one_copy_each_and_fail_alone,
    a_delivery_goes_to_its_mailbox_or_the_inbox, over_quota_leaves_nothing_behind,
    append_takes_all_or_none, flags_change_as_asked_and_only_then_get_a_modseq,
    entries_changed_meanwhile_are_left_alone,
    messages_appended_together_do_not_take_keywords_from_each_other,
    keywords_have_a_limit_and_unused_ones_make_room, a_copy_shares_the_message_and_a_move_brings_it,
    expunge_takes_the_deleted_and_the_last_entry_takes_the_message,
    old_tombstones_go_in_small_steps_and_it_is_known_how_far)
