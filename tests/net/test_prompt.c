/* When it is worth to look for a peer's next command. */
#include "common/net/prompt.h"
#include "tests/support/test.h"

#define MS 1000000ll

/* `n` commands, each `gap_ns` after the answer to the one before. Whether the last answer made it
 * worth to look. */
static bool
talk(struct prompt *p, unsigned n, int64_t gap_ns)
{
	static int64_t now = MS;
	bool look = prompt_waits(p, now);

	for (; n > 0; n--) {
		now += gap_ns;
		if (look && gap_ns < PROMPT_LOOK_NS)
			prompt_seen(p);
		else if (look)
			prompt_in_vain(p);
		if (!look || gap_ns >= PROMPT_LOOK_NS)
			prompt_woken(p, now);
		now += MS; /* however long the command takes */
		look = prompt_waits(p, now);
	}
	return look;
}

START_TEST(a_peer_that_answers_at_once_several_times_in_a_row_is_looked_for)
{
	struct prompt p = {0};

	ck_assert(!talk(&p, 0, 0));
	ck_assert(!talk(&p, PROMPT_AT_LEAST - 1, PROMPT_SOON_NS - 1));
	ck_assert(talk(&p, 1, PROMPT_LOOK_NS - 1));
	ck_assert(talk(&p, 1000, PROMPT_LOOK_NS - 1));
}
END_TEST

START_TEST(one_late_command_begins_the_count_anew)
{
	struct prompt p = {0};

	talk(&p, PROMPT_AT_LEAST - 1, MS / 10);
	ck_assert(!talk(&p, 1, PROMPT_SOON_NS));
	ck_assert(!talk(&p, PROMPT_AT_LEAST - 1, MS / 10));
	ck_assert(talk(&p, 1, MS / 10));
}
END_TEST

START_TEST(who_is_always_late_is_never_looked_for)
{
	struct prompt p = {0};

	for (int i = 0; i < 5000; i++)
		ck_assert(!talk(&p, 1, PROMPT_SOON_NS + i));
}
END_TEST

START_TEST(who_is_prompt_but_never_enough_is_looked_for_seldom)
{
	struct prompt p = {0};
	int looks = 0;

	for (int i = 0; i < 10000; i++)
		looks += talk(&p, 1, PROMPT_LOOK_NS + 1);
	ck_assert_int_ge(looks, 10000 / (PROMPT_IN_VAIN + 2));
	ck_assert_int_le(looks, 10000 / PROMPT_IN_VAIN);
}
END_TEST

START_TEST(a_prompt_peer_that_is_held_up_now_and_then_is_looked_for_on)
{
	struct prompt p = {0};

	talk(&p, PROMPT_AT_MOST + PROMPT_AT_LEAST, MS / 10);
	for (int i = 0; i < 1000; i++) {
		ck_assert(talk(&p, 1, 5 * MS));
		ck_assert(talk(&p, PROMPT_IN_VAIN, MS / 10));
	}
}
END_TEST

START_TEST(who_has_become_slow_is_looked_for_a_few_times_more)
{
	struct prompt p = {0};
	int looks = 0;

	talk(&p, 10000, MS / 10);
	for (int i = 0; i < 1000; i++)
		looks += talk(&p, 1, 5 * MS);
	ck_assert_int_le(looks, PROMPT_AT_MOST / PROMPT_IN_VAIN);
}
END_TEST

TEST_MAIN("prompt", a_peer_that_answers_at_once_several_times_in_a_row_is_looked_for,
    one_late_command_begins_the_count_anew, who_is_always_late_is_never_looked_for,
    who_is_prompt_but_never_enough_is_looked_for_seldom,
    a_prompt_peer_that_is_held_up_now_and_then_is_looked_for_on,
    who_has_become_slow_is_looked_for_a_few_times_more)
