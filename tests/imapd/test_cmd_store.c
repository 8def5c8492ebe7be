#include "tests/imapd/imap_fixture.h"

#include <stdio.h>

static const struct dialogue store_dialogue[] = {
    {"1 STORE 1 FLAGS (\\Seen)", "1 BAD"}, /* nothing selected yet */
    {"2 SELECT Inbox", "* 3 EXISTS\n2 OK"},
    {"3 STORE 1 +FLAGS (\\Seen)", "* 1 FETCH (FLAGS (\\Seen \\Recent))\n3 OK"},
    {"4 STORE 1 +FLAGS (\\Seen)", "* 1 FETCH (FLAGS (\\Seen \\Recent))\n4 OK"}, /* the same */
    {"5 STORE 1 -FLAGS (\\Seen \\Draft)", "* 1 FETCH (FLAGS (\\Recent))\n5 OK"},
    {"6 store 1:2 flags \\Answered \\Flagged",
	"* 1 FETCH (FLAGS (\\Answered \\Flagged \\Recent))\n"
	"* 2 FETCH (FLAGS (\\Answered \\Flagged \\Recent))\n6 OK"},
    {"7 STORE 1:* +FLAGS.SILENT (\\Deleted)", "!* 1 FETCH\n!* 3 FETCH\n7 OK"},
    {"8 FETCH 3 FLAGS", "* 3 FETCH (FLAGS (\\Deleted \\Recent))\n8 OK"},
    {"9 UID STORE 3 FLAGS ()", "* 3 FETCH (UID 3 FLAGS (\\Recent))\n9 OK"}, /* §6.4.8 */
    {"10 UID STORE 2,77:99 FLAGS (\\Draft)", "* 2 FETCH (UID 2 FLAGS (\\Draft \\Recent))\n10 OK"},
    {"11 UID STORE 77 FLAGS (\\Draft)", "!* 1 FETCH\n11 OK"}, /* no such UID: ignored */
    {"12 NOOP", "12 OK"}, /* nothing is told twice */
    {"13 STORE 4 FLAGS (\\Seen)", "13 BAD"},
    {"14 STORE 1 FLAGS (\\Recent)", "14 BAD"}, /* §2.3.2: a client can't; flag excludes it */
    {"15 STORE 1 FLAGS (\\Unknown)", "15 BAD"},
    {"16 STORE 1 FLAGS (a b", "16 BAD"},
    {"17 STORE 1 FLAGS (a(b)", "17 BAD"},
    {"18 STORE 1 FLAGS", "18 BAD"},
    {"19 STORE 1 FLAGS.LOUD (\\Seen)", "19 BAD"},
    {"20 STORE 1  FLAGS (\\Seen)", "20 BAD"},
    {"21 STORE 1 ++FLAGS (\\Seen)", "21 BAD"},
    {"22 EXAMINE Inbox", "22 OK [READ-ONLY]"},
    {"23 STORE 1 FLAGS (\\Seen)", "!* 1 FETCH\n23 NO [READ-ONLY]"},
};
DIALOGUE_TEST(store_speaks, store_dialogue, "Inbox:3")

/* FLAGS names a new keyword before the first FETCH that shows it: RFC 3501 §7.2.6. */
static const struct dialogue keyword_dialogue[] = {
    {"1 SELECT Inbox", "1 OK"},
    {"2 STORE 1 +FLAGS ($Forwarded Label)",
	"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded Label)\n"
	"* 1 FETCH (FLAGS ($Forwarded Label \\Recent))\n2 OK"},
    {"3 STORE 2 +FLAGS.SILENT (label Other)", "* FLAGS\n!* 2 FETCH\n3 OK"},
    {"4 FETCH 2 FLAGS", "* 2 FETCH (FLAGS (Label Other \\Recent))\n4 OK"},
    {"5 STORE 2 -FLAGS (LABEL)", "!* FLAGS\n* 2 FETCH (FLAGS (Other \\Recent))\n5 OK"},
    {"6 SEARCH KEYWORD label", "* SEARCH 1\n6 OK"},
};
DIALOGUE_TEST(keywords_are_stored_and_told, keyword_dialogue, "Inbox:2")

START_TEST(keywords_beyond_the_limit_are_refused_and_nothing_is_stored)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:2");
	char line[64];

	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	for (int i = 0; i < KEYWORDS_MAX; i++) {
		snprintf(line, sizeof(line), "s STORE 1 +FLAGS.SILENT (k%d)", i);
		ck_exchange(f, line, "s OK");
	}
	ck_exchange(f, "2 STORE 2 +FLAGS (more \\Seen)", "!* 2 FETCH\n2 NO [LIMIT]");
	ck_exchange(f, "3 STORE 2 +FLAGS (k1)", "* 2 FETCH (FLAGS (k1 \\Recent))\n3 OK");
}
END_TEST

START_TEST(changes_of_others_are_told_even_by_a_silent_store)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:3");
	struct conn *other = imap_fixture_connect(f);

	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	ck_exchange_on(other, "1 SELECT Inbox", "1 OK");
	ck_exchange_on(other, "2 STORE 1:2 +FLAGS (\\Flagged)", "2 OK");
	ck_exchange(f, "2 STORE 1 +FLAGS.SILENT (\\Seen)",
	    "* 1 FETCH (FLAGS (\\Flagged \\Seen \\Recent))\n* 2 FETCH (FLAGS (\\Flagged "
	    "\\Recent))\n2 OK");
	/* the other way round: their new keyword comes with a flag of ours */
	ck_exchange_on(
	    other, "3 STORE 3 +FLAGS (New)", "* 1 FETCH (FLAGS (\\Flagged \\Seen))\n3 OK");
	ck_exchange(
	    f, "3 STORE 3 +FLAGS (\\Seen)", "* 3 FETCH (FLAGS (\\Seen New \\Recent))\n3 OK");
	ck_exchange(f, "4 NOOP", "!* 3 FETCH\n4 OK");
	ck_exchange_on(other, "4 NOOP", "* 3 FETCH (FLAGS (\\Seen New))\n4 OK");
}
END_TEST

START_TEST(flags_of_expunged_messages_can_not_be_stored)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:3");
	struct conn *other = imap_fixture_connect(f);

	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	ck_exchange_on(other, "1 SELECT Inbox", "1 OK");
	ck_exchange_on(other, "2 STORE 2 +FLAGS.SILENT (\\Deleted)", "2 OK");
	ck_exchange_on(other, "3 EXPUNGE", "* 2 EXPUNGE\n3 OK");
	/* RFC 2180 §4.2.3, RFC 5530; no EXPUNGE during STORE: RFC 3501 §7.4.1 */
	ck_exchange(f, "2 STORE 1:3 +FLAGS (\\Seen)",
	    "!* 2 EXPUNGE\n!* 2 FETCH\n* 1 FETCH (FLAGS (\\Seen \\Recent))\n* 3 FETCH (FLAGS "
	    "(\\Seen \\Recent))\n2 "
	    "NO [EXPUNGEISSUED]");
	ck_exchange(f, "3 STORE 2 +FLAGS.SILENT (\\Seen)", "3 OK"); /* RFC 2180 §4.2.1 */
	ck_exchange(f, "4 UID STORE 2 +FLAGS (\\Seen)", "* 2 EXPUNGE\n4 OK");
}
END_TEST

START_TEST(the_answer_to_a_store_of_many_waits_for_a_slow_reader)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	CLEANUP(arena_free) struct arena *arena = arena_new(64 << 20);
	const char *boxes[] = {"Many:1", NULL};
	size_t lines = 0, most = 0;

	imap_fixture_make(f, boxes[0]);
	ck_exchange(f, "1 SELECT Many", "1 OK");
	for (int i = 0; i < 13; i++) /* 1 → 8192 messages */
		ck_exchange(f, "2 COPY 1:* Many", "2 OK [COPYUID");
	conn_memory_feed(f->conn, STR("3 STORE 1:* FLAGS (\\Seen \\Answered \\Flagged)\r\n"));
	for (;;) {
		struct str got = conn_memory_output_some(f->conn, arena, 10000);
		most = conn_out_pending(f->conn) > most ? conn_out_pending(f->conn) : most;
		if (got.n == 0)
			break;
		for (size_t i = 0; i < got.n; i++)
			lines += got.p[i] == '\n';
		conn_memory_run(f->conn);
	}
	ck_assert_uint_ge(lines, 8193);
	ck_assert_uint_lt(most, CONN_OUT_HIGH + 70000);
}
END_TEST

TEST_MAIN("cmd_store", store_speaks, keywords_are_stored_and_told,
    keywords_beyond_the_limit_are_refused_and_nothing_is_stored,
    changes_of_others_are_told_even_by_a_silent_store, flags_of_expunged_messages_can_not_be_stored,
    the_answer_to_a_store_of_many_waits_for_a_slow_reader)
