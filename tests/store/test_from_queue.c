/* Deliveries from the queue: each account takes a message of it once. */
#include "store/directory.h"
#include "store/from_queue.h"
#include "store/message_private.h"
#include "store/queue_private.h"
#include "tests/store/queue_fixture.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fixture f;

/* Delivers the message with this key to a; gives the UID, 0: it had it. */
static uint32_t
deliver(struct store *s, int64_t message, int64_t created_s, size_t size)
{
	CLEANUP(mem_free) char *m = make_message((unsigned)message, size);
	CLEANUP(spool_free) struct spool *spool = NULL;
	struct delivery d = {.account = 1, .queued = message, .queued_s = created_s};

	ck_assert_ok(spool_new(s, &spool));
	ck_assert_ok(spool_write(spool, m, size));
	message_deliver(s, spool, &d, 1);
	ck_assert_ok(d.result);
	return d.uid;
}

static int64_t
query(const char *sql)
{
	CLEANUP(read_end) struct handle *h = NULL;
	int64_t n = -1;

	ck_assert_ok(account_read(f.a, &h));
	ck_assert_ok(db_get_int(h->db, sql, &n));
	return n;
}

#define ROWS "SELECT count(*) FROM from_queue"
#define MESSAGES "SELECT messages FROM meta"

START_TEST(a_message_of_the_queue_is_taken_once)
{
	static const size_t sizes[] = {200, SPOOL_MEMORY + 5000}; /* a row, and a file */

	fixture_open(&f);
	for (int i = 0; i < 2; i++) {
		int64_t id = 10 + i;
		ck_assert_uint_gt(deliver(f.store, id, 1000, sizes[i]), 0);
		ck_assert_uint_eq(deliver(f.store, id, 1000, sizes[i]), 0);
		ck_assert_int_eq(query(MESSAGES), 2 * i + 1);
		/* a queue that was begun anew, or brought back: the same number, another message */
		ck_assert_uint_gt(deliver(f.store, id, 1001, sizes[i]), 0);
		ck_assert_int_eq(query(MESSAGES), 2 * i + 2);
	}
	ck_assert_uint_eq(count_blobs(&f, f.a), 2);
	ck_assert_uint_eq(count_spool(&f), 0);
	/* and what comes from no queue as often as it comes */
	ck_assert_uint_gt(deliver(f.store, 0, 0, 200), 0);
	ck_assert_uint_gt(deliver(f.store, 0, 0, 200), 0);
	ck_assert_counters(f.a);
	fixture_close(&f);
}
END_TEST

/* One of them has a mailbox that is full: it is not noted what did not come. */
START_TEST(what_could_not_be_taken_can_be_taken_later)
{
	CLEANUP(mem_free) char *m = make_message(1, 5000);

	fixture_open(&f);
	CLEANUP(spool_free) struct spool *spool = make_spool(&f, m, 5000);
	for (int i = 0; i < 3; i++) {
		struct delivery d[2] = {{.account = 1, .queued = 7, .queued_s = 1},
		    {.account = 2, .queued = 7, .queued_s = 1}};
		ck_assert_ok(directory_set_quota(f.store, STR("b@example.test"), 1000, 0));
		message_deliver(f.store, spool, d, 2);
		ck_assert_ok(d[0].result);
		ck_assert_int_eq(d[1].result, ERR_OVER_QUOTA);
		ck_assert_int_eq(d[0].uid > 0, i == 0);
	}
	ck_assert_ok(directory_set_quota(f.store, STR("b@example.test"), 0, 0));
	struct delivery d[2] = {
	    {.account = 1, .queued = 7, .queued_s = 1}, {.account = 2, .queued = 7, .queued_s = 1}};
	message_deliver(f.store, spool, d, 2);
	ck_assert_ok(d[1].result);
	ck_assert_uint_gt(d[1].uid, 0);
	ck_assert_int_eq(query(MESSAGES), 1);
	fixture_close(&f);
}
END_TEST

/* Fewer than are ever looked for: the queue has none of them. */
static void *
deliver_some(void *arg)
{
	uint32_t *made = arg;

	for (int64_t id = 1; id <= FROM_QUEUE_SPARE / 2; id++)
		*made += deliver(f.store, id, 5, 300) > 0;
	return NULL;
}

START_TEST(threads_that_deliver_the_same_message_make_one_copy)
{
	pthread_t threads[4];
	uint32_t made[4] = {0}, all = 0;

	fixture_open(&f);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, deliver_some, &made[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		all += made[i];
	}
	ck_assert_uint_eq(all, FROM_QUEUE_SPARE / 2);
	ck_assert_int_eq(query(MESSAGES), FROM_QUEUE_SPARE / 2);
	ck_assert_counters(f.a);
	fixture_close(&f);
}
END_TEST

static int64_t
queue_time(int64_t message)
{
	struct queue_message m;

	ck_assert_ok(queue_message_get(f.store, message, f.arena, &m));
	return m.created_s;
}

START_TEST(rows_go_when_the_queue_has_their_message_no_more)
{
	enum { MANY = 100, KEPT = 70 };
	int64_t kept[KEPT];

	fixture_open(&f);
	/* those that stay in the queue, more than one look is of */
	for (int i = 0; i < KEPT; i++) {
		kept[i] = add_to_queue(&f, "x", 1, "s@x.test", "a@example.test b@example.test");
		ck_assert_uint_gt(deliver(f.store, kept[i], queue_time(kept[i]), 100), 0);
	}
	for (int i = 0; i < MANY; i++) {
		int64_t id = add_to_queue(&f, "x", 1, "s@x.test", "a@example.test");
		ck_assert_uint_gt(deliver(f.store, id, queue_time(id), 100), 0);
		record_one(&f, id, 0, QUEUE_DELIVERED, 0);
		ck_assert_int_le(query(ROWS), KEPT + FROM_QUEUE_WINDOW + 2 * FROM_QUEUE_SPARE);
	}
	for (int i = 0; i < KEPT; i++) {
		ck_assert_uint_eq(deliver(f.store, kept[i], queue_time(kept[i]), 100), 0);
		record_all(&f, kept[i], QUEUE_DELIVERED);
	}
	for (int i = 0; i < FROM_QUEUE_SPARE; i++)
		deliver(f.store, 100000 + i, 5, 100);
	ck_assert_int_le(query(ROWS), 2 * FROM_QUEUE_SPARE);
	ck_assert_int_eq(query(MESSAGES), KEPT + MANY + FROM_QUEUE_SPARE);
	fixture_close(&f);
}
END_TEST

/* -- databases of before ----------------------------------------------------------------------- */

static enum err
fill_account(struct db *db, void *arg)
{
	(void)arg;
	return db_script(db, "INSERT INTO meta (id, account, created_s, uidvalidity, modseq)"
			     " VALUES (1, 1, 1, 7, 1);"
			     "INSERT INTO mailbox (id, name, uidvalidity, highest_modseq)"
			     " VALUES (1, 'INBOX', 1, 1);");
}

static enum err
fill_queue(struct db *db, void *arg)
{
	(void)arg;
	return db_script(db,
	    "INSERT INTO message (id, kind, account, sender, envid, ret, body, smtputf8,"
	    " requiretls, trace_id, message_id, created_s, expires_s, size, file)"
	    " VALUES (3, 0, 1, 's@x.test', '', 0, 0, 0, 0, 't', 'm', 77, 4000000000, 1, '');"
	    "INSERT INTO octets VALUES (3, 'x');"
	    "INSERT INTO rcpt (id, domain, next_ms, state, notify, address, orcpt)"
	    " VALUES (3 << 20, 'example.test', 0, 0, 0, 'a@example.test', '');");
}

static void
put_version(const char *name, const struct schema *now, int64_t version,
    enum err (*fill)(struct db *, void *))
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	const struct schema old = {.name = now->name, .steps = now->steps, .version = version};
	char path[300], file[320];

	snprintf(path, sizeof(path), "%s/data/%s", f.dir, name);
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		snprintf(file, sizeof(file), "%s%s", path, suffixes[i]);
		unlink(file);
	}
	ck_assert_ok(database_create(path, &old, fill, NULL));
}

START_TEST(older_databases_are_brought_forward)
{
	fixture_open(&f);
	account_unref(&f.a);
	account_unref(&f.b);
	store_close(&f.store);
	put_version("accounts/1/mail.db", &schema_account, 9, fill_account);
	put_version("queue.db", &schema_queue, 4, fill_queue);
	f.store = fixture_second(&f, "test");
	ck_assert_ok(account_open(f.store, 1, &f.a));
	ck_assert_ok(account_open(f.store, 2, &f.b));
	ck_assert_int_eq(query("PRAGMA user_version"), schema_account.version);
	ck_assert_uint_gt(deliver(f.store, 3, queue_time(3), 100), 0);
	ck_assert_uint_eq(deliver(f.store, 3, queue_time(3), 100), 0);
	record_one(&f, 3, 0, QUEUE_DELIVERED, 0);
	ck_assert_str_is(queued(&f), "");
	fixture_close(&f);
}
END_TEST

/* -- addresses elsewhere ----------------------------------------------------------------------- */

static enum err
pass_on(int64_t message, const char *a, const char *b)
{
	CLEANUP(spool_free) struct spool *spool = make_spool(&f, "Subject: x\r\n\r\n", 14);
	const struct queue_new_rcpt rcpts[] = {{.address = str_of(a)}, {.address = str_of(b)}};
	const struct queue_new q = {.kind = QUEUE_FORWARDED,
	    .expires_s = INT64_C(1) << 40,
	    .rcpts = rcpts,
	    .rcpt_count = b[0] ? 2 : 1};

	return queue_pass_on(f.store, message, spool, &q);
}

static int64_t
passed_rows(void)
{
	CLEANUP(read_end) struct handle *h = NULL;
	int64_t n = -1;

	ck_assert_ok(queue_read_begin(f.store, &h));
	ck_assert_ok(db_get_int(h->db, "SELECT count(*) FROM passed_on", &n));
	return n;
}

START_TEST(a_message_goes_on_to_each_address_once)
{
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(4096);

	fixture_open(&f);
	int64_t id = add_to_queue(&f, "x", 1, "s@x.test", "a@example.test");
	ck_assert_ok(pass_on(id, "x@other.test", ""));
	ck_assert_str_is(queued(&f), "1/0 a@example.test w 2/0 x@other.test w");
	ck_assert_ok(pass_on(id, "x@other.test", "x@other.test"));
	ck_assert_str_is(queued(&f), "1/0 a@example.test w 2/0 x@other.test w");
	ck_assert_ok(pass_on(id, "x@other.test", "y@other.test"));
	ck_assert_str_is(queued(&f), "1/0 a@example.test w 2/0 x@other.test w 3/0 y@other.test w");
	ck_assert_int_eq(passed_rows(), 2);
	/* another message is another matter */
	ck_assert_ok(pass_on(2, "y@other.test", ""));
	ck_assert_int_eq(passed_rows(), 3);
	ck_assert_ok(queue_check(f.store, &report));
	record_one(&f, id, 0, QUEUE_DELIVERED, 0);
	record_one(&f, 2, 0, QUEUE_FAILED, 0);
	ck_assert_int_eq(passed_rows(), 0);
	ck_assert_str_is(queued(&f), "3/0 y@other.test w 4/0 y@other.test w");
	fixture_close(&f);
}
END_TEST

TEST_MAIN("from_queue", a_message_of_the_queue_is_taken_once,
    what_could_not_be_taken_can_be_taken_later, threads_that_deliver_the_same_message_make_one_copy,
    rows_go_when_the_queue_has_their_message_no_more, older_databases_are_brought_forward,
    a_message_goes_on_to_each_address_once)
