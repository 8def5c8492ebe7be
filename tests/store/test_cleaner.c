/* Messages whose last entry went: when they go, and that they go whatever is killed. */
#include "store/changes.h"
#include "store/cleaner.h"
#include "store/message_private.h"
#include "tests/store/fixture.h"
#include "tests/support/test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

static struct fixture f;

static int64_t
query_of(struct account *a, const char *sql)
{
	CLEANUP(read_end) struct handle *h = NULL;
	int64_t n = -1;

	ck_assert_ok(account_read(a, &h));
	add_views(h->db);
	ck_assert_ok(db_get_int(h->db, sql, &n));
	return n;
}

static int64_t
messages(void)
{
	return query_of(f.a, "SELECT count(*) FROM message");
}

START_TEST(a_message_goes_after_its_last_entry_and_quota_at_once)
{
	struct copied c;
	struct quota q;

	fixture_open(&f);
	for (unsigned i = 1; i <= 4; i++)
		deliver_one(&f, i, 100);
	deliver_one(&f, 5, 100000);
	struct uidset copy = uids_of(&f, "2"), move = uids_of(&f, "3"), all = uids_of(&f, "1:9");
	ck_assert_ok(message_copy(f.a, f.inbox, &copy, f.archive, f.arena, &c));
	ck_assert_ok(message_move(f.a, f.inbox, &move, f.archive, f.arena, &c));
	ck_assert_int_eq(query_of(f.a, "SELECT count(*) FROM unswept"), 0);
	int64_t stays = message_of(&f, f.inbox, 2);
	ck_assert_ok(message_remove(f.a, f.inbox, &all));
	ck_assert_ok(account_quota(f.a, &q));
	ck_assert_uint_eq(q.bytes_used, 200);
	ck_assert_uint_eq(q.messages_used, 2);
	ck_assert_int_eq(messages(), 5);
	ck_assert_uint_eq(count_blobs(&f, f.a), 1);
	ck_assert_counters(f.a); /* which is no damage */

	store_tick(f.store);
	ck_assert_int_eq(messages(), 2);
	ck_assert_uint_eq(count_blobs(&f, f.a), 0);
	ck_assert_int_eq(query_of(f.a, "SELECT count(*) FROM unswept"), 0);
	ck_assert_int_eq(query_of(f.a, "SELECT count(*) FROM expunged"), 5);
	CLEANUP(mem_free) char *second = make_message(2, 100);
	ck_assert_holds(f.a, stays, second, 100);
	ck_assert_counters(f.a);
	ck_assert_ok(message_remove(f.a, f.archive, &all));
	ck_assert_ok(account_clean(f.a));
	ck_assert_int_eq(messages(), 0);
	ck_assert_ok(account_clean(f.a)); /* nothing to do */
	ck_assert_counters(f.a);
	fixture_close(&f);
}
END_TEST

START_TEST(a_deleted_mailbox_leaves_its_messages_to_the_cleaner)
{
	struct copied c;
	int64_t id;

	fixture_open(&f);
	ck_assert_ok(mailbox_create(f.a, STR("box"), STR(""), &id));
	for (unsigned i = 1; i <= 5; i++)
		deliver_one(&f, i, i == 4 ? 100000 : 100);
	struct uidset some = uids_of(&f, "2:5"), two = uids_of(&f, "1:2"), first = uids_of(&f, "1");
	ck_assert_ok(message_move(f.a, f.inbox, &some, id, f.arena, &c));
	ck_assert_ok(message_copy(f.a, id, &two, f.archive, f.arena, &c));
	ck_assert_ok(message_remove(f.a, id, &first)); /* a tombstone of its own */
	ck_assert_ok(mailbox_delete(f.a, STR("box")));
	ck_assert_counters(f.a);
	ck_assert_int_eq(messages(), 5);
	ck_assert_ok(account_clean(f.a));
	ck_assert_int_eq(messages(), 3);
	ck_assert_uint_eq(count_blobs(&f, f.a), 0);
	ck_assert_int_eq(query_of(f.a, "SELECT count(*) FROM unswept"), 0);
	ck_assert_int_eq(
	    query_of(f.a,
		"SELECT count(*) FROM tombstone WHERE mailbox NOT IN (SELECT id FROM mailbox)"),
	    0);
	ck_assert_counters(f.a);
	fixture_close(&f);
}
END_TEST

/* A look costs as much as the account is large: it must not come after each expunge. */
START_TEST(what_is_expunged_one_by_one_is_cleaned_together)
{
	fixture_open(&f);
	for (unsigned i = 1; i <= 10; i++)
		deliver_one(&f, i, 100);
	struct uidset first = uids_of(&f, "1"), second = uids_of(&f, "2"), last = uids_of(&f, "3");
	ck_assert_ok(message_remove(f.a, f.inbox, &first));
	store_tick(f.store);
	ck_assert_int_eq(messages(), 9);
	ck_assert_ok(message_remove(f.a, f.inbox, &second));
	store_tick(f.store); /* which may have come for another reason */
	ck_assert_int_eq(messages(), 9);
	ck_assert_ok(message_remove(f.a, f.inbox, &last));
	store_tick(f.store);
	ck_assert_int_eq(messages(), 9);
	ck_assert_int_eq(query_of(f.a, "SELECT count(*) FROM unswept"), 2);
	usleep((CLEAN_DELAY_MS + 200) * 1000);
	store_tick(f.store);
	if (messages() == 9) { /* the first look was slow */
		usleep(5000000);
		store_tick(f.store);
	}
	ck_assert_int_eq(messages(), 7);
	ck_assert_counters(f.a);
	fixture_close(&f);
}
END_TEST

/* An entry that comes while the cleaner is between its look and its deletions. */
START_TEST(two_cleaners_and_a_client_do_not_disturb_each_other)
{
	fixture_open(&f);
	struct store *second = fixture_second(&f, "second");
	struct account *other = NULL;
	ck_assert_ok(account_open(second, account_id(f.a), &other));
	for (unsigned round = 0; round < 5; round++) {
		struct copied c;
		for (unsigned i = 0; i < 20; i++)
			deliver_one(&f, i, 100);
		struct uidset all = uids_of(&f, "1:100000");
		ck_assert_ok(message_copy(f.a, f.inbox, &all, f.archive, f.arena, &c));
		ck_assert_ok(message_remove(f.a, f.inbox, &all));
		ck_assert_ok(account_clean(other));
		ck_assert_int_eq(messages(), 20);
		ck_assert_ok(message_move(f.a, f.archive, &all, f.inbox, f.arena, &c));
		ck_assert_ok(message_remove(other, f.inbox, &all));
		ck_assert_ok(account_clean(f.a));
		ck_assert_ok(account_clean(other));
		ck_assert_int_eq(messages(), 0);
	}
	ck_assert_counters(f.a);
	account_unref(&other);
	store_close(&second);
	fixture_close(&f);
}
END_TEST

/* -- processes that are killed; everything is closed before a fork */

static void
open_again(void)
{
	f.store = fixture_second(&f, "test");
	ck_assert_ok(account_open(f.store, 1, &f.a));
	ck_assert_ok(account_open(f.store, 2, &f.b));
}

static void
close_all(void)
{
	account_unref(&f.a);
	account_unref(&f.b);
	store_close(&f.store);
}

START_TEST(what_was_expunged_before_a_kill_is_cleaned_by_the_next_process)
{
	int status;

	fixture_open(&f);
	for (unsigned i = 1; i <= 30; i++)
		deliver_one(&f, i, i % 10 ? 100 : 70000);
	close_all();
	pid_t pid = fork();
	if (pid == 0) {
		open_again();
		struct uidset most = uids_of(&f, "1:25");
		ck_assert_ok(message_remove(f.a, f.inbox, &most));
		kill(getpid(), SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	open_again();
	ck_assert_int_eq(messages(), 30);
	ck_assert_counters(f.a);
	store_tick(f.store);
	ck_assert_int_eq(messages(), 5);
	ck_assert_uint_eq(count_blobs(&f, f.a), 1);
	ck_assert_counters(f.a);
	fixture_close(&f);
}
END_TEST

static void
clean_in_child(unsigned after_us)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		open_again();
		_exit(account_clean(f.a) ? 1 : 0);
	}
	usleep(after_us);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
}

START_TEST(a_killed_cleaner_is_followed_by_another)
{
	fixture_open(&f);
	struct append items[50];
	uint32_t validity;
	for (int i = 0; i < 50; i++)
		items[i] = append_of(&f, "A: b\r\n\r\n", 8, 0);
	for (int i = 0; i < 30; i++)
		ck_assert_ok(message_append(f.a, f.inbox, items, 50, &validity));
	for (int i = 0; i < 50; i++)
		spool_free(&items[i].spool);
	for (unsigned i = 0; i < 20; i++)
		deliver_one(&f, i, 70000);
	struct uidset most = uids_of(&f, "11:1510");
	ck_assert_ok(message_remove(f.a, f.inbox, &most));
	close_all();
	for (unsigned i = 0; i < 8; i++)
		clean_in_child(2000 * i);
	open_again();
	ck_assert_int_ge(messages(), 20);
	ck_assert_counters(f.a);
	ck_assert_ok(account_clean(f.a));
	ck_assert_int_eq(messages(), 20);
	CLEANUP(view_unref) struct view *left = view_now(&f, f.inbox);
	ck_assert_uint_eq(view_count(left), 20);
	ck_assert_int_eq(query_of(f.a, "SELECT count(*) FROM body"), 10); /* others in files */
	ck_assert_counters(f.a);
	/* a file may outlive its row by a kill: the check sweeps it, after a while */
	ck_assert_uint_ge(count_blobs(&f, f.a), 10);
	fixture_close(&f);
}
END_TEST

TEST_MAIN("cleaner", a_message_goes_after_its_last_entry_and_quota_at_once,
    a_deleted_mailbox_leaves_its_messages_to_the_cleaner,
    what_is_expunged_one_by_one_is_cleaned_together,
    two_cleaners_and_a_client_do_not_disturb_each_other,
    what_was_expunged_before_a_kill_is_cleaned_by_the_next_process,
    a_killed_cleaner_is_followed_by_another)
