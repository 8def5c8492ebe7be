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

START_TEST(each_look_in_vain_makes_the_next_dearer_up_to_a_bound)
{
	struct prompt p = {0};
	unsigned looks = 0;

	/* soon, but never so soon as a look takes */
	for (int i = 0; i < 100000; i++)
		looks += talk(&p, 1, PROMPT_LOOK_NS + 1);
	ck_assert_uint_ge(looks, 100000 / (PROMPT_AT_MOST + 1));
	ck_assert_uint_le(looks, 100000 / PROMPT_AT_MOST + 4);
}
END_TEST

START_TEST(looks_that_are_worth_it_make_up_for_one_in_vain)
{
	struct prompt p = {0};

	talk(&p, PROMPT_AT_LEAST, MS / 10);
	talk(&p, 1, MS); /* in vain */
	ck_assert(!talk(&p, PROMPT_AT_LEAST, MS / 10));
	ck_assert(talk(&p, PROMPT_AT_LEAST * 4, MS / 10));
	talk(&p, PROMPT_FORGIVEN, MS / 10);
	talk(&p, 1, MS); /* in vain: as dear as the first time */
	ck_assert(talk(&p, PROMPT_AT_LEAST * 4, MS / 10));
}
END_TEST

START_TEST(a_wake_for_nothing_that_was_waited_for_counts_as_late)
{
	struct prompt p = {0};

	talk(&p, PROMPT_AT_LEAST - 1, MS / 10);
	p.since_ns = 0;
	prompt_woken(&p, 1);
	ck_assert(!talk(&p, PROMPT_AT_LEAST - 1, MS / 10));
}
END_TEST

TEST_MAIN("prompt", a_peer_that_answers_at_once_several_times_in_a_row_is_looked_for,
    one_late_command_begins_the_count_anew, who_is_always_late_is_never_looked_for,
    each_look_in_vain_makes_the_next_dearer_up_to_a_bound,
    looks_that_are_worth_it_make_up_for_one_in_vain,
    a_wake_for_nothing_that_was_waited_for_counts_as_late)
