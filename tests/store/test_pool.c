/* Handles of databases, which are kept for the next use. */
#include "tests/store/database_fixture.h"
#include "tests/support/log_lines.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <sys/resource.h>

START_TEST(handles_are_used_again_and_closed_when_idle)
{
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();

	for (int64_t i = 0; i < 10; i++) {
		ck_assert_ok(put_number(f, i, DURABLE_NOW));
		ck_assert_int_eq(count_numbers(f), i + 1);
	}
	ck_assert_uint_eq(pool_handles(f->pool, NULL), 2); /* a writer's, a reader's */
	pool_reap(f->pool, 1000);
	ck_assert_uint_eq(pool_handles(f->pool, &f->d), 2);
	pool_reap(f->pool, 0);
	ck_assert_uint_eq(pool_handles(f->pool, &f->d), 0);
	ck_assert_int_eq(f->d.wal_fd, -1);
	ck_assert_ok(put_number(f, 10, DURABLE_LATER));
	pool_reap(f->pool, 0); /* not while something is to be synced */
	ck_assert_uint_eq(pool_handles(f->pool, &f->d), 1);
	ck_assert_ok(database_sync(&f->d));
	pool_reap(f->pool, 0);
	ck_assert_uint_eq(pool_handles(f->pool, &f->d), 0);
}
END_TEST

START_TEST(idle_handles_are_bounded)
{
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();
	struct handle *h[POOL_HANDLES_MAX + 10];

	for (size_t i = 0; i < ARRAY_LEN(h); i++)
		ck_assert_ok(pool_take(&f->d, DB_READER, &h[i]));
	ck_assert_uint_eq(pool_handles(f->pool, NULL), ARRAY_LEN(h));
	for (size_t i = 0; i < ARRAY_LEN(h); i++)
		pool_give(&h[i]);
	ck_assert_uint_eq(pool_handles(f->pool, NULL), POOL_HANDLES_MAX);
}
END_TEST

START_TEST(idle_handles_make_room_when_descriptors_run_out)
{
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();
	CLEANUP(read_end) struct handle *other = NULL;
	struct handle *h[10];
	struct database d;
	struct rlimit limit;
	char path[120];

	snprintf(path, sizeof(path), "%s/y.db", f->dir);
	ck_assert_ok(database_create(path, &number_schema_1, NULL, NULL));
	ck_assert_ok(database_init(&d, f->pool, path, &number_schema_1));
	for (size_t i = 0; i < ARRAY_LEN(h); i++)
		ck_assert_ok(read_begin(&f->d, &h[i]));
	for (size_t i = 0; i < ARRAY_LEN(h); i++)
		read_end(&h[i]);
	int next = dup(STDIN_FILENO);
	close(next);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)next;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	log_lines_begin();
	ck_assert_ok(read_begin(&d, &other));
	log_lines_end();
	ck_assert_uint_eq(pool_handles(f->pool, &f->d), 0);
	read_end(&other);
	database_done(&d);
}
END_TEST

TEST_MAIN("pool", handles_are_used_again_and_closed_when_idle, idle_handles_are_bounded,
    idle_handles_make_room_when_descriptors_run_out)
