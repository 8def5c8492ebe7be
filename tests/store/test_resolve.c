#include "tests/support/store_fixture.h"

#include <stdio.h>

/* Sets up accounts ann (1), bob (2), carl (3) at example.test and dora (4) at second.test. */
static struct store_fixture *
open_four(void)
{
	struct store_fixture *f = store_fixture_open();

	store_fixture_add(f, "bob@example.test");
	store_fixture_add(f, "carl@example.test");
	ck_assert_ok(directory_add_domain(f->store, STR("second.test")));
	store_fixture_add(f, "dora@second.test");
	return f;
}

static enum err
set_alias(struct store_fixture *f, const char *alias, const char *targets)
{
	struct str list[8], rest = str_of(targets);
	size_t n = 0;

	while (n < ARRAY_LEN(list) && str_split(&rest, ' ', &list[n]))
		n++;
	return directory_set_alias(f->store, str_of(alias), list, n);
}

/* "1 2:tag", or the name of the error. */
static struct str
resolve(struct store_fixture *f, const char *address)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(4096);
	struct recipient *r;
	size_t n;
	enum err e = directory_resolve(f->store, test_guarded(str_of(address)), f->arena, &r, &n);

	if (e)
		return str_of(err_name(e));
	for (size_t i = 0; i < n; i++)
		if (r[i].account)
			sbuf_printf(&out, "%s%lld%s%.*s", i ? " " : "", (long long)r[i].account,
			    r[i].detail.n ? ":" : "", STR_ARG(r[i].detail));
		else
			sbuf_printf(&out, "%s%.*s/%.*s", i ? " " : "", STR_ARG(r[i].elsewhere),
			    STR_ARG(r[i].by));
	return arena_dup(f->arena, sbuf_view(&out));
}

START_TEST(mail_finds_its_accounts)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = open_four();
	static const struct {
		const char *address, *accounts;
	} rows[] = {
	    {"ann@example.test", "1"},
	    {"ANN@EXAMPLE.TEST", "1"},
	    {"\"ann\"@example.test", "1"},
	    {"ann+tag@example.test", "1:tag"},
	    {"ann+@example.test", "1"},
	    {"ann+a+b@example.test", "1:a+b"},
	    {"+ann@example.test", "NO_USER"},
	    {"dora@second.test", "4"},
	    {"dora@example.test", "NO_USER"},
	    {"ann@other.test", "RELAY"},
	    {"ann@[127.0.0.1]", "RELAY"},
	    {"ann%other.test@example.test", "NO_USER"},
	    {"@other.test:ann@example.test", "NO_USER"},
	    {"ann", "NO_USER"},
	    {"", "NO_USER"},
	    {"@example.test", "NO_USER"},
	    {"sales@example.test", "1 2"},
	    {"sales+x@example.test", "1 2"},
	    {"all@second.test", "3:lists 4 1 2"},
	    {"' OR 1=1 --@example.test", "NO_USER"},
	};

	ck_assert_ok(set_alias(f, "Sales@example.test", "Ann@example.test bob@example.test"));
	ck_assert_ok(set_alias(f, "all@second.test",
	    "carl+Lists@example.test sales@example.test dora@second.test ann@example.test"));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str got = resolve(f, rows[i].address);
		ck_assert_msg(str_eq(got, str_of(rows[i].accounts)), "%s: got %.*s",
		    rows[i].address, STR_ARG(got));
	}
}
END_TEST

/* RFC 5321 §4.5.1 */
START_TEST(postmaster_always_has_a_mailbox)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = open_four();

	ck_assert_ok(directory_add_domain(f->store, STR("empty.test")));
	ck_assert_str_is(resolve(f, "PostMaster"), "1");
	ck_assert_str_is(resolve(f, "postmaster@second.test"), "4");
	ck_assert_str_is(resolve(f, "POSTMASTER+x@second.test"), "4");
	ck_assert_str_is(resolve(f, "postmaster@empty.test"), "1");
	ck_assert_str_is(resolve(f, "postmaster@other.test"), "RELAY");
	ck_assert_ok(set_alias(f, "postmaster@second.test", "bob@example.test"));
	ck_assert_str_is(resolve(f, "postmaster@second.test"), "2");
	ck_assert_str_is(resolve(f, "postmaster"), "2");
	ck_assert_ok(directory_remove_account(f->store, STR("bob@example.test")));
	ck_assert_str_is(resolve(f, "postmaster@second.test"), "4");
	ck_assert_str_is(resolve(f, "postmaster"), "1");
	store_fixture_add(f, "postmaster@example.test");
	ck_assert_str_is(resolve(f, "postmaster@example.test"), "5");
	ck_assert_str_is(resolve(f, "postmaster"), "5");
}
END_TEST

START_TEST(aliases_are_checked)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = open_four();
	static const struct {
		const char *alias, *targets;
		enum err result;
	} rows[] = {
	    {"x@other.test", "ann@example.test", ERR_CANNOT},
	    {"ann@example.test", "bob@example.test", ERR_EXISTS},
	    {"x@example.test", "", ERR_SYNTAX},
	    {"x@example.test", "ann", ERR_SYNTAX},
	    {"x", "ann@example.test", ERR_SYNTAX},
	    {"x+y@example.test", "ann@example.test", ERR_SYNTAX},
	    {"x@example.test", "nobody@example.test", ERR_NOT_FOUND},
	    {"x@example.test", "\"a b\"@other.test", ERR_SYNTAX},
	    {"x@example.test", "ann@other.test", ERR_OK},
	    {"x@example.test", "X@example.test", ERR_LOOP},
	    {"x@example.test", "ann@example.test bob+tag@example.test", ERR_OK},
	    {"x@example.test", "bob@example.test", ERR_OK},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum err e = set_alias(f, rows[i].alias, rows[i].targets);
		ck_assert_msg(e == rows[i].result, "%s: %s", rows[i].alias, err_name(e));
	}
	ck_assert_int_eq(directory_add_account(f->store, STR("x@example.test"),
			     &(struct credential){0}, &(int64_t){0}),
	    ERR_EXISTS);
	CLEANUP(arena_free) struct arena *arena = arena_new(1024 * 1024);
	struct str *many = arena_alloc_array(arena, ALIAS_MAX_TARGETS + 1, sizeof(*many));
	for (size_t i = 0; i <= ALIAS_MAX_TARGETS; i++)
		many[i] = STR("ann@example.test");
	ck_assert_int_eq(
	    directory_set_alias(f->store, STR("y@example.test"), many, ALIAS_MAX_TARGETS + 1),
	    ERR_LIMIT);
	ck_assert_ok(directory_set_alias(f->store, STR("y@example.test"), many, ALIAS_MAX_TARGETS));
	ck_assert_str_is(resolve(f, "y@example.test"), "1");
}
END_TEST

START_TEST(aliases_are_listed_and_removed)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = open_four();
	struct alias_entry *list;
	size_t n;

	ck_assert_ok(set_alias(f, "b@example.test", "bob@example.test"));
	ck_assert_ok(set_alias(f, "a@example.test", "carl@example.test Ann+T@example.test"));
	ck_assert_ok(directory_list_aliases(f->store, f->arena, &list, &n));
	ck_assert_uint_eq(n, 2);
	ck_assert_str_is(list[0].address, "a@example.test");
	ck_assert_uint_eq(list[0].target_count, 2);
	ck_assert_str_is(list[0].targets[0], "carl@example.test");
	ck_assert_str_is(list[0].targets[1], "ann+t@example.test");
	ck_assert_ok(directory_remove_alias(f->store, STR("A@example.test")));
	ck_assert_int_eq(directory_remove_alias(f->store, STR("a@example.test")), ERR_NOT_FOUND);
	ck_assert_ok(directory_list_aliases(f->store, f->arena, &list, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_str_is(list[0].address, "b@example.test");
}
END_TEST

START_TEST(aliases_that_go_in_circles_or_too_deep_are_refused)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = open_four();
	char alias[64], target[64];

	ck_assert_ok(set_alias(f, "a@example.test", "ann@example.test"));
	ck_assert_ok(set_alias(f, "b@example.test", "a@example.test"));
	ck_assert_ok(set_alias(f, "a@example.test", "b@example.test"));
	ck_assert_str_is(resolve(f, "a@example.test"), "LOOP");

	ck_assert_ok(set_alias(f, "d1@example.test", "bob@example.test"));
	for (int i = 2; i <= ALIAS_MAX_DEPTH + 1; i++) {
		snprintf(alias, sizeof(alias), "d%d@example.test", i);
		snprintf(target, sizeof(target), "d%d@example.test", i - 1);
		ck_assert_ok(set_alias(f, alias, target));
	}
	snprintf(target, sizeof(target), "d%d@example.test", ALIAS_MAX_DEPTH);
	ck_assert_str_is(resolve(f, target), "2");
	ck_assert_str_is(resolve(f, alias), "LOOP");
}
END_TEST

START_TEST(aliases_that_fan_out_without_end_are_refused)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = open_four();
	char alias[64], target[512];

	ck_assert_ok(set_alias(f, "l0@example.test", "ann@example.test"));
	for (int i = 1; i <= 9; i++) { /* 6^9 ways in ten steps */
		snprintf(alias, sizeof(alias), "l%d@example.test", i);
		size_t n = 0;
		for (int j = 0; j < 6; j++)
			n += (size_t)snprintf(target + n, sizeof(target) - n, "%sl%d@example.test",
			    j ? " " : "", i - 1);
		ck_assert_ok(set_alias(f, alias, target));
	}
	ck_assert_str_is(resolve(f, "l3@example.test"), "1");
	ck_assert_str_is(resolve(f, "l9@example.test"), "LOOP");
}
END_TEST

START_TEST(an_alias_reaches_whoever_of_its_targets_is_left)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = open_four();

	ck_assert_ok(set_alias(f, "two@example.test", "bob@example.test carl@example.test"));
	ck_assert_ok(directory_remove_account(f->store, STR("bob@example.test")));
	ck_assert_str_is(resolve(f, "two@example.test"), "3");
	ck_assert_ok(directory_remove_account(f->store, STR("carl@example.test")));
	ck_assert_str_is(resolve(f, "two@example.test"), "NO_USER");
}
END_TEST

START_TEST(sub_addresses_can_be_switched_off)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();

	f->options.recipient_delimiter = "";
	store_fixture_reopen(f);
	ck_assert_str_is(resolve(f, "ann+x@example.test"), "NO_USER");
	store_fixture_add(f, "ann+x@example.test");
	ck_assert_str_is(resolve(f, "ann+x@example.test"), "2");
}
END_TEST

START_TEST(one_sends_as_oneself)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = open_four();
	static const struct {
		int64_t account;
		const char *address;
		enum err result;
	} rows[] = {
	    {1, "Ann@example.test", ERR_OK},
	    {1, "ann+any@example.test", ERR_OK},
	    {1, "bob@example.test", ERR_DENIED},
	    {1, "sole@example.test", ERR_OK},
	    {2, "sole@example.test", ERR_DENIED},
	    {1, "both@example.test", ERR_DENIED},
	    {1, "ann@other.test", ERR_DENIED},
	    {1, "nobody@example.test", ERR_DENIED},
	    {1, "", ERR_DENIED},
	    {4, "dora@second.test", ERR_OK},
	};

	ck_assert_ok(set_alias(f, "sole@example.test", "ann@example.test"));
	ck_assert_ok(set_alias(f, "both@example.test", "ann@example.test bob@example.test"));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(directory_may_send_as(f->store, rows[i].account,
				  str_of(rows[i].address)) == rows[i].result,
		    "%s", rows[i].address);
}
END_TEST

static enum err
set_forward(struct store_fixture *f, const char *account, const char *targets, bool keeps)
{
	struct str list[8], rest = str_of(targets);
	size_t n = 0;

	while (rest.n && n < ARRAY_LEN(list) && str_split(&rest, ' ', &list[n]))
		n++;
	return directory_set_forward(f->store, str_of(account), list, n, keeps);
}

START_TEST(mail_goes_on_to_addresses_elsewhere)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = open_four();
	static const struct {
		const char *address, *reached;
	} rows[] = {
	    {"ann@example.test", "x@other.test/ann@example.test"},
	    {"ann+tag@example.test", "x@other.test/ann@example.test"},
	    {"bob@example.test", "2 y@other.test/bob@example.test"},
	    {"carl@example.test", "x@other.test/ann@example.test"}, /* by way of ann */
	    {"all@example.test", "x@other.test/all@example.test 2 y@other.test/bob@example.test"},
	    {"x@other.test", "RELAY"},
	};

	ck_assert_ok(set_forward(f, "ann@example.test", "x@other.test", false));
	ck_assert_ok(set_forward(f, "bob@example.test", "y@other.test", true));
	ck_assert_ok(set_forward(f, "carl@example.test", "Ann@example.test", false));
	ck_assert_ok(set_alias(f, "all@example.test",
	    "x@other.test ann@example.test "
	    "bob@example.test"));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_str_is(resolve(f, rows[i].address), rows[i].reached);
	/* and they still send as themselves */
	ck_assert_ok(directory_may_send_as(f->store, 1, STR("ann@example.test")));
	ck_assert_ok(directory_may_send_as(f->store, 2, STR("bob@example.test")));
	ck_assert_int_eq(directory_may_send_as(f->store, 3, STR("ann@example.test")), ERR_DENIED);
}
END_TEST

START_TEST(forwards_that_lead_nowhere_keep_the_mail)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = open_four();

	ck_assert_ok(set_forward(f, "ann@example.test", "bob@example.test", false));
	ck_assert_ok(set_forward(f, "bob@example.test", "ann@example.test", false));
	ck_assert_str_is(resolve(f, "ann@example.test"), "1 2");
	ck_assert_ok(set_forward(f, "dora@second.test", "carl@example.test", false));
	ck_assert_ok(directory_remove_account(f->store, STR("carl@example.test")));
	ck_assert_str_is(resolve(f, "dora@second.test"), "4");
}
END_TEST

START_TEST(forwards_are_checked_shown_and_ended)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = open_four();
	struct forward_entry e;

	ck_assert_int_eq(set_forward(f, "eve@example.test", "x@other.test", false), ERR_NOT_FOUND);
	ck_assert_int_eq(
	    set_forward(f, "ann@example.test", "no@example.test", false), ERR_NOT_FOUND);
	ck_assert_int_eq(set_forward(f, "ann@example.test", "ANN@example.test", false), ERR_LOOP);
	ck_assert_int_eq(set_forward(f, "ann@example.test", "x", false), ERR_SYNTAX);
	ck_assert_ok(directory_get_forward(f->store, STR("ann@example.test"), f->arena, &e));
	ck_assert_uint_eq(e.target_count, 0);
	ck_assert_ok(set_forward(f, "ann@example.test", "X@Other.test bob@example.test", false));
	ck_assert_ok(directory_get_forward(f->store, STR("ann@example.test"), f->arena, &e));
	ck_assert_uint_eq(e.target_count, 2);
	ck_assert(!e.keeps);
	ck_assert_str_is(e.targets[0], "x@other.test");
	ck_assert_ok(set_forward(f, "ann@example.test", "", false));
	ck_assert_ok(directory_get_forward(f->store, STR("ann@example.test"), f->arena, &e));
	ck_assert_uint_eq(e.target_count, 0);
	ck_assert_str_is(resolve(f, "ann@example.test"), "1");
	ck_assert_ok(set_forward(f, "ann@example.test", "x@other.test", true));
	ck_assert_ok(directory_remove_account(f->store, STR("ann@example.test")));
}
END_TEST

TEST_MAIN("resolve", mail_goes_on_to_addresses_elsewhere, forwards_that_lead_nowhere_keep_the_mail,
    forwards_are_checked_shown_and_ended, mail_finds_its_accounts, postmaster_always_has_a_mailbox,
    aliases_are_checked, aliases_are_listed_and_removed,
    aliases_that_go_in_circles_or_too_deep_are_refused,
    aliases_that_fan_out_without_end_are_refused, an_alias_reaches_whoever_of_its_targets_is_left,
    sub_addresses_can_be_switched_off, one_sends_as_oneself)
