/* Lists of rights (RFC 4314), and whom they mean. */
#include "store/acl_private.h"
#include "store/directory.h"
#include "store/share.h"
#include "store/view_private.h"
#include "tests/store/fixture.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <stdlib.h>

static struct acl_who
who(struct fixture *f, const char *identifier, struct str *ret_name)
{
	struct acl_who w = {0};

	ck_assert_ok(acl_identify(f->store, str_of(identifier), f->arena, &w, ret_name));
	return w;
}

static void
change(
    struct fixture *f, int64_t mailbox, const char *identifier, enum acl_op op, const char *letters)
{
	struct str name;
	unsigned rights = 0;
	struct acl_who w = who(f, identifier, &name);

	ck_assert_ok(acl_parse_rights(str_of(letters), &rights));
	ck_assert_ok(acl_change(f->a, mailbox, w, name, op, rights));
}

static const char *
letters_of(struct fixture *f, int64_t mailbox, int64_t viewer)
{
	char out[ACL_LETTERS_MAX];
	unsigned rights = 0;

	ck_assert_ok(acl_rights(f->a, mailbox, viewer, &rights));
	return arena_cstr(f->arena, acl_print_rights(rights, out));
}

static int64_t
add(struct fixture *f, const char *address)
{
	struct credential none = {0};
	int64_t id = 0;

	ck_assert_ok(directory_add_account(f->store, str_of(address), &none, &id));
	return id;
}

START_TEST(rights_are_letters_with_the_obsolete_ones)
{
	static const struct {
		const char *given, *printed; /* RFC 4314 §2.1.1 */
	} rows[] = {
	    {"", ""},
	    {"lr", "lr"},
	    {"rl", "lr"},
	    {"c", "kxc"},
	    {"d", "ted"},
	    {"k", "kc"},
	    {"x", "xc"},
	    {"t", "td"},
	    {"e", "ed"},
	    {"lrswida", "lrswitead"},
	    {"lrswipkxteacd", "lrswipkxteacd"},
	};
	char out[ACL_LETTERS_MAX];
	unsigned rights;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_ok(acl_parse_rights(str_of(rows[i].given), &rights));
		ck_assert_str_is(acl_print_rights(rights, out), rows[i].printed);
	}
	ck_assert_int_eq(acl_parse_rights(STR("lq"), &rights), ERR_SYNTAX);
	ck_assert_int_eq(acl_parse_rights(STR("L"), &rights), ERR_SYNTAX);
	ck_assert_int_eq(acl_parse_rights(STR("l0"), &rights), ERR_SYNTAX);
}
END_TEST

START_TEST(rights_add_up_and_negative_ones_take_away)
{
	struct fixture f;

	fixture_open(&f);
	int64_t b = account_id(f.b), c = add(&f, "c@example.test");
	ck_assert_str_eq(letters_of(&f, f.inbox, account_id(f.a)), "lrswipkxteacd");
	ck_assert_str_eq(letters_of(&f, f.inbox, b), "");
	change(&f, f.inbox, "anyone", ACL_SET, "l");
	change(&f, f.inbox, "B@EXAMPLE.test", ACL_SET, "rs");
	change(&f, f.inbox, "authenticated", ACL_SET, "i");
	ck_assert_str_eq(letters_of(&f, f.inbox, b), "lrsi");
	ck_assert_str_eq(letters_of(&f, f.inbox, c), "li");
	change(&f, f.inbox, "-b@example.test", ACL_SET, "li");
	ck_assert_str_eq(letters_of(&f, f.inbox, b), "rs");
	change(&f, f.inbox, "b", ACL_ADD, "w");
	change(&f, f.inbox, "b", ACL_REMOVE, "s");
	ck_assert_str_eq(letters_of(&f, f.inbox, b), "rw");
	ck_assert_str_eq(letters_of(&f, f.archive, b), "");

	struct acl_of_mailbox *all;
	size_t n;
	ck_assert_ok(acl_rights_everywhere(f.a, b, f.arena, &all, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(all[0].mailbox, f.inbox);
	ck_assert_uint_eq(all[0].rights, RIGHT_READ | RIGHT_WRITE);

	struct acl_entry *list;
	ck_assert_ok(acl_list(f.a, f.inbox, f.arena, &list, &n));
	ck_assert_uint_eq(n, 4);
	ck_assert_str_is(list[2].identifier, "b@example.test");
	ck_assert_str_is(list[3].identifier, "-b@example.test");
	fixture_close(&f);
}
END_TEST

START_TEST(an_identifier_means_an_account_or_everybody)
{
	struct fixture f;
	struct acl_who w;
	struct str name;

	fixture_open(&f);
	ck_assert_int_eq(acl_identify(f.store, STR("nobody"), f.arena, &w, &name), ERR_NO_USER);
	ck_assert_int_eq(acl_identify(f.store, STR("x@y"), f.arena, &w, &name), ERR_NO_USER);
	ck_assert_int_eq(acl_identify(f.store, STR(""), f.arena, &w, &name), ERR_SYNTAX);
	ck_assert_int_eq(acl_identify(f.store, STR("-\xff"), f.arena, &w, &name), ERR_SYNTAX);
	w = who(&f, "-anyone", &name);
	ck_assert(w.negative && w.account == ACL_ANYONE);
	w = who(&f, "a", &name);
	ck_assert_int_eq(w.account, account_id(f.a));
	ck_assert_int_eq(acl_change(f.a, f.inbox, w, name, ACL_SET, 0), ERR_CANNOT);
	w = who(&f, "b", &name);
	ck_assert_int_eq(acl_change(f.a, 9999, w, name, ACL_SET, RIGHT_READ), ERR_GONE);
	fixture_close(&f);
}
END_TEST

static size_t
owners_for(struct fixture *f, int64_t viewer)
{
	struct share_owner *owners;
	size_t n;

	ck_assert_ok(share_owners(f->store, viewer, f->arena, &owners, &n));
	return n;
}

START_TEST(the_directory_knows_who_shares_with_whom)
{
	struct fixture f;
	bool has;

	fixture_open(&f);
	int64_t a = account_id(f.a), b = account_id(f.b), c = add(&f, "c@example.test");
	ck_assert_uint_eq(owners_for(&f, b), 0);
	change(&f, f.inbox, "b", ACL_SET, "lr");
	ck_assert_uint_eq(owners_for(&f, b), 1);
	ck_assert_uint_eq(owners_for(&f, c), 0);
	change(&f, f.archive, "anyone", ACL_SET, "lr");
	ck_assert_uint_eq(owners_for(&f, c), 1);
	ck_assert_uint_eq(owners_for(&f, a), 0); /* with himself nobody shares */
	change(&f, f.archive, "anyone", ACL_SET, "");
	change(&f, f.inbox, "b", ACL_REMOVE, "lr");
	ck_assert_uint_eq(owners_for(&f, b), 0);
	ck_assert_ok(share_has(f.store, a, b, &has));
	ck_assert(!has);
	fixture_close(&f);
}
END_TEST

START_TEST(a_change_of_rights_writes_to_the_directory_once_at_most)
{
	static const struct {
		const char *who;
		enum acl_op op;
		const char *rights;
		unsigned commits;
	} rows[] = {
	    {"b", ACL_SET, "lr", 1},
	    {"b", ACL_SET, "lrs", 0},
	    {"b", ACL_ADD, "w", 0},
	    {"-b", ACL_SET, "w", 0},
	    {"b", ACL_REMOVE, "w", 0},
	    {"b", ACL_SET, "", 1},
	    {"anyone", ACL_SET, "l", 1},
	};
	struct fixture f;

	fixture_open(&f);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t before = f.store->directory.commits;
		change(&f, f.inbox, rows[i].who, rows[i].op, rows[i].rights);
		ck_assert_uint_eq(f.store->directory.commits - before, rows[i].commits);
	}
	fixture_close(&f);
}
END_TEST

static enum err
forget_shares(struct txn *t, void *arg)
{
	(void)arg;
	return db_run(t->db, "DELETE FROM share");
}

START_TEST(a_crash_between_the_two_databases_heals)
{
	struct fixture f;

	fixture_open(&f);
	int64_t b = account_id(f.b);
	change(&f, f.inbox, "b", ACL_SET, "lr");
	ck_assert_ok(database_write(&f.store->directory, forget_shares, NULL, DURABLE_NOW));
	ck_assert_uint_eq(owners_for(&f, b), 0);
	share_mend(f.a); /* as the account's first use in a process does */
	ck_assert_uint_eq(owners_for(&f, b), 1);
	ck_assert_ok(share_announce(f.b, account_id(f.a))); /* and then nothing */
	ck_assert_uint_eq(owners_for(&f, account_id(f.a)), 1);
	share_mend(f.b);
	ck_assert_uint_eq(owners_for(&f, account_id(f.a)), 0);
	fixture_close(&f);
}
END_TEST

START_TEST(a_new_mailbox_inherits_and_a_deleted_one_takes_its_list_along)
{
	struct fixture f;
	int64_t sub, other;
	struct acl_entry *list;
	size_t n;

	fixture_open(&f);
	int64_t b = account_id(f.b);
	change(&f, f.archive, "b", ACL_SET, "lrk");
	ck_assert_ok(mailbox_create(f.a, STR("Archive/x/y"), STR(""), &sub));
	ck_assert_str_eq(letters_of(&f, sub, b), "lrkc"); /* RFC 4314 §4, CREATE */
	ck_assert_ok(mailbox_create(f.a, STR("Other"), STR(""), &other));
	ck_assert_str_eq(letters_of(&f, other, b), "");
	ck_assert_ok(mailbox_rename(f.a, STR("Archive/x/y"), STR("Moved")));
	ck_assert_str_eq(letters_of(&f, sub, b), "lrkc"); /* RENAME */
	ck_assert_ok(mailbox_delete(f.a, STR("Moved")));
	ck_assert_str_eq(letters_of(&f, sub, b), ""); /* DELETE */
	ck_assert_int_eq(acl_list(f.a, sub, f.arena, &list, &n), ERR_GONE);
	ck_assert_uint_eq(owners_for(&f, b), 1);
	ck_assert_ok(mailbox_delete(f.a, STR("Archive/x")));
	ck_assert_ok(mailbox_delete(f.a, STR("Archive")));
	ck_assert_uint_eq(owners_for(&f, b), 0);
	fixture_close(&f);
}
END_TEST

START_TEST(who_is_made_anew_inherits_nothing)
{
	struct fixture f;
	struct acl_entry *list;
	size_t n;

	fixture_open(&f);
	add(&f, "c@example.test");
	change(&f, f.inbox, "c", ACL_SET, "lr");
	ck_assert_ok(directory_remove_account(f.store, STR("c@example.test")));
	int64_t c = add(&f, "c@example.test");
	ck_assert_str_eq(letters_of(&f, f.inbox, c), "");
	ck_assert_uint_eq(owners_for(&f, c), 0);
	ck_assert_ok(acl_list(f.a, f.inbox, f.arena, &list, &n));
	ck_assert_uint_eq(n, 0);
	fixture_close(&f);
}
END_TEST

TEST_MAIN("acl", rights_are_letters_with_the_obsolete_ones,
    rights_add_up_and_negative_ones_take_away, an_identifier_means_an_account_or_everybody,
    the_directory_knows_who_shares_with_whom,
    a_change_of_rights_writes_to_the_directory_once_at_most,
    a_crash_between_the_two_databases_heals,
    a_new_mailbox_inherits_and_a_deleted_one_takes_its_list_along,
    who_is_made_anew_inherits_nothing)
