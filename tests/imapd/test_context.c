/* Searches whose results are kept up to date: RFC 5267 §4. */
#include "imapd/context.h"
#include "tests/imapd/imap_fixture.h"

struct exchange {
	int who; /* 0: the one with the context, 1: another */
	const char *send, *expect;
};

static void
run(struct imap_fixture *f, const struct exchange *rows, size_t n)
{
	struct conn *other = imap_fixture_connect(f);

	ck_exchange_on(other, "0 SELECT Box", "0 OK");
	for (size_t i = 0; i < n; i++)
		ck_exchange_on(rows[i].who ? other : f->conn, rows[i].send, rows[i].expect);
}

/* §4.3.2 to §4.3.4 */
START_TEST(a_search_is_kept_up_to_date)
{
	static const struct exchange rows[] = {
	    {0, "1 SELECT Box", "1 OK"},
	    {0, "B01 UID SEARCH RETURN (UPDATE COUNT) FLAGGED",
		"* ESEARCH (TAG \"B01\") UID COUNT 0\nB01 OK"},
	    {1, "1 STORE 2:4,6 +FLAGS.SILENT (\\Flagged)", "1 OK"},
	    {0, "2 NOOP",
		"* 2 FETCH\n* 6 FETCH\n* ESEARCH (TAG \"B01\") UID ADDTO (0 2:4,6)\n2 OK"},
	    {0, "3 NOOP", "!* ESEARCH\n3 OK"},
	    /* what the session does itself counts as well */
	    {0, "4 STORE 3 -FLAGS (\\Flagged)",
		"* 3 FETCH\n* ESEARCH (TAG \"B01\") UID REMOVEFROM (0 3)\n4 OK"},
	    {0, "5 STORE 1 FLAGS.SILENT (\\Flagged)",
		"* ESEARCH (TAG \"B01\") UID ADDTO (0 1)\n5 OK"},
	    {0, "6 STORE 1 +FLAGS.SILENT (\\Seen)", "!* ESEARCH\n6 OK"},
	    {1, "2 STORE 2,4 +FLAGS.SILENT (\\Deleted)", "2 OK"},
	    {1, "3 STORE 1 -FLAGS.SILENT (\\Flagged)", "3 OK"},
	    {1, "4 EXPUNGE", "4 OK"},
	    /* expunges have to wait here, and their REMOVEFROM with them */
	    {0, "7 FETCH 1 UID",
		"!* ESEARCH (TAG \"B01\") UID REMOVEFROM (0 2\n"
		"* 1 FETCH\n* ESEARCH (TAG \"B01\") UID REMOVEFROM (0 1)\n7 OK"},
	    {0, "8 NOOP",
		"* ESEARCH (TAG \"B01\") UID REMOVEFROM (0 2,4)\n"
		"* 2 EXPUNGE\n* 3 EXPUNGE\n8 OK"},
	    {1, "5 COPY 4 Box", "5 OK"}, /* UID 6, which is flagged */
	    {0, "9 NOOP", "* 8 EXISTS\n* ESEARCH (TAG \"B01\") UID ADDTO (0 10)\n9 OK"},
	    {0, "10 SEARCH RETURN (UPDATE) FLAGGED", "* ESEARCH (TAG \"10\")\n10 OK"},
	    {1, "6 STORE 8 -FLAGS.SILENT (\\Flagged)", "6 OK"},
	    {0, "11 NOOP",
		"* ESEARCH (TAG \"B01\") UID REMOVEFROM (0 10)\n"
		"* ESEARCH (TAG \"10\") REMOVEFROM (0 8)\n11 OK"},
	    /* §4.3.5 */
	    {0, "12 CANCELUPDATE \"B01\"", "12 OK"},
	    {0, "13 CANCELUPDATE \"B01\"", "13 NO"},
	    {1, "7 STORE 8 +FLAGS.SILENT (\\Flagged)", "7 OK"},
	    {0, "14 NOOP", "!* ESEARCH (TAG \"B01\")\n* ESEARCH (TAG \"10\") ADDTO (0 8)\n14 OK"},
	    {0, "15 CANCELUPDATE", "15 BAD"},
	    /* it ends with the selected mailbox */
	    {0, "16 SELECT Box", "16 OK"},
	    {1, "8 STORE 8 -FLAGS.SILENT (\\Flagged)", "8 OK"},
	    {0, "17 NOOP", "!* ESEARCH\n17 OK"},
	};
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:9");

	run(f, rows, ARRAY_LEN(rows));
}
END_TEST

/* Numbers are right when they come: before EXPUNGE (§4.3.4), behind EXISTS (§4.3.3). */
START_TEST(sequence_numbers_are_those_of_the_moment)
{
	static const struct exchange rows[] = {
	    {0, "1 SELECT Box", "1 OK"},
	    {0, "C SEARCH RETURN (UPDATE ALL) UNSEEN", "* ESEARCH (TAG \"C\") ALL 1:9\nC OK"},
	    {1, "1 STORE 1,3,9 +FLAGS.SILENT (\\Deleted)", "1 OK"},
	    {1, "2 STORE 5 +FLAGS.SILENT (\\Seen)", "2 OK"},
	    {1, "3 EXPUNGE", "3 OK"},
	    {1, "4 COPY 1:2 Box", "4 OK"},
	    {0, "2 NOOP",
		"* ESEARCH (TAG \"C\") REMOVEFROM (0 1,3,9)\n* 1 EXPUNGE\n* 2 EXPUNGE\n* 7 "
		"EXPUNGE\n"
		"* 3 FETCH\n* 8 EXISTS\n* ESEARCH (TAG \"C\") REMOVEFROM (0 3)\n"
		"* ESEARCH (TAG \"C\") ADDTO (0 7:8)\n2 OK"},
	    /* §4.3: numbers in the program are those of when it was sent */
	    {0, "D SEARCH RETURN (UPDATE COUNT) 1:2 FLAGGED",
		"* ESEARCH (TAG \"D\") COUNT 0\nD OK"},
	    {1, "5 STORE 1 +FLAGS.SILENT (\\Deleted)", "5 OK"},
	    {1, "6 EXPUNGE", "6 OK"},
	    {1, "7 STORE 1:2 +FLAGS.SILENT (\\Flagged)", "7 OK"},
	    {0, "3 NOOP",
		"* ESEARCH (TAG \"C\") REMOVEFROM (0 1)\n* 1 EXPUNGE\n"
		"* ESEARCH (TAG \"D\") ADDTO (0 1)\n3 OK"},
	};
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:9");

	run(f, rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(texts_and_new_keywords_are_matched)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:3");
	struct conn *other = imap_fixture_connect(f);

	ck_exchange(f, "1 SELECT Box", "1 OK");
	ck_exchange_on(other, "1 SELECT Box", "1 OK");
	ck_exchange(
	    f, "a UID SEARCH RETURN (UPDATE ALL) TEXT needle", "* ESEARCH (TAG \"a\") UID\na OK");
	ck_exchange(
	    f, "b UID SEARCH RETURN (UPDATE ALL) KEYWORD later", "* ESEARCH (TAG \"b\") UID\nb OK");
	ck_exchange(f, "c UID SEARCH RETURN (UPDATE ALL) NOT KEYWORD later",
	    "* ESEARCH (TAG \"c\") UID ALL 1:3\nc OK");
	ck_exchange_on(other, "2 STORE 2 +FLAGS.SILENT (later)", "2 OK");
	imap_fixture_deliver(f, "Box", STR("Subject: x\r\n\r\nhay and needle\r\n"));
	imap_fixture_deliver(f, "Box", STR("Subject: x\r\n\r\nhay\r\n"));
	ck_exchange(f, "2 NOOP",
	    "* 5 EXISTS\n* ESEARCH (TAG \"a\") UID ADDTO (0 4)\n"
	    "* ESEARCH (TAG \"b\") UID ADDTO (0 2)\n"
	    "* ESEARCH (TAG \"c\") UID REMOVEFROM (0 2)\n"
	    "* ESEARCH (TAG \"c\") UID ADDTO (0 4:5)\n2 OK");
	/* in IDLE, too */
	ck_exchange(f, "3 IDLE", "+");
	imap_fixture_deliver(f, "Box", STR("Subject: needle\r\n\r\nhay\r\n"));
	conn_wake(f->conn);
	ck_exchange(f, "DONE",
	    "* 6 EXISTS\n* ESEARCH (TAG \"a\") UID ADDTO (0 6)\n"
	    "* ESEARCH (TAG \"c\") UID ADDTO (0 6)\n3 OK");
}
END_TEST

/* §4.3.3, §4.3.4 with places; CONTEXT=SORT */
START_TEST(a_sorted_result_is_kept_in_order)
{
	static const struct exchange rows[] = {
	    {0, "1 SELECT Box", "1 OK"},
	    {1, "1 STORE 2,4,6 +FLAGS.SILENT (\\Flagged)", "1 OK"},
	    {0, "2 NOOP", "2 OK"},
	    {0, "S UID SORT RETURN (UPDATE ALL) (REVERSE SUBJECT) UTF-8 FLAGGED",
		"* ESEARCH (TAG \"S\") UID ALL 6,4,2\nS OK"},
	    {1, "2 STORE 1,3,5,8:9 +FLAGS.SILENT (\\Flagged)", "2 OK"}, /* 9 8 6 5 4 3 2 1 */
	    {0, "3 NOOP", "* ESEARCH (TAG \"S\") UID ADDTO (1 9 2 8 4 5 6 3 8 1)\n3 OK"},
	    {1, "3 STORE 4:5,9 -FLAGS.SILENT (\\Flagged)", "3 OK"}, /* 8 6 3 2 1 */
	    {0, "4 NOOP", "* ESEARCH (TAG \"S\") UID REMOVEFROM (1 9 3 5 3 4)\n4 OK"},
	    {1, "4 STORE 6,2 +FLAGS.SILENT (\\Deleted)", "4 OK"},
	    {1, "5 EXPUNGE", "5 OK"},
	    {1, "6 STORE 7 +FLAGS.SILENT (\\Flagged)", "6 OK"}, /* 9 8 3 1 */
	    {0, "5 NOOP",
		"* ESEARCH (TAG \"S\") UID REMOVEFROM (2 6 3 2)\n* 2 EXPUNGE\n* 5 EXPUNGE\n"
		"* ESEARCH (TAG \"S\") UID ADDTO (1 9)\n5 OK"},
	    {0, "T SORT RETURN (UPDATE ALL) (SUBJECT) UTF-8 FLAGGED",
		"* ESEARCH (TAG \"T\") ALL 1:2,6:7\nT OK"},
	    {1, "7 STORE 3:5 +FLAGS.SILENT (\\Flagged)", "7 OK"}, /* UIDs 4 5 7 */
	    {0, "6 NOOP",
		"* ESEARCH (TAG \"S\") UID ADDTO (3 7 4 5 5 4)\n"
		"* ESEARCH (TAG \"T\") ADDTO (3 3:5)\n6 OK"},
	};
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:9");

	run(f, rows, ARRAY_LEN(rows));
}
END_TEST

/* §4.3, §4.3.1 */
START_TEST(too_many_contexts_are_refused)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:3");
	char send[100], expect[100];

	ck_exchange(f, "1 SELECT Box", "1 OK");
	for (int i = 0; i < CONTEXTS_MAX; i++) {
		snprintf(send, sizeof(send), "c%d SEARCH RETURN (UPDATE CONTEXT COUNT) ALL", i);
		snprintf(
		    expect, sizeof(expect), "!* NO\n* ESEARCH (TAG \"c%d\") COUNT 3\nc%d OK", i, i);
		ck_exchange(f, send, expect);
	}
	ck_exchange(f, "d SEARCH RETURN (UPDATE COUNT) ALL",
	    "* NO [NOUPDATE \"d\"]\n* ESEARCH (TAG \"d\") COUNT 3\nd OK");
	ck_exchange(f, "c1 SORT RETURN (UPDATE COUNT) (DATE) UTF-8 ALL", "c1 BAD");
	ck_exchange(f, "e CANCELUPDATE \"c1\" \"c2\"", "e OK");
	ck_exchange(f, "c1 SEARCH RETURN (UPDATE COUNT) ALL",
	    "!* NO\n* ESEARCH (TAG \"c1\") COUNT 3\nc1 OK");
	/* the order of all would change with each message */
	ck_exchange(f, "f SORT RETURN (UPDATE COUNT) (RELEVANCY) UTF-8 FUZZY SUBJECT message",
	    "* NO [NOUPDATE \"f\"]\n* ESEARCH (TAG \"f\") COUNT 3\nf OK");
	/* what can't be searched is no context */
	ck_exchange(f, "g SEARCH RETURN (UPDATE) BOGUS", "g BAD");
	ck_exchange(f, "h CANCELUPDATE \"g\"", "h NO");
}
END_TEST

/* RFC 7377 §2.2 */
START_TEST(esearch_keeps_the_selected_mailbox_up_to_date)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:3", "Other:2");

	ck_exchange(f, "1 ESEARCH IN (mailboxes Box) RETURN (UPDATE) ALL", "1 BAD");
	ck_exchange(f, "2 SELECT Box", "2 OK");
	ck_exchange(f, "a ESEARCH IN (mailboxes (Box Other)) RETURN (UPDATE ALL) UNSEEN",
	    "* ESEARCH (TAG \"a\" MAILBOX Box UIDVALIDITY #) UID ALL 1:3\n"
	    "* ESEARCH (TAG \"a\" MAILBOX Other UIDVALIDITY #) UID ALL 1:2\na OK");
	ck_exchange(f, "3 STORE 2 +FLAGS.SILENT (\\Seen)",
	    "* ESEARCH (TAG \"a\" MAILBOX Box UIDVALIDITY #) UID REMOVEFROM (0 2)\n3 OK");
	ck_exchange(f, "4 CANCELUPDATE a", "4 OK");
	/* nothing found is told of it, but then it may come */
	ck_exchange(f, "b ESEARCH RETURN (UPDATE ALL) FLAGGED", "!* ESEARCH\nb OK");
	ck_exchange(f, "5 STORE 3 +FLAGS.SILENT (\\Flagged)",
	    "* ESEARCH (TAG \"b\" MAILBOX Box UIDVALIDITY #) UID ADDTO (0 3)\n5 OK");
}
END_TEST

TEST_MAIN("context", a_search_is_kept_up_to_date, sequence_numbers_are_those_of_the_moment,
    texts_and_new_keywords_are_matched, a_sorted_result_is_kept_in_order,
    too_many_contexts_are_refused, esearch_keeps_the_selected_mailbox_up_to_date)
