/* tests/support/test.h - what every unit test needs beyond libcheck.
 *
 *	START_TEST(copy_over_quota_copies_nothing) { ... } END_TEST
 *	TEST_MAIN("cmd_copy", copy_over_quota_copies_nothing, copy_speaks)
 *
 * Test names are sentences of behaviour. CK_FORK=no in gdb; CK_RUN_CASE picks the program's one
 *case.
 */
#ifndef TESTS_SUPPORT_TEST_H
#define TESTS_SUPPORT_TEST_H

#include "common/base/str.h"

#include <check.h>
#include <stdlib.h>

/* Runs the tests and gives main()'s result. */
int test_run(const char *name, const TTest *const *tests, size_t n);

#define TEST_MAIN(name, ...)                                                                       \
	int main(void)                                                                             \
	{                                                                                          \
		const TTest *const tests_[] = {__VA_ARGS__};                                       \
		return test_run(name, tests_, sizeof(tests_) / sizeof(tests_[0]));                 \
	}

/* A slice equals a C string. */
#define ck_assert_str_is(s, expected)                                                              \
	do {                                                                                       \
		struct str got_ = (s);                                                             \
		const char *want_ = (expected);                                                    \
		ck_assert_msg(str_eq(got_, str_of(want_)), "got \"%.*s\", expected \"%s\"",        \
		    STR_ARG(got_), want_);                                                         \
	} while (0)
#define ck_assert_ok(e)                                                                            \
	do {                                                                                       \
		int err_ = (int)(e);                                                               \
		ck_assert_msg(err_ == 0, "error %d from %s", err_, #e);                            \
	} while (0)

/* A fresh directory for this test, removed with all in it by test_rmdir(). The name is static, one
 * per process. */
const char *test_mkdir(void);
void test_rmdir(const char *dir);

/* Processor time of this thread: what is to be linear is so on a busy machine too. */
double test_cpu_ms(void);

/* A heap copy of `s` that ends right before an unmapped page: one octet of overread traps. Never
 * freed. */
struct str test_guarded(struct str s);

#endif
