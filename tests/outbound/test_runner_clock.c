/* The queue and its runner while somebody sets the machine's clock. */
#include "common/base/clock.h"
#include "tests/outbound/runner_world.h"
#include "tests/support/test.h"

#define NOW_S 1700000000
#define DAY_S 86400
#define MONTH_S (30 * DAY_S)
#define EXPIRE_S (5 * DAY_S)

static struct runner_world w;

static int64_t
add(void)
{
	CLEANUP(spool_free) struct spool *spool = NULL;
	const struct queue_new_rcpt to = {.address = STR("ann@other.test")};
	const struct queue_new q = {.sender = STR("us@example.test"),
	    .expires_s = clock_real_s() + EXPIRE_S,
	    .rcpts = &to,
	    .rcpt_count = 1};
	int64_t id;

	ck_assert_ok(spool_new(w.f->store, &spool));
	ck_assert_ok(spool_write(spool, "S: x\r\n\r\ny\r\n", 11));
	ck_assert_ok(queue_add(w.f->store, spool, &q, &id));
	return id;
}

/* As parcel_load() does. */
static struct job
load(int64_t id)
{
	struct job job = {.arena = w.f->arena,
	    .rcpts = ARENA_NEW(w.f->arena, struct job_rcpt),
	    .rcpt_count = 1,
	    .ahead_ms = runner_queue_ahead_ms(&w.runner)};
	const int64_t rcpt = queue_rcpt_id(id, 0);
	struct queue_rcpt *rows;
	size_t n;

	ck_assert_ok(queue_job_get(w.f->store, id, &rcpt, 1, w.f->arena, &job.message, &rows, &n));
	ck_assert_uint_eq(n, 1);
	job.rcpts[0] = (struct job_rcpt){.row = rows[0],
	    .fate = JOB_LATER,
	    .code = 450,
	    .status = STR("4.2.0"),
	    .reply = STR("450 later")};
	return job;
}

/* A temporary failure: what comes of it. Where it is tried again, that is within hours. */
static enum queue_outcome
fail_for_now(struct job *job)
{
	struct results res;

	ck_assert_ok(results_make(w.conf, job, true, job->arena, &res));
	ck_assert_uint_eq(res.n, 1);
	if (res.rows[0].outcome != QUEUE_FAILED) {
		ck_assert_int_gt(res.rows[0].next_ms, clock_real_us() / 1000);
		ck_assert_int_lt(res.rows[0].next_ms, clock_real_us() / 1000 + DAY_S * 1000L);
	}
	return res.rows[0].outcome;
}

static void
open_world(void)
{
	clock_freeze(NOW_S);
	runner_world_open(&w);
	runner_follow_clock(&w.runner);
}

static void
close_world(void)
{
	runner_world_close(&w);
	clock_thaw();
}

/* In hand when the clock jumps, read before the runner looks, and read afterwards: none is too
 * old, in either direction. */
START_TEST(a_jump_of_the_clock_makes_no_mail_too_old)
{
	static const int64_t jumps[] = {MONTH_S, -MONTH_S, -MONTH_S, MONTH_S};

	open_world();
	int64_t id = add();
	for (size_t i = 0; i < ARRAY_LEN(jumps); i++) {
		struct job before = load(id);
		clock_jump_s(jumps[i]);
		struct job between = load(id);
		ck_assert_int_eq(fail_for_now(&before), QUEUE_DEFERRED);
		ck_assert_int_eq(fail_for_now(&between), QUEUE_DEFERRED);
		runner_follow_clock(&w.runner);
		struct job after = load(id);
		ck_assert_int_eq(fail_for_now(&before), QUEUE_DEFERRED);
		ck_assert_int_eq(fail_for_now(&after), QUEUE_DEFERRED);
		ck_assert_int_eq(after.message.expires_s, clock_real_s() + EXPIRE_S);
		ck_assert_int_eq(after.message.created_s, clock_real_s());
	}
	close_world();
}
END_TEST

START_TEST(days_that_really_pass_do)
{
	open_world();
	int64_t id = add();
	clock_jump_s(MONTH_S);
	runner_follow_clock(&w.runner);
	clock_advance_ms((EXPIRE_S - 60) * 1000L);
	runner_follow_clock(&w.runner);
	struct job late = load(id);
	ck_assert_int_ne(fail_for_now(&late), QUEUE_FAILED);
	clock_advance_ms(60 * 1000L);
	ck_assert_int_eq(fail_for_now(&late), QUEUE_FAILED);
	close_world();
}
END_TEST

START_TEST(mail_that_came_while_the_clock_was_ahead_lives_no_longer)
{
	open_world();
	clock_jump_s(MONTH_S);
	runner_follow_clock(&w.runner);
	int64_t id = add();
	clock_jump_s(-MONTH_S);
	runner_follow_clock(&w.runner);
	struct job job = load(id);
	ck_assert_int_eq(job.message.expires_s, NOW_S + EXPIRE_S);
	ck_assert_int_eq(fail_for_now(&job), QUEUE_DEFERRED);
	close_world();
}
END_TEST

TEST_MAIN("runner_clock", a_jump_of_the_clock_makes_no_mail_too_old, days_that_really_pass_do,
    mail_that_came_while_the_clock_was_ahead_lives_no_longer)
