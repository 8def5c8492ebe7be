/* APPEND, IDLE, and what sessions hear of each other. */
#include "tests/imapd/imap_fixture.h"

#include <stdio.h>

#define MESSAGE "Subject: x\r\n\r\nhello\r\n" /* 21 octets */

static const struct dialogue append_dialogue[] = {
    {"1 APPEND INBOX {21}", "+ "},
    {"Subject: x\n\nhello\n", "1 OK [APPENDUID # 1]"}, /* RFC 4315 §3 */
    {"2 SELECT INBOX", "* 1 EXISTS\n2 OK"},
    {"3 APPEND INBOX (\\Seen $Label1) \"17-Jul-1996 02:44:25 -0700\" {21+}\n"
     "Subject: x\n\nhello\n",
	"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Label1)\n* 2 EXISTS\n"
	"* 2 RECENT\n3 OK [APPENDUID # 2]"},
    {"4 APPEND nowhere {21}", "4 NO [TRYCREATE]"}, /* RFC 3501 §6.3.11 */
    {"5 APPEND nowhere {21+}\nSubject: x\n\nhello\n", "5 NO [TRYCREATE]"},
    {"6 NOOP", "6 OK"},
    {"7 APPEND {5}", "+ "},
    {"INBOX () {21}", "+ "},
    {"Subject: x\n\nhello\n", "7 OK [APPENDUID # 3]"},
    {"8 APPEND {5+}\nINBOX {21+}\nSubject: x\n\nhello\n", "8 OK [APPENDUID # 4]"},
    {"9 APPEND INBOX", "9 BAD"},
    {"10 APPEND INBOX x", "10 BAD Expected the message as a literal"},
    {"11 APPEND INBOX (\\Recent) {21}", "11 BAD"}, /* before its message is sent */
    {"12 APPEND INBOX (\\Seen) \"yesterday\" {21+}\nSubject: x\n\nhello\n", "12 BAD"},
    {"13 APPEND INBOX {0}", "13 NO [CANNOT]"},
    {"14 APPEND INBOX {21+}\nSubject: x\n\nhello\n x", "14 BAD"},
    {"15 APPEND INBOX {99999999999}", "15 NO [TOOBIG]"},
    {"16 NOOP", "16 OK"},
};
DIALOGUE_TEST(append_speaks, append_dialogue, "Inbox:0")

START_TEST(append_over_quota_is_refused_before_it_is_sent)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");

	imap_fixture_set_quota(f, 1000, 0);
	ck_exchange(f, "1 APPEND INBOX {1001}", "1 NO [OVERQUOTA]");
	ck_exchange(f, "2 APPEND INBOX {21+}\nSubject: x\n\nhello\n", "2 OK");
}
END_TEST

START_TEST(an_append_cut_off_leaves_nothing)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");

	ck_exchange(f, "1 APPEND INBOX {100000}", "+ ");
	ck_exchange(f, "Subject: x", NULL);
	conn_memory_eof(f->conn);
	ck_assert(conn_memory_closed(f->conn));
	ck_assert_uint_eq(imap_fixture_count(f, "INBOX"), 0);
}
END_TEST

START_TEST(a_large_append_streams_through)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	static char block[100000];

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = i % 80 == 78 ? '\r' : i % 80 == 79 ? '\n' : 'x';
	ck_exchange(f, "1 APPEND INBOX {5000014}", "+ ");
	conn_memory_feed(f->conn, STR("Subject: y\r\n\r\n"));
	for (unsigned i = 0; i < 50; i++)
		conn_memory_feed(f->conn, str_make(block, sizeof(block)));
	ck_exchange(f, "", "1 OK [APPENDUID");
	ck_exchange(f, "2 STATUS INBOX (SIZE)", "* STATUS INBOX (SIZE 5000014)\n2 OK");
}
END_TEST

START_TEST(idle_pushes_new_messages)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");

	ck_exchange(f, "1 SELECT INBOX", "1 OK");
	ck_exchange(f, "2 IDLE", "+ idling"); /* RFC 2177 §3 */
	imap_fixture_deliver(f, "INBOX", STR(MESSAGE));
	ck_exchange(f, NULL, "* 2 EXISTS\n* 2 RECENT");
	ck_exchange(f, NULL, NULL);
	imap_fixture_deliver(f, "Sent", STR(MESSAGE));
	ck_exchange(f, NULL, NULL);
	ck_exchange(f, "done", "2 OK IDLE completed");
	imap_fixture_deliver(f, "INBOX", STR(MESSAGE));
	ck_exchange(f, NULL, NULL); /* no watch is left */
	ck_exchange(f, "3 IDLE", "+ idling\n* 3 EXISTS\n* 3 RECENT");
	ck_exchange(f, "4 NOOP", "3 BAD"); /* and that was no command */
	ck_exchange(f, "5 NOOP", "5 OK");
	ck_exchange(f, "6 IDLE\nDONE\n7 NOOP", "+ idling\n6 OK\n7 OK");
	ck_exchange(f, "8 IDLE x", "8 BAD");
	ck_exchange(f, "9 UNSELECT", "9 OK");
	ck_exchange(f, "10 IDLE", "+ idling");
	ck_exchange(f, "DONE", "10 OK");
}
END_TEST

/* Thunderbird overlooks an EXISTS in the answer to a STORE until it is repeated; but each one that
 * it hears while idling makes it end IDLE, look for new messages and idle again. */
START_TEST(idle_repeats_once_what_was_told_aside)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");

	ck_exchange(f, "1 SELECT INBOX", "1 OK");
	imap_fixture_deliver(f, "INBOX", STR(MESSAGE));
	ck_exchange(f, "2 UID STORE 1 +FLAGS.SILENT (NonJunk)",
	    "* FLAGS\n* OK [PERMANENTFLAGS\n* 2 EXISTS\n* # RECENT\n2 OK");
	ck_exchange(f, "3 IDLE", "+ idling\n* 2 EXISTS");
	ck_exchange(f, "DONE", "3 OK");
	ck_exchange(f, "4 NOOP", "4 OK");
	ck_exchange(f, "5 IDLE", "+ idling");
	imap_fixture_deliver(f, "INBOX", STR(MESSAGE));
	ck_exchange(f, NULL, "* 3 EXISTS\n* # RECENT");
	ck_exchange(f, "DONE", "5 OK");
	ck_exchange(f, "6 IDLE", "+ idling");
	ck_exchange(f, "DONE", "6 OK");
	imap_fixture_deliver(f, "INBOX", STR(MESSAGE));
	ck_exchange(f, "7 NOOP", "* 4 EXISTS\n* # RECENT\n7 OK");
	ck_exchange(f, "8 IDLE", "+ idling");
	ck_exchange(f, "DONE", "8 OK");
	imap_fixture_deliver(f, "INBOX", STR(MESSAGE));
	ck_exchange(f, "9 STATUS nowhere (MESSAGES)", "* 5 EXISTS\n* # RECENT\n9 NO");
	ck_exchange(f, "10 SELECT INBOX", "* 5 EXISTS\n10 OK"); /* heard now */
	ck_exchange(f, "11 IDLE", "+ idling");
}
END_TEST

/* RFC 2177, RFC 3501 §7.4.1: EXPUNGE and FETCH may be told while idling. */
START_TEST(idle_tells_expunges_and_flags_of_others)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:3");
	CLEANUP(arena_free) struct arena *arena = arena_new(65536);
	int64_t inbox = imap_fixture_mailbox(f, "INBOX");
	struct uidset set;
	struct str label = STR("$Label1");
	const struct flag_list flags = {FLAG_SEEN, &label, 1};

	ck_exchange(f, "1 SELECT INBOX", "1 OK");
	ck_exchange(f, "2 IDLE", "+ idling");
	uidset_init(&set, arena);
	ck_assert_ok(uidset_add(&set, 2, 2));
	ck_assert_ok(
	    message_store_flags(f->account, inbox, &set, FLAGS_ADD, &flags, MODSEQ_ANY, NULL));
	ck_exchange(f, NULL,
	    "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Label1)\n"
	    "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Label1 \\*)]\n"
	    "* 2 FETCH (FLAGS (\\Seen $Label1 \\Recent))");
	uidset_init(&set, arena);
	ck_assert_ok(uidset_add(&set, 1, 2));
	ck_assert_ok(message_remove(f->account, inbox, &set));
	ck_exchange(f, NULL, "* 1 EXPUNGE\n* 1 EXPUNGE");
	ck_exchange(f, "DONE", "2 OK");
}
END_TEST

START_TEST(a_mailbox_full_of_keywords_offers_no_more)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");
	char line[100];

	ck_exchange(f, "1 SELECT INBOX", "1 OK");
	for (unsigned i = 0; i < KEYWORDS_MAX; i++) {
		snprintf(line, sizeof(line), "2 STORE 1 +FLAGS.SILENT ($k%u)", i);
		ck_exchange(f, line, "* FLAGS (\n* OK [PERMANENTFLAGS (\n2 OK");
	}
	ck_exchange(f, "3 STORE 1 +FLAGS ($one)", "3 NO [LIMIT]");
	struct str got = imap_fixture_ask(f, f->conn, "4 SELECT INBOX");
	ck_assert(str_find_nocase(got, STR("$k57)]")) != STR_NONE);
	ck_assert(str_find_nocase(got, STR("\\*")) == STR_NONE);
}
END_TEST

START_TEST(a_mailbox_deleted_while_idling_is_told)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("work:1");

	ck_exchange(f, "1 SELECT work", "1 OK");
	ck_exchange(f, "2 IDLE", "+ idling");
	ck_assert_ok(mailbox_delete(f->account, STR("work")));
	ck_exchange(f, NULL, "* NO [NONEXISTENT]");
	ck_exchange(f, "DONE", "2 OK");
	ck_exchange(f, "3 CHECK", "3 NO [NONEXISTENT]");
	ck_exchange(f, "4 SELECT INBOX", "4 OK");
}
END_TEST

START_TEST(a_renamed_mailbox_stays_selected)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("work:1");

	ck_exchange(f, "1 SELECT work", "* 1 EXISTS\n1 OK");
	ck_assert_ok(mailbox_rename(f->account, STR("work"), STR("play")));
	imap_fixture_deliver(f, "play", STR(MESSAGE));
	ck_exchange(f, "2 NOOP", "* 2 EXISTS\n2 OK");
}
END_TEST

START_TEST(sessions_hear_of_each_other_at_noop)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:2");
	struct conn *other = imap_fixture_connect(f);

	ck_exchange(f, "1 SELECT INBOX", "* 2 EXISTS\n* 2 RECENT\n1 OK");
	ck_exchange_on(other, "1 SELECT INBOX", "* 2 EXISTS\n* 0 RECENT\n1 OK");
	ck_exchange_on(
	    other, "2 APPEND INBOX {21+}\nSubject: x\n\nhello\n", "* 3 EXISTS\n* 1 RECENT\n2 OK");
	ck_exchange(f, "2 NOOP", "* 3 EXISTS\n* 2 RECENT\n2 OK");
	/* RFC 3501 §6.3.10: as this session sees it, while it has the mailbox selected */
	ck_exchange(f, "s STATUS INBOX (RECENT)", "* STATUS INBOX (RECENT 2)\ns OK");
	ck_exchange_on(other, "s STATUS INBOX (RECENT)", "* STATUS INBOX (RECENT 1)\ns OK");
	ck_exchange(f, "3 NOOP", "3 OK");
}
END_TEST

/* RFC 3501 §7.4.1: no EXPUNGE while numbers are spoken of; UID commands may be told. */
START_TEST(expunges_wait_while_sequence_numbers_are_in_use)
{
	static const char *const numbered[] = {"3 FETCH 3 (UID)", "3 STORE 3 +FLAGS (\\Seen)",
	    "3 SEARCH ALL", "3 SEARCH UID 3", "3 COPY 2 Sent"};
	static const char *const by_uid[] = {
	    "4 UID FETCH 3 (UID)", "4 UID STORE 3 -FLAGS (\\Seen)", "4 UID SEARCH ALL", "4 NOOP"};

	for (size_t i = 0; i < ARRAY_LEN(by_uid); i++) {
		CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:3");
		CLEANUP(arena_free) struct arena *arena = arena_new(65536);
		struct uidset set;

		ck_exchange(f, "1 SELECT INBOX", "1 OK");
		uidset_init(&set, arena);
		ck_assert_ok(uidset_add(&set, 1, 1));
		ck_assert_ok(message_remove(f->account, imap_fixture_mailbox(f, "INBOX"), &set));
		imap_fixture_deliver(f, "INBOX", STR(MESSAGE));
		for (size_t k = 0; k < ARRAY_LEN(numbered); k++)
			ck_exchange(f, numbered[k],
			    k == 0 ? "* 3 FETCH (UID 3)\n* 4 EXISTS\n* 4 RECENT\n3 OK"
				   : "!* 1 EXPUNGE\n!* 4 EXISTS\n3 OK");
		ck_exchange(f, by_uid[i], "* 1 EXPUNGE\n4 OK");
		ck_exchange(f, "5 FETCH 3 (UID)", "* 3 FETCH (UID 4)\n5 OK");
	}
}
END_TEST

/* More changes than one output buffer holds: they are told as the peer reads. */
START_TEST(a_flood_of_news_is_told_piece_by_piece)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");
	CLEANUP(arena_free) struct arena *arena = arena_new(1024 * 1024);
	int64_t inbox = imap_fixture_mailbox(f, "INBOX");
	struct uidset all;
	struct copied copied;
	const struct flag_list flags = {FLAG_SEEN | FLAG_ANSWERED | FLAG_FLAGGED, NULL, 0};
	size_t lines = 0;

	uidset_init(&all, arena);
	ck_assert_ok(uidset_add(&all, 1, UINT32_MAX));
	for (unsigned i = 0; i < 13; i++) /* 8192 messages */
		ck_assert_ok(message_copy(f->account, inbox, &all, inbox, arena, &copied));
	ck_exchange(f, "1 SELECT INBOX", "* 8192 EXISTS\n1 OK");
	ck_assert_ok(
	    message_store_flags(f->account, inbox, &all, FLAGS_ADD, &flags, MODSEQ_ANY, NULL));
	conn_memory_feed(f->conn, STR("2 NOOP\r\n3 NOOP\r\n"));
	struct str got;
	do {
		got = conn_memory_output_some(f->conn, f->arena, 50000);
		for (size_t i = 0; i < got.n; i++)
			lines += got.p[i] == '\n';
		conn_memory_run(f->conn);
	} while (got.n > 0);
	ck_assert_uint_eq(lines, 8192 + 2);
	ck_assert_ok(message_remove(f->account, inbox, &all));
	got = imap_fixture_ask(f, f->conn, "4 NOOP");
	lines = 0;
	for (size_t i = 0; i < got.n; i++)
		lines += got.p[i] == '\n';
	ck_assert_uint_eq(lines, 8192 + 1);
}
END_TEST

START_TEST(a_stopping_daemon_says_goodbye)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");

	f->session->stopping = true; /* what CONN_EV_STOP does */
	ck_exchange(f, "1 NOOP", "* BYE [UNAVAILABLE]\n<closed>");
}
END_TEST

START_TEST(a_bare_line_feed_in_an_appended_message_becomes_a_line_end)
{
	static const char command[] =
	    "1 APPEND INBOX {25+}\r\nSubject: x\n\nhello\n.\r\na\rb\n\r\n";

	for (size_t piece = 1; piece <= sizeof(command); piece += sizeof(command) - 1) {
		CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("INBOX:0");

		for (size_t at = 0; at < sizeof(command) - 1; at += piece)
			conn_memory_feed(
			    f->conn, str_sub(str_make(command, sizeof(command) - 1), at, piece));
		ck_exchange(f, "2 NOOP", "1 OK [APPENDUID # 1]\n2 OK");
		ck_exchange(f, "3 SELECT INBOX", "3 OK");
		struct str got =
		    imap_fixture_ask(f, f->conn, "4 FETCH 1 (RFC822.SIZE BODY.PEEK[])");
		ck_assert_str_is(got,
		    "* 1 FETCH (RFC822.SIZE 29 BODY[] {29}\r\nSubject: x\r\n\r\nhello\r\n.\r\n"
		    "a\rb\r\n)\r\n4 OK FETCH completed\r\n");
	}
}
END_TEST

TEST_MAIN("imap_news", a_bare_line_feed_in_an_appended_message_becomes_a_line_end, append_speaks,
    append_over_quota_is_refused_before_it_is_sent, an_append_cut_off_leaves_nothing,
    a_large_append_streams_through, idle_pushes_new_messages, idle_repeats_once_what_was_told_aside,
    idle_tells_expunges_and_flags_of_others, a_mailbox_full_of_keywords_offers_no_more,
    a_mailbox_deleted_while_idling_is_told, a_renamed_mailbox_stays_selected,
    sessions_hear_of_each_other_at_noop, expunges_wait_while_sequence_numbers_are_in_use,
    a_flood_of_news_is_told_piece_by_piece, a_stopping_daemon_says_goodbye)
