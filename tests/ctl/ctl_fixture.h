/* tests/ctl/ctl_fixture.h - runs the built `pillarbox` in a directory of its own. */
#ifndef TESTS_CTL_CTL_FIXTURE_H
#define TESTS_CTL_CTL_FIXTURE_H

#include "tests/support/test.h"

#include <sys/types.h>

/* `pillarbox init` in a fresh directory, loopback, ports far up; gives the directory. */
const char *ctl_begin(void);
/* Stops what may still run there and removes the directory. */
void ctl_end(const char *dir);

/* Runs `pillarbox -c DIR/pillarbox.conf WORDS` in a shell; gives its exit status and what it wrote
 * to both outputs (valid until the next call). */
int ctl_run(const char *dir, const char **ret_output, const char *words, ...)
    __attribute__((format(printf, 3, 4)));

/* Runs it and expects exit status and a part of the output. */
#define ck_ctl(dir, status, part, ...)                                                             \
	do {                                                                                       \
		const char *want_ = (part), *out_;                                                 \
		int got_ = ctl_run((dir), &out_, __VA_ARGS__);                                     \
		ck_assert_msg(got_ == (status) && ctl_contains(out_, want_),                       \
		    "exit status %d, expected %d and \"%s\": %s", got_, (status), want_, out_);    \
	} while (0)
bool ctl_contains(const char *text, const char *part);

#endif
