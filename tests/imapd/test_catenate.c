/* CATENATE: RFC 4469; its URLs: RFC 5092 §7; parts of them: RFC 5550 §4.2. */
#include "imapd/imap_append.h"
#include "imapd/imap_url.h"
#include "tests/imapd/imap_fixture.h"

#define FIRST                                                                                      \
	"Subject: first\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n"    \
	"--b\r\nContent-Type: text/html\r\n\r\ntwo\r\n--b--\r\n"

static const struct dialogue catenate_dialogue[] = {
    {"0 SELECT Inbox", "0 OK"},
    {"1 APPEND Inbox CATENATE (TEXT {14+}\nSubject: new\n URL \"/INBOX;UIDVALIDITY=1/;UID=1\")",
	"1 NO [BADURL /INBOX;UIDVALIDITY=1/;UID=1]"}, /* RFC 4469 §4.1 */
    {"2 APPEND Inbox (\\Draft) CATENATE (TEXT {16}", "+ "},
    {"Subject: new\n\n URL \"/INBOX/;UID=1/;SECTION=TEXT\")", "* 3 EXISTS\n2 OK [APPENDUID # 3]"},
    {"3 FETCH 3 BODY.PEEK[HEADER]", "* 3 FETCH (BODY[HEADER] {16}\nSubject: new\n3 OK"},
    /* in the selected mailbox, and with nothing but URLs */
    {"4 APPEND Inbox CATENATE (URL \";UID=1\" URL \";uid=2/;section=HEADER.FIELDS%20(Subject)\")",
	"4 OK [APPENDUID # 4]"},
    /* a URL may come as a literal, before octets and behind them */
    {"5 APPEND Inbox CATENATE (URL {12+}\nInbox/;UID=1 TEXT {2+}\nab)",
	"5 NO [BADURL Inbox/;UID=1]"},
    {"6 APPEND Inbox CATENATE (URL {13+}\n/Inbox/;UID=1 TEXT {2+}\nab URL {13}", "+ "},
    {"/Inbox/;UID=2)", "6 OK [APPENDUID # 5]"},
    /* several messages: RFC 3502 */
    {"7 APPEND Inbox CATENATE (TEXT {2+}\nab) {2+}\ncd CATENATE (URL \"/Inbox/;UID=1\")",
	"7 OK [APPENDUID # 6:8]"},
    /* RFC 6855 §4 */
    {"8 APPEND Inbox CATENATE (UTF8 (~{2+}\nab) URL \"/Inbox/;UID=1\")", "8 OK"},
    /* nothing is stored of what can't be stored whole */
    {"9 APPEND Inbox CATENATE (TEXT {2+}\nab URL \"/Inbox/;UID=99\" TEXT {2+}\ncd)",
	"9 NO [BADURL /Inbox/;UID=99]"},
    {"10 APPEND Inbox CATENATE (URL \"/nowhere/;UID=1\")", "10 NO [BADURL"},
    {"11 APPEND Inbox CATENATE (URL \"imap://host/INBOX/;UID=1\")", "11 NO [BADURL"}, /* §3 */
    {"12 APPEND Inbox CATENATE (URL \"/Inbox/;UID=1/;SECTION=9\")", "12 NO [BADURL"},
    {"13 APPEND Inbox CATENATE (URL \"/Inbox/;UID=1/;SECTION=]\")",
	"13 NO [BADURL /Inbox/;UID=1/;SECTION=%5D]"},
    {"14 APPEND Inbox CATENATE (URL \"\")", "14 NO [BADURL \"\"]"},
    {"15 APPEND Inbox CATENATE ()", "15 BAD"},
    {"16 APPEND Inbox CATENATE (TEXT {2+}\nab", "16 BAD"},
    {"17 APPEND Inbox CATENATE (TEXT {2+}\nab)x", "17 BAD"},
    {"18 APPEND Inbox CATENATE (FILE {2+}\nab)", "18 BAD Expected TEXT, URL or UTF8"},
    {"19 APPEND Inbox CATENATE (TEXT {0+}\n)", "19 NO [CANNOT]"},
    {"20 APPEND Inbox CATENATE (TEXT {99999999999}", "20 NO [TOOBIG]"}, /* §4.2 */
    {"21 UID FETCH 1 FLAGS", "* 1 FETCH (UID 1 FLAGS (\\Recent))\n21 OK"}, /* §3: no \Seen */
    {"22 STATUS Inbox (MESSAGES)", "* STATUS INBOX (MESSAGES 9)\n22 OK"},
};
DIALOGUE_TEST(parts_of_messages_make_new_ones, catenate_dialogue, "Inbox:2")

/* RFC 4469 §3: octets, unchanged, as FETCH BODY would give them. */
START_TEST(octets_are_copied_as_they_are)
{
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f = imap_fixture_open("Inbox:0", "A b/\xc3\xbc:0");

	imap_fixture_deliver(f, "A b/\xc3\xbc", STR(FIRST));
	ck_exchange(f,
	    "1 APPEND Inbox CATENATE (URL \"/A%20b/%C3%BC/;UID=1/;SECTION=HEADER\" TEXT {5+}\n--b\n"
	    " URL \"/A%20b/%c3%bc/;UID=1/;SECTION=2.MIME\" URL \"/A%20b/%c3%bc/;UID=1/;SECTION=2\""
	    " TEXT {9+}\n\n--b--\n URL \"/A%20b/%C3%BC/;UID=1/;SECTION=2/;PARTIAL=1.1\""
	    " URL \"/A%20b/%C3%BC/;UID=1/;PARTIAL=9\")",
	    "1 OK [APPENDUID # 1]");
	ck_exchange(f, "2 SELECT Inbox", "2 OK");
	struct str got = imap_fixture_ask(f, f->conn, "3 FETCH 1 BODY.PEEK[]");
	static const char want[] =
	    "Subject: first\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
	    "Content-Type: text/html\r\n\r\ntwo\r\n--b--\r\nw" /* and from the ninth octet on */
	    "first\r\nContent-Type: multipart/mixed; boundary=b\r\n";
	ck_assert_ptr_nonnull(memmem(got.p, got.n, want, sizeof(want) - 1));
}
END_TEST

START_TEST(a_large_part_is_copied_in_steps_and_within_the_limit)
{
	static const char *const boxes[] = {"Inbox:0", NULL};
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f = imap_fixture_open_with(boxes, "imapd {\n append_limit = 4M\n}\n");
	size_t n = 3 * 1024 * 1024;
	char *text = arena_alloc(f->arena, n);

	memcpy(memset(text, 'x', n), "Subject: x\r\n\r\n", 14);
	imap_fixture_deliver(f, "Inbox", str_make(text, n));
	ck_exchange(f, "1 APPEND Inbox CATENATE (URL \"/Inbox/;UID=1\" TEXT {4+}\nabcd)",
	    "1 OK [APPENDUID # 2]");
	ck_exchange(f, "2 SELECT Inbox", "2 OK");
	ck_exchange(f, "3 FETCH 2 (RFC822.SIZE BODY.PEEK[]<3145726.10>)",
	    "* 2 FETCH (RFC822.SIZE 3145732 BODY[]<3145726> {6}\nxxabcd)\n3 OK");
	/* RFC 4469 §4.2 */
	ck_exchange(f, "4 APPEND Inbox CATENATE (URL \";UID=1\" URL \";UID=1\")", "4 NO [TOOBIG]");
	ck_assert_uint_eq(imap_fixture_count(f, "Inbox"), 2);
}
END_TEST

START_TEST(a_command_has_so_many_parts_and_no_more)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(1 << 20);

	sbuf_puts(&in, "1 APPEND Inbox CATENATE (TEXT {1+}\r\na");
	for (unsigned i = 0; i < APPEND_PARTS_MAX; i++)
		sbuf_puts(&in, " TEXT {1+}\r\na");
	sbuf_puts(&in, ")\r\n");
	conn_memory_feed(f->conn, sbuf_view(&in));
	ck_exchange(f, "2 NOOP", "1 NO [LIMIT]\n2 OK");
	ck_assert_uint_eq(imap_fixture_count(f, "Inbox"), 1);
}
END_TEST

static const struct {
	const char *url;
	const char *mailbox; /* NULL: no URL of ours */
	uint32_t uidvalidity, uid;
	const char *label;
	uint64_t from, count;
} urls[] = {
    {"/Drafts;UIDVALIDITY=385759045/;UID=20/;section=1.MIME", "Drafts", 385759045, 20,
	"BODY[1.MIME]", 0, 0},
    {"/a/b/;UID=1", "a/b", 0, 1, "BODY[]", 0, 0},
    {"/a%3Bb/;uid=4294967295", "a;b", 0, 4294967295, "BODY[]", 0, 0},
    {";UID=7/;SECTION=HEADER.FIELDS%20(To)", "", 0, 7, "BODY[HEADER.FIELDS (To)]", 0, 0},
    {"/;UID=7/;PARTIAL=3.4", "", 0, 7, "BODY[]", 3, 4},
    {"/x/;UID=7/;PARTIAL=3", "x", 0, 7, "BODY[]", 3, UINT64_MAX},
    {"", NULL, 0, 0, "", 0, 0},
    {"/", NULL, 0, 0, "", 0, 0},
    {"/x", NULL, 0, 0, "", 0, 0},
    {"x/;UID=1", NULL, 0, 0, "", 0, 0},
    {"//host/x/;UID=", NULL, 0, 0, "", 0, 0},
    {"imap://host/x/;UID=1", NULL, 0, 0, "", 0, 0},
    {"/x/;UID=0", NULL, 0, 0, "", 0, 0},
    {"/x/;UID=4294967296", NULL, 0, 0, "", 0, 0},
    {"/x/;UID=1:2", NULL, 0, 0, "", 0, 0},
    {"/x/;UID=1/", NULL, 0, 0, "", 0, 0},
    {"/x;UIDVALIDITY=0/;UID=1", NULL, 0, 0, "", 0, 0},
    {"/x;UIDVALIDITY=/;UID=1", NULL, 0, 0, "", 0, 0},
    {"/x;y=z/;UID=1", NULL, 0, 0, "", 0, 0},
    {"/x%/;UID=1", NULL, 0, 0, "", 0, 0},
    {"/x%4/;UID=1", NULL, 0, 0, "", 0, 0},
    {"/x%00/;UID=1", NULL, 0, 0, "", 0, 0},
    {"/%C3/;UID=1", NULL, 0, 0, "", 0, 0},
    {"/x/;UID=1/;SECTION=1]", NULL, 0, 0, "", 0, 0},
    {"/x/;UID=1/;SECTION=1]<0.1>", NULL, 0, 0, "", 0, 0},
    {"/x/;UID=1/;PARTIAL=1.0", NULL, 0, 0, "", 0, 0},
    {"/x/;UID=1/;PARTIAL=.1", NULL, 0, 0, "", 0, 0},
    {"/x/;UID=1;URLAUTH=anonymous:internal:1", NULL, 0, 0, "", 0, 0},
};

/* RFC 5092 §11, RFC 4469 §3. */
START_TEST(urls_are_read)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);

	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct imap_url url;
		bool ok = imap_parse_url(test_guarded(str_of(urls[i].url)), arena, &url);
		ck_assert_msg(ok == (urls[i].mailbox != NULL), "%s", urls[i].url);
		if (!ok)
			continue;
		ck_assert_str_is(url.mailbox, urls[i].mailbox);
		ck_assert_str_is(url.item.label, urls[i].label);
		ck_assert_uint_eq(url.uid, urls[i].uid);
		ck_assert_uint_eq(url.uidvalidity, urls[i].uidvalidity);
		ck_assert_uint_eq(url.item.partial.from, urls[i].from);
		ck_assert_uint_eq(url.item.partial.count, urls[i].count);
	}
}
END_TEST

TEST_MAIN("catenate", parts_of_messages_make_new_ones, octets_are_copied_as_they_are,
    a_large_part_is_copied_in_steps_and_within_the_limit, a_command_has_so_many_parts_and_no_more,
    urls_are_read)
