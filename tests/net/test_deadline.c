/* A session moves its deadline just as the loop's timer fires for the one before. The loop's side
 * is interrupted where it sets the timer anew: the linker puts __wrap_loop_timer_set() there. */
#include "common/base/clock.h"
#include "common/net/conn_private.h"
#include "tests/support/test.h"

void __real_loop_timer_set(struct loop_timer *t, int64_t ms);
void __wrap_loop_timer_set(struct loop_timer *t, int64_t ms);

static struct conn *interrupt_with_deadline; /* of a second; NULL: no interruption */
static int64_t timer_set_to;

void
__wrap_loop_timer_set(struct loop_timer *t, int64_t ms)
{
	struct conn *c = MOVE_PTR(interrupt_with_deadline);

	if (c)
		conn_set_deadline(c, 1000);
	__real_loop_timer_set(t, ms);
	timer_set_to = ms;
}

START_TEST(an_earlier_deadline_is_kept_when_the_timer_fires_at_the_same_time)
{
	struct loop *loop;
	struct conn c = {0};

	clock_freeze(1700000000);
	ck_assert_ok(loop_new(&loop));
	c.timer = loop_timer_new(loop, conn_timer_fired, &c);
	conn_set_deadline(&c, 10);
	conn_set_deadline(&c, 3600000);
	ck_assert_int_eq(timer_set_to, 10); /* moving it out was one store */
	clock_advance_ms(10);
	interrupt_with_deadline = &c;
	conn_timer_fired(&c);
	ck_assert_int_eq(timer_set_to, 1000);
	clock_advance_ms(1000);
	conn_timer_fired(&c);
	ck_assert_uint_eq(atomic_load(&c.events), CONN_EV_TIMEOUT);
	loop_timer_free(&c.timer);
	loop_free(&loop);
	clock_thaw();
}
END_TEST

TEST_MAIN("deadline", an_earlier_deadline_is_kept_when_the_timer_fires_at_the_same_time)
