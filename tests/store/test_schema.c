/* Databases of older and of newer programs. */
#include "tests/store/database_fixture.h"
#include "tests/support/log_lines.h"
#include "tests/support/test.h"

#include <stdio.h>

START_TEST(an_older_database_is_migrated_after_a_snapshot)
{
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();
	CLEANUP(db_close) struct db *db = NULL;
	CLEANUP(db_close) struct db *before = NULL;
	char path[120];
	int64_t version, n;

	ck_assert_ok(put_number(f, 7, DURABLE_NOW));
	ck_assert_ok(db_open(f->path, DB_WRITER, &db));
	log_lines_begin();
	ck_assert_ok(schema_migrate(db, &number_schema_2));
	ck_assert_ok(schema_migrate(db, &number_schema_2));
	log_lines_end();
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
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();
	CLEANUP(db_close) struct db *db = NULL;

	ck_assert_ok(db_open(f->path, DB_WRITER, &db));
	ck_assert_ok(db_set_version(db, 3));
	log_lines_begin();
	ck_assert_int_eq(schema_migrate(db, &number_schema_2), ERR_CANNOT);
	ck_assert_ptr_nonnull(strstr(log_lines_end(), f->path));
}
END_TEST

static const struct schema_step bad_steps[] = {
    {.before = "CREATE TABLE number (n INTEGER PRIMARY KEY, octets BLOB)"},
    {.before = "CREATE TABLE half (x); CREATE TABLE number (y)"},
};
static const struct schema schema_bad = {.name = "test", .steps = bad_steps, .version = 2};

START_TEST(a_migration_that_fails_changes_nothing)
{
	CLEANUP(database_fixture_close) struct database_fixture *f = database_fixture_open();
	CLEANUP(db_close) struct db *db = NULL;
	int64_t version, n;

	ck_assert_ok(db_open(f->path, DB_WRITER, &db));
	log_lines_begin();
	ck_assert_int_ne(schema_migrate(db, &schema_bad), ERR_OK);
	log_lines_end();
	ck_assert_ok(db_version(db, &version));
	ck_assert_int_eq(version, 1);
	ck_assert_ok(db_get_int(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'", &n));
	ck_assert_int_eq(n, 0);
}
END_TEST

TEST_MAIN("schema", an_older_database_is_migrated_after_a_snapshot,
    a_database_of_a_newer_program_is_refused, a_migration_that_fails_changes_nothing)
