/* A search of many mailboxes (RFC 7377), named searches (RFC 5466), the notes of a long command
 * (RFC 9585). */
#include "common/base/clock.h"
#include "imapd/mailbox_filter.h"
#include "imapd/progress.h"
#include "tests/imapd/imap_fixture.h"

/* RFC 7377 §2 */
static const struct dialogue esearch_rows[] = {
    {"0 ESEARCH ALL", "0 BAD"}, /* §2.2: the selected mailbox, and there is none */
    {"1 ESEARCH IN (selected) ALL", "1 BAD"},
    {"2 ESEARCH IN (mailboxes INBOX selected) ALL", "2 BAD"},
    /* in the authenticated state */
    {"a ESEARCH IN (mailboxes INBOX) ALL",
	"* ESEARCH (TAG \"a\" MAILBOX INBOX UIDVALIDITY #) UID ALL 1:3\na OK"},
    /* one response for each, none where nothing was found */
    {"b ESEARCH IN (personal) SUBJECT \"message 3\"",
	"!* ESEARCH (TAG \"b\" MAILBOX Empty\n"
	"* ESEARCH (TAG \"b\" MAILBOX INBOX UIDVALIDITY #) UID ALL 3\n"
	"* ESEARCH (TAG \"b\" MAILBOX Work/A UIDVALIDITY #) UID ALL 3\n"
	"* ESEARCH (TAG \"b\" MAILBOX Work/A/Deep UIDVALIDITY #) UID ALL 3\nb OK"},
    {"c ESEARCH IN (mailboxes Empty) RETURN (COUNT MIN) ALL", "!* ESEARCH\nc OK"},
    {"d ESEARCH IN (subtree Work) RETURN (COUNT) ALL",
	"!* ESEARCH (TAG \"d\" MAILBOX INBOX\n"
	"* ESEARCH (TAG \"d\" MAILBOX Work UIDVALIDITY #) UID COUNT 1\n"
	"* ESEARCH (TAG \"d\" MAILBOX Work/A UIDVALIDITY #) UID COUNT 4\n"
	"* ESEARCH (TAG \"d\" MAILBOX Work/A/Deep UIDVALIDITY #) UID COUNT 5\n"
	"* ESEARCH (TAG \"d\" MAILBOX Work/B UIDVALIDITY #) UID COUNT 2\nd OK"},
    {"e ESEARCH IN (subtree-one Work) RETURN (MIN MAX) ALL",
	"!* ESEARCH (TAG \"e\" MAILBOX Work/A/Deep\n"
	"* ESEARCH (TAG \"e\" MAILBOX Work UIDVALIDITY #) UID MIN 1 MAX 1\n"
	"* ESEARCH (TAG \"e\" MAILBOX Work/A UIDVALIDITY #) UID MIN 1 MAX 4\n"
	"* ESEARCH (TAG \"e\" MAILBOX Work/B UIDVALIDITY #) UID MIN 1 MAX 2\ne OK"},
    {"f ESEARCH IN (inboxes) RETURN () 1:100",
	"!* ESEARCH (TAG \"f\" MAILBOX Work\n* ESEARCH (TAG \"f\" MAILBOX INBOX\nf OK"},
    {"g SUBSCRIBE Work/B", "g OK"},
    {"h ESEARCH IN (subscribed) ALL",
	"!* ESEARCH (TAG \"h\" MAILBOX Work \n"
	"* ESEARCH (TAG \"h\" MAILBOX INBOX UIDVALIDITY #) UID ALL 1:3\n"
	"* ESEARCH (TAG \"h\" MAILBOX Work/B UIDVALIDITY #) UID ALL 1:2\nh OK"},
    /* what is meant twice is searched once; what is not there is passed over */
    {"i ESEARCH IN (mailboxes (Work Work Nowhere) subtree-one Work) RETURN (COUNT) 1:1",
	"* ESEARCH (TAG \"i\" MAILBOX Work UIDVALIDITY #) UID COUNT 1\n"
	"* ESEARCH (TAG \"i\" MAILBOX Work/A UIDVALIDITY #) UID COUNT 1\n"
	"* ESEARCH (TAG \"i\" MAILBOX Work/B UIDVALIDITY #) UID COUNT 1\ni OK"},
    {"i2 ESEARCH IN (mailboxes (Work/B INBOX Nowhere) subtree (Work/B Nowhere Work/A)) RETURN "
     "(COUNT) 1:1",
	"!* ESEARCH (TAG \"i2\" MAILBOX Work U\n"
	"* ESEARCH (TAG \"i2\" MAILBOX INBOX UIDVALIDITY #) UID COUNT 1\n"
	"* ESEARCH (TAG \"i2\" MAILBOX Work/A UIDVALIDITY #) UID COUNT 1\n"
	"* ESEARCH (TAG \"i2\" MAILBOX Work/A/Deep UIDVALIDITY #) UID COUNT 1\n"
	"* ESEARCH (TAG \"i2\" MAILBOX Work/B UIDVALIDITY #) UID COUNT 1\ni2 OK"},
    {"j ESEARCH IN (mailboxes Nowhere) ALL", "!* ESEARCH\nj OK"},
    /* §2: numbers beyond the mailbox are no mistake */
    {"k ESEARCH IN (mailboxes INBOX) 3:100",
	"* ESEARCH (TAG \"k\" MAILBOX INBOX UIDVALIDITY #) UID ALL 3\nk OK"},
    {"k ESEARCH IN (mailboxes INBOX) 4:100", "!* ESEARCH\nk OK"},
    {"l ESEARCH IN (mailboxes INBOX) RETURN (PARTIAL -1:-2) ALL",
	"* ESEARCH (TAG \"l\" MAILBOX INBOX UIDVALIDITY #) UID PARTIAL (-1:-2 2:3)\nl OK"},
    /* §2.2: SAVE is for the selected mailbox alone */
    {"m ESEARCH IN (mailboxes INBOX) RETURN (SAVE) ALL", "m BAD"},
    {"n ESEARCH IN () ALL", "n BAD"},
    {"o ESEARCH IN (selected-delayed) ALL", "o BAD"},
    {"p ESEARCH IN (mailboxes) ALL", "p BAD"},
    {"q ESEARCH IN (mailboxes INBOX (option)) ALL", "q BAD"},
    {"r ESEARCH IN (bogus) ALL", "r BAD"},
    {"s ESEARCH IN (personal) BOGUS", "s BAD"},
    {"t ESEARCH IN (mailboxes Nowhere) BOGUS", "t BAD"},
    {"u ESEARCH IN (personal) CHARSET X-UNHEARD-OF TEXT x", "u NO [BADCHARSET"},
    {"v SELECT Work/A", "v OK"},
    {"w STORE 2,4 +FLAGS.SILENT (\\Flagged special)", "w OK"},
    {"x ESEARCH FLAGGED", "* ESEARCH (TAG \"x\" MAILBOX Work/A UIDVALIDITY #) UID ALL 2,4\nx OK"},
    {"y ESEARCH RETURN (SAVE) FLAGGED", "!* ESEARCH\ny OK"},
    {"z SEARCH $", "* SEARCH 2 4\nz OK"},
    /* "$" is of the selected mailbox; a keyword of each mailbox its own */
    {"A ESEARCH IN (selected mailboxes Work/B) $",
	"!* ESEARCH (TAG \"A\" MAILBOX Work/B\n"
	"* ESEARCH (TAG \"A\" MAILBOX Work/A UIDVALIDITY #) UID ALL 2,4\nA OK"},
    {"B ESEARCH IN (personal) KEYWORD special",
	"!* ESEARCH (TAG \"B\" MAILBOX I\n"
	"* ESEARCH (TAG \"B\" MAILBOX Work/A UIDVALIDITY #) UID ALL 2,4\nB OK"},
    {"C UID ESEARCH RETURN (COUNT) SUBJECT message",
	"* ESEARCH (TAG \"C\" MAILBOX Work/A UIDVALIDITY #) UID COUNT 4\nC OK"},
    {"D ESEARCH IN (personal) RETURN (RELEVANCY ALL) FUZZY SUBJECT \"message 5\"",
	"* ESEARCH (TAG \"D\" MAILBOX Work/A/Deep UIDVALIDITY #) UID ALL 5 RELEVANCY (100)\nD OK"},
    {"E ESEARCH IN (mailboxes Work/B) MODSEQ 1",
	"* ESEARCH (TAG \"E\" MAILBOX Work/B UIDVALIDITY #) UID ALL 1:2 MODSEQ #\nE OK"},
    /* the session stays where it is */
    {"F SEARCH RETURN (COUNT) ALL", "* ESEARCH (TAG \"F\") COUNT 4\nF OK"},
};
DIALOGUE_TEST(many_mailboxes_are_searched, esearch_rows, "Inbox:3", "Work:1", "Work/A:4",
    "Work/A/Deep:5", "Work/B:2", "Empty:0")

/* RFC 9394 §3.3 */
static const struct dialogue fetch_partial_rows[] = {
    {"1 SELECT Box", "* 9 EXISTS\n1 OK"},
    {"2 STORE 3,5 +FLAGS.SILENT (\\Deleted)", "2 OK"},
    {"3 EXPUNGE", "3 OK"}, /* UIDs 1 2 4 6 7 8 9 */
    {"a UID FETCH 2:8 (UID FLAGS) (PARTIAL -1:-3)",
	"!* 3 FETCH\n* 4 FETCH (UID 6\n* 5 FETCH (UID 7\n* 6 FETCH (UID 8\na OK"},
    {"b UID FETCH 1:* FLAGS (PARTIAL 3:2)", "!* 4 \n* 2 FETCH\n* 3 FETCH\nb OK"},
    {"c UID FETCH 6:* FLAGS (PARTIAL 4:9)", "!* 6 \n* 7 FETCH\nc OK"},
    {"d UID FETCH 6:* FLAGS (PARTIAL 5:9)", "!* \nd OK"},
    {"e UID FETCH 1:* FLAGS (PARTIAL 1:1 CHANGEDSINCE 1)",
	"* 1 FETCH (UID 1 FLAGS (\\Recent) MODSEQ (#))\ne OK"},
    {"f UID FETCH 1:* FLAGS (CHANGEDSINCE 9999999 PARTIAL 1:1)", "!* 1 FETCH\nf OK"},
    {"g FETCH 1:* FLAGS (PARTIAL 1:1)", "g BAD"},
    {"h UID FETCH 1:* FLAGS (PARTIAL 1:1 PARTIAL 2:2)", "h BAD"},
    {"i UID FETCH 1:* FLAGS (PARTIAL 0:1)", "i BAD"},
    {"j UID FETCH 1:* FLAGS (PARTIAL)", "j BAD"},
};
DIALOGUE_TEST(places_of_a_set_are_fetched, fetch_partial_rows, "Box:9")

/* RFC 5466 §3.1, §3.2 */
static const struct dialogue filter_rows[] = {
    {"1 SELECT Box", "* 9 EXISTS\n1 OK"},
    {"2 SETMETADATA \"\" (/private/filters/values/few \"OR 2 SUBJECT \\\"message 7\\\"\")", "2 OK"},
    {"3 SETMETADATA \"\" (/private/filters/values/fewer \"FILTER few UID 1:5\")", "3 OK"},
    {"4 SETMETADATA \"\" (/private/filters/values/three \"FILTER fewer\")", "4 OK"},
    {"5 SETMETADATA \"\" (/private/filters/values/half \"OR SMALLER\")", "5 NO"},
    {"6 SETMETADATA \"\" (/private/filters/values/loop \"OR 1 FILTER loop\")", "6 OK"},
    {"7 SETMETADATA \"\" (/private/filters/values/umlaut {15+}\nSUBJECT \"\xc3\xbc"
     "ber\")",
	"7 OK"},
    {"a SEARCH FILTER few", "* SEARCH 2 7\na OK"},
    {"b SEARCH 1:4 FILTER FEW SEEN", "!* SEARCH \n* SEARCH\nb OK"},
    {"c SEARCH NOT FILTER few", "* SEARCH 1 3 4 5 6 8 9\nc OK"},
    {"d SEARCH FILTER fewer", "!* SEARCH 2 7\n* SEARCH 2\nd OK"},
    {"e SEARCH FILTER three", "!* SEARCH 2 7\n* SEARCH 2\ne OK"},
    {"f UID SORT (REVERSE SUBJECT) UTF-8 FILTER few", "* SORT 7 2\nf OK"},
    {"g SEARCH CHARSET UTF-8 FILTER few", "* SEARCH 2 7\ng OK"},
    {"h SEARCH CHARSET US-ASCII FILTER few", "* SEARCH 2 7\nh OK"},
    {"i SEARCH CHARSET ISO-8859-1 FILTER few", "i BAD [BADCHARSET"},
    {"j SEARCH FILTER nobody", "j NO [UNDEFINED-FILTER nobody]"},
    {"k SEARCH ALL FILTER half", "k NO [UNDEFINED-FILTER half]"},
    {"l SEARCH FILTER loop", "l NO [UNDEFINED-FILTER loop]"},
    {"m SEARCH FILTER", "m BAD"},
    {"n SEARCH FILTER umlaut", "!* SEARCH \n* SEARCH\nn OK"},
    {"o ESEARCH IN (personal) FILTER few",
	"* ESEARCH (TAG \"o\" MAILBOX Box UIDVALIDITY #) UID ALL 2,7\no OK"},
    {"p SETMETADATA \"\" (/private/filters/values/few NIL)", "p OK"},
    {"q SEARCH FILTER few", "q NO [UNDEFINED-FILTER few]"},
};
DIALOGUE_TEST(named_searches_are_keys, filter_rows, "Box:9")

/* RFC 7377 §2.2: "r" for what is named, "l" too for what is not; others are passed over. \Seen is
 * each user's own. */
START_TEST(mailboxes_of_others_are_searched_as_far_as_may_be)
{
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f = imap_fixture_open("Work:3", "Work/A:2", "Work/B:2", "Work/C:1");
	struct conn *bob = imap_fixture_connect_as(f, "bob@example.test");

	ck_exchange(f, "1 SETACL Work bob@example.test lrs", "1 OK");
	ck_exchange(f, "2 SETACL Work/A bob@example.test r", "2 OK");
	ck_exchange(f, "3 SETACL Work/B bob@example.test l", "3 OK");
	ck_exchange_on(bob, "a ESEARCH IN (subtree \"Other Users/ann@example.test\") UNSEEN",
	    "!* ESEARCH (TAG \"a\" MAILBOX \"Other Users/ann@example.test/Work/\n"
	    "* ESEARCH (TAG \"a\" MAILBOX \"Other Users/ann@example.test/Work\" UIDVALIDITY #) UID "
	    "ALL 1:3\na OK");
	ck_exchange_on(bob,
	    "b ESEARCH IN (mailboxes (\"Other Users/ann@example.test/Work/A\" "
	    "\"Other Users/ann@example.test/Work/B\" \"Other Users/ann@example.test/Work/C\")) "
	    "ALL",
	    "!* ESEARCH (TAG \"b\" MAILBOX \"Other Users/ann@example.test/Work/B\n"
	    "!* ESEARCH (TAG \"b\" MAILBOX \"Other Users/ann@example.test/Work/C\n"
	    "* ESEARCH (TAG \"b\" MAILBOX \"Other Users/ann@example.test/Work/A\" UIDVALIDITY #) "
	    "UID ALL 1:2\nb OK");
	ck_exchange_on(bob, "c ESEARCH IN (personal) ALL", "!* ESEARCH\nc OK");
	ck_exchange_on(bob, "d SELECT \"Other Users/ann@example.test/Work\"", "d OK");
	ck_exchange_on(bob, "e STORE 2 +FLAGS.SILENT (\\Seen)", "e OK");
	ck_exchange_on(bob, "f ESEARCH IN (selected) SEEN",
	    "* ESEARCH (TAG \"f\" MAILBOX \"Other Users/ann@example.test/Work\" UIDVALIDITY #) UID "
	    "ALL 2\nf OK");
	ck_exchange_on(bob, "g UNSELECT", "g OK");
	ck_exchange_on(bob, "h ESEARCH IN (mailboxes \"Other Users/ann@example.test/Work\") SEEN",
	    "* ESEARCH (TAG \"h\" MAILBOX \"Other Users/ann@example.test/Work\" UIDVALIDITY #) UID "
	    "ALL 2\nh OK");
	ck_exchange(f, "4 ESEARCH IN (personal) SEEN", "!* ESEARCH\n4 OK");
}
END_TEST

START_TEST(sources_beyond_their_limits_are_refused)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:1");
	CLEANUP(sbuf_done) struct sbuf send = SBUF_INIT(100000);

	sbuf_puts(&send, "1 ESEARCH IN (inboxes");
	for (int i = 0; i < 100; i++)
		sbuf_puts(&send, " inboxes");
	sbuf_puts(&send, ") ALL");
	ck_exchange(f, sbuf_cstr(&send), "1 NO [LIMIT]");
	sbuf_clear(&send);
	sbuf_puts(&send, "2 ESEARCH IN (mailboxes (Box");
	for (int i = 0; i < MAILBOX_FILTER_NAMES_MAX; i++)
		sbuf_puts(&send, " Box");
	sbuf_puts(&send, ")) ALL");
	ck_exchange(f, sbuf_cstr(&send), "2 NO [LIMIT]");
}
END_TEST

/* RFC 9585 §4: the details, and NIL for a tag that has "]" in it */
START_TEST(a_long_command_says_how_far_it_is)
{
	clock_freeze(1700000000);
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:1");
	struct imap_cmd cmd = {.tag = "long"};
	struct progress p = {0};

	imap_tell_progress(f->session, &cmd, &p, 1, 100);
	clock_advance_ms(PROGRESS_EVERY_MS - 1);
	imap_tell_progress(f->session, &cmd, &p, 2, 100);
	ck_assert_uint_eq(conn_out_pending(f->conn), 0);
	clock_advance_ms(1);
	imap_tell_progress(f->session, &cmd, &p, 3, 100);
	imap_tell_progress(f->session, &cmd, &p, 4, 100);
	clock_advance_ms(PROGRESS_EVERY_MS);
	imap_tell_progress(f->session, &cmd, &p, 100, 100); /* done: the reply will say so */
	imap_tell_progress(f->session, &cmd, &p, 98, 100);
	/* a tag with "]" is NIL, since it would end the code */
	struct imap_cmd odd = {.tag = "x]y"};
	clock_advance_ms(PROGRESS_EVERY_MS);
	imap_tell_progress(f->session, &odd, &p, 99, 100);
	struct str got = imap_fixture_ask(f, f->conn, "1 NOOP");
	ck_assert_msg(str_eq(got, STR("* OK [INPROGRESS (\"long\" 3 100)] Still at work\r\n"
				      "* OK [INPROGRESS (\"long\" 98 100)] Still at work\r\n"
				      "* OK [INPROGRESS (NIL 99 100)] Still at work\r\n"
				      "1 OK NOOP completed\r\n")),
	    "%.*s", STR_ARG(got));
	clock_thaw();
}
END_TEST

START_TEST(work_that_nobody_waits_for_is_quiet)
{
	clock_freeze(1700000000);
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:1");
	struct imap_cmd cmd = {.tag = "quiet"};
	struct progress p = {.quiet = true};

	imap_tell_progress(f->session, &cmd, &p, 1, 100);
	clock_advance_ms(PROGRESS_EVERY_MS);
	imap_tell_progress(f->session, &cmd, &p, 2, 100);
	ck_assert_uint_eq(conn_out_pending(f->conn), 0);
	ck_assert(!conn_peer_ended(f->conn));
	conn_memory_eof(f->conn);
	ck_assert(conn_peer_ended(f->conn));
	clock_thaw();
}
END_TEST

TEST_MAIN("multisearch", many_mailboxes_are_searched, places_of_a_set_are_fetched,
    named_searches_are_keys, mailboxes_of_others_are_searched_as_far_as_may_be,
    a_long_command_says_how_far_it_is, work_that_nobody_waits_for_is_quiet,
    sources_beyond_their_limits_are_refused)
