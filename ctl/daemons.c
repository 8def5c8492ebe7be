#include "ctl/daemons.h"
#include "ctl/ctl.h"
#include "ctl/sockets.h"

#include "common/base/clock.h"
#include "common/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

const char *const daemon_names[DAEMON_COUNT] = {"smtpd", "pop3d", "imapd"};

static bool
try_path(char *path, size_t size, const char *dir, const char *between, const char *name)
{
	int n = snprintf(path, size, "%s%s/%s", dir, between, name);

	return n > 0 && (size_t)n < size && access(path, X_OK) == 0;
}

enum err
daemon_find(const char *name, char *path, size_t size)
{
	const char *libexec = getenv("PILLARBOX_LIBEXEC");
	char self[400] = "";
	char in_tree[32];

	if (libexec && libexec[0])
		return try_path(path, size, libexec, "", name) ? ERR_OK : ERR_NOT_FOUND;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? (size_t)n : 0] = '\0';
	char *slash = strrchr(self, '/');
	if (slash) {
		*slash = '\0';
		snprintf(in_tree, sizeof(in_tree), "/../%s", name);
		if (try_path(path, size, self, in_tree, name) ||
		    try_path(path, size, self, "/../sbin", name))
			return ERR_OK;
	}
	return try_path(path, size, PILLARBOX_SBIN, "", name) ? ERR_OK : ERR_NOT_FOUND;
}

/* An abstract socket: the daemons reach it whatever user they become. */
static enum err
open_notify(struct daemons *d)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int on = 1;

	snprintf(d->notify_name, sizeof(d->notify_name), "@pillarbox-run-%d", (int)getpid());
	size_t n = strlen(d->notify_name);
	memcpy(sa.sun_path + 1, d->notify_name + 1, n - 1);
	d->notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->notify_fd < 0 ||
	    setsockopt(d->notify_fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0 ||
	    bind(d->notify_fd, (struct sockaddr *)&sa,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) != 0)
		return err_from_errno(errno);
	return ERR_OK;
}

enum err
daemons_init(struct daemons *d, const char *conf_path)
{
	*d = (struct daemons){.conf_path = conf_path, .notify_fd = -1};
	for (size_t i = 0; i < DAEMON_COUNT; i++) {
		struct daemon_proc *p = &d->proc[i];
		p->name = daemon_names[i];
		p->backoff_ms = DAEMON_RESTART_MIN_MS;
		if (daemon_find(p->name, p->path, sizeof(p->path))) {
			call_complain("the program %s is missing: expected it in %s; "
				      "$PILLARBOX_LIBEXEC may name another place",
			    p->name, PILLARBOX_SBIN);
			return ERR_NOT_FOUND;
		}
	}
	enum err e = open_notify(d);
	if (e)
		call_complain("cannot open a socket for the daemons: %s", strerrordesc_np(errno));
	return e;
}

void
daemons_done(struct daemons *d)
{
	fd_close(&d->notify_fd);
}

/* In the child. */
static void
become_daemon(const struct daemons *d, const struct daemon_proc *p, pid_t parent)
{
	sigset_t none;

	/* Ctrl-C is the supervisor's to pass on: else each daemon would hear it twice, and the
	 * second time means at once */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setenv("NOTIFY_SOCKET", d->notify_name, 1);
	/* ld.so(8): a symbol that is looked up when it is first used has the registers, which may
	 * hold a piece of a password that was just copied, put down on the stack */
	setenv("LD_BIND_NOW", "1", 1);
	if (d->sockets && sockets_give(d->sockets, p->name)) {
		call_complain("%s: its sockets can't be handed over: %s", p->name, strerror(errno));
		_exit(127);
	}
	execl(p->path, p->name, "-c", d->conf_path, (char *)NULL);
	call_complain("%s: %s", p->path, strerrordesc_np(errno));
	_exit(127);
}

enum err
daemon_start(struct daemons *d, struct daemon_proc *p)
{
	pid_t self = getpid();
	pid_t pid = fork();

	if (pid == 0)
		become_daemon(d, p, self);
	p->started_ms = clock_mono_ms();
	p->ready = false;
	if (!p->away_since_ms)
		p->away_since_ms = p->started_ms;
	if (pid < 0) {
		p->restart_at_ms = p->started_ms + p->backoff_ms;
		log_error(
		    "fork", F_CSTR("daemon", p->name), F_CSTR("reason", strerrordesc_np(errno)));
		return err_from_errno(errno);
	}
	p->pid = pid;
	p->restart_at_ms = 0;
	log_info("daemon_started", F_CSTR("daemon", p->name), F_INT("pid", pid));
	return ERR_OK;
}

void
daemons_start_due(struct daemons *d)
{
	int64_t now = clock_mono_ms();

	for (size_t i = 0; i < DAEMON_COUNT; i++) {
		struct daemon_proc *p = &d->proc[i];
		if (p->pid != 0 || !p->restart_at_ms || p->restart_at_ms > now)
			continue;
		if (d->sockets)
			sockets_follow(d->sockets, d->conf_path, p->name);
		if (daemon_start(d, p))
			p->restart_at_ms = now + p->backoff_ms;
	}
}

void
daemons_tend_ports(struct daemons *d)
{
	int64_t now = clock_mono_ms();

	for (size_t i = 0; i < DAEMON_COUNT; i++) {
		struct daemon_proc *p = &d->proc[i];
		bool away = p->away_since_ms && now - p->away_since_ms >= DAEMON_AWAY_MS;
		if (away == p->away)
			continue;
		p->away = away;
		sockets_set_away(d->sockets, p->name, away);
		if (away)
			log_warn("ports_closed", F_CSTR("daemon", p->name),
			    F_INT("away_ms", now - p->away_since_ms));
		else
			log_info("ports_open", F_CSTR("daemon", p->name));
	}
}

static void
sooner(int64_t *wait, int64_t at_ms, int64_t now)
{
	int64_t left = at_ms > now ? at_ms - now : 0;

	if (*wait < 0 || left < *wait)
		*wait = left;
}

int
daemons_wait_ms(const struct daemons *d)
{
	int64_t now = clock_mono_ms();
	int64_t wait = -1;

	for (size_t i = 0; i < DAEMON_COUNT; i++) {
		const struct daemon_proc *p = &d->proc[i];
		if (p->pid == 0 && p->restart_at_ms)
			sooner(&wait, p->restart_at_ms, now);
		if (p->away_since_ms && !p->away)
			sooner(&wait, p->away_since_ms + DAEMON_AWAY_MS, now);
	}
	return (int)wait;
}

static struct daemon_proc *
find_pid(struct daemons *d, pid_t pid)
{
	for (size_t i = 0; i < DAEMON_COUNT; i++)
		if (pid > 0 && d->proc[i].pid == pid)
			return &d->proc[i];
	return NULL;
}

/* One message and the process that the kernel says it is from. False when there is none. */
static bool
read_note(int fd, char *text, size_t size, pid_t *ret_pid)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec iov = {.iov_base = text, .iov_len = size - 1};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.room,
	    .msg_controllen = sizeof(control.room)};
	ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return false;
	text[n] = '\0';
	*ret_pid = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		struct ucred from;
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(&from, CMSG_DATA(c), sizeof(from));
		*ret_pid = from.pid;
	}
	return true;
}

bool
daemons_read_notes(struct daemons *d)
{
	bool became_ready = false;
	char text[1024];
	pid_t pid;

	while (read_note(d->notify_fd, text, sizeof(text), &pid)) {
		struct daemon_proc *p = find_pid(d, pid);
		struct str rest = str_of(text);
		struct str line;
		while (p && str_split(&rest, '\n', &line)) {
			if (!str_eq(line, STR("READY=1")) || p->ready)
				continue;
			p->ready = p->was_ready = became_ready = true;
			p->away_since_ms = 0;
			log_info("daemon_ready", F_CSTR("daemon", p->name), F_INT("pid", pid));
		}
	}
	return became_ready;
}

struct daemon_proc *
daemons_reap(struct daemons *d, int *ret_status)
{
	pid_t pid;

	while ((pid = waitpid(-1, ret_status, WNOHANG)) > 0) {
		struct daemon_proc *p = find_pid(d, pid);
		if (!p)
			continue;
		int64_t now = clock_mono_ms();
		int64_t most = p->ready ? DAEMON_RESTART_SERVED_MS : DAEMON_RESTART_MAX_MS;
		if (now - p->started_ms >= DAEMON_STEADY_MS)
			p->backoff_ms = DAEMON_RESTART_MIN_MS;
		if (p->backoff_ms > most)
			p->backoff_ms = most;
		p->pid = 0;
		if (p->ready)
			p->away_since_ms = now;
		p->ready = false;
		p->restart_at_ms = now + p->backoff_ms;
		p->backoff_ms *= 2;
		return p;
	}
	return NULL;
}

void
daemons_signal(struct daemons *d, int sig)
{
	for (size_t i = 0; i < DAEMON_COUNT; i++)
		if (d->proc[i].pid > 0)
			kill(d->proc[i].pid, sig);
}

bool
daemons_all_ready(const struct daemons *d)
{
	for (size_t i = 0; i < DAEMON_COUNT; i++)
		if (!d->proc[i].ready)
			return false;
	return true;
}

bool
daemons_any_alive(const struct daemons *d)
{
	for (size_t i = 0; i < DAEMON_COUNT; i++)
		if (d->proc[i].pid > 0)
			return true;
	return false;
}

void
daemon_describe_end(int status, struct sbuf *out)
{
	if (WIFSIGNALED(status))
		sbuf_printf(
		    out, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		sbuf_printf(out, "exit status %d", WEXITSTATUS(status));
}
