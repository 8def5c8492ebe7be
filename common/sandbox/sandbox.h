/* common/sandbox/sandbox.h - shuts a process in: the system calls that it may make (seccomp(2)) and
 * the files that it may reach (landlock(7)) are those that its work needs, so that who takes it
 * over by a fault in it has little in hand.
 *
 * For the start of a process, when it has become who it stays (privileges.h) and before it has
 * threads: they inherit it. There is no way back.
 */
#ifndef COMMON_SANDBOX_SANDBOX_H
#define COMMON_SANDBOX_SANDBOX_H

#include "common/base/cleanup.h"
#include "common/base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* What becomes of a call that is not on the list. */
enum sandbox_mode {
	SANDBOX_OFF,
	SANDBOX_LOG, /* it is made, and the kernel's log has it; files are not shut off either */
	/* It fails with EPERM, and the kernel's log has it; one that only an intruder makes ends
	 * the process. So a libc that some day does things otherwise costs a feature, not the mail.
	 */
	SANDBOX_ON,
	SANDBOX_STRICT, /* it ends the process: for tests */
};

/* What a process does beside what all of them do: bits. calls.c says which calls that means. */
#define SANDBOX_DIALS (1U << 0) /* makes sockets to other hosts */
#define SANDBOX_RESOLVES (1U << 1) /* runs libunbound */
#define SANDBOX_INDEXES (1U << 2) /* has a thread of low priority */

/* A file, or a directory with all below it. */
struct sandbox_path {
	const char *path;
	bool writes;
};

struct sandbox {
	enum sandbox_mode mode;
	unsigned does; /* SANDBOX_… */
	/* Beside those that belong to the system; what is not there is left out. */
	const struct sandbox_path *paths;
	size_t path_count;
};

/* "off", "log", "on", "strict" */
NODISCARD enum err sandbox_mode_parse(const char *text, enum sandbox_mode *ret);

/* Logs what is in force. What the kernel does not have is left out with a warning; any other
 * failure is logged, and the process should not go on. */
NODISCARD enum err sandbox_enter(const struct sandbox *s);

#endif
