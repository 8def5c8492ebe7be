#include "tests/ctl/run_fixture.h"

#include "common/net/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

static volatile sig_atomic_t hangups;

static void
count_hangup(int sig)
{
	(void)sig;
	hangups++;
}

void
pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void
note(const char *name, const char *word)
{
	char path[256], line[64];
	int n = snprintf(line, sizeof(line), "%s %s %d\n", name, word, (int)getpid());

	snprintf(path, sizeof(path), "%s/notes", getenv("FAKE_DIR"));
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
}

static bool
is_healed(void)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/healed", getenv("FAKE_DIR"));
	return access(path, F_OK) == 0;
}

/* Whether it is the first of its name in this directory. */
static bool
is_first(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s.lived", getenv("FAKE_DIR"), name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int
run_as_daemon(const char *name)
{
	const char *fake = getenv("FAKE");
	size_t n = strlen(name);
	const char *kind = fake ? fake : "";

	if (strchr(kind, '='))
		kind = strncmp(kind, name, n) == 0 && kind[n] == '=' ? kind + n + 1 : "";
	signal(SIGHUP, count_hangup);
	note(name, "started");
	if (strcmp(kind, "no-start") == 0)
		return 1;
	if (strcmp(kind, "slow") == 0)
		pause_ms(300);
	if (strcmp(kind, "hangs") == 0 && !is_first(name))
		while (!is_healed())
			pause_ms(20);
	bool once = strcmp(kind, "once") == 0;
	if (!once || is_first(name))
		notify_state("READY=1");
	if (once || strcmp(kind, "dies") == 0) {
		pause_ms(100);
		raise(SIGKILL);
	}
	for (int seen = 0;;) {
		pause_ms(10000);
		if (hangups > seen) {
			seen = hangups;
			note(name, "hangup");
		}
	}
}

const char *
run_begin(void)
{
	static const char *const names[] = {"smtpd", "pop3d", "imapd"};
	const char *dir = ctl_begin();
	char path[256], self[512] = "";

	ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		ck_assert_int_eq(symlink(self, path), 0);
	}
	setenv("PILLARBOX_LIBEXEC", dir, 1);
	setenv("FAKE_DIR", dir, 1);
	return dir;
}

void
run_set_option(const char *dir, const char *name, const char *value)
{
	char command[512];

	snprintf(command, sizeof(command),
	    "sed -i -E 's/^([[:space:]]*)#?%s = .*/\\1%s = %s/' %s/pillarbox.conf", name, name,
	    value, dir);
	ck_assert_int_eq(system(command), 0);
}

pid_t
run_start(const char *dir, const char *fake)
{
	char program[512], conf[256], out[256];
	pid_t pid;

	snprintf(program, sizeof(program), "%s/ctl/pillarbox", getenv("PB_BUILDDIR"));
	snprintf(conf, sizeof(conf), "%s/pillarbox.conf", dir);
	snprintf(out, sizeof(out), "%s/out", dir);
	setenv("FAKE", fake, 1);
	pid = fork();
	if (pid == 0) {
		int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(fd, 1);
		dup2(fd, 2);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		execl(program, program, "-c", conf, "run", (char *)NULL);
		_exit(127);
	}
	return pid;
}

pid_t
run_up(const char *dir)
{
	pid_t pid = run_start(dir, "");

	run_await(dir, "out", "ready\n", 1);
	run_await(dir, "notes", "started", 3);
	return pid;
}

const char *
run_file(const char *dir, const char *name)
{
	static char text[65536];
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	if (f)
		fclose(f);
	text[n] = '\0';
	return text;
}

size_t
run_count(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, part)); p++)
		n++;
	return n;
}

void
run_await(const char *dir, const char *name, const char *part, size_t n)
{
	for (int i = 0; i < 1000; i++) {
		if (run_count(run_file(dir, name), part) >= n)
			return;
		pause_ms(10);
	}
	ck_abort_msg("\"%s\" is not %zu times in: %s", part, n, run_file(dir, name));
}

int
run_end_of(pid_t pid)
{
	int status = 0;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

pid_t
run_pid_in_notes(const char *dir, const char *words)
{
	const char *p = strstr(run_file(dir, "notes"), words);

	ck_assert_ptr_nonnull(p);
	return (pid_t)atoi(p + strlen(words) + 1);
}
