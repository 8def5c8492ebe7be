#include "common/base/clock.h"
#include "store/mailbox.h"
#include "tests/support/store_fixture.h"

#include <stdio.h>

#include <sys/stat.h>

static struct account_entry
find(struct store_fixture *f, const char *address)
{
	struct account_entry a = {0};

	ck_assert_ok(directory_find_account(f->store, str_of(address), f->arena, &a));
	return a;
}

START_TEST(domains_are_added_listed_and_removed)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct str *names;
	size_t n;

	ck_assert_ok(directory_add_domain(f->store, STR("B\xc3\xbc\x63her.example")));
	ck_assert_int_eq(directory_add_domain(f->store, STR("xn--bcher-kva.Example")), ERR_EXISTS);
	ck_assert_ok(directory_list_domains(f->store, f->arena, &names, &n));
	ck_assert_uint_eq(n, 2);
	ck_assert_str_is(names[0], "example.test");
	ck_assert_str_is(names[1], "xn--bcher-kva.example");
	ck_assert_ok(directory_postmaster(f->store, f->arena, &names[0]));
	ck_assert_str_is(names[0], "postmaster@example.test");
	ck_assert_ok(directory_is_local_domain(f->store, STR("EXAMPLE.test")));
	ck_assert_ok(directory_is_local_domain(f->store, STR("b\xc3\xbc\x63her.example")));
	ck_assert_int_eq(directory_is_local_domain(f->store, STR("other.test")), ERR_NOT_FOUND);
	ck_assert_int_eq(directory_is_local_domain(f->store, STR("[127.0.0.1]")), ERR_NOT_FOUND);
	ck_assert_int_eq(directory_remove_domain(f->store, STR("example.test")), ERR_CANNOT);
	ck_assert_ok(directory_remove_domain(f->store, STR("B\xc3\xbc\x63her.example")));
	ck_assert_int_eq(
	    directory_remove_domain(f->store, STR("xn--bcher-kva.example")), ERR_NOT_FOUND);
}
END_TEST

START_TEST(domain_names_are_checked)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	static const char *const bad[] = {"", ".", "a.", ".a", "a..b", "-a.test", "a-.test",
	    "a_b.test", "a b.test", "[1.2.3.4]", "a@b", "\xff.test", "a\x01.test",
	    "a123456789012345678901234567890123456789012345678901234567890123.test"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_int_eq(
		    directory_add_domain(f->store, test_guarded(str_of(bad[i]))), ERR_SYNTAX);
	ck_assert_ok(directory_add_domain(f->store, STR("localhost")));
}
END_TEST

START_TEST(accounts_are_found_in_any_case_and_quoting)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct account_entry a;

	ck_assert_int_eq(find(f, "ANN@Example.Test").id, f->account_id);
	ck_assert_int_eq(find(f, "\"a\\nn\"@example.test").id, f->account_id);
	ck_assert_str_is(find(f, "Ann@example.test").address, "ann@example.test");
	ck_assert(find(f, "ann@example.test").enabled);
	static const char *const bad[] = {"ann", "@example.test", "ann@", "a\"@x\"@", "ann@[::1]",
	    "\"\"@example.test", "a\x01@example.test", "\"a\"b\"@example.test"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_int_eq(
		    directory_find_account(f->store, test_guarded(str_of(bad[i])), f->arena, &a),
		    ERR_SYNTAX);
	ck_assert_int_eq(
	    directory_find_account(f->store, STR("bob@example.test"), f->arena, &a), ERR_NOT_FOUND);
}
END_TEST

/* RFC 6530 §10.1, RFC 6532 §3.1: two ways to write one letter are one letter, as two cases are. */
START_TEST(accounts_beyond_ascii_are_found_in_any_case_and_form)
{
	static const char *const names[] = {
	    "j\xc3\xb6rg", "J\xc3\x96RG", "jo\xcc\x88rg", "JO\xcc\x88rg", "J\xc3\xb6RG"};
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	int64_t id = store_fixture_add(f, "J\xc3\x96rg@example.test");

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct account_entry a;
		struct credential c;
		char address[64];
		snprintf(address, sizeof(address), "%s@example.test", names[i]);
		ck_assert_ok(directory_find_login(f->store, str_of(address), f->arena, &a, &c));
		ck_assert_int_eq(a.id, id);
		ck_assert_str_is(a.address, "j\xc3\xb6rg@example.test");
		ck_assert_ok(directory_find_login(f->store, str_of(names[i]), f->arena, &a, &c));
		ck_assert_int_eq(a.id, id);
	}
}
END_TEST

START_TEST(account_addresses_are_checked)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	static const struct credential c;
	static const struct {
		const char *address;
		enum err result;
	} rows[] = {
	    {"ann@example.test", ERR_EXISTS},
	    {"ANN@example.test", ERR_EXISTS},
	    {"bob@other.test", ERR_NOT_FOUND},
	    {"bob+x@example.test", ERR_SYNTAX},
	    {".bob@example.test", ERR_SYNTAX},
	    {"bob.@example.test", ERR_SYNTAX},
	    {"b..b@example.test", ERR_SYNTAX},
	    {"b b@example.test", ERR_SYNTAX},
	    {"b@b@example.test", ERR_SYNTAX},
	    {"../../x@example.test", ERR_SYNTAX},
	    {"b.o_b-1@example.test", ERR_OK},
	    {"j\xc3\xb6rg@example.test", ERR_OK},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t id = 0;
		enum err e = directory_add_account(f->store, str_of(rows[i].address), &c, &id);
		ck_assert_msg(e == rows[i].result, "%s: %s", rows[i].address, err_name(e));
		ck_assert_int_eq(e == ERR_OK, id != 0);
	}
}
END_TEST

START_TEST(accounts_are_listed_with_what_is_known_of_them)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct account_entry *list;
	struct quota q;
	size_t n;

	store_fixture_add(f, "aaron@example.test");
	ck_assert_ok(directory_set_quota(f->store, STR("Ann@example.test"), 1000, 5));
	ck_assert_ok(directory_list_accounts(f->store, f->arena, &list, &n));
	ck_assert_uint_eq(n, 2);
	ck_assert_str_is(list[0].address, "aaron@example.test");
	ck_assert_uint_eq(list[1].quota_bytes, 1000);
	ck_assert_uint_eq(list[1].quota_messages, 5);
	ck_assert_int_ge(list[1].created_s, 1600000000);
	ck_assert_int_eq(list[1].last_login_s, 0);
	ck_assert_ok(account_quota(f->account, &q));
	ck_assert_uint_eq(q.bytes_limit, 1000);
	ck_assert_uint_eq(q.messages_limit, 5);
	ck_assert_ok(account_has_room(f->account, 1000));
	ck_assert_int_eq(account_has_room(f->account, 1001), ERR_OVER_QUOTA);
	ck_assert_int_eq(
	    directory_set_quota(f->store, STR("bob@example.test"), 1, 1), ERR_NOT_FOUND);
}
END_TEST

START_TEST(new_accounts_get_the_default_quota)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	CLEANUP(account_unref) struct account *a = NULL;
	struct quota q;

	f->options.default_quota_bytes = 777;
	store_fixture_reopen(f);
	ck_assert_ok(account_open(f->store, store_fixture_add(f, "bob@example.test"), &a));
	ck_assert_ok(account_quota(a, &q));
	ck_assert_uint_eq(q.bytes_limit, 777);
	ck_assert_uint_eq(find(f, "bob@example.test").quota_bytes, 777);
}
END_TEST

START_TEST(removed_account_goes_with_its_files_and_its_number)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	CLEANUP(account_unref) struct account *gone = NULL;
	const char *dir = store_fixture_path(f, "data/accounts/2");
	struct stat st;
	int64_t id;

	ck_assert_int_eq(store_fixture_add(f, "bob@example.test"), 2);
	ck_assert_int_eq(stat(dir, &st), 0);
	ck_assert_ok(directory_remove_account(f->store, STR("bob@example.test")));
	ck_assert_int_ne(stat(dir, &st), 0);
	ck_assert_int_eq(account_open(f->store, 3, &gone), ERR_NOT_FOUND);
	ck_assert_int_eq(
	    directory_remove_account(f->store, STR("bob@example.test")), ERR_NOT_FOUND);
	ck_assert_int_eq(store_fixture_add(f, "bob@example.test"), 3);

	/* those who have it open are told */
	ck_assert_ok(directory_remove_account(f->store, STR("ann@example.test")));
	ck_assert_int_eq(mailbox_create(f->account, STR("x"), STR(""), &id), ERR_GONE);
}
END_TEST

START_TEST(files_of_an_unknown_account_are_set_aside_not_erased)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct stat st;

	ck_assert_int_eq(mkdir(store_fixture_path(f, "data/accounts/2"), 0770), 0);
	ck_assert_int_eq(mkdir(store_fixture_path(f, "data/accounts/2/old"), 0770), 0);
	ck_assert_int_eq(store_fixture_add(f, "bob@example.test"), 2);
	ck_assert_int_ne(stat(store_fixture_path(f, "data/accounts/2/old"), &st), 0);
	ck_assert_int_eq(stat(store_fixture_path(f, "data/accounts/2/mail.db"), &st), 0);
}
END_TEST

START_TEST(login_is_the_address_or_the_bare_name_where_one_domain_is_served)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct account_entry a = {0};
	struct credential c = {0};

	ck_assert_ok(directory_find_login(f->store, STR("Ann"), f->arena, &a, &c));
	ck_assert_int_eq(a.id, f->account_id);
	ck_assert_str_is(c.scram_salt, "salt");
	ck_assert_str_is(c.scram_stored_key, "stored");
	ck_assert_str_is(c.scram_server_key, "server");
	ck_assert_uint_eq(c.scram_iterations, 4096);
	ck_assert_ok(directory_find_login(f->store, STR("ann@example.TEST"), f->arena, &a, &c));

	ck_assert_ok(directory_add_domain(f->store, STR("second.test")));
	ck_assert_int_eq(
	    directory_find_login(f->store, STR("ann"), f->arena, &a, &c), ERR_NOT_FOUND);
	ck_assert_ok(directory_find_login(f->store, STR("ann@example.test"), f->arena, &a, &c));
	struct str sales[] = {STR("ann@example.test")};
	ck_assert_ok(directory_set_alias(f->store, STR("sales@example.test"), sales, 1));
	static const char *const unknown[] = {
	    "", "@", "bob@example.test", "sales@example.test", "ann+x@example.test", "ann@[::1]"};
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
		ck_assert_int_eq(directory_find_login(
				     f->store, test_guarded(str_of(unknown[i])), f->arena, &a, &c),
		    ERR_NOT_FOUND);
}
END_TEST

START_TEST(password_is_changed)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct account_entry a;
	struct credential c;

	store_fixture_set_password(f, "ann@example.test", "s3cret");
	ck_assert_ok(directory_find_login(f->store, STR("ann"), f->arena, &a, &c));
	ck_assert_ok(password_verify(&c, STR("s3cret")));
	ck_assert_int_eq(password_verify(&c, STR("secret")), ERR_AUTH_FAILED);
}
END_TEST

START_TEST(last_login_is_noted_once_a_minute)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();

	clock_freeze(1800000000);
	directory_note_login(f->store, f->account_id);
	ck_assert_int_eq(find(f, "ann@example.test").last_login_s, 1800000000);
	clock_advance_ms(59000);
	directory_note_login(f->store, f->account_id);
	ck_assert_int_eq(find(f, "ann@example.test").last_login_s, 1800000000);
	clock_advance_ms(1000);
	directory_note_login(f->store, f->account_id);
	ck_assert_int_eq(find(f, "ann@example.test").last_login_s, 1800000060);
	clock_thaw();
}
END_TEST

TEST_MAIN("directory", domains_are_added_listed_and_removed, domain_names_are_checked,
    accounts_are_found_in_any_case_and_quoting, account_addresses_are_checked,
    accounts_beyond_ascii_are_found_in_any_case_and_form,
    accounts_are_listed_with_what_is_known_of_them, new_accounts_get_the_default_quota,
    removed_account_goes_with_its_files_and_its_number,
    files_of_an_unknown_account_are_set_aside_not_erased,
    login_is_the_address_or_the_bare_name_where_one_domain_is_served, password_is_changed,
    last_login_is_noted_once_a_minute)
