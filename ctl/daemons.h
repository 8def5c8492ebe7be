/* ctl/daemons.h - the three daemons as child processes: found, started, watched, stopped.
 *
 * One supervisor, one thread. Readiness comes by the sd_notify protocol on a socket of its own
 * (messages count by the kernel's word on who sent them).
 */
#ifndef CTL_DAEMONS_H
#define CTL_DAEMONS_H

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/base/sbuf.h"

#include <sys/types.h>

struct sockets;

/* Who connects while nobody answers waits this long, then nobody is let wait any more: a daemon is
 * back within a second, unless something is wrong with it. */
#define DAEMON_AWAY_MS 5000

#define DAEMON_COUNT 3
extern const char *const daemon_names[DAEMON_COUNT];

/* Before a daemon is started again: doubled with each death. Who had been ready serves again within
 * a second, however often it dies: what kills it, a stranger perhaps, must not gain more than
 * that. */
#define DAEMON_RESTART_MIN_MS 50
#define DAEMON_RESTART_SERVED_MS 400
#define DAEMON_RESTART_MAX_MS 30000
/* Who ran this long is well again. */
#define DAEMON_STEADY_MS 60000

struct daemon_proc {
	const char *name;
	char path[512];
	pid_t pid; /* 0: not running */
	bool ready;
	bool was_ready; /* at some time */
	int64_t started_ms;
	int64_t away_since_ms; /* nobody answers since then; 0: it does */
	bool away; /* for so long that its ports are shut */
	int64_t restart_at_ms; /* when not running; 0 never */
	int64_t backoff_ms; /* before the next restart */
};

struct daemons {
	struct daemon_proc proc[DAEMON_COUNT];
	const char *conf_path;
	struct sockets *sockets; /* each is started with its own; NULL: opens its ports itself */
	int notify_fd;
	char notify_name[64]; /* for $NOTIFY_SOCKET */
};

/* The program of a daemon: in $PILLARBOX_LIBEXEC, else in the build tree of this program, else
 * beside its installed place. ERR_NOT_FOUND. */
NODISCARD enum err daemon_find(const char *name, char *path, size_t size);
/* Finds all and opens the notification socket; starts nothing. What is missing is told. */
NODISCARD enum err daemons_init(struct daemons *d, const char *conf_path);
void daemons_done(struct daemons *d);

NODISCARD enum err daemon_start(struct daemons *d, struct daemon_proc *p);
/* Starts those whose time has come, with the ports that the configuration has now. */
void daemons_start_due(struct daemons *d);
/* Shuts the ports of those that are away for DAEMON_AWAY_MS, opens them for who is back. */
void daemons_tend_ports(struct daemons *d);
/* Milliseconds until the next restart is due, or the next port to be shut, -1 for none. */
int daemons_wait_ms(const struct daemons *d);
/* Reads what children told; true when one became ready. */
bool daemons_read_notes(struct daemons *d);
/* Buries one dead child: its proc and status as waitpid(2) has it. NULL when there is none. A
 * restart is put off by the back-off. */
struct daemon_proc *daemons_reap(struct daemons *d, int *ret_status);
void daemons_signal(struct daemons *d, int sig);
bool daemons_all_ready(const struct daemons *d);
bool daemons_any_alive(const struct daemons *d);
/* "killed by signal 9 (Killed)", "exit status 1". */
void daemon_describe_end(int status, struct sbuf *out);

#endif
