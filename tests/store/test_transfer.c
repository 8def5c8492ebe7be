/* COPY and MOVE into another account: step by step, all or nothing, whatever is killed. */
#include "common/base/clock.h"
#include "store/directory.h"
#include "store/message_stage.h"
#include "tests/store/fixture.h"
#include "tests/support/test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct fixture f;
static unsigned syncs; /* of files and directories by fsync(2) */

int
fsync(int fd)
{
	(void)fd; /* nobody pulls the plug here */
	__atomic_add_fetch(&syncs, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static int64_t
query_of(struct account *a, const char *sql)
{
	CLEANUP(read_end) struct handle *h = NULL;
	int64_t n = -1;

	ck_assert_ok(account_read(a, &h));
	ck_assert_ok(db_get_int(h->db, sql, &n));
	return n;
}

static int64_t
inbox_of_b(void)
{
	struct mailbox_info info;

	ck_assert_ok(mailbox_find(f.b, STR("INBOX"), f.arena, &info));
	return info.id;
}

static uint32_t
count_in(struct account *a, int64_t mailbox)
{
	CLEANUP(view_unref) struct view *v = NULL;

	ck_assert_ok(view_current(a, mailbox, &v));
	return view_count(v);
}

static void
ck_assert_sound(struct account *a)
{
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(100000);
	enum err e = account_check(a, &report);

	ck_assert_msg(e == ERR_OK, "%.*s", STR_ARG(sbuf_view(&report)));
}

static struct uid_range everything = {1, UINT32_MAX};
static const struct uidset all = {.r = &everything, .n = 1};

static struct transfer
to_b(bool move)
{
	return (struct transfer){.from_account = f.a,
	    .to_account = f.b,
	    .from = f.inbox,
	    .to = inbox_of_b(),
	    .uids = &all,
	    .actor = ACTOR_OWNER,
	    .move = move};
}

/* Small ones, by one APPEND. */
static void
fill(unsigned n)
{
	struct append *items = calloc(n, sizeof(*items));
	uint32_t uidvalidity;

	ck_assert_ptr_nonnull(items);
	for (unsigned i = 0; i < n; i++) {
		CLEANUP(mem_free) char *octets = make_message(i, 60);
		items[i] = append_of(&f, octets, 60, 0);
	}
	ck_assert_ok(message_append(f.a, f.inbox, items, n, &uidvalidity));
	for (unsigned i = 0; i < n; i++)
		spool_free(&items[i].spool);
	free(items);
}

static void
deliver_to_b(void)
{
	CLEANUP(mem_free) char *octets = make_message(9, 50);
	CLEANUP(spool_free) struct spool *spool = make_spool(&f, octets, 50);
	struct delivery d = {.account = account_id(f.b)};

	message_deliver(f.store, spool, &d, 1);
	ck_assert_ok(d.result);
}

START_TEST(others_write_between_two_steps_and_see_nothing_before_the_end)
{
	struct transfer_run *run = NULL;
	struct copied copied;
	bool ready = false;
	unsigned steps = 0;

	fixture_open(&f);
	fill(3 * STAGE_MESSAGES + 1);
	struct transfer x = to_b(false);
	ck_assert_ok(transfer_begin(&x, f.arena, &run));
	ck_assert_uint_eq(transfer_total(run), 3 * STAGE_MESSAGES + 1);
	while (!ready) {
		ck_assert_ok(transfer_step(run, &ready));
		ck_assert_uint_le(transfer_done(run), ++steps * STAGE_MESSAGES);
		deliver_to_b();
		ck_assert_uint_eq(count_in(f.b, x.to), steps);
		ck_assert_sound(f.b);
	}
	ck_assert_uint_eq(steps, 4);
	ck_assert_ok(transfer_end(run, &copied));
	transfer_free(&run);
	ck_assert_uint_eq(uidset_count(&copied.to), 3 * STAGE_MESSAGES + 1);
	ck_assert_uint_eq(copied.to.r[0].lo, 5);
	ck_assert_uint_eq(count_in(f.b, x.to), 3 * STAGE_MESSAGES + 5);
	ck_assert_int_eq(query_of(f.b, "SELECT count(*) FROM tombstone"), 0);
	ck_assert_counters(f.b);
	ck_assert_sound(f.b);
	fixture_close(&f);
}
END_TEST

START_TEST(a_batch_of_files_costs_one_sync_of_a_directory)
{
	struct copied copied;

	fixture_open(&f);
	for (unsigned i = 0; i < 60; i++)
		deliver_one(&f, i, SPOOL_MEMORY + 1);
	struct transfer x = to_b(false);
	syncs = 0;
	ck_assert_ok(message_transfer(&x, f.arena, &copied));
	/* 16 files each (STAGE_OCTETS), as much again where the directory is new */
	ck_assert_uint_le(syncs, 10);
	ck_assert_uint_eq(count_blobs(&f, f.b), 60);
	ck_assert_sound(f.b);
	fixture_close(&f);
}
END_TEST

/* RFC 8474 §5.1: the same EMAILID as the source message */
START_TEST(a_copy_has_the_email_id_of_its_source)
{
	struct copied copied;

	fixture_open(&f);
	deliver_one(&f, 1, 50);
	deliver_one(&f, 2, SPOOL_MEMORY + 1);
	struct transfer x = to_b(false);
	for (int i = 0; i < 2; i++) /* also where a file of that name is there already */
		ck_assert_ok(message_transfer(&x, f.arena, &copied));
	CLEANUP(view_unref) struct view *from = view_now(&f, f.inbox);
	CLEANUP(view_unref) struct view *to = NULL;
	CLEANUP(reader_close) struct reader *ra = NULL;
	CLEANUP(reader_close) struct reader *rb = NULL;
	ck_assert_ok(view_current(f.b, x.to, &to));
	ck_assert_uint_eq(view_count(to), 4);
	ck_assert_ok(reader_open(f.a, &ra));
	ck_assert_ok(reader_open(f.b, &rb));
	for (uint32_t i = 0; i < 4; i++) {
		struct message_row was, is;
		ck_assert_ok(
		    reader_message(ra, view_at(from, i % 2 + 1)->message, WANT_BASICS, &was));
		ck_assert_ok(reader_message(rb, view_at(to, i + 1)->message, WANT_BASICS, &is));
		ck_assert(str_eq(was.email_id, is.email_id));
	}
	ck_assert_uint_eq(count_blobs(&f, f.b), 2);
	reader_close(&ra);
	reader_close(&rb);
	ck_assert_sound(f.b);
	fixture_close(&f);
}
END_TEST

static void
begin_and_step(struct transfer_run **run, bool move)
{
	struct transfer x = to_b(move);
	bool ready;

	for (unsigned i = 1; i <= 5; i++)
		deliver_one(&f, i, i == 5 ? SPOOL_MEMORY + 1 : 50);
	ck_assert_ok(transfer_begin(&x, f.arena, run));
	ck_assert_ok(transfer_step(*run, &ready));
	ck_assert(ready);
	ck_assert_int_eq(query_of(f.b, "SELECT count(*) FROM message"), 5);
}

static void
ck_assert_b_is_empty(void)
{
	ck_assert_ok(account_clean(f.b));
	ck_assert_int_eq(query_of(f.b, "SELECT count(*) FROM message"), 0);
	ck_assert_int_eq(query_of(f.b, "SELECT count(*) FROM tombstone"), 0);
	ck_assert_uint_eq(count_blobs(&f, f.b), 0);
	ck_assert_uint_eq(count_in(f.b, inbox_of_b()), 0);
	ck_assert_counters(f.b);
	ck_assert_sound(f.b);
}

START_TEST(what_was_brought_over_goes_when_the_transfer_is_given_up)
{
	struct transfer_run *run = NULL;

	fixture_open(&f);
	begin_and_step(&run, true);
	transfer_free(&run);
	ck_assert_b_is_empty();
	ck_assert_uint_eq(count_in(f.a, f.inbox), 5);
	fixture_close(&f);
}
END_TEST

/* While the cleaner deletes a message, what was staged before it is given up. */
static enum err
give_up_in_between(struct txn *t, void *unused)
{
	(void)unused;
	return db_run(t->db,
	    "CREATE TRIGGER meanwhile AFTER DELETE ON message BEGIN INSERT OR IGNORE INTO unswept"
	    " SELECT id FROM tombstone WHERE mailbox = 0; END");
}

START_TEST(what_is_given_up_while_the_cleaner_is_at_work_goes_too)
{
	struct transfer_run *run = NULL;

	fixture_open(&f);
	begin_and_step(&run, false);
	deliver_to_b();
	ck_assert_ok(message_remove(f.b, inbox_of_b(), &all));
	ck_assert_ok(account_write(f.b, give_up_in_between, NULL, DURABLE_LATER));
	ck_assert_ok(account_clean(f.b));
	ck_assert_int_eq(query_of(f.b, "SELECT count(*) FROM message"), 0);
	ck_assert_uint_eq(count_blobs(&f, f.b), 0);
	transfer_free(&run);
	ck_assert_sound(f.b);
	fixture_close(&f);
}
END_TEST

START_TEST(a_transfer_that_takes_too_long_is_refused_and_leaves_nothing)
{
	struct transfer_run *run = NULL;
	struct copied copied;

	fixture_open(&f);
	clock_freeze(1800000000);
	begin_and_step(&run, true);
	clock_advance_ms((STAGE_DEAD_S - 1) * 1000L);
	ck_assert_ok(account_clean(f.b));
	ck_assert_int_eq(query_of(f.b, "SELECT count(*) FROM message"), 5);
	clock_advance_ms(2000);
	ck_assert_ok(account_clean(f.b));
	ck_assert_int_eq(transfer_end(run, &copied), ERR_BUSY);
	transfer_free(&run);
	ck_assert_b_is_empty();
	ck_assert_uint_eq(count_in(f.a, f.inbox), 5);
	clock_thaw();
	fixture_close(&f);
}
END_TEST

START_TEST(what_is_expunged_meanwhile_is_left_out_or_refused)
{
	struct transfer_run *run = NULL;
	struct copied copied;

	for (int by_number = 0; by_number < 2; by_number++) {
		bool ready = false;
		fixture_open(&f);
		for (unsigned i = 1; i <= 3; i++)
			deliver_one(&f, i, i == 1 ? SPOOL_MEMORY + 1 : 50);
		struct transfer x = to_b(false);
		x.count = by_number ? 3 : 0;
		ck_assert_ok(transfer_begin(&x, f.arena, &run));
		struct uidset two = uids_of(&f, "1:2");
		ck_assert_ok(message_remove(f.a, f.inbox, &two));
		ck_assert_ok(account_clean(f.a));
		ck_assert_int_eq(transfer_step(run, &ready), by_number ? ERR_STALE : ERR_OK);
		if (!by_number) {
			ck_assert_ok(transfer_end(run, &copied));
			ck_assert_uint_eq(uidset_count(&copied.from), 1);
			ck_assert_uint_eq(copied.from.r[0].lo, 3);
		}
		transfer_free(&run);
		ck_assert_ok(account_clean(f.b));
		ck_assert_uint_eq(count_in(f.b, x.to), by_number ? 0 : 1);
		ck_assert_sound(f.b);
		fixture_close(&f);
	}
}
END_TEST

START_TEST(over_quota_is_said_before_anything_is_written)
{
	struct transfer_run *run = NULL;

	fixture_open(&f);
	deliver_one(&f, 1, 600);
	deliver_one(&f, 2, 600);
	struct transfer x = to_b(false);
	ck_assert_ok(directory_set_quota(f.store, STR("b@example.test"), 1000, 0));
	ck_assert_int_eq(transfer_begin(&x, f.arena, &run), ERR_OVER_QUOTA);
	ck_assert_ok(directory_set_quota(f.store, STR("b@example.test"), 0, 1));
	ck_assert_int_eq(transfer_begin(&x, f.arena, &run), ERR_OVER_QUOTA);
	ck_assert_int_eq(
	    query_of(f.b, "SELECT count(*) FROM sqlite_sequence WHERE name = 'message'"), 0);
	ck_assert_int_eq(query_of(f.b, "SELECT count(*) FROM message"), 0);
	fixture_close(&f);
}
END_TEST

/* -- killed ----------------------------------------------------------------------------------- */

/* A forked process must not use what its parent had open. */
static void
shut(void)
{
	account_unref(&f.a);
	account_unref(&f.b);
	store_close(&f.store);
}

static void
open_again(const char *process)
{
	f.store = fixture_second(&f, process);
	ck_assert_ok(account_open(f.store, 1, &f.a));
	ck_assert_ok(account_open(f.store, 2, &f.b));
}

START_TEST(what_a_killed_process_brought_over_goes_an_hour_later)
{
	struct transfer_run *run = NULL;
	int status;

	fixture_open(&f);
	shut();
	pid_t pid = fork();
	if (pid == 0) {
		open_again("child");
		begin_and_step(&run, true);
		kill(getpid(), SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	open_again("test");
	ck_assert_int_eq(query_of(f.b, "SELECT count(*) FROM message"), 5);
	ck_assert_uint_eq(count_in(f.b, inbox_of_b()), 0);
	ck_assert_sound(f.b);
	clock_freeze(time(NULL) + STAGE_DEAD_S + 1);
	ck_assert_b_is_empty();
	ck_assert_uint_eq(count_in(f.a, f.inbox), 5);
	ck_assert_sound(f.a);
	clock_thaw();
	fixture_close(&f);
}
END_TEST

#define MOVED 40

static unsigned
seed_of(struct account *a, int64_t message)
{
	unsigned seed;
	size_t n;
	CLEANUP(mem_free) char *octets = read_message(a, message, &n);
	CLEANUP(mem_free) char *should_be = NULL;

	ck_assert_int_eq(sscanf(octets, "X-Seed: %u", &seed), 1);
	should_be = make_message(seed, n);
	ck_assert_mem_eq(octets, should_be, n);
	return seed;
}

/* How often each of the messages is there, whole. */
static void
take_stock(unsigned count[MOVED])
{
	struct account *accounts[] = {f.a, f.b};
	int64_t boxes[] = {f.inbox, inbox_of_b()};

	memset(count, 0, MOVED * sizeof(count[0]));
	for (int k = 0; k < 2; k++) {
		CLEANUP(view_unref) struct view *v = NULL;
		ck_assert_ok(view_current(accounts[k], boxes[k], &v));
		for (uint32_t i = 1; i <= view_count(v); i++)
			count[seed_of(accounts[k], view_at(v, i)->message)]++;
		ck_assert_counters(accounts[k]);
		ck_assert_sound(accounts[k]);
	}
}

/* To and fro, one after the other, until it is killed. */
static void
move_for_ever(void)
{
	for (;;) {
		CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
		struct transfer x = to_b(true);
		struct copied copied;
		if (message_transfer(&x, arena, &copied))
			_exit(1);
		x = (struct transfer){.from_account = f.b,
		    .to_account = f.a,
		    .from = inbox_of_b(),
		    .to = f.inbox,
		    .uids = &all,
		    .actor = ACTOR_OWNER,
		    .move = true};
		if (message_transfer(&x, arena, &copied))
			_exit(1);
	}
}

START_TEST(a_process_killed_while_it_moves_loses_nothing)
{
	unsigned count[MOVED], doubled = 0;

	fixture_open(&f);
	for (unsigned i = 0; i < MOVED; i++)
		deliver_one(&f, i, i % 4 ? 100 : SPOOL_MEMORY + 1);
	for (unsigned round = 0; round < 25; round++) {
		int status;
		shut();
		pid_t pid = fork();
		if (pid == 0) {
			open_again("child");
			move_for_ever();
		}
		usleep(3000 + round * 7919 % 60000);
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFSIGNALED(status));
		open_again("test");
		take_stock(count);
		bool twice = false;
		for (unsigned i = 0; i < MOVED; i++) {
			ck_assert_msg(count[i] > 0, "round %u: message %u is lost", round, i);
			twice |= count[i] > 1;
		}
		doubled += twice;
		if (twice) { /* begin anew with one of each */
			struct uidset of_b = all;
			ck_assert_ok(message_remove(f.a, f.inbox, &all));
			ck_assert_ok(message_remove(f.b, inbox_of_b(), &of_b));
			for (unsigned i = 0; i < MOVED; i++)
				deliver_one(&f, i, i % 4 ? 100 : SPOOL_MEMORY + 1);
		}
	}
	/* where the kill falls between the target's commit and the source's: allowed, but rare */
	ck_assert_uint_lt(doubled, 20);
	fixture_close(&f);
}
END_TEST

TEST_MAIN("transfer", others_write_between_two_steps_and_see_nothing_before_the_end,
    a_batch_of_files_costs_one_sync_of_a_directory, a_copy_has_the_email_id_of_its_source,
    what_was_brought_over_goes_when_the_transfer_is_given_up,
    what_is_given_up_while_the_cleaner_is_at_work_goes_too,
    a_transfer_that_takes_too_long_is_refused_and_leaves_nothing,
    what_is_expunged_meanwhile_is_left_out_or_refused,
    over_quota_is_said_before_anything_is_written,
    what_a_killed_process_brought_over_goes_an_hour_later,
    a_process_killed_while_it_moves_loses_nothing)
