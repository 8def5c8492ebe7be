/* Several processes, each with several threads, at work on one account. */
#include "store/account_private.h"
#include "store/mailbox.h"
#include "tests/support/store_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#define THREADS 3
#define ROUNDS 15

struct worker {
	struct store_fixture *f;
	pthread_t thread;
	int process, number;
	enum err result;
};

/* Makes mailboxes, renames every other one, deletes every third, and reads meanwhile. */
static void *
work(void *arg)
{
	struct worker *w = arg;
	CLEANUP(arena_free) struct arena *arena = arena_new(4 * 1024 * 1024);
	enum err e = ERR_OK;

	for (int i = 0; i < ROUNDS && !e; i++) {
		struct mailbox_info *list;
		char name[40], other[64];
		size_t n;
		int64_t id;

		snprintf(name, sizeof(name), "p%d-t%d-%d", w->process, w->number, i);
		snprintf(other, sizeof(other), "%s-renamed", name);
		e = mailbox_create(w->f->account, str_of(name), STR(""), &id);
		if (!e && i % 2)
			e = mailbox_rename(w->f->account, str_of(name), str_of(other));
		if (!e && i % 3 == 0)
			e = mailbox_delete(w->f->account, str_of(i % 2 ? other : name));
		if (!e)
			e = mailbox_list(w->f->account, arena, &list, &n);
		arena_reset(arena);
	}
	w->result = e;
	return NULL;
}

static enum err
run_threads(struct store_fixture *f, int process)
{
	struct worker w[THREADS];
	enum err e = ERR_OK;

	for (int i = 0; i < THREADS; i++) {
		w[i] = (struct worker){.f = f, .process = process, .number = i};
		if (pthread_create(&w[i].thread, NULL, work, &w[i]))
			abort();
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(w[i].thread, NULL);
		if (!e)
			e = w[i].result;
	}
	return e;
}

/* What all that leaves behind: names, and identifiers and UIDVALIDITYs that differ. */
static void
ck_assert_result(struct store_fixture *f, size_t processes)
{
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(100000);
	struct mailbox_info *list;
	size_t n, left = ROUNDS - (ROUNDS + 2) / 3;

	ck_assert_ok(account_check(f->account, &report));
	ck_assert_ok(mailbox_list(f->account, f->arena, &list, &n));
	ck_assert_uint_eq(n, 6 + processes * THREADS * left);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = i + 1; j < n; j++) {
			ck_assert_uint_ne(list[i].uidvalidity, list[j].uidvalidity);
			ck_assert_int_ne(list[i].id, list[j].id);
		}
	}
}

START_TEST(threads_write_at_once)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();

	ck_assert_ok(run_threads(f, 1));
	ck_assert_result(f, 1);
	/* combined: fewer commits than operations would be luck, more would be wrong; and one for
	 * the boot (boot.h) */
	ck_assert_uint_le(
	    f->account->database.commits, THREADS * (ROUNDS + ROUNDS / 2 + (ROUNDS + 2) / 3) + 1);
}
END_TEST

/* A forked process must not use what its parent had open: everything is closed before. */
static void
close_all(struct store_fixture *f)
{
	account_unref(&f->account);
	store_close(&f->store);
}

START_TEST(processes_write_at_once)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	pid_t pids[3];

	close_all(f);
	for (int i = 0; i < (int)ARRAY_LEN(pids); i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			store_fixture_reopen(f);
			enum err e = run_threads(f, i);
			close_all(f);
			_exit((int)e);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		int status;
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	store_fixture_reopen(f);
	ck_assert_result(f, ARRAY_LEN(pids));
}
END_TEST

START_TEST(a_killed_process_leaves_what_it_was_told_is_done)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(100000);
	int done[2], count = 0;
	char byte;

	close_all(f);
	ck_assert_int_eq(pipe(done), 0);
	pid_t pid = fork();
	if (pid == 0) {
		store_fixture_reopen(f);
		for (int i = 0;; i++) {
			char name[32];
			int64_t id;
			snprintf(name, sizeof(name), "m%d", i);
			if (mailbox_create(f->account, str_of(name), STR(""), &id) ||
			    write(done[1], "x", 1) != 1)
				_exit(1);
		}
	}
	close(done[1]);
	while (count < 30 && read(done[0], &byte, 1) == 1)
		count++;
	kill(pid, SIGKILL);
	while (read(done[0], &byte, 1) == 1)
		count++;
	close(done[0]);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_ge(count, 30);
	store_fixture_reopen(f);
	ck_assert_ok(account_check(f->account, &report));
	for (int i = 0; i < count; i++) {
		struct mailbox_info info;
		char name[32];
		snprintf(name, sizeof(name), "m%d", i);
		ck_assert_ok(mailbox_find(f->account, str_of(name), f->arena, &info));
	}
}
END_TEST

START_TEST(an_account_removed_by_another_process_is_gone_here)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	CLEANUP(account_unref) struct account *a = NULL;
	int64_t id;
	int go[2], status;
	char byte;

	/* forked while nothing is open; waits until we have the account open */
	close_all(f);
	ck_assert_int_eq(pipe(go), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (read(go[0], &byte, 1) != 1)
			_exit(1);
		store_fixture_reopen(f);
		_exit((int)directory_remove_account(f->store, STR("ann@example.test")));
	}
	store_fixture_reopen(f);
	ck_assert_ok(mailbox_create(f->account, STR("x"), STR(""), &id));
	ck_assert_int_eq(write(go[1], "x", 1), 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(mailbox_create(f->account, STR("y"), STR(""), &id), ERR_GONE);
	pool_reap(f->store->pool, 0);
	ck_assert_int_eq(mailbox_create(f->account, STR("y"), STR(""), &id), ERR_GONE);
	close(go[0]);
	close(go[1]);
}
END_TEST

TEST_MAIN("processes", threads_write_at_once, processes_write_at_once,
    a_killed_process_leaves_what_it_was_told_is_done,
    an_account_removed_by_another_process_is_gone_here)
