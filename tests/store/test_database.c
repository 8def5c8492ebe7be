#include "common/base/clock.h"
#include "common/base/log.h"
#include "store/database.h"
#include "store/upkeep.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

static const struct schema_step steps[] = {
    {.before = "CREATE TABLE number (n INTEGER PRIMARY KEY, octets BLOB)"},
    {.before = "ALTER TABLE number ADD COLUMN more"},
};
static const struct schema schema_1 = {.name = "test", .steps = steps, .version = 1};
static const struct schema schema_2 = {.name = "test", .steps = steps, .version = 2};

struct fixture {
	char dir[64], path[100];
	struct pool *pool;
	struct database d;
};

static struct fixture *
open_fixture(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "%s", test_mkdir());
	snprintf(f->path, sizeof(f->path), "%s/x.db", f->dir);
	ck_assert_ok(database_create(f->path, &schema_1, NULL, NULL));
	ck_assert_ok(pool_new(NULL, &f->pool));
	ck_assert_ok(database_init(&f->d, f->pool, f->path, &schema_1));
	return f;
}

static void
close_fixture(struct fixture **fp)
{
	struct fixture *f = *fp;

	database_done(&f->d);
	pool_free(&f->pool);
	test_rmdir(f->dir);
	free(f);
}

static enum err
insert(struct txn *t, void *arg)
{
	return db_run(t->db, "INSERT INTO number (n) VALUES (?1)", DB_INT(*(int64_t *)arg));
}

static enum err
insert_and_fail(struct txn *t, void *arg)
{
	enum err e = insert(t, arg);

	return e ? e : ERR_LIMIT;
}

static enum err
put(struct fixture *f, int64_t n, enum durability durability)
{
	return database_write(&f->d, insert, &n, durability);
}

static int64_t
count(struct fixture *f)
{
	CLEANUP(read_end) struct handle *h = NULL;
	int64_t n = -1;

	ck_assert_ok(read_begin(&f->d, &h));
	ck_assert_ok(db_get_int(h->db, "SELECT count(*) FROM number", &n));
	return n;
}

/* Log lines of the test, as one text. */
static char logged[8192];

static void
keep_line(void *arg, struct str line)
{
	size_t n = strlen(logged);

	(void)arg;
	snprintf(logged + n, sizeof(logged) - n, "%.*s\n", STR_ARG(line));
}

static int syncs, sync_errno;

static int
counting_sync(int fd)
{
	__atomic_add_fetch(&syncs, 1, __ATOMIC_SEQ_CST);
	if (sync_errno) {
		errno = sync_errno;
		return -1;
	}
	return fdatasync(fd);
}

START_TEST(what_is_written_is_read)
{
	CLEANUP(close_fixture) struct fixture *f = open_fixture();

	ck_assert_ok(put(f, 1, DURABLE_NOW));
	ck_assert_ok(put(f, 2, DURABLE_LATER));
	ck_assert_int_eq(count(f), 2);
	ck_assert_int_eq(put(f, 2, DURABLE_NOW), ERR_EXISTS);
	ck_assert_int_eq(count(f), 2);
}
END_TEST

START_TEST(statements_carry_octets_as_they_are)
{
	CLEANUP(close_fixture) struct fixture *f = open_fixture();
	CLEANUP(db_close) struct db *db = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row;

	ck_assert_ok(db_open(f->path, DB_WRITER, &db));
	ck_assert_ok(
	    db_run(db, "INSERT INTO number (n, octets) VALUES (1, ?1), (2, ?2), (3, ?3), (4, ?4)",
		DB_BLOB(str_make("a\0b", 3)), DB_TEXT(str_make("x\0y", 3)),
		DB_BLOB(str_make("", 0)), DB_NULL));
	ck_assert_ok(db_query(db, "SELECT octets FROM number ORDER BY n", &st));
	ck_assert_ok(stmt_step(st, &row));
	ck_assert(str_eq(stmt_str(st, 0), str_make("a\0b", 3)));
	ck_assert_ok(stmt_step(st, &row));
	ck_assert(str_eq(stmt_str(st, 0), str_make("x\0y", 3)));
	ck_assert_ok(stmt_step(st, &row));
	ck_assert(!stmt_is_null(st, 0) && stmt_str(st, 0).p && stmt_str(st, 0).n == 0);
	ck_assert_ok(stmt_step(st, &row));
	ck_assert(row && stmt_is_null(st, 0) && !stmt_str(st, 0).p);
	ck_assert_ok(stmt_step(st, &row));
	ck_assert(!row);
}
END_TEST

START_TEST(readers_keep_their_snapshot_and_cannot_write)
{
	CLEANUP(close_fixture) struct fixture *f = open_fixture();
	CLEANUP(read_end) struct handle *h = NULL;
	int64_t n;

	ck_assert_ok(put(f, 1, DURABLE_NOW));
	ck_assert_ok(read_begin(&f->d, &h));
	ck_assert_ok(db_get_int(h->db, "SELECT count(*) FROM number", &n));
	ck_assert_ok(put(f, 2, DURABLE_NOW));
	ck_assert_ok(db_get_int(h->db, "SELECT count(*) FROM number", &n));
	ck_assert_int_eq(n, 1);
	ck_assert_int_eq(count(f), 2);
	log_capture(keep_line, NULL);
	ck_assert_int_ne(db_run(h->db, "DELETE FROM number"), ERR_OK);
	log_capture(NULL, NULL);
}
END_TEST

START_TEST(durable_later_is_synced_on_demand_and_once)
{
	CLEANUP(close_fixture) struct fixture *f = open_fixture();

	f->d.sync_file = counting_sync;
	ck_assert_ok(put(f, 1, DURABLE_LATER));
	ck_assert_ok(put(f, 2, DURABLE_LATER));
	ck_assert_int_eq(syncs, 0);
	ck_assert(!database_is_synced(&f->d));
	ck_assert_ok(database_sync(&f->d));
	ck_assert_int_eq(syncs, 1);
	ck_assert(database_is_synced(&f->d));
	ck_assert_ok(database_sync(&f->d));
	ck_assert_int_eq(syncs, 1);
	ck_assert_ok(put(f, 3, DURABLE_NOW));
	ck_assert_int_eq(syncs, 2);
}
END_TEST

static enum err
delete_nothing(struct txn *t, void *arg)
{
	(void)arg;
	return db_run(t->db, "DELETE FROM number WHERE n = -1");
}

START_TEST(what_changes_nothing_is_not_synced)
{
	CLEANUP(close_fixture) struct fixture *f = open_fixture();

	f->d.sync_file = counting_sync;
	ck_assert_ok(database_write(&f->d, delete_nothing, NULL, DURABLE_NOW));
	ck_assert_int_eq(syncs, 0);
	ck_assert_uint_eq(f->d.commits, 0);
}
END_TEST

/* -- combined writes */

struct worker {
	struct fixture *f;
	pthread_t thread;
	int64_t n;
	txn_op *op;
	enum err result;
};

static void *
work(void *arg)
{
	struct worker *w = arg;

	w->result = database_write(&w->f->d, w->op, &w->n, DURABLE_NOW);
	return NULL;
}

static size_t
queued(struct fixture *f)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&f->d.mu);
	size_t n = 0;

	(void)held;
	for (struct write_op *op = f->d.queue; op; op = *(struct write_op **)op)
		n++; /* `next` is its first member */
	return n;
}

static bool
is_writing(struct fixture *f)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&f->d.mu);

	(void)held;
	return f->d.writing;
}

static struct fixture *held_fixture;
static size_t held_for;

/* Holds the first transaction until the others have queued up behind it. */
static enum err
insert_when_others_wait(struct txn *t, void *arg)
{
	while (queued(held_fixture) < held_for)
		usleep(1000);
	return insert(t, arg);
}

static void
run_workers(struct fixture *f, struct worker *w, size_t n)
{
	held_fixture = f;
	held_for = n - 1;
	w[0].op = insert_when_others_wait;
	for (size_t i = 0; i < n; i++) {
		w[i].f = f;
		w[i].n = (int64_t)i + 100;
		if (!w[i].op)
			w[i].op = insert;
		ck_assert_int_eq(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
		while (i == 0 && !is_writing(f))
			usleep(1000);
	}
	for (size_t i = 0; i < n; i++)
		pthread_join(w[i].thread, NULL);
}

START_TEST(writes_that_wait_share_a_commit_and_a_sync)
{
	CLEANUP(close_fixture) struct fixture *f = open_fixture();
	struct worker w[9] = {0};

	f->d.sync_file = counting_sync;
	run_workers(f, w, ARRAY_LEN(w));
	for (size_t i = 0; i < ARRAY_LEN(w); i++)
		ck_assert_ok(w[i].result);
	ck_assert_int_eq(count(f), 9);
	ck_assert_uint_eq(f->d.commits, 2);
	ck_assert_int_le(syncs, 2);
}
END_TEST

START_TEST(a_failing_write_takes_no_other_with_it)
{
	CLEANUP(close_fixture) struct fixture *f = open_fixture();
	struct worker w[6] = {{.op = NULL}, {.op = NULL}, {.op = insert_and_fail}, {.op = NULL},
	    {.op = insert_and_fail}, {.op = NULL}};

	run_workers(f, w, ARRAY_LEN(w));
	for (size_t i = 0; i < ARRAY_LEN(w); i++)
		ck_assert_int_eq(w[i].result, i == 2 || i == 4 ? ERR_LIMIT : ERR_OK);
	ck_assert_int_eq(count(f), 4);
	ck_assert_uint_eq(f->d.commits, 2);
}
END_TEST

static bool admitted = true;

static enum err
admit(struct db *db)
{
	(void)db;
	return admitted ? ERR_OK : ERR_GONE;
}

START_TEST(a_database_can_refuse_all_writes)
{
	CLEANUP(close_fixture) struct fixture *f = open_fixture();

	f->d.admit = admit;
	ck_assert_ok(put(f, 1, DURABLE_NOW));
	admitted = false;
	ck_assert_int_eq(put(f, 2, DURABLE_NOW), ERR_GONE);
	ck_assert_int_eq(count(f), 1);
}
END_TEST

/* -- failures of the disk */

START_TEST(a_failed_sync_is_told_and_not_forgotten)
{
	CLEANUP(close_fixture) struct fixture *f = open_fixture();
	CLEANUP(db_close) struct db *alone = NULL;
	char copy[120], command[300];
	int64_t n;

	f->d.sync_file = counting_sync;
	ck_assert_ok(put(f, 1, DURABLE_NOW));
	log_capture(keep_line, NULL);
	sync_errno = EIO;
	ck_assert_int_eq(put(f, 2, DURABLE_NOW), ERR_IO);
	sync_errno = 0;
	log_capture(NULL, NULL);
	ck_assert_ptr_nonnull(strstr(logged, f->path));
	ck_assert_uint_eq(pool_handles(f->pool, &f->d), 0);
	ck_assert(f->d.suspect);

	/* The next write first brings what the WAL holds into the file itself: seen in a copy
	 * without the WAL. */
	ck_assert_ok(put(f, 3, DURABLE_NOW));
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
count_without_wal(struct fixture *f)
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
	CLEANUP(close_fixture) struct fixture *f = open_fixture();

	f->d.sync_file = counting_sync;
	ck_assert_ok(put(f, 1, DURABLE_LATER));
	log_capture(keep_line, NULL);
	sync_errno = EIO;
	ck_assert_int_eq(put(f, 2, DURABLE_NOW), ERR_IO);
	sync_errno = 0;
	log_capture(NULL, NULL);
	ck_assert(!database_is_synced(&f->d));
	ck_assert_ok(database_sync(&f->d));
	ck_assert(database_is_synced(&f->d));
	ck_assert_int_eq(count_without_wal(f), 2);
}
END_TEST

static enum err
lose_the_savepoint(struct txn *t, void *arg)
{
	enum err e = insert(t, arg);

	if (!e)
		e = db_release(t->db);
	return e ? e : ERR_LIMIT;
}

START_TEST(what_cannot_be_undone_is_not_committed_with_others)
{
	CLEANUP(close_fixture) struct fixture *f = open_fixture();
	struct worker w[4] = {{.op = NULL}, {.op = NULL}, {.op = lose_the_savepoint}, {.op = NULL}};

	log_capture(keep_line, NULL);
	run_workers(f, w, ARRAY_LEN(w));
	log_capture(NULL, NULL);
	ck_assert_ok(w[0].result);
	for (size_t i = 1; i < ARRAY_LEN(w); i++)
		ck_assert_int_ne(w[i].result, ERR_OK);
	ck_assert_int_eq(count(f), 1);
}
END_TEST

START_TEST(all_who_wait_for_a_failed_sync_are_told)
{
	CLEANUP(close_fixture) struct fixture *f = open_fixture();
	struct worker w[5] = {0};

	f->d.sync_file = counting_sync;
	log_capture(keep_line, NULL);
	sync_errno = ENOSPC;
	run_workers(f, w, ARRAY_LEN(w));
	sync_errno = 0;
	log_capture(NULL, NULL);
	for (size_t i = 0; i < ARRAY_LEN(w); i++)
		ck_assert(w[i].result == ERR_IO || w[i].result == ERR_NO_SPACE);
	ck_assert_ok(put(f, 1, DURABLE_NOW));
}
END_TEST

static enum err
insert_octets(struct txn *t, void *arg)
{
	static char megabyte[1 << 20];

	return db_run(t->db, "INSERT INTO number (n, octets) VALUES (?1, ?2)",
	    DB_INT(*(int64_t *)arg), DB_BLOB(str_make(megabyte, sizeof(megabyte))));
}

START_TEST(a_full_disk_fails_the_write_and_nothing_else)
{
	CLEANUP(close_fixture) struct fixture *f = open_fixture();
	struct rlimit unlimited, low;

	ck_assert_ok(put(f, 1, DURABLE_NOW));
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
	low = (struct rlimit){300000, unlimited.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &low), 0);
	log_capture(keep_line, NULL);
	for (int64_t n = 2; n < 4; n++)
		ck_assert_int_eq(
		    database_write(&f->d, insert_octets, &n, DURABLE_NOW), ERR_NO_SPACE);
	log_capture(NULL, NULL);
	ck_assert_ptr_nonnull(strstr(logged, f->path));
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
	ck_assert_int_eq(count(f), 1);
	ck_assert_ok(database_write(&f->d, insert_octets, &(int64_t){5}, DURABLE_NOW));
	ck_assert_int_eq(count(f), 2);
}
END_TEST

/* Another process holds the lock and does not go on. */
START_TEST(a_lock_that_is_never_given_back_is_waited_for_once)
{
	CLEANUP(close_fixture) struct fixture *f = open_fixture();
	CLEANUP(db_close) struct db *other = NULL;

	ck_assert_ok(db_open(f->path, DB_WRITER, &other));
	ck_assert_ok(db_begin_write(other));
	f->d.patience_ms = 300;
	log_capture(keep_line, NULL);
	int64_t start = clock_mono_ms();
	ck_assert_int_eq(put(f, 1, DURABLE_NOW), ERR_BUSY);
	ck_assert_int_ge(clock_mono_ms() - start, 300);
	ck_assert_ptr_nonnull(strstr(logged, f->path)); /* said once, with the path */
	logged[0] = 0;
	start = clock_mono_ms();
	for (int64_t n = 2; n < 5; n++)
		ck_assert_int_eq(put(f, n, DURABLE_NOW), ERR_BUSY);
	ck_assert_int_lt(clock_mono_ms() - start, 300);
	ck_assert_str_eq(logged, "");
	db_rollback(other);
	ck_assert_ok(put(f, 5, DURABLE_NOW));
	ck_assert_ok(db_begin_write(other)); /* from now on it is waited for again */
	start = clock_mono_ms();
	ck_assert_int_eq(put(f, 6, DURABLE_NOW), ERR_BUSY);
	ck_assert_int_ge(clock_mono_ms() - start, 300);
	log_capture(NULL, NULL);
	ck_assert_int_eq(count(f), 1);
}
END_TEST

/* -- the size of the WAL */

static bool reading;

/* Always somebody reads, one after the other: SQLite's own checkpoints would never find the moment
 * to begin the WAL anew. */
static void *
read_on_and_on(void *arg)
{
	struct fixture *f = arg;

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
wal_size(struct fixture *f)
{
	char path[120];
	struct stat st;

	snprintf(path, sizeof(path), "%s-wal", f->path);
	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_size;
}

START_TEST(the_wal_stays_small_while_others_read)
{
	CLEANUP(close_fixture) struct fixture *f = open_fixture();
	pthread_t readers[3];

	reading = true;
	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		ck_assert_int_eq(pthread_create(&readers[i], NULL, read_on_and_on, f), 0);
		usleep(3000);
	}
	int64_t n = 1;
	for (; n <= 80; n++)
		ck_assert_ok(database_write(&f->d, insert_octets, &n, DURABLE_LATER));
	/* A fast disk takes all of that between two looks at the WAL, and a busy machine may need
	 * more than one: it must come down while they read. */
	for (; n <= 110 && wal_size(f) >= 40 << 20; n++) {
		usleep(WAL_TRIM_EVERY_MS * 1000);
		ck_assert_ok(database_write(&f->d, insert_octets, &n, DURABLE_LATER));
	}
	ck_assert_int_lt(wal_size(f), 40 << 20);
	__atomic_store_n(&reading, false, __ATOMIC_SEQ_CST);
	for (size_t i = 0; i < ARRAY_LEN(readers); i++)
		pthread_join(readers[i], NULL);
}
END_TEST

START_TEST(a_reader_that_stays_delays_writers_a_little_only)
{
	CLEANUP(close_fixture) struct fixture *f = open_fixture();
	CLEANUP(read_end) struct handle *h = NULL;
	int64_t n;

	ck_assert_ok(put(f, 1000, DURABLE_NOW));
	ck_assert_ok(read_begin(&f->d, &h));
	ck_assert_ok(db_get_int(h->db, "SELECT count(*) FROM number", &n));
	int64_t start = clock_mono_ms();
	for (n = 1; n <= 40; n++)
		ck_assert_ok(database_write(&f->d, insert_octets, &n, DURABLE_LATER));
	ck_assert_int_lt(clock_mono_ms() - start, 3000);
	ck_assert_int_gt(wal_size(f), 40 << 20);
	read_end(&h);
	usleep(WAL_TRIM_EVERY_MS * 1000);
	for (n = 41; n <= 43; n++)
		ck_assert_ok(database_write(&f->d, insert_octets, &n, DURABLE_LATER));
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
	CLEANUP(close_fixture) struct fixture *f = open_fixture();
	struct upkeep *u = upkeep_new();
	int64_t n = 1;

	/* the fixture's pool has nobody to tick for it */
	database_done(&f->d);
	pool_free(&f->pool);
	ck_assert_ok(pool_new(u, &f->pool));
	ck_assert_ok(database_init(&f->d, f->pool, f->path, &schema_1));
	upkeep_set_alarm(u, note_alarm, NULL);
	int64_t before = file_size(f->path);
	for (; n <= 6; n++) /* 257 pages each */
		ck_assert_ok(database_write(&f->d, insert_octets, &n, DURABLE_LATER));
	ck_assert_int_eq(file_size(f->path), before);
	ck_assert(upkeep_is_unsynced(&f->d));
	ck_assert_int_gt(alarms, 0);
	ck_assert_ptr_eq(upkeep_take_unsynced(u), &f->d);
	database_tend_wal(&f->d);
	ck_assert_int_gt(file_size(f->path), before + (6 << 20));
	ck_assert_ok(database_write(&f->d, insert_octets, &n, DURABLE_LATER));
	ck_assert_int_lt(wal_size(f), 8 << 20); /* begun anew with that commit */
	/* No tick comes. */
	for (n++; n <= 60; n++)
		ck_assert_ok(database_write(&f->d, insert_octets, &n, DURABLE_LATER));
	ck_assert_int_lt(wal_size(f), 40 << 20);
	upkeep_set_alarm(u, NULL, NULL);
	database_done(&f->d);
	pool_free(&f->pool);
	upkeep_free(&u);
	ck_assert_ok(pool_new(NULL, &f->pool));
	ck_assert_ok(database_init(&f->d, f->pool, f->path, &schema_1));
	ck_assert_int_eq(count(f), 60);
}
END_TEST

START_TEST(a_database_that_is_no_more_is_gone)
{
	CLEANUP(close_fixture) struct fixture *f = open_fixture();
	struct handle *h = NULL;

	unlink(f->path);
	ck_assert_int_eq(read_begin(&f->d, &h), ERR_GONE);
	ck_assert_int_eq(put(f, 1, DURABLE_NOW), ERR_GONE);
}
END_TEST

/* -- files */

struct file_op {
	const char *added, *dropped;
	enum err result;
};

static enum err
use_files(struct txn *t, void *arg)
{
	const struct file_op *op = arg;

	ck_assert_ok(txn_added_file(t, op->added));
	ck_assert_ok(txn_remove_file(t, op->dropped));
	return op->result;
}

START_TEST(files_follow_the_rows)
{
	CLEANUP(close_fixture) struct fixture *f = open_fixture();
	char added[120], dropped[120];
	struct file_op op = {added, dropped, ERR_LIMIT};

	snprintf(added, sizeof(added), "%s/added", f->dir);
	snprintf(dropped, sizeof(dropped), "%s/dropped", f->dir);
	close(creat(added, 0600));
	close(creat(dropped, 0600));
	ck_assert_int_eq(database_write(&f->d, use_files, &op, DURABLE_NOW), ERR_LIMIT);
	ck_assert_int_ne(access(added, F_OK), 0);
	ck_assert_int_eq(access(dropped, F_OK), 0);
	close(creat(added, 0600));
	op.result = ERR_OK;
	ck_assert_ok(database_write(&f->d, use_files, &op, DURABLE_LATER));
	ck_assert_int_eq(access(added, F_OK), 0);
	ck_assert_int_ne(access(dropped, F_OK), 0);
	/* whoever removes a file has synced that no row names it any more */
	ck_assert(database_is_synced(&f->d));
}
END_TEST

/* -- the pool */

START_TEST(handles_are_used_again_and_closed_when_idle)
{
	CLEANUP(close_fixture) struct fixture *f = open_fixture();

	for (int64_t i = 0; i < 10; i++) {
		ck_assert_ok(put(f, i, DURABLE_NOW));
		ck_assert_int_eq(count(f), i + 1);
	}
	ck_assert_uint_eq(pool_handles(f->pool, NULL), 2); /* a writer's, a reader's */
	pool_reap(f->pool, 1000);
	ck_assert_uint_eq(pool_handles(f->pool, &f->d), 2);
	pool_reap(f->pool, 0);
	ck_assert_uint_eq(pool_handles(f->pool, &f->d), 0);
	ck_assert_int_eq(f->d.wal_fd, -1);
	ck_assert_ok(put(f, 10, DURABLE_LATER));
	pool_reap(f->pool, 0); /* not while something is to be synced */
	ck_assert_uint_eq(pool_handles(f->pool, &f->d), 1);
	ck_assert_ok(database_sync(&f->d));
	pool_reap(f->pool, 0);
	ck_assert_uint_eq(pool_handles(f->pool, &f->d), 0);
}
END_TEST

START_TEST(idle_handles_are_bounded)
{
	CLEANUP(close_fixture) struct fixture *f = open_fixture();
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
	CLEANUP(close_fixture) struct fixture *f = open_fixture();
	CLEANUP(read_end) struct handle *other = NULL;
	struct handle *h[10];
	struct database d;
	struct rlimit limit;
	char path[120];

	snprintf(path, sizeof(path), "%s/y.db", f->dir);
	ck_assert_ok(database_create(path, &schema_1, NULL, NULL));
	ck_assert_ok(database_init(&d, f->pool, path, &schema_1));
	for (size_t i = 0; i < ARRAY_LEN(h); i++)
		ck_assert_ok(read_begin(&f->d, &h[i]));
	for (size_t i = 0; i < ARRAY_LEN(h); i++)
		read_end(&h[i]);
	int next = dup(STDIN_FILENO);
	close(next);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)next;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	log_capture(keep_line, NULL);
	ck_assert_ok(read_begin(&d, &other));
	log_capture(NULL, NULL);
	ck_assert_uint_eq(pool_handles(f->pool, &f->d), 0);
	read_end(&other);
	database_done(&d);
}
END_TEST

/* -- migrations */

START_TEST(an_older_database_is_migrated_after_a_snapshot)
{
	CLEANUP(close_fixture) struct fixture *f = open_fixture();
	CLEANUP(db_close) struct db *db = NULL;
	CLEANUP(db_close) struct db *before = NULL;
	char path[120];
	int64_t version, n;

	ck_assert_ok(put(f, 7, DURABLE_NOW));
	ck_assert_ok(db_open(f->path, DB_WRITER, &db));
	log_capture(keep_line, NULL);
	ck_assert_ok(schema_migrate(db, &schema_2));
	ck_assert_ok(schema_migrate(db, &schema_2));
	log_capture(NULL, NULL);
	ck_assert_ok(db_version(db, &version));
	ck_assert_int_eq(version, 2);
	ck_assert_ok(db_get_int(db, "SELECT count(*) FROM number WHERE more IS NULL", &n));
	ck_assert_int_eq(n, 1);
	snprintf(path, sizeof(path), "%s.before-2", f->path);
	ck_assert_ok(db_open(path, DB_READER, &before));
	ck_assert_ok(db_version(before, &version));
	ck_assert_int_eq(version, 1);
	ck_assert_ok(db_get_int(before, "SELECT n FROM number", &n));
	ck_assert_int_eq(n, 7);
}
END_TEST

START_TEST(a_database_of_a_newer_program_is_refused)
{
	CLEANUP(close_fixture) struct fixture *f = open_fixture();
	CLEANUP(db_close) struct db *db = NULL;

	ck_assert_ok(db_open(f->path, DB_WRITER, &db));
	ck_assert_ok(db_set_version(db, 3));
	log_capture(keep_line, NULL);
	ck_assert_int_eq(schema_migrate(db, &schema_2), ERR_CANNOT);
	log_capture(NULL, NULL);
	ck_assert_ptr_nonnull(strstr(logged, f->path));
}
END_TEST

static const struct schema_step bad_steps[] = {
    {.before = "CREATE TABLE number (n INTEGER PRIMARY KEY, octets BLOB)"},
    {.before = "CREATE TABLE half (x); CREATE TABLE number (y)"},
};
static const struct schema schema_bad = {.name = "test", .steps = bad_steps, .version = 2};

START_TEST(a_migration_that_fails_changes_nothing)
{
	CLEANUP(close_fixture) struct fixture *f = open_fixture();
	CLEANUP(db_close) struct db *db = NULL;
	int64_t version, n;

	ck_assert_ok(db_open(f->path, DB_WRITER, &db));
	log_capture(keep_line, NULL);
	ck_assert_int_ne(schema_migrate(db, &schema_bad), ERR_OK);
	log_capture(NULL, NULL);
	ck_assert_ok(db_version(db, &version));
	ck_assert_int_eq(version, 1);
	ck_assert_ok(db_get_int(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'", &n));
	ck_assert_int_eq(n, 0);
}
END_TEST

TEST_MAIN("database", what_is_written_is_read, statements_carry_octets_as_they_are,
    readers_keep_their_snapshot_and_cannot_write, durable_later_is_synced_on_demand_and_once,
    what_changes_nothing_is_not_synced, writes_that_wait_share_a_commit_and_a_sync,
    a_failing_write_takes_no_other_with_it, a_database_can_refuse_all_writes,
    a_failed_sync_is_told_and_not_forgotten, a_sync_after_a_failed_one_makes_all_commits_durable,
    what_cannot_be_undone_is_not_committed_with_others, all_who_wait_for_a_failed_sync_are_told,
    a_full_disk_fails_the_write_and_nothing_else,
    a_lock_that_is_never_given_back_is_waited_for_once, the_wal_stays_small_while_others_read,
    a_reader_that_stays_delays_writers_a_little_only,
    a_long_wal_is_left_to_the_tick_until_it_is_too_long, a_database_that_is_no_more_is_gone,
    files_follow_the_rows, handles_are_used_again_and_closed_when_idle, idle_handles_are_bounded,
    idle_handles_make_room_when_descriptors_run_out, an_older_database_is_migrated_after_a_snapshot,
    a_database_of_a_newer_program_is_refused, a_migration_that_fails_changes_nothing)
