/* common/sandbox/calls.h - the system calls that daemons make, in groups, each with its reason; and
 * those that only somebody makes who has taken one over.
 *
 * A group is allowed to a process that does one of the things named (SANDBOX_… of sandbox.h), or to
 * all. A call may be bound to values of its arguments. What is in no group is forbidden.
 */
#ifndef COMMON_SANDBOX_CALLS_H
#define COMMON_SANDBOX_CALLS_H

#include <stddef.h>
#include <stdint.h>

#define CALL_CONDITIONS 2
#define CALL_OWN_PID UINT64_MAX /* as `value`: the process's number */

/* (argument & mask) == value; mask 0: any. */
struct call_condition {
	unsigned argument;
	uint64_t mask;
	uint64_t value;
};

struct call {
	const char *name;
	struct call_condition when[CALL_CONDITIONS]; /* all of them */
};

struct call_group {
	const char *name;
	const char *reason;
	unsigned does; /* SANDBOX_… bits, of which one is enough; 0: all processes */
	const struct call *calls;
	size_t n;
};

const struct call_group *calls_allowed(size_t *ret_n);

/* Failing with `error` is part of the plan and not worth a line: libc has another way. */
struct call_refused {
	struct call call;
	int error;
	const char *reason;
};
const struct call_refused *calls_refused(size_t *ret_n);

/* Names: nobody here makes them, and no library tries them in passing. */
const char *const *calls_of_intruders(size_t *ret_n);

#endif
