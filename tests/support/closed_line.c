#include "tests/support/closed_line.h"

#include "tests/support/test.h"

void
test_closed_line(struct standing **ret_standing, struct password_line **ret)
{
	*ret_standing = standing_new();
	ck_assert_ptr_nonnull(*ret_standing);
	const struct password_line_options options = {
	    .threads = 1, .waiting_max = 0, .wait_max_ms = 1000, .standing = *ret_standing};

	*ret = password_line_new(&options);
	ck_assert_ptr_nonnull(*ret);
}
