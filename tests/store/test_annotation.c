/* METADATA entries in the store: RFC 5464. */
#include "store/acl_private.h"
#include "store/annotation.h"
#include "store/mailbox.h"
#include "tests/support/store_fixture.h"

#include <limits.h>
#include <stdio.h>

static int64_t
mailbox(struct store_fixture *f, const char *name)
{
	struct mailbox_info info = {0};

	ck_assert_ok(mailbox_find(f->account, str_of(name), f->arena, &info));
	return info.id;
}

static struct annotation_home
home(struct store_fixture *f, int64_t id)
{
	return (struct annotation_home){.store = f->store, .account = f->account, .mailbox = id};
}

static enum err
set(struct annotation_home home, const char *name, const char *value)
{
	uint64_t modseq;
	struct annotation a = {.name = str_of(name)};

	if (value)
		a.value = str_of(value);
	return annotation_set(&home, &a, 1, &modseq);
}

/* "name=value name=value", "name:size" for a value that was too large */
static struct str
found(struct store_fixture *f, struct annotation_home home, const char *name, unsigned depth,
    uint64_t max)
{
	struct annotation *list;
	size_t n;
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(1000000);

	ck_assert_ok(annotation_find(&home, str_of(name), depth, max, f->arena, &list, &n));
	for (size_t i = 0; i < n; i++) {
		sbuf_printf(&out, "%s%.*s", i ? " " : "", STR_ARG(list[i].name));
		if (list[i].value.p)
			sbuf_printf(&out, "=%.*s", STR_ARG(list[i].value));
		else
			sbuf_printf(&out, ":%llu", (unsigned long long)list[i].size);
	}
	return arena_dup(f->arena, sbuf_view(&out));
}

#define ALL ANNOTATION_ANY_DEPTH, UINT64_MAX

START_TEST(values_are_set_and_removed)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct annotation_home inbox = home(f, mailbox(f, "INBOX")), own = home(f, 0);

	ck_assert_ok(set(inbox, "/private/comment", "mine"));
	ck_assert_ok(set(inbox, "/shared/comment", "ours"));
	ck_assert_ok(set(own, "/private/comment", "the account's"));
	ck_assert_str_is(found(f, inbox, "/private/comment", 0, 100), "/private/comment=mine");
	ck_assert_str_is(found(f, inbox, "/shared", ALL), "/shared/comment=ours");
	ck_assert_str_is(found(f, own, "/private", ALL), "/private/comment=the account's");
	ck_assert_ok(set(inbox, "/private/comment", "new"));
	ck_assert_str_is(found(f, inbox, "/private/comment", 0, 100), "/private/comment=new");
	ck_assert_ok(set(inbox, "/private/comment", NULL));
	ck_assert_str_is(found(f, inbox, "/private", ALL), "");
	ck_assert_ok(set(inbox, "/shared/comment", "")); /* an empty value is one */
	ck_assert_str_is(found(f, inbox, "/shared", ALL), "/shared/comment=");
	ck_assert_int_eq(set(home(f, 999), "/private/comment", "x"), ERR_GONE);
}
END_TEST

START_TEST(private_values_belong_to_one_user)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct annotation_home owner = home(f, mailbox(f, "Sent")), bob = owner;

	bob.user = 77;
	ck_assert_ok(set(owner, "/private/comment", "owner"));
	ck_assert_str_is(found(f, bob, "/private", ALL), ""); /* no special use either */
	ck_assert_ok(set(bob, "/private/comment", "bob"));
	ck_assert_ok(set(bob, "/shared/comment", "all"));
	ck_assert_str_is(found(f, owner, "/private/comment", 0, 100), "/private/comment=owner");
	ck_assert_str_is(found(f, bob, "/private/comment", 0, 100), "/private/comment=bob");
	ck_assert_str_is(found(f, owner, "/shared/comment", 0, 100), "/shared/comment=all");
}
END_TEST

START_TEST(depth_and_size_limit_what_is_found)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct annotation_home h = home(f, mailbox(f, "INBOX"));

	ck_assert_ok(set(h, "/private/a", "1"));
	ck_assert_ok(set(h, "/private/a/b", "22"));
	ck_assert_ok(set(h, "/private/a/b/c", "333"));
	ck_assert_ok(set(h, "/private/ab", "4444"));
	ck_assert_str_is(found(f, h, "/private/a", 0, 9), "/private/a=1");
	ck_assert_str_is(found(f, h, "/private/a", 1, 9), "/private/a=1 /private/a/b=22");
	ck_assert_str_is(
	    found(f, h, "/private/a", ALL), "/private/a=1 /private/a/b=22 /private/a/b/c=333");
	ck_assert_str_is(
	    found(f, h, "/private/a", 2, 2), "/private/a=1 /private/a/b=22 /private/a/b/c:3");
}
END_TEST

START_TEST(they_go_where_the_mailbox_goes)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct annotation_home sent = home(f, mailbox(f, "Sent"));
	int64_t id;

	ck_assert_ok(set(sent, "/private/comment", "x"));
	ck_assert_ok(mailbox_rename(f->account, STR("Sent"), STR("Gone")));
	ck_assert_str_is(
	    found(f, home(f, mailbox(f, "Gone")), "/private/comment", 0, 9), "/private/comment=x");
	ck_assert_ok(mailbox_delete(f->account, STR("Gone")));
	ck_assert_str_is(found(f, sent, "/private/comment", 0, 9), "");
	ck_assert_ok(mailbox_create(f->account, STR("Gone"), STR(""), &id));
	ck_assert_str_is(found(f, home(f, id), "/private/comment", 0, 9), "");
	ck_assert_int_eq(set(sent, "/private/comment", "x"), ERR_GONE);

	/* RFC 5464 §4.1: INBOX keeps them, too */
	ck_assert_ok(set(home(f, mailbox(f, "INBOX")), "/private/comment", "in"));
	ck_assert_ok(mailbox_rename(f->account, STR("INBOX"), STR("Old")));
	ck_assert_str_is(found(f, home(f, mailbox(f, "INBOX")), "/private/comment", 0, 9),
	    "/private/comment=in");
	ck_assert_str_is(
	    found(f, home(f, mailbox(f, "Old")), "/private/comment", 0, 9), "/private/comment=in");
}
END_TEST

START_TEST(a_special_use_has_one_mailbox)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct mailbox_info info;
	int64_t id;

	ck_assert_ok(mailbox_create(f->account, STR("Out"), STR("\\Sent \\Drafts"), &id));
	ck_assert_ok(mailbox_find(f->account, STR("Sent"), f->arena, &info));
	ck_assert_str_is(info.special_use, "");
	ck_assert_ok(mailbox_find(f->account, STR("Drafts"), f->arena, &info));
	ck_assert_str_is(info.special_use, "");
	ck_assert_str_is(
	    found(f, home(f, id), "/private", 1, 100), "/private/specialuse=\\Sent \\Drafts");
	ck_assert_ok(set(home(f, info.id), ANNOTATION_SPECIAL_USE, "\\Drafts"));
	ck_assert_str_is(
	    found(f, home(f, id), ANNOTATION_SPECIAL_USE, 0, 100), "/private/specialuse=\\Sent");
	ck_assert_ok(set(home(f, id), ANNOTATION_SPECIAL_USE, NULL));
	ck_assert_str_is(found(f, home(f, id), ANNOTATION_SPECIAL_USE, 0, 100), "");
	ck_assert_ok(mailbox_find(f->account, STR("Drafts"), f->arena, &info));
	ck_assert_str_is(info.special_use, "\\Drafts");
}
END_TEST

START_TEST(the_server_has_some_for_all)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct annotation_home server = {.store = f->store};

	ck_assert_ok(set(server, "/shared/comment", "hello"));
	ck_assert_str_is(found(f, server, "/shared", ALL), "/shared/comment=hello");
	ck_assert_str_is(found(f, home(f, 0), "/shared", ALL), "");
}
END_TEST

START_TEST(too_many_change_nothing)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct annotation_home h = home(f, mailbox(f, "INBOX"));
	struct annotation list[ANNOTATIONS_MAX + 1];
	char names[ANNOTATIONS_MAX + 1][32];
	uint64_t modseq;

	for (unsigned i = 0; i <= ANNOTATIONS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "/private/%u", i);
		list[i] = (struct annotation){.name = str_of(names[i]), .value = STR("x")};
	}
	ck_assert_int_eq(annotation_set(&h, list, ANNOTATIONS_MAX + 1, &modseq), ERR_LIMIT);
	ck_assert_str_is(found(f, h, "/private", ALL), "");
	ck_assert_ok(annotation_set(&h, list, ANNOTATIONS_MAX, &modseq));
	ck_assert_int_eq(set(h, "/private/one-more", "x"), ERR_LIMIT);
	ck_assert_ok(set(h, "/private/0", "other")); /* no new one */
	ck_assert_ok(set(h, "/shared/one-more", "x")); /* counted apart */
	ck_assert_ok(set(h, "/private/0", NULL));
	ck_assert_ok(set(h, "/private/one-more", "x"));
	/* what is remembered of removals has an end, too */
	for (unsigned i = 0; i < 250; i++) {
		char name[32];
		snprintf(name, sizeof(name), "/shared/x%u", i);
		ck_assert_ok(set(h, name, "x"));
		ck_assert_ok(set(h, name, NULL));
	}
	struct annotation_change *changes;
	size_t n;
	ck_assert_ok(annotation_changes(&h, 0, f->arena, &changes, &n, &modseq));
	ck_assert_uint_le(n, 3 * ANNOTATIONS_MAX);
}
END_TEST

/* "mailbox:name …" since `modseq` */
static struct str
changes(struct store_fixture *f, struct annotation_home home, uint64_t *modseq)
{
	struct annotation_change *list;
	size_t n;
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(100000);

	ck_assert_ok(annotation_changes(&home, *modseq, f->arena, &list, &n, modseq));
	for (size_t i = 0; i < n; i++)
		sbuf_printf(&out, "%s%.*s:%.*s", i ? " " : "", STR_ARG(list[i].mailbox_name),
		    STR_ARG(list[i].name));
	return arena_dup(f->arena, sbuf_view(&out));
}

START_TEST(changes_are_known_by_name)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct annotation_home inbox = home(f, mailbox(f, "INBOX")), bob = inbox;
	struct annotation_home server = {.store = f->store};
	uint64_t modseq, modseq_of_server;

	ck_assert_ok(set(inbox, "/private/old", "x"));
	ck_assert_ok(annotation_latest(&inbox, &modseq));
	ck_assert_ok(annotation_latest(&server, &modseq_of_server));
	ck_assert_str_is(changes(f, inbox, &modseq), "");
	bob.user = 77;
	ck_assert_ok(set(bob, "/private/bob", "x"));
	ck_assert_ok(set(bob, "/shared/bob", "x"));
	ck_assert_ok(set(inbox, "/private/old", NULL));
	ck_assert_ok(set(inbox, "/private/never", NULL));
	ck_assert_ok(set(home(f, mailbox(f, "Archive")), ANNOTATION_SPECIAL_USE, "\\Sent"));
	ck_assert_str_is(changes(f, inbox, &modseq),
	    "INBOX:/private/old INBOX:/shared/bob Sent:/private/specialuse "
	    "Archive:/private/specialuse");
	ck_assert_str_is(changes(f, inbox, &modseq), "");
	ck_assert_ok(set(server, "/shared/comment", "x"));
	ck_assert_str_is(changes(f, server, &modseq_of_server), ":/shared/comment");
	ck_assert_ok(set(server, "/shared/comment", NULL));
	ck_assert_str_is(changes(f, server, &modseq_of_server), ":/shared/comment");
	ck_assert_str_is(changes(f, server, &modseq_of_server), "");
}
END_TEST

START_TEST(those_of_a_removed_account_go)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct annotation_home bob = home(f, mailbox(f, "INBOX"));

	bob.user = 77;
	ck_assert_ok(set(bob, "/private/comment", "bob"));
	ck_assert_ok(set(bob, "/shared/comment", "all"));
	ck_assert_ok(acl_forget_account(f->account, 77));
	ck_assert_str_is(found(f, bob, "/private", ALL), "");
	ck_assert_str_is(found(f, bob, "/shared", ALL), "/shared/comment=all");
}
END_TEST

TEST_MAIN("annotation", values_are_set_and_removed, private_values_belong_to_one_user,
    depth_and_size_limit_what_is_found, they_go_where_the_mailbox_goes,
    a_special_use_has_one_mailbox, the_server_has_some_for_all, too_many_change_nothing,
    changes_are_known_by_name, those_of_a_removed_account_go)
