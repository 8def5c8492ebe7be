/* The log: where lines go, and what happens when nobody takes them. */
#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "tests/support/log_lines.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES 4000 /* more than a pipe or a socket holds */

static char text[1 << 20];

/* All that can be read from `fd` now. */
static void
drain(int fd)
{
	size_t n = 0;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (ssize_t got; (got = read(fd, text + n, sizeof(text) - 1 - n)) > 0;)
		n += (size_t)got;
	text[n] = '\0';
}

static void
log_to_a_reader_that_sleeps(const int fds[2])
{
	int saved = dup(STDERR_FILENO);
	unsigned lost = 0;

	dup2(fds[1], STDERR_FILENO);
	log_open("test", "stderr", LOG_LEVEL_INFO);
	alarm(5); /* a log that waits would wait for ever */
	for (int i = 0; i < LINES; i++)
		log_info("event", F_CSTR("with", "some words that make it longer"));
	alarm(0);
	drain(fds[0]);
	unsigned arrived = 0;
	for (const char *at = text; (at = strstr(at, " event with=")); at++)
		arrived++;
	ck_assert_uint_gt(arrived, 0);
	ck_assert_uint_lt(arrived, LINES);
	log_info("after");
	drain(fds[0]);
	log_close();
	dup2(saved, STDERR_FILENO);
	close(saved);
	ck_assert_ptr_nonnull(strstr(text, "info test after\n"));
	const char *told = strstr(text, "warn test log_lines_lost lines=");
	ck_assert_ptr_nonnull(told);
	ck_assert_int_eq(sscanf(told, "warn test log_lines_lost lines=%u", &lost), 1);
	ck_assert_uint_eq(arrived + lost, LINES);
}

START_TEST(a_full_pipe_loses_lines_and_says_how_many)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	log_to_a_reader_that_sleeps(fds);
	ck_assert_int_eq(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0); /* others share it */
}
END_TEST

START_TEST(a_full_socket_loses_lines_and_says_how_many)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	log_to_a_reader_that_sleeps(fds);
}
END_TEST

START_TEST(a_file_that_cannot_be_opened_leaves_the_log_where_it_was)
{
	const char *dir = test_mkdir();
	char target[300];
	char path[256];

	snprintf(path, sizeof(path), "%s/log", dir);
	snprintf(target, sizeof(target), "file:%s", path);
	ck_assert_ok(log_open("test", target, LOG_LEVEL_INFO));
	ck_assert_int_ne(log_open("test", "file:/nowhere/log", LOG_LEVEL_INFO), ERR_OK);
	log_info("kept");
	log_close();
	int fd = open(path, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	drain(fd);
	close(fd);
	ck_assert_ptr_nonnull(strstr(text, "info test kept\n"));
	test_rmdir(dir);
}
END_TEST

START_TEST(root_gives_a_file_that_it_makes_to_the_daemons_user_and_no_other_file)
{
	const char *dir = test_mkdir();
	char target[300];
	char path[256];
	struct stat st;

	if (geteuid() != 0)
		return; /* only root can give away */
	snprintf(path, sizeof(path), "%s/log", dir);
	snprintf(target, sizeof(target), "file:%s", path);
	log_set_owner(12345, 12346);
	ck_assert_ok(log_open("test", target, LOG_LEVEL_INFO));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_uid, 12345);
	ck_assert_uint_eq(st.st_gid, 12346);
	ck_assert_int_eq(chown(path, 0, 0), 0);
	ck_assert_ok(log_reopen());
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_uid, 0);
	log_close();
	test_rmdir(dir);
}
END_TEST

static void
keep_line(void *arg, struct str line)
{
	char *to = arg;

	ck_assert_uint_lt(line.n, 8192);
	memcpy(to, line.p, line.n);
	to[line.n] = '\0';
}

START_TEST(what_a_terminal_or_a_reader_obeys_is_escaped)
{
	static const char *const rows[][2] = {
	    {"a", "v=a\n"},
	    {"a b", "v=\"a b\"\n"},
	    {"a\r\nb", "v=\"a\\x0d\\x0ab\"\n"},
	    {"\x1b[2J", "v=\"\\x1b[2J\"\n"},
	    {"a\" k=\"b", "v=\"a\\\" k=\\\"b\"\n"},
	    {"Gr\xc3\xbc\xc3\x9f\xf0\x9f\x98\x80", "v=Gr\xc3\xbc\xc3\x9f\xf0\x9f\x98\x80\n"},
	    {"\xff\xc3\xbc", "v=\\xff\\xc3\\xbc\n"},
	    {"\xc2\x9b"
	     "31m",
		"v=\\xc2\\x9b31m\n"},
	    {"a\xc2\x85"
	     "b",
		"v=a\\xc2\\x85b\n"},
	    {"a\xe2\x80\xa8"
	     "b\xe2\x80\xa9",
		"v=a\\xe2\\x80\\xa8b\\xe2\\x80\\xa9\n"},
	    {"a\xe2\x80\xae"
	     "b\xe2\x81\xa6",
		"v=a\\xe2\\x80\\xaeb\\xe2\\x81\\xa6\n"},
	    {"\xe2\x82\xac\xc2\xa0\xef\xbb\xbf", "v=\xe2\x82\xac\xc2\xa0\\xef\\xbb\\xbf\n"},
	};
	char line[8192] = "";

	log_capture(keep_line, line);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		log_info("event", F_STR("v", test_guarded(str_of(rows[i][0]))));
		const char *at = strstr(line, " v=");
		ck_assert_ptr_nonnull(at);
		/* a line may come without its end */
		ck_assert_uint_ge(strlen(at + 1) + 1, strlen(rows[i][1]));
		ck_assert_msg(
		    strncmp(at + 1, rows[i][1], strlen(rows[i][1]) - 1) == 0, "%zu: %s", i, at);
		ck_assert_ptr_null(strchr(at + strlen(rows[i][1]), '\x1b'));
	}
	/* a long one is cut, and no half character is left over */
	char much[4001] = "x";
	for (size_t i = 1; i < 3999; i += 2)
		memcpy(much + i, "\xc3\xbc", 3);
	log_info("event", F_CSTR("v", much));
	ck_assert(str_is_utf8(str_of(line)));
	log_info("event", F_CSTR("v", much + 1));
	ck_assert(str_is_utf8(str_of(line)));
	log_capture(NULL, NULL);
}
END_TEST

START_TEST(whatever_the_values_say_a_line_is_one_event_with_our_keys_and_bounded)
{
	for (const char *const *a = log_lines_evil; *a; a++) {
		for (const char *const *b = log_lines_evil; *b; b++) {
			struct str one = test_guarded(str_of(*a));
			log_lines_begin();
			log_warn("event", F_CSTR("peer", "192.0.2.7"), F_STR("user", one),
			    F_CSTR("from", *b), F_STR("to", one), F_CSTR("helo", *b),
			    F_UINT("size", UINT64_MAX), F_STR("reply", one), F_CSTR("text", *b),
			    F_INT("age", INT64_MIN));
			const char *line = log_lines_end();
			ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
			ck_assert(
			    str_starts(str_of(line), STR("warn test event peer=192.0.2.7 user=")));
		}
	}
}
END_TEST

/* What holds lines against their form can find faults. */
START_TEST(what_is_no_line_is_known)
{
	static const char *const faulty[] = {
	    "warn test",
	    "warn test event v",
	    "warn test event v=",
	    "warn test event v=a b",
	    "warn test event v=a\"b",
	    "warn test event v=a\\b",
	    "warn test event v=\"a",
	    "warn test event v=\"a\\\"",
	    "warn test event v=\"a\"b",
	    "warn test event V=a",
	    "warn test event peer=a user=root",
	    "warn test event user=\"root\"",
	    "warn test event v=a=b",
	    "warn test event v=\"a\nb\"",
	    "warn test event v=\xc3",
	    "warn test event v=\xc2\x9b",
	    "warn test event v=\xe2\x80\xae",
	    "2026-01-01T00:00:00.000Z info smtpd login",
	};

	for (size_t i = 0; i < ARRAY_LEN(faulty); i++)
		ck_assert_msg(log_line_fault(str_of(faulty[i])) != NULL, "%s", faulty[i]);
	ck_assert_ptr_null(
	    log_line_fault(STR("warn test event v=a w=\"a \\\" =b\" x=\\xff\xc3\xbc y=\"\" z=-1")));
}
END_TEST

TEST_MAIN("log", what_a_terminal_or_a_reader_obeys_is_escaped,
    whatever_the_values_say_a_line_is_one_event_with_our_keys_and_bounded, what_is_no_line_is_known,
    a_full_pipe_loses_lines_and_says_how_many, a_full_socket_loses_lines_and_says_how_many,
    a_file_that_cannot_be_opened_leaves_the_log_where_it_was,
    root_gives_a_file_that_it_makes_to_the_daemons_user_and_no_other_file)
