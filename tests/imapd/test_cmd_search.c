#include "common/mail/charset.h"
#include "imapd/search_charset.h"
#include "imapd/search_parse.h"
#include "tests/imapd/imap_fixture.h"

static void
put(struct imap_fixture *f, int64_t internal_s, int32_t zone_s, const char *message)
{
	CLEANUP(spool_free) struct spool *spool = NULL;
	uint32_t uidvalidity;

	ck_assert_ok(spool_new(f->store, &spool));
	for (const char *p = message; *p; p++)
		ck_assert_ok(*p == '\n' ? spool_write(spool, "\r\n", 2) : spool_write(spool, p, 1));
	struct append item = {.spool = spool, .internal_s = internal_s, .internal_zone_s = zone_s};
	ck_assert_ok(
	    message_append(f->account, imap_fixture_mailbox(f, "Box"), &item, 1, &uidvalidity));
}

#define DAY 86400

/* The messages that the tables below search; day 10000 is 19 May 1997. */
static struct imap_fixture *
open_box(void)
{
	struct imap_fixture *f = imap_fixture_open("Box:0");

	/* 1: plain */
	put(f, 10000 * (int64_t)DAY + 3600, 0,
	    "From: Fred Foobar <fred@blurdybloop.example>\nTo: Ann <ann@example.test>\n"
	    "Cc: minutes@CNRI.example\nBcc: secret@hidden.example\n"
	    "Subject: afternoon\n meeting\nDate: Wed, 17 Jul 1996 23:30:00 -0700\n"
	    "Message-ID: <one@example.test>\nX-Empty:\n\nHello Joe, do you think we can meet?\n");
	/* 2: encoded words, quoted-printable, ISO-8859-1 */
	put(f, 10001 * (int64_t)DAY, 0,
	    "From: =?ISO-8859-1?Q?J=F6rg_M=FCller?= <jm@example.test>\n"
	    "To: =?utf-8?B?R3LDvMOfZQ==?= <g@example.test>\n"
	    "Subject: =?iso-8859-1?q?Pr=FCf?= =?iso-8859-1?q?ung?=\n"
	    "Date: 18 Jul 96 00:10 +0200\n"
	    "Content-Type: text/plain; charset=iso-8859-1\n"
	    "Content-Transfer-Encoding: quoted-printable\n\nSch=F6ne Gr=FC=\n=DFe aus K=F6ln\n");
	/* 3: multipart, base64 UTF-8, an attachment with a name, a part that is no text */
	put(f, 10001 * (int64_t)DAY + 23 * 3600, 2 * 3600, /* 21 May in its own zone */
	    "From: x@example.test\nSubject: parts\nDate: nonsense\n"
	    "Content-Type: multipart/mixed; boundary=b\n\npreamble words\n--b\n"
	    "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
	    "0J/RgNC40LLQtdGCINC80LjRgCE=\n--b\n"
	    "Content-Type: application/octet-stream; "
	    "name=\"=?utf-8?Q?r=C3=A9sum=C3=A9=2Epdf?=\"\n\n"
	    "opaque octets\n--b--\n");
	/* 4: ISO-2022-JP */
	put(f, 10002 * (int64_t)DAY, 0,
	    "From: jp@example.test\nSubject: =?iso-2022-jp?B?GyRCJDMkcyRLJEEkTxsoQg==?=\n"
	    "Content-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B@$3&\x1b(B\n");
	/* 5: a message in a message */
	put(f, 10003 * (int64_t)DAY, 0,
	    "From: fw@example.test\nSubject: Fwd\nDate: Thu, 18 Jul 1996 12:00:00 +0000\n"
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n"
	    "Content-Description: wrapped gift\n\n"
	    "From: Inner Person <in@ner.example>\nSubject: buried treasure\n\nyellow submarine\n"
	    "--b--\n");
	ck_exchange(f, "1 SELECT Box", "* 5 EXISTS\n1 OK");
	ck_exchange(f, "2 STORE 1 FLAGS.SILENT (\\Seen \\Answered Work)", "2 OK");
	ck_exchange(f, "3 STORE 2 FLAGS.SILENT (\\Deleted \\Flagged)", "3 OK");
	ck_exchange(f, "4 STORE 3 FLAGS.SILENT (\\Draft Home)", "4 OK");
	return f;
}

struct row {
	const char *keys;
	const char *found; /* sequence numbers; NULL: BAD */
};

static void
check_rows(struct imap_fixture *f, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP(sbuf_done) struct sbuf send = SBUF_INIT(70000);
		CLEANUP(sbuf_done) struct sbuf expect = SBUF_INIT(70000);
		sbuf_printf(&send, "s SEARCH %s", rows[i].keys);
		if (rows[i].found)
			sbuf_printf(&expect, "* SEARCH%s%s\r\ns OK SEARCH completed\r\n",
			    *rows[i].found ? " " : "", rows[i].found);
		struct str got = imap_fixture_ask(f, f->conn, sbuf_cstr(&send));
		if (!rows[i].found)
			ck_assert_msg(
			    str_starts(got, STR("s BAD")), "%s: %.*s", rows[i].keys, STR_ARG(got));
		else /* after a literal's "+ " */
			ck_assert_msg(str_ends_nocase(got, sbuf_view(&expect)),
			    "SEARCH %s: expected \"%s\", got %.*s", rows[i].keys, rows[i].found,
			    STR_ARG(got));
	}
}

START_TEST(flags_and_numbers_are_searched)
{
	static const struct row rows[] = {
	    {"ALL", "1 2 3 4 5"},
	    {"SEEN", "1"},
	    {"UNSEEN", "2 3 4 5"},
	    {"ANSWERED", "1"},
	    {"UNANSWERED", "2 3 4 5"},
	    {"DELETED", "2"},
	    {"UNDELETED", "1 3 4 5"},
	    {"FLAGGED", "2"},
	    {"UNFLAGGED", "1 3 4 5"},
	    {"DRAFT", "3"},
	    {"UNDRAFT", "1 2 4 5"},
	    {"RECENT", "1 2 3 4 5"},
	    {"OLD", ""},
	    {"NEW", "2 3 4 5"},
	    {"KEYWORD Work", "1"},
	    {"keyword WORK", "1"},
	    {"UNKEYWORD Work", "2 3 4 5"},
	    {"KEYWORD Nobody", ""},
	    {"UNKEYWORD Nobody", "1 2 3 4 5"},
	    {"2:4", "2 3 4"},
	    {"*", "5"},
	    {"*:4", "4 5"},
	    {"1,5,3", "1 3 5"},
	    {"UID 2:3,99", "2 3"},
	    {"UID 99", ""},
	    {"UID 99:*", "5"},
	    {"NOT 2:4", "1 5"},
	    {"2:4 NOT 3 UNSEEN", "2 4"},
	    {"OR 1 5", "1 5"},
	    {"OR OR 1 2 5", "1 2 5"},
	    {"OR 1 OR 2 OR 3 4", "1 2 3 4"},
	    {"OR (1:3 UNSEEN) 5", "2 3 5"},
	    {"OR 1 NOT OR 2:3 4", "1 5"},
	    {"NOT NOT SEEN", "1"},
	    {"NOT (1 2)", "1 2 3 4 5"},
	    {"(((1:2)) SEEN)", "1"},
	    {"LARGER 0", "1 2 3 4 5"},
	    {"LARGER 99999999999", ""},
	    {"SMALLER 0", ""},
	    {"SMALLER 0000000099999", "1 2 3 4 5"},
	    {"6", ""}, /* RFC 7377 §2: as in any SEARCH, no mistake */
	    {"4:9", "4 5"},
	    {"6:9,2", "2"},
	    {"0", NULL},
	    {"", NULL},
	    {"OR 1", NULL},
	    {"NOT", NULL},
	    {"(1", NULL},
	    {"()", NULL},
	    {"1)", NULL},
	    {"ALL ", NULL},
	    {"ALL  SEEN", NULL},
	    {"SEENX", NULL},
	    {"KEYWORD", NULL},
	    {"LARGER x", NULL},
	    {"LARGER -1", NULL},
	};
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_box();

	check_rows(f, rows, ARRAY_LEN(rows));
	ck_exchange(f, "5 UID SEARCH DRAFT", "* SEARCH 3\n5 OK UID SEARCH completed");
}
END_TEST

START_TEST(dates_are_searched_in_their_own_zone)
{
	static const struct row rows[] = {
	    {"ON 19-May-1997", "1"},
	    {"ON 20-May-1997", "2"},
	    {"ON 21-May-1997", "3 4"}, /* 23:00 UTC is the next day at +0200 */
	    {"BEFORE 20-May-1997", "1"},
	    {"BEFORE 19-May-1997", ""},
	    {"SINCE 21-May-1997", "3 4 5"},
	    {"since \"22-may-1997\"", "5"},
	    {"SINCE 1-Jan-2030", ""},
	    {"SENTON 17-Jul-1996", "1"}, /* as written there, whatever day it is in UTC */
	    {"SENTON 18-Jul-1996", "2 5"},
	    {"SENTBEFORE 18-Jul-1996", "1"},
	    {"SENTSINCE 18-Jul-1996", "2 5"}, /* 3 and 4 have none */
	    {"NOT SENTSINCE 1-Jan-1990", "3 4"},
	    {"ON 31-Feb-1997", NULL},
	    {"ON 1997-05-19", NULL},
	    {"ON 1-Foo-1997", NULL},
	    {"ON", NULL},
	};
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_box();

	check_rows(f, rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(headers_are_searched_as_people_read_them)
{
	static const struct row rows[] = {
	    {"FROM fred", "1"},
	    {"FROM \"Fred FOOBAR <fred@\"", "1"},
	    {"FROM example.test", "2 3 4 5"},
	    {"TO ann", "1"},
	    {"CC cnri", "1"},
	    {"BCC hidden", "1"},
	    {"SUBJECT \"noon meet\"", "1"}, /* unfolded */
	    {"SUBJECT afternoonmeeting", ""},
	    {"SUBJECT {8}\r\nPr\xc3\xbc"
	     "fung",
		"2"},
	    {"CHARSET UTF-8 SUBJECT \"PR\xc3\x9c"
	     "FUNG\"",
		"2"},
	    {"CHARSET ISO-8859-1 FROM {4}\r\nJ\xf6rg", "2"},
	    {"CHARSET utf-8 FROM \"j\xc3\xb6rg m\xc3\xbcller\"", "2"},
	    {"CHARSET utf-8 TO \"GR\xc3\xbcSSE\"", "2"},
	    {"CHARSET utf-8 SUBJECT \"\xe3\x82\x93\xe3\x81\xab\"", "4"},
	    {"CHARSET iso-2022-jp SUBJECT {10}\r\n\x1b$B$s$K\x1b(B", "4"},
	    {"SUBJECT iso-8859-1", ""}, /* not what stands in the octets */
	    {"HEADER Message-ID one@", "1"},
	    {"HEADER message-id \"\"", "1"},
	    {"HEADER X-Empty \"\"", "1"},
	    {"HEADER X-Empty a", ""},
	    {"HEADER X-None \"\"", ""},
	    {"NOT HEADER X-None \"\"", "1 2 3 4 5"},
	    {"BCC \"\"", "1"},
	    {"HEADER Subject buried", ""}, /* of an embedded message */
	    {"HEADER Date \"\"", "1 2 3 5"},
	    {"FROM", NULL},
	    {"HEADER Subject", NULL},
	    {"HEADER \"Subject", NULL},
	};
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_box();

	check_rows(f, rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(texts_are_searched_decoded)
{
	static const struct row rows[] = {
	    {"BODY \"do you THINK\"", "1"},
	    {"BODY afternoon", ""},
	    {"TEXT afternoon", "1"},
	    {"TEXT \"subject: after\"", "1"},
	    {"BODY \"\"", "1 2 3 4 5"},
	    {"TEXT \"\"", "1 2 3 4 5"},
	    {"CHARSET utf-8 BODY \"gr\xc3\xbc\xc3\x9f"
	     "e AUS k\xc3\xb6ln\"",
		"2"},
	    {"BODY =F6", ""},
	    {"CHARSET utf-8 BODY \"\xd0\xbf\xd1\x80\xd0\xb8\xd0\x92\xd0\xb5\xd1\x82\"", "3"},
	    {"CHARSET utf-8 TEXT \"\xd0\x9c\xd0\x98\xd0\xa0!\"", "3"},
	    {"BODY 0J/R", ""},
	    {"BODY opaque", ""}, /* §6.4.4: only text and messages */
	    {"BODY preamble", ""},
	    {"CHARSET utf-8 TEXT \"R\xc3\x89SUM\xc3\x89.pdf\"", "3"}, /* a file's name */
	    {"CHARSET utf-8 BODY \"r\xc3\xa9sum\xc3\xa9\"", ""},
	    {"CHARSET utf-8 BODY \"\xe4\xb8\x96\xe7\x95\x8c\"", "4"},
	    {"BODY \"yellow sub\"", "5"},
	    {"BODY \"buried TREASURE\"", "5"},
	    {"TEXT \"inner person\"", "5"},
	    {"TEXT \"wrapped gift\"", "5"},
	    {"BODY \"wrapped gift\"", ""},
	    {"NOT TEXT example", ""},
	    {"OR BODY joe BODY submarine", "1 5"},
	    {"BODY joe BODY hello", "1"},
	    {"BODY joe NOT BODY hello", ""},
	    {"OR (BODY submarine SUBJECT fwd) TEXT minutes", "1 5"},
	    {"TEXT nothing-has-this", ""},
	};
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_box();

	check_rows(f, rows, ARRAY_LEN(rows));
}
END_TEST

static const struct dialogue charset_dialogue[] = {
    {"1 SELECT Inbox", "1 OK"},
    {"2 SEARCH CHARSET US-ASCII ALL", "* SEARCH 1 2\n2 OK"},
    {"3 SEARCH CHARSET X-UNHEARD-OF ALL", "!* SEARCH\n3 NO [BADCHARSET (*"}, /* §6.4.4: MUST NO */
    {"4 SEARCH CHARSET UTF-8//IGNORE ALL", "4 NO [BADCHARSET"},
    {"5 SEARCH CHARSET {5}\r\nUTF-8 SUBJECT {7}\r\nmessage", "* SEARCH 1 2\n5 OK"},
    {"6 SEARCH CHARSET", "6 BAD"},
    {"7 SEARCH CHARSET UTF-8", "7 BAD"},
    {"8 SEARCH ALL CHARSET UTF-8", "8 BAD"},
    {"9 uid search charset utf-8 subject \"message 2\"", "* SEARCH 2\n9 OK"},
    {"10 SEARCH SUBJECT absent", "* SEARCH\n10 OK"}, /* an empty result is a response too */
    {"11 SELECT Empty", "11 OK"},
    {"12 SEARCH ALL", "* SEARCH\n12 OK"},
    {"13 SEARCH 1:* UNSEEN", "* SEARCH\n13 OK"}, /* clients ask so without looking */
    {"14 UID SEARCH UID 1:*", "* SEARCH\n14 OK"},
};
DIALOGUE_TEST(search_speaks, charset_dialogue, "Inbox:2", "Empty:0")

/* RFC 9051 §6.4.4: BADCHARSET lists the charsets that are supported, so each of them is, and what
 * is not listed is not, whatever the system could convert. */
START_TEST(badcharset_lists_the_charsets_there_are)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:2");
	struct str list = STR(SEARCH_CHARSETS), one;
	char line[100];

	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	while (list.n > 0 && str_split(&list, ' ', &one)) {
		ck_assert_msg(charset_is_known(one), "%.*s", STR_ARG(one));
		snprintf(line, sizeof(line), "2 SEARCH CHARSET %.*s SUBJECT message", STR_ARG(one));
		ck_exchange(f, line, "* SEARCH 1 2\n2 OK");
	}
	ck_exchange(f, "3 SEARCH CHARSET utf8 SUBJECT message", "* SEARCH 1 2\n3 OK");
	ck_exchange(f, "4 SEARCH CHARSET IBM037 ALL", "4 NO [BADCHARSET (" SEARCH_CHARSETS ")]");
	ck_exchange(f, "5 SEARCH CHARSET UTF-16 ALL", "5 NO [BADCHARSET (");
	ck_exchange(f, "6 SEARCH CHARSET \"\" ALL", "6 NO [BADCHARSET (");
}
END_TEST

START_TEST(programs_beyond_their_limits_are_refused)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");
	CLEANUP(sbuf_done) struct sbuf deep = SBUF_INIT(70000);

	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	sbuf_puts(&deep, "2 SEARCH ");
	for (int i = 0; i < SEARCH_DEPTH_MAX; i++)
		sbuf_puts(&deep, "(");
	sbuf_puts(&deep, "ALL");
	for (int i = 0; i < SEARCH_DEPTH_MAX; i++)
		sbuf_puts(&deep, ")");
	ck_exchange(f, sbuf_cstr(&deep), "* SEARCH 1\n2 OK");
	sbuf_clear(&deep);
	sbuf_puts(&deep, "3 SEARCH ");
	for (int i = 0; i < 30000; i++)
		sbuf_puts(&deep, "(");
	ck_exchange(f, sbuf_cstr(&deep), "3 NO [LIMIT]");
	sbuf_clear(&deep);
	sbuf_puts(&deep, "4 SEARCH ALL");
	for (int i = 0; i < SEARCH_KEYS_MAX; i++)
		sbuf_puts(&deep, " NOT SEEN");
	ck_exchange(f, sbuf_cstr(&deep), "4 NO [LIMIT]");
	sbuf_clear(&deep);
	sbuf_puts(&deep, "5 SEARCH ");
	for (int i = 0; i < 900; i++) /* a long list of alternatives is one level */
		sbuf_puts(&deep, "OR HEADER Message-ID x ");
	sbuf_puts(&deep, "ALL");
	ck_exchange(f, sbuf_cstr(&deep), "* SEARCH 1\n5 OK");
}
END_TEST

START_TEST(messages_expunged_by_others_do_not_match)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:3");
	struct conn *other = imap_fixture_connect(f);

	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	ck_exchange_on(other, "1 SELECT Inbox", "1 OK");
	ck_exchange_on(other, "2 STORE 2 +FLAGS.SILENT (\\Deleted)", "2 OK");
	ck_exchange_on(other, "3 EXPUNGE", "3 OK");
	imap_fixture_clean(f);
	ck_exchange(
	    f, "2 SEARCH SUBJECT message", "!* 2 EXPUNGE\n* SEARCH 1 3\n2 OK [EXPUNGEISSUED]");
	ck_exchange(f, "3 UID SEARCH SUBJECT message", "* SEARCH 1 3\n* 2 EXPUNGE\n3 OK");
}
END_TEST

/* A match that lies across the pieces a large text is read in, far from its beginning. */
START_TEST(large_texts_are_searched_in_pieces)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");

	for (size_t at = 65520; at < 65540; at += 3) {
		CLEANUP(sbuf_done) struct sbuf m = SBUF_INIT(4 << 20);
		sbuf_puts(&m, "Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
		size_t body = m.n;
		while (m.n < body + 2000000)
			sbuf_puts(&m, "0123456789 0123456789 0123456789 012345678\r\n");
		memcpy(m.p + body + at,
		    "n\xc3\xa9"
		    "edle one",
		    11);
		memcpy(m.p + m.n - 13, "the very end", 12);
		imap_fixture_deliver(f, "Inbox", sbuf_view(&m));
	}
	ck_exchange(f, "1 SELECT Inbox", "* 7 EXISTS\n1 OK");
	ck_exchange(f,
	    "2 SEARCH CHARSET UTF-8 BODY {8}\r\nN\xc3\x89"
	    "EDLE ",
	    "* SEARCH 1 2 3 4 5 6 7\n2 OK");
	ck_exchange(f, "3 SEARCH TEXT \"very END\"", "* SEARCH 1 2 3 4 5 6 7\n3 OK");
	ck_exchange(f, "4 SEARCH BODY nobody BODY needle", "* SEARCH\n4 OK");
}
END_TEST

START_TEST(what_a_bounce_reports_is_searched)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:0");

	put(f, DAY, 0,
	    "Subject: Undelivered\nContent-Type: multipart/report; boundary=b\n\n--b\n"
	    "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.remote.test\n--b--\n");
	ck_exchange(f, "1 SELECT Box", "1 OK");
	ck_exchange(f, "2 SEARCH BODY \"dns; mx.remote\"", "* SEARCH 1\n2 OK");
	/* lines are counted of text and of messages only: RFC 3501 §7.4.2 */
	ck_exchange(f, "3 FETCH 1 BODY",
	    "* 1 FETCH (BODY ((\"message\" \"delivery-status\" NIL NIL NIL \"7bit\" 34) "
	    "\"report\"))\n3 OK");
}
END_TEST

START_TEST(a_long_result_waits_for_a_slow_reader)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Many:1");
	CLEANUP(arena_free) struct arena *arena = arena_new(64 << 20);
	size_t most = 0, numbers = 0;

	ck_exchange(f, "1 SELECT Many", "1 OK");
	for (int i = 0; i < 16; i++) /* 1 → 65536 messages */
		ck_exchange(f, "2 COPY 1:* Many", "2 OK [COPYUID");
	conn_memory_feed(f->conn, STR("3 UID SEARCH UNSEEN\r\n"));
	for (;;) {
		struct str got = conn_memory_output_some(f->conn, arena, 20000);
		if (got.n == 0)
			break;
		if (conn_out_pending(f->conn) > most)
			most = conn_out_pending(f->conn);
		for (size_t i = 1; i < got.n; i++)
			numbers += got.p[i - 1] == ' ' && ascii_is_digit(got.p[i]);
		conn_memory_run(f->conn);
	}
	ck_assert_uint_ge(numbers, 65500); /* some are split between two reads */
	ck_assert_uint_le(numbers, 65536);
	ck_assert_uint_lt(most, CONN_OUT_HIGH + 70000);
}
END_TEST

TEST_MAIN("cmd_search", flags_and_numbers_are_searched, dates_are_searched_in_their_own_zone,
    headers_are_searched_as_people_read_them, texts_are_searched_decoded, search_speaks,
    badcharset_lists_the_charsets_there_are, programs_beyond_their_limits_are_refused,
    messages_expunged_by_others_do_not_match, large_texts_are_searched_in_pieces,
    a_long_result_waits_for_a_slow_reader, what_a_bounce_reports_is_searched)
