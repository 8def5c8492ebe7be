/* Parcels: who is not tried, and results that can't be recorded for a while. */
#include "smtpd/outbound/route_private.h"
#include "smtpd/outbound/runner_private.h"

#include "common/base/clock.h"
#include "tests/outbound/runner_world.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct world {
	struct runner_world base;
	struct scheduler_link *link;
	int64_t message;
};

static void
world_open(struct world *w)
{
	*w = (struct world){0};
	runner_world_open(&w->base);
}

static void
world_close(struct world *w)
{
	scheduler_close(w->base.runner.scheduler, w->link, SCHEDULER_FINE, NULL);
	runner_world_close(&w->base);
}

static struct route *
one_host(void)
{
	struct route *r = route_make(ROUTE_SMTP, STR("other.test"), 0, "", STR(""), 3600);

	r->destination = STR("a.test");
	r->hosts = arena_alloc_array(route_arena(r), 1, sizeof(*r->hosts));
	r->host_count = 1;
	r->hosts[0] = (struct route_host){.name = STR("a.test"), .address_count = 1};
	return r;
}

/* A message to ann, bob and eve at other.test. */
static void
send_message_as(struct world *w, enum queue_kind kind, struct str sender, struct str envid)
{
	CLEANUP(spool_free) struct spool *spool = NULL;
	const struct queue_new_rcpt rcpts[] = {{.address = STR("ann@other.test")},
	    {.address = STR("bob@other.test")}, {.address = STR("eve@other.test")}};
	const struct queue_new q = {.kind = kind,
	    .sender = sender,
	    .envid = envid,
	    .expires_s = clock_real_s() + 432000,
	    .rcpts = rcpts,
	    .rcpt_count = 3};

	ck_assert_ok(spool_new(w->base.f->store, &spool));
	ck_assert_ok(spool_write(spool, "S: x\r\n\r\ny\r\n", 11));
	ck_assert_ok(queue_add(w->base.f->store, spool, &q, &w->message));
}

static void
send_message(struct world *w)
{
	send_message_as(w, QUEUE_SUBMITTED, STR("us@example.test"), STR(""));
}

/* A connection for what there is. */
static void
open_link(struct world *w)
{
	struct scheduler_step step;

	scheduler_due(w->base.runner.scheduler, STR("other.test"), 0);
	for (;;) {
		struct scheduler_row rows[3];
		for (size_t i = 0; i < 3; i++)
			rows[i] =
			    (struct scheduler_row){.id = queue_rcpt_id(w->message, (int64_t)i),
				.message = w->message,
				.sender = STR("us@example.test"),
				.next_ms = 1};
		scheduler_next_step(w->base.runner.scheduler, &step);
		if (step.what == SCHEDULER_OPEN)
			break;
		ck_assert_int_ne(step.what, SCHEDULER_NOTHING);
		if (step.what == SCHEDULER_FIND)
			scheduler_found(w->base.runner.scheduler, step.domain, one_host());
		else
			scheduler_loaded(
			    w->base.runner.scheduler, step.domain, rows, 3, false, INT64_MAX);
	}
	w->link = step.link;
}

static enum scheduler_choice
pick(struct world *w, struct scheduler_pick **ret)
{
	int64_t wait_ms;

	return scheduler_pick(w->base.runner.scheduler, w->link, ret, &wait_ms);
}

/* As the runner's thread does. */
static void
record(struct world *w)
{
	struct list done;

	list_init(&done);
	list_move_all(&w->base.runner.done, &done);
	runner_record(&w->base.runner, &done, false);
}

static uint64_t
waiting(struct world *w)
{
	struct queue_counts counts;

	ck_assert_ok(queue_count(w->base.f->store, &counts));
	return counts.waiting;
}

START_TEST(who_was_given_up_is_not_tried_nor_picked_again_before_that_is_recorded)
{
	struct world w;
	struct scheduler_pick *p;
	uint64_t n;

	world_open(&w);
	send_message(&w);
	const struct queue_filter bob = {.rcpt = queue_rcpt_id(w.message, 1), .state = -1};
	ck_assert_ok(queue_change(w.base.f->store, &bob, QUEUE_FAIL, &n));
	ck_assert_uint_eq(n, 1);
	open_link(&w);
	ck_assert_int_eq(pick(&w, &p), SCHEDULER_JOB);
	ck_assert_ptr_null(parcel_load(&w.base.runner, p));
	ck_assert_int_eq(pick(&w, &p), SCHEDULER_WAIT);
	record(&w);
	ck_assert_uint_eq(waiting(&w), 3); /* ann, eve, and the report */
	ck_assert_int_eq(pick(&w, &p), SCHEDULER_JOB);
	struct parcel *rest = parcel_load(&w.base.runner, p);
	ck_assert_ptr_nonnull(rest);
	ck_assert_uint_eq(rest->job.rcpt_count, 2);
	for (size_t i = 0; i < 2; i++)
		rest->job.rcpts[i].fate = JOB_DONE;
	parcel_hand_back(&w.base.runner, rest);
	record(&w);
	ck_assert_uint_eq(waiting(&w), 1);
	world_close(&w);
}
END_TEST

/* RFC 5321 §4.5.3.1.10 */
START_TEST(what_a_server_took_is_on_record_before_it_gets_the_next_few_recipients)
{
	struct world w;
	struct scheduler_pick *p;

	world_open(&w);
	send_message(&w);
	open_link(&w);
	for (uint64_t left = 3; left > 0; left--) {
		ck_assert_int_eq(pick(&w, &p), SCHEDULER_JOB);
		ck_assert_uint_eq(scheduler_pick_tries(p), 0);
		struct parcel *few = parcel_load(&w.base.runner, p);
		ck_assert_ptr_nonnull(few);
		ck_assert_uint_eq(few->job.rcpt_count, left);
		few->job.rcpts[0].fate = JOB_DONE;
		ck_assert(parcel_record_here(&w.base.runner, few));
		ck_assert_uint_eq(waiting(&w), left - 1);
	}
	world_close(&w);
}
END_TEST

/* In place of a full disk: no file may grow. */
static void
let_files_grow(bool yes)
{
	struct rlimit l;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = yes ? l.rlim_max : 1;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &l), 0);
}

START_TEST(what_cannot_be_recorded_is_kept_while_nothing_more_is_sent)
{
	struct world w;
	struct scheduler_pick *p;

	clock_freeze(1700000000);
	world_open(&w);
	send_message(&w);
	open_link(&w);
	ck_assert_int_eq(pick(&w, &p), SCHEDULER_JOB);
	struct parcel *parcel = parcel_load(&w.base.runner, p);
	ck_assert_ptr_nonnull(parcel);
	const enum job_fate fates[] = {JOB_DONE, JOB_NEVER, JOB_LATER};
	for (size_t i = 0; i < 3; i++) {
		parcel->job.rcpts[i].fate = fates[i];
		parcel->job.rcpts[i].code = 450;
		parcel->job.rcpts[i].status = STR("4.0.0");
	}
	let_files_grow(false);
	parcel_hand_back(&w.base.runner, parcel);
	record(&w);
	ck_assert(w.base.runner.blocked);
	ck_assert(!list_is_empty(&w.base.runner.kept));
	ck_assert_int_eq(pick(&w, &p), SCHEDULER_QUIT);
	size_t used = arena_used(parcel->job.arena);
	int64_t longest = 0;
	for (int i = 0; i < 20; i++) {
		int64_t wait_ms = runner_until(w.base.runner.record_ms);
		ck_assert_int_gt(wait_ms, 0);
		record(&w); /* before its time nothing is tried */
		ck_assert_int_eq(runner_until(w.base.runner.record_ms), wait_ms);
		clock_advance_ms(wait_ms);
		record(&w);
		longest = wait_ms > longest ? wait_ms : longest;
	}
	ck_assert_int_eq(longest, 30000);
	ck_assert_uint_eq(arena_used(parcel->job.arena), used);
	let_files_grow(true);
	ck_assert_uint_eq(waiting(&w), 3);
	clock_advance_ms(30000);
	record(&w);
	ck_assert(!w.base.runner.blocked);
	ck_assert(list_is_empty(&w.base.runner.kept));
	ck_assert_uint_eq(waiting(&w), 2); /* the one for later, and the report, once */
	world_close(&w);
	clock_thaw();
}
END_TEST

/* Where a page of the file is damaged that is no reason to stop everything, but it must not go on
 * for long. */
START_TEST(a_little_damage_does_not_stop_what_can_be_recorded)
{
	struct world w;

	world_open(&w);
	send_message(&w);
	open_link(&w);
	struct parcel kept[20] = {{.trouble = ERR_CORRUPT}};
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		kept[i].trouble = ERR_CORRUPT;
		list_init(&kept[i].turn);
	}
	w.base.runner.record_ms = INT64_MAX;
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		list_put_last(&w.base.runner.kept, &kept[i].turn);
		runner_note_kept(&w.base.runner);
		ck_assert_msg(w.base.runner.blocked == (i >= 16), "%zu", i);
	}
	kept[0].trouble = ERR_NO_SPACE;
	for (size_t i = 1; i < ARRAY_LEN(kept); i++)
		list_take(&kept[i].turn);
	runner_note_kept(&w.base.runner);
	ck_assert(w.base.runner.blocked);
	list_take(&kept[0].turn);
	world_close(&w);
}
END_TEST

/* RFC 5321 §6.1: nothing goes round, however often it fails. */
START_TEST(who_has_no_sender_is_told_nothing_and_of_a_report_the_postmaster_once)
{
	const struct {
		enum queue_kind kind;
		struct str sender, envid;
		uint64_t told;
	} rows[] = {
	    {QUEUE_SUBMITTED, STR("us@example.test"), STR("double-bounce"), 1},
	    {QUEUE_SUBMITTED, STR(""), STR(""), 0},
	    {QUEUE_FORWARDED, STR(""), STR("double-bounce"), 0},
	    {QUEUE_REPORT, STR(""), STR(""), 1},
	    {QUEUE_REPORT, STR(""), STR("double-bounce"), 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;
		struct scheduler_pick *p;
		world_open(&w);
		send_message_as(&w, rows[i].kind, rows[i].sender, rows[i].envid);
		open_link(&w);
		ck_assert_int_eq(pick(&w, &p), SCHEDULER_JOB);
		struct parcel *all = parcel_load(&w.base.runner, p);
		ck_assert_ptr_nonnull(all);
		for (size_t k = 0; k < 3; k++) {
			all->job.rcpts[k].fate = JOB_NEVER;
			all->job.rcpts[k].code = 550;
			all->job.rcpts[k].status = STR("5.0.0");
		}
		parcel_hand_back(&w.base.runner, all);
		record(&w);
		ck_assert_msg(waiting(&w) == rows[i].told, "row %zu: %lu", i, waiting(&w));
		world_close(&w);
	}
}
END_TEST

TEST_MAIN("parcel", who_was_given_up_is_not_tried_nor_picked_again_before_that_is_recorded,
    what_a_server_took_is_on_record_before_it_gets_the_next_few_recipients,
    who_has_no_sender_is_told_nothing_and_of_a_report_the_postmaster_once,
    what_cannot_be_recorded_is_kept_while_nothing_more_is_sent,
    a_little_damage_does_not_stop_what_can_be_recorded)
