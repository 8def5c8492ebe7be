#include "store/mailbox.h"
#include "tests/ctl/ctl_fixture.h"

#include <stdio.h>
#include <sys/stat.h>

START_TEST(init_makes_what_the_configuration_names)
{
	static const struct {
		const char *name;
		mode_t forbidden; /* bits */
	} files[] = {
	    {"pillarbox.conf", S_IWOTH},
	    {"data/directory.db", S_IRWXO},
	    {"tls/ca.pem", S_IWOTH},
	    {"tls/ca-key.pem", S_IRWXG | S_IRWXO},
	    {"tls/server.pem", S_IWOTH},
	    {"tls/server-key.pem", S_IRWXG | S_IRWXO},
	    {"run", S_IRWXO},
	};
	const char *dir = ctl_begin();

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[256];
		struct stat st;
		snprintf(path, sizeof(path), "%s/%s", dir, files[i].name);
		ck_assert_msg(stat(path, &st) == 0, "%s is missing", path);
		ck_assert_msg((st.st_mode & files[i].forbidden) == 0, "%s has mode %o", path,
		    st.st_mode & 07777);
	}
	ck_ctl(dir, 0, "all is well", "check");
	ck_ctl(dir, 0, "example.test\n", "domain list");
	ctl_end(dir);
}
END_TEST

START_TEST(init_leaves_an_existing_configuration_alone)
{
	const char *dir = ctl_begin();
	struct stat before, after;
	char path[256];

	snprintf(path, sizeof(path), "%s/pillarbox.conf", dir);
	ck_assert_int_eq(stat(path, &before), 0);
	ck_ctl(dir, 4, "exists already", "init --dir %s --domain example.test", dir);
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_int_eq(before.st_ino, after.st_ino);
	ck_assert_int_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	ctl_end(dir);
}
END_TEST

START_TEST(init_says_what_it_needs)
{
	const char *dir = test_mkdir();
	static const struct {
		const char *words;
		const char *part;
	} rows[] = {
	    {"init --dir %s/x", "--domain example.org"},
	    {"init --dir %s/x --domain 'a b'", "expected a name such as example.org"},
	    {"init --dir %s/x --domain example.test --listen here", "expected an IP address"},
	    {"init --dir %s/x --domain example.test --port-offset 70000", "from 0 to 60000"},
	    {"init --dir %s/x --domain example.test --speed 3", "there is no option --speed"},
	    {"init --dir %s/x --domain", "--domain needs a value"},
	    {"init --dir %s/x --domain example.test more", "one word too many"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char words[256];
		struct stat st;
		snprintf(words, sizeof(words), "init --dir %s/x%s", dir,
		    rows[i].words + strlen("init --dir %s/x"));
		ck_ctl(dir, 2, rows[i].part, "%s", words);
		snprintf(words, sizeof(words), "%s/x", dir);
		ck_assert_int_ne(stat(words, &st), 0);
	}
	test_rmdir(dir);
}
END_TEST

START_TEST(accounts_are_added_listed_changed_and_removed)
{
	const char *dir = ctl_begin();

	ck_ctl(dir, 0, "has the password ", "account add ann@example.test");
	ck_ctl(dir, 4, "exists already", "account add Ann@Example.Test");
	ck_ctl(dir, 4, "domain add other.test", "account add ann@other.test");
	ck_ctl(dir, 2, "expected name@domain", "account add ann");
	ck_ctl(dir, 2, "something is missing: expected ADDRESS", "account add");
	ck_ctl(dir, 2, "expected a size", "account add bob@example.test --quota lots");
	ck_ctl(dir, 0, "", "account add bob@example.test --quota 2G");
	ck_ctl(dir, 0, "ann@example.test", "account list");
	ck_ctl(dir, 0, "\"address\":\"bob@example.test\"", "account list --json");
	ck_ctl(dir, 0, "\"bytes_limit\":2147483648", "account quota bob@example.test --json");
	ck_ctl(dir, 0, "", "account quota bob@example.test 500M --messages 1000");
	ck_ctl(dir, 0, "0 of 500 M, 0 of 1000 messages", "account quota bob@example.test");
	ck_ctl(dir, 0, "", "account quota bob@example.test none");
	ck_ctl(dir, 0, "0 (no limit), 0 of 1000", "account quota bob@example.test");
	ck_ctl(dir, 4, "there is no account", "account quota carl@example.test");
	ck_ctl(dir, 0, "has the password ", "account password bob@example.test");
	ck_ctl(dir, 4, "there is no account", "account password carl@example.test");
	ck_ctl(dir, 2, "again with --yes", "account remove bob@example.test");
	ck_ctl(dir, 0, "", "account remove bob@example.test --yes");
	ck_ctl(dir, 4, "there is no account", "account remove bob@example.test --yes");
	ck_ctl(dir, 0, "accounts: 1", "check");
	ck_ctl(dir, 0, "accounts: 1", "check ann@example.test");
	ck_ctl(dir, 4, "bob@example.test", "check bob@example.test");
	ctl_end(dir);
}
END_TEST

START_TEST(a_password_from_standard_input_is_not_printed)
{
	const char *dir = ctl_begin();
	const char *output;

	ck_assert_int_eq(ctl_run(dir, &output,
			     "account add ann@example.test --password-stdin "
			     "< /dev/null"),
	    2);
	ck_assert_ptr_nonnull(strstr(output, "expected a password in one line"));
	char path[256];
	snprintf(path, sizeof(path), "%s/secret", dir);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs("correct horse\n", f);
	fclose(f);
	ck_assert_int_eq(
	    ctl_run(dir, &output, "account add ann@example.test --password-stdin < %s", path), 0);
	ck_assert_str_eq(output, "");
	ctl_end(dir);
}
END_TEST

/* Of ann, whose account is the first. */
static void
make_mailbox(const char *dir, const char *name)
{
	CLEANUP(store_close) struct store *s = NULL;
	CLEANUP(account_unref) struct account *a = NULL;
	char data[256];
	int64_t id;

	snprintf(data, sizeof(data), "%s/data", dir);
	const struct store_options o = {.data_dir = data, .process = "test"};
	ck_assert_ok(store_open(&o, &s));
	ck_assert_ok(account_open(s, 1, &a));
	ck_assert_ok(mailbox_create(a, str_of(name), STR(""), &id));
}

START_TEST(rights_in_mailboxes_are_shown_and_set)
{
	const char *dir = ctl_begin();

	ck_ctl(dir, 0, "", "account add ann@example.test");
	ck_ctl(dir, 0, "", "account add bob@example.test");
	ck_ctl(dir, 0, "ann@example.test lrswipkxteacd\n", "mailbox rights ann@example.test INBOX");
	ck_ctl(dir, 0, "", "mailbox rights ann@example.test INBOX bob@example.test lrs");
	ck_ctl(dir, 0, "", "mailbox rights -- ann@example.test INBOX bob@example.test -s");
	ck_ctl(dir, 0, "", "mailbox rights -- ann@example.test INBOX -anyone a");
	ck_ctl(dir, 0, "bob@example.test lr\n-anyone a\n", "mailbox rights ann@example.test INBOX");
	ck_ctl(dir, 0, "{\"identifier\":\"bob@example.test\",\"rights\":\"lr\"}",
	    "mailbox rights ann@example.test INBOX --json");
	ck_ctl(dir, 0, "ann@example.test lr INBOX\n", "mailbox shared bob@example.test");
	ck_ctl(dir, 0, "\"mailbox\":\"INBOX\"", "mailbox shared bob@example.test --json");
	make_mailbox(dir, "red\xe2\x80\xaez\xc3\xbcr");
	ck_ctl(dir, 0, "",
	    "mailbox rights -- ann@example.test \"$(printf 'red\\342\\200\\256z\\303\\274r')\" "
	    "bob@example.test lr");
	ck_ctl(dir, 0, "ann@example.test lr red\\xe2\\x80\\xaez\xc3\xbcr\n",
	    "mailbox shared bob@example.test"); /* nothing that a terminal obeys */
	ck_ctl(dir, 0, "",
	    "mailbox rights ann@example.test \"$(printf 'red\\342\\200\\256z\\303\\274r')\" "
	    "bob@example.test none");
	ck_ctl(dir, 4, "is nobody here", "mailbox rights ann@example.test INBOX carl l");
	ck_ctl(dir, 4, "always has all rights", "mailbox rights ann@example.test INBOX ann l");
	ck_ctl(dir, 2, "are no rights", "mailbox rights ann@example.test INBOX bob Q");
	ck_ctl(dir, 2, "are missing", "mailbox rights ann@example.test INBOX bob");
	ck_ctl(dir, 4, "has no mailbox", "mailbox rights ann@example.test Nope");
	ck_ctl(dir, 4, "there is no account", "mailbox shared carl@example.test");
	ck_ctl(dir, 0, "", "mailbox rights ann@example.test INBOX bob@example.test none");
	ck_ctl(dir, 0, "", "mailbox shared bob@example.test");
	ck_ctl(dir, 0, "accounts: 2", "check");
	ctl_end(dir);
}
END_TEST

START_TEST(aliases_gather_and_lose_targets)
{
	const char *dir = ctl_begin();

	ck_ctl(dir, 0, "", "account add ann@example.test");
	ck_ctl(dir, 0, "", "account add bob@example.test");
	ck_ctl(dir, 0, "", "alias add sales@example.test ann@example.test");
	ck_ctl(dir, 0, "", "alias add sales@example.test bob@example.test ann@example.test");
	ck_ctl(dir, 0, "sales@example.test: ann@example.test bob@example.test\n", "alias list");
	ck_ctl(
	    dir, 0, "\"targets\":[\"ann@example.test\",\"bob@example.test\"]", "alias list --json");
	ck_ctl(dir, 4, "is no target of", "alias remove sales@example.test carl@example.test");
	ck_ctl(dir, 0, "", "alias remove sales@example.test ann@example.test");
	ck_ctl(dir, 0, "sales@example.test: bob@example.test\n", "alias list");
	ck_ctl(dir, 0, "", "alias remove sales@example.test");
	ck_ctl(dir, 0, "[]", "alias list --json");
	ck_ctl(dir, 4, "there is no alias", "alias remove sales@example.test");
	ck_ctl(dir, 2, "something is missing", "alias add sales@example.test");
	ck_ctl(dir, 4, "is an account", "alias add ann@example.test bob@example.test");
	ctl_end(dir);
}
END_TEST

START_TEST(domains_are_added_and_removed_when_empty)
{
	const char *dir = ctl_begin();

	ck_ctl(dir, 0, "is served now", "domain add example.org");
	ck_ctl(dir, 4, "already exists", "domain add example.org");
	ck_ctl(dir, 2, "is no domain", "domain add 'exa mple'");
	ck_ctl(dir, 0, "\"example.org\"", "domain list --json");
	ck_ctl(dir, 0, "", "account add ann@example.org");
	ck_ctl(dir, 1, "has accounts or aliases", "domain remove example.org");
	ck_ctl(dir, 0, "", "account remove ann@example.org --yes");
	ck_ctl(dir, 0, "", "domain remove example.org");
	ck_ctl(dir, 4, "does not exist", "domain remove example.org");
	ctl_end(dir);
}
END_TEST

START_TEST(what_is_not_understood_is_answered_with_what_there_is)
{
	const char *dir = ctl_begin();

	ck_ctl(dir, 2, "account password", "acount");
	ck_ctl(dir, 2, "needs one more word", "account");
	ck_ctl(dir, 2, "there is no \"account lst\"", "account lst");
	ck_ctl(dir, 2, "there is no option --fast", "check --fast");
	ck_ctl(dir, 2, "there is no option -x", "check -x");
	ctl_end(dir);
}
END_TEST

START_TEST(every_verb_has_help_with_examples)
{
	static const char *const verbs[] = {"init", "run", "status", "stop", "check", "views",
	    "account add", "account list", "account password", "account remove", "account quota",
	    "alias add", "alias list", "alias remove", "domain add", "domain list",
	    "domain remove"};
	const char *dir = test_mkdir();

	ck_ctl(dir, 0, "exit status:", "--help");
	ck_ctl(dir, 0, "pillarbox 0", "--version");
	ck_ctl(dir, 0, "account add", "account --help");
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		char usage[64];
		snprintf(usage, sizeof(usage), "usage: pillarbox %s", verbs[i]);
		ck_ctl(dir, 0, usage, "%s --help", verbs[i]);
		ck_ctl(dir, 0, "examples:\n  ", "help %s", verbs[i]);
	}
	test_rmdir(dir);
}
END_TEST

START_TEST(views_are_printed_without_a_configuration)
{
	const char *dir = test_mkdir();

	ck_ctl(dir, 0, "CREATE TEMP VIEW IF NOT EXISTS messages AS", "views");
	ck_ctl(dir, 2, "views", "views more");
	test_rmdir(dir);
}
END_TEST

START_TEST(a_wrong_configuration_is_told_by_every_verb)
{
	const char *dir = ctl_begin();
	char path[256];

	snprintf(path, sizeof(path), "%s/pillarbox.conf", dir);
	FILE *f = fopen(path, "a");
	ck_assert_ptr_nonnull(f);
	fputs("worker = 3\n", f);
	fclose(f);
	ck_ctl(dir, 5, "did you mean \"workers\"?", "check");
	ck_ctl(dir, 5, "did you mean", "account list");
	ck_ctl(dir, 5, "did you mean", "run");
	ck_ctl(dir, 5, "did you mean", "status");
	ck_assert_int_eq(remove(path), 0);
	ck_ctl(dir, 5, "pillarbox init --dir", "status");
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ctl_end(dir);
}
END_TEST

START_TEST(check_finds_a_key_that_does_not_fit)
{
	const char *dir = ctl_begin();
	const char *output;
	char command[512];

	snprintf(command, sizeof(command), "cp %s/tls/ca-key.pem %s/tls/server-key.pem", dir, dir);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(ctl_run(dir, &output, "check"), 1);
	ck_assert_msg(strstr(output, "server-key.pem") != NULL, "%s", output);
	snprintf(command, sizeof(command), "chmod 644 %s/tls/server-key.pem", dir);
	ck_assert_int_eq(system(command), 0);
	ck_ctl(dir, 1, "everybody on this host can read this key", "check --config-only");
	ctl_end(dir);
}
END_TEST

START_TEST(check_names_the_account_whose_database_is_damaged)
{
	const char *dir = ctl_begin();
	char path[256];

	ck_ctl(dir, 0, "", "account add ann@example.test");
	ck_ctl(dir, 0, "", "account add bob@example.test");
	snprintf(path, sizeof(path), "%s/data/accounts/2/mail.db", dir);
	FILE *f = fopen(path, "r+");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fseek(f, 8200, SEEK_SET), 0);
	fputs("no such cell", f);
	fclose(f);
	ck_ctl(dir, 1, "bob@example.test: ", "check");
	ck_ctl(dir, 0, "all is well", "check ann@example.test");
	ck_ctl(dir, 1, "problems: 1", "check bob@example.test");
	snprintf(path, sizeof(path), "%s/data/accounts/2", dir);
	test_rmdir(path);
	ck_ctl(dir, 1, "directory.db: ", "check");
	ck_ctl(dir, 1, "ann@example.test", "account list"); /* the others are listed all the same */
	ctl_end(dir);
}
END_TEST

TEST_MAIN("verbs", check_names_the_account_whose_database_is_damaged,
    init_makes_what_the_configuration_names, init_leaves_an_existing_configuration_alone,
    init_says_what_it_needs, accounts_are_added_listed_changed_and_removed,
    a_password_from_standard_input_is_not_printed, aliases_gather_and_lose_targets,
    rights_in_mailboxes_are_shown_and_set, domains_are_added_and_removed_when_empty,
    what_is_not_understood_is_answered_with_what_there_is, every_verb_has_help_with_examples,
    views_are_printed_without_a_configuration, a_wrong_configuration_is_told_by_every_verb,
    check_finds_a_key_that_does_not_fit)
