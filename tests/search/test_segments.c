/* The segments of an account: built, merged, found, refused. */
#include "common/mail/parts.h"
#include "search/segment_build.h"
#include "search/segments.h"
#include "store/mailbox.h"
#include "store/message.h"
#include "store/message_ids.h"
#include "store/view.h"
#include "tests/support/store_fixture.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

static struct segments_cache *cache;

static void
deliver(struct store_fixture *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		CLEANUP(spool_free) struct spool *spool = NULL;
		char text[100];
		struct delivery d = {.account = f->account_id};
		int len = snprintf(text, sizeof(text), "Subject: number %u\r\n\r\nText\r\n", i);
		ck_assert_ok(spool_new(f->store, &spool));
		ck_assert_ok(spool_write(spool, text, (size_t)len));
		message_deliver(f->store, spool, &d, 1);
		ck_assert_ok(d.result);
	}
}

static int64_t
build(struct store_fixture *f, int64_t from)
{
	CLEANUP(fd_close) int lock = -1;
	int64_t last = 0;

	ck_assert_ok(segment_lock(f->account, &lock));
	ck_assert_ok(segment_build(f->account, from, INT64_MAX, NULL, NULL, &last));
	return last;
}

static struct segments *
get_set(struct store_fixture *f)
{
	struct segments *set = NULL;

	ck_assert_ok(segments_open(cache, f->account, &set));
	return set;
}

/* All messages that the account has are covered, each where it is. */
static void
ck_all_covered(struct store_fixture *f, size_t segment_count)
{
	CLEANUP(segments_unref) struct segments *set = get_set(f);
	int64_t ids[500];
	size_t n;
	struct segment_place place = {0, 0};

	ck_assert_uint_eq(segments_count(set), segment_count);
	ck_assert_ok(message_ids(f->account, 0, ids, ARRAY_LEN(ids), &n));
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < n; i++) {
			int64_t id = ids[round ? n - 1 - i : i];
			ck_assert(segments_find(set, id, &place));
			struct segment *s = segments_at(set, place.segment);
			ck_assert_int_eq(segment_message(s, place.ordinal), id);
		}
	}
	ck_assert(!segments_find(set, ids[n - 1] + 1, &place));
	ck_assert(!segments_find(set, 0, &place));
}

START_TEST(segments_are_built_and_merged)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	CLEANUP(segments_unref) struct segments *set = NULL;
	int64_t last = 0;

	cache = segments_cache_new();
	set = get_set(f);
	ck_assert_uint_eq(segments_count(set), 0);
	segments_unref(&set);
	for (int i = 0; i < 3; i++) {
		deliver(f, 20);
		last = build(f, last + 1);
		ck_all_covered(f, (size_t)i + 1);
	}
	int64_t more = 0;
	ck_assert_int_eq(
	    segment_build(f->account, last + 1, INT64_MAX, NULL, NULL, &more), ERR_NOT_FOUND);
	set = get_set(f);
	struct segment *all[] = {segments_at(set, 0), segments_at(set, 1), segments_at(set, 2)};
	ck_assert_ok(segment_merge(f->account, all, 3, NULL, NULL));
	ck_all_covered(f, 1);
	/* who still holds the old picture can use it */
	ck_assert_uint_eq(segments_count(set), 3);
	ck_assert_uint_eq(segment_count(segments_at(set, 1)), 20);
	segments_unref(&set);
	segments_cache_free(&cache);
}
END_TEST

static bool
refuse(void *arg, enum segment_phase phase)
{
	unsigned *left = arg;

	(void)phase;
	return (*left)-- > 0;
}

START_TEST(a_build_that_is_cancelled_leaves_nothing)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	int lock = -1;
	int64_t last = 0;

	cache = segments_cache_new();
	ck_assert_ok(segment_lock(f->account, &lock)); /* makes the folder */
	deliver(f, 40);
	/* before the first messages, before the next, before writing, within */
	for (unsigned asked = 0; asked < 4; asked++) {
		unsigned left = asked;
		ck_assert_int_eq(
		    segment_build(f->account, 1, INT64_MAX, refuse, &left, &last), ERR_CANCELLED);
	}
	fd_close(&lock);
	CLEANUP(segments_unref) struct segments *set = get_set(f);
	ck_assert_uint_eq(segments_count(set), 0);
	segments_unref(&set);
	segments_cache_free(&cache);
}
END_TEST

START_TEST(a_merge_that_is_cancelled_changes_nothing)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	unsigned left = 0;

	cache = segments_cache_new();
	deliver(f, 10);
	build(f, 1);
	deliver(f, 10);
	build(f, 11);
	CLEANUP(segments_unref) struct segments *set = get_set(f);
	struct segment *all[] = {segments_at(set, 0), segments_at(set, 1)};
	ck_assert_int_eq(segment_merge(f->account, all, 2, refuse, &left), ERR_CANCELLED);
	segments_unref(&set);
	ck_all_covered(f, 2);
	segments_cache_free(&cache);
}
END_TEST

START_TEST(one_builder_at_a_time_holds_an_index)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	int first = -1, second = -1;

	ck_assert_ok(segment_lock(f->account, &first));
	ck_assert_int_eq(segment_lock(f->account, &second), ERR_BUSY);
	fd_close(&first);
	ck_assert_ok(segment_lock(f->account, &second));
	fd_close(&second);
}
END_TEST

/* A merge that was killed before it took the old ones away. */
START_TEST(segments_that_others_cover_are_left_out)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	char dir[PATH_MAX], from[PATH_MAX], to[PATH_MAX];

	cache = segments_cache_new();
	deliver(f, 10);
	build(f, 1);
	deliver(f, 10);
	build(f, 11);
	ck_all_covered(f, 2);
	ck_assert_ok(segments_dir(f->account, dir));
	snprintf(from, sizeof(from), "%.4000s/1-10.seg", dir);
	snprintf(to, sizeof(to), "%.4000s/kept", dir);
	ck_assert_int_eq(link(from, to), 0);
	CLEANUP(segments_unref) struct segments *set = get_set(f);
	struct segment *all[] = {segments_at(set, 0), segments_at(set, 1)};
	ck_assert_ok(segment_merge(f->account, all, 2, NULL, NULL));
	segments_unref(&set);
	ck_assert_int_eq(rename(to, from), 0);
	ck_all_covered(f, 1);
	set = get_set(f);
	ck_assert_uint_eq(segments_useless_count(set), 1);
	ck_assert_str_eq(segments_useless_path(set, 0), from);
	segments_unref(&set);
	segments_cache_free(&cache);
}
END_TEST

START_TEST(a_folder_that_is_deleted_is_empty)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	char dir[PATH_MAX], path[PATH_MAX];

	cache = segments_cache_new();
	deliver(f, 10);
	build(f, 1);
	ck_all_covered(f, 1);
	ck_assert_ok(segments_dir(f->account, dir));
	snprintf(path, sizeof(path), "%.4000s/1-10.seg", dir);
	ck_assert_int_eq(unlink(path), 0);
	CLEANUP(segments_unref) struct segments *set = get_set(f);
	ck_assert_uint_eq(segments_count(set), 0);
	segments_unref(&set);
	build(f, 1);
	ck_all_covered(f, 1);
	segments_cache_free(&cache);
}
END_TEST

/* The segment of one account in the folder of another: what a restored backup looks like. */
START_TEST(a_segment_of_other_messages_is_refused)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	char dir[PATH_MAX], mine[PATH_MAX], theirs[PATH_MAX];
	static const struct {
		unsigned messages;
		const char *why;
	} rows[] = {
	    {10, "the same ids are other messages"}, {5, "ids that have not been given out"}};

	cache = segments_cache_new();
	deliver(f, 10);
	build(f, 1);
	ck_assert_ok(segments_dir(f->account, dir));
	snprintf(mine, sizeof(mine), "%.4000s/1-10.seg", dir);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(segments_unref) struct segments *set = NULL;
		CLEANUP(fd_close) int lock = -1;
		char name[100];
		snprintf(name, sizeof(name), "bob%zu@example.test", i);
		account_unref(&f->account);
		int64_t own = f->account_id;
		f->account_id = store_fixture_add(f, name);
		ck_assert_ok(account_open(f->store, f->account_id, &f->account));
		deliver(f, rows[i].messages);
		ck_assert_ok(segment_lock(f->account, &lock));
		ck_assert_ok(segments_dir(f->account, dir));
		snprintf(theirs, sizeof(theirs), "%.4000s/1-10.seg", dir);
		ck_assert_int_eq(link(mine, theirs), 0);
		set = get_set(f);
		ck_assert_msg(segments_count(set) == 0, "%s", rows[i].why);
		ck_assert_uint_eq(segments_useless_count(set), 1);
		f->account_id = own;
	}
	segments_cache_free(&cache);
}
END_TEST

TEST_MAIN("segments", segments_are_built_and_merged, a_build_that_is_cancelled_leaves_nothing,
    a_merge_that_is_cancelled_changes_nothing, one_builder_at_a_time_holds_an_index,
    segments_that_others_cover_are_left_out, a_folder_that_is_deleted_is_empty,
    a_segment_of_other_messages_is_refused)
