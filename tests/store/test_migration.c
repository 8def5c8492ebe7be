/* An account's database of version 2, where each entry was a row, or 3 is brought forward. */
#include "common/base/log.h"
#include "store/message_private.h"
#include "store/threads.h"
#include "tests/store/fixture.h"
#include "tests/support/test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fixture f;

/* INBOX: UIDs 2 4 … 2000, messages 1 … 1000 of 100 octets, some with flags and a keyword. Archive:
 * copies of the first ten. Expunged: UIDs 1 3 … 1999 one by one, and 3001 … 6000 at once. */
static const char content[] =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
    " INSERT INTO message (id, email_id, size, header_size, internal_s, refs, envelope,"
    " bodystructure, parts) SELECT i, 'e' || i, 100, 30, i, 1 + (i <= 10), 'env', '', '' FROM n;"
    "INSERT INTO header SELECT id, zeroblob(30) FROM message;"
    "INSERT INTO body SELECT id, zeroblob(70) FROM message;"
    "INSERT INTO entry SELECT 1, 2 * id, id, id % 32 | ((id % 100 = 0) << 6), 1000 + id, 500 + id"
    " FROM message;"
    "INSERT INTO entry SELECT 6, id, id, 1, 5000, 600 FROM message WHERE id <= 10;"
    "INSERT INTO keyword VALUES (1, 0, 'word');"
    "INSERT INTO tombstone SELECT 1, uid - 1, 3000 + uid, 1500 + uid FROM entry WHERE mailbox = 1;"
    "WITH RECURSIVE n(i) AS (SELECT 3001 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)"
    " INSERT INTO tombstone SELECT 1, i, 5100, 9000 FROM n;"
    "UPDATE mailbox SET uidnext = 6001, highest_modseq = 5100, messages = 1000, bytes = 100000,"
    " unseen = (SELECT count(*) FROM entry WHERE mailbox = 1 AND NOT flags & 1),"
    " deleted = (SELECT count(*) FROM entry WHERE mailbox = 1 AND flags & 8) WHERE id = 1;"
    "UPDATE mailbox SET uidnext = 11, highest_modseq = 5000, messages = 10, bytes = 1000"
    " WHERE id = 6;"
    "UPDATE meta SET modseq = 6000, messages = 1010, bytes = 101000;";

static enum err
fill(struct db *db, void *arg)
{
	static const char meta[] =
	    "INSERT INTO meta (id, account, created_s, uidvalidity, modseq)"
	    " VALUES (1, 1, 1, 7, 1);"
	    "INSERT INTO mailbox (id, name, uidvalidity, highest_modseq, special_use) VALUES"
	    " (1, 'INBOX', 1, 1, ''), (2, 'Sent', 2, 1, '\\Sent'), (6, 'Archive', 7, 1, '');";
	enum err e = db_script(db, meta);

	return e || !arg ? e : db_script(db, arg);
}

/* Puts a database of an older version in the place of a's. */
static void
put_version(int64_t version, const char *sql)
{
	const struct schema old = {
	    .name = "account", .steps = schema_account.steps, .version = version};
	char path[300], wal[310];

	snprintf(path, sizeof(path), "%s/data/accounts/1/mail.db", f.dir);
	account_unref(&f.a);
	account_unref(&f.b);
	store_close(&f.store);
	unlink(path);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	unlink(wal);
	snprintf(wal, sizeof(wal), "%s-shm", path);
	unlink(wal);
	ck_assert_ok(database_create(path, &old, fill, (char *)(uintptr_t)sql));
	f.store = fixture_second(&f, "test");
}

static int64_t
query(const char *sql)
{
	CLEANUP(read_end) struct handle *h = NULL;
	int64_t n = -1;

	ck_assert_ok(account_read(f.a, &h));
	add_views(h->db);
	ck_assert_ok(db_get_int(h->db, sql, &n));
	return n;
}

static int64_t
version_of(const char *path)
{
	CLEANUP(db_close) struct db *db = NULL;
	int64_t version = -1;

	ck_assert_ok(db_open(path, DB_READER, &db));
	ck_assert_ok(db_version(db, &version));
	return version;
}

static void
ignore_line(void *arg, struct str line)
{
	(void)arg, (void)line;
}

START_TEST(entries_and_tombstones_are_packed_and_nothing_is_lost)
{
	char snapshot[300];
	struct stat st;

	fixture_open(&f);
	put_version(2, content);
	ck_assert_ok(account_open(f.store, 1, &f.a));
	ck_assert_int_eq(query("PRAGMA user_version"), schema_account.version);
	ck_assert_counters(f.a);
	snprintf(snapshot, sizeof(snapshot), "%s/data/accounts/1/mail.db.before-3", f.dir);
	ck_assert_int_eq(stat(snapshot, &st), 0);

	CLEANUP(view_unref) struct view *v = view_now(&f, 1);
	ck_assert_uint_eq(view_count(v), 1000);
	ck_assert_uint_eq(view_modseq(v), 5100);
	for (uint32_t i = 1; i <= 1000; i++) {
		const struct view_entry *e = view_at(v, i);
		ck_assert_uint_eq(e->uid, 2 * i);
		ck_assert_int_eq(e->message, i);
		ck_assert_uint_eq(e->flags, i % 32 | (i % 100 ? 0 : 64));
		ck_assert_uint_eq(e->modseq, 1000 + i);
	}
	ck_assert_str_is(view_keyword(v, 0), "word");
	CLEANUP(view_unref) struct view *archive = view_now(&f, 6);
	ck_assert_uint_eq(view_count(archive), 10);
	ck_assert_int_eq(query("SELECT count(*) FROM entry_page"), 5); /* 3 x 256, 232; 10 */
	ck_assert_int_eq(
	    query("SELECT sum(saved_s - 500 - message) FROM entry WHERE mailbox = 1"), 0);
	ck_assert_int_eq(query("SELECT sum(size) FROM entry"), 101000);
	/* one for each that went alone, and two of 2000 at most */
	ck_assert_int_eq(query("SELECT count(*) FROM tombstone"), 1002);
	ck_assert_int_eq(query("SELECT count(*) FROM expunged"), 4000);
	ck_assert_int_eq(query("SELECT count(*) FROM expunged WHERE uid < 3000"
			       " AND (expunged_modseq <> 3001 + uid OR expunged_s <> 1501 + uid)"),
	    0);
	ck_assert_int_eq(query("SELECT count(*) FROM expunged WHERE uid BETWEEN 3001 AND 6000"
			       " AND expunged_modseq = 5100"),
	    3000);
	ck_assert_int_eq(
	    query("SELECT count(*) FROM messages WHERE mailbox = 'INBOX' AND seen"), 500);
	ck_assert_int_eq(query("SELECT count(*) FROM unswept"), 0);

	/* and it is at work */
	ck_assert_uint_eq(deliver_one(&f, 1, 100), 6001);
	struct uidset most = uids_of(&f, "1:1990");
	ck_assert_ok(message_remove(f.a, 1, &most));
	ck_assert_ok(account_clean(f.a));
	ck_assert_int_eq(query("SELECT count(*) FROM message"), 16); /* ten are in Archive */
	ck_assert_counters(f.a);
	ck_assert_ok(account_open(f.store, 2, &f.b));
	fixture_close(&f);
}
END_TEST

/* Brings a's database to version 3, where an entry took 40 octets in pages of 96, and damages it.
 */
static void
put_version_3(const char *sql, const char *damage)
{
	const struct schema old = {.name = "account", .steps = schema_account.steps, .version = 3};
	CLEANUP(db_close) struct db *db = NULL;
	char path[300];

	put_version(2, sql);
	snprintf(path, sizeof(path), "%s/data/accounts/1/mail.db", f.dir);
	ck_assert_ok(db_open(path, DB_WRITER, &db));
	ck_assert_ok(schema_migrate(db, &old));
	if (damage)
		ck_assert_ok(db_script(db, damage));
}

START_TEST(pages_of_version_3_become_columns_and_nothing_is_lost)
{
	char snapshot[300];

	fixture_open(&f);
	put_version_3(content, NULL);
	ck_assert_ok(account_open(f.store, 1, &f.a));
	ck_assert_int_eq(query("PRAGMA user_version"), schema_account.version);
	ck_assert_counters(f.a);
	snprintf(snapshot, sizeof(snapshot), "%s/data/accounts/1/mail.db.before-4", f.dir);
	ck_assert_int_eq(version_of(snapshot), 3);
	ck_assert_int_eq(query("SELECT count(*) FROM entry_page"), 5); /* 3 x 256, 232; 10 */
	CLEANUP(view_unref) struct view *v = view_now(&f, 1);
	ck_assert_uint_eq(view_count(v), 1000);
	for (uint32_t i = 1; i <= 1000; i++) {
		const struct view_entry *e = view_at(v, i);
		ck_assert_uint_eq(e->uid, 2 * i);
		ck_assert_int_eq(e->message, i);
		ck_assert_uint_eq(e->flags, i % 32 | (i % 100 ? 0 : 64));
		ck_assert_uint_eq(e->modseq, 1000 + i);
		ck_assert_uint_eq(e->size, 100);
	}
	ck_assert_int_eq(
	    query("SELECT sum(saved_s - 500 - message) FROM entry WHERE mailbox = 1"), 0);
	ck_assert_int_eq(query("SELECT count(*) FROM expunged"), 4000);
	/* SQLite would read them at each opening */
	ck_assert_int_eq(query("SELECT count(*) FROM main.sqlite_schema WHERE type = 'view'"), 0);
	ck_assert_uint_eq(deliver_one(&f, 1, 100), 6001);
	ck_assert_counters(f.a);
	ck_assert_ok(account_open(f.store, 2, &f.b));
	fixture_close(&f);
}
END_TEST

START_TEST(a_damaged_page_of_version_3_stops_the_migration_and_stays)
{
	static const char *const damages[] = {
	    "UPDATE entry_page SET count = 97 WHERE count = 10",
	    "UPDATE entry_page SET entries = substr(entries, 1, 399) WHERE count = 10",
	    "UPDATE entry_page SET entries = zeroblob(3840) WHERE count = 10",
	    "UPDATE entry_page SET id = 7 WHERE count = 10",
	    ("INSERT INTO entry_page SELECT id + 1, mailbox, modseq, count, entries FROM entry_page"
	     " WHERE count = 10"),
	};

	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		char path[300];
		fixture_open(&f);
		put_version_3(content, damages[i]);
		log_capture(ignore_line, NULL);
		ck_assert_msg(account_open(f.store, 1, &f.a) == ERR_CORRUPT, "%s", damages[i]);
		log_capture(NULL, NULL);
		snprintf(path, sizeof(path), "%s/data/accounts/1/mail.db", f.dir);
		ck_assert_int_eq(version_of(path), 3);
		ck_assert_ok(account_open(f.store, 2, &f.b)); /* others are no worse for it */
		fixture_close(&f);
	}
}
END_TEST

START_TEST(an_empty_account_is_brought_forward)
{
	fixture_open(&f);
	put_version(2, NULL);
	ck_assert_ok(account_open(f.store, 1, &f.a));
	ck_assert_counters(f.a);
	ck_assert_uint_eq(deliver_one(&f, 1, 100), 1);
	ck_assert_ok(account_open(f.store, 2, &f.b));
	fixture_close(&f);
}
END_TEST

static pid_t
migrate_in_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		f.store = fixture_second(&f, "child");
		_exit(account_open(f.store, 1, &f.a) ? 1 : 0);
	}
	return pid;
}

START_TEST(a_killed_migration_is_followed_by_another)
{
	char snapshot[300];
	int status;

	fixture_open(&f);
	put_version(2, content);
	store_close(&f.store);
	for (unsigned i = 0; i < 8; i++) {
		pid_t pid = migrate_in_child();
		usleep(3000 * i);
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	}
	f.store = fixture_second(&f, "test");
	ck_assert_ok(account_open(f.store, 1, &f.a));
	ck_assert_int_eq(query("PRAGMA user_version"), schema_account.version);
	ck_assert_counters(f.a);
	ck_assert_int_eq(query("SELECT count(*) FROM entry"), 1010);
	snprintf(snapshot, sizeof(snapshot), "%s/data/accounts/1/mail.db.before-3", f.dir);
	ck_assert_int_eq(version_of(snapshot), 2);
	ck_assert_ok(account_open(f.store, 2, &f.b));
	fixture_close(&f);
}
END_TEST

/* A file that may not grow is a full disk to whoever writes it. */
static bool
migrates_with_files_of(rlim_t octets)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGXFSZ, SIG_IGN);
		f.store = fixture_second(&f, "child");
		setrlimit(RLIMIT_FSIZE, &(struct rlimit){octets, octets});
		_exit(account_open(f.store, 1, &f.a) ? 1 : 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status) == 0;
}

START_TEST(a_disk_that_gets_full_undoes_a_migration)
{
	unsigned failed = 0;

	fixture_open(&f);
	put_version(2, content);
	store_close(&f.store);
	for (rlim_t octets = 100000; octets < 2000000; octets += 100000)
		failed += !migrates_with_files_of(octets);
	ck_assert_uint_ge(failed, 2);
	f.store = fixture_second(&f, "test");
	ck_assert_ok(account_open(f.store, 1, &f.a));
	ck_assert_counters(f.a);
	ck_assert_int_eq(query("SELECT count(*) FROM entry"), 1010);
	ck_assert_int_eq(query("SELECT count(*) FROM expunged"), 4000);
	ck_assert_ok(account_open(f.store, 2, &f.b));
	fixture_close(&f);
}
END_TEST

/* Three daemons start at once. */
START_TEST(the_snapshot_is_of_what_was_before_whoever_comes_second)
{
	char snapshot[300];

	fixture_open(&f);
	snprintf(snapshot, sizeof(snapshot), "%s/data/accounts/1/mail.db.before-3", f.dir);
	for (int round = 0; round < 5; round++) {
		pid_t pid[3];
		int status;
		put_version(2, content);
		store_close(&f.store);
		for (int i = 0; i < 3; i++)
			pid[i] = migrate_in_child();
		for (int i = 0; i < 3; i++) {
			ck_assert_int_eq(waitpid(pid[i], &status, 0), pid[i]);
			ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		}
		ck_assert_int_eq(version_of(snapshot), 2);
	}
	f.store = fixture_second(&f, "test");
	ck_assert_ok(account_open(f.store, 1, &f.a));
	ck_assert_ok(account_open(f.store, 2, &f.b));
	fixture_close(&f);
}
END_TEST

/* Two spellings of a name were two mailboxes. */
START_TEST(names_become_nfc)
{
	fixture_open(&f);
	put_version(2, "INSERT INTO mailbox (name, uidvalidity, highest_modseq) VALUES"
		       " ('u\xcc\x88', 11, 1), ('\xc3\xbc', 12, 1), ('a\xcc\x8a/x', 13, 1);"
		       "INSERT INTO subscription (name) VALUES ('u\xcc\x88'), ('\xc3\xbc'),"
		       " ('a\xcc\x8a/x');");
	ck_assert_ok(account_open(f.store, 1, &f.a));
	ck_assert_int_eq(query("SELECT uidvalidity FROM mailbox WHERE name = '\xc3\xbc'"), 12);
	ck_assert_int_eq(query("SELECT uidvalidity FROM mailbox WHERE name = '\xc3\xbc 2'"), 11);
	ck_assert_int_eq(query("SELECT uidvalidity FROM mailbox WHERE name = '\xc3\xa5/x'"), 13);
	ck_assert_int_eq(query("SELECT count(*) FROM subscription WHERE name IN"
			       " ('\xc3\xbc', '\xc3\xa5/x')"),
	    2);
	ck_assert_int_eq(query("SELECT count(*) FROM subscription WHERE name LIKE '%\xcc%'"), 0);
	fixture_close(&f);
}
END_TEST

/* RFC 8474 §5.2: a THREADID never changes. In version 8 Message IDs were hashed without a key. */
START_TEST(threads_of_version_8_stay_and_their_ids_are_read_again)
{
	static const char threads[] =
	    "INSERT INTO message (id, email_id, size, header_size, internal_s, envelope,"
	    " bodystructure, parts) VALUES (1, 'a', 100, 30, 1, '', '', ''),"
	    " (2, 'b', 100, 30, 1, '', '', ''), (3, 'c', 100, 30, 1, '', '', '');"
	    "INSERT INTO header VALUES"
	    " (1, CAST('Message-ID: <a@x>' || char(13, 10, 13, 10) AS BLOB)),"
	    " (2, CAST('Message-ID: <b@x>' || char(13, 10, 13, 10) AS BLOB)),"
	    " (3, CAST('References: <b@x>' || char(13, 10, 13, 10) AS BLOB));"
	    "INSERT INTO thread VALUES (1, 1), (2, 1);"
	    "INSERT INTO thread_id VALUES (111, 1), (222, 1);"
	    "UPDATE meta SET threaded = 2;";
	bool done = false;

	fixture_open(&f);
	put_version(8, threads);
	ck_assert_ok(account_open(f.store, 1, &f.a));
	ck_assert_int_eq(query("PRAGMA user_version"), schema_account.version);
	ck_assert_int_eq(query("SELECT length(key) FROM thread_key"), 16);
	while (!done)
		ck_assert_ok(threads_assign(f.a, &done));
	ck_assert_int_eq(query("SELECT count(*) FROM thread WHERE thread = 1"), 3);
	ck_assert_int_eq(query("SELECT count(*) FROM thread_id WHERE thread = 1"), 2);
	ck_assert_int_eq(query("SELECT count(*) FROM thread_id WHERE hash IN (111, 222)"), 0);
	fixture_close(&f);
}
END_TEST

TEST_MAIN("migration", threads_of_version_8_stay_and_their_ids_are_read_again, names_become_nfc,
    entries_and_tombstones_are_packed_and_nothing_is_lost,
    pages_of_version_3_become_columns_and_nothing_is_lost,
    a_damaged_page_of_version_3_stops_the_migration_and_stays, an_empty_account_is_brought_forward,
    a_killed_migration_is_followed_by_another, a_disk_that_gets_full_undoes_a_migration,
    the_snapshot_is_of_what_was_before_whoever_comes_second)
