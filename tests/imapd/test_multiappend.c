/* MULTIAPPEND (RFC 3502), literal8 (RFC 3516 §4.4), UTF8 (RFC 6855 §4), literals (RFC 7888). */
#include "imapd/imap_append.h"
#include "tests/imapd/imap_fixture.h"

static const struct dialogue multiappend_dialogue[] = {
    {"0 SELECT Inbox", "0 OK"},
    /* RFC 3502 §6.3.11: all in one command, UIDs in order (RFC 4315 §3) */
    {"1 APPEND Inbox (\\Seen) {12+}\nSubject: 1\n (\\Flagged) \"17-Jul-1996 02:44:25 -0700\" "
     "{12+}\nSubject: 2\n {12}",
	"+ "},
    {"Subject: 3\n", "* 3 EXISTS\n1 OK [APPENDUID # 1:3]"},
    {"2 FETCH 1:3 (FLAGS BODY.PEEK[])",
	"* 1 FETCH (FLAGS (\\Seen*\nSubject: 1\n* 2 FETCH (FLAGS (\\Flagged*\nSubject: 2\n"
	"* 3 FETCH (FLAGS (\\Recent) \nSubject: 3\n2 OK"},
    {"3 FETCH 2 INTERNALDATE", "* 2 FETCH (INTERNALDATE \"17-Jul-1996 02:44:25 -0700\")\n3 OK"},
    /* §6.3.11: all or nothing; what comes unasked behind a mistake is thrown away */
    {"4 APPEND Inbox {12+}\nSubject: 4\n (\\Bad) {12+}\nSubject: 5\n {12+}\nSubject: 6\n",
	"4 BAD Expected \\Seen"},
    {"5 APPEND Inbox {12+}\nSubject: 4\n  {12+}\nSubject: 5\n", "5 BAD"},
    {"6 APPEND Inbox {12+}\nSubject: 4\n (\\Seen)", "6 BAD"},
    {"7 APPEND Inbox {12+}\nSubject: 4\n junk {12}", "7 BAD"},
    /* a client gives up with an empty message */
    {"8 APPEND Inbox {12+}\nSubject: 4\n {0}", "8 NO [CANNOT]"},
    {"9 APPEND Inbox {12+}\nSubject: 4\n {0+}\n", "9 NO [CANNOT]"},
    {"10 APPEND Inbox {12+}\nSubject: 4\n {999999999999}", "10 NO [TOOBIG]"},
    {"11 APPEND nowhere {12+}\nSubject: 4\n {12+}\nSubject: 5\n", "11 NO [TRYCREATE]"},
    {"12 STATUS Inbox (MESSAGES UIDNEXT)", "* STATUS INBOX (MESSAGES 3 UIDNEXT 4)\n12 OK"},
};
DIALOGUE_TEST(several_messages_come_in_one_command, multiappend_dialogue, "Inbox:0")

static const struct dialogue literal8_dialogue[] = {
    {"0 SELECT Inbox", "0 OK"},
    {"1 APPEND Inbox ~{12}", "+ "}, /* RFC 3516 §7 */
    {"Subject: 1\n", "1 OK [APPENDUID # 1]"},
    {"2 APPEND Inbox ~{12+}\nSubject: 2\n", "2 OK [APPENDUID # 2]"}, /* RFC 7888 §6 */
    {"3 APPEND Inbox {12+}\nSubject: 3\n", "3 OK"},
    {"4 APPEND Inbox UTF8 (~{12}", "+ "}, /* RFC 6855 §4 */
    {"Subject: 4\n)", "4 OK [APPENDUID # 4]"},
    {"5 APPEND Inbox (\\Seen) UTF8 (~{12+}\nSubject: 5\n) UTF8 (~{12+}\nSubject: 6\n)",
	"5 OK [APPENDUID # 5:6]"},
    {"6 APPEND Inbox UTF8 (~{12+}\nSubject: 5\n", "6 BAD"},
    {"7 APPEND Inbox UTF8 ~{12+}\nSubject: 5\n)", "7 BAD"},
    {"8 APPEND Inbox ~12", "8 BAD"},
    {"9 APPEND Inbox (\\Seen", "9 BAD"},
    {"10 STATUS Inbox (MESSAGES)", "* STATUS INBOX (MESSAGES 6)\n10 OK"},
};
DIALOGUE_TEST(octets_of_any_kind_come_as_literal8, literal8_dialogue, "Inbox:0")

START_TEST(a_literal8_keeps_its_line_ends)
{
	static const char send[] = "1 APPEND Inbox ~{16+}\r\nSubject: x\n\na\nb\n\r\n"
				   "2 APPEND Inbox {16+}\r\nSubject: x\n\na\nb\n\r\n";
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");

	conn_memory_feed(f->conn, str_make(send, sizeof(send) - 1));
	ck_exchange(f, "3 SELECT Inbox", "1 OK\n2 OK\n3 OK");
	ck_exchange(f, "4 FETCH 1:2 RFC822.SIZE",
	    "* 1 FETCH (RFC822.SIZE 16)\n* 2 FETCH (RFC822.SIZE 20)\n4 OK");
}
END_TEST

/* All or none also where room is short: RFC 3502 §6.3.11. */
START_TEST(over_quota_none_of_them_is_stored)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");

	imap_fixture_set_quota(f, 0, 2);
	ck_exchange(f, "1 APPEND Inbox {12+}\nSubject: 1\n {12+}\nSubject: 2\n {12+}\nSubject: 3\n",
	    "1 NO [OVERQUOTA]");
	ck_assert_uint_eq(imap_fixture_count(f, "Inbox"), 0);
	ck_exchange(
	    f, "2 APPEND Inbox {12+}\nSubject: 1\n {12+}\nSubject: 2\n", "2 OK [APPENDUID # 1:2]");
	imap_fixture_set_quota(f, 2000, 0);
	ck_exchange(f, "3 APPEND Inbox {12+}\nSubject: 1\n {2000}", "3 NO [OVERQUOTA]");
	ck_assert_uint_eq(imap_fixture_count(f, "Inbox"), 2);
}
END_TEST

START_TEST(a_command_has_so_many_messages_and_no_more)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(1 << 20);

	for (unsigned more = 0; more < 2; more++) {
		sbuf_clear(&in);
		sbuf_puts(&in, "1 APPEND Inbox");
		for (unsigned i = 0; i < APPEND_MESSAGES_MAX + more; i++)
			sbuf_puts(&in, " {12+}\r\nSubject: 1\r\n");
		sbuf_puts(&in, "\r\n");
		conn_memory_feed(f->conn, sbuf_view(&in));
		ck_exchange(
		    f, "2 NOOP", more ? "1 NO [LIMIT]\n2 OK" : "1 OK [APPENDUID # 1:1000]\n2 OK");
	}
	ck_assert_uint_eq(imap_fixture_count(f, "Inbox"), APPEND_MESSAGES_MAX);
}
END_TEST

START_TEST(what_is_said_between_messages_is_bounded)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(1 << 22);

	sbuf_puts(&in, "1 APPEND Inbox {12+}\r\nSubject: 1\r\n (");
	for (unsigned i = 0; i < 70000; i++)
		sbuf_putc(&in, 'a');
	sbuf_puts(&in, ") {12+}\r\nSubject: 1\r\n\r\n");
	conn_memory_feed(f->conn, sbuf_view(&in));
	ck_exchange(f, "2 NOOP", "1 BAD [TOOBIG]\n2 OK");
	ck_assert_uint_eq(imap_fixture_count(f, "Inbox"), 0);
}
END_TEST

TEST_MAIN("multiappend", several_messages_come_in_one_command, octets_of_any_kind_come_as_literal8,
    a_literal8_keeps_its_line_ends, over_quota_none_of_them_is_stored,
    a_command_has_so_many_messages_and_no_more, what_is_said_between_messages_is_bounded)
