#include "common/base/clock.h"
#include "common/base/log.h"
#include "store/account_private.h"
#include "store/changes.h"
#include "store/mailbox.h"
#include "store/message.h"
#include "store/upkeep.h"
#include "tests/support/store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char logged[65536];

static void
keep_line(void *arg, struct str line)
{
	size_t n = strlen(logged);

	(void)arg;
	if (n + line.n + 2 < sizeof(logged))
		snprintf(logged + n, sizeof(logged) - n, "%.*s\n", STR_ARG(line));
}

static void
deliver(struct store_fixture *f, size_t size)
{
	CLEANUP(spool_free) struct spool *spool = NULL;
	CLEANUP(mem_free) char *octets = malloc(size);
	struct delivery d = {.account = f->account_id};

	memset(octets, 'x', size);
	memcpy(octets, "Subject: s\r\n\r\n", 14);
	ck_assert_ok(spool_new(f->store, &spool));
	ck_assert_ok(spool_write(spool, octets, size));
	message_deliver(f->store, spool, &d, 1);
	ck_assert_ok(d.result);
}

static void
overwrite(const char *path, off_t at, size_t n)
{
	CLEANUP(fd_close) int fd = open(path, O_WRONLY);

	ck_assert_int_ge(fd, 0);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(pwrite(fd, "\xa5", 1, at + (off_t)i), 1);
}

START_TEST(a_corrupt_database_takes_its_account_alone)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	CLEANUP(account_unref) struct account *bob = NULL;
	const char *path = store_fixture_path(f, "data/accounts/2/mail.db");
	struct mailbox_info info;

	store_fixture_add(f, "bob@example.test");
	overwrite(path, 0, 4096);
	log_capture(keep_line, NULL);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(account_open(f->store, 2, &bob), ERR_CORRUPT);
	log_capture(NULL, NULL);
	ck_assert_ptr_nonnull(strstr(logged, path));
	ck_assert_ok(mailbox_find(f->account, STR("INBOX"), f->arena, &info));
	deliver(f, 100);

	/* and can be removed */
	log_capture(keep_line, NULL);
	ck_assert_ok(directory_remove_account(f->store, STR("bob@example.test")));
	log_capture(NULL, NULL);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

static int64_t
root_page(struct store_fixture *f, const char *table)
{
	CLEANUP(read_end) struct handle *h = NULL;
	int64_t page = 0;

	ck_assert_ok(account_read(f->account, &h));
	ck_assert_ok(db_get_int(h->db, "SELECT rootpage FROM sqlite_schema WHERE name = ?1", &page,
	    DB_TEXT(str_of(table))));
	return page;
}

START_TEST(damage_inside_is_an_error_and_found_by_check)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(100000);
	const char *path = store_fixture_path(f, "data/accounts/1/mail.db");
	struct mailbox_info *list;
	size_t n;

	for (int i = 0; i < 50; i++)
		deliver(f, 3000);
	ck_assert_ok(account_check(f->account, &report));
	ck_assert_uint_eq(report.n, 0);
	int64_t mailboxes = root_page(f, "mailbox"), messages = root_page(f, "message");
	account_unref(&f->account);
	store_close(&f->store);
	overwrite(path, (mailboxes - 1) * 4096, 200);
	overwrite(path, (messages - 1) * 4096, 200);
	log_capture(keep_line, NULL);
	store_fixture_reopen(f);
	ck_assert_int_eq(mailbox_list(f->account, f->arena, &list, &n), ERR_CORRUPT);
	ck_assert_int_eq(account_check(f->account, &report), ERR_CORRUPT);
	log_capture(NULL, NULL);
	ck_assert_uint_gt(report.n, 0);
	ck_assert_ptr_nonnull(strstr(logged, path));
}
END_TEST

START_TEST(no_account_is_not_found)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	CLEANUP(account_unref) struct account *a = NULL;

	ck_assert_int_eq(account_open(f->store, 77, &a), ERR_NOT_FOUND);
	ck_assert_int_eq(account_open(f->store, -1, &a), ERR_NOT_FOUND);
	ck_assert_int_eq(account_open(f->store, 0, &a), ERR_NOT_FOUND);
}
END_TEST

/* -- check */

static enum err
run_sql(struct txn *t, void *arg)
{
	return db_script(t->db, arg);
}

static const char *const damages[] = {
    "UPDATE meta SET bytes = bytes + 1",
    "UPDATE meta SET messages = messages - 1",
    "UPDATE mailbox SET messages = 7 WHERE name = 'INBOX'",
    "UPDATE mailbox SET unseen = 7 WHERE name = 'INBOX'",
    "UPDATE mailbox SET deleted = 7 WHERE name = 'INBOX'",
    "UPDATE mailbox SET bytes = 7 WHERE name = 'INBOX'",
    "UPDATE mailbox SET uidnext = 1 WHERE name = 'INBOX'",
    "UPDATE mailbox SET highest_modseq = 1 WHERE name = 'INBOX'",
    "UPDATE mailbox SET highest_modseq = 999999 WHERE name = 'INBOX'",
    "UPDATE mailbox SET uidvalidity = 4294967295 WHERE name = 'Sent'",
    "UPDATE mailbox SET name = 'x' WHERE name = 'INBOX'",
    "DELETE FROM mailbox WHERE name = 'INBOX'",
    "DELETE FROM message WHERE id = 1",
    "UPDATE entry_page SET mailbox = 99",
    "UPDATE entry_page SET count = 3",
    "UPDATE entry_page SET count = 257",
    "UPDATE entry_page SET modseq = 1",
    "UPDATE entry_page SET entries = zeroblob(3840)",
    "UPDATE entry_page SET entries = substr(entries, 1, 59)",
    "INSERT INTO entry_page SELECT id + 2, mailbox, modseq, count, entries FROM entry_page",
    "DELETE FROM entry_page; UPDATE mailbox SET messages = 0, unseen = 0, bytes = 0;"
    " UPDATE meta SET messages = 0, bytes = 0",
    "INSERT INTO tombstone (mailbox, modseq, expunged_s, entries) VALUES (99, 1, 1, '')",
    "INSERT INTO tombstone (mailbox, modseq, expunged_s, entries) VALUES (1, 1, 1, 'x')",
    "INSERT INTO tombstone (mailbox, modseq, expunged_s, entries) VALUES (1, 99, 1, '')",
    "INSERT INTO tombstone (mailbox, modseq, expunged_s, entries) VALUES (1, 1, 1,"
    " x'000003e8000000000000000000000000000000000000000000000000000000000000000000000000')",
    "DELETE FROM body WHERE message = 1",
    "INSERT INTO body (message, octets) VALUES (99, 'x')",
    "INSERT INTO keyword (mailbox, bit, name) VALUES (99, 0, 'x')",
    "DELETE FROM entry_page",
    "UPDATE message SET size = size + 1",
    "UPDATE message SET blob = '../../etc' WHERE id = 1",
};

static void
run_command(struct store_fixture *f, const char *command)
{
	struct str line = arena_printf(f->arena, "cd %s/data/accounts/1 && %s", f->dir, command);

	ck_assert_int_eq(system(line.p), 0);
}

START_TEST(check_finds_what_is_damaged)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();

	deliver(f, 100);
	deliver(f, SPOOL_MEMORY + 100);
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(100000);

		account_unref(&f->account);
		store_close(&f->store);
		run_command(f, i ? "cp sound.db mail.db; rm -f mail.db-*" : "cp mail.db sound.db");
		store_fixture_reopen(f);
		ck_assert_ok(account_check(f->account, &report));
		ck_assert_uint_eq(report.n, 0);
		ck_assert_ok(account_write(
		    f->account, run_sql, (char *)(uintptr_t)damages[i], DURABLE_LATER));
		ck_assert_msg(
		    account_check(f->account, &report) == ERR_CORRUPT, "not found: %s", damages[i]);
		ck_assert_uint_gt(report.n, 0);
	}
}
END_TEST

/* A copy by SQL's own means (VACUUM INTO, .backup, .dump) is not in WAL mode. */
START_TEST(a_copy_that_was_brought_back_works)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct mailbox_info info;

	deliver(f, 100);
	{
		CLEANUP(db_close) struct db *db = NULL;
		ck_assert_ok(
		    db_open(store_fixture_path(f, "data/accounts/1/mail.db"), DB_WRITER, &db));
		ck_assert_ok(db_snapshot(db, store_fixture_path(f, "data/accounts/1/copy.db")));
	}
	account_unref(&f->account);
	store_close(&f->store);
	run_command(f, "rm mail.db*; mv copy.db mail.db");
	store_fixture_reopen(f);
	deliver(f, 100);
	ck_assert_ok(mailbox_find(f->account, STR("INBOX"), f->arena, &info));
	ck_assert_uint_eq(info.messages, 2);
	ck_assert_int_eq(access(store_fixture_path(f, "data/accounts/1/mail.db-wal"), F_OK), 0);
}
END_TEST

/* The path of the only file below blobs/. */
static const char *
only_blob(struct store_fixture *f)
{
	char command[300], line[300] = "";

	snprintf(command, sizeof(command), "find %s -type f",
	    store_fixture_path(f, "data/accounts/1/blobs"));
	FILE *p = popen(command, "r");
	ck_assert_ptr_nonnull(p);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), p));
	pclose(p);
	return arena_printf(f->arena, "%.*s", (int)strcspn(line, "\n"), line).p;
}

START_TEST(check_looks_at_the_files_of_large_messages)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(100000);

	deliver(f, SPOOL_MEMORY + 100);
	const char *blob = only_blob(f);
	ck_assert_int_eq(truncate(blob, 10), 0);
	ck_assert_int_eq(account_check(f->account, &report), ERR_CORRUPT);
	ck_assert_ptr_nonnull(strstr(sbuf_cstr(&report), blob));
	sbuf_clear(&report);
	unlink(blob);
	ck_assert_int_eq(account_check(f->account, &report), ERR_CORRUPT);
	ck_assert_ptr_nonnull(strstr(sbuf_cstr(&report), blob));
}
END_TEST

START_TEST(check_sweeps_old_orphans_and_leaves_new_ones)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(100000);
	const char *dir = store_fixture_path(f, "data/accounts/1/blobs/zz");
	const char *orphan = store_fixture_path(f, "data/accounts/1/blobs/zz/zz234");

	deliver(f, SPOOL_MEMORY + 100);
	const char *blob = only_blob(f);
	mkdir(dir, 0770);
	close(creat(orphan, 0600));
	ck_assert_ok(account_check(f->account, &report));
	ck_assert_int_eq(access(orphan, F_OK), 0);
	log_capture(keep_line, NULL);
	clock_freeze(clock_real_s() + 7200);
	ck_assert_ok(account_check(f->account, &report));
	clock_thaw();
	log_capture(NULL, NULL);
	ck_assert_int_ne(access(orphan, F_OK), 0);
	ck_assert_int_eq(access(blob, F_OK), 0);
	ck_assert_uint_eq(report.n, 0);
}
END_TEST

START_TEST(check_compares_limits_with_the_directory)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(100000);

	ck_assert_ok(directory_set_quota(f->store, STR("ann@example.test"), 5000, 10));
	ck_assert_ok(account_check(f->account, &report));
	ck_assert_ok(account_write(
	    f->account, run_sql, (char[]){"UPDATE meta SET quota_messages = 11"}, DURABLE_LATER));
	ck_assert_int_eq(account_check(f->account, &report), ERR_CORRUPT);
	ck_assert_ptr_nonnull(strstr(sbuf_cstr(&report), "limit of messages is 11, should be 10"));
}
END_TEST

/* As a crash between the two commits leaves it. */
START_TEST(limits_that_differ_from_the_directory_are_mended_at_open)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct quota q;

	ck_assert_ok(database_write(&f->store->directory, run_sql,
	    (char[]){"UPDATE account SET quota_bytes = 5000, quota_messages = 10"}, DURABLE_NOW));
	ck_assert_ok(account_quota(f->account, &q));
	ck_assert_uint_eq(q.bytes_limit, 0);
	store_fixture_reopen(f);
	ck_assert_ok(account_quota(f->account, &q));
	ck_assert_uint_eq(q.bytes_limit, 5000);
	ck_assert_uint_eq(q.messages_limit, 10);
	ck_assert_int_eq(account_has_room(f->account, 5001), ERR_OVER_QUOTA);
}
END_TEST

START_TEST(check_finds_what_is_damaged_in_the_directory)
{
	static const char *const rows[] = {
	    "UPDATE account SET domain = 99",
	    "INSERT INTO alias (domain, local) VALUES (1, 'x')",
	    "INSERT INTO alias (domain, local) VALUES (99, 'x')",
	    "INSERT INTO alias_target (alias, position, address) VALUES (99, 1, 'x@x')",
	    ("INSERT INTO account SELECT 99, domain, 'x', 1, 0, 0, 0, 0, '', '', 1, '', '', '', 1"
	     " FROM account"),
	};
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(100000);
		CLEANUP(db_close) struct db *db = NULL;
		ck_assert_ok(directory_check(f->store, &report));
		ck_assert_uint_eq(report.n, 0);
		ck_assert_ok(db_open(f->store->directory.path, DB_WRITER, &db));
		ck_assert_ok(db_checkpoint(db));
		run_command(f, "cp ../../directory.db ../../sound.db");
		ck_assert_ok(db_script(db, rows[i]));
		ck_assert_msg(
		    directory_check(f->store, &report) == ERR_CORRUPT, "not found: %s", rows[i]);
		db_close(&db);
		account_unref(&f->account);
		store_close(&f->store);
		run_command(f, "mv ../../sound.db ../../directory.db; rm -f ../../directory.db-*");
		store_fixture_reopen(f);
	}
}
END_TEST

/* The views are for people. Those of an account's database stand in no file. */
START_TEST(sql_views_work)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(read_end) struct handle *directory = NULL;
	int64_t n;

	deliver(f, 100);
	ck_assert_ok(account_read(f->account, &h));
	ck_assert_ok(db_script(h->db, "PRAGMA query_only = OFF"));
	ck_assert_ok(db_script(h->db, schema_account_views));
	ck_assert_ok(db_get_int(h->db,
	    "SELECT count(*) FROM mailboxes WHERE name = 'INBOX' AND messages = 1 AND subscribed",
	    &n));
	ck_assert_int_eq(n, 1);
	ck_assert_ok(db_get_int(h->db,
	    "SELECT uid FROM messages WHERE mailbox = 'INBOX' AND NOT seen AND size = 100"
	    " AND received > '2020-01-01 00:00:00' AND envelope <> ''",
	    &n));
	ck_assert_int_eq(n, 1);
	struct str targets[] = {STR("ann@example.test")};
	ck_assert_ok(directory_set_alias(f->store, STR("x@example.test"), targets, 1));
	ck_assert_ok(read_begin(&f->store->directory, &directory));
	ck_assert_ok(db_get_int(directory->db,
	    "SELECT count(*) FROM accounts WHERE address = 'ann@example.test'"
	    " AND last_login IS NULL AND created > '2020-01-01 00:00:00'",
	    &n));
	ck_assert_int_eq(n, 1);
	ck_assert_ok(db_get_int(directory->db,
	    "SELECT count(*) FROM aliases WHERE address = 'x@example.test'"
	    " AND target = 'ann@example.test'",
	    &n));
	ck_assert_int_eq(n, 1);
}
END_TEST

/* -- upkeep */

static void
note_alarm(void *arg, int64_t in_ms)
{
	*(int64_t *)arg = in_ms;
}

START_TEST(a_tick_is_asked_for_only_while_there_is_something_to_do)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	char change[] = "UPDATE mailbox SET recent_from = recent_from + 1";
	int64_t asked = 0;

	clock_freeze(1800000000);
	ck_assert_ok(account_sync(f->account));
	store_tick(f->store); /* what making the fixture left behind */
	store_set_alarm(f->store, note_alarm, &asked);
	ck_assert_ok(account_write(f->account, run_sql, change, DURABLE_LATER));
	ck_assert_int_gt(asked, 0);
	ck_assert_int_le(asked, UPKEEP_SYNC_MS);
	asked = 0;
	clock_advance_ms(10);
	ck_assert_ok(account_write(f->account, run_sql, change, DURABLE_LATER));
	ck_assert_int_eq(asked, 0); /* the one that will come is soon enough */
	clock_advance_ms(UPKEEP_SYNC_MS);
	store_tick(f->store);
	ck_assert(database_is_synced(&f->account->database));
	ck_assert_int_gt(asked, UPKEEP_SYNC_MS); /* the handles are still to be closed */
	for (int ticks = 0; asked; ticks++) {
		ck_assert_int_lt(ticks, 5);
		clock_advance_ms(asked);
		asked = 0;
		store_tick(f->store);
	}
	ck_assert_uint_eq(pool_handles(f->store->pool, NULL), 0);
	clock_advance_ms(3600000);
	ck_assert_int_eq(asked, 0);
	/* and it wakes up again */
	ck_assert_ok(account_write(f->account, run_sql, change, DURABLE_LATER));
	ck_assert_int_gt(asked, 0);
	ck_assert_int_le(asked, UPKEEP_SYNC_MS);
	store_set_alarm(f->store, NULL, NULL);
	clock_thaw();
}
END_TEST

static int
sync_fails(int fd)
{
	(void)fd;
	errno = EIO;
	return -1;
}

START_TEST(a_failed_sync_of_flags_is_tried_again_until_it_succeeds)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	char change[] = "UPDATE mailbox SET recent_from = recent_from + 1";
	int64_t asked = 0;

	store_tick(f->store);
	store_set_alarm(f->store, note_alarm, &asked);
	ck_assert_ok(account_write(f->account, run_sql, change, DURABLE_LATER));
	f->account->database.sync_file = sync_fails;
	asked = 0;
	log_capture(keep_line, NULL);
	store_tick(f->store);
	log_capture(NULL, NULL);
	ck_assert(!database_is_synced(&f->account->database));
	ck_assert_int_gt(asked, 0);
	ck_assert_int_le(asked, UPKEEP_SYNC_MS);
	f->account->database.sync_file = fdatasync;
	store_tick(f->store);
	ck_assert(database_is_synced(&f->account->database));
	store_set_alarm(f->store, NULL, NULL);
}
END_TEST

START_TEST(tick_syncs_and_forgets_idle_accounts)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct quota q;

	clock_freeze(1800000000);
	ck_assert_ok(account_write(
	    f->account, run_sql, (char[]){"UPDATE mailbox SET recent_from = 1"}, DURABLE_LATER));
	ck_assert(!database_is_synced(&f->account->database));
	store_tick(f->store);
	ck_assert(database_is_synced(&f->account->database));
	account_unref(&f->account);
	ck_assert_uint_gt(pool_handles(f->store->pool, NULL), 0);
	clock_advance_ms(POOL_IDLE_MS);
	store_tick(f->store);
	ck_assert_uint_eq(pool_handles(f->store->pool, NULL), 0);
	for (size_t i = 0; i < STORE_ACCOUNT_BUCKETS; i++)
		ck_assert_ptr_null(f->store->accounts[i]);
	clock_thaw();
	ck_assert_ok(account_open(f->store, f->account_id, &f->account));
	ck_assert_ok(account_quota(f->account, &q));
}
END_TEST

START_TEST(databases_are_files_of_owner_and_group)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	static const char *const files[] = {"data/directory.db", "data/directory.db-wal",
	    "data/directory.db-shm", "data/accounts/1/mail.db", "data/accounts/1/mail.db-wal"};
	struct stat st;
	mode_t mask = umask(0);

	umask(mask);
	deliver(f, 100);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		ck_assert_int_eq(stat(store_fixture_path(f, files[i]), &st), 0);
		ck_assert_uint_eq(st.st_mode & 07777, 0660 & ~mask);
	}
	ck_assert_int_eq(stat(store_fixture_path(f, "data"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0770 & ~mask);
}
END_TEST

/* -- directories that can't be written */

static int
without_rights(struct store_fixture *f)
{
	CLEANUP(store_close) struct store *s = NULL;

	log_capture(keep_line, NULL);
	if (geteuid() == 0 && (setegid(65534) || seteuid(65534)))
		return 1;
	enum err e = store_open(&f->options, &s);
	if (e != ERR_IO)
		return 2;
	return strstr(logged, "directory.db") ? 0 : 3;
}

START_TEST(an_unwritable_directory_is_an_error_that_names_the_path)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	int status;

	account_unref(&f->account);
	store_close(&f->store);
	ck_assert_int_eq(chmod(f->dir, 0755), 0);
	ck_assert_int_eq(chmod(f->options.data_dir, 0555), 0);
	ck_assert_int_eq(chmod(store_fixture_path(f, "data/directory.db"), 0444), 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(without_rights(f));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(chmod(f->options.data_dir, 0775), 0);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_store_that_is_not_there_is_an_error_that_names_the_path)
{
	CLEANUP(store_close) struct store *s = NULL;
	struct store_options o = {.data_dir = "/nonexistent/pillarbox"};

	log_capture(keep_line, NULL);
	ck_assert_int_eq(store_open(&o, &s), ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(logged, "/nonexistent/pillarbox/directory.db"));
	ck_assert_int_eq(store_create("/nonexistent/pillarbox"), ERR_IO);
	log_capture(NULL, NULL);
}
END_TEST

START_TEST(creating_a_store_twice_changes_nothing)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct account_entry a;

	ck_assert_ok(store_create(f->options.data_dir));
	store_fixture_reopen(f);
	ck_assert_ok(directory_find_account(f->store, STR("ann@example.test"), f->arena, &a));
}
END_TEST

TEST_MAIN("account", a_corrupt_database_takes_its_account_alone,
    damage_inside_is_an_error_and_found_by_check, no_account_is_not_found,
    check_finds_what_is_damaged, a_copy_that_was_brought_back_works,
    check_looks_at_the_files_of_large_messages, check_compares_limits_with_the_directory,
    limits_that_differ_from_the_directory_are_mended_at_open,
    check_finds_what_is_damaged_in_the_directory, sql_views_work,
    check_sweeps_old_orphans_and_leaves_new_ones, tick_syncs_and_forgets_idle_accounts,
    a_tick_is_asked_for_only_while_there_is_something_to_do,
    a_failed_sync_of_flags_is_tried_again_until_it_succeeds, databases_are_files_of_owner_and_group,
    an_unwritable_directory_is_an_error_that_names_the_path,
    a_store_that_is_not_there_is_an_error_that_names_the_path,
    creating_a_store_twice_changes_nothing)
