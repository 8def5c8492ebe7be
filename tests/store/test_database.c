/* Transactions of one database, alone and combined. */
#include "tests/store/database_fixture.h"
#include "tests/support/log_lines.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

START_TEST(what_is_written_is_read)
{
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();

	ck_assert_ok(put_number(f, 1, DURABLE_NOW));
	ck_assert_ok(put_number(f, 2, DURABLE_LATER));
	ck_assert_int_eq(count_numbers(f), 2);
	ck_assert_int_eq(put_number(f, 2, DURABLE_NOW), ERR_EXISTS);
	ck_assert_int_eq(count_numbers(f), 2);
}
END_TEST

START_TEST(statements_carry_octets_as_they_are)
{
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();
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
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();
	CLEANUP(read_end) struct handle *h = NULL;
	int64_t n;

	ck_assert_ok(put_number(f, 1, DURABLE_NOW));
	ck_assert_ok(read_begin(&f->d, &h));
	ck_assert_ok(db_get_int(h->db, "SELECT count(*) FROM number", &n));
	ck_assert_ok(put_number(f, 2, DURABLE_NOW));
	ck_assert_ok(db_get_int(h->db, "SELECT count(*) FROM number", &n));
	ck_assert_int_eq(n, 1);
	ck_assert_int_eq(count_numbers(f), 2);
	log_lines_begin();
	ck_assert_int_ne(db_run(h->db, "DELETE FROM number"), ERR_OK);
	log_lines_end();
}
END_TEST

START_TEST(durable_later_is_synced_on_demand_and_once)
{
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();

	f->d.sync_file = count_and_sync;
	ck_assert_ok(put_number(f, 1, DURABLE_LATER));
	ck_assert_ok(put_number(f, 2, DURABLE_LATER));
	ck_assert_int_eq(number_syncs, 0);
	ck_assert(!database_is_synced(&f->d));
	ck_assert_ok(database_sync(&f->d));
	ck_assert_int_eq(number_syncs, 1);
	ck_assert(database_is_synced(&f->d));
	ck_assert_ok(database_sync(&f->d));
	ck_assert_int_eq(number_syncs, 1);
	ck_assert_ok(put_number(f, 3, DURABLE_NOW));
	ck_assert_int_eq(number_syncs, 2);
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
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();

	f->d.sync_file = count_and_sync;
	ck_assert_ok(database_write(&f->d, delete_nothing, NULL, DURABLE_NOW));
	ck_assert_int_eq(number_syncs, 0);
	ck_assert_uint_eq(f->d.commits, 0);
}
END_TEST

START_TEST(writes_that_wait_share_a_commit_and_a_sync)
{
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();
	struct number_writer w[9] = {0};

	f->d.sync_file = count_and_sync;
	run_number_writers(f, w, ARRAY_LEN(w));
	for (size_t i = 0; i < ARRAY_LEN(w); i++)
		ck_assert_ok(w[i].result);
	ck_assert_int_eq(count_numbers(f), 9);
	ck_assert_uint_eq(f->d.commits, 2);
	ck_assert_int_le(number_syncs, 2);
}
END_TEST

static enum err
insert_and_fail(struct txn *t, void *arg)
{
	enum err e = insert_number(t, arg);

	return e ? e : ERR_LIMIT;
}

START_TEST(a_failing_write_takes_no_other_with_it)
{
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();
	struct number_writer w[6] = {
	    {0}, {0}, {.op = insert_and_fail}, {0}, {.op = insert_and_fail}, {0}};

	run_number_writers(f, w, ARRAY_LEN(w));
	for (size_t i = 0; i < ARRAY_LEN(w); i++)
		ck_assert_int_eq(w[i].result, i == 2 || i == 4 ? ERR_LIMIT : ERR_OK);
	ck_assert_int_eq(count_numbers(f), 4);
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
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();

	f->d.admit = admit;
	ck_assert_ok(put_number(f, 1, DURABLE_NOW));
	admitted = false;
	ck_assert_int_eq(put_number(f, 2, DURABLE_NOW), ERR_GONE);
	ck_assert_int_eq(count_numbers(f), 1);
}
END_TEST

START_TEST(a_database_that_is_no_more_is_gone)
{
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();
	struct handle *h = NULL;

	unlink(f->path);
	ck_assert_int_eq(read_begin(&f->d, &h), ERR_GONE);
	ck_assert_int_eq(put_number(f, 1, DURABLE_NOW), ERR_GONE);
}
END_TEST

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
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();
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

TEST_MAIN("database", what_is_written_is_read, statements_carry_octets_as_they_are,
    readers_keep_their_snapshot_and_cannot_write, durable_later_is_synced_on_demand_and_once,
    what_changes_nothing_is_not_synced, writes_that_wait_share_a_commit_and_a_sync,
    a_failing_write_takes_no_other_with_it, a_database_can_refuse_all_writes,
    a_database_that_is_no_more_is_gone, files_follow_the_rows)
