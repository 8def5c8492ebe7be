/* common/sandbox/privileges.h - who a process is, and what it may still do: once its ports are
 * bound a daemon is nobody but the user that owns the mail.
 *
 * For the start of a process, before it has threads.
 */
#ifndef COMMON_SANDBOX_PRIVILEGES_H
#define COMMON_SANDBOX_PRIVILEGES_H

#include "common/base/cleanup.h"
#include "common/base/err.h"

#include <stdbool.h>
#include <sys/types.h>

/* Whom a process that was started as root becomes. */
struct owner {
	bool becomes; /* root, and a user is configured */
	uid_t uid;
	gid_t gid;
};

/* `user` "" or a process that is not root: *ret says that nothing changes. ERR_CONFIG (logged): no
 * such user or group on this machine. */
NODISCARD enum err owner_find(const char *user, const char *group, struct owner *ret);

/* Files that the process makes are its user's alone (umask 077), and unless `core_dumps` no image
 * of its memory is written when it crashes: mail, keys and passwords are in there. */
void privileges_harden(bool core_dumps);

/* The user, its group and no other one; then, whoever the user is, no capability is left in any of
 * the five sets (capabilities(7)), no program that is executed can give one back
 * (PR_SET_NO_NEW_PRIVS), and unless `core_dumps` no other process of the same user may look into
 * this one (PR_SET_DUMPABLE). ERR_DENIED (logged): the process must not go on. */
NODISCARD enum err privileges_drop(const struct owner *to, bool core_dumps);

/* The address and thread sanitizers map their shadows, run threads of their own and trace the
 * process at its end: a program built with them can't be shut in, and is not. */
bool is_sanitized(void);

#endif
