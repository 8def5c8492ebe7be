/* Many accounts with few handles: slower, never wrong, and never more descriptors than allowed. */
#include "common/base/clock.h"
#include "store/account_private.h"
#include "store/changes.h"
#include "store/mailbox.h"
#include "store/message.h"
#include "store/view.h"
#include "tests/support/store_fixture.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>

#define ACCOUNTS 24
#define FEW 8 /* where it is not about how many: to make one takes syncs */
#define HANDLES 6
#define THREADS 4
#define ROUNDS 5
/* A thread has a handle in hand, and opens another where the account is opened first. */
#define FILES_MAX ((HANDLES + 2 * THREADS) * (POOL_HANDLE_FILES + 1))

static unsigned
count_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

struct growth {
	struct store_fixture *f;
	int64_t account[ACCOUNTS];
	atomic_uint next;
	atomic_uint files_max;
	atomic_uint failed;
};

static void
open_growth(struct growth *g, size_t accounts)
{
	char address[64];

	*g = (struct growth){.f = store_fixture_open()};
	for (size_t i = 0; i < accounts; i++) {
		snprintf(address, sizeof(address), "a%zu@example.test", i);
		g->account[i] = store_fixture_add(g->f, address);
	}
	g->f->options.handles_max = HANDLES;
	store_fixture_reopen(g->f);
	account_unref(&g->f->account);
	pool_reap(g->f->store->pool, 0);
}

static void
close_growth(struct growth *g)
{
	ck_assert_ok(account_open(g->f->store, g->f->account_id, &g->f->account));
	store_fixture_close(&g->f);
}

static enum err
deliver(struct growth *g, size_t i)
{
	CLEANUP(spool_free) struct spool *s = NULL;
	struct str text = STR("Subject: growth\r\n\r\nx\r\n");
	struct delivery d = {.account = g->account[i]};
	enum err e = spool_new(g->f->store, &s);

	if (!e)
		e = spool_write(s, text.p, text.n);
	if (e)
		return e;
	message_deliver(g->f->store, s, &d, 1);
	return d.result;
}

static void
note_alarm(void *arg, int64_t in_ms)
{
	*(int64_t *)arg = in_ms;
}

static void *
deliver_round_about(void *arg)
{
	struct growth *g = arg;
	unsigned at;

	while ((at = atomic_fetch_add(&g->next, 1)) < ACCOUNTS * ROUNDS) {
		if (deliver(g, at % ACCOUNTS))
			atomic_fetch_add(&g->failed, 1);
		unsigned files = count_files(), most = atomic_load(&g->files_max);
		while (files > most && !atomic_compare_exchange_weak(&g->files_max, &most, files))
			;
	}
	return NULL;
}

static void
ck_messages(struct growth *g, size_t i, uint64_t wanted)
{
	CLEANUP(account_unref) struct account *a = NULL;
	struct quota q;

	ck_assert_ok(account_open(g->f->store, g->account[i], &a));
	ck_assert_ok(account_quota(a, &q));
	ck_assert_uint_eq(q.messages_used, wanted);
}

START_TEST(more_accounts_than_handles_work_within_the_bound)
{
	pthread_t thread[THREADS];
	struct growth g;

	open_growth(&g, ACCOUNTS);
	unsigned before = count_files();
	for (size_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, deliver_round_about, &g), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	ck_assert_uint_eq(g.failed, 0);
	ck_assert_uint_le(pool_handles(g.f->store->pool, NULL), HANDLES);
	ck_assert_uint_gt(g.files_max, before);
	ck_assert_uint_le(g.files_max, before + FILES_MAX);
	for (size_t i = 0; i < ACCOUNTS; i++)
		ck_messages(&g, i, ROUNDS);
	close_growth(&g);
}
END_TEST

START_TEST(accounts_that_were_used_once_are_forgotten)
{
	struct growth g;

	open_growth(&g, ACCOUNTS);
	clock_freeze(1800000000);
	unsigned before = count_files();
	for (size_t i = 0; i < ACCOUNTS; i++)
		ck_assert_ok(deliver(&g, i));
	/* those whose handles had to make room go with the next tick, the others when idle */
	store_tick(g.f->store);
	unsigned accounts = 0;
	for (size_t i = 0; i < STORE_ACCOUNT_BUCKETS; i++)
		for (struct account *a = g.f->store->accounts[i]; a; a = a->next)
			accounts++;
	ck_assert_uint_le(accounts, HANDLES);
	clock_advance_ms(POOL_IDLE_MS);
	store_tick(g.f->store);
	for (size_t i = 0; i < STORE_ACCOUNT_BUCKETS; i++)
		ck_assert_ptr_null(g.f->store->accounts[i]);
	ck_assert_uint_eq(count_files(), before);
	clock_thaw();
	close_growth(&g);
}
END_TEST

START_TEST(a_tick_closes_a_bounded_number_of_handles)
{
	struct handle *h[200];
	struct growth g;
	int64_t asked = 0;
	unsigned ticks = 0;

	open_growth(&g, FEW);
	pool_set_max(g.f->store->pool, 1000);
	struct account *a = NULL;
	ck_assert_ok(account_open(g.f->store, g.account[0], &a));
	store_tick(g.f->store);
	store_set_alarm(g.f->store, note_alarm, &asked);
	clock_freeze(1800000000);
	for (size_t i = 0; i < ARRAY_LEN(h); i++)
		ck_assert_ok(pool_take(&a->database, DB_READER, &h[i]));
	for (size_t i = 0; i < ARRAY_LEN(h); i++)
		pool_give(&h[i]);
	clock_advance_ms(POOL_IDLE_MS);
	unsigned left = pool_handles(g.f->store->pool, &a->database);
	ck_assert_uint_ge(left, ARRAY_LEN(h));
	while (left) {
		asked = 0;
		store_tick(g.f->store);
		unsigned now = pool_handles(g.f->store->pool, &a->database);
		ck_assert_uint_lt(now, left);
		ck_assert_uint_le(left - now, 100);
		ck_assert(now == 0 || (asked > 0 && asked < 100));
		left = now;
		ticks++;
	}
	ck_assert_uint_gt(ticks, 1);
	store_set_alarm(g.f->store, NULL, NULL);
	clock_thaw();
	account_unref(&a);
	close_growth(&g);
}
END_TEST

START_TEST(where_many_handles_are_idle_they_hold_no_pages)
{
	struct handle *h[POOL_WARM_MAX + 20];
	CLEANUP(account_unref) struct account *a = NULL;
	struct growth g;
	int64_t n;

	open_growth(&g, FEW);
	pool_set_max(g.f->store->pool, 1000);
	ck_assert_ok(account_open(g.f->store, g.account[0], &a));
	for (size_t i = 0; i < ARRAY_LEN(h); i++)
		ck_assert_ok(pool_take(&a->database, DB_READER, &h[i]));
	for (size_t i = 0; i < ARRAY_LEN(h); i++) {
		ck_assert_ok(db_get_int(h[i]->db, "SELECT count(*) FROM mailbox", &n));
		pool_give(&h[i]);
	}
	/* the first ones kept their pages, the last did not */
	for (size_t i = 0; i < ARRAY_LEN(h); i++)
		ck_assert_ok(pool_take(&a->database, DB_READER, &h[i])); /* the last one first */
	ck_assert_uint_lt(db_page_octets(h[0]->db), db_page_octets(h[ARRAY_LEN(h) - 1]->db));
	for (size_t i = 0; i < ARRAY_LEN(h); i++) {
		ck_assert_ok(db_get_int(h[i]->db, "SELECT count(*) FROM mailbox", &n));
		pool_give(&h[i]);
	}
	account_unref(&a);
	close_growth(&g);
}
END_TEST

START_TEST(asking_for_room_and_delivering_takes_one_handle)
{
	CLEANUP(account_unref) struct account *a = NULL;
	struct growth g;

	open_growth(&g, FEW);
	ck_assert_ok(account_open(g.f->store, g.account[0], &a));
	ck_assert_ok(account_has_room(a, 1000));
	ck_assert_ok(deliver(&g, 0));
	ck_assert_ok(account_has_room(a, 1000));
	ck_assert_uint_eq(pool_handles(g.f->store->pool, &a->database), 1);
	account_unref(&a);
	close_growth(&g);
}
END_TEST

static enum err
set_limit(struct txn *t, void *arg)
{
	return db_run(t->db, "UPDATE meta SET quota_bytes = ?1", DB_INT(*(int64_t *)arg));
}

START_TEST(room_is_looked_up_where_it_is_short_or_long_not_seen)
{
	CLEANUP(account_unref) struct account *a = NULL;
	int64_t limit = 8000;
	struct growth g;

	open_growth(&g, FEW);
	clock_freeze(1800000000);
	ck_assert_ok(account_open(g.f->store, g.account[0], &a));
	ck_assert_ok(account_has_room(a, 100000));
	/* as another process would, of which nothing is heard here */
	ck_assert_ok(account_write(a, set_limit, &limit, DURABLE_NOW));
	ck_assert_ok(account_has_room(a, 100000));
	clock_advance_ms(10000);
	ck_assert_int_eq(account_has_room(a, 100000), ERR_OVER_QUOTA);
	ck_assert_ok(account_has_room(a, 8000));
	ck_assert_int_eq(account_has_room(a, 8001), ERR_OVER_QUOTA);
	ck_assert_int_eq(account_has_room(a, UINT64_MAX), ERR_OVER_QUOTA);
	ck_assert_ok(account_has_room(a, 1000));
	limit = 0;
	ck_assert_ok(account_write(a, set_limit, &limit, DURABLE_NOW));
	ck_assert_ok(account_has_room(a, 8001)); /* a "no" is never taken from memory */
	clock_thaw();
	account_unref(&a);
	close_growth(&g);
}
END_TEST

START_TEST(without_descriptors_deliveries_fail_for_now_and_work_later)
{
	struct rlimit had, none;
	struct growth g;

	open_growth(&g, FEW);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &had), 0);
	none = had;
	none.rlim_cur = 3; /* those that are open stay open */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	enum err e = deliver(&g, 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &had), 0);
	ck_assert_int_ne(e, ERR_OK);
	ck_assert(err_class(e) == ERR_CLASS_OURS || e == ERR_BUSY); /* "try again" to the sender */
	ck_assert_ok(deliver(&g, 0));
	ck_messages(&g, 0, 1);
	close_growth(&g);
}
END_TEST

START_TEST(idle_handles_make_room_where_descriptors_run_out)
{
	struct rlimit had, few;
	struct growth g;

	open_growth(&g, FEW);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &had), 0);
	few = had;
	/* whichever of the files that a delivery opens is the first one too many */
	for (unsigned spare = 0; spare < 5; spare++) {
		size_t last = FEW - 1 - spare;
		for (size_t i = 0; i < HANDLES / 2; i++)
			ck_assert_ok(deliver(&g, i));
		ck_assert_uint_ge(pool_handles(g.f->store->pool, NULL), HANDLES / 2);
		few.rlim_cur = count_files() - 3 + spare; /* ".", ".." and the listing itself */
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
		enum err e = deliver(&g, last);
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &had), 0);
		ck_assert_ok(e);
		ck_messages(&g, last, 1);
	}
	close_growth(&g);
}
END_TEST

/* Its descriptors are then asked for in another order: by the writer alone. */
START_TEST(idle_handles_make_room_for_the_writer_of_an_open_account)
{
	struct rlimit had, few;
	struct growth g;

	open_growth(&g, FEW);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &had), 0);
	few = had;
	for (unsigned spare = 0; spare < 6; spare++) {
		CLEANUP(account_unref) struct account *a = NULL;
		ck_assert_ok(account_open(g.f->store, g.account[FEW - 1], &a));
		pool_reap(g.f->store->pool, 0);
		for (size_t i = 0; i < HANDLES / 2; i++)
			ck_assert_ok(deliver(&g, i));
		few.rlim_cur = count_files() - 3 + spare;
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
		enum err e = deliver(&g, FEW - 1);
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &had), 0);
		ck_assert_ok(e);
		ck_messages(&g, FEW - 1, spare + 1);
	}
	close_growth(&g);
}
END_TEST

TEST_MAIN("growth", more_accounts_than_handles_work_within_the_bound,
    accounts_that_were_used_once_are_forgotten, a_tick_closes_a_bounded_number_of_handles,
    where_many_handles_are_idle_they_hold_no_pages, asking_for_room_and_delivering_takes_one_handle,
    room_is_looked_up_where_it_is_short_or_long_not_seen,
    without_descriptors_deliveries_fail_for_now_and_work_later,
    idle_handles_make_room_where_descriptors_run_out,
    idle_handles_make_room_for_the_writer_of_an_open_account)
