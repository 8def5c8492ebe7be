/* The supervisor, with daemons that do as they are told (run_fixture.h). */
#include "common/base/json.h"
#include "tests/ctl/run_fixture.h"

#include <signal.h>
#include <stdio.h>

START_TEST(ready_is_said_once_when_all_are_ready)
{
	const char *dir = run_begin();
	pid_t pid = run_start(dir, "imapd=slow");

	run_await(dir, "notes", "started", 3);
	run_await(dir, "out", "ready\n", 1);
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	ck_assert_int_eq(run_end_of(pid), 0);
	const char *out = run_file(dir, "out");
	const char *line = strstr(out, "\nready\n");
	ck_assert_msg(line != NULL || strncmp(out, "ready\n", 6) == 0, "%s", out);
	ck_assert_uint_eq(run_count(out, "\nready\n"), 1);
	ctl_end(dir);
}
END_TEST

START_TEST(a_daemon_that_cannot_start_ends_the_run)
{
	const char *dir = run_begin();
	pid_t pid = run_start(dir, "pop3d=no-start");

	ck_assert_int_eq(run_end_of(pid), 1);
	const char *out = run_file(dir, "out");
	ck_assert_msg(strstr(out, "pop3d could not start (exit status 1)") != NULL, "%s", out);
	ck_assert_ptr_null(strstr(out, "\nready\n"));
	ck_ctl(dir, 3, "nothing runs", "status");
	ctl_end(dir);
}
END_TEST

START_TEST(a_daemon_that_dies_is_started_again_and_the_others_stay)
{
	const char *dir = run_begin();
	pid_t pid = run_up(dir);

	pid_t imapd = run_pid_in_notes(dir, "imapd started");
	ck_assert_int_eq(kill(imapd, SIGKILL), 0);
	run_await(dir, "notes", "imapd started", 2);
	run_await(dir, "out", "daemon_died", 1);
	const char *out = run_file(dir, "out");
	ck_assert_msg(strstr(out, "killed by signal 9") != NULL, "%s", out);
	ck_assert_uint_eq(run_count(run_file(dir, "notes"), "smtpd started"), 1);
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	ck_assert_int_eq(run_end_of(pid), 0);
	ctl_end(dir);
}
END_TEST

START_TEST(a_daemon_that_had_served_is_back_within_a_second_each_time)
{
	const char *dir = run_begin();
	pid_t pid = run_start(dir, "smtpd=dies");

	/* lives of 100 ms with pauses of 50, 100, 200, then 400 ms between */
	run_await(dir, "notes", "smtpd started", 4);
	pause_ms(3000); /* enough for four more */
	ck_assert_uint_ge(run_count(run_file(dir, "notes"), "smtpd started"), 6);
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	ck_assert_int_eq(run_end_of(pid), 0);
	ctl_end(dir);
}
END_TEST

START_TEST(a_daemon_that_dies_before_it_is_ready_is_started_ever_more_slowly)
{
	const char *dir = run_begin();
	pid_t pid = run_start(dir, "smtpd=once");

	run_await(dir, "notes", "smtpd started", 4);
	/* lives of 100 ms with pauses of 50, 100, 200, 400, 800 ms between: from the fourth start
	 * to the sixth it is 1.4 seconds */
	pause_ms(800);
	ck_assert_uint_lt(run_count(run_file(dir, "notes"), "smtpd started"), 6);
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	ck_assert_int_eq(run_end_of(pid), 0);
	ctl_end(dir);
}
END_TEST

START_TEST(it_does_not_run_twice_and_stop_ends_it)
{
	const char *const silent[] = {
	    "smtp", "submission", "submissions", "pop3", "pop3s", "imaps"};
	const char *dir = run_begin();

	/* `status` waits for the greeting of each */
	for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
		run_set_option(dir, silent[i], "no");
	pid_t pid = run_start(dir, "");

	run_await(dir, "out", "ready\n", 1);
	ck_ctl(dir, 1, "it runs already, as process", "run");
	ck_ctl(dir, 1, "\"name\":\"smtpd\",\"pid\":", "status --json"); /* no port answers */
	ck_ctl(dir, 0, "stopped", "stop");
	ck_assert_int_eq(run_end_of(pid), 0);
	ck_ctl(dir, 3, "no `pillarbox run` runs", "stop");
	ctl_end(dir);
}
END_TEST

START_TEST(a_stale_pid_file_misleads_nobody)
{
	const char *dir = run_begin();
	char path[256];

	snprintf(path, sizeof(path), "%s/run/pillarbox.pid", dir);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fprintf(f, "%d\nsmtpd %d\n", (int)getpid(), (int)getpid());
	fclose(f);
	ck_ctl(dir, 3, "no `pillarbox run` runs", "stop");
	ck_ctl(dir, 3, "nothing runs", "status");
	pid_t pid = run_start(dir, "");
	run_await(dir, "out", "ready\n", 1);
	ck_ctl(dir, 0, "stopped", "stop");
	ck_assert_int_eq(run_end_of(pid), 0);
	ctl_end(dir);
}
END_TEST

START_TEST(a_hangup_reaches_every_daemon)
{
	const char *dir = run_begin();
	pid_t pid = run_up(dir);

	ck_assert_int_eq(kill(pid, SIGHUP), 0);
	run_await(dir, "notes", "hangup", 3);
	ck_assert_int_eq(kill(pid, SIGINT), 0);
	ck_assert_int_eq(run_end_of(pid), 0);
	ctl_end(dir);
}
END_TEST

START_TEST(no_daemon_outlives_a_killed_supervisor)
{
	const char *dir = run_begin();
	pid_t pid = run_up(dir);

	pid_t smtpd = run_pid_in_notes(dir, "smtpd started");
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	run_end_of(pid);
	for (int i = 0; i < 500 && kill(smtpd, 0) == 0; i++) {
		char stat[64];
		snprintf(stat, sizeof(stat), "/proc/%d", (int)smtpd);
		if (strstr(run_file(stat, "stat"), ") Z "))
			break; /* dead, and init is slow to bury it */
		pause_ms(10);
		ck_assert_int_lt(i, 499);
	}
	ctl_end(dir);
}
END_TEST

START_TEST(missing_programs_are_named)
{
	const char *dir = run_begin();

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
		return run_as_daemon(argv[0]);
	return test_run("run", tests, sizeof(tests) / sizeof(tests[0]));
}
