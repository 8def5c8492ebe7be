/* From fates to outcomes: retries, delay notices, the end, and who is told (RFC 5321 §4.5.4.1, RFC
 * 3461 §5.2). */
#include "smtpd/outbound/report.h"
#include "smtpd/outbound/runner_private.h"

#include "common/base/clock.h"
#include "tests/support/test.h"

#define NOW 1700000000

static const struct conf *
conf(void)
{
	static struct conf c;

	c.outbound.retry_first_s = 300;
	c.outbound.retry_max_s = 14400;
	c.outbound.expire_s = 432000;
	c.outbound.delay_notice_s = 14400;
	c.sending.suppress_s = 86400;
	return &c;
}

struct row {
	enum job_fate fate;
	uint16_t code;
	const char *status;
	unsigned notify;
	bool relayed, told_before;
	int64_t age_s;
	enum queue_outcome outcome;
	int told; /* enum report_kind, -1 nobody */
	bool suppressed;
};

START_TEST(each_fate_has_its_outcome_and_its_report)
{
	static const struct row rows[] = {
	    {JOB_DONE, 250, "2.0.0", 0, false, false, 0, QUEUE_DELIVERED, -1, false},
	    {JOB_DONE, 250, "2.0.0", QUEUE_NOTIFY_SUCCESS, true, false, 0, QUEUE_DELIVERED,
		REPORT_RELAYED, false},
	    /* the other side knows DSN: it tells */
	    {JOB_DONE, 250, "2.0.0", QUEUE_NOTIFY_SUCCESS, false, false, 0, QUEUE_DELIVERED, -1,
		false},
	    {JOB_NEVER, 550, "5.1.1", 0, false, false, 0, QUEUE_FAILED, REPORT_FAILED, true},
	    {JOB_NEVER, 554, "5.7.1", 0, false, false, 0, QUEUE_FAILED, REPORT_FAILED, false},
	    {JOB_NEVER, 554, "5.7.1", QUEUE_NOTIFY_NEVER, false, false, 0, QUEUE_FAILED, -1, false},
	    {JOB_NEVER, 554, "5.7.1", QUEUE_NOTIFY_SUCCESS, false, false, 0, QUEUE_FAILED, -1,
		false},
	    {JOB_LATER, 450, "4.2.0", 0, false, false, 60, QUEUE_DEFERRED, -1, false},
	    {JOB_LATER, 450, "4.2.0", 0, false, false, 14400, QUEUE_DELAY_TOLD, REPORT_DELAYED,
		false},
	    {JOB_LATER, 450, "4.2.0", 0, false, true, 14400, QUEUE_DEFERRED, -1, false},
	    {JOB_LATER, 450, "4.2.0", QUEUE_NOTIFY_FAILURE, false, false, 14400, QUEUE_DELAY_TOLD,
		-1, false},
	    {JOB_LATER, 450, "4.2.0", 0, false, true, 432000, QUEUE_FAILED, REPORT_FAILED, false},
	};

	clock_freeze(NOW);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *w = &rows[i];
		CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
		struct job_rcpt rcpt = {.fate = w->fate,
		    .code = w->code,
		    .status = str_of(w->status),
		    .reply = STR("what was said"),
		    .relayed = w->relayed,
		    .row = {.id = 7,
			.address = STR("x@other.test"),
			.notify = w->notify,
			.delay_told = w->told_before}};
		struct job job = {.arena = arena,
		    .rcpts = &rcpt,
		    .rcpt_count = 1,
		    .host = STR("mx[192.0.2.1]:25"),
		    .message = {.sender = STR("ann@example.test"),
			.created_s = NOW - w->age_s,
			.expires_s = NOW - w->age_s + 432000}};
		struct results res;
		ck_assert_ok(results_make(conf(), &job, true, job.arena, &res));
		ck_assert_uint_eq(res.n, 1);
		ck_assert_msg(res.rows[0].outcome == w->outcome, "row %zu: outcome %d", i,
		    (int)res.rows[0].outcome);
		ck_assert_msg(res.told_n == (w->told >= 0), "row %zu: %zu told", i, res.told_n);
		if (w->told >= 0)
			ck_assert_int_eq((int)res.told[0].kind, w->told);
		ck_assert_msg((res.rows[0].suppress_until_s != 0) == w->suppressed, "row %zu", i);
		if (w->outcome == QUEUE_DEFERRED || w->outcome == QUEUE_DELAY_TOLD)
			ck_assert_int_gt(res.rows[0].next_ms, (int64_t)NOW * 1000);
	}
	clock_thaw();
}
END_TEST

START_TEST(what_nothing_was_said_of_is_left_out)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
	struct job_rcpt rcpts[] = {{.fate = JOB_UNTRIED}, {.fate = JOB_DONE, .row.id = 2}};
	struct job job = {.arena = arena, .rcpts = rcpts, .rcpt_count = 2};
	struct results res;

	ck_assert_ok(results_make(conf(), &job, true, job.arena, &res));
	ck_assert_uint_eq(res.n, 1);
	ck_assert_int_eq(res.rows[0].rcpt, 2);
}
END_TEST

START_TEST(retries_double_from_five_minutes_to_four_hours_give_or_take_a_fifth)
{
	static const int64_t wanted[] = {300, 600, 1200, 2400, 4800, 9600, 14400, 14400, 14400};
	int64_t least = INT64_MAX, most = 0;

	for (uint32_t i = 0; i < ARRAY_LEN(wanted); i++)
		for (int k = 0; k < 200; k++) {
			int64_t ms = results_retry_ms(conf(), i);
			ck_assert_int_ge(ms, wanted[i] * 800);
			ck_assert_int_le(ms, wanted[i] * 1200);
		}
	ck_assert_int_le(results_retry_ms(conf(), UINT32_MAX), 14400 * 1200);
	for (int k = 0; k < 200; k++) {
		int64_t ms = results_retry_ms(conf(), 0);
		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
	}
	ck_assert_int_gt(most - least, 60000);
}
END_TEST

START_TEST(the_last_retry_is_at_the_end_and_not_behind_it)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
	struct job_rcpt rcpt = {.fate = JOB_LATER, .row = {.attempts = 20, .delay_told = true}};
	struct job job = {.arena = arena,
	    .rcpts = &rcpt,
	    .rcpt_count = 1,
	    .message = {.created_s = NOW - 431000, .expires_s = NOW + 1000}};
	struct results res;

	clock_freeze(NOW);
	ck_assert_ok(results_make(conf(), &job, true, job.arena, &res));
	ck_assert_int_eq(res.rows[0].next_ms, ((int64_t)NOW + 1000) * 1000);
	clock_thaw();
}
END_TEST

/* Nobody was asked for it: it waits by its age, and is told of and given up by time alone. */
START_TEST(what_was_put_off_is_no_attempt)
{
	static const struct {
		int64_t age_s, wait_s;
		enum queue_outcome outcome;
	} rows[] = {
	    {0, 300, QUEUE_DEFERRED},
	    {299, 300, QUEUE_DEFERRED},
	    {1200, 1200, QUEUE_DEFERRED},
	    {14400, 14400, QUEUE_DELAY_TOLD},
	    {400000, 14400, QUEUE_DELAY_TOLD},
	    {432000, 0, QUEUE_FAILED},
	};

	clock_freeze(NOW);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
		struct job_rcpt rcpt = {
		    .fate = JOB_LATER, .put_off = true, .status = STR("4.4.1"), .row.attempts = 3};
		struct job job = {.arena = arena,
		    .rcpts = &rcpt,
		    .rcpt_count = 1,
		    .message = {.sender = STR("ann@example.test"),
			.created_s = NOW - rows[i].age_s,
			.expires_s = NOW - rows[i].age_s + 432000}};
		struct results res;
		ck_assert_ok(results_make(conf(), &job, false, arena, &res));
		ck_assert_int_eq(res.rows[0].outcome, rows[i].outcome);
		if (rows[i].outcome == QUEUE_FAILED)
			continue;
		ck_assert(res.rows[0].put_off);
		int64_t wait_ms = res.rows[0].next_ms - (int64_t)NOW * 1000;
		ck_assert_int_ge(wait_ms, rows[i].wait_s * 800);
		ck_assert_int_le(wait_ms, rows[i].wait_s * 1200);
	}
	clock_thaw();
}
END_TEST

TEST_MAIN("results", what_was_put_off_is_no_attempt, each_fate_has_its_outcome_and_its_report,
    what_nothing_was_said_of_is_left_out,
    retries_double_from_five_minutes_to_four_hours_give_or_take_a_fifth,
    the_last_retry_is_at_the_end_and_not_behind_it)
