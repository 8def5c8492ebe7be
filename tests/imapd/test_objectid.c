/* OBJECTID: RFC 8474; SAVEDATE: RFC 8514. */
#include "tests/imapd/modseq_fixture.h"

#include "common/base/clock.h"
#include "store/account_private.h"
#include "store/threads.h"

static const struct dialogue mailbox_dialogue[] = {
    {"1 CREATE foo", "1 OK [MAILBOXID (F#-#)]"}, /* RFC 8474 §4.1 */
    {"2 CREATE foo", "2 NO"}, {"3 SELECT foo", "* OK [MAILBOXID (F#-#)]\n3 OK"}, /* RFC 8474 §4.2 */
    {"4 EXAMINE foo", "* OK [MAILBOXID (F#-#)]\n4 OK"},
    {"5 STATUS foo (MAILBOXID)", "* STATUS foo (MAILBOXID (F#-#))\n5 OK"}, /* RFC 8474 §4.3 */
    {"6 STATUS foo (MESSAGES mailboxid)", "* STATUS foo (MESSAGES 0 MAILBOXID (F#-#))\n6 OK"},
    {"7 LIST \"\" foo RETURN (STATUS (MAILBOXID))",
	"* LIST\n* STATUS foo (MAILBOXID (F#-#))\n7 OK"}, /* RFC 8474 §4.3 */
};
DIALOGUE_TEST(mailboxes_have_an_id, mailbox_dialogue, "Inbox:0")

static void
copy_id(struct str answer, const char *label, char out[100])
{
	size_t at = str_find_nocase(answer, str_of(label));

	if (at == STR_NONE)
		ck_abort_msg("no %s in %.*s", label, STR_ARG(answer));
	struct str rest = str_skip(answer, at + strlen(label));
	snprintf(out, 100, "%.*s", (int)str_find_nocase(rest, STR(")")), rest.p);
}

/* RFC 8474 §4: the same id as long as name and UIDVALIDITY are, through a RENAME; another one when
 * the name is made anew. */
START_TEST(a_mailbox_keeps_its_id_and_takes_it_away)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("foo:1", "bar:1");
	char foo[100], bar[100], renamed[100], anew[100];

	copy_id(imap_fixture_ask(f, f->conn, "1 STATUS foo (MAILBOXID)"), "MAILBOXID (", foo);
	copy_id(imap_fixture_ask(f, f->conn, "2 STATUS bar (MAILBOXID)"), "MAILBOXID (", bar);
	ck_assert_str_ne(foo, bar);
	ck_exchange(f, "3 RENAME foo renamed", "3 OK");
	copy_id(imap_fixture_ask(f, f->conn, "4 SELECT renamed"), "MAILBOXID (", renamed);
	ck_assert_str_eq(foo, renamed);
	ck_exchange(f, "5 DELETE renamed", "5 OK");
	copy_id(imap_fixture_ask(f, f->conn, "6 CREATE foo"), "MAILBOXID (", anew);
	ck_assert_str_ne(foo, anew);
}
END_TEST

static uint32_t
deliver(struct imap_fixture *f, const char *id, const char *other_fields)
{
	char text[500];

	snprintf(text, sizeof(text), "Message-ID: <%s@x>\r\n%sSubject: s\r\n\r\nbody\r\n", id,
	    other_fields);
	return imap_fixture_deliver(f, "INBOX", str_of(text));
}

static void
ids_of(struct imap_fixture *f, const char *uid, char email[100], char thread[100])
{
	char line[100];

	snprintf(line, sizeof(line), "i UID FETCH %s (EMAILID THREADID)", uid);
	struct str got = imap_fixture_ask(f, f->conn, line);
	copy_id(got, "EMAILID (", email);
	copy_id(got, "THREADID (", thread);
	ck_assert_str_ne(email, thread); /* RFC 8474 §5.2: MUST NOT be the same */
}

/* RFC 8474 §5.1: the same EMAILID after COPY and MOVE; §5.2: the same THREADID for the same
 * EMAILID, and for what belongs together, in any mailbox. */
START_TEST(messages_have_ids_and_threads)
{
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f = imap_fixture_open("Inbox:0", "Other:0");
	char e[6][100], t[6][100], line[300], expect[600];

	deliver(f, "a", "");
	deliver(f, "b", "References: <a@x>\r\n");
	deliver(f, "c", "");
	deliver(f, "d", "In-Reply-To: <b@x>\r\n");
	ck_exchange(f, "1 SELECT INBOX", "1 OK");
	ids_of(f, "1", e[1], t[1]);
	ids_of(f, "2", e[2], t[2]);
	ids_of(f, "3", e[3], t[3]);
	ids_of(f, "4", e[4], t[4]);
	ck_assert_str_eq(t[1], t[2]);
	ck_assert_str_ne(t[1], t[3]);
	ck_assert_str_eq(t[1], t[4]);
	ck_assert_str_ne(e[1], e[2]);
	/* a message that names two threads joins one, and neither changes: §5.2 */
	deliver(f, "e", "References: <c@x>\r\n <a@x>\r\n");
	ck_exchange(f, "2 NOOP", "2 OK");
	ids_of(f, "5", e[5], t[5]);
	ck_assert_str_eq(t[5], t[3]);
	char again[100], thread[100];
	ids_of(f, "1", again, thread);
	ck_assert_str_eq(again, e[1]);
	ck_assert_str_eq(thread, t[1]);
	/* §6 */
	snprintf(line, sizeof(line), "3 SEARCH THREADID %s", t[1]);
	ck_exchange(f, line, "* SEARCH 1 2 4\n3 OK");
	snprintf(line, sizeof(line), "4 SEARCH EMAILID %s", e[3]);
	ck_exchange(f, line, "* SEARCH 3\n4 OK");
	snprintf(line, sizeof(line), "5 SEARCH NOT THREADID %s", t[1]);
	ck_exchange(f, line, "* SEARCH 3 5\n5 OK");
	ck_exchange(f, "6 SEARCH THREADID T1-99", "* SEARCH\n6 OK");
	ck_exchange(f, "7 SEARCH THREADID t", "* SEARCH\n7 OK");
	ck_exchange(f, "8 SEARCH THREADID", "8 BAD");
	/* elsewhere */
	ck_exchange(f, "9 UID COPY 1 Other", "9 OK");
	ck_exchange(f, "10 UID MOVE 2 Other", "10 OK");
	ck_exchange(f, "11 SELECT Other", "11 OK");
	snprintf(expect, sizeof(expect),
	    "* 1 FETCH (EMAILID (%s) THREADID (%s))\n* 2 FETCH (EMAILID (%s) THREADID (%s))\n12 OK",
	    e[1], t[1], e[2], t[1]);
	ck_exchange(f, "12 FETCH 1:* (EMAILID THREADID)", expect);
	/* what answered a message that is gone still belongs to its thread */
	deliver(f, "g", "References: <d@x>\r\n");
	ck_exchange(f, "13 SELECT INBOX", "13 OK");
	ck_exchange(f, "14 UID STORE 1,4 +FLAGS.SILENT (\\Deleted)", "14 OK");
	ck_exchange(f, "15 EXPUNGE", "15 OK");
	imap_fixture_clean(f);
	ids_of(f, "6", again, thread);
	ck_assert_str_eq(thread, t[1]);
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(10000);
	ck_assert_ok(account_check(f->account, &report));
}
END_TEST

/* RFC 8514 §3: set when a message comes into a mailbox, by COPY too; not changed by anything. */
START_TEST(messages_have_the_date_when_they_were_saved)
{
	clock_freeze(1420138253); /* 01-Jan-2015 18:50:53 */
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f = imap_fixture_open_with(
	    (const char *const[]){"Inbox:2", "Other:0", NULL}, "imapd { timeout = 604800s }\n");

	ck_exchange(f, "1 SELECT INBOX", "1 OK");
	ck_exchange(f, "2 FETCH 1 (SAVEDATE INTERNALDATE)", /* RFC 8514 §4.2 */
	    "* 1 FETCH (SAVEDATE \" 1-Jan-2015 18:50:53 +0000\" INTERNALDATE \"17-Jul-1996 "
	    "02:44:25 "
	    "-0700\")\n2 OK");
	clock_advance_ms(3 * 86400000ll);
	ck_exchange(f, "3 STORE 1 +FLAGS (\\Seen)", "3 OK");
	ck_exchange(f, "4 COPY 1 Other", "4 OK");
	ck_exchange(f, "5 COPY 2 INBOX", "* 3 EXISTS\n5 OK");
	ck_exchange(f, "6 FETCH 1:* SAVEDATE",
	    "* 1 FETCH (SAVEDATE \" 1-Jan-2015 18:50:53 +0000\")\n* 2 FETCH\n"
	    "* 3 FETCH (SAVEDATE \" 4-Jan-2015 18:50:53 +0000\")\n6 OK");
	/* RFC 8514 §4.3 */
	ck_exchange(f, "7 SEARCH SAVEDON 1-Jan-2015", "* SEARCH 1 2\n7 OK");
	ck_exchange(f, "8 SEARCH SAVEDBEFORE 2-Jan-2015", "* SEARCH 1 2\n8 OK");
	ck_exchange(f, "9 SEARCH SAVEDSINCE 4-Jan-2015", "* SEARCH 3\n9 OK");
	ck_exchange(f, "10 SEARCH SAVEDATESUPPORTED", "* SEARCH 1 2 3\n10 OK");
	ck_exchange(f, "11 SEARCH NOT SAVEDSINCE 2-Jan-2015", "* SEARCH 1 2\n11 OK");
	ck_exchange(f, "12 SEARCH SAVEDON yesterday", "12 BAD");
	ck_exchange(f, "13 SELECT Other", "13 OK");
	ck_exchange(f, "14 UID FETCH 1 SAVEDATE",
	    "* 1 FETCH (UID 1 SAVEDATE \" 4-Jan-2015 18:50:53 +0000\")\n14 OK");
	clock_thaw();
}
END_TEST

/* RFC 8474 §3, RFC 8514 §4.1, RFC 7162 §3.1.1, §3.2.2; RFC 9585 §3; RFC 9586 §3.1 and RFC 9738
 * §3 where they are configured. */
START_TEST(capabilities_are_told)
{
	static const struct {
		const char *word, *options;
	} rows[] = {
	    {" OBJECTID ", NULL},
	    {" SAVEDATE ", NULL},
	    {" CONDSTORE ", NULL},
	    {" QRESYNC ", NULL},
	    {" UIDBATCHES ", NULL},
	    {" INPROGRESS ", NULL},
	    {" UIDONLY", "imapd { uidonly = yes }\n"},
	    {" MESSAGELIMIT=1000", "imapd { message_limit = 1000 }\n"},
	};
	const char *const boxes[] = {"Inbox:0", NULL};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(imap_fixture_close)
		struct imap_fixture *f = imap_fixture_open_with(boxes, rows[i].options);
		struct str got = imap_fixture_ask(f, f->conn, "1 CAPABILITY");
		ck_assert_msg(
		    str_find_nocase(got, str_of(rows[i].word)) != STR_NONE, "no%s", rows[i].word);
		if (!rows[i].options) {
			ck_assert(str_find_nocase(got, STR("UIDONLY")) == STR_NONE);
			ck_assert(str_find_nocase(got, STR("MESSAGELIMIT")) == STR_NONE);
		}
	}
}
END_TEST

/* RFC 8474 §8.2: RENAME of INBOX makes another mailbox; INBOX stays itself, and its messages keep
 * their EMAILIDs. */
START_TEST(inbox_stays_itself_when_it_is_renamed)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");
	char inbox[100], after[100], other[100], email[100], moved[100], thread[100];

	ck_exchange(f, "1 SELECT INBOX", "1 OK");
	ids_of(f, "1", email, thread);
	copy_id(imap_fixture_ask(f, f->conn, "2 STATUS INBOX (MAILBOXID)"), "MAILBOXID (", inbox);
	ck_exchange(f, "3 RENAME INBOX old", "3 OK");
	copy_id(imap_fixture_ask(f, f->conn, "4 STATUS INBOX (MAILBOXID)"), "MAILBOXID (", after);
	copy_id(imap_fixture_ask(f, f->conn, "5 STATUS old (MAILBOXID)"), "MAILBOXID (", other);
	ck_assert_str_eq(inbox, after);
	ck_assert_str_ne(inbox, other);
	ck_exchange(f, "6 SELECT old", "6 OK");
	ids_of(f, "1", moved, thread);
	ck_assert_str_eq(email, moved);
}
END_TEST

START_TEST(a_mailbox_of_many_gets_its_threads_in_steps)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	char line[200], root[100], e[100], t[100];

	for (int i = 0; i < 450; i++) {
		snprintf(line, sizeof(line), "References: <m%d@x>\r\n", i / 2);
		char id[20];
		snprintf(id, sizeof(id), "m%d", i);
		deliver(f, id, i ? line : "");
	}
	ck_exchange(f, "1 SELECT INBOX", "1 OK");
	struct str got = imap_fixture_ask(f, f->conn, "2 FETCH 1:* THREADID");
	copy_id(got, "THREADID (", root);
	ids_of(f, "450", e, t);
	ck_assert_str_eq(t, root);
	snprintf(line, sizeof(line), "3 UID SEARCH RETURN (COUNT) THREADID %s", root);
	ck_exchange(f, line, "* ESEARCH (TAG \"3\") UID COUNT 450\n3 OK");
}
END_TEST

static int64_t
count_of(struct imap_fixture *f, const char *sql)
{
	CLEANUP(read_end) struct handle *h = NULL;
	int64_t n = -1;

	ck_assert_ok(account_read(f->account, &h));
	ck_assert_ok(db_get_int(h->db, sql, &n));
	return n;
}

static const char count_ids[] = "SELECT count(*) FROM thread_id";

/* What strangers may name grows with the messages that are there, not with all that ever came. */
START_TEST(message_ids_go_with_the_last_message_of_their_thread)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	char e[100], first[100], other[100];

	deliver(f, "a", "References: <p@x> <q@x>\r\n");
	deliver(f, "b", "References: <a@x>\r\n");
	deliver(f, "c", "");
	ck_exchange(f, "1 SELECT INBOX", "1 OK");
	ids_of(f, "1", e, first);
	ck_assert_int_eq(count_of(f, count_ids), 5);
	ck_exchange(f, "2 UID STORE 1,3 +FLAGS.SILENT (\\Deleted)", "2 OK");
	ck_exchange(f, "3 EXPUNGE", "3 OK");
	imap_fixture_clean(f);
	ck_assert_int_eq(count_of(f, count_ids), 4); /* b is there */
	ck_exchange(f, "4 UID STORE 2 +FLAGS.SILENT (\\Deleted)", "4 OK");
	ck_exchange(f, "5 EXPUNGE", "5 OK");
	imap_fixture_clean(f);
	ck_assert_int_eq(count_of(f, count_ids), 0);
	ck_assert_int_eq(count_of(f, "SELECT count(*) FROM thread"), 0);
	deliver(f, "d", "References: <p@x>\r\n");
	ck_exchange(f, "6 NOOP", "* 1 EXISTS\n6 OK");
	ids_of(f, "4", e, other);
	ck_assert_str_ne(other, first);
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(10000);
	ck_assert_ok(account_check(f->account, &report));
}
END_TEST

START_TEST(a_thread_has_no_more_message_ids_than_the_limit)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	char e[100], first[100], last[100], id[20], fields[400];

	deliver(f, "root", "");
	for (int i = 0; i < THREAD_IDS_MAX / 7; i++) {
		snprintf(id, sizeof(id), "m%d", i);
		snprintf(fields, sizeof(fields),
		    "References: <root@x> <%d-1@x> <%d-2@x> <%d-3@x> <%d-4@x> <%d-5@x> <%d-6@x>\r\n"
		    "In-Reply-To: <%d-7@x>\r\n",
		    i, i, i, i, i, i, i);
		deliver(f, id, fields);
	}
	deliver(f, "z", "References: <root@x> <z1@x>\r\n");
	ck_exchange(f, "1 SELECT INBOX", "1 OK");
	ids_of(f, "1", e, first);
	ids_of(f, "*", e, last);
	ck_assert_str_eq(first, last);
	ck_assert_int_eq(count_of(f, count_ids), THREAD_IDS_MAX);
}
END_TEST

/* Nobody outside can find two Message IDs of one hash, with which a message would join a thread
 * that it does not name. */
START_TEST(each_account_hashes_under_a_key_of_its_own)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	CLEANUP(imap_fixture_close) struct imap_fixture *g = imap_fixture_open("Inbox:0");
	static const char one[] = "SELECT hash FROM thread_id";
	char e[100], t[100];

	deliver(f, "a", "");
	deliver(g, "a", "");
	ck_exchange(f, "1 SELECT INBOX", "1 OK");
	ck_exchange(g, "1 SELECT INBOX", "1 OK");
	ids_of(f, "1", e, t);
	ids_of(g, "1", e, t);
	ck_assert_int_eq(count_of(f, count_ids), 1);
	ck_assert(count_of(f, one) != count_of(g, one));
}
END_TEST

TEST_MAIN("objectid", mailboxes_have_an_id, a_mailbox_keeps_its_id_and_takes_it_away,
    messages_have_ids_and_threads, messages_have_the_date_when_they_were_saved,
    capabilities_are_told, inbox_stays_itself_when_it_is_renamed,
    a_mailbox_of_many_gets_its_threads_in_steps,
    message_ids_go_with_the_last_message_of_their_thread,
    a_thread_has_no_more_message_ids_than_the_limit, each_account_hashes_under_a_key_of_its_own)
