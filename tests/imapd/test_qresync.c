/* QRESYNC: RFC 7162 §3.2. */
#include "tests/imapd/modseq_fixture.h"

#include "common/base/clock.h"
#include "store/account_private.h"
#include "store/cleaner.h"

static const struct dialogue before_dialogue[] = {
    /* RFC 7162 §3.2.3, §3.2.5, §3.2.6: BAD without ENABLE QRESYNC */
    {"1 SELECT Inbox (QRESYNC (1 1))", "1 BAD Expected ENABLE QRESYNC"},
    {"2 SELECT Inbox (CONDSTORE)", "2 OK"},
    {"3 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)", "3 BAD"},
    {"4 ENABLE QRESYNC", "* ENABLED QRESYNC\n4 OK"},
    {"5 ENABLE CONDSTORE QRESYNC", "* ENABLED\n5 OK"}, /* RFC 5161 §3.2: nothing new */
    {"6 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)", "!* VANISHED\n* 1 FETCH\n6 OK"},
    {"7 FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)",
	"7 BAD"}, /* RFC 7162 §3.2.6: UID FETCH only */
    {"8 UID FETCH 1:* (FLAGS) (VANISHED)", "8 BAD Expected CHANGEDSINCE"}, /* RFC 7162 §3.2.6 */
    {"9 UID FETCH 1:* (FLAGS) (VANISHED VANISHED CHANGEDSINCE 1)", "9 BAD"},
    {"10 UID FETCH 1:* (FLAGS) (VANISHED CHANGEDSINCE 1)", "* 1 FETCH\n10 OK"},
    /* RFC 7162 §3.2.5: what is no valid parameter is BAD, and changes nothing */
    {"11 SELECT Inbox (QRESYNC)", "11 BAD"},
    {"12 SELECT Inbox (QRESYNC 1 1)", "12 BAD"},
    {"13 SELECT Inbox (QRESYNC (0 1))", "13 BAD"},
    {"14 SELECT Inbox (QRESYNC (1 0))", "14 BAD"},
    {"15 SELECT Inbox (QRESYNC (1))", "15 BAD"},
    {"16 SELECT Inbox (QRESYNC (1 9223372036854775808))", "16 BAD"},
    {"17 SELECT Inbox (QRESYNC (1 1 1:*))", "17 BAD"}, /* known-uids has no "*" */
    {"18 SELECT Inbox (QRESYNC (1 1 0))", "18 BAD"},
    {"19 SELECT Inbox (QRESYNC (1 1 1 (1)))", "19 BAD"},
    {"20 SELECT Inbox (QRESYNC (1 1 1 (1:2 1)))", "20 BAD Expected as many"}, /* §3.2.5.2 */
    {"21 SELECT Inbox (QRESYNC (1 1 1 (* 1)))", "21 BAD"},
    {"22 SELECT Inbox (QRESYNC (1 1) QRESYNC (1 1))", "22 BAD"},
    {"23 SELECT Inbox (QRESYNC (1 1)", "23 BAD"},
    {"24 CHECK", "24 OK"},
    /* RFC 7162 §3.2.5: another UIDVALIDITY, and the rest is ignored; all else is told as ever */
    {"25 SELECT Inbox (QRESYNC (1 1 1:5))", "!* VANISHED\n!* 1 FETCH\n* OK [CLOSED]\n* FLAGS\n* OK "
					    "[PERMANENTFLAGS\n* 3 EXISTS\n* # RECENT\n"
					    "* OK [UNSEEN 1]\n* OK [UIDVALIDITY #]\n* OK [UIDNEXT "
					    "4]\n* OK [HIGHESTMODSEQ #]\n25 OK [READ-WRITE]"},
    {"26 EXAMINE Inbox (CONDSTORE QRESYNC (1 1))", "* OK [CLOSED]\n26 OK [READ-ONLY]"},
};
DIALOGUE_TEST(qresync_has_to_be_enabled_and_well_formed, before_dialogue, "Inbox:3")

/* RFC 7162 §3.2.10.2: VANISHED in place of EXPUNGE, whoever expunged; §3.2.7 and §3.2.9: the OK
 * says up to where the client knows all. */
START_TEST(vanished_stands_for_expunge)
{
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f = imap_fixture_open("Inbox:12", "Other:0");
	struct conn *other = imap_fixture_connect(f);

	ck_exchange(f, "1 ENABLE QRESYNC", "* ENABLED CONDSTORE QRESYNC\n1 OK");
	ck_exchange(f, "2 SELECT Inbox", "2 OK");
	ck_exchange_on(other, "1 SELECT Inbox", "1 OK");
	ck_exchange(f, "3 STORE 2:3,5,7 +FLAGS.SILENT (\\Deleted)", "3 OK");
	ck_modseq_exchange(f->conn, "4 EXPUNGE", NUMBERS(0),
	    "!* 2 EXPUNGE\n!* 8 EXISTS\n* VANISHED 2:3,5,7\n4 OK [HIGHESTMODSEQ %]",
	    NUMBERS(modseq_of(f, "INBOX") + 1));
	ck_exchange(f, "5 EXPUNGE", "!* VANISHED\n5 OK EXPUNGE"); /* nothing: no code */
	ck_exchange(f, "6 STORE 1:2 +FLAGS.SILENT (\\Deleted)", "6 OK");
	ck_modseq_exchange(f->conn, "7 UID EXPUNGE 1", NUMBERS(0),
	    "* VANISHED 1\n7 OK [HIGHESTMODSEQ %]", NUMBERS(modseq_of(f, "INBOX") + 1));
	/* RFC 6851 §4.4, RFC 7162 §3.2: MOVE */
	ck_exchange(
	    f, "8 UID MOVE 6 Other", "* OK [COPYUID # 6 1]\n* VANISHED 6\n8 OK [HIGHESTMODSEQ #]");
	ck_exchange_on(other, "2 UID EXPUNGE 4", "* 1 EXPUNGE\n2 OK UID EXPUNGE"); /* classic */
	/* not during FETCH, STORE and SEARCH, but during their UID forms: §3.2.10.2 */
	ck_exchange(f, "9 FETCH 2 (UID)", "!* VANISHED\n* 2 FETCH (UID 8)\n9 OK");
	ck_exchange(f, "10 SEARCH ALL", "!* VANISHED\n10 OK");
	ck_exchange(f, "11 UID FETCH 8 (FLAGS)", "* VANISHED 4\n11 OK");
	ck_exchange_on(other, "3 UID STORE 9 +FLAGS (\\Deleted)", "3 OK");
	ck_exchange(
	    f, "12 IDLE", "+ idling\n* 2 FETCH (UID 9 FLAGS (\\Deleted \\Recent) MODSEQ (#))");
	ck_exchange_on(other, "4 EXPUNGE", "4 OK");
	ck_exchange(f, NULL, "* VANISHED 9");
	ck_exchange(f, "DONE", "12 OK");
	/* what was never told of is not said to have gone: §3.2.10.2 */
	ck_exchange_on(other, "5 COPY 1 INBOX", "5 OK [COPYUID # 8 13]");
	ck_exchange_on(other, "6 STORE * +FLAGS.SILENT (\\Deleted)", "6 OK");
	ck_exchange_on(other, "7 EXPUNGE", "7 OK");
	ck_exchange(f, "13 NOOP", "!* VANISHED\n13 OK");
	/* CLOSE tells nothing: §3.2.8 */
	ck_exchange(f, "14 STORE 1 +FLAGS.SILENT (\\Deleted)", "14 OK");
	uint64_t before = modseq_of(f, "INBOX");
	ck_exchange(f, "15 CLOSE", "!* VANISHED\n!* OK\n15 OK CLOSE");
	ck_assert_uint_gt(modseq_of(f, "INBOX"), before); /* §3.2: MUST increment */
}
END_TEST

START_TEST(whoever_comes_back_hears_what_has_changed)
{
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f = imap_fixture_open("Inbox:9", "Other:0");
	struct conn *other = imap_fixture_connect(f);

	ck_exchange(f, "0 ENABLE QRESYNC", "0 OK");
	struct str got = imap_fixture_ask(f, f->conn, "1 SELECT Inbox");
	uint64_t validity = number_after(got, "UIDVALIDITY ");
	uint64_t before = number_after(got, "HIGHESTMODSEQ ");
	ck_exchange(f, "2 UNSELECT", "2 OK");
	ck_exchange_on(other, "1 SELECT Inbox", "1 OK");
	ck_exchange_on(other, "2 STORE 2,4:5,8 +FLAGS.SILENT (\\Deleted)", "2 OK");
	ck_exchange_on(other, "3 EXPUNGE", "3 OK");
	uint64_t expunged = modseq_of(f, "INBOX");
	ck_exchange_on(other, "4 UID STORE 6 +FLAGS (\\Answered)", "4 OK");
	ck_exchange_on(other, "5 UID COPY 9 INBOX", "5 OK");
	uint64_t now = modseq_of(f, "INBOX");
	/* RFC 7162 §3.2.5.1: without known UIDs all that were ever given out; §3.2.6: VANISHED
	 * first; FETCH with UID and MODSEQ */
	ck_modseq_exchange(f->conn, "3 SELECT Inbox (QRESYNC (% %))", NUMBERS(validity, before),
	    "!* 1 FETCH\n* OK [HIGHESTMODSEQ %]\n* VANISHED (EARLIER) 2,4:5,8\n"
	    "* 3 FETCH (UID 6 FLAGS (\\Answered) MODSEQ (#))\n* 6 FETCH (UID 10 FLAGS () "
	    "MODSEQ (%))\n"
	    "3 OK [READ-WRITE]",
	    NUMBERS(now, now));
	/* only for the known ones */
	ck_modseq_exchange(f->conn, "4 SELECT Inbox (QRESYNC (% % 1:3,5:6,99))",
	    NUMBERS(validity, before),
	    "!* 6 FETCH\n* OK [CLOSED]\n* VANISHED (EARLIER) 2,5\n* 3 FETCH (UID 6 \n4 OK",
	    NUMBERS(0));
	/* what the client knows already */
	ck_modseq_exchange(f->conn, "5 SELECT Inbox (QRESYNC (% %))", NUMBERS(validity, expunged),
	    "!* VANISHED\n* 3 FETCH (UID 6\n5 OK", NUMBERS(0));
	ck_modseq_exchange(f->conn, "6 SELECT Inbox (QRESYNC (% %))", NUMBERS(validity, now),
	    "!* VANISHED\n!* 3 FETCH\n6 OK", NUMBERS(0));
	/* the same by UID FETCH: §3.2.6; "*" is the last UID that was given out */
	ck_exchange_on(other, "6 STORE * +FLAGS.SILENT (\\Deleted)", "6 OK");
	ck_exchange_on(other, "7 EXPUNGE", "7 OK");
	ck_modseq_exchange(f->conn, "7 UID FETCH 3:* (FLAGS) (CHANGEDSINCE % VANISHED)",
	    NUMBERS(before),
	    "* VANISHED (EARLIER) 4:5,8\n* 3 FETCH (UID 6 FLAGS (\\Answered) MODSEQ (#))\n* "
	    "VANISHED 10\n7 OK",
	    NUMBERS(0));
	ck_modseq_exchange(f->conn, "8 UID FETCH 3:* (FLAGS) (CHANGEDSINCE % VANISHED)",
	    NUMBERS(before), "* VANISHED (EARLIER) 4:5,8,10\n8 OK", NUMBERS(0));
	ck_modseq_exchange(f->conn, "9 UID FETCH 1:3 (FLAGS) (CHANGEDSINCE % VANISHED)",
	    NUMBERS(expunged), "!* VANISHED\n9 OK", NUMBERS(0));
}
END_TEST

/* A modseq the server never gave out: an older copy of the database was put in place. All is told.
 */
START_TEST(a_modseq_from_the_future_is_told_everything)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:3");

	ck_exchange(f, "1 ENABLE QRESYNC", "1 OK");
	ck_exchange(f, "2 SELECT Inbox", "2 OK");
	ck_exchange(f, "3 STORE 2 +FLAGS.SILENT (\\Deleted)", "3 OK");
	struct str got = imap_fixture_ask(f, f->conn, "4 EXPUNGE");
	uint64_t now = number_after(got, "HIGHESTMODSEQ ");
	got = imap_fixture_ask(f, f->conn, "5 SELECT Inbox");
	ck_modseq_exchange(f->conn, "6 SELECT Inbox (QRESYNC (% % 1:7))",
	    NUMBERS(number_after(got, "UIDVALIDITY "), now + 1),
	    "* VANISHED (EARLIER) 2\n* 1 FETCH (UID 1\n* 2 FETCH (UID 3\n6 OK", NUMBERS(0));
}
END_TEST

/* RFC 7162 §3.2.6: behind what the server remembers it names all UIDs that are not there; §3.2.5.2:
 * but none up to the last that still has the number the client knows. */
START_TEST(what_is_forgotten_is_told_by_absence)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:30");
	struct conn *other = imap_fixture_connect(f);
	struct mailbox_info info;

	f->store->tombstone_days = 1;
	ck_exchange(f, "0 ENABLE QRESYNC", "0 OK");
	ck_exchange_on(other, "1 SELECT Inbox", "1 OK");
	/* what the client knows has gone */
	ck_exchange_on(other, "2 UID STORE 3,6 +FLAGS.SILENT (\\Deleted)", "2 OK");
	ck_exchange_on(other, "3 EXPUNGE", "3 OK");
	struct str got = imap_fixture_ask(f, f->conn, "1 SELECT Inbox");
	uint64_t validity = number_after(got, "UIDVALIDITY ");
	uint64_t before = number_after(got, "HIGHESTMODSEQ ");
	ck_exchange(f, "2 UNSELECT", "2 OK");
	/* what it does not */
	ck_exchange_on(other, "4 UID STORE 12,20 +FLAGS.SILENT (\\Deleted)", "4 OK");
	ck_exchange_on(other, "5 EXPUNGE", "5 OK");
	clock_freeze(clock_real_s());
	clock_advance_ms(2 * 86400000ll);
	ck_assert_ok(account_clean(f->account));
	struct uidset late;
	uidset_init(&late, f->arena);
	ck_assert_ok(uidset_add(&late, 25, 25));
	ck_assert_ok(message_remove(f->account, imap_fixture_mailbox(f, "INBOX"), &late));
	clock_thaw();
	ck_assert_ok(mailbox_find(f->account, STR("INBOX"), f->arena, &info));
	ck_assert_uint_gt(info.pruned_modseq, before);

	ck_modseq_exchange(f->conn, "3 SELECT Inbox (QRESYNC (% %))", NUMBERS(validity, before),
	    "* VANISHED (EARLIER) 3,6,12,20,25\n3 OK", NUMBERS(0));
	ck_modseq_exchange(f->conn, "4 SELECT Inbox (QRESYNC (% % 2:13,99))",
	    NUMBERS(validity, before), "* VANISHED (EARLIER) 3,6,12\n4 OK", NUMBERS(0));
	/* number 8 is UID 10 still, number 10 no longer UID 12; UID 11, number 9, is not asked
	 * about */
	ck_modseq_exchange(f->conn, "5 SELECT Inbox (QRESYNC (% % 1:30 (2,8,10,20 2,10,12,22)))",
	    NUMBERS(validity, before), "* VANISHED (EARLIER) 12,20,25\n5 OK", NUMBERS(0));
	/* in ranges that are cut differently */
	ck_modseq_exchange(f->conn, "6 SELECT Inbox (QRESYNC (% % 1:30 (3:9,15 4:5,7:11,17)))",
	    NUMBERS(validity, before), "* VANISHED (EARLIER) 12,20,25\n6 OK", NUMBERS(0));
	ck_modseq_exchange(f->conn, "7 SELECT Inbox (QRESYNC (% % (1 1)))",
	    NUMBERS(validity, before), "* VANISHED (EARLIER) 3,6,12,20,25\n7 OK", NUMBERS(0));
	/* exact again from here on */
	ck_modseq_exchange(f->conn, "8 SELECT Inbox (QRESYNC (% %))",
	    NUMBERS(validity, info.pruned_modseq), "* VANISHED (EARLIER) 25\n8 OK", NUMBERS(0));
	ck_modseq_exchange(f->conn, "9 UID FETCH 1:22 (FLAGS) (CHANGEDSINCE % VANISHED)",
	    NUMBERS(before), "* VANISHED (EARLIER) 3,6,12,20\n9 OK", NUMBERS(0));
}
END_TEST

/* RFC 7162 §3.2, §6: HIGHESTMODSEQ stays back while a VANISHED has to wait. */
START_TEST(a_vanished_that_waits_holds_the_modseq_back)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:5");
	struct conn *other = imap_fixture_connect(f);

	ck_exchange(f, "0 ENABLE QRESYNC", "0 OK");
	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	ck_exchange_on(other, "1 SELECT Inbox", "1 OK");
	ck_exchange_on(other, "2 STORE 5 +FLAGS.SILENT (\\Deleted)", "2 OK");
	ck_exchange(f, "2 NOOP", "* 5 FETCH\n2 OK");
	uint64_t complete = modseq_of(f, "INBOX");
	ck_exchange_on(other, "3 EXPUNGE", "3 OK");
	ck_modseq_exchange(f->conn, "3 STORE 1 +FLAGS.SILENT (\\Seen)", NUMBERS(0),
	    "!* VANISHED\n* 1 FETCH (UID 1 MODSEQ (%))\n* OK [HIGHESTMODSEQ %]\n3 OK",
	    NUMBERS(complete + 2, complete));
	ck_modseq_exchange(f->conn, "4 FETCH 2 BODY[]<0.1>", NUMBERS(0),
	    "!* VANISHED\n* 2 FETCH (\n* OK [HIGHESTMODSEQ %]\n4 OK", NUMBERS(complete));
	ck_modseq_exchange(f->conn, "5 NOOP", NUMBERS(0),
	    "* VANISHED 5\n* OK [HIGHESTMODSEQ %]\n5 OK", NUMBERS(complete + 3));
}
END_TEST

/* RFC 7162 §3.2.10.1: a long list in lines that one can read. */
START_TEST(a_long_list_of_what_vanished_comes_in_several_lines)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");
	CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
	struct uidset odd;

	for (int i = 0; i < 11; i++) /* 1 → 2048 messages */
		ck_exchange(f, i ? "2 COPY 1:* INBOX" : "1 SELECT Inbox", "# OK");
	ck_exchange(f, "3 COPY 1:* INBOX", "3 OK");
	ck_exchange(f, "4 ENABLE QRESYNC", "4 OK");
	struct str got = imap_fixture_ask(f, f->conn, "5 SELECT Inbox");
	uint64_t validity = number_after(got, "UIDVALIDITY ");
	uint64_t before = number_after(got, "HIGHESTMODSEQ ");
	uidset_init(&odd, arena);
	for (uint32_t uid = 1; uid <= 2048; uid += 2)
		ck_assert_ok(uidset_add(&odd, uid, uid));
	ck_assert_ok(message_remove(f->account, imap_fixture_mailbox(f, "INBOX"), &odd));
	ck_exchange(
	    f, "6 NOOP", "* VANISHED 1,3,5,\n* VANISHED 1001,1003,\n* VANISHED 2001,2003,\n6 OK");
	ck_modseq_exchange(f->conn, "7 SELECT Inbox (QRESYNC (% %))", NUMBERS(validity, before),
	    "* VANISHED (EARLIER) 1,3,\n* VANISHED (EARLIER) 1001,\n* VANISHED (EARLIER) 2001,\n7 "
	    "OK",
	    NUMBERS(0));
}
END_TEST

/* RFC 7162 §3.2: SETMETADATA MUST increment the mailbox's modseq; no message is news by that. */
START_TEST(an_annotation_counts_as_a_change_of_the_mailbox)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:2");

	ck_exchange(f, "1 ENABLE QRESYNC", "1 OK");
	ck_exchange(f, "2 SELECT Inbox", "2 OK");
	uint64_t before = modseq_of(f, "INBOX");
	ck_exchange(f, "3 SETMETADATA INBOX (/private/comment \"x\")", "!* 1 FETCH\n3 OK");
	ck_assert_uint_gt(modseq_of(f, "INBOX"), before);
	ck_exchange(f, "4 NOOP", "!* OK\n!* 1 FETCH\n!* 2 EXISTS\n4 OK");
}
END_TEST

/* RFC 7162 §3.2.5, §3.2.6: what is pumped goes on behind a slow reader. */
START_TEST(a_long_resynchronisation_waits_for_a_slow_reader)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");
	CLEANUP(arena_free) struct arena *arena = arena_new(64 << 20);
	char line[200];
	size_t lines = 0, most = 0;

	for (int i = 0; i < 13; i++) /* 1 → 4096 messages */
		ck_exchange(f, i ? "2 COPY 1:* INBOX" : "1 SELECT Inbox", "# OK");
	ck_exchange(f, "3 ENABLE QRESYNC", "3 OK");
	struct str got = imap_fixture_ask(f, f->conn, "4 SELECT Inbox");
	snprintf(line, sizeof(line), "5 SELECT Inbox (QRESYNC (%" PRIu64 " 1))\r\n",
	    number_after(got, "UIDVALIDITY "));
	conn_memory_feed(f->conn, str_of(line));
	for (;;) {
		got = conn_memory_output_some(f->conn, arena, 10000);
		most = conn_out_pending(f->conn) > most ? conn_out_pending(f->conn) : most;
		if (got.n == 0)
			break;
		for (size_t i = 0; i < got.n; i++)
			lines += got.p[i] == '\n';
		conn_memory_run(f->conn);
	}
	ck_assert_uint_ge(lines, 4096 + 10);
	ck_assert_uint_lt(most, 200000);
}
END_TEST

TEST_MAIN("qresync", qresync_has_to_be_enabled_and_well_formed, vanished_stands_for_expunge,
    whoever_comes_back_hears_what_has_changed, a_modseq_from_the_future_is_told_everything,
    what_is_forgotten_is_told_by_absence, a_vanished_that_waits_holds_the_modseq_back,
    a_long_list_of_what_vanished_comes_in_several_lines,
    an_annotation_counts_as_a_change_of_the_mailbox,
    a_long_resynchronisation_waits_for_a_slow_reader)
