/* Names that others made may not be durable: who needs them syncs their directory before it
 * promises anything. Every fsync() of this program is seen here. */
#include "tests/store/fixture.h"

#include "store/account_private.h"
#include "store/database.h"
#include "store/file.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static ino_t watched;
static unsigned seen;

int
fsync(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_ino == watched)
		seen++;
	return (int)syscall(SYS_fsync, fd);
}

static void
watch(const char *dir)
{
	struct stat st;

	ck_assert_int_eq(stat(dir, &st), 0);
	watched = st.st_ino;
	seen = 0;
}

START_TEST(a_directory_that_was_there_is_made_durable)
{
	char *dir = strdup(test_mkdir()), path[300];

	snprintf(path, sizeof(path), "%s/there", dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	watch(dir);
	ck_assert_ok(file_make_dir(path));
	ck_assert_uint_eq(seen, 1);
	test_rmdir(dir);
	free(dir);
}
END_TEST

START_TEST(a_large_message_waits_for_the_names_of_all_directories_it_is_in)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	struct fixture f;
	char path[300];

	fixture_open(&f);
	for (size_t i = 0; i < 32 * 32; i++) {
		snprintf(
		    path, sizeof(path), "%s/%c%c", f.a->blobs, letters[i / 32], letters[i % 32]);
		ck_assert_int_eq(mkdir(path, 0770), 0);
	}
	watch(f.a->blobs);
	deliver_one(&f, 1, 2 * SPOOL_MEMORY);
	ck_assert_uint_eq(seen, 1);
	fixture_close(&f);
}
END_TEST

START_TEST(a_directory_of_large_messages_is_made_durable_once)
{
	struct fixture f;
	char path[300];

	fixture_open(&f);
	snprintf(path, sizeof(path), "%s/a7", f.a->blobs);
	watch(f.a->blobs);
	ck_assert_ok(account_make_blob_dir(f.a, path));
	ck_assert_ok(account_make_blob_dir(f.a, path));
	ck_assert_uint_eq(seen, 1);
	snprintf(path, sizeof(path), "%s/7a", f.a->blobs);
	ck_assert_ok(account_make_blob_dir(f.a, path));
	ck_assert_uint_eq(seen, 2);
	ck_assert_int_eq(rmdir(path), 0); /* and anew where somebody takes it away */
	ck_assert_ok(account_make_blob_dir(f.a, path));
	ck_assert_uint_eq(seen, 3);
	snprintf(path, sizeof(path), "%s/A!", f.a->blobs);
	ck_assert_ok(account_make_blob_dir(f.a, path));
	ck_assert_ok(account_make_blob_dir(f.a, path));
	ck_assert_uint_eq(seen, 5);
	fixture_close(&f);
}
END_TEST

START_TEST(a_database_that_was_there_is_made_durable)
{
	struct fixture f;
	char path[300], dir[200];

	fixture_open(&f);
	snprintf(dir, sizeof(dir), "%s/data", f.dir);
	snprintf(path, sizeof(path), "%s/queue.db", dir);
	ck_assert_ok(database_provide(path, &schema_queue));
	watch(dir);
	ck_assert_ok(database_provide(path, &schema_queue));
	ck_assert_uint_eq(seen, 1);
	fixture_close(&f);
}
END_TEST

TEST_MAIN("durable_names", a_directory_that_was_there_is_made_durable,
    a_large_message_waits_for_the_names_of_all_directories_it_is_in,
    a_directory_of_large_messages_is_made_durable_once, a_database_that_was_there_is_made_durable)
