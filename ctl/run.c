#include "ctl/ctl.h"
#include "ctl/daemons.h"
#include "ctl/pidfile.h"
#include "ctl/sockets.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/net/notify.h"
#include "common/net/shut_in.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/signalfd.h>

/* Daemons let their clients finish for ten seconds; who is not gone by then hangs. */
#define STOP_KILL_MS 20000
#define STILL_WAITING_MS 10000
#define PORTS_AGAIN_MS 1000

struct supervisor {
	struct daemons daemons;
	struct sockets sockets; /* none once it stops: nobody shall wait for who won't come back */
	struct pidfile pidfile;
	int signal_fd;
	bool told_ready;
	bool stopping;
	bool failed; /* a daemon could not even start */
	int64_t stop_since_ms;
	int64_t waiting_since_ms; /* for all to become ready */
	bool ports_settled; /* all are as they shall be */
};

static void
write_pids(struct supervisor *s)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(512);

	sbuf_printf(&text, "%d\n", (int)getpid());
	for (size_t i = 0; i < DAEMON_COUNT; i++)
		if (s->daemons.proc[i].pid > 0)
			sbuf_printf(
			    &text, "%s %d\n", s->daemons.proc[i].name, (int)s->daemons.proc[i].pid);
	enum err e = pidfile_write(&s->pidfile, sbuf_view(&text));
	if (e)
		log_warn("pidfile", F_CSTR("path", s->pidfile.path), F_ERR(e));
}

static void
begin_stop(struct supervisor *s)
{
	if (!s->stopping) {
		s->stopping = true;
		s->stop_since_ms = clock_mono_ms();
		log_info("stopping");
		notify_state("STOPPING=1");
		sockets_close(&s->sockets);
	}
	/* the second time a daemon takes it as "at once" */
	daemons_signal(&s->daemons, SIGTERM);
}

static void
bury(struct supervisor *s)
{
	struct daemon_proc *p;
	int status;

	while ((p = daemons_reap(&s->daemons, &status))) {
		CLEANUP(sbuf_done) struct sbuf end = SBUF_INIT(128);
		daemon_describe_end(status, &end);
		if (s->stopping) {
			log_info("daemon_stopped", F_CSTR("daemon", p->name),
			    F_STR("end", sbuf_view(&end)));
		} else if (!s->told_ready && !p->was_ready) {
			call_complain("%s could not start (%s); its lines above say why", p->name,
			    sbuf_cstr(&end));
			s->failed = true;
			begin_stop(s);
		} else {
			log_warn("daemon_died", F_CSTR("daemon", p->name),
			    F_STR("end", sbuf_view(&end)),
			    F_INT("restart_in_ms", p->restart_at_ms - clock_mono_ms()));
		}
		write_pids(s);
	}
}

static void
take_signals(struct supervisor *s)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD) {
			bury(s);
		} else if (info.ssi_signo == SIGHUP) {
			log_info("reload");
			/* before they hear of it: what is switched on again listens by then */
			if (!s->stopping)
				sockets_follow(&s->sockets, s->daemons.conf_path, NULL);
			daemons_signal(&s->daemons, SIGHUP);
			if (log_reopen())
				log_error("log", F_CSTR("reason", "cannot be opened anew"));
		} else {
			begin_stop(s);
		}
	}
}

static void
tell_ready(struct supervisor *s)
{
	if (s->told_ready || !daemons_all_ready(&s->daemons))
		return;
	s->told_ready = true;
	puts("ready");
	fflush(stdout);
	notify_state("READY=1");
}

/* A start that takes long (an old database being brought forward) is explained. */
static void
tell_waiting(struct supervisor *s)
{
	int64_t now = clock_mono_ms();

	if (s->told_ready || s->stopping || now - s->waiting_since_ms < STILL_WAITING_MS)
		return;
	s->waiting_since_ms = now;
	for (size_t i = 0; i < DAEMON_COUNT; i++)
		if (!s->daemons.proc[i].ready)
			call_complain("still waiting for %s", s->daemons.proc[i].name);
}

static int
wait_ms(const struct supervisor *s)
{
	if (s->stopping)
		return 500;
	int wait = daemons_wait_ms(&s->daemons);
	if (!s->told_ready && (wait < 0 || wait > 1000))
		wait = 1000;
	if (!s->ports_settled && (wait < 0 || wait > PORTS_AGAIN_MS))
		wait = PORTS_AGAIN_MS;
	return wait;
}

static void
supervise(struct supervisor *s)
{
	struct pollfd fds[] = {
	    {.fd = s->signal_fd, .events = POLLIN},
	    {.fd = s->daemons.notify_fd, .events = POLLIN},
	};

	while (!s->stopping || daemons_any_alive(&s->daemons)) {
		if (poll(fds, ARRAY_LEN(fds), wait_ms(s)) < 0 && errno != EINTR) {
			log_error("poll", F_CSTR("reason", strerrordesc_np(errno)));
			begin_stop(s);
		}
		daemons_read_notes(&s->daemons);
		if (!s->stopping)
			daemons_tend_ports(&s->daemons); /* before "ready" is said */
		tell_ready(s);
		take_signals(s);
		tell_waiting(s);
		if (!s->stopping) {
			daemons_start_due(&s->daemons);
			s->ports_settled = sockets_settle(&s->sockets);
			write_pids(s);
		} else if (clock_mono_ms() - s->stop_since_ms > STOP_KILL_MS) {
			daemons_signal(&s->daemons, SIGKILL);
		}
	}
}

static enum err
catch_signals(struct supervisor *s)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return s->signal_fd < 0 ? err_from_errno(errno) : ERR_OK;
}

/* The run directory may be gone after a reboot. */
static int
take_run_dir(struct supervisor *s, const struct conf *c)
{
	const struct passwd *owner = geteuid() == 0 && c->user[0] ? getpwnam(c->user) : NULL;
	enum err e = ctl_make_dirs(c->run_dir, 0750, owner);
	pid_t pid;

	if (e)
		return call_fail(e, c->run_dir);
	e = pidfile_open(c->run_dir, &s->pidfile, &pid);
	if (e == ERR_BUSY) {
		call_complain("it runs already, as process %d; `pillarbox -c %s stop` ends it",
		    (int)pid, c->path);
		return CTL_FAILED;
	}
	return e ? call_fail(e, s->pidfile.path) : CALL_GO_ON;
}

static int
start_all(struct supervisor *s, const struct conf *c)
{
	enum log_level level = LOG_LEVEL_INFO;

	const struct passwd *owner = geteuid() == 0 && c->user[0] ? getpwnam(c->user) : NULL;
	if (owner)
		log_set_owner(owner->pw_uid, owner->pw_gid);
	log_level_parse(str_of(c->log_level), &level);
	if (log_open("pillarbox", c->log_target, level)) {
		call_complain("log.target: %s cannot be opened", c->log_target);
		return CTL_FAILED;
	}
	enum err e = daemons_init(&s->daemons, c->path);
	if (!e)
		e = catch_signals(s);
	if (!e)
		e = sockets_open(c, &s->sockets);
	if (!e)
		e = become_user_first(c);
	if (e)
		return CTL_FAILED;
	s->daemons.sockets = &s->sockets;
	s->waiting_since_ms = clock_mono_ms();
	for (size_t i = 0; i < DAEMON_COUNT && !e; i++)
		e = daemon_start(&s->daemons, &s->daemons.proc[i]);
	if (e) {
		call_complain("cannot start %s: %s", daemon_names[0], err_text(e));
		s->failed = true;
		begin_stop(s);
	}
	write_pids(s);
	return CALL_GO_ON;
}

int
verb_run(struct call *call)
{
	struct supervisor s = {
	    .signal_fd = -1, .pidfile = {.fd = -1}, .daemons = {.notify_fd = -1}};
	int status = call_parse(call, NULL, 0, 0, 0);

	if (status == CALL_GO_ON)
		status = call_load_conf(call);
	if (status == CALL_GO_ON)
		status = take_run_dir(&s, call->conf);
	if (status == CALL_GO_ON)
		status = start_all(&s, call->conf);
	if (status == CALL_GO_ON) {
		supervise(&s);
		status = s.failed ? CTL_FAILED : CTL_OK;
		log_info("stopped");
	}
	sockets_close(&s.sockets);
	pidfile_close(&s.pidfile);
	daemons_done(&s.daemons);
	fd_close(&s.signal_fd);
	return status;
}
