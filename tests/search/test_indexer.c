/* The thread that keeps indexes up to date. */
#include "common/base/clock.h"
#include "search/index_work.h"
#include "search/indexer.h"
#include "search/words.h"
#include "store/message.h"
#include "store/message_ids.h"
#include "tests/support/store_fixture.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

static void
deliver(struct store_fixture *f, unsigned n, size_t octets)
{
	CLEANUP(mem_free) struct append *items = calloc(n, sizeof(*items));
	struct mailbox_info info;
	uint32_t uidvalidity;

	ck_assert_ok(mailbox_find(f->account, STR("INBOX"), f->arena, &info));
	for (unsigned i = 0; i < n; i++) {
		char text[100];
		int len = snprintf(text, sizeof(text), "Subject: number%u\r\n\r\n", i);
		ck_assert_ok(spool_new(f->store, &items[i].spool));
		ck_assert_ok(spool_write(items[i].spool, text, (size_t)len));
		for (size_t at = 0; at < octets; at += 9) { /* no word twice */
			snprintf(text, sizeof(text), "%07zx\r\n", at + i);
			ck_assert_ok(spool_write(items[i].spool, text, 9));
		}
	}
	ck_assert_ok(message_append(f->account, info.id, items, n, &uidvalidity));
	for (unsigned i = 0; i < n; i++)
		spool_free(&items[i].spool);
}

static size_t
covered(struct store_fixture *f, struct indexer *ix)
{
	CLEANUP(segments_unref) struct segments *set = NULL;
	size_t n = 0;

	ck_assert_ok(indexer_segments(ix, f->account, &set));
	for (size_t i = 0; i < segments_count(set); i++)
		n += segment_count(segments_at(set, i));
	return n;
}

/* Within a time that is long even on a busy machine. */
static void
wait_covered(struct store_fixture *f, struct indexer *ix, size_t n)
{
	for (int i = 0; i < 2000 && covered(f, ix) != n; i++)
		usleep(20000);
	ck_assert_uint_eq(covered(f, ix), n);
}

START_TEST(accounts_in_use_are_indexed_when_it_is_worth_it)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct indexer *ix = NULL;

	ck_assert_ok(indexer_start(&ix));
	deliver(f, INDEXER_MESSAGES_MIN, 10);
	usleep(10000);
	ck_assert_uint_eq(covered(f, ix), 0); /* nobody uses it */
	ck_assert(indexer_enter(ix, f->account));
	wait_covered(f, ix, INDEXER_MESSAGES_MIN);
	deliver(f, INDEXER_MESSAGES_MIN - 1, 10);
	indexer_hurry(ix, f->account);
	usleep(300000);
	ck_assert_uint_eq(covered(f, ix), INDEXER_MESSAGES_MIN);
	deliver(f, 1, 10);
	indexer_hurry(ix, f->account);
	wait_covered(f, ix, 2 * INDEXER_MESSAGES_MIN);
	/* what was begun is finished */
	deliver(f, INDEXER_MESSAGES_MIN, 10);
	indexer_leave(ix, f->account);
	wait_covered(f, ix, 3 * INDEXER_MESSAGES_MIN);
	indexer_stop(&ix);
}
END_TEST

/* Many users that come, go and ask, while mail comes: for the thread sanitizer. */
static void *
use(void *arg)
{
	struct store_fixture *f = ((void **)arg)[0];
	struct indexer *ix = ((void **)arg)[1];

	for (int i = 0; i < 30; i++) {
		if (!indexer_enter(ix, f->account))
			continue;
		(void)covered(f, ix);
		if (i % 3 == 0)
			indexer_hurry(ix, f->account);
		usleep(1000);
		indexer_leave(ix, f->account);
	}
	return NULL;
}

START_TEST(users_may_come_and_go_at_any_time)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct indexer *ix = NULL;
	pthread_t users[4];

	ck_assert_ok(indexer_start(&ix));
	void *arg[] = {f, ix};
	for (size_t i = 0; i < ARRAY_LEN(users); i++)
		ck_assert_int_eq(pthread_create(&users[i], NULL, use, arg), 0);
	for (int i = 0; i < 4; i++)
		deliver(f, INDEXER_MESSAGES_MIN, 10);
	for (size_t i = 0; i < ARRAY_LEN(users); i++)
		pthread_join(users[i], NULL);
	indexer_stop(&ix); /* in the middle of whatever it does */
}
END_TEST

START_TEST(segments_stay_few)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	CLEANUP(segments_unref) struct segments *set = NULL;
	struct indexer *ix = NULL;

	ck_assert_ok(indexer_start(&ix));
	for (size_t i = 1; i <= 30; i++) {
		deliver(f, 3, 10);
		ck_assert_ok(indexer_catch_up(ix, f->account));
		ck_assert_uint_eq(covered(f, ix), 3 * i);
	}
	ck_assert_ok(indexer_segments(ix, f->account, &set));
	ck_assert_uint_lt(segments_count(set), INDEX_FANOUT);
	segments_unref(&set);
	indexer_stop(&ix);
}
END_TEST

/* What is large is not written anew for the sake of a few small neighbours. */
START_TEST(a_large_segment_waits_for_others_of_its_size)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	CLEANUP(segments_unref) struct segments *set = NULL;
	struct indexer *ix = NULL;

	ck_assert_ok(indexer_start(&ix));
	deliver(f, 1, INDEX_CLASS_OCTETS);
	ck_assert_ok(indexer_catch_up(ix, f->account));
	ck_assert_ok(indexer_segments(ix, f->account, &set));
	ck_assert_uint_eq(segments_count(set), 1);
	ck_assert_uint_gt(segment_size(segments_at(set, 0)), INDEX_CLASS_OCTETS);
	uint64_t inode = segment_inode(segments_at(set, 0));
	for (int i = 0; i < 2 * INDEX_FANOUT; i++) {
		segments_unref(&set);
		deliver(f, 1, 10);
		ck_assert_ok(indexer_catch_up(ix, f->account));
		ck_assert_ok(indexer_segments(ix, f->account, &set));
		ck_assert_uint_eq(segment_inode(segments_at(set, 0)), inode);
		ck_assert_uint_le(segments_count(set), 1 + INDEX_FANOUT);
	}
	segments_unref(&set);
	indexer_stop(&ix);
}
END_TEST

/* One with more words than may be held at once is left to the scan; its neighbours are not. */
static bool
is_unknown(const struct segment *s, uint32_t ordinal)
{
	struct words_unknown unknown;

	words_unknown_of(s, &unknown);
	return words_are_unknown(&unknown, ordinal);
}

START_TEST(a_message_of_too_many_words_is_not_answered_for)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	CLEANUP(segments_unref) struct segments *set = NULL;
	struct indexer *ix = NULL;

	ck_assert_ok(indexer_start(&ix));
	deliver(f, 1, 10);
	deliver(f, 1, WORDS_MESSAGE_MEMORY / 2);
	deliver(f, 1, 10);
	ck_assert_ok(indexer_catch_up(ix, f->account));
	ck_assert_ok(indexer_segments(ix, f->account, &set));
	ck_assert_uint_eq(segments_count(set), 1);
	struct segment *s = segments_at(set, 0);
	ck_assert_uint_eq(segment_count(s), 3);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_int_eq(is_unknown(s, i), i == 1);
	segments_unref(&set);
	/* merging knows it, too */
	for (int i = 0; i < INDEX_FANOUT; i++) {
		deliver(f, 1, 10);
		ck_assert_ok(indexer_catch_up(ix, f->account));
	}
	ck_assert_ok(indexer_segments(ix, f->account, &set));
	struct segment_place place = {0, 0};
	ck_assert(segments_find(set, 2, &place));
	ck_assert(is_unknown(segments_at(set, place.segment), place.ordinal));
	ck_assert(segments_find(set, 3, &place));
	ck_assert(!is_unknown(segments_at(set, place.segment), place.ordinal));
	segments_unref(&set);
	indexer_stop(&ix);
}
END_TEST

START_TEST(what_was_expunged_is_let_go_of)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	CLEANUP(segments_unref) struct segments *set = NULL;
	struct indexer *ix = NULL;
	struct mailbox_info info;
	struct uid_range most = {11, 40}, few = {1, 2};
	struct uidset uids = {.r = &few, .n = 1};

	ck_assert_ok(indexer_start(&ix));
	deliver(f, 40, 10);
	ck_assert_ok(indexer_catch_up(ix, f->account));
	ck_assert_ok(mailbox_find(f->account, STR("INBOX"), f->arena, &info));
	ck_assert_ok(message_remove(f->account, info.id, &uids));
	ck_assert_ok(account_clean(f->account));
	ck_assert_ok(indexer_catch_up(ix, f->account));
	ck_assert_uint_eq(covered(f, ix), 40); /* not worth it yet */
	uids.r = &most;
	ck_assert_ok(message_remove(f->account, info.id, &uids));
	ck_assert_ok(account_clean(f->account));
	ck_assert_ok(indexer_catch_up(ix, f->account));
	ck_assert_uint_eq(covered(f, ix), 8);
	ck_assert_ok(indexer_segments(ix, f->account, &set));
	struct words_query q = {.needle = STR("number5"), .places = WORD_ANYWHERE};
	struct words_answer five = {.done = false}, two = {.done = false};
	ck_assert_ok(words_ask(segments_at(set, 0), &q, INT64_MAX, &five));
	ck_assert(five.exact && five.bits[0] == 1 << 3); /* the sixth, of which two are no more */
	q.needle = STR("number2");
	ck_assert_ok(words_ask(segments_at(set, 0), &q, INT64_MAX, &two));
	ck_assert(two.exact && two.bits[0] == 1); /* and not number20 to number29 */
	words_answer_done(&five);
	words_answer_done(&two);
	segments_unref(&set);
	indexer_stop(&ix);
}
END_TEST

/* As if the file of the index had been written long ago. */
static void
age(struct store_fixture *f, const char *name)
{
	const struct timespec then = {clock_real_s() - INDEX_FORGET_S - 1, 0};
	const struct timespec times[] = {then, then};
	char dir[PATH_MAX], path[PATH_MAX];

	ck_assert_ok(segments_dir(f->account, dir));
	snprintf(path, sizeof(path), "%.4000s/%s", dir, name);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void
expunge(struct store_fixture *f, uint32_t uid)
{
	struct mailbox_info info;
	struct uid_range range = {uid, uid};
	const struct uidset uids = {.r = &range, .n = 1};

	ck_assert_ok(mailbox_find(f->account, STR("INBOX"), f->arena, &info));
	ck_assert_ok(message_remove(f->account, info.id, &uids));
	ck_assert_ok(account_clean(f->account));
}

START_TEST(nothing_that_was_expunged_stays_for_ever)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct indexer *ix = NULL;

	ck_assert_ok(indexer_start(&ix));
	deliver(f, 40, 10);
	ck_assert_ok(indexer_catch_up(ix, f->account));
	expunge(f, 7);
	ck_assert_ok(indexer_catch_up(ix, f->account));
	ck_assert_uint_eq(covered(f, ix), 40);
	indexer_stop(&ix);
	age(f, "1-40.seg");
	ck_assert_ok(indexer_start(&ix));
	ck_assert_ok(indexer_catch_up(ix, f->account));
	ck_assert_uint_eq(covered(f, ix), 39);
	indexer_stop(&ix);
	/* also where no mail comes: whoever uses the account next */
	expunge(f, 8);
	age(f, "1-40.seg");
	age(f, SEGMENT_LOCK);
	ck_assert_ok(indexer_start(&ix));
	ck_assert(indexer_enter(ix, f->account));
	wait_covered(f, ix, 38);
	indexer_leave(ix, f->account);
	indexer_stop(&ix);
}
END_TEST

/* A disk that is full, say: nobody is served by trying again with each message. */
START_TEST(a_failure_is_not_repeated_at_once)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct indexer *ix = NULL;
	char dir[PATH_MAX], path[PATH_MAX];

	ck_assert_ok(segments_dir(f->account, dir));
	snprintf(path, sizeof(path), "%.4000s/%s", dir, SEGMENT_LOCK);
	ck_assert_int_eq(mkdir(dir, 0770), 0);
	ck_assert_int_eq(mkdir(path, 0770), 0);
	deliver(f, INDEXER_MESSAGES_MIN, 10);
	ck_assert_ok(indexer_start(&ix));
	ck_assert(indexer_enter(ix, f->account));
	indexer_hurry(ix, f->account);
	usleep(300000);
	ck_assert_int_eq(rmdir(path), 0);
	indexer_hurry(ix, f->account);
	usleep(300000);
	ck_assert_uint_eq(covered(f, ix), 0);
	/* nor is it remembered of an account that nobody uses */
	indexer_leave(ix, f->account);
	usleep(300000);
	ck_assert(indexer_enter(ix, f->account));
	wait_covered(f, ix, INDEXER_MESSAGES_MIN);
	indexer_leave(ix, f->account);
	indexer_stop(&ix);
}
END_TEST

TEST_MAIN("indexer", accounts_in_use_are_indexed_when_it_is_worth_it,
    users_may_come_and_go_at_any_time, segments_stay_few,
    a_large_segment_waits_for_others_of_its_size, a_message_of_too_many_words_is_not_answered_for,
    what_was_expunged_is_let_go_of, nothing_that_was_expunged_stays_for_ever,
    a_failure_is_not_repeated_at_once)
