/* Literals, synchronising and not: RFC 3501 §4.3, RFC 7888; ENABLE: RFC 5161. */
#include "tests/imapd/imap_fixture.h"

static const struct dialogue literals_dialogue[] = {
    {"1 STATUS {5}", "+ "}, /* RFC 3501 §4.3 */
    {"INBOX (MESSAGES)", "* STATUS INBOX (MESSAGES 1)\n1 OK"},
    {"2 STATUS {5+}\nINBOX (MESSAGES)", "!+ \n* STATUS INBOX (MESSAGES 1)\n2 OK"}, /* RFC 7888 §3 */
    {"3 RENAME {3+}\na b {3}", "+ "}, /* both kinds in one command */
    {"c d", "3 NO [NONEXISTENT]"},
    {"4 CREATE {0+}\n", "4 NO"}, /* nothing is a string too */
    /* §3: what follows belongs to the same command, refused or not */
    {"5 NOPE {8+}\n6 LOGOUT {4+}\nmore {1}", "5 BAD Unknown command"},
    {"7 STATUS nowhere {10+}\n8 LOGOUT\r\n", "7 BAD"},
    {"9 STATUS {8+}\n9 LOGOUT (MESSAGES)", "9 NO [NONEXISTENT]"},
    {"10 STATUS {5+}\nIN\r\nB (MESSAGES)", "10 NO"}, /* a literal may hold line ends */
    /* what is no announcement */
    {"11 STATUS {5+} (MESSAGES)", "11 BAD"},
    {"12 STATUS {+}", "12 BAD"},
    {"13 STATUS {-1}", "13 BAD"},
    {"14 STATUS {5-}", "14 BAD"},
    {"15 STATUS \"{5+}\nabcde", "15 BAD"}, /* RFC 7888 §3: wherever it stands in the line */
    /* §4: too large, the octets are read and thrown away, or not asked for */
    {"16 STATUS {70000}", "16 BAD [TOOBIG]"},
    {"17 NOOP", "17 OK"},
};
DIALOGUE_TEST(literals_stand_wherever_strings_do, literals_dialogue, "Inbox:1")

/* RFC 7888 §4, 1: answered, read to its end, and no part of it is run. */
START_TEST(a_literal_that_is_too_large_is_read_and_thrown_away)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(1 << 20);

	sbuf_puts(&in, "1 STATUS {140000+}\r\n");
	for (int i = 0; i < 10000; i++)
		sbuf_puts(&in, "2 DELETE Work\r");
	sbuf_puts(&in, " (MESSAGES)\r\n3 NOOP\r\n");
	conn_memory_feed(f->conn, sbuf_view(&in));
	ck_exchange(f, "4 NOOP", "!2 \n1 BAD [TOOBIG]\n3 OK\n4 OK");
}
END_TEST

static const struct dialogue enable_dialogue[] = {
    {"1 ENABLE X-NONE", "* ENABLED\n1 OK"}, /* RFC 5161 §3.1: unknown ones are ignored */
    {"2 ENABLE utf8=accept X-NONE UTF8=ACCEPT", "* ENABLED UTF8=ACCEPT\n2 OK"}, /* §3.1, §3.2 */
    {"3 ENABLE UTF8=ACCEPT", "* ENABLED\n3 OK"}, /* §3.2: what this command enabled */
    {"4 ENABLE IMAP4rev2 QRESYNC", "* ENABLED CONDSTORE QRESYNC IMAP4rev2\n4 OK"},
    {"5 ENABLE", "5 BAD"},
    {"6 ENABLE (X)", "6 BAD"},
    {"7 ENABLE X  Y", "7 BAD"},
};
DIALOGUE_TEST(what_is_enabled_is_told, enable_dialogue, "Inbox:0")

/* RFC 7888 §5, where LITERAL+ is hidden. */
START_TEST(literal_minus_takes_4096_octets_unasked)
{
	static const char *const boxes[] = {"Inbox:0", NULL};
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f =
	    imap_fixture_open_with(boxes, "imapd {\n hide_capabilities = { \"LITERAL+\" }\n}\n");
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(1 << 20);

	struct str got = imap_fixture_ask(f, f->conn, "1 CAPABILITY");
	ck_assert(str_find_nocase(got, STR(" LITERAL- ")) != STR_NONE);
	ck_assert(str_find_nocase(got, STR("LITERAL+")) == STR_NONE);
	for (int more = 0; more < 2; more++) {
		char octets[4098];
		memset(octets, 'x', sizeof(octets));
		sbuf_clear(&in);
		sbuf_printf(
		    &in, "2 APPEND Inbox {%d+}\r\n%.*s\r\n", 4096 + more, 4096 + more, octets);
		sbuf_printf(&in, "3 APPEND Inbox {1+}\r\nx {%d+}\r\n%.*s\r\n", 4096 + more,
		    4096 + more, octets);
		conn_memory_feed(f->conn, sbuf_view(&in));
		ck_exchange(f, "4 NOOP",
		    more ? "2 BAD [TOOBIG]\n3 BAD [TOOBIG]\n4 OK"
			 : "2 OK [APPENDUID # 1]\n3 OK [APPENDUID # 2:3]\n4 OK");
	}
	ck_exchange(f, "5 APPEND Inbox {4097}", "+ ");
}
END_TEST

TEST_MAIN("literals", literal_minus_takes_4096_octets_unasked, literals_stand_wherever_strings_do,
    a_literal_that_is_too_large_is_read_and_thrown_away, what_is_enabled_is_told)
