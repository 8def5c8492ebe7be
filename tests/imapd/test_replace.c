/* REPLACE and UID REPLACE: RFC 8508. */
#include "tests/imapd/imap_fixture.h"

static const struct dialogue replace_dialogue[] = {
    {"0 REPLACE 1 Inbox {12+}\nSubject: 1\n", "0 BAD Select"}, /* RFC 8508 §3.5 */
    {"1 SELECT Inbox", "* 3 EXISTS\n1 OK"},
    /* §3.2, §4.3: APPENDUID before EXPUNGE, untagged */
    {"2 REPLACE 2 Inbox (\\Seen \\Draft) {12}", "+ "},
    {"Subject: 1\n", "* OK [APPENDUID # 4] \n* 2 EXPUNGE\n* 3 EXISTS\n2 OK"},
    {"3 UID REPLACE 4 Drafts \"17-Jul-1996 02:44:25 -0700\" {12+}\nSubject: 2\n",
	"* OK [APPENDUID # 1] \n* 3 EXPUNGE\n3 OK"},
    {"4 UID FETCH 1:* FLAGS", "* 1 FETCH (UID 1 \n* 2 FETCH (UID 3 \n4 OK"},
    /* §4.2: with CATENATE, of the very message that goes */
    {"5 REPLACE * Inbox CATENATE (TEXT {6+}\nX: y\n URL \";UID=3\")",
	"* OK [APPENDUID # 5] \n* 2 EXPUNGE\n* 2 EXISTS\n5 OK"},
    {"6 FETCH 2 BODY.PEEK[HEADER.FIELDS (X Subject)]",
	"* 2 FETCH \nX: y\nSubject: message 3\n6 OK"},
    {"7 REPLACE 3 Inbox {12}", "7 BAD"},
    {"8 REPLACE 0 Inbox {12}", "8 BAD"},
    {"9 REPLACE 1:2 Inbox {12}", "9 BAD"},
    {"10 UID REPLACE 77 Inbox {12}", "10 NO [NONEXISTENT]"},
    {"11 REPLACE 1 nowhere {12}", "11 NO [TRYCREATE]"}, /* §3.4 */
    {"12 REPLACE 1 Inbox {12+}\nSubject: 1\n {12+}\nSubject: 2\n", "12 BAD"}, /* §4.7 */
    {"13 REPLACE 1 Inbox {0}", "13 NO [CANNOT]"},
    {"14 NOOP", "14 OK"},
    {"15 EXAMINE Inbox", "* 2 EXISTS\n15 OK"},
    {"16 REPLACE 1 Inbox {12}", "16 NO [READ-ONLY]"},
};
DIALOGUE_TEST(a_message_takes_the_place_of_another, replace_dialogue, "Inbox:3", "Drafts:0")

/* §3.4: quota sees the difference. */
START_TEST(a_full_mailbox_can_still_be_changed)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:2");

	imap_fixture_set_quota(f, 0, 2);
	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	ck_exchange(f, "2 REPLACE 1 Inbox {12}", "+ ");
	ck_exchange(f, "Subject: 1\n", "* OK [APPENDUID # 3] \n* 1 EXPUNGE\n* 2 EXISTS\n2 OK");
	struct str big = arena_printf(f->arena, "3 REPLACE 1 Inbox {%d}", 5000);
	imap_fixture_set_quota(f, 1000, 0);
	ck_exchange(f, big.p, "3 NO [OVERQUOTA]");
	ck_assert_uint_eq(imap_fixture_count(f, "Inbox"), 2);
}
END_TEST

/* §3.4: no half of it happens. */
START_TEST(what_another_has_expunged_is_not_replaced)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:2");
	struct conn *other = imap_fixture_connect(f);

	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	ck_exchange_on(other, "1 SELECT Inbox", "1 OK");
	ck_exchange(f, "2 REPLACE 1 Inbox {12}", "+ ");
	ck_exchange_on(other, "2 STORE 1 +FLAGS.SILENT (\\Deleted)", "2 OK");
	ck_exchange_on(other, "3 EXPUNGE", "* 1 EXPUNGE\n3 OK");
	ck_exchange(f, "Subject: 1\n", "* 1 EXPUNGE\n2 NO [EXPUNGEISSUED]");
	ck_assert_uint_eq(imap_fixture_count(f, "Inbox"), 1);
}
END_TEST

TEST_MAIN("replace", a_message_takes_the_place_of_another, a_full_mailbox_can_still_be_changed,
    what_another_has_expunged_is_not_replaced)
