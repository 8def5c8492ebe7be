/* Messages that come in while the daemon has as much memory as it may have. */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "store/changes.h"
#include "store/message_private.h"
#include "tests/store/fixture.h"
#include "tests/support/test.h"

static struct fixture f;

static enum fullness
fullness(void *arg)
{
	return *(const enum fullness *)arg;
}

START_TEST(the_fuller_memory_is_the_smaller_are_the_messages_that_are_taken)
{
	static const struct {
		enum fullness is;
		enum err small, large;
	} rows[] = {
	    {MEMORY_THERE, ERR_OK, ERR_OK},
	    {MEMORY_FULL, ERR_OK, ERR_NOMEM},
	    {MEMORY_BRIMFUL, ERR_NOMEM, ERR_NOMEM},
	};
	fixture_open(&f);
	CLEANUP(mem_free) char *octets = make_message(1, SPOOL_SMALL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(spool_free) struct spool *small = NULL;
		CLEANUP(spool_free) struct spool *large = NULL;
		const struct message_index *index;
		enum fullness is = MEMORY_THERE;
		store_set_memory(f.store, fullness, &is);
		ck_assert_ok(spool_new(f.store, &small));
		ck_assert_ok(spool_new(f.store, &large));
		ck_assert_ok(spool_write(large, octets, SPOOL_SMALL));
		is = rows[i].is;
		ck_assert_int_eq(spool_write(small, octets, SPOOL_SMALL), rows[i].small);
		ck_assert_int_eq(spool_write(large, "x", 1), rows[i].large);
		/* it stays so, whatever becomes free */
		is = MEMORY_THERE;
		ck_assert_int_eq(spool_write(large, "x", 1), rows[i].large);
		ck_assert_int_eq(spool_finish(large, &index), rows[i].large);
		ck_assert_int_eq(spool_finish(small, &index), rows[i].small);
		struct delivery d = {.account = account_id(f.a)};
		message_deliver(f.store, large, &d, 1);
		ck_assert_int_eq(d.result, rows[i].large);
		message_deliver(f.store, small, &d, 1);
		ck_assert_int_eq(d.result, rows[i].small);
		store_set_memory(f.store, NULL, NULL);
	}
	fixture_close(&f);
}
END_TEST

static void
count_full(void *arg, struct str line)
{
	*(unsigned *)arg += str_find_nocase(line, STR("memory_full")) != STR_NONE;
}

START_TEST(the_log_says_once_a_minute_that_memory_is_full)
{
	fixture_open(&f);
	CLEANUP(mem_free) char *octets = make_message(1, SPOOL_SMALL + 1);
	enum fullness is = MEMORY_FULL;
	unsigned said = 0;
	static const struct {
		int64_t later_ms;
		unsigned said;
	} rows[] = {{0, 1}, {0, 1}, {59999, 1}, {1, 2}, {1, 2}, {60000, 3}};

	clock_freeze(1700000000);
	log_capture(count_full, &said);
	store_set_memory(f.store, fullness, &is);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(spool_free) struct spool *spool = NULL;
		clock_advance_ms(rows[i].later_ms);
		ck_assert_ok(spool_new(f.store, &spool));
		ck_assert_int_eq(spool_write(spool, octets, SPOOL_SMALL + 1), ERR_NOMEM);
		ck_assert_uint_eq(said, rows[i].said);
	}
	store_set_memory(f.store, NULL, NULL);
	log_capture(NULL, NULL);
	clock_thaw();
	fixture_close(&f);
}
END_TEST

TEST_MAIN("spool_memory", the_fuller_memory_is_the_smaller_are_the_messages_that_are_taken,
    the_log_says_once_a_minute_that_memory_is_full)
