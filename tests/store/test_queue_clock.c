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
	ck_assert_ok(queue_clock_back(f.store, HOUR_S * 1000, &n));
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

TEST_MAIN("queue_clock", when_the_clock_goes_back_what_waits_is_tried_as_much_sooner,
    at_the_start_nothing_waits_longer_than_attempts_are_apart)
