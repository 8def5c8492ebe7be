/* Values in wire form: RFC 3501 §9. */
#include "imapd/imap_write.h"
#include "tests/imapd/imap_fixture.h"

enum writer { STRING, NSTRING, ASTRING, MAILBOX };

START_TEST(strings_are_written_as_the_grammar_has_them)
{
	static const struct {
		enum writer writer;
		const char *value; /* NULL: NIL */
		const char *wire;
	} rows[] = {
	    {STRING, "abc", "\"abc\""},
	    {STRING, "", "\"\""},
	    {STRING, "a\"b\\c", "\"a\\\"b\\\\c\""},
	    {STRING, "\"\"", "\"\\\"\\\"\""},
	    {STRING, "a\r\nb", "{4}\r\na\r\nb"},
	    {STRING, "gr\xc3\xbc", "{4}\r\ngr\xc3\xbc"},
	    {NSTRING, NULL, "NIL"},
	    {NSTRING, "NIL", "\"NIL\""},
	    {ASTRING, "abc", "abc"},
	    {ASTRING, "NIL", "\"NIL\""},
	    {ASTRING, "a b", "\"a b\""},
	    {ASTRING, "a]", "\"a]\""},
	    {ASTRING, "", "\"\""},
	    {ASTRING, "a{1}", "\"a{1}\""},
	    {MAILBOX, "INBOX", "INBOX"},
	    {MAILBOX, "Entw\xc3\xbcrfe", "Entw&APw-rfe"},
	    {MAILBOX, "a&b", "a&-b"},
	    {MAILBOX, "a/b c", "\"a/b c\""},
	};
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str value = str_of(rows[i].value);

		switch (rows[i].writer) {
		case STRING:
			imap_write_string(f->conn, value);
			break;
		case NSTRING:
			imap_write_nstring(f->conn, value);
			break;
		case ASTRING:
			imap_write_astring(f->conn, value);
			break;
		case MAILBOX:
			imap_write_mailbox(f->session, value);
			break;
		}
		conn_puts(f->conn, "\r\n");
		struct str got = imap_fixture_ask(f, f->conn, "1 NOOP");
		struct str wire = str_of(rows[i].wire);
		ck_assert_msg(
		    str_starts(got, wire) && str_starts(str_skip(got, wire.n), STR("\r\n1 OK")),
		    "%s: %.*s", rows[i].wire, STR_ARG(got));
	}
}
END_TEST

START_TEST(a_long_string_is_a_literal)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	char text[5000];

	memset(text, 'x', sizeof(text));
	imap_write_string(f->conn, str_make(text, sizeof(text)));
	struct str got = imap_fixture_ask(f, f->conn, "1 NOOP");
	ck_assert(str_starts(got, STR("{5000}\r\nxxx")));
}
END_TEST

START_TEST(dates_and_sets_are_written)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	struct uidset set;

	uidset_init(&set, f->arena);
	ck_assert_ok(uidset_add(&set, 1, 3));
	ck_assert_ok(uidset_add(&set, 7, 7));
	ck_assert_ok(uidset_add(&set, 9, UINT32_MAX));
	imap_write_uidset(f->conn, &set);
	conn_puts(f->conn, " ");
	imap_write_internaldate(f->conn, 837596665, -7 * 3600);
	conn_puts(f->conn, " ");
	imap_write_u64(f->conn, UINT64_MAX);
	struct str got = imap_fixture_ask(f, f->conn, "1 NOOP");
	ck_assert(str_starts(
	    got, STR("1:3,7,9:4294967295 \"17-Jul-1996 02:44:25 -0700\" 18446744073709551615")));
}
END_TEST

TEST_MAIN("imap_write", strings_are_written_as_the_grammar_has_them, a_long_string_is_a_literal,
    dates_and_sets_are_written)
