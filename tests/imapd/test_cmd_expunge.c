#include "tests/imapd/imap_fixture.h"

static const struct dialogue expunge_dialogue[] = {
    {"1 EXPUNGE", "1 BAD"},
    {"2 SELECT Inbox", "* 5 EXISTS\n2 OK"},
    {"3 EXPUNGE", "!* 1 EXPUNGE\n3 OK"},
    {"4 STORE 1,3:4 +FLAGS.SILENT (\\Deleted)", "4 OK"},
    {"5 EXPUNGE now", "5 BAD"},
    {"6 UID EXPUNGE", "6 BAD"},
    {"7 UID EXPUNGE 1,2,5:*", "* 1 EXPUNGE\n7 OK"}, /* RFC 4315 §2.1: 3 and 4 stay */
    {"8 FETCH 1:* UID",
	"* 1 FETCH (UID 2)\n* 2 FETCH (UID 3)\n* 3 FETCH (UID 4)\n* 4 FETCH (UID 5)\n8 OK"},
    {"9 EXAMINE Inbox", "9 OK"},
    {"10 EXPUNGE", "!* 2 EXPUNGE\n10 NO [READ-ONLY]"},
    {"11 UID EXPUNGE 3", "11 NO [READ-ONLY]"},
    {"12 SELECT Inbox", "* 4 EXISTS\n12 OK"},
    {"13 EXPUNGE", "* 2 EXPUNGE\n* 2 EXPUNGE\n13 OK EXPUNGE completed"}, /* §7.4.1 */
    {"14 UID EXPUNGE 99", "14 OK"},
    {"15 STORE 1:* +FLAGS (\\Deleted)", "15 OK"},
    {"16 EXPUNGE", "* 1 EXPUNGE\n* 1 EXPUNGE\n16 OK"},
    {"17 UID EXPUNGE 1:*", "17 OK"}, /* an empty mailbox */
    {"18 UID EXPUNGE 0", "18 BAD"},
};
DIALOGUE_TEST(expunge_speaks, expunge_dialogue, "Inbox:5")

START_TEST(others_are_told_when_they_may_be)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:4");
	struct conn *other = imap_fixture_connect(f);

	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	ck_exchange_on(other, "1 SELECT Inbox", "1 OK");
	ck_exchange(f, "2 STORE 2,3 +FLAGS.SILENT (\\Deleted)", "2 OK");
	ck_exchange(f, "3 EXPUNGE", "* 2 EXPUNGE\n* 2 EXPUNGE\n3 OK");
	ck_exchange_on(other, "2 FETCH 4 UID", "!* 2 EXPUNGE\n* 4 FETCH (UID 4)\n2 OK");
	ck_exchange_on(other, "3 SEARCH ALL", "!* 2 EXPUNGE\n* SEARCH 1 2 3 4\n3 OK");
	ck_exchange_on(other, "4 NOOP", "* 2 EXPUNGE\n* 2 EXPUNGE\n4 OK");
	ck_exchange_on(other, "5 FETCH 2 UID", "* 2 FETCH (UID 4)\n5 OK");
}
END_TEST

TEST_MAIN("cmd_expunge", expunge_speaks, others_are_told_when_they_may_be)
