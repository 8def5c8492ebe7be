/* A disk that fails or is full, and a lock that is never given back. */
#include "common/base/clock.h"
#include "tests/store/database_fixture.h"
#include "tests/support/log_lines.h"
#include "tests/support/test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

START_TEST(a_failed_sync_is_told_and_not_forgotten)
{
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();
	CLEANUP(db_close) struct db *alone = NULL;
	char copy[120], command[300];
	int64_t n;

	f->d.sync_file = count_and_sync;
	ck_assert_ok(put_number(f, 1, DURABLE_NOW));
	log_lines_begin();
	number_sync_errno = EIO;
	ck_assert_int_eq(put_number(f, 2, DURABLE_NOW), ERR_IO);
	number_sync_errno = 0;
	ck_assert_ptr_nonnull(strstr(log_lines_end(), f->path));
	ck_assert_uint_eq(pool_handles(f->pool, &f->d), 0);
	ck_assert(f->d.suspect);

	/* The next write first brings what the WAL holds into the file itself: seen in a copy
	 * without the WAL. */
	ck_assert_ok(put_number(f, 3, DURABLE_NOW));
	ck_assert(!f->d.suspect);
	snprintf(copy, sizeof(copy), "%s/copy.db", f->dir);
	snprintf(command, sizeof(command), "cp %s %s", f->path, copy);
	ck_assert_int_eq(system(command), 0);
	ck_assert_ok(db_open(copy, DB_READER, &alone));
	ck_assert_ok(db_get_int(alone, "SELECT count(*) FROM number WHERE n < 3", &n));
	ck_assert_int_eq(n, 2);
}
END_TEST

static int64_t
count_without_wal(struct database_fixture *f)
{
	CLEANUP(db_close) struct db *alone = NULL;
	char copy[120], command[300];
	int64_t n = -1;

	snprintf(copy, sizeof(copy), "%s/alone.db", f->dir);
	snprintf(command, sizeof(command), "cp %s %s", f->path, copy);
	ck_assert_int_eq(system(command), 0);
	ck_assert_ok(db_open(copy, DB_READER, &alone));
	ck_assert_ok(db_get_int(alone, "SELECT count(*) FROM number", &n));
	return n;
}

/* Whoever asks for a sync after somebody else's has failed is not told that all is well before it
 * is: what was committed is brought into the file itself. */
START_TEST(a_sync_after_a_failed_one_makes_all_commits_durable)
{
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();

	f->d.sync_file = count_and_sync;
	ck_assert_ok(put_number(f, 1, DURABLE_LATER));
	log_lines_begin();
	number_sync_errno = EIO;
	ck_assert_int_eq(put_number(f, 2, DURABLE_NOW), ERR_IO);
	number_sync_errno = 0;
	log_lines_end();
	ck_assert(!database_is_synced(&f->d));
	ck_assert_ok(database_sync(&f->d));
	ck_assert(database_is_synced(&f->d));
	ck_assert_int_eq(count_without_wal(f), 2);
}
END_TEST

static enum err
lose_the_savepoint(struct txn *t, void *arg)
{
	enum err e = insert_number(t, arg);

	if (!e)
		e = db_release(t->db);
	return e ? e : ERR_LIMIT;
}

START_TEST(what_cannot_be_undone_is_not_committed_with_others)
{
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();
	struct number_writer w[4] = {{0}, {0}, {.op = lose_the_savepoint}, {0}};

	log_lines_begin();
	run_number_writers(f, w, ARRAY_LEN(w));
	log_lines_end();
	ck_assert_ok(w[0].result);
	for (size_t i = 1; i < ARRAY_LEN(w); i++)
		ck_assert_int_ne(w[i].result, ERR_OK);
	ck_assert_int_eq(count_numbers(f), 1);
}
END_TEST

START_TEST(all_who_wait_for_a_failed_sync_are_told)
{
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();
	struct number_writer w[5] = {0};

	f->d.sync_file = count_and_sync;
	log_lines_begin();
	number_sync_errno = ENOSPC;
	run_number_writers(f, w, ARRAY_LEN(w));
	number_sync_errno = 0;
	log_lines_end();
	for (size_t i = 0; i < ARRAY_LEN(w); i++)
		ck_assert(w[i].result == ERR_IO || w[i].result == ERR_NO_SPACE);
	ck_assert_ok(put_number(f, 1, DURABLE_NOW));
}
END_TEST

START_TEST(a_full_disk_fails_the_write_and_nothing_else)
{
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();
	struct rlimit unlimited, low;

	ck_assert_ok(put_number(f, 1, DURABLE_NOW));
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
	low = (struct rlimit){300000, unlimited.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &low), 0);
	log_lines_begin();
	for (int64_t n = 2; n < 4; n++)
		ck_assert_int_eq(
		    database_write(&f->d, insert_megabyte, &n, DURABLE_NOW), ERR_NO_SPACE);
	ck_assert_ptr_nonnull(strstr(log_lines_end(), f->path));
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
	ck_assert_int_eq(count_numbers(f), 1);
	ck_assert_ok(database_write(&f->d, insert_megabyte, &(int64_t){5}, DURABLE_NOW));
	ck_assert_int_eq(count_numbers(f), 2);
}
END_TEST

/* Another process holds the lock and does not go on. */
START_TEST(a_lock_that_is_never_given_back_is_waited_for_once)
{
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();
	CLEANUP(db_close) struct db *other = NULL;

	ck_assert_ok(db_open(f->path, DB_WRITER, &other));
	ck_assert_ok(db_begin_write(other));
	f->d.patience_ms = 300;
	log_lines_begin();
	int64_t start = clock_mono_ms();
	ck_assert_int_eq(put_number(f, 1, DURABLE_NOW), ERR_BUSY);
	ck_assert_int_ge(clock_mono_ms() - start, 300);
	ck_assert_ptr_nonnull(strstr(log_lines_end(), f->path)); /* said once, with the path */
	log_lines_begin();
	start = clock_mono_ms();
	for (int64_t n = 2; n < 5; n++)
		ck_assert_int_eq(put_number(f, n, DURABLE_NOW), ERR_BUSY);
	ck_assert_int_lt(clock_mono_ms() - start, 300);
	ck_assert_str_eq(log_lines_end(), "");
	log_lines_begin();
	db_rollback(other);
	ck_assert_ok(put_number(f, 5, DURABLE_NOW));
	ck_assert_ok(db_begin_write(other)); /* from now on it is waited for again */
	start = clock_mono_ms();
	ck_assert_int_eq(put_number(f, 6, DURABLE_NOW), ERR_BUSY);
	ck_assert_int_ge(clock_mono_ms() - start, 300);
	log_lines_end();
	ck_assert_int_eq(count_numbers(f), 1);
}
END_TEST

TEST_MAIN("database_disk", a_failed_sync_is_told_and_not_forgotten,
    a_sync_after_a_failed_one_makes_all_commits_durable,
    what_cannot_be_undone_is_not_committed_with_others, all_who_wait_for_a_failed_sync_are_told,
    a_full_disk_fails_the_write_and_nothing_else,
    a_lock_that_is_never_given_back_is_waited_for_once)
