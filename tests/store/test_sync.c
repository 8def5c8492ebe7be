/* Who is called when a sync is over, and told what. Syncs wait here until the test lets them go. */
#include "store/database.h"
#include "tests/support/test.h"

#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

static const struct schema_step steps[] = {
    {.before = "CREATE TABLE number (n INTEGER PRIMARY KEY)"}};
static const struct schema schema = {.name = "test", .steps = steps, .version = 1};

static sem_t begun, may_end;
static atomic_int sync_errno, syncs;

static int
gated_sync(int fd)
{
	syncs++;
	sem_post(&begun);
	sem_wait(&may_end);
	errno = sync_errno;
	return errno ? -1 : fdatasync(fd);
}

struct fixture {
	char dir[64], path[100];
	struct pool *pool;
	struct database d;
};

static void
open_fixture(struct fixture *f)
{
	snprintf(f->dir, sizeof(f->dir), "%s", test_mkdir());
	snprintf(f->path, sizeof(f->path), "%s/x.db", f->dir);
	ck_assert_ok(database_create(f->path, &schema, NULL, NULL));
	ck_assert_ok(pool_new(NULL, &f->pool));
	ck_assert_ok(database_init(&f->d, f->pool, f->path, &schema));
	sem_init(&begun, 0, 0);
	sem_init(&may_end, 0, 0);
	sync_errno = syncs = 0;
	f->d.sync_file = gated_sync;
}

static void
close_fixture(struct fixture *f)
{
	sync_errno = 0;
	sem_post(&may_end); /* should there be one more */
	database_done(&f->d);
	pool_free(&f->pool);
	test_rmdir(f->dir);
}

struct writer {
	struct fixture *f;
	int64_t n;
	enum durability durability;
	pthread_t thread;
	atomic_int tid;
	atomic_bool over;
	enum err result;
};

static enum err
insert(struct txn *t, void *arg)
{
	return db_run(t->db, "INSERT INTO number (n) VALUES (?1)", DB_INT(*(int64_t *)arg));
}

static void *
work(void *arg)
{
	struct writer *w = arg;

	w->tid = gettid();
	w->result = database_write(&w->f->d, insert, &w->n, w->durability);
	w->over = true;
	return NULL;
}

static void
start(struct writer *w, struct fixture *f, int64_t n, enum durability durability)
{
	*w = (struct writer){.f = f, .n = n, .durability = durability};
	ck_assert_int_eq(pthread_create(&w->thread, NULL, work, w), 0);
}

static enum err
end(struct writer *w)
{
	pthread_join(w->thread, NULL);
	return w->result;
}

struct state {
	size_t waiting; /* for a sync, but for who syncs */
	size_t queued; /* to write */
	uint64_t commits;
};

static struct state
look(struct fixture *f)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&f->d.mu);
	struct state s = {.commits = f->d.commits};

	(void)held;
	for (struct waiter *w = f->d.unsynced_waiters.first; w; w = w->next)
		s.waiting++;
	/* what a queued operation is, is write.c's affair: its first member leads to the next */
	for (const void *const *op = (const void *const *)f->d.queue; op; op = *op)
		s.queued++;
	return s;
}

static void
wait_for_state(struct fixture *f, size_t waiting, size_t queued)
{
	for (int i = 0; i < 10000; i++) {
		struct state s = look(f);
		if (s.waiting == waiting && s.queued == queued)
			return;
		usleep(1000);
	}
	ck_abort_msg("%zu do not come to wait, or %zu to be queued", waiting, queued);
}

/* How often the thread went to sleep, once it sleeps: unlike any other sign this shows that it was
 * woken, too, where it went back to sleep at once. */
static long
sleeps_of(const struct writer *w)
{
	char path[64], line[256], state = '?';
	long n = -1;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", w->tid);
	for (int i = 0; i < 10000 && state != 'S'; i++, usleep(1000)) {
		FILE *f = fopen(path, "re");
		ck_assert_ptr_nonnull(f);
		while (fgets(line, sizeof(line), f)) {
			sscanf(line, "State: %c", &state);
			sscanf(line, "voluntary_ctxt_switches: %ld", &n);
		}
		fclose(f);
	}
	ck_assert_int_eq(state, 'S');
	return n;
}

START_TEST(a_round_calls_nobody_whom_it_does_not_cover)
{
	struct fixture f;
	struct writer w[4];

	open_fixture(&f);
	start(&w[0], &f, 1, DURABLE_NOW);
	sem_wait(&begun);
	for (size_t i = 1; i < 4; i++) { /* committed after that sync began */
		start(&w[i], &f, (int64_t)i + 1, DURABLE_NOW);
		wait_for_state(&f, i, 0);
	}
	const long before[] = {sleeps_of(&w[2]), sleeps_of(&w[3])};
	sem_post(&may_end);
	ck_assert_ok(end(&w[0]));
	sem_wait(&begun); /* the second syncs for itself and the others */
	wait_for_state(&f, 2, 0);
	ck_assert(!w[1].over && !w[2].over && !w[3].over);
	ck_assert_int_eq(sleeps_of(&w[2]), before[0]);
	ck_assert_int_eq(sleeps_of(&w[3]), before[1]);
	sem_post(&may_end);
	for (size_t i = 1; i < 4; i++)
		ck_assert_ok(end(&w[i]));
	ck_assert_int_eq(syncs, 2);
	close_fixture(&f);
}
END_TEST

START_TEST(a_failed_round_is_told_to_all_whom_it_leaves_in_doubt_and_to_nobody_else)
{
	struct fixture f;
	struct writer w[4];

	open_fixture(&f);
	start(&w[0], &f, 1, DURABLE_NOW);
	sem_wait(&begun);
	start(&w[1], &f, 2, DURABLE_NOW);
	wait_for_state(&f, 1, 0);
	start(&w[2], &f, 3, DURABLE_NOW);
	wait_for_state(&f, 2, 0);
	sem_post(&may_end);
	sem_wait(&begun);
	start(&w[3], &f, 4, DURABLE_NOW); /* into the same WAL, while its sync fails */
	wait_for_state(&f, 2, 0);
	sync_errno = EIO;
	sem_post(&may_end);
	ck_assert_ok(end(&w[0]));
	for (size_t i = 1; i < 4; i++)
		ck_assert_int_eq(end(&w[i]), ERR_IO);
	ck_assert_int_eq(syncs, 2);
	sync_errno = 0;
	sem_post(&may_end);
	start(&w[0], &f, 5, DURABLE_NOW);
	ck_assert_ok(end(&w[0]));
	close_fixture(&f);
}
END_TEST

START_TEST(what_gathers_during_a_sync_is_one_transaction_and_the_next_sync)
{
	struct fixture f;
	struct writer w[4];

	open_fixture(&f);
	f.d.gathers = true;
	start(&w[0], &f, 1, DURABLE_NOW);
	sem_wait(&begun);
	uint64_t commits = look(&f).commits;
	for (size_t i = 1; i < 4; i++) {
		start(&w[i], &f, (int64_t)i + 1, i == 2 ? DURABLE_LATER : DURABLE_NOW);
		wait_for_state(&f, 0, i);
	}
	ck_assert_uint_eq(look(&f).commits, commits);
	sem_post(&may_end);
	ck_assert_ok(end(&w[0]));
	sem_wait(&begun);
	ck_assert_ok(end(&w[2])); /* it waits for no sync of its own */
	ck_assert_uint_eq(look(&f).commits, commits + 1);
	ck_assert(!w[1].over && !w[3].over);
	sem_post(&may_end);
	ck_assert_ok(end(&w[1]));
	ck_assert_ok(end(&w[3]));
	ck_assert_int_eq(syncs, 2);
	close_fixture(&f);
}
END_TEST

static void
write_by_many(struct fixture *f, int64_t first)
{
	enum { THREADS = 8, ROUNDS = 10 };

	for (int64_t round = 0; round < ROUNDS; round++) {
		struct writer w[THREADS];
		for (size_t i = 0; i < THREADS; i++)
			start(&w[i], f, first + round * THREADS + (int64_t)i,
			    i % 3 ? DURABLE_NOW : DURABLE_LATER);
		ck_assert_ok(database_sync(&f->d));
		for (size_t i = 0; i < THREADS; i++)
			ck_assert_ok(end(&w[i]));
	}
	ck_assert_ok(database_sync(&f->d));
	ck_assert(database_is_synced(&f->d));
}

START_TEST(many_threads_all_get_what_they_wait_for)
{
	struct fixture f;

	open_fixture(&f);
	f.d.sync_file = fdatasync;
	write_by_many(&f, 0);
	f.d.gathers = true;
	write_by_many(&f, 1000);
	close_fixture(&f);
}
END_TEST

static int
sync_fails(int fd)
{
	(void)fd;
	errno = EIO;
	return -1;
}

START_TEST(a_promise_whose_commit_was_synced_is_kept_after_another_failed)
{
	struct fixture f;
	struct promise early = {0}, late = {0}, later = {0};
	int64_t n = 1;

	open_fixture(&f);
	f.d.sync_file = fdatasync;
	ck_assert_ok(database_write_promised(&f.d, insert, &n, &early));
	ck_assert_ok(database_sync(&f.d));
	n = 2;
	ck_assert_ok(database_write_promised(&f.d, insert, &n, &late));
	const struct promise again = early;
	f.d.sync_file = sync_fails;
	ck_assert_int_eq(promise_keep(&late), ERR_IO);
	ck_assert_ok(promise_keep(&early));
	/* of one that is older nobody knows any more */
	n = 3;
	ck_assert_ok(database_write_promised(&f.d, insert, &n, &later));
	ck_assert_int_eq(promise_keep(&later), ERR_IO);
	early = again;
	ck_assert_int_eq(promise_keep(&early), ERR_IO);
	f.d.sync_file = fdatasync;
	close_fixture(&f);
}
END_TEST

TEST_MAIN("sync", a_promise_whose_commit_was_synced_is_kept_after_another_failed,
    a_round_calls_nobody_whom_it_does_not_cover,
    a_failed_round_is_told_to_all_whom_it_leaves_in_doubt_and_to_nobody_else,
    what_gathers_during_a_sync_is_one_transaction_and_the_next_sync,
    many_threads_all_get_what_they_wait_for)
