/* QUOTA: RFC 9208. */
#include "tests/imapd/imap_fixture.h"

START_TEST(without_limits_there_is_no_root)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:3");

	/* RFC 9208 §7: a QUOTA lists a resource at least */
	ck_exchange(f, "1 GETQUOTAROOT INBOX", "!* QUOTA \"\"\n* QUOTAROOT INBOX\n1 OK");
	ck_exchange(f, "2 GETQUOTA \"\"", "2 NO [NONEXISTENT]");
}
END_TEST

START_TEST(quota_speaks)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:3");

	imap_fixture_set_quota(f, 1024 * 1024, 100);
	/* RFC 9208 §3.1.1, §4.1.3: resources are advertised, QUOTASET to those who may */
	struct str caps = imap_fixture_ask(f, f->conn, "1 CAPABILITY");
	ck_assert(
	    str_find_nocase(caps, STR(" QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE")) != STR_NONE);
	ck_assert(str_find_nocase(caps, STR("QUOTASET")) == STR_NONE);
	ck_exchange(f, "2 GETQUOTAROOT INBOX", /* §4.1.2, §4.2.2 */
	    "* QUOTAROOT INBOX \"\"\n* QUOTA \"\" (STORAGE 1 1024 MESSAGE 3 100)\n2 OK");
	ck_exchange(f, "3 GETQUOTAROOT not/yet/there", /* §4.1.2: it need not exist */
	    "* QUOTAROOT not/yet/there \"\"\n* QUOTA \"\" (STORAGE 1 1024 MESSAGE 3 100)\n3 OK");
	ck_exchange(f, "4 GETQUOTA \"\"", /* §4.1.1, §4.2.1 */
	    "* QUOTA \"\" (STORAGE 1 1024 MESSAGE 3 100)\n4 OK");
	ck_exchange(f, "5 GETQUOTA other", "5 NO [NONEXISTENT]");
	ck_exchange(f, "6 GETQUOTA ann@example.test", "6 NO [NONEXISTENT]");
	ck_exchange(f, "7 SETQUOTA \"\" (STORAGE 512)", "7 NO [NOPERM]");
	ck_exchange(f, "8 GETQUOTA", "8 BAD");
	ck_exchange(f, "9 GETQUOTAROOT", "9 BAD");
	ck_exchange(f, "10 SETQUOTA \"\" STORAGE 512", "10 BAD");
	ck_exchange(f, "11 SETQUOTA \"\" (STORAGE)", "11 BAD");
	ck_exchange(f, "12 SETQUOTA \"\" (STORAGE 9223372036854775808)", "12 BAD"); /* §3.1.2 */
	imap_fixture_set_quota(f, 0, 100);
	ck_exchange(f, "13 GETQUOTA \"\"", "* QUOTA \"\" (MESSAGE 3 100)\n13 OK");
}
END_TEST

/* RFC 9208 §4.3.1 */
START_TEST(a_full_account_takes_no_more)
{
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f = imap_fixture_open("Inbox:3", "Other:0");

	imap_fixture_set_quota(f, 0, 4);
	ck_exchange(f, "1 SELECT INBOX", "1 OK");
	ck_exchange(f, "2 COPY 1:2 Other", "2 NO [OVERQUOTA]");
	ck_exchange(f, "3 COPY 1 Other", "3 OK [COPYUID");
	ck_exchange(f, "4 APPEND Other {5+}\nhello", "4 NO [OVERQUOTA]");
	ck_exchange(f, "5 MOVE 1 Other", "* 1 EXPUNGE\n5 OK"); /* what stays in it takes no room */
	ck_exchange(f, "6 GETQUOTA \"\"", "* QUOTA \"\" (MESSAGE 4 4)\n6 OK");
}
END_TEST

/* RFC 9208 §4.1.3 */
START_TEST(administrators_set_limits)
{
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f = imap_fixture_open_with((const char *const[]){"Inbox:3", NULL},
	    "imapd {\n admins = { \"ann@example.test\" }\n}\n");
	struct str caps = imap_fixture_ask(f, f->conn, "0 CAPABILITY");

	ck_assert(str_find_nocase(caps, STR("QUOTASET")) != STR_NONE);
	ck_exchange(f, "1 SETQUOTA \"\" (STORAGE 512 MESSAGE 1000)",
	    "* QUOTA \"\" (STORAGE 1 512 MESSAGE 3 1000)\n1 OK");
	ck_exchange(f, "2 SETQUOTA \"\" (storage 510)", /* what is not listed is discarded */
	    "* QUOTA \"\" (STORAGE 1 510)\n2 OK");
	ck_exchange(
	    f, "3 GETQUOTA ann@example.test", "* QUOTA ann@example.test (STORAGE 1 510)\n3 OK");
	ck_exchange(f, "4 SETQUOTA nobody@example.test (STORAGE 1)", "4 NO [NONEXISTENT]");
	ck_exchange(f, "5 SETQUOTA \"\" (MAILBOX 5)", "5 NO [CANNOT]");
	ck_exchange(f, "6 SETQUOTA \"\" (MESSAGE 0)", "6 NO [CANNOT]");
	ck_exchange(f, "7 SETQUOTA \"\" (STORAGE 0)", /* §3.1.2: 0 is no room at all */
	    "* QUOTA \"\" (STORAGE 1 0)\n7 OK");
	ck_exchange(f, "8 APPEND INBOX {1+}\nx", "8 NO [OVERQUOTA]");
	ck_exchange(f, "9 SETQUOTA \"\" ()", "!* QUOTA\n9 OK");
	ck_exchange(f, "10 APPEND INBOX {1+}\nx", "10 OK");
}
END_TEST

/* RFC 9208 §4.1.4 */
static const struct dialogue deleted_dialogue[] = {
    {"1 STATUS INBOX (MESSAGES DELETED DELETED-STORAGE)",
	"* STATUS INBOX (MESSAGES 0 DELETED 0 DELETED-STORAGE 0)\n1 OK"},
    {"2 APPEND INBOX {10+}\n0123456789", "2 OK"},
    {"3 APPEND INBOX (\\Deleted) {5+}\n01234", "3 OK"},
    {"4 APPEND INBOX (\\Deleted) {7+}\n0123456", "4 OK"},
    {"5 STATUS INBOX (MESSAGES DELETED DELETED-STORAGE SIZE)",
	"* STATUS INBOX (MESSAGES 3 SIZE 22 DELETED 2 DELETED-STORAGE 12)\n5 OK"},
    {"6 LIST \"\" INBOX RETURN (STATUS (DELETED-STORAGE))",
	"* STATUS INBOX (DELETED-STORAGE 12)\n6 OK"},
    {"7 SELECT INBOX", "7 OK"},
    {"8 EXPUNGE", "8 OK"},
    {"9 STATUS INBOX (DELETED DELETED-STORAGE SIZE)",
	"* STATUS INBOX (SIZE 10 DELETED 0 DELETED-STORAGE 0)\n9 OK"},
};
DIALOGUE_TEST(deleted_storage_speaks, deleted_dialogue, "Inbox:0")

/* RFC 9208 §6: a shared mailbox is governed by its owner's root; reading it shows the usage */
START_TEST(shared_mailboxes_have_their_owners_root)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:3");
	struct conn *bob = imap_fixture_connect_as(f, "bob@example.test");

	imap_fixture_set_quota(f, 0, 100);
	ck_exchange_on(
	    bob, "1 GETQUOTAROOT \"Other Users/ann@example.test/INBOX\"", "1 NO [NONEXISTENT]");
	ck_exchange(f, "2 SETACL INBOX bob@example.test li", "2 OK");
	ck_exchange_on(
	    bob, "3 GETQUOTAROOT \"Other Users/ann@example.test/INBOX\"", "3 NO [NOPERM]");
	ck_exchange(f, "4 SETACL INBOX bob@example.test lri", "4 OK");
	ck_exchange_on(bob, "5 GETQUOTAROOT \"Other Users/ann@example.test/INBOX\"",
	    "* QUOTAROOT \"Other Users/ann@example.test/INBOX\" ann@example.test\n"
	    "* QUOTA ann@example.test (MESSAGE 3 100)\n5 OK");
	ck_exchange_on(bob, "6 GETQUOTAROOT INBOX", "!* QUOTA \n* QUOTAROOT INBOX\n6 OK");
	ck_exchange_on(bob, "7 GETQUOTA ann@example.test", "7 NO [NONEXISTENT]");
	imap_fixture_set_quota(f, 0, 3);
	ck_exchange_on(
	    bob, "8 APPEND \"Other Users/ann@example.test/INBOX\" {1+}\nx", "8 NO [OVERQUOTA]");
}
END_TEST

TEST_MAIN("quota", without_limits_there_is_no_root, quota_speaks, a_full_account_takes_no_more,
    administrators_set_limits, deleted_storage_speaks, shared_mailboxes_have_their_owners_root)
