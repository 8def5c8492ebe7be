/* One message to many accounts: helpers, promises, and what becomes of the others when one fails.
 */
#include "common/base/log.h"
#include "store/account_private.h"
#include "store/changes.h"
#include "store/directory.h"
#include "store/helpers.h"
#include "tests/store/fixture.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define ACCOUNTS 67 /* more than are under way at once */

/* Instead of those of the C library: nobody pulls the plug here, and many accounts are made. */
int
fsync(int fd)
{
	(void)fd;
	return 0;
}

int
fdatasync(int fd)
{
	(void)fd;
	return 0;
}

static struct fixture f;
static int64_t account[ACCOUNTS];

static void
add_accounts(size_t n)
{
	struct credential none = {0};
	char address[40];

	for (size_t i = 0; i < n; i++) {
		snprintf(address, sizeof(address), "r%zu@example.test", i);
		ck_assert_ok(directory_add_account(f.store, str_of(address), &none, &account[i]));
	}
}

static void
forget_line(void *arg, struct str line)
{
	(void)arg, (void)line;
}

/* -- helpers */

struct tally {
	struct helpers *helpers;
	size_t n, depth;
	atomic_uint calls[500];
};

static void
count_call(void *arg, size_t i)
{
	struct tally *t = arg;

	atomic_fetch_add(&t->calls[i], 1);
	if (i % 50 == 0)
		usleep(2000);
}

static void *
run_tally(void *arg)
{
	struct tally *t = arg;

	helpers_run(t->helpers, count_call, t, t->n);
	for (size_t i = 0; i < ARRAY_LEN(t->calls); i++)
		ck_assert_uint_eq(atomic_load(&t->calls[i]), i < t->n);
	return NULL;
}

START_TEST(each_piece_of_work_is_done_once_whoever_helps)
{
	static const size_t sizes[] = {0, 1, 2, 7, 500};
	struct helpers *h = helpers_new();

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct tally helped = {.helpers = h, .n = sizes[i]}, alone = {.n = sizes[i]};
		run_tally(&helped);
		run_tally(&alone);
	}
	helpers_free(&h);
}
END_TEST

START_TEST(more_callers_than_helpers_all_get_on)
{
	static struct tally t[3 * HELPERS_MAX];
	pthread_t thread[ARRAY_LEN(t)];
	struct helpers *h = helpers_new();

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		t[i].helpers = h;
		t[i].n = 300;
		ck_assert_int_eq(pthread_create(&thread[i], NULL, run_tally, &t[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		pthread_join(thread[i], NULL);
	helpers_free(&h);
}
END_TEST

/* -- deliveries */

START_TEST(a_message_reaches_each_of_many_accounts_once)
{
	struct delivery d[2 * ACCOUNTS];
	char *octets = make_message(1, 3000);

	fixture_open(&f);
	add_accounts(ACCOUNTS);
	for (int large = 0; large < 2; large++) {
		struct spool *s = large ? make_spool(&f, (char[100000]){0}, 100000)
					: make_spool(&f, octets, 3000);
		for (size_t i = 0; i < ARRAY_LEN(d); i++) /* each twice, the second far away */
			d[i] = (struct delivery){.account = account[i * 3 % ACCOUNTS]};
		message_deliver(f.store, s, d, ARRAY_LEN(d));
		for (size_t i = 0; i < ARRAY_LEN(d); i++) {
			ck_assert_ok(d[i].result);
			ck_assert_uint_eq(d[i].uid, 1 + (unsigned)large);
		}
		spool_free(&s);
	}
	for (size_t i = 0; i < ACCOUNTS; i++) {
		CLEANUP(account_unref) struct account *a = NULL;
		struct mailbox_info info;
		ck_assert_ok(account_open(f.store, account[i], &a));
		ck_assert(database_is_synced(&a->database));
		ck_assert_ok(mailbox_find(a, STR("INBOX"), f.arena, &info));
		ck_assert_uint_eq(info.messages, 2);
		ck_assert_uint_eq(count_blobs(&f, a), 1);
	}
	free(octets);
	fixture_close(&f);
}
END_TEST

static int
failing_sync(int fd)
{
	(void)fd;
	errno = EIO;
	return -1;
}

/* Results are told apart: who is broken, full or gone takes nobody with him. */
START_TEST(one_of_many_that_fails_takes_no_other_with_it)
{
	struct delivery d[9];
	char *octets = make_message(1, 3000);

	fixture_open(&f);
	add_accounts(8);
	CLEANUP(account_unref) struct account *broken = NULL;
	ck_assert_ok(account_open(f.store, account[3], &broken));
	broken->database.sync_file = failing_sync;
	for (size_t i = 0; i < ARRAY_LEN(d); i++)
		d[i] = (struct delivery){.account = i == 8 ? 4711 : account[i]};
	struct spool *s = make_spool(&f, octets, 3000);
	log_capture(forget_line, NULL);
	message_deliver(f.store, s, d, ARRAY_LEN(d));
	log_capture(NULL, NULL);
	for (size_t i = 0; i < ARRAY_LEN(d); i++)
		ck_assert_int_eq(d[i].result, i == 3 ? ERR_IO : i == 8 ? ERR_GONE : ERR_OK);
	broken->database.sync_file = fdatasync;
	message_deliver(f.store, s, &d[3], 1);
	ck_assert_ok(d[3].result);
	spool_free(&s);
	free(octets);
	account_unref(&broken);
	fixture_close(&f);
}
END_TEST

struct sender {
	pthread_t thread;
	struct spool *spool;
	bool backwards;
	struct delivery d[20];
};

static void *
send_thrice(void *arg)
{
	struct sender *s = arg;

	for (int n = 0; n < 3; n++) {
		for (size_t i = 0; i < ARRAY_LEN(s->d); i++)
			s->d[i] = (struct delivery){
			    .account = account[s->backwards ? ARRAY_LEN(s->d) - 1 - i : i]};
		message_deliver(f.store, s->spool, s->d, ARRAY_LEN(s->d));
		for (size_t i = 0; i < ARRAY_LEN(s->d); i++)
			ck_assert_ok(s->d[i].result);
	}
	return NULL;
}

START_TEST(deliveries_to_the_same_accounts_at_once_all_arrive)
{
	struct sender senders[5];
	char *octets = make_message(1, 3000);

	fixture_open(&f);
	add_accounts(ARRAY_LEN(senders[0].d));
	for (size_t i = 0; i < ARRAY_LEN(senders); i++) {
		senders[i].spool = make_spool(&f, octets, 3000);
		senders[i].backwards = i % 2;
		ck_assert_int_eq(
		    pthread_create(&senders[i].thread, NULL, send_thrice, &senders[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(senders); i++) {
		pthread_join(senders[i].thread, NULL);
		spool_free(&senders[i].spool);
	}
	for (size_t i = 0; i < ARRAY_LEN(senders[0].d); i++) {
		CLEANUP(account_unref) struct account *a = NULL;
		struct mailbox_info info;
		ck_assert_ok(account_open(f.store, account[i], &a));
		ck_assert_ok(mailbox_find(a, STR("INBOX"), f.arena, &info));
		ck_assert_uint_eq(info.messages, 3 * ARRAY_LEN(senders));
		ck_assert_counters(a);
	}
	free(octets);
	fixture_close(&f);
}
END_TEST

/* -- promises */

static int syncs;

static int
counting_sync(int fd)
{
	__atomic_add_fetch(&syncs, 1, __ATOMIC_SEQ_CST);
	return fdatasync(fd);
}

static enum err
touch_meta(struct txn *t, void *arg)
{
	(void)arg;
	return db_run(t->db, "UPDATE meta SET created_s = created_s + 1");
}

START_TEST(several_commits_of_a_promise_share_a_sync)
{
	struct promise p = {0};

	fixture_open(&f);
	syncs = 0;
	f.a->database.sync_file = counting_sync;
	ck_assert_ok(promise_keep(&p)); /* nothing promised */
	for (int i = 0; i < 5; i++)
		ck_assert_ok(account_write_promised(f.a, touch_meta, NULL, &p));
	ck_assert_int_eq(syncs, 0);
	ck_assert(!database_is_synced(&f.a->database));
	promise_begin(&p);
	ck_assert(!database_is_synced(&f.a->database));
	ck_assert_ok(promise_keep(&p));
	ck_assert_int_eq(syncs, 1);
	ck_assert(database_is_synced(&f.a->database));
	ck_assert_ok(promise_keep(&p)); /* kept */
	ck_assert_int_eq(syncs, 1);
	fixture_close(&f);
}
END_TEST

START_TEST(a_promise_is_broken_by_any_sync_that_fails_in_between)
{
	struct promise p = {0};

	fixture_open(&f);
	ck_assert_ok(account_write_promised(f.a, touch_meta, NULL, &p));
	f.a->database.sync_file = failing_sync;
	log_capture(forget_line, NULL);
	ck_assert_int_eq(account_sync(f.a), ERR_IO); /* somebody else's */
	log_capture(NULL, NULL);
	f.a->database.sync_file = fdatasync;
	/* What came after it can be kept, what came before can not. */
	ck_assert_ok(account_write_promised(f.a, touch_meta, NULL, &p));
	ck_assert_int_eq(promise_keep(&p), ERR_IO);
	ck_assert_ok(account_write_promised(f.a, touch_meta, NULL, &p));
	ck_assert_ok(promise_keep(&p));
	fixture_close(&f);
}
END_TEST

/* -- the tick */

static atomic_uint syncing, syncing_most, synced;

static int
slow_sync(int fd)
{
	unsigned now = atomic_fetch_add(&syncing, 1) + 1, most = atomic_load(&syncing_most);

	(void)fd;
	while (now > most && !atomic_compare_exchange_weak(&syncing_most, &most, now))
		;
	usleep(5000);
	atomic_fetch_sub(&syncing, 1);
	atomic_fetch_add(&synced, 1);
	return 0;
}

START_TEST(a_tick_syncs_many_accounts_side_by_side)
{
	const struct flag_list seen = {.system = FLAG_SEEN};
	struct account *a[ACCOUNTS];
	struct delivery d[ACCOUNTS];
	char *octets = make_message(1, 300);

	fixture_open(&f);
	add_accounts(ACCOUNTS);
	struct spool *s = make_spool(&f, octets, 300);
	for (size_t i = 0; i < ACCOUNTS; i++)
		d[i] = (struct delivery){.account = account[i]};
	message_deliver(f.store, s, d, ACCOUNTS);
	store_tick(f.store);
	struct uidset first = uids_of(&f, "1");
	for (size_t i = 0; i < ACCOUNTS; i++) {
		struct mailbox_info info;
		ck_assert_ok(account_open(f.store, account[i], &a[i]));
		ck_assert_ok(mailbox_find(a[i], STR("INBOX"), f.arena, &info));
		a[i]->database.sync_file = slow_sync;
		ck_assert_ok(
		    message_store_flags(a[i], info.id, &first, FLAGS_ADD, &seen, UINT64_MAX, NULL));
		ck_assert(!database_is_synced(&a[i]->database));
	}
	store_tick(f.store);
	ck_assert_uint_eq(synced, ACCOUNTS);
	ck_assert_uint_gt(syncing_most, 1);
	for (size_t i = 0; i < ACCOUNTS; i++) {
		ck_assert(database_is_synced(&a[i]->database));
		account_unref(&a[i]);
	}
	spool_free(&s);
	free(octets);
	fixture_close(&f);
}
END_TEST

TEST_MAIN("fan_out", each_piece_of_work_is_done_once_whoever_helps,
    more_callers_than_helpers_all_get_on, a_message_reaches_each_of_many_accounts_once,
    one_of_many_that_fails_takes_no_other_with_it,
    deliveries_to_the_same_accounts_at_once_all_arrive, several_commits_of_a_promise_share_a_sync,
    a_promise_is_broken_by_any_sync_that_fails_in_between, a_tick_syncs_many_accounts_side_by_side)
