#include "ctl/ctl.h"
#include "ctl/pidfile.h"

#include "common/base/clock.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

/* Longer than the daemons' own patience with their clients. */
#define STOP_WAIT_S 40

int
verb_stop(struct call *call)
{
	const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
	int status = call_parse(call, NULL, 0, 0, 0);

	if (status == CALL_GO_ON)
		status = call_load_conf(call);
	if (status != CALL_GO_ON)
		return status;
	const char *run_dir = call->conf->run_dir;
	pid_t pid = pidfile_holder(run_dir);
	if (pid <= 0) {
		call_complain("no `pillarbox run` runs with this configuration "
			      "(`systemctl stop pillarbox.target` stops systemd's)");
		return CTL_NOT_RUNNING;
	}
	if (kill(pid, SIGTERM) != 0)
		return call_fail(err_from_errno(errno), "stop");
	int64_t end = clock_mono_ms() + STOP_WAIT_S * 1000;
	while (pidfile_holder(run_dir) == pid) {
		if (clock_mono_ms() > end) {
			call_complain("process %d still runs after %d seconds; its log says why",
			    (int)pid, STOP_WAIT_S);
			return CTL_FAILED;
		}
		nanosleep(&pause, NULL);
	}
	puts("stopped");
	return CTL_OK;
}
