/* Which ports are open while `pillarbox run` runs: who connects to one is served, or is refused at
 * once. The daemons of run_fixture.h accept nobody: a port is open where the kernel does. */
#include "tests/ctl/run_fixture.h"

#include "common/base/cleanup.h"
#include "common/base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

static uint16_t
port_of(const char *dir, unsigned number)
{
	const char *p = strstr(run_file(dir, "pillarbox.conf"), "\nport_offset = ");

	ck_assert_ptr_nonnull(p);
	return (uint16_t)(number + strtoul(p + strlen("\nport_offset = "), NULL, 10));
}

/* A connection, or -1. */
static int
dial(const char *dir, unsigned number)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(port_of(dir, number)),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	ck_assert_int_eq(errno, ECONNREFUSED);
	close(fd);
	return -1;
}

static bool
is_open(const char *dir, unsigned number)
{
	CLEANUP(fd_close) int fd = dial(dir, number);

	return fd >= 0;
}

/* Waits until it is so, ten seconds at most. */
static void
await_port(const char *dir, unsigned number, bool open)
{
	int64_t until_ms = clock_mono_ms() + 10000;

	while (is_open(dir, number) != open) {
		ck_assert_msg(clock_mono_ms() < until_ms, "port %u is %s:\n%s", number,
		    open ? "closed" : "open", run_file(dir, "out"));
		pause_ms(10);
	}
}

static void
hang_up(const char *dir, pid_t pid)
{
	size_t n = run_count(run_file(dir, "notes"), "hangup");

	ck_assert_int_eq(kill(pid, SIGHUP), 0);
	run_await(dir, "notes", "hangup", n + 3);
}

START_TEST(a_service_that_is_switched_off_has_no_port)
{
	const char *dir = run_begin();

	run_set_option(dir, "pop3", "no");
	pid_t pid = run_up(dir);
	ck_assert(!is_open(dir, 110));
	ck_assert(is_open(dir, 995));
	ck_assert(is_open(dir, 143));
	ck_ctl(dir, 0, "stopped", "stop");
	ck_assert_int_eq(run_end_of(pid), 0);
	ctl_end(dir);
}
END_TEST

START_TEST(a_reload_closes_the_port_of_what_is_switched_off_and_opens_it_again)
{
	const char *dir = run_begin();
	pid_t pid = run_up(dir);

	run_set_option(dir, "imap", "no");
	ck_assert(is_open(dir, 143)); /* nobody was told yet */
	CLEANUP(fd_close) int waiting = dial(dir, 143);
	char octet;
	hang_up(dir, pid);
	ck_assert(!is_open(dir, 143));
	ck_assert_int_eq(recv(waiting, &octet, 1, 0), -1); /* nor does who waited there go on to */
	ck_assert(is_open(dir, 993));
	run_set_option(dir, "imap", "perhaps"); /* a configuration that is wrong changes nothing */
	run_set_option(dir, "imaps", "no");
	hang_up(dir, pid);
	ck_assert(!is_open(dir, 143));
	ck_assert(is_open(dir, 993));
	run_set_option(dir, "imap", "yes");
	hang_up(dir, pid);
	ck_assert(is_open(dir, 143));
	ck_assert(!is_open(dir, 993));
	ck_assert(is_open(dir, 110));
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	ck_assert_int_eq(run_end_of(pid), 0);
	ctl_end(dir);
}
END_TEST

/* The daemon reads the configuration when it starts: so does who keeps its ports. */
START_TEST(a_daemon_that_is_started_again_has_the_ports_of_the_configuration_then)
{
	const char *dir = run_begin();
	pid_t pid = run_up(dir);

	run_set_option(dir, "imap", "no");
	run_set_option(dir, "pop3", "no");
	ck_assert_int_eq(kill(run_pid_in_notes(dir, "imapd started"), SIGKILL), 0);
	run_await(dir, "notes", "imapd started", 2);
	ck_assert(!is_open(dir, 143));
	ck_assert(is_open(dir, 993));
	ck_assert(is_open(dir, 110)); /* of another, which knows nothing of it */
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	ck_assert_int_eq(run_end_of(pid), 0);
	ctl_end(dir);
}
END_TEST

START_TEST(who_connects_while_a_daemon_is_away_waits_a_little_and_not_for_long)
{
	const char *dir = run_begin();
	pid_t pid = run_start(dir, "imapd=hangs");
	char path[256], octet;

	run_await(dir, "out", "ready\n", 1);
	run_await(dir, "notes", "started", 3);
	ck_assert_int_eq(kill(run_pid_in_notes(dir, "imapd started"), SIGKILL), 0);
	run_await(dir, "notes", "imapd started", 2);
	CLEANUP(fd_close) int waiting = dial(dir, 143);
	ck_assert_int_ge(waiting, 0);
	int64_t since_ms = clock_mono_ms();
	await_port(dir, 143, false);
	ck_assert_int_gt(clock_mono_ms() - since_ms, 2000);
	await_port(dir, 993, false);
	ck_assert_int_eq(recv(waiting, &octet, 1, 0), -1);
	ck_assert(is_open(dir, 110));
	ck_assert(is_open(dir, 25));
	run_set_option(dir, "imaps", "no");
	ck_assert_int_eq(kill(pid, SIGHUP), 0); /* opens nothing for who is away */
	run_await(dir, "notes", "hangup", 2);
	ck_assert(!is_open(dir, 143));
	snprintf(path, sizeof(path), "%s/healed", dir);
	ck_assert_int_eq(creat(path, 0600) < 0, 0);
	run_await(dir, "out", "daemon_ready daemon=imapd", 2);
	await_port(dir, 143, true);
	ck_assert(!is_open(dir, 993));
	run_await(dir, "out", "ports_closed daemon=imapd", 1);
	run_await(dir, "out", "ports_open daemon=imapd", 1);
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	ck_assert_int_eq(run_end_of(pid), 0);
	ctl_end(dir);
}
END_TEST

int
main(int argc, char **argv)
{
	const TTest *const tests[] = {a_service_that_is_switched_off_has_no_port,
	    a_reload_closes_the_port_of_what_is_switched_off_and_opens_it_again,
	    a_daemon_that_is_started_again_has_the_ports_of_the_configuration_then,
	    who_connects_while_a_daemon_is_away_waits_a_little_and_not_for_long};

	if (argc == 3 && strcmp(argv[1], "-c") == 0)
		return run_as_daemon(argv[0]);
	return test_run("run_ports", tests, sizeof(tests) / sizeof(tests[0]));
}
