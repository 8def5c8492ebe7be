/* The queue when the machine's clock is set: nothing waits longer for it. */
#include "common/base/clock.h"
#include "tests/store/queue_fixture.h"
#include "tests/support/test.h"

#define NOW_S 1000000000
#define HOUR_S 3600
#define DAY_S 86400

static struct fixture f;

static int64_t
next_s(int64_t message)
{
	struct queue_message m;
	struct queue_rcpt *r;
	size_t n;

	ck_assert_ok(queue_job_get(
	    f.store, message, &(int64_t){rcpt_of(message, 0)}, 1, f.arena, &m, &r, &n));
	ck_assert_uint_eq(n, 1);
	return r[0].next_ms / 1000;
}

static int64_t
add_deferred(int64_t next)
{
	int64_t message = add_to_queue(&f, "X: y\r\n\r\nz", 9, "a@example.test", "x@one.example");

	record_one(&f, message, 0, QUEUE_DEFERRED, next * 1000);
	return message;
}

static int64_t
add_held_until(int64_t release)
{
	CLEANUP(spool_free) struct spool *s = make_spool(&f, "X: y\r\n\r\nzzzzzzzzzzzzzzzz", 24);
	const struct queue_new_rcpt to = {.address = STR("x@one.example")};
	const struct queue_new q = {
	    .sender = STR("a@example.test"), .rcpts = &to, .rcpt_count = 1, .release_s = release};
	int64_t message;

	ck_assert_ok(queue_add(f.store, s, &q, &message));
	return message;
}

START_TEST(when_the_clock_goes_back_what_waits_is_tried_as_much_sooner)
{
	uint64_t n;

	clock_freeze(NOW_S);
	fixture_open(&f);
	int64_t due = add_deferred(NOW_S - DAY_S - 60), soon = add_deferred(NOW_S + 600);
	int64_t held = add_held_until(NOW_S + 2 * HOUR_S);
	clock_freeze(NOW_S + HOUR_S); /* ahead, by mistake */
	int64_t late = add_deferred(NOW_S + 2 * HOUR_S);
	int64_t fresh = add_to_queue(&f, "X: y\r\n\r\nz", 9, "a@example.test", "x@one.example");
	clock_freeze(NOW_S);
	ck_assert_ok(queue_clock_moved(f.store, -HOUR_S * 1000, &n));
	ck_assert_uint_eq(n, 3);
	ck_assert_int_eq(next_s(due), NOW_S - DAY_S - 60);
	ck_assert_int_eq(next_s(soon), NOW_S);
	ck_assert_int_eq(next_s(held), NOW_S + 2 * HOUR_S); /* RFC 4865: not before */
	ck_assert_int_eq(next_s(late), NOW_S + HOUR_S);
	ck_assert_int_eq(next_s(fresh), NOW_S);
	fixture_close(&f);
	clock_thaw();
}
END_TEST

START_TEST(at_the_start_nothing_waits_longer_than_attempts_are_apart)
{
	uint64_t n;

	clock_freeze(NOW_S + 365 * DAY_S);
	fixture_open(&f);
	int64_t late = add_deferred(NOW_S + 365 * DAY_S + 600);
	clock_freeze(NOW_S);
	int64_t soon = add_deferred(NOW_S + 3 * HOUR_S);
	int64_t held = add_held_until(NOW_S + 9 * DAY_S);
	ck_assert_ok(queue_clock_bound(f.store, (int64_t)4 * HOUR_S * 1000, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(next_s(late), NOW_S);
	ck_assert_int_eq(next_s(soon), NOW_S + 3 * HOUR_S);
	ck_assert_int_eq(next_s(held), NOW_S + 9 * DAY_S);
	fixture_close(&f);
	clock_thaw();
}
END_TEST

static struct queue_message
queued_message(int64_t message)
{
	struct queue_message m;

	ck_assert_ok(queue_message_get(f.store, message, f.arena, &m));
	return m;
}

#define MONTH_S (30 * DAY_S)

/* A month ahead, and back again: mail is as old as before, and is not tried more often. */
START_TEST(what_waits_keeps_its_age_and_its_time_when_the_clock_jumps)
{
	uint64_t n;

	clock_freeze(NOW_S);
	fixture_open(&f);
	int64_t soon = add_deferred(NOW_S + 600), due = add_deferred(NOW_S - 60);
	int64_t fresh = add_to_queue(&f, "X: y\r\n\r\nz", 9, "a@example.test", "x@one.example");
	int64_t expires_s = queued_message(soon).expires_s;
	clock_jump_s(MONTH_S);
	/* the new clock's already, before the queue is told */
	int64_t late = add_to_queue(&f, "X: y\r\n\r\nz", 9, "a@example.test", "x@one.example");
	int64_t late_expires_s = queued_message(late).expires_s;
	ck_assert_ok(queue_clock_moved(f.store, (int64_t)MONTH_S * 1000, &n));
	ck_assert_uint_eq(n, 3);
	ck_assert_int_eq(queued_message(soon).expires_s, expires_s + MONTH_S);
	ck_assert_int_eq(queued_message(soon).created_s, NOW_S + MONTH_S);
	ck_assert_int_eq(next_s(soon), NOW_S + MONTH_S + 600);
	ck_assert_int_eq(next_s(due), NOW_S + MONTH_S - 60);
	ck_assert_int_eq(next_s(fresh), NOW_S + MONTH_S);
	ck_assert_int_eq(queued_message(late).created_s, NOW_S + MONTH_S);
	ck_assert_int_eq(queued_message(late).expires_s, late_expires_s);
	ck_assert_int_eq(next_s(late), NOW_S + MONTH_S);

	clock_jump_s(-MONTH_S + HOUR_S); /* an hour has passed */
	ck_assert_ok(queue_clock_moved(f.store, (int64_t)-MONTH_S * 1000, &n));
	ck_assert_int_eq(queued_message(soon).expires_s, expires_s);
	ck_assert_int_eq(queued_message(soon).created_s, NOW_S);
	ck_assert_int_eq(queued_message(late).created_s, NOW_S);
	ck_assert_int_eq(queued_message(late).expires_s, late_expires_s - MONTH_S);
	ck_assert_int_le(next_s(soon), NOW_S + HOUR_S);
	ck_assert_int_le(next_s(fresh), NOW_S + HOUR_S);
	ck_assert_int_le(next_s(late), NOW_S + HOUR_S);
	fixture_close(&f);
	clock_thaw();
}
END_TEST

/* RFC 4865: not before, whatever somebody takes the clock for meanwhile; and not given up. */
START_TEST(what_is_held_until_a_date_stays_so_and_is_not_too_old_then)
{
	uint64_t n;

	clock_freeze(NOW_S);
	fixture_open(&f);
	int64_t held = add_held_until(NOW_S + DAY_S);
	int64_t expires_s = queued_message(held).expires_s;
	clock_jump_s(MONTH_S);
	ck_assert_ok(queue_clock_moved(f.store, (int64_t)MONTH_S * 1000, &n));
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(next_s(held), NOW_S + DAY_S);
	ck_assert_int_eq(queued_message(held).created_s, NOW_S);
	ck_assert_int_eq(queued_message(held).expires_s, expires_s + MONTH_S);
	clock_jump_s(-MONTH_S);
	ck_assert_ok(queue_clock_moved(f.store, (int64_t)-MONTH_S * 1000, &n));
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(next_s(held), NOW_S + DAY_S);
	ck_assert_int_ge(queued_message(held).expires_s, expires_s);
	fixture_close(&f);
	clock_thaw();
}
END_TEST

START_TEST(a_clock_that_is_set_by_little_leaves_ages_alone)
{
	static const int64_t by_s[] = {HOUR_S, -HOUR_S, 0};
	uint64_t n;

	clock_freeze(NOW_S);
	fixture_open(&f);
	int64_t soon = add_deferred(NOW_S - 600);
	int64_t expires_s = queued_message(soon).expires_s;
	for (size_t i = 0; i < ARRAY_LEN(by_s); i++) {
		ck_assert_ok(queue_clock_moved(f.store, by_s[i] * 1000, &n));
		ck_assert_uint_eq(n, 0);
		ck_assert_int_eq(queued_message(soon).created_s, NOW_S);
		ck_assert_int_eq(queued_message(soon).expires_s, expires_s);
	}
	fixture_close(&f);
	clock_thaw();
}
END_TEST

START_TEST(at_the_start_what_came_from_the_future_came_now)
{
	uint64_t n;

	clock_freeze(NOW_S + 365 * DAY_S);
	fixture_open(&f);
	int64_t late = add_to_queue(&f, "X: y\r\n\r\nz", 9, "a@example.test", "x@one.example");
	int64_t left_s = queued_message(late).expires_s - queued_message(late).created_s;
	clock_freeze(NOW_S);
	ck_assert_ok(queue_clock_bound(f.store, (int64_t)4 * HOUR_S * 1000, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(queued_message(late).created_s, NOW_S);
	ck_assert_int_eq(queued_message(late).expires_s, NOW_S + left_s);
	fixture_close(&f);
	clock_thaw();
}
END_TEST

TEST_MAIN("queue_clock", when_the_clock_goes_back_what_waits_is_tried_as_much_sooner,
    at_the_start_nothing_waits_longer_than_attempts_are_apart,
    what_waits_keeps_its_age_and_its_time_when_the_clock_jumps,
    what_is_held_until_a_date_stays_so_and_is_not_too_old_then,
    a_clock_that_is_set_by_little_leaves_ages_alone,
    at_the_start_what_came_from_the_future_came_now)
