/* IMAP4rev2 beside IMAP4rev1: RFC 9051 Appendix A and E; nothing changes before ENABLE. */
#include "tests/imapd/imap_fixture.h"

static const struct dialogue rev1_dialogue[] = {
    {"1 SELECT Inbox", "!* LIST\n!* ESEARCH\n* 2 EXISTS\n* 2 RECENT\n* OK [UNSEEN 1]\n1 OK"},
    {"2 FETCH 1 FLAGS", "* 1 FETCH (FLAGS (\\Recent))\n2 OK"},
    {"3 SEARCH ALL", "* SEARCH 1 2\n3 OK"},
    {"4 STATUS Entw&APw-rfe (MESSAGES)", "* STATUS Entw&APw-rfe (MESSAGES 0)\n4 OK"},
};
DIALOGUE_TEST(until_it_is_enabled_all_is_rev1, rev1_dialogue, "Inbox:2", "Entw\xc3\xbcrfe:0")

static const struct dialogue rev2_dialogue[] = {
    {"1 ENABLE IMAP4rev2", "* ENABLED IMAP4rev2\n1 OK"}, /* RFC 9051 Appendix A */
    /* §6.3.2: LIST; Appendix E 11, 12: neither RECENT nor UNSEEN */
    {"2 SELECT inbox", "!* 2 RECENT\n!* OK [UNSEEN\n* LIST (\\Subscribed \\HasNoChildren) \"/\" "
		       "INBOX\n* 2 EXISTS\n2 OK [READ-WRITE]"},
    {"3 SELECT \"Entw\xc3\xbcrfe\"", /* §7.1 CLOSED, §5.1 */
	"* OK [CLOSED] \n* LIST (\\HasNoChildren) \"/\" \"Entw\xc3\xbcrfe\"\n3 OK"},
    {"4 EXAMINE INBOX",
	"* OK [CLOSED] \n* LIST (\\Subscribed \\HasNoChildren) \"/\" INBOX\n4 OK [READ-ONLY]"},
    {"5 FETCH 1:2 (UID FLAGS)", "* 1 FETCH (UID 1 FLAGS ())\n* 2 FETCH (UID 2 FLAGS ())\n5 OK"},
    {"6 SEARCH ALL", "!* SEARCH\n* ESEARCH (TAG \"6\") ALL 1:2\n6 OK"}, /* §6.4.4 */
    {"7 UID SEARCH ALL", "!* SEARCH\n* ESEARCH (TAG \"7\") UID ALL 1:2\n7 OK"},
    {"8 COPY 1 nowhere", "8 NO [TRYCREATE]"}, /* §6.4.7 */
    {"9 UNSELECT", "9 OK"}, /* §6.4.2 */
    {"10 SELECT INBOX", "!* OK [CLOSED]\n10 OK"},
    {"11 MOVE 1 \"Entw\xc3\xbcrfe\"", "* OK [COPYUID # 1 1]\n* 1 EXPUNGE\n11 OK"}, /* §6.4.8 */
    {"12 STATUS INBOX (MESSAGES SIZE DELETED)",
	"* STATUS INBOX (MESSAGES 1 SIZE # DELETED 0)\n12 OK"}, /* §6.3.11 */
    {"13 FETCH 1 (BINARY.SIZE[1] BINARY.PEEK[1])",
	"* 1 FETCH (BINARY.SIZE[1] # BINARY[1] {\n13 OK"}, /* §6.4.5 */
    {"14 STORE 1 +FLAGS ($Forwarded $Junk $NonJunk $Phishing $MDNSent)", "14 OK"}, /* §2.3.2 */
};
DIALOGUE_TEST(once_enabled_it_is_rev2, rev2_dialogue, "Inbox:2", "Entw\xc3\xbcrfe:0")

/* RFC 9051 §7.5.2, RFC 9755 §6: BODYSTRUCTURE of a message/global part differs by the version; its
 * parts can be had either way (RFC 9051 §6.4.5.1). */
START_TEST(message_global_is_a_message_to_rev2)
{
	static const char text[] =
	    "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
	    "Content-Type: message/global\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
	    "Subject: \xc3\xbc\r\n\r\nb\r\n--x--\r\n";
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	struct conn *other = imap_fixture_connect(f);

	imap_fixture_deliver(f, "INBOX", str_of(text));
	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	ck_exchange(f, "2 FETCH 1 BODYSTRUCTURE",
	    "* 1 FETCH (BODYSTRUCTURE ((\"message\" \"global\" NIL NIL NIL \"8bit\" 16 NIL NIL NIL "
	    "NIL) \"mixed\"\n2 OK");
	ck_exchange(f, "3 FETCH 1 BODY",
	    "* 1 FETCH (BODY ((\"message\" \"global\" NIL NIL NIL \"8bit\" 16) \"mixed\"))\n3 OK");
	ck_exchange_on(other, "1 ENABLE IMAP4rev2", "1 OK");
	ck_exchange_on(other, "2 SELECT Inbox", "2 OK");
	struct str got = imap_fixture_ask(f, other, "3 FETCH 1 BODYSTRUCTURE");
	ck_assert(str_find_nocase(got,
		      STR("\"message\" \"global\" NIL NIL NIL \"8bit\" 16 (NIL ")) != STR_NONE);
	got = imap_fixture_ask(f, other, "4 FETCH 1 BODY");
	ck_assert(str_find_nocase(got, STR("(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL "
					   "\"7bit\" 1 0) 2) \"mixed\"")) != STR_NONE);
	ck_exchange_on(
	    other, "5 FETCH 1 BODY.PEEK[1.TEXT]", "* 1 FETCH (BODY[1.TEXT] {1}\nb)\n5 OK");
	ck_exchange_on(other, "6 FETCH 1 BODY.PEEK[1.HEADER]",
	    "* 1 FETCH (BODY[1.HEADER] {15}\nSubject: \xc3\xbc\n\n)\n6 OK");
}
END_TEST

/* §7.5.2, Appendix E 21: what comes unasked names its UID; E 12: without RECENT. */
START_TEST(news_are_told_as_rev2_has_them)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:2");
	struct conn *other = imap_fixture_connect(f);

	ck_exchange(f, "1 ENABLE IMAP4rev2", "1 OK");
	ck_exchange(f, "2 SELECT Inbox", "2 OK");
	ck_exchange_on(other, "1 SELECT Inbox", "1 OK");
	ck_exchange_on(other, "2 STORE 2 +FLAGS (\\Flagged)", "2 OK");
	imap_fixture_deliver(f, "Inbox", STR("Subject: x\r\n\r\n"));
	ck_exchange(
	    f, "3 NOOP", "!* 3 RECENT\n* 2 FETCH (UID 2 FLAGS (\\Flagged))\n* 3 EXISTS\n3 OK");
}
END_TEST

TEST_MAIN("imap4rev2", until_it_is_enabled_all_is_rev1, once_enabled_it_is_rev2,
    message_global_is_a_message_to_rev2, news_are_told_as_rev2_has_them)
