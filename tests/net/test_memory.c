#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/net/memory.h"
#include "tests/support/test.h"

#include <sys/mman.h>

START_TEST(memory_is_full_when_it_is_used_up)
{
	enum { MORE = 64 * 1024 * 1024 };
	struct memory m;

	clock_freeze(clock_real_s()); /* a busy machine may take long */
	memory_init(&m, 0);
	uint64_t before = memory_in_use(&m);
	ck_assert_uint_gt(before, 0);
	memory_set_limit(&m, before + MORE / 2);
	ck_assert(!memory_is_full(&m));
	/* not malloc(): a sanitizer keeps what was freed */
	volatile char *p =
	    mmap(NULL, MORE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne((void *)p, MAP_FAILED);
	for (size_t i = 0; i < MORE; i += 4096)
		p[i] = 1;
	ck_assert_uint_ge(memory_in_use(&m), before + MORE / 2);
	ck_assert(!memory_is_full(&m)); /* looked a moment ago */
	clock_advance_ms(MEMORY_LOOK_MS + 1000);
	ck_assert(memory_is_full(&m));
	munmap((void *)p, MORE);
	clock_advance_ms(MEMORY_LOOK_MS);
	ck_assert(!memory_is_full(&m));
	memory_done(&m);
	clock_thaw();
}
END_TEST

START_TEST(a_share_of_the_machine_is_enough_for_a_process)
{
	struct memory m;

	memory_init(&m, 0);
	ck_assert_uint_gt(m.limit, memory_in_use(&m));
	ck_assert(!memory_is_full(&m));
	memory_done(&m);
}
END_TEST

static uint64_t
used(void *arg)
{
	return *(const uint64_t *)arg;
}

/* Passwords: what they take keeps nobody out, and nobody takes what they need. */
START_TEST(what_is_set_aside_counts_as_used_whether_it_is_or_not)
{
	enum { SOME = 64 * 1024 * 1024 };
	struct memory m;
	uint64_t has = 0;

	clock_freeze(clock_real_s());
	memory_init(&m, 0);
	memory_set_limit(&m, memory_in_use(&m) + SOME);
	memory_reserve(&m, SOME / 2, used, &has);
	ck_assert(!memory_is_full(&m));
	memory_reserve(&m, 2 * (uint64_t)SOME, used, &has);
	ck_assert(memory_is_full(&m));
	has = 2 * (uint64_t)SOME; /* is among what is in use */
	clock_advance_ms(MEMORY_LOOK_MS);
	ck_assert(!memory_is_full(&m));
	memory_reserve(&m, 0, NULL, NULL);
	ck_assert(!memory_is_full(&m));
	memory_done(&m);
	clock_thaw();
}
END_TEST

static void *
look(void *arg)
{
	struct memory *m = arg;

	for (unsigned i = 0; i < 20000; i++)
		(void)memory_is_full(m);
	return NULL;
}

/* At a reload and at a stop, while workers take in messages. */
START_TEST(what_is_set_aside_may_change_while_others_look)
{
	struct memory m;
	pthread_t t[3];

	memory_init(&m, 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, look, &m), 0);
	for (unsigned i = 0; i < 2000; i++) {
		uint64_t *has = calloc(1, sizeof(*has));
		memory_reserve(&m, 1 << 20, used, has);
		(void)memory_is_full(&m);
		memory_reserve(&m, 0, NULL, NULL);
		free(has); /* nobody asks it any more */
	}
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		pthread_join(t[i], NULL);
	ck_assert(!memory_is_full(&m));
	memory_done(&m);
}
END_TEST

TEST_MAIN("memory", what_is_set_aside_may_change_while_others_look,
    what_is_set_aside_counts_as_used_whether_it_is_or_not, memory_is_full_when_it_is_used_up,
    a_share_of_the_machine_is_enough_for_a_process)
