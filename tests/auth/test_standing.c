#include "common/base/clock.h"
#include "tests/auth/who.h"
#include "tests/support/test.h"

#include <stdio.h>

static unsigned
rank_after(struct standing *s, struct standing_who w, unsigned tries)
{
	const struct standing_key k = standing_key(s, &w);

	while (tries-- > 0)
		standing_tries(s, &k);
	return standing_rank(s, &k);
}

START_TEST(ranks_rise_with_attempts_and_are_forgotten)
{
	CLEANUP(standing_free) struct standing *s = standing_new();
	static const struct {
		unsigned tries, rank;
	} rows[] = {{0, 1}, {1, 1}, {1, 2}, {2, 3}, {4, 4}, {8, 5}, {16, 6}, {1000, 6}};

	clock_freeze(1700000000);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_uint_eq(rank_after(s, who(1, 1, "ann"), rows[i].tries), rows[i].rank);
	/* a neighbour pays a sixteenth, who is far away nothing */
	ck_assert_uint_eq(rank_after(s, who(1, 2, "ann"), 0), 6);
	ck_assert_uint_eq(rank_after(s, who(2, 1, "ann"), 0), 1);
	clock_advance_ms(STANDING_ATTEMPTS_MS + 1);
	ck_assert_uint_eq(rank_after(s, who(1, 1, "ann"), 0), 1);
	ck_assert_uint_eq(rank_after(s, who(1, 1, "ann"), 1), 1);
	clock_thaw();
}
END_TEST

START_TEST(an_account_is_known_where_it_was_right)
{
	CLEANUP(standing_free) struct standing *s = standing_new();
	struct standing_who ann = who(1, 1, "Ann@example.test");
	const struct standing_key k = standing_key(s, &ann);

	clock_freeze(1700000000);
	ck_assert_uint_eq(rank_after(s, who(1, 1, "x"), 40), 6);
	standing_was_right(s, &k);
	ck_assert_uint_eq(rank_after(s, who(1, 9, "ann@example.test"), 0), 0); /* the network */
	ck_assert_uint_eq(rank_after(s, who(2, 1, "ann@example.test"), 0), 1);
	/* whatever is tried there, as long as it is not tried itself */
	ck_assert_uint_eq(rank_after(s, who(1, 2, "x"), 1000), 6);
	ck_assert_uint_eq(rank_after(s, who(1, 1, "ann@example.test"), STANDING_TRIES), 0);
	ck_assert_uint_gt(rank_after(s, who(1, 2, "ann@example.test"), 1), 0);
	standing_was_right(s, &k);
	ck_assert_uint_eq(rank_after(s, ann, 0), 0);
	clock_advance_ms(STANDING_RIGHT_MS + 1);
	ck_assert_uint_eq(rank_after(s, ann, 0), 1);
	clock_thaw();
}
END_TEST

/* Whoever has an account could else log in to it between two guesses at others. */
START_TEST(a_right_login_forgives_what_its_own_account_tried)
{
	CLEANUP(standing_free) struct standing *s = standing_new();
	struct standing_who mallory = who(1, 1, "mallory"), ann = who(1, 1, "ann");
	const struct standing_key own = standing_key(s, &mallory), other = standing_key(s, &ann);

	clock_freeze(1700000000);
	standing_was_right(s, &own);
	for (unsigned i = 0; i < 8; i++) {
		standing_tries(s, &other);
		standing_tries(s, &own);
		standing_was_right(s, &own);
		standing_was_right(s, &own); /* told by the line, and by the login */
	}
	ck_assert_uint_eq(standing_rank(s, &other), 4); /* as after eight attempts */
	for (unsigned i = 0; i < 40; i++)
		standing_tries(s, &own); /* mistyped, and mistyped again */
	ck_assert_uint_eq(standing_rank(s, &own), 6);
	standing_was_right(s, &own);
	ck_assert_uint_eq(standing_rank(s, &own), 0);
	ck_assert_uint_eq(standing_rank(s, &other), 4);
	clock_thaw();
}
END_TEST

/* Whose attempts those of its address were is not known then. */
START_TEST(an_account_that_is_new_here_is_forgiven_a_few_attempts)
{
	CLEANUP(standing_free) struct standing *s = standing_new();
	char name[16];

	clock_freeze(1700000000);
	ck_assert_uint_eq(rank_after(s, who(1, 1, "ann"), STANDING_TRIES), 2);
	struct standing_who ann = who(1, 1, "ann");
	const struct standing_key k = standing_key(s, &ann);
	standing_was_right(s, &k);
	ck_assert_uint_eq(rank_after(s, who(1, 1, "x"), 1), 1); /* the first again */
	/* but accounts of one's own buy nobody out */
	ck_assert_uint_eq(rank_after(s, who(2, 1, "x"), 64 + 4 * STANDING_TRIES), 6);
	ck_assert_uint_eq(rank_after(s, who(2, 9, "x"), 0), 3); /* 76 / 16 */
	for (unsigned i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "mallory%u", i);
		struct standing_who own = who(2, 1, name);
		const struct standing_key right = standing_key(s, &own);
		standing_was_right(s, &right);
		standing_was_right(s, &right);
	}
	ck_assert_uint_eq(rank_after(s, who(2, 1, "x"), 0), 6);
	ck_assert_uint_eq(rank_after(s, who(2, 9, "x"), 0), 3); /* 64 / 16 */
	clock_thaw();
}
END_TEST

/* An entry's place in the table, as standing.c has it. */
static uint64_t
place(uint64_t tag)
{
	return tag % 4096;
}

START_TEST(an_attempt_that_pushes_its_own_account_out_counts_once)
{
	CLEANUP(standing_free) struct standing *s = standing_new();
	struct standing_who w;
	struct standing_key k = {.address = 1};
	char name[16];
	unsigned others = 0;

	clock_freeze(1700000000);
	for (unsigned i = 0; place(k.address) != place(k.pair); i++) {
		snprintf(name, sizeof(name), "ann%u", i);
		w = who(1, 1, name);
		k = standing_key(s, &w);
	}
	standing_was_right(s, &k);
	ck_assert_uint_eq(standing_rank(s, &k), 0);
	clock_advance_ms(1000);
	for (unsigned i = 0; others < 3; i++) { /* all that the place has room for beside it */
		snprintf(name, sizeof(name), "bob%u", i);
		w = who(2, 1, name);
		const struct standing_key other = standing_key(s, &w);
		if (place(other.pair) == place(k.pair)) {
			standing_was_right(s, &other);
			others++;
		}
	}
	standing_tries(s, &k);
	ck_assert_uint_eq(standing_rank(s, &k), 1); /* known no more, after one attempt */
	clock_thaw();
}
END_TEST

START_TEST(addresses_without_end_push_nobody_out_who_was_right)
{
	CLEANUP(standing_free) struct standing *s = standing_new();
	struct standing_who w = who(0, 0, "guess");
	unsigned known = 0;

	for (unsigned i = 0; i < 200; i++) {
		struct standing_who right = who(i, 1, "ann");
		const struct standing_key k = standing_key(s, &right);
		standing_was_right(s, &k);
	}
	for (uint32_t i = 0; i < 100000; i++) {
		memcpy(w.address + 8, &i, sizeof(i));
		memcpy(w.network + 8, &i, sizeof(i));
		(void)rank_after(s, w, 1);
	}
	for (unsigned i = 0; i < 200; i++)
		known += rank_after(s, who(i, 1, "ann"), 0) == 0;
	ck_assert_uint_eq(known, 200);
}
END_TEST

TEST_MAIN("standing", ranks_rise_with_attempts_and_are_forgotten,
    an_account_is_known_where_it_was_right, a_right_login_forgives_what_its_own_account_tried,
    an_account_that_is_new_here_is_forgiven_a_few_attempts,
    an_attempt_that_pushes_its_own_account_out_counts_once,
    addresses_without_end_push_nobody_out_who_was_right)
