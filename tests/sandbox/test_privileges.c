/* Each in a process of its own: there is no way back. */
#include "common/base/cleanup.h"
#include "common/sandbox/privileges.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What /proc/self/status says of `field`, without blanks at its ends. */
static const char *
status_of(const char *field)
{
	static char line[4096];
	FILE *f = fopen("/proc/self/status", "re");
	size_t n = strlen(field);

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, field, n) != 0 || line[n] != ':')
			continue;
		fclose(f);
		struct str value = str_trim(str_of(line + n + 1));
		((char *)value.p)[value.n] = '\0';
		return value.p;
	}
	fclose(f);
	return "";
}

static bool
is_root(void)
{
	if (geteuid() != 0 || is_sanitized())
		printf("SKIPPED: needs root and no sanitizer\n");
	return geteuid() == 0 && !is_sanitized();
}

#define NO_CAPABILITIES "0000000000000000"

START_TEST(root_becomes_the_user_and_nobody_else)
{
	const gid_t many[] = {0, 1, 2, 3};
	struct owner to;

	if (!is_root())
		return;
	ck_assert_int_eq(setgroups(4, many), 0);
	ck_assert_ok(owner_find("nobody", "", &to));
	ck_assert(to.becomes);
	ck_assert_ok(privileges_drop(&to, false));
	const struct passwd *pw = getpwnam("nobody");
	char ids[100];
	snprintf(
	    ids, sizeof(ids), "%u\t%u\t%u\t%u", pw->pw_uid, pw->pw_uid, pw->pw_uid, pw->pw_uid);
	ck_assert_str_eq(status_of("Uid"), ids);
	snprintf(
	    ids, sizeof(ids), "%u\t%u\t%u\t%u", pw->pw_gid, pw->pw_gid, pw->pw_gid, pw->pw_gid);
	ck_assert_str_eq(status_of("Gid"), ids);
	snprintf(ids, sizeof(ids), "%u", pw->pw_gid);
	ck_assert_str_eq(status_of("Groups"), ids);
	ck_assert_int_lt(setuid(0), 0);
}
END_TEST

START_TEST(no_capability_is_left_also_to_root)
{
	static const char *const sets[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};
	struct owner to;

	if (!is_root())
		return;
	ck_assert_ok(owner_find("", "", &to));
	ck_assert(!to.becomes);
	ck_assert_ok(privileges_drop(&to, false));
	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		ck_assert_str_eq(status_of(sets[i]), NO_CAPABILITIES);
	ck_assert_str_eq(status_of("NoNewPrivs"), "1");
}
END_TEST

START_TEST(memory_is_nobody_elses_unless_wished)
{
	struct owner to = {0};
	struct rlimit core;

	if (is_sanitized())
		return;
	int other = fork();
	if (other == 0) { /* the other way round, in a process that was not hardened yet */
		privileges_harden(true);
		_exit(privileges_drop(&to, true) || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 1);
	}
	int status = -1;
	waitpid(other, &status, 0);
	ck_assert_int_eq(status, 0);
	privileges_harden(false);
	ck_assert_ok(privileges_drop(&to, false));
	ck_assert_int_eq(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_CORE, &core), 0);
	ck_assert_uint_eq(core.rlim_max, 0);
}
END_TEST

START_TEST(files_are_the_users_alone)
{
	const char *dir = test_mkdir();
	char path[4096];
	struct stat st;

	privileges_harden(false);
	snprintf(path, sizeof(path), "%s/file", dir);
	CLEANUP(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	test_rmdir(dir);
}
END_TEST

START_TEST(a_user_that_does_not_exist_is_an_error)
{
	struct owner to;

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(owner_find("no-such-user", "", &to), ERR_CONFIG);
	ck_assert_int_eq(owner_find("nobody", "no-such-group", &to), ERR_CONFIG);
	ck_assert(!to.becomes);
}
END_TEST

TEST_MAIN("privileges", root_becomes_the_user_and_nobody_else, no_capability_is_left_also_to_root,
    memory_is_nobody_elses_unless_wished, files_are_the_users_alone,
    a_user_that_does_not_exist_is_an_error)
