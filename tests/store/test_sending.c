/* What an account may send, and whom nobody writes to for a while. */
#include "common/base/clock.h"
#include "store/sending.h"
#include "store/suppression.h"
#include "tests/store/queue_fixture.h"
#include "tests/support/test.h"

static struct fixture f;

static enum err
send(int64_t account, const char *address, unsigned copies, const struct sending_limits *limits)
{
	CLEANUP(spool_free) struct spool *spool = make_spool(&f, "a: b\r\n\r\n", 8);
	struct queue_new_rcpt to[20];
	int64_t id;

	for (unsigned i = 0; i < copies; i++)
		to[i] = (struct queue_new_rcpt){.address = str_of(address)};
	const struct queue_new q = {
	    .account = account, .limits = limits, .rcpts = to, .rcpt_count = copies};
	return queue_add(f.store, spool, &q, &id);
}

START_TEST(limits_count_recipients_of_an_hour_and_a_day)
{
	const struct sending_limits l = {.per_hour = 10, .per_day = 15};
	enum sending_bound bound;

	fixture_open(&f);
	clock_freeze(100 * 86400);
	ck_assert_ok(send(1, "x@one.example", 8, &l));
	ck_assert_int_eq(send(1, "x@one.example", 3, &l), ERR_LIMIT);
	ck_assert_int_eq(sending_may(f.store, 1, &l, 3, &bound), ERR_LIMIT);
	ck_assert_int_eq(bound, SENDING_PER_HOUR);
	ck_assert_ok(sending_may(f.store, 1, &l, 2, &bound));
	ck_assert_ok(send(1, "x@one.example", 2, &l)); /* what was refused does not count */
	ck_assert_ok(send(2, "x@one.example", 10, &l)); /* another account */
	ck_assert_ok(send(1, "x@one.example", 10, NULL)); /* not asked */
	clock_advance_ms(3601 * 1000);
	ck_assert_int_eq(send(1, "x@one.example", 6, &l), ERR_LIMIT);
	ck_assert_int_eq(sending_may(f.store, 1, &l, 6, &bound), ERR_LIMIT);
	ck_assert_int_eq(bound, SENDING_PER_DAY);
	ck_assert_ok(send(1, "x@one.example", 5, &l));
	clock_advance_ms(INT64_C(23) * 3600 * 1000);
	ck_assert_ok(send(1, "x@one.example", 10, &l));
	clock_thaw();
	fixture_close(&f);
}
END_TEST

START_TEST(a_limit_of_new_recipients_lets_known_ones_pass)
{
	const struct sending_limits l = {.new_per_day = 2};
	struct sending_use use;

	fixture_open(&f);
	clock_freeze(100 * 86400);
	ck_assert_ok(send(1, "x@one.example", 5, &l));
	ck_assert_ok(send(1, "y@one.example", 1, &l));
	ck_assert_int_eq(send(1, "z@one.example", 1, &l), ERR_LIMIT);
	ck_assert_ok(send(1, "X@one.example", 10, &l));
	ck_assert_ok(sending_use(f.store, 1, f.arena, &use));
	ck_assert_uint_eq(use.new_day, 2);
	ck_assert_uint_eq(use.hour, 16);
	clock_advance_ms(INT64_C(25) * 3600 * 1000);
	ck_assert_ok(send(1, "z@one.example", 1, &l));
	clock_advance_ms(INT64_C(40) * 86400 * 1000);
	ck_assert_ok(send(1, "x@one.example", 1, &l)); /* noted anew */
	clock_advance_ms(INT64_C(150) * 86400 * 1000);
	ck_assert_ok(send(1, "x@one.example", 1, &l));
	ck_assert_ok(send(1, "y@one.example", 1, &l)); /* forgotten */
	ck_assert_ok(sending_use(f.store, 1, f.arena, &use));
	ck_assert_uint_eq(use.new_day, 1);
	clock_thaw();
	fixture_close(&f);
}
END_TEST

START_TEST(a_held_account_sends_nothing_until_it_is_released)
{
	const struct sending_limits none = {0};
	struct sending_held *held;
	struct sending_use use;
	enum sending_bound bound;
	size_t n;

	fixture_open(&f);
	ck_assert_ok(sending_hold(f.store, 1, STR("it floods")));
	ck_assert_int_eq(sending_hold(f.store, 1, STR("again")), ERR_EXISTS);
	ck_assert_int_eq(send(1, "x@one.example", 1, &none), ERR_DENIED);
	ck_assert_int_eq(sending_may(f.store, 1, &none, 1, &bound), ERR_DENIED);
	ck_assert_int_eq(bound, SENDING_HELD);
	ck_assert_ok(sending_use(f.store, 1, f.arena, &use));
	ck_assert(use.held);
	ck_assert_str_is(use.held_why, "it floods");
	ck_assert_ok(sending_list_held(f.store, f.arena, &held, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(held->account, 1);
	ck_assert_ok(sending_release(f.store, 1));
	ck_assert_int_eq(sending_release(f.store, 1), ERR_NOT_FOUND);
	ck_assert_ok(send(1, "x@one.example", 1, &none));
	fixture_close(&f);
}
END_TEST

static enum err
list_one(const struct suppressed *x, void *arg)
{
	struct str *all = arg;

	*all = arena_printf(f.arena, "%.*s%.*s ", STR_ARG(*all), STR_ARG(x->address));
	return ERR_OK;
}

static struct str
listed(void)
{
	struct str all = STR("");

	ck_assert_ok(suppression_list(f.store, list_one, &all));
	return all;
}

START_TEST(an_address_that_bounced_is_suppressed_for_its_time)
{
	struct suppressed x;

	fixture_open(&f);
	clock_freeze(1000);
	int64_t id =
	    add_to_queue(&f, "a: b\r\n\r\n", 8, "a@example.test", "Bob@One.example c@two.example");
	const struct queue_result r = {.rcpt = rcpt_of(id, 0),
	    .outcome = QUEUE_FAILED,
	    .reply = STR("550 5.1.1 No such user"),
	    .host = STR("mx.one.example"),
	    .suppress_until_s = 2000};
	ck_assert_ok(queue_record(f.store, id, &r, 1, NULL));
	ck_assert_ok(suppression_find(f.store, STR("bob@one.EXAMPLE"), f.arena, &x));
	ck_assert_str_is(x.address, "bob@one.example");
	ck_assert_str_is(x.reply, "550 5.1.1 No such user");
	ck_assert_str_is(x.host, "mx.one.example");
	ck_assert_int_eq(x.since_s, 1000);
	ck_assert_int_eq(
	    suppression_find(f.store, STR("c@two.example"), f.arena, &x), ERR_NOT_FOUND);
	ck_assert_int_eq(suppression_find(f.store, STR("nobody"), f.arena, &x), ERR_NOT_FOUND);
	ck_assert_str_is(listed(), "bob@one.example ");
	clock_advance_ms(1000 * 1000);
	ck_assert_int_eq(
	    suppression_find(f.store, STR("bob@one.example"), f.arena, &x), ERR_NOT_FOUND);
	ck_assert_str_is(listed(), "");
	clock_thaw();
	fixture_close(&f);
}
END_TEST

START_TEST(suppression_is_ended_by_hand)
{
	struct suppressed x = {.address = STR("Zo\xc3\x8b@b\xc3\xbc"
					      "cher.example"),
	    .reply = STR("550"),
	    .until_s = INT64_C(1) << 40};

	fixture_open(&f);
	ck_assert_ok(suppression_add(f.store, &x));
	ck_assert_ok(suppression_add(f.store, &x));
	ck_assert_str_is(listed(), "zo\xc3\xab@xn--bcher-kva.example ");
	ck_assert_ok(suppression_remove(f.store, STR("zo\xc3\xab@xn--bcher-kva.example")));
	ck_assert_int_eq(suppression_remove(f.store, x.address), ERR_NOT_FOUND);
	ck_assert_int_eq(suppression_remove(f.store, STR("x")), ERR_SYNTAX);
	ck_assert_str_is(listed(), "");
	fixture_close(&f);
}
END_TEST

TEST_MAIN("sending", limits_count_recipients_of_an_hour_and_a_day,
    a_limit_of_new_recipients_lets_known_ones_pass,
    a_held_account_sends_nothing_until_it_is_released,
    an_address_that_bounced_is_suppressed_for_its_time, suppression_is_ended_by_hand)
