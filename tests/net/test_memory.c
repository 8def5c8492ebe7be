#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/net/memory.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
is_full(struct memory *m)
{
	return memory_fullness(m, 0) >= MEMORY_FULL;
}

START_TEST(memory_is_full_when_it_is_used_up)
{
	enum { MORE = 64 * 1024 * 1024 };
	struct memory m;

	clock_freeze(clock_real_s()); /* a busy machine may take long */
	ck_assert_ok(memory_init(&m, "", 0));
	uint64_t before = memory_in_use(&m);
	ck_assert_uint_gt(before, 0);
	memory_set_limit(&m, before + MORE / 2);
	ck_assert(!is_full(&m));
	/* not malloc(): a sanitizer keeps what was freed */
	volatile char *p =
	    mmap(NULL, MORE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne((void *)p, MAP_FAILED);
	for (size_t i = 0; i < MORE; i += 4096)
		p[i] = 1;
	ck_assert_uint_ge(memory_in_use(&m), before + MORE / 2);
	ck_assert(!is_full(&m)); /* looked a moment ago */
	clock_advance_ms(MEMORY_LOOK_MS + 1000);
	ck_assert(is_full(&m));
	munmap((void *)p, MORE);
	clock_advance_ms(MEMORY_LOOK_MS);
	ck_assert(!is_full(&m));
	memory_done(&m);
	clock_thaw();
}
END_TEST

START_TEST(a_share_of_the_machine_is_enough_for_a_process)
{
	struct memory m;

	ck_assert_ok(memory_init(&m, "", 0));
	ck_assert_uint_gt(m.limit, memory_in_use(&m));
	ck_assert(!is_full(&m));
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
	ck_assert_ok(memory_init(&m, "", 0));
	memory_set_limit(&m, memory_in_use(&m) + SOME);
	memory_reserve(&m, SOME / 2, used, &has);
	ck_assert(!is_full(&m));
	memory_reserve(&m, 2 * (uint64_t)SOME, used, &has);
	ck_assert(is_full(&m));
	has = 2 * (uint64_t)SOME; /* is among what is in use */
	clock_advance_ms(MEMORY_LOOK_MS);
	ck_assert(!is_full(&m));
	memory_reserve(&m, 0, NULL, NULL);
	ck_assert(!is_full(&m));
	memory_done(&m);
	clock_thaw();
}
END_TEST

static void
put(const char *root, const char *path, const char *text)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	for (char *p = strchr(whole + strlen(root) + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(whole, 0700);
		*p = '/';
	}
	FILE *f = fopen(whole, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

#define STATM "/proc/self/statm"

/* Between them there is room for those who are there, and who go on with little. */
START_TEST(memory_is_crowded_then_full_then_brimful)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	static const struct {
		unsigned used, besides; /* pages, of 160 */
		enum fullness is;
	} rows[] = {
	    {111, 0, MEMORY_THERE},
	    {112, 0, MEMORY_CROWDED},
	    {10, 101, MEMORY_THERE},
	    {10, 102, MEMORY_CROWDED}, /* nothing is taken from those who are there... */
	    {100, 43, MEMORY_CROWDED},
	    {127, 0, MEMORY_CROWDED},
	    {128, 0, MEMORY_FULL},
	    {143, 0, MEMORY_FULL},
	    {144, 0, MEMORY_BRIMFUL},
	    {100, 44, MEMORY_BRIMFUL}, /* ... but for the last of it */
	    {500, 0, MEMORY_BRIMFUL},
	    {10, 0, MEMORY_THERE},
	};
	const char *root = test_mkdir();
	struct memory m;
	char text[64];

	clock_freeze(clock_real_s());
	put(root, STATM, "1000 20 10 1 0 1 0\n");
	ck_assert_ok(memory_init(&m, root, 160 * page));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(text, sizeof(text), "1000 %u 100 1 0 1 0\n", rows[i].used + 100);
		put(root, STATM, text);
		clock_advance_ms(MEMORY_LOOK_MS);
		ck_assert_int_eq(memory_fullness(&m, rows[i].besides * page), rows[i].is);
	}
	memory_done(&m);
	clock_thaw();
	test_rmdir(root);
}
END_TEST

START_TEST(where_nobody_tells_what_is_in_use_there_is_no_start)
{
	static const char *const wrong[] = {"", "no numbers\n", "100 7 7 1 0 1 0\n"};
	const char *root = test_mkdir();
	struct memory m;

	ck_assert_int_eq(memory_init(&m, root, 0), ERR_NOT_FOUND);
	memory_done(&m);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		put(root, STATM, wrong[i]);
		ck_assert_int_eq(memory_init(&m, root, 0), ERR_CORRUPT);
		memory_done(&m);
	}
	test_rmdir(root);
}
END_TEST

START_TEST(what_was_in_use_is_in_use_until_the_system_tells_otherwise)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	const char *root = test_mkdir();
	struct memory m;

	clock_freeze(clock_real_s());
	put(root, STATM, "1000 500 100 1 0 1 0\n");
	ck_assert_ok(memory_init(&m, root, 300 * page));
	ck_assert_uint_eq(memory_in_use(&m), 400 * page);
	ck_assert(is_full(&m));
	put(root, STATM, ""); /* the same file, which is open */
	clock_advance_ms(MEMORY_LOOK_MS);
	ck_assert_uint_eq(memory_in_use(&m), 400 * page);
	ck_assert(is_full(&m));
	put(root, STATM, "1000 150 100 1 0 1 0\n");
	clock_advance_ms(MEMORY_LOOK_MS);
	ck_assert(!is_full(&m));
	memory_done(&m);
	clock_thaw();
	test_rmdir(root);
}
END_TEST

/* cgroups(7), version 2. */
START_TEST(a_quarter_of_the_least_that_a_group_of_the_process_may_have_is_taken)
{
	static const struct {
		const char *groups, *inner, *middle, *outer;
		uint64_t quarter; /* in MB */
	} rows[] = {
	    {"0::/a.slice/b.service\n", "64000000\n", "max\n", "max\n", 16},
	    {"0::/a.slice/b.service\n", "64000000\n", "32000000\n", "max\n", 8},
	    {"0::/a.slice/b.service\n", "64000000\n", "max\n", "16000000\n", 4},
	    {"0::/a.slice/b.service\n", "max\n", "max\n", "48000000\n", 12},
	    {"0::/a.slice\n", "4000000\n", "32000000\n", "max\n", 8},
	    {"4:memory:/x\n1:name=systemd:/\n0::/a.slice/b.service\n", "4000000\n", "max\n",
		"max\n", 1},
	    {"0::/\n", "4000000\n", "8000000\n", "16000000\n", 4},
	    {"0::/../a.slice\n", "4000000\n", "8000000\n", "16000000\n", 4},
	    {"4:memory:/a.slice\n", "4000000\n", "8000000\n", "16000000\n", 4},
	    {"0::/gone/too\n", "4000000\n", "8000000\n", "16000000\n", 4},
	    {"", "4000000\n", "8000000\n", "16000000\n", 4},
	};
	const char *root = test_mkdir();

	put(root, STATM, "1000 500 100 1 0 1 0\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct memory m;
		put(root, "/proc/self/cgroup", rows[i].groups);
		put(root, "/sys/fs/cgroup/a.slice/b.service/memory.max", rows[i].inner);
		put(root, "/sys/fs/cgroup/a.slice/memory.max", rows[i].middle);
		put(root, "/sys/fs/cgroup/memory.max", rows[i].outer);
		ck_assert_ok(memory_init(&m, root, 0));
		ck_assert_uint_eq(m.limit, rows[i].quarter * 1000000);
		memory_set_limit(&m, 1000);
		put(root, "/sys/fs/cgroup/memory.max", "1\n"); /* not looked at again */
		memory_set_limit(&m, 0);
		ck_assert_uint_eq(m.limit, rows[i].quarter * 1000000);
		memory_done(&m);
	}
	test_rmdir(root);
}
END_TEST

static void *
look(void *arg)
{
	struct memory *m = arg;

	for (unsigned i = 0; i < 20000; i++)
		(void)is_full(m);
	return NULL;
}

/* At a reload and at a stop, while workers take in messages. */
START_TEST(what_is_set_aside_may_change_while_others_look)
{
	struct memory m;
	pthread_t t[3];

	ck_assert_ok(memory_init(&m, "", 0));
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, look, &m), 0);
	for (unsigned i = 0; i < 2000; i++) {
		uint64_t *has = calloc(1, sizeof(*has));
		memory_reserve(&m, 1 << 20, used, has);
		(void)is_full(&m);
		memory_reserve(&m, 0, NULL, NULL);
		free(has); /* nobody asks it any more */
	}
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		pthread_join(t[i], NULL);
	ck_assert(!is_full(&m));
	memory_done(&m);
}
END_TEST

TEST_MAIN("memory", memory_is_crowded_then_full_then_brimful,
    where_nobody_tells_what_is_in_use_there_is_no_start,
    what_was_in_use_is_in_use_until_the_system_tells_otherwise,
    a_quarter_of_the_least_that_a_group_of_the_process_may_have_is_taken,
    what_is_set_aside_may_change_while_others_look,
    what_is_set_aside_counts_as_used_whether_it_is_or_not, memory_is_full_when_it_is_used_up,
    a_share_of_the_machine_is_enough_for_a_process)
