/* Messages into, between and out of mailboxes, one operation at a time, with faults. */
#include "common/base/clock.h"
#include "store/account_private.h"
#include "store/directory.h"
#include "store/view.h"
#include "tests/store/fixture.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct fixture f;

static struct view *
view_now(int64_t mailbox)
{
	struct view *v = NULL;

	ck_assert_ok(view_current(f.a, mailbox, &v));
	return v;
}

/* "uid:flags,…" of a mailbox, with keywords by name. */
static const char *
listing(int64_t mailbox)
{
	CLEANUP(view_unref) struct view *v = view_now(mailbox);
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
	return arena_cstr(f.arena, sbuf_view(&out));
}

static int64_t
message_of(int64_t mailbox, uint32_t uid)
{
	CLEANUP(view_unref) struct view *v = view_now(mailbox);
	const struct view_entry *e = view_at(v, view_seq_of(v, uid));

	ck_assert_ptr_nonnull(e);
	return e->message;
}

static void
ck_assert_holds(struct account *a, int64_t message, const char *octets, size_t size)
{
	size_t n = 0;
	CLEANUP(mem_free) char *got = read_message(a, message, &n);

	ck_assert_uint_eq(n, size);
	ck_assert_int_eq(memcmp(got, octets, size), 0);
}

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
		int64_t id = message_of(f.inbox, uid);
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
	ck_assert_holds(f.a, message_of(f.inbox, d.uid), "", 0);
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
		ck_assert_str_eq(listing(f.inbox), "1");
		ck_assert_str_eq(listing(f.archive), "");
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
		ck_assert_holds(f.a, message_of(f.inbox, 2), octets, size);
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
		CLEANUP(view_unref) struct view *before = view_now(f.inbox);
		struct delivery d = {
		    .account = account_id(f.a), .mailbox = str_of(rows[i].mailbox)};
		message_deliver(f.store, s, &d, 1);
		ck_assert_ok(d.result);
		CLEANUP(view_unref) struct view *after = view_now(f.inbox);
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
	fixture_close(&f);
}
END_TEST

static struct append
append_of(const char *octets, size_t size, uint64_t flags)
{
	return (struct append){.spool = make_spool(&f, octets, size),
	    .flags = {.system = flags},
	    .internal_s = 1000000000,
	    .internal_zone_s = -3600};
}

START_TEST(append_takes_all_or_none)
{
	uint32_t validity = 0;

	fixture_open(&f);
	CLEANUP(mem_free) char *big = make_message(1, 100000);
	struct str words[] = {STR("$Label1"), STR("Junk")};
	struct append items[3] = {append_of("A: 1\r\n\r\none", 11, FLAG_SEEN),
	    append_of(big, 100000, 0), append_of("A: 3\r\n\r\nthree", 13, FLAG_DELETED)};
	items[2].flags.keywords = words;
	items[2].flags.keyword_count = 2;
	ck_assert_ok(directory_set_quota(f.store, STR("a@example.test"), 100020, 0));
	ck_assert_int_eq(message_append(f.a, f.archive, items, 3, &validity), ERR_OVER_QUOTA);
	ck_assert_str_eq(listing(f.archive), "");
	ck_assert_uint_eq(count_blobs(&f, f.a), 0);
	ck_assert_counters(f.a);
	ck_assert_ok(directory_set_quota(f.store, STR("a@example.test"), 0, 0));
	ck_assert_int_eq(message_append(f.a, 12345, items, 3, &validity), ERR_GONE);
	ck_assert_uint_eq(count_blobs(&f, f.a), 0);
	ck_assert_ok(message_append(f.a, f.archive, items, 3, &validity));
	ck_assert_uint_eq(items[2].ret_uid, items[0].ret_uid + 2);
	ck_assert_str_eq(listing(f.archive), "1S 2 3D/$Label1/Junk");
	CLEANUP(view_unref) struct view *v = view_now(f.archive);
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
		CLEANUP(view_unref) struct view *before = view_now(f.inbox);
		struct uidset uids = uids_of(&f, rows[i].uids);
		struct str word = str_of(rows[i].keyword);
		struct flag_list list = {rows[i].flags, &word, rows[i].keyword ? 1 : 0};
		ck_assert_ok(
		    message_store_flags(f.a, f.inbox, &uids, rows[i].op, &list, MODSEQ_ANY, NULL));
		CLEANUP(view_unref) struct view *after = view_now(f.inbox);
		ck_assert_str_eq(listing(f.inbox), rows[i].after);
		ck_assert_msg(
		    (view_modseq(after) > view_modseq(before)) == rows[i].changes, "row %zu", i);
		ck_assert_counters(f.a);
	}
	CLEANUP(view_unref) struct view *last = view_now(f.inbox);
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
	CLEANUP(view_unref) struct view *known = view_now(f.inbox);
	struct uidset three = uids_of(&f, "3");
	struct uidset all = uids_of(&f, "1:4");
	struct uidset modified;
	struct flag_list seen = {.system = FLAG_SEEN};
	struct flag_list flagged = {.system = FLAG_FLAGGED};
	uidset_init(&modified, f.arena);
	ck_assert_ok(message_store_flags(f.a, f.inbox, &three, FLAGS_ADD, &seen, MODSEQ_ANY, NULL));
	ck_assert_ok(message_store_flags(
	    f.a, f.inbox, &all, FLAGS_ADD, &flagged, view_modseq(known), &modified));
	ck_assert_str_eq(listing(f.inbox), "1F 2F 3S 4F");
	ck_assert_uint_eq(uidset_count(&modified), 1);
	ck_assert(uidset_has(&modified, 3));
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
	const char *now = listing(f.inbox);
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
	struct append a = append_of("A: b\r\n\r\n", 8, 0);
	a.flags = second; /* Archive knows "two" by another bit */
	ck_assert_ok(message_append(f.a, f.archive, &a, 1, &(uint32_t){0}));
	spool_free(&a.spool);
	ck_assert_ok(message_store_flags(f.a, f.inbox, &two, FLAGS_ADD, &first, MODSEQ_ANY, NULL));

	ck_assert_ok(message_copy(f.a, f.inbox, &all, f.archive, f.arena, &c));
	ck_assert_str_eq(listing(f.archive), "1/two 2 3S/two/one 4");
	ck_assert_str_eq(listing(f.inbox), "1 2S/one/two 3");
	ck_assert_uint_eq(uidset_count(&c.from), 3);
	ck_assert_uint_eq(c.from.n, 1);
	ck_assert_uint_eq(c.to.r[0].lo, 2);
	ck_assert_uint_eq(c.to.r[0].hi, 4);
	ck_assert_int_eq(message_of(f.inbox, 2), message_of(f.archive, 3));
	ck_assert_uint_eq(count_blobs(&f, f.a), 1);
	ck_assert_counters(f.a);

	struct uidset some = uids_of(&f, "2:3,99");
	CLEANUP(view_unref) struct view *before = view_now(f.inbox);
	ck_assert_ok(message_move(f.a, f.inbox, &some, f.archive, f.arena, &c));
	CLEANUP(view_unref) struct view *after = view_now(f.inbox);
	ck_assert_uint_gt(view_modseq(after), view_modseq(before));
	ck_assert_str_eq(listing(f.inbox), "1");
	ck_assert_str_eq(listing(f.archive), "1/two 2 3S/two/one 4 5S/two/one 6");
	ck_assert_uint_eq(uidset_count(&c.from), 2);
	ck_assert_uint_eq(uidset_count(&c.to), 2);
	ck_assert_counters(f.a);

	ck_assert_ok(message_move(f.a, f.archive, &some, f.archive, f.arena, &c)); /* to itself */
	ck_assert_str_eq(listing(f.archive), "1/two 4 5S/two/one 6 7 8S/two/one");
	ck_assert_counters(f.a);
	struct uidset none = uids_of(&f, "90:99");
	ck_assert_ok(message_copy(f.a, f.archive, &none, f.inbox, f.arena, &c));
	ck_assert_uint_eq(c.from.n, 0);
	ck_assert_uint_ne(c.uidvalidity, 0);
	ck_assert_int_eq(message_copy(f.a, f.archive, &none, 99, f.arena, &c), ERR_GONE);
	ck_assert_int_eq(message_copy(f.a, 99, &all, f.archive, f.arena, &c), ERR_GONE);
	ck_assert_int_eq(message_move(f.a, f.archive, &all, 99, f.arena, &c), ERR_GONE);
	ck_assert_str_eq(listing(f.archive), "1/two 4 5S/two/one 6 7 8S/two/one");
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
	int64_t shared = message_of(f.inbox, 2), alone = message_of(f.inbox, 3);
	ck_assert_ok(
	    message_store_flags(f.a, f.inbox, &some, FLAGS_ADD, &deleted, MODSEQ_ANY, NULL));
	ck_assert_ok(message_expunge(f.a, f.inbox, &upper, &went)); /* UID EXPUNGE */
	ck_assert_str_eq(listing(f.inbox), "1D 4 5D");
	ck_assert_uint_eq(uidset_count(&went), 2);
	CLEANUP(reader_close) struct reader *r = NULL;
	struct message_row row;
	ck_assert_ok(reader_open(f.a, &r));
	ck_assert_ok(reader_message(r, shared, WANT_HEADER, &row));
	ck_assert_int_eq(reader_message(r, alone, WANT_HEADER, &row), ERR_GONE);
	size_t n;
	ck_assert_int_eq(reader_read(r, alone, 0, (char[1]){0}, 1, &n), ERR_GONE);
	reader_close(&r);
	ck_assert_ok(message_expunge(f.a, f.inbox, NULL, NULL));
	ck_assert_str_eq(listing(f.inbox), "4");
	ck_assert_uint_eq(count_blobs(&f, f.a), 1);
	struct uidset first = uids_of(&f, "1");
	ck_assert_ok(message_remove(f.a, f.archive, &first)); /* whatever its flags */
	ck_assert_uint_eq(count_blobs(&f, f.a), 0);
	ck_assert_ok(message_remove(f.a, f.archive, &first)); /* already gone: fine */
	ck_assert_int_eq(message_expunge(f.a, 99, NULL, NULL), ERR_GONE);
	ck_assert_int_eq(message_remove(f.a, 99, &first), ERR_GONE);
	ck_assert_counters(f.a);
	ck_assert_uint_eq(deliver_one(&f, 9, 50), 6); /* UIDs are not used twice */
	fixture_close(&f);
}
END_TEST

/* -- faults */

static char blob_found[600];

static int
note_blob(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)ftw;
	if (type == FTW_F)
		snprintf(blob_found, sizeof(blob_found), "%s", path);
	return 0;
}

START_TEST(a_blob_that_is_damaged_is_an_error_not_nothing)
{
	char dir[300], buf[10];
	size_t n;

	fixture_open(&f);
	deliver_one(&f, 1, 100000);
	int64_t id = message_of(f.inbox, 1);
	snprintf(
	    dir, sizeof(dir), "%s/data/accounts/%lld/blobs", f.dir, (long long)account_id(f.a));
	nftw(dir, note_blob, 8, FTW_PHYS);
	CLEANUP(reader_close) struct reader *open_before = NULL;
	ck_assert_ok(reader_open(f.a, &open_before));
	ck_assert_ok(reader_read(open_before, id, 0, buf, 10, &n));
	ck_assert_int_eq(truncate(blob_found, 50000), 0);
	ck_assert_ok(reader_read(open_before, id, 49000, buf, 10, &n));
	ck_assert_int_eq(reader_read(open_before, id, 49995, buf, 10, &n), ERR_CORRUPT);
	for (int i = 0; i < 2; i++) {
		CLEANUP(reader_close) struct reader *r = NULL;
		struct message_row row;
		ck_assert_ok(reader_open(f.a, &r));
		ck_assert_int_eq(reader_read(r, id, 0, buf, 10, &n), ERR_CORRUPT);
		ck_assert_ok(reader_message(r, id, WANT_HEADER, &row)); /* from its row */
		ck_assert_uint_eq(row.header.n, 20);
		unlink(blob_found);
	}
	reader_close(&open_before);
	fixture_close(&f);
}
END_TEST

START_TEST(a_spool_that_cannot_be_written_refuses_the_message)
{
	char spool[300];

	fixture_open(&f);
	snprintf(spool, sizeof(spool), "%s/data/spool", f.dir);
	ck_assert_int_eq(rmdir(spool), 0);
	CLEANUP(spool_free) struct spool *s = NULL;
	CLEANUP(mem_free) char *octets = make_message(1, 100000);
	ck_assert_ok(spool_new(f.store, &s));
	ck_assert_ok(spool_write(s, octets, 60000));
	enum err e = spool_write(s, octets + 60000, 40000);
	ck_assert_int_eq(err_class(e), ERR_CLASS_OURS);
	ck_assert_int_eq(spool_write(s, octets, 5), e); /* it sticks */
	struct delivery d = {.account = account_id(f.a)};
	message_deliver(f.store, s, &d, 1);
	ck_assert_int_eq(d.result, e);
	ck_assert_str_eq(listing(f.inbox), "");
	deliver_one(&f, 2, 1000); /* small ones need no spool file */
	spool_free(&s);
	fixture_close(&f);
}
END_TEST

START_TEST(a_blob_that_cannot_be_placed_refuses_the_message)
{
	char blobs[300];

	fixture_open(&f);
	snprintf(
	    blobs, sizeof(blobs), "%s/data/accounts/%lld/blobs", f.dir, (long long)account_id(f.a));
	rmdir(blobs);
	CLEANUP(fd_close) int fd = open(blobs, O_CREAT | O_WRONLY, 0600); /* not a directory */
	ck_assert_int_ge(fd, 0);
	CLEANUP(mem_free) char *octets = make_message(1, 100000);
	CLEANUP(spool_free) struct spool *s = make_spool(&f, octets, 100000);
	struct delivery d[] = {{.account = account_id(f.a)}, {.account = account_id(f.b)}};
	message_deliver(f.store, s, d, 2);
	ck_assert_int_eq(err_class(d[0].result), ERR_CLASS_OURS);
	ck_assert_ok(d[1].result);
	struct append a = {.spool = s};
	ck_assert_int_eq(
	    err_class(message_append(f.a, f.inbox, &a, 1, &(uint32_t){0})), ERR_CLASS_OURS);
	ck_assert_str_eq(listing(f.inbox), "");
	ck_assert_counters(f.a);
	spool_free(&s);
	ck_assert_uint_eq(count_spool(&f), 0);
	fixture_close(&f);
}
END_TEST

START_TEST(a_snapshot_nobody_asks_for_is_dropped)
{
	fixture_open(&f);
	deliver_one(&f, 1, 100);
	clock_freeze(1000000000);
	CLEANUP(view_unref) struct view *first = view_now(f.inbox);
	CLEANUP(view_unref) struct view *same = view_now(f.inbox);
	ck_assert_ptr_eq(first, same);
	clock_advance_ms(400000);
	CLEANUP(view_unref) struct view *other = view_now(f.archive); /* a new one: sweeps */
	CLEANUP(view_unref) struct view *anew = view_now(f.inbox);
	ck_assert_ptr_ne(first, anew);
	clock_thaw();
	fixture_close(&f);
}
END_TEST

START_TEST(a_deleted_mailbox_is_gone_for_every_operation)
{
	struct view *v = NULL;
	struct copied c;
	struct flag_list none = {0};
	int64_t id;

	fixture_open(&f);
	struct uidset one = uids_of(&f, "1");
	ck_assert_ok(mailbox_create(f.a, STR("Doomed"), STR(""), &id));
	CLEANUP(view_unref) struct view *before = view_now(id);
	ck_assert_ok(mailbox_delete(f.a, STR("Doomed")));
	struct append a = append_of("A: b\r\n\r\n", 8, 0);
	ck_assert_int_eq(view_current(f.a, id, &v), ERR_GONE);
	ck_assert_int_eq(message_append(f.a, id, &a, 1, &(uint32_t){0}), ERR_GONE);
	ck_assert_int_eq(message_copy(f.a, id, &one, f.inbox, f.arena, &c), ERR_GONE);
	ck_assert_int_eq(message_move(f.a, f.inbox, &one, id, f.arena, &c), ERR_GONE);
	ck_assert_int_eq(
	    message_store_flags(f.a, id, &one, FLAGS_SET, &none, MODSEQ_ANY, NULL), ERR_GONE);
	ck_assert_int_eq(message_expunge(f.a, id, NULL, NULL), ERR_GONE);
	ck_assert_int_eq(message_remove(f.a, id, &one), ERR_GONE);
	ck_assert_ok(mailbox_create(f.a, STR("Doomed"), STR(""), &id)); /* another one */
	CLEANUP(view_unref) struct view *after = view_now(id);
	ck_assert_int_ne(view_mailbox(before), view_mailbox(after));
	ck_assert_uint_gt(view_uidvalidity(after), view_uidvalidity(before));
	spool_free(&a.spool);
	fixture_close(&f);
}
END_TEST

START_TEST(a_full_disk_refuses_the_message_and_leaves_nothing)
{
	fixture_open(&f);
	CLEANUP(mem_free) char *octets = make_message(1, 400000);
	struct rlimit old, low = {200000, RLIM_INFINITY};
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	low.rlim_max = old.rlim_max;
	CLEANUP(spool_free) struct spool *s = NULL;
	ck_assert_ok(spool_new(f.store, &s));
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &low), 0);
	enum err e = spool_write(s, octets, 400000);
	struct delivery d = {.account = account_id(f.a)};
	message_deliver(f.store, s, &d, 1);
	setrlimit(RLIMIT_FSIZE, &old);
	ck_assert_int_eq(e, ERR_NO_SPACE);
	ck_assert_int_eq(d.result, ERR_NO_SPACE);
	ck_assert_str_eq(listing(f.inbox), "");
	spool_free(&s);
	ck_assert_uint_eq(count_spool(&f), 0);
	ck_assert_uint_eq(count_blobs(&f, f.a), 0);
	fixture_close(&f);
}
END_TEST

START_TEST(a_full_disk_in_the_transaction_undoes_it)
{
	fixture_open(&f);
	deliver_one(&f, 1, 1000);
	CLEANUP(mem_free) char *octets = make_message(1, 60000);
	CLEANUP(spool_free) struct spool *s = make_spool(&f, octets, 60000);
	struct rlimit old, low = {20000, RLIM_INFINITY};
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	low.rlim_max = old.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &low), 0);
	struct delivery d = {.account = account_id(f.a)};
	message_deliver(f.store, s, &d, 1);
	setrlimit(RLIMIT_FSIZE, &old);
	ck_assert_int_eq(err_class(d.result), ERR_CLASS_OURS);
	ck_assert_str_eq(listing(f.inbox), "1");
	ck_assert_counters(f.a);
	message_deliver(f.store, s, &d, 1); /* there is room again */
	ck_assert_ok(d.result);
	ck_assert_counters(f.a);
	spool_free(&s);
	fixture_close(&f);
}
END_TEST

START_TEST(what_a_killed_process_left_in_the_spool_is_swept)
{
	char path[300], held[300];

	fixture_open(&f);
	snprintf(path, sizeof(path), "%s/data/spool/77-left", f.dir);
	snprintf(held, sizeof(held), "%s/data/spool/78-held", f.dir);
	CLEANUP(fd_close) int fd = open(path, O_CREAT | O_WRONLY, 0600);
	CLEANUP(fd_close) int held_fd = open(held, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_eq(flock(held_fd, LOCK_EX), 0);
	CLEANUP(mem_free) char *octets = make_message(1, 100000);
	CLEANUP(spool_free) struct spool *s = make_spool(&f, octets, 100000); /* in use */
	ck_assert_uint_eq(count_spool(&f), 3);
	struct store *second = fixture_second(&f, "other");
	ck_assert_uint_eq(count_spool(&f), 2);
	ck_assert_int_eq(access(path, F_OK), -1);
	store_close(&second);
	struct delivery d = {.account = account_id(f.a)};
	message_deliver(f.store, s, &d, 1);
	ck_assert_ok(d.result);
	spool_free(&s);
	fixture_close(&f);
}
END_TEST

TEST_MAIN("message", a_message_of_any_size_comes_back_octet_for_octet, an_empty_message_is_stored,
    a_big_message_takes_constant_memory, several_accounts_get_one_copy_each_and_fail_alone,
    a_delivery_goes_to_its_mailbox_or_the_inbox, over_quota_leaves_nothing_behind,
    append_takes_all_or_none, flags_change_as_asked_and_only_then_get_a_modseq,
    entries_changed_meanwhile_are_left_alone, keywords_have_a_limit_and_unused_ones_make_room,
    a_copy_shares_the_message_and_a_move_brings_it,
    expunge_takes_the_deleted_and_the_last_entry_takes_the_message,
    a_blob_that_is_damaged_is_an_error_not_nothing,
    a_spool_that_cannot_be_written_refuses_the_message,
    a_full_disk_refuses_the_message_and_leaves_nothing, a_full_disk_in_the_transaction_undoes_it,
    what_a_killed_process_left_in_the_spool_is_swept,
    a_blob_that_cannot_be_placed_refuses_the_message, a_snapshot_nobody_asks_for_is_dropped,
    a_deleted_mailbox_is_gone_for_every_operation)
