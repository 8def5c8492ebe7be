/* UNAUTHENTICATE: RFC 8437; APPENDLIMIT: RFC 7889; ID: RFC 2971. */
#include "common/auth/password.h"
#include "tests/imapd/imap_fixture.h"

static const struct dialogue unauthenticate_dialogue[] = {
    {"1 ENABLE UTF8=ACCEPT", "* ENABLED UTF8=ACCEPT\n1 OK"},
    {"2 SELECT Inbox", "2 OK"},
    {"3 STORE 1 +FLAGS (\\Deleted)", "3 OK"},
    {"4 UNAUTHENTICATE now", "4 BAD"}, /* RFC 8437 §3 */
    {"5 UNAUTHENTICATE", "!* 1 EXPUNGE\n5 OK"}, /* §3: nothing is expunged */
    {"6 FETCH 1 FLAGS", "6 BAD Log in first"},
    {"7 SELECT Inbox", "7 BAD Log in first"},
    {"8 UNAUTHENTICATE", "8 BAD"},
    {"9 ID NIL", "* ID (\"name\" \"Pillarbox\"\n9 OK"},
};

/* §3: pipelined with the next login; §4.1: what was enabled and selected is no more */
START_TEST(another_user_logs_in_on_the_same_connection)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:2");

	struct credential credential;
	ck_assert_ok(password_make(STR(FIXTURE_PASSWORD), f->arena, &credential));
	ck_assert_ok(directory_set_credential(f->store, STR(FIXTURE_USER), &credential));
	imap_fixture_dialogue(unauthenticate_dialogue, ARRAY_LEN(unauthenticate_dialogue),
	    (const char *const[]){"Inbox:2", NULL}, false);
	ck_exchange(f, "1 ENABLE UTF8=ACCEPT", "* ENABLED UTF8=ACCEPT\n1 OK");
	ck_exchange(f, "2 SELECT Inbox", "2 OK");
	ck_exchange(f,
	    "3 APPEND Inbox {2+}\nxx\n4 UNAUTHENTICATE\n5 LOGIN " FIXTURE_USER
	    " \"" FIXTURE_PASSWORD "\"",
	    "3 OK [APPENDUID # 3]\n4 OK\n5 OK [CAPABILITY IMAP4rev1");
	ck_exchange(f, "6 FETCH 1 FLAGS", "6 BAD Select a mailbox first");
	ck_exchange(f, "7 ENABLE UTF8=ACCEPT", "* ENABLED UTF8=ACCEPT\n7 OK");
	ck_exchange(f, "8 SELECT Inbox", "* 3 EXISTS\n8 OK");
}
END_TEST

START_TEST(the_largest_message_is_told_beforehand)
{
	static const char *const boxes[] = {"Inbox:0", NULL};
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f =
	    imap_fixture_open_with(boxes, "imapd {\n append_limit = 65536\n}\n");

	struct str got = imap_fixture_ask(f, f->conn, "1 CAPABILITY");
	ck_assert(str_find_nocase(got, STR(" APPENDLIMIT=65536")) != STR_NONE); /* RFC 7889 §2 */
	/* §3.1, §3.2 */
	ck_exchange(f, "2 STATUS Inbox (APPENDLIMIT)", "* STATUS INBOX (APPENDLIMIT 65536)\n2 OK");
	ck_exchange(f, "3 LIST \"\" Inbox RETURN (STATUS (APPENDLIMIT))",
	    "* STATUS INBOX (APPENDLIMIT 65536)\n3 OK");
	ck_exchange(f, "4 APPEND Inbox {65537}", "4 NO [TOOBIG]"); /* §4 */
	ck_exchange(f, "5 APPEND Inbox {65536}", "+ ");
}
END_TEST

static const struct dialogue id_dialogue[] = {
    {"1 ID (\"name\" \"x\" \"version\" NIL)", "* ID (\"name\" \"Pillarbox\"\n1 OK"},
    {"2 ID NIL", "* ID (\"name\"\n2 OK"}, /* RFC 2971 §3.1 */
    {"3 ID ()", "* ID (\"name\"\n3 OK"}, {"4 ID", "4 BAD"}, {"5 ID (\"name\")", "5 BAD"},
    {"6 ID (name x)", "6 BAD"},
    {"7 ID (\"1234567890123456789012345678901\" NIL)", "7 BAD"}, /* §3.3: 30 octets */
};
DIALOGUE_TEST(programs_say_who_they_are, id_dialogue, "Inbox:0")

TEST_MAIN("unauthenticate", another_user_logs_in_on_the_same_connection,
    the_largest_message_is_told_beforehand, programs_say_who_they_are)
