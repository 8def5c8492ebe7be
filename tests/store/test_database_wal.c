/* The size of the WAL. */
#include "common/base/clock.h"
#include "store/upkeep.h"
#include "tests/store/database_fixture.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

static bool reading;

/* Always somebody reads, one after the other: SQLite's own checkpoints would never find the moment
 * to begin the WAL anew. */
static void *
read_on_and_on(void *arg)
{
	struct database_fixture *f = arg;

	while (__atomic_load_n(&reading, __ATOMIC_SEQ_CST)) {
		CLEANUP(read_end) struct handle *h = NULL;
		int64_t n;
		ck_assert_ok(read_begin(&f->d, &h));
		ck_assert_ok(db_get_int(h->db, "SELECT count(*) FROM number", &n));
		usleep(10000);
	}
	return NULL;
}

static off_t
wal_size(struct database_fixture *f)
{
	char path[120];
	struct stat st;

	snprintf(path, sizeof(path), "%s-wal", f->path);
	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_size;
}

START_TEST(the_wal_stays_small_while_others_read)
{
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();
	pthread_t readers[3];

	reading = true;
	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		ck_assert_int_eq(pthread_create(&readers[i], NULL, read_on_and_on, f), 0);
		usleep(3000);
	}
	int64_t n = 1;
	for (; n <= 80; n++)
		ck_assert_ok(database_write(&f->d, insert_megabyte, &n, DURABLE_LATER));
	/* A fast disk takes all of that between two looks at the WAL, and a busy machine may need
	 * more than one: it must come down while they read. */
	for (; n <= 110 && wal_size(f) >= 40 << 20; n++) {
		usleep(WAL_TRIM_EVERY_MS * 1000);
		ck_assert_ok(database_write(&f->d, insert_megabyte, &n, DURABLE_LATER));
	}
	ck_assert_int_lt(wal_size(f), 40 << 20);
	__atomic_store_n(&reading, false, __ATOMIC_SEQ_CST);
	for (size_t i = 0; i < ARRAY_LEN(readers); i++)
		pthread_join(readers[i], NULL);
}
END_TEST

START_TEST(a_reader_that_stays_delays_writers_a_little_only)
{
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();
	CLEANUP(read_end) struct handle *h = NULL;
	int64_t n;

	ck_assert_ok(put_number(f, 1000, DURABLE_NOW));
	ck_assert_ok(read_begin(&f->d, &h));
	ck_assert_ok(db_get_int(h->db, "SELECT count(*) FROM number", &n));
	int64_t start = clock_mono_ms();
	for (n = 1; n <= 40; n++)
		ck_assert_ok(database_write(&f->d, insert_megabyte, &n, DURABLE_LATER));
	ck_assert_int_lt(clock_mono_ms() - start, 3000);
	ck_assert_int_gt(wal_size(f), 40 << 20);
	read_end(&h);
	usleep(WAL_TRIM_EVERY_MS * 1000);
	for (n = 41; n <= 43; n++)
		ck_assert_ok(database_write(&f->d, insert_megabyte, &n, DURABLE_LATER));
	ck_assert_int_le(wal_size(f), WAL_KEEP_OCTETS);
}
END_TEST

static int alarms;

static void
note_alarm(void *arg, int64_t in_ms)
{
	(void)arg, (void)in_ms;
	__atomic_add_fetch(&alarms, 1, __ATOMIC_SEQ_CST);
}

static int64_t
file_size(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -1 : (int64_t)st.st_size;
}

START_TEST(a_long_wal_is_left_to_the_tick_until_it_is_too_long)
{
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();
	struct upkeep *u = upkeep_new();
	int64_t n = 1;

	/* the fixture's pool has nobody to tick for it */
	database_done(&f->d);
	pool_free(&f->pool);
	ck_assert_ok(pool_new(u, &f->pool));
	ck_assert_ok(database_init(&f->d, f->pool, f->path, &number_schema_1));
	upkeep_set_alarm(u, note_alarm, NULL);
	int64_t before = file_size(f->path);
	for (; n <= 6; n++) /* 257 pages each */
		ck_assert_ok(database_write(&f->d, insert_megabyte, &n, DURABLE_LATER));
	ck_assert_int_eq(file_size(f->path), before);
	ck_assert(upkeep_is_unsynced(&f->d));
	ck_assert_int_gt(alarms, 0);
	ck_assert_ptr_eq(upkeep_take_unsynced(u), &f->d);
	database_tend_wal(&f->d);
	ck_assert_int_gt(file_size(f->path), before + (6 << 20));
	ck_assert_ok(database_write(&f->d, insert_megabyte, &n, DURABLE_LATER));
	ck_assert_int_lt(wal_size(f), 8 << 20); /* begun anew with that commit */
	/* No tick comes. */
	for (n++; n <= 60; n++)
		ck_assert_ok(database_write(&f->d, insert_megabyte, &n, DURABLE_LATER));
	ck_assert_int_lt(wal_size(f), 40 << 20);
	upkeep_set_alarm(u, NULL, NULL);
	database_done(&f->d);
	pool_free(&f->pool);
	upkeep_free(&u);
	ck_assert_ok(pool_new(NULL, &f->pool));
	ck_assert_ok(database_init(&f->d, f->pool, f->path, &number_schema_1));
	ck_assert_int_eq(count_numbers(f), 60);
}
END_TEST

TEST_MAIN("database_wal", the_wal_stays_small_while_others_read,
    a_reader_that_stays_delays_writers_a_little_only,
    a_long_wal_is_left_to_the_tick_until_it_is_too_long)
