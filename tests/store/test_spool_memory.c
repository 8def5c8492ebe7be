/* What becomes of messages while memory is full. */
#include "common/base/clock.h"
#include "store/changes.h"
#include "tests/store/fixture.h"
#include "tests/support/log_lines.h"
#include "tests/support/test.h"

static struct fixture f;

static bool
memory_is_full(void *arg)
{
	(*(unsigned *)arg)++;
	return true;
}

START_TEST(without_memory_small_messages_alone_are_taken)
{
	fixture_open(&f);
	CLEANUP(spool_free) struct spool *small = NULL;
	CLEANUP(spool_free) struct spool *large = NULL;
	CLEANUP(mem_free) char *octets = make_message(1, SPOOL_SMALL);
	const struct message_index *index;
	unsigned asked = 0;

	store_set_memory(f.store, memory_is_full, &asked);
	ck_assert_ok(spool_new(f.store, &small));
	ck_assert_ok(spool_new(f.store, &large));
	ck_assert_ok(spool_write(small, octets, SPOOL_SMALL));
	ck_assert_uint_eq(asked, 0);
	ck_assert_ok(spool_write(large, octets, SPOOL_SMALL));
	ck_assert_int_eq(spool_write(large, "x", 1), ERR_NOMEM);
	ck_assert_uint_eq(asked, 1);
	/* it stays so, whatever becomes free */
	store_set_memory(f.store, NULL, NULL);
	ck_assert_int_eq(spool_write(large, "x", 1), ERR_NOMEM);
	ck_assert_int_eq(spool_finish(large, &index), ERR_NOMEM);
	struct delivery d = {.account = account_id(f.a)};
	message_deliver(f.store, large, &d, 1);
	ck_assert_int_eq(d.result, ERR_NOMEM);
	message_deliver(f.store, small, &d, 1);
	ck_assert_ok(d.result);
	fixture_close(&f);
}
END_TEST

START_TEST(the_log_says_once_a_minute_that_memory_is_full)
{
	fixture_open(&f);
	CLEANUP(mem_free) char *octets = make_message(1, SPOOL_SMALL + 1);
	unsigned asked = 0;
	static const struct {
		int64_t later_ms;
		unsigned said;
	} rows[] = {{0, 1}, {0, 0}, {59999, 0}, {1, 1}, {1, 0}, {60000, 1}};

	clock_freeze(1700000000);
	store_set_memory(f.store, memory_is_full, &asked);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(spool_free) struct spool *spool = NULL;
		clock_advance_ms(rows[i].later_ms);
		log_lines_begin();
		ck_assert_ok(spool_new(f.store, &spool));
		ck_assert_int_eq(spool_write(spool, octets, SPOOL_SMALL + 1), ERR_NOMEM);
		log_lines_end();
		ck_assert_uint_eq(log_lines_count("memory_full"), rows[i].said);
	}
	ck_assert_uint_eq(asked, ARRAY_LEN(rows)); /* and each is refused */
	store_set_memory(f.store, NULL, NULL);
	clock_thaw();
	fixture_close(&f);
}
END_TEST

TEST_MAIN("spool_memory", without_memory_small_messages_alone_are_taken,
    the_log_says_once_a_minute_that_memory_is_full)
