/* UIDONLY: RFC 9586; UIDBATCHES: RFC 10022; MESSAGELIMIT: RFC 9738. */
#include "tests/imapd/modseq_fixture.h"

#define UIDONLY_ON "imapd { uidonly = yes }\n"
#define LIMIT_1000 "imapd { message_limit = 1000 }\n"

static struct imap_fixture *
open_with(const char *mailbox, const char *options)
{
	const char *const boxes[] = {mailbox, "Other:0", NULL};

	return imap_fixture_open_with(boxes, options);
}

static const struct dialogue off_dialogue[] = {
    {"1 ENABLE UIDONLY", "* ENABLED\n1 OK"}, /* RFC 9586 §3.1: not offered */
    {"2 SELECT Inbox", "2 OK"},
    {"3 FETCH 1 FLAGS", "* 1 FETCH (FLAGS\n3 OK"},
};
DIALOGUE_TEST(uidonly_is_off_by_default, off_dialogue, "Inbox:3")

START_TEST(uidonly_speaks_of_uids_alone)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_with("Inbox:5", UIDONLY_ON);
	struct conn *other = imap_fixture_connect(f);

	ck_exchange(f, "1 CAPABILITY", "* CAPABILITY\n1 OK");
	ck_exchange(f, "2 ENABLE UIDONLY", "* ENABLED UIDONLY\n2 OK"); /* RFC 9586 §3.1 */
	ck_exchange(f, "3 SELECT Inbox", "!* OK [UNSEEN\n* 5 EXISTS\n3 OK");
	ck_exchange_on(other, "1 SELECT Inbox", "1 OK");
	/* RFC 9586 §3: message numbers are refused in every place; §3.2 has the commands, §3.5 the
	 * criteria, §3.8 those of other extensions */
	ck_exchange(f, "4 FETCH 1 FLAGS", "4 BAD [UIDREQUIRED]");
	ck_exchange(f, "5 STORE 1 +FLAGS (\\Seen)", "5 BAD [UIDREQUIRED]");
	ck_exchange(f, "6 COPY 1 Other", "6 BAD [UIDREQUIRED]");
	ck_exchange(f, "7 MOVE 1 Other", "7 BAD [UIDREQUIRED]");
	ck_exchange(f, "8 SEARCH ALL", "8 BAD [UIDREQUIRED]");
	ck_exchange(f, "9 SORT (DATE) UTF-8 ALL", "9 BAD [UIDREQUIRED]");
	ck_exchange(f, "10 THREAD REFERENCES UTF-8 ALL", "10 BAD [UIDREQUIRED]");
	ck_exchange(f, "11 UID SEARCH 1:2", "11 BAD [UIDREQUIRED]");
	ck_exchange(f, "11 UID SEARCH OR UID 1 NOT (*)", "11 BAD [UIDREQUIRED]");
	ck_exchange(f, "11 UID SORT (DATE) UTF-8 1:2", "11 BAD [UIDREQUIRED]");
	ck_exchange(f, "11 ESEARCH IN (selected) 1:2", "11 BAD [UIDREQUIRED]");
	ck_exchange(f, "11 REPLACE 1 Other {5}", "!+\n11 BAD [UIDREQUIRED]");
	ck_exchange(f, "11 REPLACE 1 Other {6+}\nA: b\n", "11 BAD [UIDREQUIRED]");
	ck_exchange(f, "12 UID SEARCH UID 1:2", "* SEARCH 1 2\n12 OK");
	/* RFC 9586 §3.3, §3.6: UIDFETCH in place of FETCH, whoever made the change */
	ck_exchange(
	    f, "13 UID FETCH 2 FLAGS", "!* 2 FETCH\n* 2 UIDFETCH (FLAGS (\\Recent))\n13 OK");
	ck_exchange(f, "14 UID FETCH 2 (UID)", "* 2 UIDFETCH (UID 2)\n14 OK");
	ck_exchange(
	    f, "15 UID STORE 3 +FLAGS (\\Seen)", "* 3 UIDFETCH (FLAGS (\\Seen \\Recent))\n15 OK");
	ck_exchange_on(other, "2 STORE 4 +FLAGS (\\Flagged)", "2 OK");
	ck_exchange(f, "16 NOOP", "* 4 UIDFETCH (FLAGS (\\Flagged \\Recent))\n16 OK");
	/* RFC 9586 §3.4, §3.6: VANISHED in place of EXPUNGE */
	ck_exchange(f, "17 UID STORE 1:2 +FLAGS.SILENT (\\Deleted)", "17 OK");
	ck_exchange(f, "18 EXPUNGE", "!* 1 EXPUNGE\n* VANISHED 1:2\n18 OK");
	ck_exchange_on(other, "3 UID STORE 3 +FLAGS.SILENT (\\Deleted)", "3 OK");
	ck_exchange_on(other, "4 EXPUNGE", "4 OK");
	ck_exchange(f, "19 NOOP", "* VANISHED 3\n19 OK");
	ck_exchange(f, "20 UID MOVE 4 Other", "* VANISHED 4\n20 OK");
	ck_exchange(f, "21 ENABLE QRESYNC", "21 OK");
	ck_exchange(f, "22 UID FETCH 5 (FLAGS) (CHANGEDSINCE 1)",
	    "* 5 UIDFETCH (FLAGS (\\Recent) MODSEQ (#))\n22 OK");
	/* RFC 9586 §3.7: no message sequence match data in QRESYNC */
	ck_exchange(f, "23 SELECT Inbox (QRESYNC (1 1 1:5 (1 5)))", "23 BAD [UIDREQUIRED]");
	struct str got = imap_fixture_ask(f, f->conn, "24 SELECT Inbox");
	ck_modseq_exchange(f->conn, "25 SELECT Inbox (QRESYNC (% 1 1:5))",
	    NUMBERS(number_after(got, "UIDVALIDITY ")),
	    "* VANISHED (EARLIER) 1:4\n* 5 UIDFETCH (FLAGS () MODSEQ (#))\n25 OK", NUMBERS(0));
}
END_TEST

/* 1 → 2^times messages, or more. */
static void
fill(struct imap_fixture *f, int times)
{
	ck_exchange(f, "s SELECT Inbox", "s OK");
	for (int i = 0; i < times; i++)
		ck_exchange(f, "c COPY 1:* INBOX", "c OK");
}

static const struct dialogue batches_dialogue[] = {
    {"1 UIDBATCHES 500", "1 BAD"}, /* nothing selected */
    {"2 SELECT Inbox", "2 OK"},
    {"3 UIDBATCHES 500", "* UIDBATCHES (TAG \"3\") 3:1\n3 OK"}, /* RFC 10022 §3.1 */
    {"4 UIDBATCHES 500 1:1", "* UIDBATCHES (TAG \"4\") 3:1\n4 OK"},
    {"5 UIDBATCHES 500 2:9", "* UIDBATCHES (TAG \"5\")\n5 OK"}, /* there is no second batch */
    {"6 UIDBATCHES 10", "6 NO [TOOFEW]"},
    {"7 UIDBATCHES 500 2:1", "7 BAD [CLIENTBUG]"},
    {"8 UIDBATCHES", "8 BAD"},
    {"9 UIDBATCHES 0", "9 BAD"},
    {"10 UIDBATCHES 500 10", "10 BAD"},
    {"11 UIDBATCHES 500 1:2 x", "11 BAD"},
    {"12 SELECT Empty", "12 OK"},
    {"13 UIDBATCHES 500", "* UIDBATCHES (TAG \"13\")\n13 OK"},
};
DIALOGUE_TEST(uidbatches_speaks, batches_dialogue, "Inbox:3", "Empty:0")

/* RFC 10022 §3: together they hold every UID there is, the newest first */
START_TEST(batches_cut_the_uids_without_a_gap)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");

	fill(f, 11); /* 2048 */
	ck_exchange(
	    f, "1 UIDBATCHES 1000", "* UIDBATCHES (TAG \"1\") 2048:1049,1048:49,48:1\n1 OK");
	ck_exchange(f, "2 UIDBATCHES 1000 2:2", "* UIDBATCHES (TAG \"2\") 1048:49\n2 OK");
	ck_exchange(f, "3 UIDBATCHES 1024", "* UIDBATCHES (TAG \"3\") 2048:1025,1024:1\n3 OK");
	ck_exchange(f, "4 UID STORE 1:10,1040:1060 +FLAGS.SILENT (\\Deleted)", "4 OK");
	ck_exchange(f, "5 EXPUNGE", "* 1 EXPUNGE\n5 OK");
	/* a batch is of messages that are there, and the gaps belong to one of them */
	ck_exchange(
	    f, "6 UIDBATCHES 1000", "* UIDBATCHES (TAG \"6\") 2048:1028,1027:28,27:1\n6 OK");
}
END_TEST

START_TEST(a_limit_leaves_the_last_messages)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_with("Inbox:1", LIMIT_1000);

	for (int i = 0; i < 10; i++) /* 1024 */
		ck_exchange(f, i ? "2 COPY 1:* INBOX" : "1 SELECT Inbox", "# OK");
	ck_exchange(f, "c COPY 1:* INBOX", "c OK");
	ck_exchange(f, "1 COPY 1:100 INBOX", "* 1124 EXISTS\n1 OK");
	/* RFC 9738 §3.1 */
	ck_exchange(f, "2 COPY 1:* Other", "2 NO [MESSAGELIMIT 1000 125]");
	ck_assert_uint_eq(imap_fixture_count(f, "Other"), 0);
	ck_exchange(f, "3 FETCH 1:* (UID)",
	    "!* 124 FETCH\n* 125 FETCH (UID 125)\n* 1124 FETCH\n3 OK [MESSAGELIMIT 1000 125]");
	ck_exchange(f, "4 FETCH 2:1001 (UID)", "* 2 FETCH\n* 1001 FETCH\n4 OK FETCH");
	ck_exchange(
	    f, "5 UID STORE 10:1100 +FLAGS.SILENT (\\Deleted)", "5 OK [MESSAGELIMIT 1000 101]");
	ck_exchange(f, "6 UID SEARCH DELETED",
	    "!* SEARCH 101\n* SEARCH 125 126\n6 OK [MESSAGELIMIT 1000 125]");
	ck_exchange(f, "7 UID SEARCH UID 90:1000 DELETED", "* SEARCH 101 102\n7 OK UID SEARCH");
	/* RFC 9738 §3.4: what is saved is cut as well */
	ck_exchange(f, "s UID SEARCH RETURN (SAVE) ALL", "s OK [MESSAGELIMIT 1000 125]");
	ck_exchange(f, "s UID SEARCH RETURN (COUNT MIN) $",
	    "* ESEARCH (TAG \"s\") UID MIN 125 COUNT 1000\ns OK");
	ck_exchange(
	    f, "8 UID FETCH 1:* (UID) (PARTIAL 1:1001)", "!* 1 FETCH\n8 NO [MESSAGELIMIT 1000]");
	ck_exchange(
	    f, "9 UID FETCH 1:* (UID) (PARTIAL 1:1000)", "* 1 FETCH\n* 1000 FETCH\n9 OK UID FETCH");
	ck_exchange(f, "10 UID STORE 1:1000 +FLAGS.SILENT (\\Deleted)", "10 OK UID STORE");
	ck_exchange(f, "11 UID EXPUNGE 1:*", "* 101 EXPUNGE\n11 OK [MESSAGELIMIT 1000 101]");
	ck_exchange(f, "12 EXPUNGE", "* 1 EXPUNGE\n12 OK EXPUNGE"); /* MUST NOT be limited */
	ck_exchange(f, "13 CAPABILITY", "13 OK");
	/* RFC 9738 §3.2 */
	ck_exchange(f, "14 UID SEARCH UIDAFTER 1120", "* SEARCH 1121 1122 1123 1124\n14 OK");
	ck_exchange(f, "15 UID SEARCH UIDBEFORE 1103", "* SEARCH 1101 1102\n15 OK");
	ck_exchange(f, "16 UID SEARCH UIDAFTER 4294967295", "* SEARCH\n16 OK");
	ck_exchange(f, "17 UID SEARCH UIDBEFORE 1", "* SEARCH\n17 OK");
	ck_exchange(f, "18 UID SEARCH UIDBEFORE 0", "18 BAD");
}
END_TEST

/* RFC 9738 §3.1: MULTIAPPEND is all or nothing. */
START_TEST(more_messages_than_the_limit_are_not_appended)
{
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f = open_with("Inbox:0", "imapd { message_limit = 2 }\n");

	ck_exchange(f, "1 APPEND INBOX {6+}\nA: b\n {6+}\nA: b\n", "1 OK");
	ck_exchange(
	    f, "2 APPEND INBOX {6+}\nA: b\n {6+}\nA: b\n {6+}\nA: b\n", "2 NO [MESSAGELIMIT 2]");
	ck_assert_uint_eq(imap_fixture_count(f, "INBOX"), 2);
}
END_TEST

START_TEST(a_move_takes_the_last_messages_first)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_with("Inbox:1", LIMIT_1000);

	for (int i = 0; i < 11; i++)
		ck_exchange(f, i ? "2 COPY 1:* INBOX" : "1 SELECT Inbox", "# OK");
	ck_exchange(f, "1 UID MOVE 1:* Other",
	    "* OK [COPYUID # 25:1024 1:1000]\n* 25 EXPUNGE\n1 OK [MESSAGELIMIT 1000 25]");
	ck_exchange(f, "2 UID MOVE 1:* Other",
	    "* OK [COPYUID # 1:24 1001:1024]\n* 1 EXPUNGE\n2 OK UID MOVE");
}
END_TEST

TEST_MAIN("uidonly", uidonly_is_off_by_default, uidonly_speaks_of_uids_alone, uidbatches_speaks,
    batches_cut_the_uids_without_a_gap, a_limit_leaves_the_last_messages,
    more_messages_than_the_limit_are_not_appended, a_move_takes_the_last_messages_first)
