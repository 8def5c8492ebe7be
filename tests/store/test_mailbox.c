#include "store/entries.h"
#include "store/mailbox.h"
#include "store/mailbox_private.h"
#include "tests/support/store_fixture.h"

#include <stdio.h>

static struct mailbox_info
find(struct store_fixture *f, const char *name)
{
	struct mailbox_info info = {0};

	ck_assert_ok(mailbox_find(f->account, str_of(name), f->arena, &info));
	return info;
}

static int64_t
create(struct store_fixture *f, const char *name)
{
	int64_t id = 0;

	ck_assert_ok(mailbox_create(f->account, str_of(name), STR(""), &id));
	return id;
}

/* "INBOX Archive …": every name of the list; (name) without a mailbox, name! noselect, name> with
 * children, name- not subscribed. */
static struct str
names(struct store_fixture *f)
{
	struct mailbox_info *list;
	size_t n;
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(100000);

	ck_assert_ok(mailbox_list(f->account, f->arena, &list, &n));
	for (size_t i = 0; i < n; i++)
		sbuf_printf(&out, list[i].id ? "%s%.*s%s%s%s" : "%s(%.*s)%s%s%s", i ? " " : "",
		    STR_ARG(list[i].name), list[i].noselect ? "!" : "",
		    list[i].has_children ? ">" : "", list[i].subscribed ? "" : "-");
	return arena_dup(f->arena, sbuf_view(&out));
}

START_TEST(new_account_has_its_mailboxes_subscribed)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();

	ck_assert_str_is(names(f), "INBOX Archive Drafts Junk Sent Trash");
	ck_assert_str_is(find(f, "Sent").special_use, "\\Sent");
	ck_assert_str_is(find(f, "INBOX").special_use, "");
	ck_assert_uint_eq(find(f, "INBOX").uidnext, 1);
	ck_assert_uint_gt(find(f, "INBOX").uidvalidity, 1600000000);
}
END_TEST

START_TEST(names_are_checked)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	char longest[256], too_long[257], deep[2 * MAILBOX_DEPTH_MAX + 2];
	memset(longest, 'x', 255), longest[255] = 0;
	memset(too_long, 'x', 256), too_long[256] = 0;
	for (size_t i = 0; i < sizeof(deep) - 1; i++)
		deep[i] = i % 2 ? '/' : 'd';
	deep[sizeof(deep) - 1] = 0;
	const struct {
		const char *name, *canonical; /* NULL: ERR_SYNTAX */
	} rows[] = {
	    {"inbox", "INBOX"},
	    {"iNbOx/a", "INBOX/a"},
	    {"inboxes", "inboxes"},
	    {"a/", "a"},
	    {"a//", NULL},
	    {"a//b", NULL},
	    {"/a", NULL},
	    {"/", NULL},
	    {"", NULL},
	    {"a\tb", NULL},
	    {"a\x7f", NULL},
	    {"a\xc2\x80", NULL},
	    {"\xc3\xa4", "\xc3\xa4"},
	    {"\xff", NULL},
	    {"%*", "%*"},
	    {"../x", "../x"},
	    {longest, longest},
	    {too_long, NULL},
	    {deep, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str got = {NULL, 0};
		enum err e = mailbox_check_name(test_guarded(str_of(rows[i].name)), f->arena, &got);
		ck_assert_int_eq(e, rows[i].canonical ? ERR_OK : ERR_SYNTAX);
		if (rows[i].canonical)
			ck_assert_str_is(got, rows[i].canonical);
	}
	ck_assert_int_eq(
	    mailbox_check_name(str_make("a\0b", 3), f->arena, &(struct str){0}), ERR_SYNTAX);
}
END_TEST

/* RFC 3501 §6.3.3 */
START_TEST(create_makes_superiors_and_refuses_what_exists)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	int64_t id;

	create(f, "a/b/c/");
	ck_assert_str_is(names(f), "INBOX Archive Drafts Junk Sent Trash a>- a/b>- a/b/c-");
	ck_assert_int_eq(mailbox_create(f->account, STR("a/b"), STR(""), &id), ERR_EXISTS);
	ck_assert_int_eq(mailbox_create(f->account, STR("inbox"), STR(""), &id), ERR_EXISTS);
	ck_assert_int_eq(mailbox_create(f->account, STR("a//b"), STR(""), &id), ERR_SYNTAX);
	ck_assert(find(f, "a").uidvalidity != find(f, "a/b").uidvalidity);
}
END_TEST

START_TEST(list_puts_what_is_below_a_mailbox_right_behind_it)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();

	create(f, "a-b");
	create(f, "a/b");
	create(f, "a0");
	create(f, "inbox/z");
	ck_assert_str_is(
	    names(f), "INBOX> INBOX/z- Archive Drafts Junk Sent Trash a>- a/b- a-b- a0-");
}
END_TEST

/* RFC 3501 §6.3.4 */
START_TEST(deleted_mailbox_with_inferiors_keeps_its_name)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	int64_t old = create(f, "a"), new_id;
	uint32_t uidvalidity = find(f, "a").uidvalidity;

	create(f, "a/b");
	ck_assert_ok(mailbox_delete(f->account, STR("a")));
	ck_assert(find(f, "a").noselect);
	ck_assert(find(f, "a").has_children);
	ck_assert_int_eq(
	    mailbox_get(f->account, old, f->arena, &(struct mailbox_info){0}), ERR_GONE);
	ck_assert_int_eq(mailbox_delete(f->account, STR("a")), ERR_HAS_CHILDREN);

	new_id = create(f, "a");
	ck_assert_int_ne(new_id, old);
	ck_assert(!find(f, "a").noselect);
	ck_assert_uint_gt(find(f, "a").uidvalidity, uidvalidity);

	ck_assert_ok(mailbox_delete(f->account, STR("a")));
	ck_assert_ok(mailbox_delete(f->account, STR("a/b")));
	ck_assert_str_is(names(f), "INBOX Archive Drafts Junk Sent Trash");
}
END_TEST

START_TEST(delete_refuses_inbox_and_what_is_not_there)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();

	ck_assert_int_eq(mailbox_delete(f->account, STR("Inbox")), ERR_CANNOT);
	ck_assert_int_eq(mailbox_delete(f->account, STR("nothing")), ERR_NOT_FOUND);
	ck_assert_int_eq(mailbox_delete(f->account, STR("a//b")), ERR_NOT_FOUND);
	/* the subscription stays, RFC 3501 §6.3.6 */
	ck_assert_ok(mailbox_delete(f->account, STR("Junk")));
	ck_assert_str_is(names(f), "INBOX Archive Drafts (Junk) Sent Trash");
}
END_TEST

START_TEST(made_anew_a_mailbox_has_another_uidvalidity_also_after_reopening)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	uint32_t last = 0;

	for (int i = 0; i < 3; i++) {
		int64_t id = create(f, "x");
		struct mailbox_info info = find(f, "x");
		ck_assert_int_eq(info.id, id);
		ck_assert_uint_gt(info.uidvalidity, last);
		last = info.uidvalidity;
		ck_assert_ok(mailbox_delete(f->account, STR("x")));
		store_fixture_reopen(f);
	}
}
END_TEST

/* RFC 3501 §6.3.5 */
START_TEST(rename_takes_inferiors_along_and_keeps_identity)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	int64_t id = create(f, "\xc3\xa4");
	uint32_t uidvalidity = find(f, "\xc3\xa4").uidvalidity;

	create(f, "\xc3\xa4/\xc3\xbc/c");
	ck_assert_ok(mailbox_rename(f->account, STR("\xc3\xa4"), STR("new/deep")));
	ck_assert_int_eq(find(f, "new/deep").id, id);
	ck_assert_uint_eq(find(f, "new/deep").uidvalidity, uidvalidity);
	ck_assert_str_is(names(f),
	    "INBOX Archive Drafts Junk Sent Trash new>- new/deep>- new/deep/\xc3\xbc>- "
	    "new/deep/\xc3\xbc/c-");

	ck_assert_int_eq(mailbox_rename(f->account, STR("no"), STR("y")), ERR_NOT_FOUND);
	ck_assert_int_eq(mailbox_rename(f->account, STR("new"), STR("Sent")), ERR_EXISTS);
	ck_assert_int_eq(mailbox_rename(f->account, STR("new"), STR("inbox")), ERR_EXISTS);
	ck_assert_int_eq(mailbox_rename(f->account, STR("new"), STR("new/x")), ERR_CANNOT);
	ck_assert_int_eq(mailbox_rename(f->account, STR("new"), STR("a//b")), ERR_SYNTAX);
	ck_assert_int_eq(mailbox_rename(f->account, STR("new"), STR("new")), ERR_EXISTS);
}
END_TEST

START_TEST(rename_refuses_names_that_would_grow_too_long)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	CLEANUP(sbuf_done) struct sbuf b = SBUF_INIT(2000);

	for (int i = 0; i < 4; i++)
		sbuf_printf(&b, "/%0200d", i);
	create(f, "a");
	create(f, arena_printf(f->arena, "a%.*s", STR_ARG(sbuf_view(&b))).p);
	char to[256];
	memset(to, 'x', 255), to[255] = 0;
	ck_assert_int_eq(mailbox_rename(f->account, STR("a"), str_of(to)), ERR_SYNTAX);
	ck_assert_uint_eq(find(f, "a").has_children, true);
}
END_TEST

/* Two messages in INBOX, as the store's own rows: this is about the folder tree alone. */
static enum err
insert_two(struct txn *t, void *arg)
{
	struct account *a = t->account;
	uint64_t modseq;
	uint32_t uid, uidvalidity;
	enum err e = txn_next_modseq(t, &modseq);

	(void)a;
	if (!e)
		e = txn_take_uids(t, *(int64_t *)arg, 2, &uid, &uidvalidity);
	for (int i = 0; i < 2 && !e; i++) {
		e = db_run(t->db,
		    "INSERT INTO message (email_id, size, header_size, internal_s, envelope,"
		    " bodystructure, parts) VALUES ('e', 100, 50, 0, '', '', '')");
		int64_t id = db_last_id(t->db);
		if (!e)
			e = entries_append(t->db, *(int64_t *)arg,
			    &(struct entry){.uid = uid + (uint32_t)i,
				.message = id,
				.size = 100,
				.modseq = modseq},
			    1);
	}
	return e ? e
		 : txn_change_mailbox(t, *(int64_t *)arg,
		       &(struct mailbox_change){.messages = 2, .unseen = 2, .bytes = 200}, modseq);
}

static void
put_two(struct store_fixture *f, const char *mailbox)
{
	int64_t id = find(f, mailbox).id;

	ck_assert_ok(account_write(f->account, insert_two, &id, DURABLE_NOW));
}

START_TEST(renaming_inbox_moves_its_messages_and_leaves_it_empty)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct mailbox_info before;

	create(f, "inbox/sub");
	put_two(f, "INBOX");
	before = find(f, "INBOX");
	ck_assert_ok(mailbox_rename(f->account, STR("inbox"), STR("old/mail")));
	ck_assert_uint_eq(find(f, "INBOX").id, before.id);
	ck_assert_uint_eq(find(f, "INBOX").messages, 0);
	ck_assert_uint_eq(find(f, "INBOX").unseen, 0);
	ck_assert_uint_eq(find(f, "INBOX").bytes, 0);
	ck_assert_uint_eq(find(f, "INBOX").uidnext, 3);
	ck_assert_uint_eq(find(f, "INBOX").uidvalidity, before.uidvalidity);
	ck_assert_uint_gt(find(f, "INBOX").highest_modseq, before.highest_modseq);
	ck_assert_uint_eq(find(f, "old/mail").messages, 2);
	ck_assert_uint_eq(find(f, "old/mail").unseen, 2);
	ck_assert_uint_eq(find(f, "old/mail").bytes, 200);
	ck_assert_uint_ne(find(f, "old/mail").uidvalidity, before.uidvalidity);
	find(f, "INBOX/sub");

	struct quota q;
	ck_assert_ok(account_quota(f->account, &q));
	ck_assert_uint_eq(q.bytes_used, 200);
	ck_assert_uint_eq(q.messages_used, 2);
}
END_TEST

START_TEST(deleting_a_mailbox_frees_what_its_messages_took)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct quota q;

	create(f, "x");
	put_two(f, "x");
	ck_assert_ok(account_quota(f->account, &q));
	ck_assert_uint_eq(q.bytes_used, 200);
	ck_assert_ok(mailbox_delete(f->account, STR("x")));
	ck_assert_ok(account_quota(f->account, &q));
	ck_assert_uint_eq(q.bytes_used, 0);
	ck_assert_uint_eq(q.messages_used, 0);
}
END_TEST

START_TEST(recent_is_claimed_once)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	int64_t inbox = find(f, "INBOX").id;
	uint32_t first;

	put_two(f, "INBOX");
	ck_assert_ok(mailbox_claim_recent(f->account, inbox, false, &first)); /* EXAMINE */
	ck_assert_uint_eq(first, 1);
	ck_assert_ok(mailbox_claim_recent(f->account, inbox, true, &first));
	ck_assert_uint_eq(first, 1);
	ck_assert_ok(mailbox_claim_recent(f->account, inbox, true, &first));
	ck_assert_uint_eq(first, 3);
	ck_assert_int_eq(mailbox_claim_recent(f->account, 999, true, &first), ERR_GONE);
}
END_TEST

START_TEST(subscriptions_are_names)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();

	create(f, "x");
	ck_assert_int_eq(mailbox_subscribe(f->account, STR("nothing"), true), ERR_NOT_FOUND);
	ck_assert_ok(mailbox_subscribe(f->account, STR("x"), true));
	ck_assert_ok(mailbox_subscribe(f->account, STR("x"), true));
	ck_assert(find(f, "x").subscribed);
	ck_assert_ok(mailbox_delete(f->account, STR("x")));
	ck_assert_str_is(names(f), "INBOX Archive Drafts Junk Sent Trash (x)");
	ck_assert_ok(mailbox_subscribe(f->account, STR("x"), false));
	ck_assert_ok(mailbox_subscribe(f->account, STR("inBox"), false));
	ck_assert_str_is(names(f), "INBOX- Archive Drafts Junk Sent Trash");
}
END_TEST

START_TEST(number_of_mailboxes_is_limited)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	CLEANUP(db_close) struct db *db = NULL;
	int64_t id;

	ck_assert_ok(db_open(store_fixture_path(f, "data/accounts/1/mail.db"), DB_WRITER, &db));
	ck_assert_ok(db_run(db,
	    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)"
	    " INSERT INTO mailbox (name, uidvalidity, highest_modseq) SELECT 'm' || i, i, 1 FROM n",
	    DB_INT(MAILBOX_MAX - 7)));
	create(f, "last");
	ck_assert_int_eq(mailbox_create(f->account, STR("more"), STR(""), &id), ERR_LIMIT);
	ck_assert_ok(mailbox_delete(f->account, STR("last")));
	create(f, "more");
}
END_TEST

/* RFC 9051 §5.1, RFC 5198: one mailbox, however its name is composed */
START_TEST(names_are_kept_in_form_nfc)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	int64_t id = create(f, "Entwu\xcc\x88rfe/a\xcc\x8a"), other;

	ck_assert_str_is(find(f, "Entw\xc3\xbcrfe/\xc3\xa5").name, "Entw\xc3\xbcrfe/\xc3\xa5");
	ck_assert_int_eq(find(f, "Entwu\xcc\x88rfe/\xc3\xa5").id, id);
	ck_assert_int_eq(
	    mailbox_create(f->account, STR("Entwu\xcc\x88rfe"), STR(""), &other), ERR_EXISTS);
}
END_TEST

TEST_MAIN("mailbox", names_are_kept_in_form_nfc, new_account_has_its_mailboxes_subscribed,
    names_are_checked, create_makes_superiors_and_refuses_what_exists,
    list_puts_what_is_below_a_mailbox_right_behind_it,
    deleted_mailbox_with_inferiors_keeps_its_name, delete_refuses_inbox_and_what_is_not_there,
    made_anew_a_mailbox_has_another_uidvalidity_also_after_reopening,
    rename_takes_inferiors_along_and_keeps_identity, rename_refuses_names_that_would_grow_too_long,
    renaming_inbox_moves_its_messages_and_leaves_it_empty,
    deleting_a_mailbox_frees_what_its_messages_took, recent_is_claimed_once,
    subscriptions_are_names, number_of_mailboxes_is_limited)
