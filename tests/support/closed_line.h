/* tests/support/closed_line.h - a line of passwords without room: whoever asks is told to try again
 * later. */
#ifndef TESTS_SUPPORT_CLOSED_LINE_H
#define TESTS_SUPPORT_CLOSED_LINE_H

#include "common/auth/password_line.h"

/* Both are the caller's to free, the line first. */
void test_closed_line(struct standing **ret_standing, struct password_line **ret);

#endif
