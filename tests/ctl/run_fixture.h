/* tests/ctl/run_fixture.h - the supervisor, with daemons that do as they are told: the test's own
 * program under the name of a daemon, whose main() begins with
 *
 *	if (argc == 3 && strcmp(argv[1], "-c") == 0)
 *		return run_as_daemon(argv[0]);
 *
 * What each does, it writes into DIR/notes: "imapd started 4711". */
#ifndef TESTS_CTL_RUN_FIXTURE_H
#define TESTS_CTL_RUN_FIXTURE_H

#include "tests/ctl/ctl_fixture.h"

/* Behaves as $FAKE says, "KIND" for all daemons, or "smtpd=KIND": "no-start"; "slow" to become
 * ready; "dies" when it was ready; "once": it was ready once, and dies each time; "hangs": it is
 * ready the first time, later not before there is a file DIR/healed; anything else is well. */
int run_as_daemon(const char *name);

/* As ctl_begin(), and the daemons are this program. */
const char *run_begin(void);
/* DIR/pillarbox.conf has `name` set to `value`. */
void run_set_option(const char *dir, const char *name, const char *value);
/* `pillarbox run` in the background; its output goes to DIR/out. */
pid_t run_start(const char *dir, const char *fake);
/* The same with daemons that fare well, once all of them have started. */
pid_t run_up(const char *dir);
/* Its exit status, when it has ended. */
int run_end_of(pid_t pid);

/* The text of DIR/NAME, until the next call. */
const char *run_file(const char *dir, const char *name);
/* How many times `part` is in `text`. */
size_t run_count(const char *text, const char *part);
/* Waits, ten seconds at most, until DIR/NAME holds `part` n times. */
void run_await(const char *dir, const char *name, const char *part, size_t n);
/* The pid in the first note of that kind. */
pid_t run_pid_in_notes(const char *dir, const char *words);
void pause_ms(long ms);

#endif
