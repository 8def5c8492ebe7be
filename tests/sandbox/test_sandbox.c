/* Each call in a process of its own that has shut itself in as a daemon does. */
#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "common/sandbox/calls.h"
#include "common/sandbox/privileges.h"
#include "common/sandbox/sandbox.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SMTPD (SANDBOX_DIALS | SANDBOX_RESOLVES)
#define IMAPD SANDBOX_INDEXES
#define POP3D 0U

static int
result_of(long rc)
{
	return rc < 0 ? errno : 0;
}

static int
make_process(void)
{
	return result_of(fork());
}

static int
run_program(void)
{
	char program[] = "true", *const argv[] = {program, NULL};

	return result_of(execv("/bin/true", argv));
}

static int
trace(void)
{
	return result_of(ptrace(PTRACE_TRACEME, 0, 0, 0));
}

static int
mount_something(void)
{
	return result_of(syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, ""));
}

static int
become_root(void)
{
	return result_of(syscall(SYS_setuid, 0));
}

static int
take_capabilities(void)
{
	return result_of(syscall(SYS_capset, NULL, NULL));
}

static int
look_into_another(void)
{
	return result_of(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
}

static int
load_into_kernel(void)
{
	return result_of(syscall(SYS_bpf, 0, NULL, 0));
}

static int
make_ring(void)
{
	return result_of(syscall(SYS_io_uring_setup, 1, NULL));
}

static int
make_namespace(void)
{
	return result_of(unshare(CLONE_NEWUSER));
}

static int
clone_with_namespace(void)
{
	return result_of(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
}

static int
signal_another(void)
{
	return result_of(kill(getppid(), 0));
}

static int
listen_anew(void)
{
	return result_of(listen(0, 1));
}

static int
make_socket_of(int family, int type)
{
	return result_of(socket(family, type, 0));
}

static int
inet_socket(void)
{
	return make_socket_of(AF_INET, SOCK_STREAM);
}

static int
inet6_socket(void)
{
	return make_socket_of(AF_INET6, SOCK_DGRAM);
}

static int
unix_socket(void)
{
	return make_socket_of(AF_UNIX, SOCK_DGRAM);
}

static int
packet_socket(void)
{
	return make_socket_of(AF_PACKET, SOCK_RAW);
}

static int
vsock_socket(void)
{
	return make_socket_of(AF_VSOCK, SOCK_STREAM);
}

static int
netlink_socket(void)
{
	return make_socket_of(AF_NETLINK, SOCK_RAW);
}

static int
map_code(void)
{
	void *p = mmap(
	    NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int
turn_into_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return result_of(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int
map_code_of_file(void)
{
	CLEANUP(fd_close) int fd = open("/usr/bin/env", O_RDONLY | O_CLOEXEC);
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int
map_memory(void)
{
	char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	p[4096] = 1;
	return result_of(mprotect(p, 4096, PROT_NONE)) + result_of(munmap(p, 1 << 20));
}

static void *
thread_main(void *arg)
{
	*(int *)arg = 1;
	return NULL;
}

static int
run_thread(void)
{
	pthread_t t;
	int ran = 0;

	if (pthread_create(&t, NULL, thread_main, &ran) != 0)
		return EAGAIN;
	pthread_join(t, NULL);
	return ran ? 0 : ECHILD;
}

static int
lower_priority(void)
{
	const struct sched_param none = {0};

	return result_of(sched_setscheduler(0, SCHED_IDLE, &none));
}

static int
become_dumpable(void)
{
	return result_of(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int
raise_limit(void)
{
	const struct {
		unsigned long long now, max;
	} none = {0, 0};

	return result_of(syscall(SYS_prlimit64, 0, 0, &none, NULL));
}

static int
rarely_used(void)
{
	return result_of(syscall(SYS_swapoff, "/none"));
}

static int
not_listed(void)
{
	return result_of(syscall(SYS_sched_rr_get_interval, 0, NULL));
}

#define KILLED (-1)

struct row {
	const char *what;
	int (*call)(void);
	/* errno, 0 or KILLED: strict for each daemon, and on */
	int smtpd, pop3d, imapd, on;
};

/* clang-format off */
static const struct row rows[] = {
	{"fork",                  make_process,         KILLED, KILLED, KILLED, EPERM},
	{"execve",                run_program,          KILLED, KILLED, KILLED, KILLED},
	{"ptrace",                trace,                KILLED, KILLED, KILLED, KILLED},
	{"mount",                 mount_something,      KILLED, KILLED, KILLED, KILLED},
	{"setuid",                become_root,          KILLED, KILLED, KILLED, KILLED},
	{"capset",                take_capabilities,    KILLED, KILLED, KILLED, KILLED},
	{"process_vm_readv",      look_into_another,    KILLED, KILLED, KILLED, KILLED},
	{"bpf",                   load_into_kernel,     KILLED, KILLED, KILLED, KILLED},
	{"io_uring",              make_ring,            KILLED, KILLED, KILLED, KILLED},
	{"unshare",               make_namespace,       KILLED, KILLED, KILLED, KILLED},
	{"swapoff",               rarely_used,          KILLED, KILLED, KILLED, KILLED},
	{"clone, a namespace",    clone_with_namespace, KILLED, KILLED, KILLED, EPERM},
	{"kill",                  signal_another,       KILLED, KILLED, KILLED, EPERM},
	{"listen",                listen_anew,          KILLED, KILLED, KILLED, EPERM},
	{"AF_PACKET",             packet_socket,        KILLED, KILLED, KILLED, EPERM},
	{"AF_VSOCK",              vsock_socket,         KILLED, KILLED, KILLED, EPERM},
	{"mmap, code",            map_code,             KILLED, KILLED, KILLED, EPERM},
	{"mprotect, code",        turn_into_code,       KILLED, KILLED, KILLED, EPERM},
	{"prctl, dumpable",       become_dumpable,      KILLED, KILLED, KILLED, EPERM},
	{"prlimit",               raise_limit,          KILLED, KILLED, KILLED, EPERM},
	{"not on the list",       not_listed,           KILLED, KILLED, KILLED, EPERM},
	{"AF_INET",               inet_socket,          0,      KILLED, KILLED, 0},
	{"AF_INET6",              inet6_socket,         0,      KILLED, KILLED, 0},
	{"sched_setscheduler",    lower_priority,       KILLED, KILLED, 0,      EPERM},
	{"AF_NETLINK",            netlink_socket,       EAFNOSUPPORT, EAFNOSUPPORT, EAFNOSUPPORT, EAFNOSUPPORT},
	{"mmap, code of a file",  map_code_of_file,     EPERM,  EPERM,  EPERM,  EPERM},
	{"AF_UNIX",               unix_socket,          0,      0,      0,      0},
	{"mmap",                  map_memory,           0,      0,      0,      0},
	{"a thread",              run_thread,           0,      0,      0,      0},
};
/* clang-format on */

/* In a child: 0 or errno as its exit status. */
static int
in_sandbox(const struct sandbox *s, int (*call)(void))
{
	int status = 0;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)!log_open("test_sandbox", "stderr", LOG_LEVEL_WARN);
		if (sandbox_enter(s))
			_exit(200);
		_exit(call());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? KILLED : 1000 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

/* Nor has every kernel that we are built on these. */
static bool
has_seccomp(void)
{
	if (is_sanitized() || prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0) {
		printf("SKIPPED: %s\n", is_sanitized() ? "a sanitizer" : "no seccomp here");
		return false;
	}
	return true;
}

START_TEST(a_forbidden_call_ends_a_daemon_and_an_allowed_one_works)
{
	const struct {
		const char *name;
		unsigned does;
	} daemons[] = {{"smtpd", SMTPD}, {"pop3d", POP3D}, {"imapd", IMAPD}};

	if (!has_seccomp())
		return;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const int wanted[] = {rows[i].smtpd, rows[i].pop3d, rows[i].imapd};
		for (size_t d = 0; d < ARRAY_LEN(daemons); d++) {
			const struct sandbox s = {.mode = SANDBOX_STRICT,
			    .does = daemons[d].does,
			    .paths = &(const struct sandbox_path){"/", true},
			    .path_count = 1};
			int got = in_sandbox(&s, rows[i].call);
			ck_assert_msg(got == wanted[d], "%s in %s: %d, not %d", rows[i].what,
			    daemons[d].name, got, wanted[d]);
		}
	}
}
END_TEST

START_TEST(with_on_only_an_intruders_call_ends_it_and_others_fail)
{
	if (!has_seccomp())
		return;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct sandbox s = {.mode = SANDBOX_ON,
		    .does = SMTPD,
		    .paths = &(const struct sandbox_path){"/", true},
		    .path_count = 1};
		int got = in_sandbox(&s, rows[i].call);
		int wanted = rows[i].call == make_process ? KILLED : rows[i].on;
		/* fork(3) is clone() where there is no fork() */
		ck_assert_msg(got == wanted || (rows[i].call == make_process && got == EPERM),
		    "%s: %d, not %d", rows[i].what, got, wanted);
	}
}
END_TEST

START_TEST(with_log_and_off_everything_works)
{
	const struct sandbox log = {.mode = SANDBOX_LOG}, off = {.mode = SANDBOX_OFF};

	if (!has_seccomp())
		return;
	ck_assert_int_eq(in_sandbox(&log, map_code), 0);
	ck_assert_int_eq(in_sandbox(&log, netlink_socket), 0);
	ck_assert_int_eq(in_sandbox(&log, run_thread), 0);
	ck_assert_int_eq(in_sandbox(&off, map_code), 0);
}
END_TEST

START_TEST(no_group_of_calls_is_without_a_reason_or_has_what_intruders_use)
{
	size_t groups, n;
	const struct call_group *g = calls_allowed(&groups);
	const char *const *intruders = calls_of_intruders(&n);

	ck_assert_uint_gt(groups, 5);
	for (size_t i = 0; i < groups; i++) {
		ck_assert(g[i].reason && g[i].reason[0]);
		for (size_t k = 0; k < g[i].n; k++)
			for (size_t j = 0; j < n; j++)
				ck_assert_str_ne(g[i].calls[k].name, intruders[j]);
	}
}
END_TEST

START_TEST(modes_have_names)
{
	enum sandbox_mode m;

	ck_assert_ok(sandbox_mode_parse("strict", &m));
	ck_assert_int_eq(m, SANDBOX_STRICT);
	ck_assert_ok(sandbox_mode_parse("off", &m));
	ck_assert_int_eq(m, SANDBOX_OFF);
	ck_assert_int_eq(sandbox_mode_parse("yes", &m), ERR_NOT_FOUND);
}
END_TEST

/* -- files ------------------------------------------------------------------------------------ */

static char *own, *others, *named; /* directories */

static int
open_in(const char *dir, const char *name, int flags)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int
write_own(void)
{
	return open_in(own, "new", O_RDWR | O_CREAT);
}

static int
truncate_own(void)
{
	return open_in(own, "there", O_RDWR | O_TRUNC);
}

static int
rename_own(void)
{
	char from[4096], to[4096], second[4096];

	snprintf(from, sizeof(from), "%s/there", own);
	snprintf(to, sizeof(to), "%s/below/moved", own);
	snprintf(second, sizeof(second), "%s/linked", own);
	return result_of(rename(from, to)) + result_of(link(to, second)) +
	       result_of(unlink(second));
}

static int
read_named(void)
{
	return open_in(named, "there", O_RDONLY);
}

static int
read_what_came_later(void)
{
	return open_in(named, "later", O_RDONLY);
}

static int
write_named(void)
{
	return open_in(named, "there", O_WRONLY);
}

static int
make_in_named(void)
{
	return open_in(named, "new", O_WRONLY | O_CREAT);
}

static int
read_others(void)
{
	return open_in(others, "there", O_RDONLY);
}

static int
list_others(void)
{
	return open_in(others, ".", O_RDONLY | O_DIRECTORY);
}

static int
read_system(void)
{
	return open_in("/etc", "passwd", O_RDONLY);
}

static int
write_system(void)
{
	return open_in("/etc", "pillarbox-test", O_WRONLY | O_CREAT);
}

static int
read_processes(void)
{
	return open_in("/proc/1", "status", O_RDONLY);
}

static char *
make_directory(const char *base, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", base, name);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(open_in(path, "there", O_WRONLY | O_CREAT), 0);
	return strdup(path);
}

START_TEST(only_the_files_that_were_named_are_reached)
{
	static const struct {
		const char *what;
		int (*call)(void);
		int wanted;
	} files[] = {
	    {"write own", write_own, 0},
	    {"truncate own", truncate_own, 0},
	    {"rename and link own", rename_own, 0},
	    {"read named", read_named, 0},
	    {"read what came later", read_what_came_later, 0},
	    {"write named", write_named, EACCES},
	    {"make in named", make_in_named, EACCES},
	    {"read others", read_others, EACCES},
	    {"list others", list_others, EACCES},
	    {"read the system's", read_system, 0},
	    {"write the system's", write_system, EACCES},
	    {"read of other processes", read_processes, EACCES},
	};
	const char *base = test_mkdir();

	if (is_sanitized() || syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 2) {
		printf("SKIPPED: no landlock here\n");
		return;
	}
	own = make_directory(base, "own");
	others = make_directory(base, "others");
	named = make_directory(base, "named");
	free(make_directory(own, "below"));
	const struct sandbox_path paths[] = {
	    {own, true}, {named, false}, {"/no such directory", true}};
	const struct sandbox s = {
	    .mode = SANDBOX_STRICT, .does = POP3D, .paths = paths, .path_count = 3};
	ck_assert_int_eq(open_in(named, "later", O_WRONLY | O_CREAT), 0);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		int got = in_sandbox(&s, files[i].call);
		ck_assert_msg(got == files[i].wanted || (got == EPERM && files[i].wanted == EACCES),
		    "%s: %d, not %d", files[i].what, got, files[i].wanted);
	}
	test_rmdir(base);
}
END_TEST

TEST_MAIN("sandbox", a_forbidden_call_ends_a_daemon_and_an_allowed_one_works,
    with_on_only_an_intruders_call_ends_it_and_others_fail, with_log_and_off_everything_works,
    no_group_of_calls_is_without_a_reason_or_has_what_intruders_use, modes_have_names,
    only_the_files_that_were_named_are_reached)
