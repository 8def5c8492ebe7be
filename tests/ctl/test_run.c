/* The supervisor, with daemons that do as they are told: this program under the name of a daemon.
 * $FAKE says how it behaves: "KIND" for all, or "smtpd=KIND". */
#include "common/base/json.h"
#include "common/net/notify.h"
#include "tests/ctl/ctl_fixture.h"

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

static void
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

static int
be_daemon(const char *name)
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

static const char *
begin(void)
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

/* `pillarbox run` in the background; its output goes to DIR/out. */
static pid_t
start(const char *dir, const char *fake)
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

static const char *
contents(const char *dir, const char *name)
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

static size_t
count(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, part)); p++)
		n++;
	return n;
}

/* Waits, ten seconds at most, until DIR/NAME holds `part` n times. */
static void
await(const char *dir, const char *name, const char *part, size_t n)
{
	for (int i = 0; i < 1000; i++) {
		if (count(contents(dir, name), part) >= n)
			return;
		pause_ms(10);
	}
	ck_abort_msg("\"%s\" is not %zu times in: %s", part, n, contents(dir, name));
}

static int
end_of(pid_t pid)
{
	int status = 0;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The pid in the first note of that kind. */
static pid_t
pid_in_notes(const char *dir, const char *words)
{
	const char *p = strstr(contents(dir, "notes"), words);

	ck_assert_ptr_nonnull(p);
	return (pid_t)atoi(p + strlen(words) + 1);
}

START_TEST(ready_is_said_once_when_all_are_ready)
{
	const char *dir = begin();
	pid_t pid = start(dir, "imapd=slow");

	await(dir, "notes", "started", 3);
	await(dir, "out", "ready\n", 1);
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	ck_assert_int_eq(end_of(pid), 0);
	const char *out = contents(dir, "out");
	const char *line = strstr(out, "\nready\n");
	ck_assert_msg(line != NULL || strncmp(out, "ready\n", 6) == 0, "%s", out);
	ck_assert_uint_eq(count(out, "\nready\n"), 1);
	ctl_end(dir);
}
END_TEST

START_TEST(a_daemon_that_cannot_start_ends_the_run)
{
	const char *dir = begin();
	pid_t pid = start(dir, "pop3d=no-start");

	ck_assert_int_eq(end_of(pid), 1);
	const char *out = contents(dir, "out");
	ck_assert_msg(strstr(out, "pop3d could not start (exit status 1)") != NULL, "%s", out);
	ck_assert_ptr_null(strstr(out, "\nready\n"));
	ck_ctl(dir, 3, "nothing runs", "status");
	ctl_end(dir);
}
END_TEST

START_TEST(a_daemon_that_dies_is_started_again_and_the_others_stay)
{
	const char *dir = begin();
	pid_t pid = start(dir, "");

	await(dir, "out", "ready\n", 1);
	await(dir, "notes", "started", 3);
	pid_t imapd = pid_in_notes(dir, "imapd started");
	ck_assert_int_eq(kill(imapd, SIGKILL), 0);
	await(dir, "notes", "imapd started", 2);
	await(dir, "out", "daemon_died", 1);
	const char *out = contents(dir, "out");
	ck_assert_msg(strstr(out, "killed by signal 9") != NULL, "%s", out);
	ck_assert_uint_eq(count(contents(dir, "notes"), "smtpd started"), 1);
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	ck_assert_int_eq(end_of(pid), 0);
	ctl_end(dir);
}
END_TEST

START_TEST(a_daemon_that_had_served_is_back_within_a_second_each_time)
{
	const char *dir = begin();
	pid_t pid = start(dir, "smtpd=dies");

	/* lives of 100 ms with pauses of 50, 100, 200, then 400 ms between */
	await(dir, "notes", "smtpd started", 4);
	pause_ms(3000); /* enough for four more */
	ck_assert_uint_ge(count(contents(dir, "notes"), "smtpd started"), 6);
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	ck_assert_int_eq(end_of(pid), 0);
	ctl_end(dir);
}
END_TEST

START_TEST(a_daemon_that_dies_before_it_is_ready_is_started_ever_more_slowly)
{
	const char *dir = begin();
	pid_t pid = start(dir, "smtpd=once");

	await(dir, "notes", "smtpd started", 4);
	/* lives of 100 ms with pauses of 50, 100, 200, 400, 800 ms between: from the fourth start
	 * to the sixth it is 1.4 seconds */
	pause_ms(800);
	ck_assert_uint_lt(count(contents(dir, "notes"), "smtpd started"), 6);
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	ck_assert_int_eq(end_of(pid), 0);
	ctl_end(dir);
}
END_TEST

START_TEST(it_does_not_run_twice_and_stop_ends_it)
{
	const char *dir = begin();
	pid_t pid = start(dir, "");

	await(dir, "out", "ready\n", 1);
	ck_ctl(dir, 1, "it runs already, as process", "run");
	ck_ctl(dir, 1, "\"name\":\"smtpd\",\"pid\":", "status --json"); /* no port answers */
	ck_ctl(dir, 0, "stopped", "stop");
	ck_assert_int_eq(end_of(pid), 0);
	ck_ctl(dir, 3, "no `pillarbox run` runs", "stop");
	ctl_end(dir);
}
END_TEST

START_TEST(a_stale_pid_file_misleads_nobody)
{
	const char *dir = begin();
	char path[256];

	snprintf(path, sizeof(path), "%s/run/pillarbox.pid", dir);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fprintf(f, "%d\nsmtpd %d\n", (int)getpid(), (int)getpid());
	fclose(f);
	ck_ctl(dir, 3, "no `pillarbox run` runs", "stop");
	ck_ctl(dir, 3, "nothing runs", "status");
	pid_t pid = start(dir, "");
	await(dir, "out", "ready\n", 1);
	ck_ctl(dir, 0, "stopped", "stop");
	ck_assert_int_eq(end_of(pid), 0);
	ctl_end(dir);
}
END_TEST

START_TEST(a_hangup_reaches_every_daemon)
{
	const char *dir = begin();
	pid_t pid = start(dir, "");

	await(dir, "out", "ready\n", 1);
	await(dir, "notes", "started", 3);
	ck_assert_int_eq(kill(pid, SIGHUP), 0);
	await(dir, "notes", "hangup", 3);
	ck_assert_int_eq(kill(pid, SIGINT), 0);
	ck_assert_int_eq(end_of(pid), 0);
	ctl_end(dir);
}
END_TEST

START_TEST(no_daemon_outlives_a_killed_supervisor)
{
	const char *dir = begin();
	pid_t pid = start(dir, "");

	await(dir, "out", "ready\n", 1);
	await(dir, "notes", "started", 3);
	pid_t smtpd = pid_in_notes(dir, "smtpd started");
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	end_of(pid);
	for (int i = 0; i < 500 && kill(smtpd, 0) == 0; i++) {
		char stat[64];
		snprintf(stat, sizeof(stat), "/proc/%d", (int)smtpd);
		if (strstr(contents(stat, "stat"), ") Z "))
			break; /* dead, and init is slow to bury it */
		pause_ms(10);
		ck_assert_int_lt(i, 499);
	}
	ctl_end(dir);
}
END_TEST

START_TEST(missing_programs_are_named)
{
	const char *dir = begin();

	setenv("PILLARBOX_LIBEXEC", "/no/such/place", 1);
	ck_ctl(dir, 1, "the program smtpd is missing", "run");
	ctl_end(dir);
}
END_TEST

START_TEST(json_is_escaped)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(4096);

	json_open(&out, NULL, '{');
	json_str(&out, "a\"b", STR("x\n\\\x7f\xc3\xbc"));
	json_str(&out, "bad", STR("\xff"));
	json_open(&out, "list", '[');
	json_u64(&out, NULL, 1);
	json_bool(&out, NULL, true);
	json_close(&out, ']');
	json_close(&out, '}');
	ck_assert_str_eq(sbuf_cstr(&out), "{\"a\\\"b\":\"x\\u000a\\\\\\u007f\xc3\xbc\","
					  "\"bad\":\"\\ufffd\",\"list\":[1,true]}");
}
END_TEST

int
main(int argc, char **argv)
{
	const TTest *const tests[] = {ready_is_said_once_when_all_are_ready,
	    a_daemon_that_cannot_start_ends_the_run,
	    a_daemon_that_dies_is_started_again_and_the_others_stay,
	    a_daemon_that_had_served_is_back_within_a_second_each_time,
	    a_daemon_that_dies_before_it_is_ready_is_started_ever_more_slowly,
	    it_does_not_run_twice_and_stop_ends_it, a_stale_pid_file_misleads_nobody,
	    a_hangup_reaches_every_daemon, no_daemon_outlives_a_killed_supervisor,
	    missing_programs_are_named, json_is_escaped};

	if (argc == 3 && strcmp(argv[1], "-c") == 0)
		return be_daemon(argv[0]);
	return test_run("run", tests, sizeof(tests) / sizeof(tests[0]));
}
