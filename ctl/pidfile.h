/* ctl/pidfile.h - run_dir/pillarbox.pid: who runs the daemons now.
 *
 * `pillarbox run` holds a lock on it as long as it lives; who holds the lock is asked of the
 * kernel, so that a stale or forged file misleads nobody. Its lines are for people and `status`:
 * the supervisor's pid alone, then "smtpd 4711" for each daemon.
 */
#ifndef CTL_PIDFILE_H
#define CTL_PIDFILE_H

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/base/str.h"

#include <sys/types.h>

struct pidfile {
	int fd; /* -1: none */
	char path[128];
};

/* Takes the lock. ERR_BUSY with *ret_pid when another process has it. */
NODISCARD enum err pidfile_open(const char *run_dir, struct pidfile *ret, pid_t *ret_pid);
/* Replaces its text. */
NODISCARD enum err pidfile_write(struct pidfile *p, struct str text);
void pidfile_close(struct pidfile *p);

/* The process that holds the lock, 0 when none does. */
pid_t pidfile_holder(const char *run_dir);
/* The pid that the file names for `daemon`, 0 for none. */
pid_t pidfile_daemon(const char *run_dir, const char *daemon);

#endif
