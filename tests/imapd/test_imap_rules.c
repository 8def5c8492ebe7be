/* What RFCs ask of a server beside commands: identifiers, numbers, states, what comes unasked, and
 * the rules of extensions that are spread over several commands. */
#include "tests/imapd/imap_fixture.h"

#include <stdio.h>
#include <stdlib.h>

static const struct dialogue states_dialogue[] = {
    /* RFC 3501 §6.1.1, §7.2.1, RFC 9051 §7.2.2: one CAPABILITY, before the OK, with IMAP4rev1;
     * RFC 3348 §3, RFC 2342 §4, RFC 5255 §4.2, §4.3, RFC 9208 §5, §5.1, §5.2: the names of
     * extensions in it */
    {"1 CAPABILITY",
	"* CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE NAMESPACE CHILDREN\n1 OK CAPABILITY completed"},
    {"2 SELECT Inbox", "2 OK"}, /* RFC 2971 §3: nothing is done otherwise for what ID says */
    {"3 ID (\"name\" \"evil\" \"version\" \"0\")", "* ID (\n3 OK"},
    {"4 NOOP", "4 OK"},
    {"5 FETCH 1:3 UID", /* RFC 3501 §2.3.1.2: numbers go from 1 without a gap */
	"* 1 FETCH (UID 1)\n* 2 FETCH (UID 2)\n* 3 FETCH (UID 3)\n5 OK"},
    {"6 STORE 2 +FLAGS (\\Deleted)", "6 OK"},
    {"7 EXPUNGE", "* 2 EXPUNGE\n7 OK"}, /* and others move up */
    {"8 FETCH 1:2 UID", "* 1 FETCH (UID 1)\n* 2 FETCH (UID 3)\n8 OK"},
    {"9 FETCH 3 UID", "9 BAD"},
    /* RFC 9051 §5.5: in the order sent, and each sees what those before it did */
    {"10 STORE 1 +FLAGS (\\Answered)\n11 SEARCH ANSWERED\n12 STORE 1 -FLAGS (\\Answered)\n13 "
     "SEARCH ANSWERED",
	"10 OK\n* SEARCH 1\n11 OK\n12 OK\n* SEARCH\n13 OK"},
    /* RFC 3501 §6.1.3, §3.4: BYE before the OK, then the server closes */
    {"14 LOGOUT", "* BYE\n14 OK LOGOUT completed\n<closed>"},
};
DIALOGUE_TEST(states_and_numbers_follow_the_rules, states_dialogue, "Inbox:3")

static uint64_t
number_after(struct str text, const char *word)
{
	size_t at = str_find_nocase(text, str_of(word));

	ck_assert_msg(at != STR_NONE, "no %s in %.*s", word, STR_ARG(text));
	return strtoull(text.p + at + strlen(word), NULL, 10);
}

/* RFC 3501 §2.3.1.1, RFC 9051 §2.3.1.1: UIDs ascend and are never used again while the UIDVALIDITY
 * stays; a mailbox made anew under a name has a greater one. */
START_TEST(uids_are_never_used_again)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:3");

	ck_exchange(f, "1 SELECT Inbox", "* OK [UIDNEXT 4]\n1 OK");
	ck_exchange(f, "2 STORE 2:3 +FLAGS (\\Deleted)", "2 OK");
	ck_exchange(f, "3 EXPUNGE", "3 OK");
	ck_exchange(f, "4 STATUS Inbox (UIDNEXT)", "* STATUS INBOX (UIDNEXT 4)\n4 OK");
	imap_fixture_make(f, "Inbox:1");
	ck_exchange(f, "5 FETCH 1:* UID", "!* 2 FETCH (UID 2)\n* 1 FETCH (UID 1)\n5 OK");
	ck_exchange(f, "6 UID FETCH 2:* FLAGS", "* 2 FETCH (UID 4 FLAGS\n6 OK");
	ck_exchange(f, "7 SELECT Inbox", "* OK [UIDNEXT 5]\n7 OK");
	ck_exchange(f, "8 FETCH 1:* UID", "* 1 FETCH (UID 1)\n* 2 FETCH (UID 4)\n8 OK");

	ck_exchange(f, "9 CREATE again", "9 OK");
	uint64_t first = number_after(
	    imap_fixture_ask(f, f->conn, "10 STATUS again (UIDVALIDITY)"), "UIDVALIDITY ");
	ck_exchange(f, "11 DELETE again", "11 OK");
	ck_exchange(f, "12 CREATE again", "12 OK");
	uint64_t second = number_after(
	    imap_fixture_ask(f, f->conn, "13 STATUS again (UIDVALIDITY)"), "UIDVALIDITY ");
	ck_assert_uint_gt(second, first);
	ck_exchange(f, "14 CREATE other", "14 OK"); /* RFC 3501 §6.3.5: of a renamed one too */
	ck_exchange(f, "15 DELETE again", "15 OK");
	ck_exchange(f, "16 RENAME other again", "16 OK");
	uint64_t third = number_after(
	    imap_fixture_ask(f, f->conn, "17 STATUS again (UIDVALIDITY)"), "UIDVALIDITY ");
	ck_assert_uint_gt(third, second);
}
END_TEST

/* RFC 3501 §5.2, §5.3, §7.3.1, §7.3.2, RFC 9051 §5.2, §5.3, §7.4.1: a change of the size is told by
 * itself with the next command; EXPUNGE never comes while there is none. */
START_TEST(sizes_are_told_with_the_next_command)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:3");
	struct conn *other = imap_fixture_connect(f);

	ck_exchange(f, "1 SELECT Inbox", "* 3 EXISTS\n* 3 RECENT\n1 OK");
	ck_exchange_on(other, "1 SELECT Inbox", "* 3 EXISTS\n* 0 RECENT\n1 OK");
	ck_exchange_on(other, "2 STORE 1 +FLAGS (\\Deleted)", "2 OK");
	ck_exchange_on(other, "3 EXPUNGE", "* 1 EXPUNGE\n3 OK");
	imap_fixture_make(f, "Inbox:2");
	ck_assert_uint_eq(conn_memory_output(f->conn, f->arena).n, 0);
	ck_exchange(f, "2 FETCH 3 FLAGS",
	    "!* 1 EXPUNGE\n* 3 FETCH\n* 5 EXISTS\n* 5 RECENT\n2 OK"); /* §7.4.1 */
	ck_exchange(f, "3 NOOP", "* 1 EXPUNGE\n3 OK");
}
END_TEST

static const struct dialogue examine_dialogue[] = {
    /* RFC 3501 §6.3.2, RFC 9051 §6.3.3: the text begins with READ-ONLY, nothing is changed */
    {"1 EXAMINE Inbox", "* 3 EXISTS\n* 3 RECENT\n1 OK [READ-ONLY]"},
    {"2 STORE 1 +FLAGS (\\Deleted)", "2 NO"},
    {"3 EXPUNGE", "3 NO"},
    {"4 FETCH 1 BODY[]<0.1>", "* 1 FETCH (BODY[]<0> {1}\nF)\n4 OK"},
    {"5 FETCH 1 FLAGS", "* 1 FETCH (FLAGS (\\Recent))\n5 OK"},
    {"6 CLOSE", "6 OK"},
    {"7 SELECT Inbox", "* 3 EXISTS\n* 3 RECENT\n7 OK [READ-WRITE]"}, /* \Recent is not lost */
    {"8 STORE 1 +FLAGS (\\Deleted)", "8 OK"},
    {"9 EXAMINE Inbox", "9 OK [READ-ONLY]"},
    {"10 CLOSE", "!* 1 EXPUNGE\n10 OK"}, /* RFC 3501 §6.4.2: no messages are removed */
    {"11 STATUS Inbox (MESSAGES)", "* STATUS INBOX (MESSAGES 3)\n11 OK"},
};
DIALOGUE_TEST(examine_changes_nothing, examine_dialogue, "Inbox:3")

static const struct dialogue octets_dialogue[] = {
    /* RFC 3501 §4.3.1, RFC 9051 §4.3.1: octets over 127 come and go in literals as they are */
    {"1 APPEND Inbox {31+}\nSubject: x\n\ngr\xc3\xbc\xc3\x9f\xff\xfe octets\n", "1 OK [APPENDUID"},
    {"2 SELECT Inbox", "2 OK"},
    {"3 FETCH 1 BODY.PEEK[TEXT]",
	"* 1 FETCH (BODY[TEXT] {17}\ngr\xc3\xbc\xc3\x9f\xff\xfe octets\n)\n3 OK"},
    {"4 APPEND Inbox {14+}\nSubject: \xe4\n\n", "4 OK"},
    {"5 FETCH 2 ENVELOPE", "* 2 FETCH (ENVELOPE (NIL\n5 OK"},
};
DIALOGUE_TEST(octets_come_back_as_they_were, octets_dialogue, "Inbox:0")

static const struct dialogue tree_dialogue[] = {
    {"1 LIST \"\" \"\"", "* LIST (\\Noselect) \"/\" \"\"\n1 OK"}, /* RFC 3501 §6.3.8 */
    /* RFC 3501 §5.1.1, §7.2.2, RFC 9051 §7.3.1: one delimiter, what has children says so */
    {"2 CREATE a/b/c", "2 OK"},
    {"3 LIST \"\" a*", "* LIST (\\HasChildren) \"/\" a\n* LIST (\\HasChildren) \"/\" a/b\n"
		       "* LIST (\\HasNoChildren) \"/\" a/b/c\n3 OK"},
    {"4 DELETE a/b", "4 OK"}, /* a name that is none but for what is below it */
    {"5 LIST \"\" a/%", "* LIST (\\Noselect \\HasChildren) \"/\" a/b\n5 OK"},
    {"6 SELECT a/b", "6 NO"},
    {"7 SUBSCRIBE a/b/c", "7 OK"},
    /* RFC 5258 §3.2, §4, RFC 9051 §6.3.9.2, §6.3.9.5: what is asked for is right */
    {"8 LIST \"\" a/b/% RETURN (SUBSCRIBED CHILDREN)",
	"* LIST (\\Subscribed \\HasNoChildren) \"/\" a/b/c\n8 OK"},
    {"9 LIST (SUBSCRIBED) \"\" *", /* RFC 9051 §6.3.9.1 */
	"* LIST (\\Subscribed\n9 OK"},
    {"10 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" %", /* RFC 9051 §6.3.9.6, RFC 5258 §3.5 */
	"* LIST (\\HasChildren) \"/\" a (\"CHILDINFO\" (\"SUBSCRIBED\"))\n10 OK"},
    {"11 LIST (RECURSIVEMATCH) \"\" %", "11 BAD"}, /* RFC 9051 §6.3.9.1: not alone */
    /* RFC 9051 §6.3.10, §11.5: nobody's mailboxes that were not shared */
    {"12 NAMESPACE", "* NAMESPACE ((\"\" \"/\")) ((\"Other Users/\" \"/\")) NIL\n12 OK"},
    {"13 LIST \"\" \"Other Users/*\"", "!* LIST\n13 OK"},
    /* RFC 9051 §A.1, RFC 3501 §5.1.3: modified UTF-7 stands as it came, and must be right */
    {"14 CREATE &AOQ-/&ZeVnLIqe-", "14 OK"},
    {"15 LIST \"\" &AOQ-/*", "* LIST (\\HasNoChildren) \"/\" &AOQ-/&ZeVnLIqe-\n15 OK"},
    {"16 CREATE &AGE-", "16 NO"},
    {"17 CREATE &Jjo", "17 NO"},
    {"18 CREATE R&D", "18 NO"},
};
DIALOGUE_TEST(names_form_a_tree, tree_dialogue, "Inbox:0")

static const struct dialogue saved_dialogue[] = {
    {"1 SELECT Inbox", "1 OK"},
    /* RFC 5182 §2.3: sent at once, run one after the other */
    {"2 SEARCH RETURN (SAVE) 2:3\n3 FETCH $ UID",
	"2 OK\n* 2 FETCH (UID 2)\n* 3 FETCH (UID 3)\n3 OK"},
    /* RFC 5182 §2.4, RFC 9051 §7.3.4: beside MIN and MAX only those are kept, beside ALL and COUNT
     * all; the answer has the tag */
    {"4 SEARCH RETURN (SAVE MIN) 2:3\n5 FETCH $ UID",
	"* ESEARCH (TAG \"4\") MIN 2\n4 OK\n!* 3 FETCH\n* 2 FETCH (UID 2)\n5 OK"},
    {"6 SEARCH RETURN (SAVE MIN MAX) 1:3", "* ESEARCH (TAG \"6\") MIN 1 MAX 3\n6 OK"},
    {"7 FETCH $ UID", "!* 2 FETCH\n* 1 FETCH (UID 1)\n* 3 FETCH (UID 3)\n7 OK"},
    {"8 SEARCH RETURN (SAVE MIN COUNT) 1:3", "* ESEARCH (TAG \"8\") MIN 1 COUNT 3\n8 OK"},
    {"9 UID SEARCH RETURN (COUNT) $", "* ESEARCH (TAG \"9\") UID COUNT 3\n9 OK"},
    {"10 SEARCH RETURN (SAVE) CHARSET X-WHAT ALL", "10 NO"}, /* RFC 5182 §2.1: nothing is kept */
    {"11 SEARCH RETURN (COUNT) $", "* ESEARCH (TAG \"11\") COUNT 0\n11 OK"},
};
DIALOGUE_TEST(saved_searches_follow_the_rules, saved_dialogue, "Inbox:3")

/* RFC 5255 §4.2, §4.6: UTF-8 is a charset of SEARCH; encodings are removed, then Unicode's case. */
START_TEST(texts_are_compared_decoded_and_folded)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");

	imap_fixture_deliver(f, "Inbox",
	    STR("Subject: =?iso-8859-1?Q?=DCber_Stra=DFen?=\r\nContent-Type: text/plain; "
		"charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nR3LDvMOfZQ==\r\n"));
	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	ck_exchange(f, "2 SEARCH CHARSET UTF-8 SUBJECT {6+}\n\xc3\xbc\x62\x45R ", "2 OK");
	ck_exchange(
	    f, "3 SEARCH CHARSET UTF-8 SUBJECT {5+}\n\xc3\xbc\x62\x65r", "* SEARCH 2\n3 OK");
	ck_exchange(f, "4 SEARCH CHARSET UTF-8 BODY {5+}\nGR\xc3\x9cS", "4 OK");
	ck_exchange(f, "5 SEARCH CHARSET UTF-8 BODY {4+}\nGR\xc3\x9c", "* SEARCH 2\n5 OK");
	ck_exchange(f, "6 SEARCH CHARSET US-ASCII SUBJECT message", "* SEARCH 1\n6 OK");
}
END_TEST

static const struct dialogue extensions_dialogue[] = {
    {"1 SELECT Inbox", "1 OK"},
    /* RFC 8438 §3: at least the sum of the sizes; RFC 9208 §5.1, §5.2: DELETED and its storage */
    {"2 STORE 2 +FLAGS (\\Deleted)", "2 OK"},
    {"3 STATUS Inbox (SIZE DELETED DELETED-STORAGE)",
	"* STATUS INBOX (SIZE # DELETED 1 DELETED-STORAGE #)\n3 OK"},
    {"4 STORE 2 -FLAGS (\\Deleted)", "4 OK"},
    /* RFC 7377 §2.1: ESEARCH with MAILBOX, TAG and UIDVALIDITY, UIDs, nothing without hits */
    {"5 ESEARCH IN (mailboxes (Inbox empty)) RETURN (ALL) 1:2",
	"!* ESEARCH (TAG \"5\" MAILBOX empty\n* ESEARCH (TAG \"5\" MAILBOX INBOX UIDVALIDITY #) "
	"UID "
	"ALL 1:2\n5 OK"},
    /* RFC 8508 §1, §4.5, §4.6: nothing is inherited; what was replaced is expunged, without a word
     * of \Deleted, and told so to those who follow; the new one has an id of its own */
    {"6 STORE 3 +FLAGS (\\Flagged $label)", "6 OK"},
    {"7 ENABLE QRESYNC", "7 OK"},
    {"8 REPLACE 3 Inbox {16+}\nSubject: new\n\n",
	"!* 3 FETCH\n* OK [APPENDUID # 4]\n* VANISHED 3\n8 OK"},
    {"9 UID FETCH 4 FLAGS", "* 3 FETCH (UID 4 FLAGS (\\Recent)\n9 OK"},
    {"10 UID FETCH 1:4 (EMAILID)",
	"* 1 FETCH (UID 1 EMAILID (\n* 2 FETCH (UID 2 EMAILID (\n* 3 FETCH (UID 4 EMAILID (\n10 "
	"OK"},
    /* RFC 5464 §3.2.1: what can not be an entry's name */
    {"11 SETMETADATA Inbox (/private//comment \"x\")", "11 BAD"},
    {"12 SETMETADATA Inbox (/private/comment/ \"x\")", "12 BAD"},
    {"13 SETMETADATA Inbox (\"/private/com*ment\" \"x\")", "13 BAD"},
    {"14 SETMETADATA Inbox (\"/other/comment\" \"x\")", "14 BAD"},
    /* RFC 5464 §3.2.1.2: the vendors' own */
    {"15 SETMETADATA Inbox (/private/vendor/example/colour \"red\")", "15 OK"},
    {"16 GETMETADATA Inbox /PRIVATE/vendor/EXAMPLE/colour", "* METADATA INBOX (*\n16 OK"},
    /* RFC 4314 §3.7: no right twice */
    {"17 LISTRIGHTS Inbox anyone",
	"* LISTRIGHTS INBOX anyone \"\" l r s w i p k x t e c d a\n17 OK"},
};
DIALOGUE_TEST(extensions_keep_their_rules, extensions_dialogue, "Inbox:3", "empty:0")

static const struct dialogue watched_dialogue[] = {
    {"1 NOTIFY SET STATUS (inboxes (MessageNew MessageExpunge))", /* RFC 5465 §6.3 */
	"!* STATUS empty\n* STATUS INBOX (MESSAGES 3\n1 OK"},
    {"2 NOTIFY SET STATUS (mailboxes empty (MessageNew MessageExpunge))", /* RFC 5465 §6.6 */
	"!* STATUS INBOX\n* STATUS empty (MESSAGES 0\n2 OK"},
    {"3 NOTIFY NONE", "3 OK"},
};
DIALOGUE_TEST(notify_finds_its_mailboxes, watched_dialogue, "Inbox:3", "empty:0")

/* RFC 3516 §5: encoded words are not decoded on the way. RFC 9051 §6.4.5.1: parts of parts by
 * points, MIME only behind a number. */
START_TEST(sections_are_named_and_left_as_they_are)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");

	imap_fixture_deliver(f, "Inbox",
	    STR("Subject: =?utf-8?B?w7w=?=\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; "
		"boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: "
		"inner\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\n"
		"first\r\n--c\r\nContent-Type: text/html\r\n\r\nsecond\r\n--c--\r\n--b--\r\n"));
	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	ck_exchange(f, "2 FETCH 1 BINARY.PEEK[1.1]", "* 1 FETCH (BINARY[1.1] {5}\nfirst)\n2 OK");
	ck_exchange(f, "3 FETCH 1 BODY.PEEK[1.2.MIME]",
	    "* 1 FETCH (BODY[1.2.MIME] {27}\nContent-Type: text/html\n\n)\n3 OK");
	ck_exchange(f, "4 FETCH 1 BODY.PEEK[HEADER.FIELDS (Subject)]",
	    "* 1 FETCH (BODY[HEADER.FIELDS (Subject)] {29}\nSubject: =?utf-8?B?w7w=?=\n\n)\n4 OK");
	ck_exchange(f, "5 FETCH 1 BODY.PEEK[MIME]", "5 BAD Expected");
	ck_exchange(f, "6 FETCH 1 BODY.PEEK[1.HEADER]", "* 1 FETCH (BODY[1.HEADER] {\n6 OK");
}
END_TEST

TEST_MAIN("imap_rules", notify_finds_its_mailboxes, states_and_numbers_follow_the_rules,
    uids_are_never_used_again, sizes_are_told_with_the_next_command, examine_changes_nothing,
    octets_come_back_as_they_were, names_form_a_tree, saved_searches_follow_the_rules,
    texts_are_compared_decoded_and_folded, extensions_keep_their_rules,
    sections_are_named_and_left_as_they_are)
