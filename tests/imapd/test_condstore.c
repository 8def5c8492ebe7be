/* CONDSTORE: RFC 7162 §3.1. */
#include "tests/imapd/modseq_fixture.h"

static const struct dialogue enable_dialogue[] = {
    {"1 CAPABILITY", "* CAPABILITY IMAP4rev1\n1 OK"}, /* RFC 7162 §3.1.1 */
    {"2 SELECT Inbox", "!* OK [CLOSED]\n* OK [HIGHESTMODSEQ #]\n2 OK"}, /* RFC 7162 §3.1.2.1 */
    {"3 STORE 1 +FLAGS (\\Seen)", "* 1 FETCH (FLAGS (\\Seen \\Recent))\n3 OK"}, /* not asked for */
    {"4 EXAMINE Inbox (CONDSTORE)", /* RFC 7162 §3.1.8, §3.2.11 */
	"* OK [CLOSED]\n* FLAGS\n* OK [HIGHESTMODSEQ #]\n4 OK [READ-ONLY]"},
    {"5 FETCH 1 FLAGS",
	"* 1 FETCH (FLAGS (\\Seen))\n5 OK"}, /* RFC 7162 §3.2.4: what is asked for */
    {"6 SELECT Inbox (condstore)", "6 OK"},
    {"7 STORE 1 -FLAGS (\\Seen)", /* RFC 7162 §3.1.3, §3.2.4: UID and MODSEQ from now on */
	"* 1 FETCH (UID 1 FLAGS () MODSEQ (#))\n7 OK"},
    {"8 FETCH 2 BODY[]<0.1>", /* RFC 7162 §3.2.4: \Seen is set implicitly */
	"* 2 FETCH (BODY[]<0> {1}\nF FLAGS (\\Seen) UID 2 MODSEQ (#))\n8 OK"},
    {"9 UID FETCH 3 BODY[]<0.1>",
	"* 3 FETCH (UID 3 BODY[]<0> {1}\nF FLAGS (\\Seen) MODSEQ (#))\n9 OK"},
    {"10 STORE 3 +FLAGS.SILENT (\\Flagged)", /* RFC 7162 §3.1.4.2: the client has to learn it */
	"* 3 FETCH (UID 3 MODSEQ (#))\n10 OK"},
    {"11 STORE 3 +FLAGS.SILENT (\\Flagged)", "!* 3 FETCH\n11 OK"}, /* RFC 7162 §3.1.11 */
    {"12 CLOSE", "!* OK [CLOSED]\n12 OK CLOSE"}, /* RFC 7162 §3.2.11: no need */
    {"13 SELECT nowhere (CONDSTORE)", "13 NO"}, {"14 SELECT Inbox (CONDSTORE CONDSTORE)", "14 BAD"},
    {"15 SELECT Inbox ()", "15 BAD"}, {"16 SELECT Inbox (WHAT)", "16 BAD"},
    {"17 SELECT Inbox CONDSTORE", "17 BAD"}, {"18 SELECT Inbox", "!* OK [CLOSED]\n18 OK"},
    {"19 SELECT nowhere", "* OK [CLOSED]\n19 NO"}, /* closed all the same: RFC 3501 §6.3.1 */
};
DIALOGUE_TEST(select_tells_and_takes_condstore, enable_dialogue, "Inbox:3")

/* RFC 7162 §3.1: each of these makes the session one that hears of modseqs, and the first one in a
 * selected mailbox answers with HIGHESTMODSEQ. */
START_TEST(each_enabling_command_enables)
{
	static const struct {
		const char *send, *expect;
	} commands[] = {
	    {"2 STATUS Inbox (HIGHESTMODSEQ)", /* RFC 7162 §3.1.7 */
		"* OK [HIGHESTMODSEQ #]\n* STATUS INBOX (HIGHESTMODSEQ #)\n2 OK"},
	    {"2 FETCH 1 (MODSEQ)", /* RFC 7162 §3.1.4.2 */
		"* OK [HIGHESTMODSEQ #]\n* 1 FETCH (MODSEQ (#))\n2 OK"},
	    {"2 FETCH 1:* (FLAGS) (CHANGEDSINCE 1)", /* RFC 7162 §3.1.4.1 */
		"* OK [HIGHESTMODSEQ #]\n* 1 FETCH (FLAGS (\\Recent) MODSEQ (#))\n2 OK"},
	    {"2 STORE 2 (UNCHANGEDSINCE 9999) +FLAGS.SILENT (\\Deleted)", /* RFC 7162 §3.1.3 */
		"* OK [HIGHESTMODSEQ #]\n* 2 FETCH (UID 2 MODSEQ (#))\n2 OK"},
	    {"2 ENABLE CONDSTORE", "* OK [HIGHESTMODSEQ #]\n* ENABLED CONDSTORE\n2 OK"},
	    {"2 ENABLE QRESYNC", /* RFC 7162 §3.2.3 */
		"* OK [HIGHESTMODSEQ #]\n* ENABLED CONDSTORE QRESYNC\n2 OK"},
	    {"2 ENABLE QRESYNC CONDSTORE",
		"* OK [HIGHESTMODSEQ #]\n* ENABLED CONDSTORE QRESYNC\n2 OK"},
	};

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:3");
		struct conn *other = imap_fixture_connect(f);

		ck_exchange(f, "1 SELECT Inbox", "1 OK");
		ck_exchange(f, commands[i].send, commands[i].expect);
		/* what another session changes is told with UID and MODSEQ: §3.2.4 */
		ck_exchange_on(other, "1 SELECT Inbox", "1 OK");
		ck_exchange_on(other, "2 STORE 1 +FLAGS (\\Answered)", "2 OK");
		ck_exchange(f, "3 NOOP",
		    "!* OK [HIGHESTMODSEQ\n* 1 FETCH (UID 1 FLAGS (\\Answered \\Recent) MODSEQ "
		    "(#))\n3 OK");
		ck_exchange(
		    f, "4 FETCH 1 MODSEQ", "!* OK [HIGHESTMODSEQ\n* 1 FETCH (MODSEQ (#))\n4 OK");
	}
}
END_TEST

START_TEST(fetch_knows_what_has_changed_since)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:3");

	ck_exchange(f, "1 SELECT Inbox (CONDSTORE)", "1 OK");
	uint64_t before = modseq_of(f, "INBOX");
	ck_exchange(f, "2 STORE 2 +FLAGS (\\Flagged)", "2 OK");
	uint64_t after = modseq_of(f, "INBOX");
	ck_assert_uint_gt(after, before); /* RFC 7162 §3.1: MUST be updated */
	/* RFC 7162 §3.1.4.1 */
	ck_modseq_exchange(f->conn, "3 FETCH 1:* (FLAGS) (CHANGEDSINCE %)", NUMBERS(before),
	    "!* 1 FETCH\n* 2 FETCH (FLAGS (\\Flagged \\Recent) MODSEQ (%))\n3 OK", NUMBERS(after));
	ck_modseq_exchange(f->conn, "4 UID FETCH 1:* (UID MODSEQ) (CHANGEDSINCE %)",
	    NUMBERS(before), "* 2 FETCH (UID 2 MODSEQ (%))\n4 OK", NUMBERS(after));
	ck_modseq_exchange(f->conn, "5 FETCH 1:* FLAGS (CHANGEDSINCE %)", NUMBERS(after),
	    "!* 2 FETCH\n5 OK", NUMBERS(0));
	/* only what is told is marked as read */
	ck_modseq_exchange(f->conn, "6 FETCH 1:* (BODY[]<0.1>) (CHANGEDSINCE %)", NUMBERS(before),
	    "!* 1 FETCH\n* 2 FETCH (BODY[]<0> {1}\nF MODSEQ (#) FLAGS (\\Flagged \\Seen \\Recent) "
	    "UID 2)\n6 "
	    "OK",
	    NUMBERS(0));
	ck_exchange(f, "7 SEARCH SEEN", "* SEARCH 2\n7 OK");
	/* a change that changes nothing: RFC 7162 §3.1.11 */
	after = modseq_of(f, "INBOX");
	ck_exchange(f, "8 STORE 2 +FLAGS (\\Flagged)", "8 OK");
	ck_assert_uint_eq(modseq_of(f, "INBOX"), after);
	/* RFC 7162 §3.1: what comes has a higher one than all others */
	ck_exchange(f, "9 COPY 1 INBOX", "9 OK");
	ck_modseq_exchange(f->conn, "10 FETCH 1:* (UID) (CHANGEDSINCE %)", NUMBERS(after),
	    "* 4 FETCH (UID 4 MODSEQ (%))\n10 OK", NUMBERS(modseq_of(f, "INBOX")));
}
END_TEST

static const struct dialogue bad_dialogue[] = {
    {"1 SELECT Inbox (CONDSTORE)", "1 OK"},
    {"2 FETCH 1 (FLAGS) (CHANGEDSINCE 0)", "* 1 FETCH\n2 OK"}, /* clients send it */
    {"3 FETCH 1 (FLAGS) (CHANGEDSINCE 9223372036854775808)", "3 BAD Expected a mod-sequence"},
    {"4 FETCH 1 (FLAGS) (CHANGEDSINCE x)", "4 BAD"},
    {"5 FETCH 1 (FLAGS) (CHANGEDSINCE)", "5 BAD"},
    {"6 FETCH 1 (FLAGS) (CHANGEDSINCE 1 CHANGEDSINCE 2)", "6 BAD"},
    {"7 FETCH 1 (FLAGS) ()", "7 BAD"},
    {"8 FETCH 1 (FLAGS) (WHAT 3)", "8 BAD"},
    {"9 FETCH 1 (FLAGS) (CHANGEDSINCE 9223372036854775807)", "!* 1 FETCH\n9 OK"},
    {"10 STORE 1 (UNCHANGEDSINCE) FLAGS ()", "10 BAD"},
    {"11 STORE 1 (UNCHANGEDSINCE -1) FLAGS ()", "11 BAD"},
    {"12 STORE 1 (UNCHANGEDSINCE 1 UNCHANGEDSINCE 1) FLAGS ()",
	"12 BAD"}, /* §7: only a single one */
    {"13 STORE 1 (WHAT 1) FLAGS ()", "13 BAD"},
    {"14 STORE 1 () FLAGS ()", "14 BAD"},
    {"15 STORE 1 (UNCHANGEDSINCE 9223372036854775808) FLAGS ()", "15 BAD"},
    {"16 FETCH 1 (MODSEQ (1))", "16 BAD"},
    {"17 NOOP", "17 OK"},
};
DIALOGUE_TEST(mistakes_in_modifiers_are_bad, bad_dialogue, "Inbox:3")

/* RFC 7162 §3.1.3. */
START_TEST(store_is_conditional)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:9");
	struct conn *other = imap_fixture_connect(f);

	ck_exchange(f, "1 SELECT Inbox (CONDSTORE)", "1 OK");
	ck_exchange_on(other, "1 SELECT Inbox (CONDSTORE)", "1 OK");
	uint64_t before = modseq_of(f, "INBOX");
	ck_exchange_on(other, "2 STORE 7,9 +FLAGS.SILENT (\\Deleted)",
	    "* 7 FETCH (UID 7 MODSEQ (#))\n* 9 FETCH (UID 9 MODSEQ (#))\n2 OK");
	uint64_t theirs = modseq_of(f, "INBOX");
	/* Example 6; those that failed are told as they are: RECOMMENDED, Examples 9 and 10 */
	ck_modseq_exchange(f->conn, "2 STORE 7,5,9 (UNCHANGEDSINCE %) +FLAGS.SILENT (\\Deleted)",
	    NUMBERS(before),
	    "* 5 FETCH (UID 5 MODSEQ (%))\n* 7 FETCH (UID 7 FLAGS (\\Deleted \\Recent) MODSEQ "
	    "(%))\n"
	    "* 9 FETCH (UID 9 FLAGS (\\Deleted \\Recent) MODSEQ (%))\n2 OK [MODIFIED 7,9]",
	    NUMBERS(theirs + 1, theirs, theirs));
	/* what failed was not stored */
	ck_modseq_exchange(f->conn, "3 STORE 4:6 (UNCHANGEDSINCE %) FLAGS (\\Seen)",
	    NUMBERS(before),
	    "* 4 FETCH (UID 4 FLAGS (\\Seen \\Recent) MODSEQ (#))\n* 6 FETCH (UID 6 FLAGS (\\Seen "
	    "\\Recent) MODSEQ (#))\n3 OK [MODIFIED 5]",
	    NUMBERS(0));
	ck_exchange(f, "4 FETCH 5 FLAGS", "* 5 FETCH (FLAGS (\\Deleted \\Recent))\n4 OK");
	/* UID STORE names UIDs; a message that is named twice does not fail for itself */
	ck_exchange(f, "5 STORE 1 +FLAGS.SILENT (\\Deleted)", "5 OK");
	ck_exchange(f, "6 UID EXPUNGE 1", "* 1 EXPUNGE\n6 OK");
	ck_modseq_exchange(f->conn,
	    "7 UID STORE 7,3:9 (UNCHANGEDSINCE %) +FLAGS.SILENT (\\Answered)", NUMBERS(theirs - 1),
	    "* 2 FETCH (UID 3 MODSEQ (#))\n7 OK [MODIFIED 4:7,9]", NUMBERS(0));
	ck_modseq_exchange(f->conn, "8 STORE 6 (UNCHANGEDSINCE %) +FLAGS.SILENT (\\Answered)",
	    NUMBERS(theirs), "* 6 FETCH (UID 7 MODSEQ (#))\n8 OK STORE", NUMBERS(0));
	/* a success is told, .SILENT or not, also where nothing came out otherwise */
	uint64_t now = modseq_of(f, "INBOX");
	ck_modseq_exchange(f->conn, "9 STORE 6 (UNCHANGEDSINCE %) +FLAGS.SILENT (\\Answered)",
	    NUMBERS(now), "* 6 FETCH (UID 7 MODSEQ (%))\n9 OK STORE", NUMBERS(now));
}
END_TEST

/* RFC 7162 §3.1.3, Examples 7 and 8. */
static const struct dialogue zero_dialogue[] = {
    {"1 SELECT Inbox (CONDSTORE)", "1 OK"},
    {"2 STORE 1 (UNCHANGEDSINCE 0) +FLAGS.SILENT (\\Seen)",
	"2 OK [MODIFIED 1]"}, /* system flags exist */
    {"3 STORE 1 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($MDNSent)",
	"* 1 FETCH (UID 1 MODSEQ (#))\n3 OK STORE"},
    {"4 STORE 1:2 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($MDNSent)",
	"!* 1 FETCH\n* 2 FETCH (UID 2 MODSEQ (#))\n4 OK [MODIFIED 1]"},
    {"5 STORE 1 (UNCHANGEDSINCE 0) -FLAGS.SILENT ($MDNSent)", "5 OK [MODIFIED 1]"},
    {"6 STORE 3 (UNCHANGEDSINCE 0) FLAGS.SILENT ($MDNSent)", "6 OK [MODIFIED 3]"},
    {"7 UID STORE 3 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($MDNSent \\Seen)", "7 OK [MODIFIED 3]"},
};
DIALOGUE_TEST(unchanged_since_zero_asks_whether_a_keyword_is_there, zero_dialogue, "Inbox:3")

/* RFC 7162 §3.1.12: another flag has changed, and the client knows the one it wants to. */
START_TEST(a_change_of_another_flag_does_not_fail_the_condition)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:3");
	struct conn *other = imap_fixture_connect(f);

	ck_exchange(f, "1 SELECT Inbox (CONDSTORE)", "1 OK");
	ck_exchange_on(other, "1 SELECT Inbox", "1 OK");
	uint64_t before = modseq_of(f, "INBOX");
	ck_exchange_on(other, "2 STORE 1 +FLAGS (\\Deleted \\Answered)", "2 OK");
	ck_modseq_exchange(f->conn, "2 STORE 1 (UNCHANGEDSINCE %) +FLAGS.SILENT ($Processed)",
	    NUMBERS(before),
	    "* 1 FETCH (UID 1 FLAGS (\\Answered \\Deleted $Processed \\Recent) MODSEQ (%))\n2 OK "
	    "STORE",
	    NUMBERS(modseq_of(f, "INBOX") + 1));
	/* the same flag */
	before = modseq_of(f, "INBOX");
	ck_exchange_on(other, "3 STORE 2 +FLAGS (\\Deleted)", "3 OK");
	ck_modseq_exchange(f->conn, "3 STORE 2 (UNCHANGEDSINCE %) -FLAGS.SILENT (\\Deleted)",
	    NUMBERS(before),
	    "* 2 FETCH (UID 2 FLAGS (\\Deleted \\Recent) MODSEQ (#))\n3 OK [MODIFIED 2]",
	    NUMBERS(0));
	/* FLAGS without sign concerns them all */
	before = modseq_of(f, "INBOX");
	ck_exchange_on(other, "4 STORE 3 +FLAGS (\\Deleted)", "4 OK");
	ck_modseq_exchange(f->conn, "4 STORE 3 (UNCHANGEDSINCE %) FLAGS.SILENT (\\Seen)",
	    NUMBERS(before), "4 OK [MODIFIED 3]", NUMBERS(0));
	/* told of it meanwhile, but the condition speaks of before */
	ck_exchange(f, "5 NOOP", "5 OK");
	ck_modseq_exchange(f->conn, "6 STORE 3 (UNCHANGEDSINCE %) +FLAGS.SILENT (\\Seen)",
	    NUMBERS(before), "6 OK [MODIFIED 3]", NUMBERS(0));
}
END_TEST

/* RFC 7162 §3.1.3, Example 11; §3.2: MODSEQs are told while an EXPUNGE has to wait. */
START_TEST(a_modseq_says_no_more_than_the_client_has_been_told)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:7");
	struct conn *other = imap_fixture_connect(f);

	ck_exchange(f, "1 SELECT Inbox (CONDSTORE)", "1 OK");
	ck_exchange_on(other, "1 SELECT Inbox", "1 OK");
	uint64_t before = modseq_of(f, "INBOX");
	ck_exchange_on(other, "2 STORE 2 +FLAGS (\\Answered)", "2 OK");
	uint64_t known = modseq_of(f, "INBOX");
	ck_exchange_on(other, "3 STORE 4:7 +FLAGS.SILENT (\\Deleted)", "3 OK");
	ck_exchange_on(other, "4 EXPUNGE", "4 OK");
	ck_modseq_exchange(f->conn, "2 STORE 1:7 (UNCHANGEDSINCE %) FLAGS (\\Seen)",
	    NUMBERS(before),
	    "!* 4 EXPUNGE\n* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent) MODSEQ (#))\n* 3 FETCH (\n"
	    "* 2 FETCH (UID 2 FLAGS (\\Answered \\Recent) MODSEQ (%))\n* OK [HIGHESTMODSEQ %]\n2 "
	    "NO [MODIFIED 2]",
	    NUMBERS(known, before));
	ck_modseq_exchange(f->conn, "3 FETCH 1 (MODSEQ)", NUMBERS(0),
	    "* 1 FETCH (MODSEQ (#))\n* OK [HIGHESTMODSEQ %]\n3 OK", NUMBERS(before));
	ck_modseq_exchange(f->conn, "4 FETCH 1 (FLAGS)", NUMBERS(0), "!* OK\n4 OK", NUMBERS(0));
	ck_modseq_exchange(f->conn, "5 NOOP", NUMBERS(0),
	    "* 4 EXPUNGE\n* 4 EXPUNGE\n* 4 EXPUNGE\n* 4 EXPUNGE\n* OK [HIGHESTMODSEQ %]\n5 OK",
	    NUMBERS(modseq_of(f, "INBOX")));
	ck_exchange(f, "6 FETCH 1 (MODSEQ)", "!* OK\n* 1 FETCH\n6 OK");
}
END_TEST

START_TEST(status_and_select_agree)
{
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f = imap_fixture_open("Inbox:3", "Other:2");
	char line[100];

	/* RFC 7162 §3.1.7: the same value */
	uint64_t modseq = modseq_of(f, "Other");
	snprintf(line, sizeof(line), "* STATUS Other (MESSAGES 2 HIGHESTMODSEQ %" PRIu64 ")\n1 OK",
	    modseq);
	ck_exchange(f, "1 STATUS Other (HIGHESTMODSEQ MESSAGES)", line);
	snprintf(line, sizeof(line), "* OK [HIGHESTMODSEQ %" PRIu64 "]\n2 OK", modseq);
	ck_exchange(f, "2 SELECT Other", line);
	/* enabled before anything was selected */
	ck_exchange(f, "3 STORE 1 FLAGS (\\Seen)",
	    "!* OK\n* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent) MODSEQ (#))\n3 OK");
}
END_TEST

/* RFC 7162 §3.1.2: one of the two codes MUST come with every SELECT and EXAMINE; §3.1.2.2: NOMODSEQ
 * is for mailboxes that keep no modseqs, and there is none such: in a shared or an empty one, too.
 */
START_TEST(every_mailbox_keeps_modseqs)
{
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f = imap_fixture_open("Inbox:1", "Empty:0");
	static const char *const commands[] = {"1 SELECT Inbox", "1 EXAMINE Inbox",
	    "1 SELECT Empty", "1 EXAMINE Empty (CONDSTORE)", "1 SELECT Inbox (CONDSTORE)"};

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		ck_exchange(f, commands[i], "!* OK [NOMODSEQ]\n* OK [HIGHESTMODSEQ #]\n1 OK");
}
END_TEST

/* RFC 7162 §3.1: whoever has not asked for modseqs gets none, ever. */
static const struct dialogue classic_dialogue[] = {
    {"1 SELECT Inbox", "1 OK"},
    {"2 STORE 1:2 +FLAGS (\\Deleted)", "* 1 FETCH (FLAGS (\\Deleted \\Recent))\n2 OK"},
    {"3 FETCH 3 BODY[]<0.1>", "* 3 FETCH (BODY[]<0> {1}\nF FLAGS (\\Seen \\Recent))\n3 OK"},
    {"4 EXPUNGE", "* 1 EXPUNGE\n* 1 EXPUNGE\n4 OK EXPUNGE"},
};
DIALOGUE_TEST(a_session_that_does_not_ask_hears_of_no_modseq, classic_dialogue, "Inbox:3")

TEST_MAIN("condstore", select_tells_and_takes_condstore, each_enabling_command_enables,
    fetch_knows_what_has_changed_since, mistakes_in_modifiers_are_bad, store_is_conditional,
    unchanged_since_zero_asks_whether_a_keyword_is_there,
    a_change_of_another_flag_does_not_fail_the_condition,
    a_modseq_says_no_more_than_the_client_has_been_told, status_and_select_agree,
    every_mailbox_keeps_modseqs, a_session_that_does_not_ask_hears_of_no_modseq)
