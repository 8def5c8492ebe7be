/* Mail in one process, seen by another; and a process that is killed while it delivers. */
#include "common/base/clock.h"
#include "store/changes.h"
#include "tests/store/fixture.h"
#include "tests/support/test.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fixture f;

static void
count_call(void *arg)
{
	atomic_fetch_add((_Atomic unsigned *)arg, 1);
}

#define ROUNDS 3

/* The other process: watches the INBOX, and when woken tells how many messages it sees. */
static void
watch_and_tell(int in, int out)
{
	char dir[200] = "";
	struct mailbox_info info;
	struct watch *w = NULL;
	struct account *a = NULL;
	struct view *v = NULL;
	_Atomic unsigned calls = 0;
	unsigned char count = 0;

	if (read(in, dir, sizeof(dir) - 1) <= 0)
		_exit(2);
	struct fixture mine = {.dir = dir, .arena = arena_new(1 << 20)};
	mine.store = fixture_second(&mine, "imapd");
	if (account_open(mine.store, 1, &a) || mailbox_find(a, STR("INBOX"), mine.arena, &info) ||
	    view_current(a, info.id, &v) || view_count(v) != 0 ||
	    changes_watch(a, info.id, count_call, &calls, &w) || write(out, "r", 1) != 1)
		_exit(3);
	struct pollfd p = {.fd = changes_fd(mine.store), .events = POLLIN};
	while (count < ROUNDS) {
		unsigned before = calls;
		while (calls == before && poll(&p, 1, 5000) > 0)
			changes_receive(mine.store);
		view_unref(&v);
		if (calls == before || view_current(a, info.id, &v))
			_exit(4);
		count = (unsigned char)view_count(v);
		if (write(out, &count, 1) != 1)
			_exit(5);
	}
	changes_unwatch(&w);
	view_unref(&v);
	account_unref(&a);
	store_close(&mine.store);
	arena_free(&mine.arena);
	_exit(0);
}

START_TEST(a_delivery_wakes_a_watcher_of_another_process_within_100_ms)
{
	int to[2], from[2];
	unsigned char c = 0;

	ck_assert_int_eq(pipe(to), 0);
	ck_assert_int_eq(pipe(from), 0);
	/* before the store is opened: SQLite must not be carried across a fork */
	pid_t child = fork();
	if (child == 0)
		watch_and_tell(to[0], from[1]);
	fixture_open(&f);
	ck_assert_int_eq(account_id(f.a), 1);
	size_t n = strlen(f.dir);
	ck_assert_int_eq(write(to[1], f.dir, n), (ssize_t)n);
	ck_assert_int_eq(read(from[0], &c, 1), 1);
	ck_assert_int_eq(c, 'r');
	int64_t best_ms = INT64_MAX; /* the machine may be busy with something else once */
	for (unsigned i = 1; i <= ROUNDS; i++) {
		deliver_one(&f, i, 1000);
		int64_t committed = clock_mono_ms();
		ck_assert_int_eq(read(from[0], &c, 1), 1);
		ck_assert_int_eq(c, i);
		int64_t took_ms = clock_mono_ms() - committed;
		best_ms = took_ms < best_ms ? took_ms : best_ms;
	}
	ck_assert_int_lt(best_ms, 100);
	int status = 0;
	waitpid(child, &status, 0);
	ck_assert_int_eq(status, 0);
	fixture_close(&f);
}
END_TEST

#define KILLED_THREADS 3

static int ack_fd;

static void *
deliver_until_killed(void *arg)
{
	for (unsigned i = 1 + *(unsigned *)arg * 100000;; i++) {
		size_t size = i % 7 ? 500 + i % 3000 : 70000;
		CLEANUP(mem_free) char *m = make_message(i, size);
		CLEANUP(spool_free) struct spool *sp = make_spool(&f, m, size);
		struct delivery d[] = {{.account = account_id(f.a)}, {.account = account_id(f.b)}};
		message_deliver(f.store, sp, d, 1 + i % 2);
		unsigned ack[2] = {d[0].uid, i};
		if (d[0].result || write(ack_fd, ack, sizeof(ack)) != sizeof(ack))
			_exit(1);
	}
	return NULL;
}

static void
deliver_in_child(int to)
{
	unsigned numbers[KILLED_THREADS];
	pthread_t threads[KILLED_THREADS];

	fixture_open(&f);
	ack_fd = to;
	size_t n = strlen(f.dir);
	char dir[64] = "";
	memcpy(dir, f.dir, n);
	if (write(to, dir, sizeof(dir)) != sizeof(dir))
		_exit(1);
	for (unsigned i = 0; i < KILLED_THREADS; i++) {
		numbers[i] = i;
		pthread_create(&threads[i], NULL, deliver_until_killed, &numbers[i]);
	}
	pause();
}

START_TEST(what_was_acknowledged_is_there_after_a_kill)
{
	for (int round = 0; round < 3; round++) {
		int from[2];
		char dir[64];
		ck_assert_int_eq(pipe(from), 0);
		pid_t child = fork();
		if (child == 0)
			deliver_in_child(from[1]);
		close(from[1]);
		ck_assert_int_eq(read(from[0], dir, sizeof(dir)), sizeof(dir));
		unsigned ack[2];
		/* not before it is at work, however busy the machine is */
		ck_assert_int_eq(read(from[0], ack, sizeof(ack)), sizeof(ack));
		usleep(30000 + (useconds_t)round * 35000);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);

		f = (struct fixture){.dir = strdup(dir), .arena = arena_new(1 << 20)};
		f.store = fixture_second(&f, "again");
		ck_assert_uint_eq(count_spool(&f), 0);
		ck_assert_ok(account_open(f.store, 1, &f.a));
		ck_assert_ok(account_open(f.store, 2, &f.b));
		struct mailbox_info info;
		CLEANUP(view_unref) struct view *v = NULL;
		ck_assert_ok(mailbox_find(f.a, STR("INBOX"), f.arena, &info));
		ck_assert_ok(view_current(f.a, info.id, &v));
		unsigned acked = 0;
		do {
			const struct view_entry *e = view_at(v, view_seq_of(v, ack[0]));
			ck_assert_ptr_nonnull(e);
			size_t n = 0;
			CLEANUP(mem_free) char *got = read_message(f.a, e->message, &n);
			CLEANUP(mem_free) char *made = make_message(ack[1], n);
			ck_assert_int_eq(memcmp(got, made, n), 0);
			acked++;
		} while (read(from[0], ack, sizeof(ack)) == sizeof(ack));
		close(from[0]);
		ck_assert_uint_le(view_count(v) - acked, KILLED_THREADS);
		ck_assert_counters(f.a);
		ck_assert_counters(f.b);
		fixture_close(&f);
	}
}
END_TEST

TEST_MAIN("message_processes", a_delivery_wakes_a_watcher_of_another_process_within_100_ms,
    what_was_acknowledged_is_there_after_a_kill)
