/* The shared snapshots: never older than what was committed before they are asked for, by whom
 * ever, and the same one again while nothing is. */
#include "store/account_private.h"
#include "store/view_private.h"
#include "tests/store/fixture.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>

static void
set_flag(struct account *a, int64_t mailbox, uint32_t uid, uint64_t flag, bool on)
{
	struct flag_list flags = {.system = flag};
	struct uid_range range = {uid, uid};
	struct uidset uids = {.r = &range, .n = 1};

	ck_assert_ok(message_store_flags(
	    a, mailbox, &uids, on ? FLAGS_ADD : FLAGS_REMOVE, &flags, MODSEQ_ANY, NULL));
}

static uint64_t
flags_of(struct account *a, int64_t mailbox, uint32_t uid)
{
	CLEANUP(view_unref) struct view *v = NULL;

	ck_assert_ok(view_current(a, mailbox, &v));
	return view_at(v, view_seq_of(v, uid))->flags;
}

static enum err
checkpoint(struct account *a)
{
	CLEANUP(pool_give) struct handle *h = NULL;
	enum err e = pool_take(&a->database, DB_WRITER, &h);

	return e ? e : db_checkpoint(h->db);
}

START_TEST(nothing_committed_gives_the_same_snapshot_without_a_read)
{
	CLEANUP(view_unref) struct view *first = NULL;
	struct db_stamp stamp, again;
	struct fixture f;

	fixture_open(&f);
	deliver_one(&f, 1, 100);
	ck_assert_ok(view_current(f.a, f.inbox, &first));
	ck_assert(pool_stamp(&f.a->database, &stamp));
	for (int i = 0; i < 10; i++) {
		CLEANUP(view_unref) struct view *v = NULL;
		ck_assert_ok(view_current(f.a, f.inbox, &v));
		ck_assert_ptr_eq(v, first);
	}
	ck_assert(pool_stamp(&f.a->database, &again));
	ck_assert(db_stamp_eq(&stamp, &again));
	deliver_one(&f, 2, 100);
	ck_assert(pool_stamp(&f.a->database, &again));
	ck_assert(!db_stamp_eq(&stamp, &again));
	view_unref(&first);
	fixture_close(&f);
}
END_TEST

START_TEST(there_is_no_stamp_without_a_handle)
{
	CLEANUP(view_unref) struct view *v = NULL;
	struct db_stamp stamp;
	struct fixture f;

	fixture_open(&f);
	uint32_t uid = deliver_one(&f, 1, 100);
	ck_assert_ok(view_current(f.a, f.inbox, &v));
	ck_assert_ok(database_sync(&f.a->database));
	pool_forget(f.a->store->pool, &f.a->database);
	ck_assert(!pool_stamp(&f.a->database, &stamp));
	set_flag(f.a, f.inbox, uid, FLAG_SEEN, true);
	ck_assert_uint_eq(flags_of(f.a, f.inbox, uid), FLAG_SEEN);
	view_unref(&v);
	fixture_close(&f);
}
END_TEST

/* Another store over the same files, as another process has it; checkpoints, WALs begun anew and
 * handles closed in between. */
START_TEST(every_commit_of_another_is_seen_at_once)
{
	struct fixture f;
	struct account *other = NULL;

	fixture_open(&f);
	struct store *second = fixture_second(&f, "second");
	ck_assert_ok(account_open(second, account_id(f.a), &other));
	uint32_t uid = deliver_one(&f, 1, 100);
	for (unsigned i = 0; i < 400; i++) {
		struct account *writer = i % 3 ? other : f.a;
		set_flag(writer, f.inbox, uid, FLAG_FLAGGED, i % 2 == 0);
		ck_assert_uint_eq(flags_of(f.a, f.inbox, uid), i % 2 == 0 ? FLAG_FLAGGED : 0);
		ck_assert_uint_eq(flags_of(other, f.inbox, uid), i % 2 == 0 ? FLAG_FLAGGED : 0);
		if (i % 7 == 0)
			ck_assert_ok(checkpoint(i % 2 ? f.a : other));
		if (i % 11 == 0) {
			ck_assert_ok(database_sync(&f.a->database));
			pool_forget(f.a->store->pool, &f.a->database);
		}
		ck_assert_uint_eq(flags_of(f.a, f.inbox, uid), i % 2 == 0 ? FLAG_FLAGGED : 0);
	}
	account_unref(&other);
	store_close(&second);
	fixture_close(&f);
}
END_TEST

static void
close_handles(struct account *a)
{
	ck_assert_ok(database_sync(&a->database));
	pool_forget(a->store->pool, &a->database);
}

/* The last to close the database takes the WAL away, and the index of an empty one looks like that
 * of any other: what a session of one process saw half a minute ago is not what there is when a
 * handle is opened anew, if another process wrote and closed in between. */
START_TEST(what_another_wrote_and_closed_is_seen_by_an_empty_wal)
{
	struct fixture f;
	struct account *other = NULL;

	fixture_open(&f);
	struct store *second = fixture_second(&f, "second");
	ck_assert_ok(account_open(second, account_id(f.a), &other));
	uint32_t uid = deliver_one(&f, 1, 100);
	close_handles(other);
	close_handles(f.a);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(flags_of(f.a, f.inbox, uid), 0); /* from an empty WAL */
	close_handles(f.a);
	set_flag(other, f.inbox, uid, FLAG_FLAGGED, true);
	close_handles(other);
	{
		CLEANUP(read_end) struct handle *h = NULL; /* something else is read */
		ck_assert_ok(account_read(f.a, &h));
		int64_t n = 0;
		ck_assert_ok(db_get_int(h->db, "SELECT count(*) FROM mailbox", &n));
	}
	ck_assert_uint_eq(flags_of(f.a, f.inbox, uid), FLAG_FLAGGED);
	account_unref(&other);
	store_close(&second);
	fixture_close(&f);
}
END_TEST

START_TEST(a_mailbox_deleted_by_another_is_gone)
{
	CLEANUP(view_unref) struct view *v = NULL;
	struct fixture f;
	struct account *other = NULL;

	fixture_open(&f);
	struct store *second = fixture_second(&f, "second");
	ck_assert_ok(account_open(second, account_id(f.a), &other));
	ck_assert_ok(view_current(f.a, f.archive, &v));
	view_unref(&v);
	ck_assert_ok(view_current(f.a, f.archive, &v));
	view_unref(&v);
	ck_assert_ok(mailbox_delete(other, STR("Archive")));
	ck_assert_int_eq(view_current(f.a, f.archive, &v), ERR_GONE);
	ck_assert_int_eq(view_current(f.a, f.archive, &v), ERR_GONE);
	account_unref(&other);
	store_close(&second);
	fixture_close(&f);
}
END_TEST

struct race {
	struct account *a;
	int64_t inbox;
	uint32_t uid;
	_Atomic unsigned done; /* commits that have returned */
};

#define COMMITS 300

static void *
commit_again_and_again(void *arg)
{
	struct race *race = arg;

	for (unsigned i = 1; i <= COMMITS; i++) {
		set_flag(race->a, race->inbox, race->uid, FLAG_DRAFT, i % 2);
		race->done = i;
	}
	return NULL;
}

static void
check_race(struct fixture *f, struct account *writes)
{
	pthread_t writer;
	struct race race = {.a = writes, .inbox = f->inbox, .uid = deliver_one(f, 1, 100)};
	uint64_t base;

	{
		CLEANUP(view_unref) struct view *v = view_now(f, f->inbox);
		base = view_modseq(v);
	}
	ck_assert_int_eq(pthread_create(&writer, NULL, commit_again_and_again, &race), 0);
	while (race.done < COMMITS) {
		unsigned done = race.done;
		CLEANUP(view_unref) struct view *v = NULL;
		ck_assert_ok(view_current(f->a, f->inbox, &v));
		ck_assert_uint_ge(view_modseq(v), base + done); /* each commit takes one */
	}
	pthread_join(writer, NULL);
}

/* A snapshot asked for after a commit has returned has it, whoever commits meanwhile: a thread of
 * this process, which brings the snapshot forward itself, or another process. */
START_TEST(a_snapshot_is_not_older_than_a_commit_that_returned)
{
	struct fixture f;
	struct account *other = NULL;

	fixture_open(&f);
	struct store *second = fixture_second(&f, "second");
	ck_assert_ok(account_open(second, account_id(f.a), &other));
	check_race(&f, f.a);
	check_race(&f, other);
	account_unref(&other);
	store_close(&second);
	fixture_close(&f);
}
END_TEST

/* clang-format off */
TEST_MAIN("view_cache", nothing_committed_gives_the_same_snapshot_without_a_read,
    there_is_no_stamp_without_a_handle, every_commit_of_another_is_seen_at_once,
    what_another_wrote_and_closed_is_seen_by_an_empty_wal,
    a_mailbox_deleted_by_another_is_gone, a_snapshot_is_not_older_than_a_commit_that_returned)
/* clang-format on */
