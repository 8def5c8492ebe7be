/* GETMETADATA, SETMETADATA and METADATA: RFC 5464; special uses as entries: RFC 6154 §4. */
#include "tests/imapd/imap_fixture.h"

#include "store/annotation.h"

#include <stdio.h>

static const struct dialogue metadata_dialogue[] = {
    /* RFC 5464 §4.3: values are set, replaced and removed */
    {"1 SETMETADATA INBOX (/private/comment \"My new comment\" /shared/comment {6+}\nfor\r\n! )",
	"1 BAD"},
    {"2 SETMETADATA INBOX (/private/comment \"My own comment\" /shared/comment {4+}\nours)",
	"!* METADATA\n2 OK"},
    {"3 GETMETADATA INBOX /private/comment", /* §4.2 */
	"* METADATA INBOX (/private/comment \"My own comment\")\n3 OK"},
    {"4 GETMETADATA INBOX (/shared/comment /private/comment)",
	"* METADATA INBOX (/shared/comment \"ours\" /private/comment \"My own comment\")\n4 OK"},
    {"5 GETMETADATA INBOX /private/comment /shared/comment", /* as §4.4.1 writes it */
	"* METADATA INBOX (/private/comment \"My own comment\" /shared/comment \"ours\")\n5 OK"},
    {"6 GETMETADATA INBOX /Private/CoMMent", /* §3.2: names in any case */
	"* METADATA INBOX (/private/comment \"My own comment\")\n6 OK"},
    {"7 SETMETADATA INBOX (/PRIVATE/comment {17+}\nacross\ntwo lines)", "7 OK"},
    {"8 GETMETADATA INBOX /private/comment",
	"* METADATA INBOX (/private/comment {17}\nacross\ntwo lines)\n8 OK"},
    {"9 SETMETADATA INBOX (/private/comment NIL)", "9 OK"},
    {"10 GETMETADATA INBOX /private/comment", /* a response is required: §4.2 */
	"* METADATA INBOX (/private/comment NIL)\n10 OK"},
    {"11 SETMETADATA INBOX (/private/comment \"\")", "11 OK"}, /* §3.2: zero octets are a value */
    {"12 GETMETADATA INBOX /private/comment", "* METADATA INBOX (/private/comment \"\")\n12 OK"},
    /* binary: §5, value = nstring / literal8 */
    {"13 SETMETADATA INBOX (/private/comment ~{3+}\nabc)", "13 OK"},
    {"14 SETMETADATA INBOX (/private/comment ~\"abc\")", "14 BAD Expected a literal"},
    {"15 GETMETADATA nowhere /private/comment", "15 NO [NONEXISTENT]"},
    {"16 SETMETADATA nowhere (/private/comment \"x\")", "16 NO [NONEXISTENT]"},
    /* §3.2: invalid entry names are BAD in any command */
    {"17 GETMETADATA INBOX /private//comment", "17 BAD Expected an entry's name"},
    {"18 GETMETADATA INBOX /private/comment/", "18 BAD"},
    {"19 GETMETADATA INBOX /comment", "19 BAD"},
    {"20 GETMETADATA INBOX \"/private/a*\"", "20 BAD"},
    {"21 GETMETADATA INBOX \"/private/a%\"", "21 BAD"},
    {"22 GETMETADATA INBOX \"/private/\xc3\xa4\"", "22 BAD"},
    {"23 SETMETADATA INBOX (/private \"x\")", "23 BAD"}, /* two components at least */
    {"24 SETMETADATA INBOX (/privately/x \"x\")", "24 BAD"},
    {"25 SETMETADATA INBOX (/private/vendor/token \"x\")", "25 BAD"}, /* four, of a vendor */
    {"26 SETMETADATA INBOX (/private/vendor/token/x \"x\")", "26 OK"},
    {"27 SETMETADATA INBOX ()", "27 BAD"},
    {"28 SETMETADATA INBOX (/private/comment)", "28 BAD"},
    {"29 GETMETADATA INBOX", "29 BAD"},
    {"30 GETMETADATA INBOX ()", "30 BAD"},
    {"31 SETMETADATA INBOX (/private/comment atom)", "31 BAD Expected a string"},
    /* §3.3: a \Noselect name has some, too */
    {"32 DELETE top", "32 OK"},
    {"33 SETMETADATA top (/private/comment \"x\")", "33 OK"},
    {"34 GETMETADATA top /private/comment", "* METADATA top (/private/comment \"x\")\n34 OK"},
    {"35 DELETE top/low", "35 OK"}, /* and its own go with it: §4.1 */
    {"36 GETMETADATA top /private/comment", "36 NO [NONEXISTENT]"},
    {"37 CREATE top", "37 OK"},
    {"38 GETMETADATA top /private/comment", "* METADATA top (/private/comment NIL)\n38 OK"},
    {"39 SETMETADATA top (/private/comment \"x\")", "39 OK"},
    {"40 RENAME top bottom", "40 OK"}, /* §4.1 */
    {"41 GETMETADATA bottom /private/comment", "* METADATA bottom (/private/comment \"x\")\n41 OK"},
};
DIALOGUE_TEST(metadata_speaks, metadata_dialogue, "Inbox:0", "top/low:0")

/* RFC 5464 §4.2.1 and §4.2.2 */
static const struct dialogue options_dialogue[] = {
    {"1 SETMETADATA INBOX (/private/a \"1\" /private/a/b \"22\" /private/a/b/c \"333\")", "1 OK"},
    {"2 GETMETADATA INBOX (DEPTH 1) (/private/a)",
	"* METADATA INBOX (/private/a \"1\" /private/a/b \"22\")\n2 OK"},
    {"3 GETMETADATA (DEPTH 1) INBOX (/private/a)", /* as the grammar has it */
	"* METADATA INBOX (/private/a \"1\" /private/a/b \"22\")\n3 OK"},
    {"4 GETMETADATA (DEPTH infinity) INBOX /private",
	"* METADATA INBOX (/private/a \"1\" /private/a/b \"22\" /private/a/b/c \"333\")\n4 OK"},
    {"5 GETMETADATA (DEPTH 0) INBOX /private/a", "* METADATA INBOX (/private/a \"1\")\n5 OK"},
    {"6 GETMETADATA INBOX (MAXSIZE 2 DEPTH infinity) /private/a",
	"* METADATA INBOX (/private/a \"1\" /private/a/b \"22\")\n"
	"6 OK [METADATA LONGENTRIES 3]"},
    {"7 GETMETADATA (MAXSIZE 0) INBOX (/private/a /private/a/b/c)",
	"!* METADATA\n7 OK [METADATA LONGENTRIES 3]"},
    {"8 GETMETADATA INBOX (MAXSIZE 100) /private/a", "* METADATA INBOX (/private/a \"1\")\n8 OK "
						     "GETMETADATA"},
    {"9 GETMETADATA (DEPTH 2) INBOX /private/a", "9 BAD Expected 0, 1 or infinity"},
    {"10 GETMETADATA (SIZE 2) INBOX /private/a", "10 BAD Expected MAXSIZE or DEPTH"},
    {"11 GETMETADATA () INBOX /private/a", "11 BAD"},
    {"11b GETMETADATA INBOX (/private/a /private/a/b /PRIVATE/a)", /* an entry is told once */
	"* METADATA INBOX (/private/a \"1\" /private/a/b \"22\")\n11b OK"},
    {"12 GETMETADATA (DEPTH infinity) INBOX /shared/none",
	"* METADATA INBOX (/shared/none NIL)\n12 OK"},
};
DIALOGUE_TEST(options_speak, options_dialogue, "Inbox:0")

/* RFC 5464 §3.2.1.1, §3.3: an empty name is the server */
static const struct dialogue server_dialogue[] = {
    {"1 GETMETADATA \"\" /shared/comment", "* METADATA \"\" (/shared/comment NIL)\n1 OK"},
    {"2 SETMETADATA \"\" (/shared/comment \"x\")", "2 NO [NOPERM]"},
    {"3 SETMETADATA \"\" (/private/vendor/x/y \"own\")", "3 OK"},
    {"4 GETMETADATA \"\" (DEPTH infinity) /private",
	"* METADATA \"\" (/private/vendor/x/y \"own\")\n4 OK"},
    {"5 GETMETADATA \"\" /shared/admin",
	"* METADATA \"\" (/shared/admin \"mailto:postmaster@example.test\")\n5 OK"},
    {"6 GETMETADATA \"\" (DEPTH 1) /shared",
	"* METADATA \"\" (/shared/admin \"mailto:postmaster@example.test\")\n6 OK"},
    {"7 SETMETADATA \"\" (/shared/admin \"me\")", "7 NO [NOPERM]"},
    {"8 GETMETADATA INBOX /private/vendor/x/y", "* METADATA INBOX (/private/vendor/x/y NIL)\n8 OK"},
    {"9 GETMETADATA \"\" (/private/vendor/x/y /shared/comment)",
	"* METADATA \"\" (/private/vendor/x/y \"own\" /shared/comment NIL)\n9 OK"},
    {"10 GETMETADATA INBOX /shared/admin", "* METADATA INBOX (/shared/admin NIL)\n10 OK"},
};
DIALOGUE_TEST(server_speaks, server_dialogue, "Inbox:0")

/* RFC 5466 §3.2: filters are looked at when they are set; their keys are tested with SEARCH */
static const struct dialogue filter_dialogue[] = {
    {"1 SETMETADATA \"\" (/private/filters/values/boss \"OR SMALLER 5000 FROM "
     "\\\"boss@example.com\\\"\")",
	"1 OK"},
    {"2 GETMETADATA (DEPTH 1) \"\" /private/filters/values",
	"* METADATA \"\" (/private/filters/values/boss \"OR SMALLER 5000 FROM "
	"\\\"boss@example.com\\\"\")\n2 OK"},
    {"3 SETMETADATA \"\" (/private/filters/values/half \"OR SMALLER\")",
	"3 NO [CANNOT] Not a search criterion: expected"},
    {"4 SETMETADATA \"\" (/private/filters/values/half \"\")", "4 NO [CANNOT]"},
    {"5 SETMETADATA \"\" (/private/filters/values/a/b \"ALL\")", "5 NO [CANNOT]"},
    {"6 SETMETADATA \"\" (\"/private/filters/values/a b\" \"ALL\")", "6 NO [CANNOT]"},
    {"7 SETMETADATA \"\" (/private/filters/values/later \"FILTER other\")", "7 OK"},
    {"8 SETMETADATA \"\" (/private/filters/descriptions/boss \"Of the boss\")", "8 OK"},
    {"9 SETMETADATA \"\" (/private/filters/values/boss NIL)", "9 OK"},
    {"10 SETMETADATA INBOX (/private/filters/values/half \"OR SMALLER\")", "10 OK"},
};
DIALOGUE_TEST(filters_are_whole, filter_dialogue, "Inbox:0")

START_TEST(administrators_set_what_all_share)
{
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f = imap_fixture_open_with((const char *const[]){"Inbox:0", NULL},
	    "imapd {\n admins = { \"ann@example.test\" }\n}\n");

	ck_exchange(f, "1 SETMETADATA \"\" (/shared/comment \"Welcome\")", "1 OK");
	ck_exchange(f, "2 GETMETADATA \"\" /shared/comment",
	    "* METADATA \"\" (/shared/comment \"Welcome\")\n2 OK");
	ck_exchange(f, "3 SETMETADATA \"\" (/shared/admin \"me\")", "3 NO [NOPERM]");
	/* RFC 5464 §4.3: private and shared ones in one command, all or none: who may not set one
	 * of them sets none */
	ck_exchange(f, "4 SETMETADATA \"\" (/shared/comment \"x\" /private/comment \"x\")", "4 OK");
	ck_exchange(f, "5 GETMETADATA \"\" (/shared/comment /private/comment)",
	    "* METADATA \"\" (/shared/comment \"x\" /private/comment \"x\")\n5 OK");
	ck_exchange(f,
	    "6 SETMETADATA \"\" (/private/comment \"y\" /shared/admin \"me\" /shared/comment "
	    "\"y\")",
	    "6 NO [NOPERM]");
	ck_exchange(f, "7 GETMETADATA \"\" (/shared/comment /private/comment)",
	    "* METADATA \"\" (/shared/comment \"x\" /private/comment \"x\")\n7 OK");
}
END_TEST

/* RFC 5464 §4.3: what the directory refuses does not leave the half that the account took. */
START_TEST(entries_of_the_server_are_set_all_or_none)
{
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f = imap_fixture_open_with((const char *const[]){"Inbox:0", NULL},
	    "imapd {\n admins = { \"ann@example.test\" }\n}\n");
	char line[200];

	for (int i = 0; i < ANNOTATIONS_MAX; i++) {
		snprintf(line, sizeof(line), "s SETMETADATA \"\" (/shared/vendor/x/%d \"x\")", i);
		ck_exchange(f, line, "s OK");
	}
	ck_exchange(f, "1 SETMETADATA \"\" (/private/comment \"old\")", "1 OK");
	ck_exchange(f,
	    "2 SETMETADATA \"\" (/private/comment \"new\" /private/fresh \"x\" /shared/more \"x\")",
	    "2 NO [METADATA TOOMANY]");
	ck_exchange(f, "3 GETMETADATA \"\" (/private/comment /private/fresh /shared/more)",
	    "* METADATA \"\" (/private/comment \"old\" /private/fresh NIL /shared/more NIL)\n3 OK");
}
END_TEST

/* RFC 6154 §4 and its example in §5.4 */
static const struct dialogue special_use_dialogue[] = {
    {"1 GETMETADATA Drafts /private/specialuse",
	"* METADATA Drafts (/private/specialuse \"\\\\Drafts\")\n1 OK"},
    {"2 GETMETADATA INBOX /private/specialuse", "* METADATA INBOX (/private/specialuse NIL)\n2 OK"},
    {"3 SETMETADATA Saved (/private/specialuse \"\\\\drafts\")", "3 OK"},
    {"4 LIST \"\" (Drafts Saved)", "* LIST (\\HasNoChildren) \"/\" Drafts\n"
				   "* LIST (\\HasNoChildren \\Drafts) \"/\" Saved\n4 OK"},
    {"5 SETMETADATA Sent (/private/specialuse NIL)", "5 OK"},
    {"6 LIST (SPECIAL-USE) \"\" (Sent Drafts Saved)", "!* LIST (\\HasNoChildren)\n"
						      "* LIST (\\HasNoChildren \\Drafts) \"/\" "
						      "Saved\n6 OK"},
    {"7 SETMETADATA Saved (/private/specialuse \"\\\\All\")", "7 NO [USEATTR]"},
    {"8 SETMETADATA Saved (/private/comment \"x\" /private/specialuse \"Sent\")", "8 NO [USEATTR]"},
    {"9 GETMETADATA Saved (/private/comment /private/specialuse)",
	"* METADATA Saved (/private/comment NIL /private/specialuse \"\\\\Drafts\")\n9 OK"},
    {"10 SETMETADATA INBOX (/private/specialuse \"\\\\Sent\")", "10 NO [USEATTR]"},
    {"11 SETMETADATA Saved (/private/specialuse \"\\\\Sent \\\\Archive\")", "11 OK"},
    {"12 LIST (SPECIAL-USE) \"\" *",
	"!* LIST (\\HasNoChildren \\Archive) \"/\" Archive\n"
	"* LIST (\\HasNoChildren \\Sent \\Archive) \"/\" Saved\n12 OK"},
    {"13 CREATE Mine (USE (\\Archive \\Drafts))", "13 OK"}, /* §5.3 */
    {"14 GETMETADATA Mine /private/specialuse",
	"* METADATA Mine (/private/specialuse \"\\\\Archive \\\\Drafts\")\n14 OK"},
    {"15 GETMETADATA Saved /private/specialuse",
	"* METADATA Saved (/private/specialuse \"\\\\Sent\")\n15 OK"},
    {"16 CREATE Other (USE (\\Archive \\Flagged))", "16 NO [USEATTR]"},
    {"17 SELECT Other", "17 NO [NONEXISTENT]"}, /* §3: MUST NOT create the mailbox */
};
DIALOGUE_TEST(special_use_speaks, special_use_dialogue, "Inbox:0", "Saved:0")

/* RFC 5464 §4.3 */
START_TEST(limits_have_their_codes)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	CLEANUP(sbuf_done) struct sbuf long_value = SBUF_INIT(100000);
	CLEANUP(sbuf_done) struct sbuf name = SBUF_INIT(1000);
	char line[100];

	sbuf_puts(
	    &long_value, "1 SETMETADATA INBOX (/private/comment \"x\" /private/long {32769+}\n");
	for (unsigned i = 0; i < 32769; i++)
		sbuf_putc(&long_value, 'x');
	sbuf_puts(&long_value, ")");
	ck_exchange(f, sbuf_cstr(&long_value), "1 NO [METADATA MAXSIZE 32768]");
	/* larger than a command may be: not even asked for */
	ck_exchange(f, "1b SETMETADATA INBOX (/private/comment {1000000}",
	    "1b NO [METADATA MAXSIZE 32768]");
	ck_exchange(f, "2 GETMETADATA INBOX /private/comment",
	    "* METADATA INBOX (/private/comment NIL)\n2 OK"); /* nothing was set */
	for (unsigned i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), "3 SETMETADATA INBOX (/private/x%u \"x\")", i);
		ck_exchange(f, line, "3 OK");
	}
	ck_exchange(
	    f, "4 SETMETADATA INBOX (/private/y \"x\" /shared/y \"x\")", "4 NO [METADATA TOOMANY]");
	ck_exchange(f, "5 GETMETADATA INBOX /shared/y", "* METADATA INBOX (/shared/y NIL)\n5 OK");
	ck_exchange(f, "6 SETMETADATA INBOX (/private/x0 NIL /private/y \"x\")", "6 OK");
	sbuf_puts(&name, "7 SETMETADATA INBOX (/private/");
	for (unsigned i = 0; i < 250; i++)
		sbuf_putc(&name, 'x');
	sbuf_puts(&name, " \"x\")");
	ck_exchange(f, sbuf_cstr(&name), "7 BAD");
	ck_exchange(f, "8 GETMETADATA INBOX (DEPTH 1) /private",
	    "* METADATA INBOX (/private/x1 \"x\" /private/x10 \"x\"\n8 OK");
}
END_TEST

/* More than one output buffer holds, to a slow reader; what is binary comes back as it was. */
START_TEST(long_answers_are_pumped)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	CLEANUP(sbuf_done) struct sbuf line = SBUF_INIT(100000);
	size_t octets = 0;
	bool last = false, binary = false;
	struct str got;

	for (unsigned i = 0; i < 20; i++) {
		line.n = 0;
		sbuf_printf(&line, "1 SETMETADATA INBOX (/private/x%u ~{30000+}\r\n", i);
		for (unsigned k = 0; k < 30000; k++)
			sbuf_putc(&line, k % 100 ? 'x' : '\0');
		sbuf_puts(&line, ")\r\n");
		conn_memory_feed(f->conn, sbuf_view(&line));
		got = conn_memory_output(f->conn, f->arena);
		ck_assert(str_starts(got, STR("1 OK")));
	}
	conn_memory_feed(f->conn, STR("2 GETMETADATA INBOX (DEPTH 1) /private\r\n3 NOOP\r\n"));
	do {
		got = conn_memory_output_some(f->conn, f->arena, 10000);
		octets += got.n;
		last |= str_find_nocase(got, STR("3 OK")) != STR_NONE;
		binary |= str_find_nocase(got, STR("/private/x0 ~{30000}\r\n")) != STR_NONE;
		conn_memory_run(f->conn);
	} while (got.n > 0);
	ck_assert_uint_gt(octets, 600000);
	ck_assert(binary);
	ck_assert(last);
}
END_TEST

/* Names within each other: each entry is told once, and an answer that nobody reads holds names,
 * not values. */
START_TEST(an_answer_that_nobody_reads_holds_little)
{
	static const char *const questions[] = {
	    "2 GETMETADATA (DEPTH infinity) INBOX (", "2 LIST \"\" INBOX RETURN (METADATA ("};
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	CLEANUP(sbuf_done) struct sbuf line = SBUF_INIT(100000);

	for (unsigned i = 0; i < 90; i++) {
		line.n = 0;
		sbuf_printf(&line, "1 SETMETADATA INBOX (/private/a/b/c%u {30000+}\r\n", i);
		for (unsigned k = 0; k < 30000; k++)
			sbuf_putc(&line, 'x');
		sbuf_puts(&line, ")\r\n");
		conn_memory_feed(f->conn, sbuf_view(&line));
		ck_assert(str_starts(conn_memory_output(f->conn, f->arena), STR("1 OK")));
	}
	for (unsigned q = 0; q < ARRAY_LEN(questions); q++) {
		size_t octets = 0;
		struct str got;
		line.n = 0;
		sbuf_printf(&line, "%s/private /private/a /private/a/b", questions[q]);
		for (unsigned i = 0; i < 90; i++)
			sbuf_printf(&line, " /private/a/b/c%u", i);
		sbuf_puts(&line, q ? "))\r\n" : ")\r\n");
		conn_memory_feed(f->conn, sbuf_view(&line));
		ck_assert(f->session->pump.step);
		ck_assert_uint_lt(arena_used(f->session->cmd.arena), 200000);
		do {
			got = conn_memory_output_some(f->conn, f->arena, 60000);
			octets += got.n;
			conn_memory_run(f->conn);
		} while (got.n > 0);
		ck_assert_uint_gt(octets, 90 * 30000);
		ck_assert_uint_lt(octets, 91 * 30100);
	}
}
END_TEST

/* RFC 5464 §4.1, §4.4.2: only after ENABLE, names without values, not of the session's own */
START_TEST(changes_by_others_are_told)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	struct conn *other = imap_fixture_connect(f);

	ck_exchange_on(other, "1 SETMETADATA INBOX (/private/comment \"x\")", "1 OK");
	ck_exchange(f, "2 NOOP", "!* METADATA\n2 OK");
	ck_exchange(f, "3 ENABLE METADATA", "* ENABLED METADATA\n!* METADATA\n3 OK");
	ck_exchange(f, "4 NOOP", "!* METADATA\n4 OK");
	ck_exchange_on(
	    other, "5 SETMETADATA INBOX (/private/comment NIL /shared/comment \"x\")", "5 OK");
	ck_exchange_on(other, "6 SETMETADATA \"\" (/private/comment \"x\")", "6 OK");
	ck_exchange(f, "7 NOOP",
	    "* METADATA \"\" /private/comment\n"
	    "* METADATA INBOX /private/comment /shared/comment\n7 OK");
	ck_exchange(f, "8 NOOP", "!* METADATA\n8 OK");
	ck_exchange(f, "9 SETMETADATA INBOX (/private/own \"x\")", "!* METADATA\n9 OK");
	ck_exchange(f, "10 NOOP", "!* METADATA\n10 OK");
	/* RFC 6154 §5.4: the mailbox that had the use is told of, as if another had changed it */
	ck_exchange(f, "11 SETMETADATA Archive (/private/specialuse \"\\\\Sent\")",
	    "* METADATA Sent /private/specialuse\n11 OK");
	ck_exchange_on(other, "12 NOOP", "!* METADATA\n12 OK");
}
END_TEST

/* RFC 5464 §4.4, RFC 2177: also while nothing is selected */
START_TEST(changes_are_told_in_idle)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	struct conn *other = imap_fixture_connect(f);

	ck_exchange(f, "1 ENABLE METADATA", "1 OK");
	ck_exchange(f, "2 IDLE", "+ idling");
	ck_exchange_on(other, "3 SETMETADATA Sent (/private/comment \"x\")", "3 OK");
	conn_memory_run(f->conn);
	ck_assert_str_is(
	    conn_memory_output(f->conn, f->arena), "* METADATA Sent /private/comment\r\n");
	ck_exchange(f, "DONE", "!* METADATA\n2 OK");
	ck_exchange_on(other, "4 SETMETADATA Sent (/private/comment \"y\")", "4 OK");
	ck_exchange(f, "5 SELECT INBOX", "* METADATA Sent /private/comment\n5 OK");
	ck_exchange(f, "6 IDLE", "+ idling");
	ck_exchange_on(other, "7 SETMETADATA \"\" (/private/comment \"x\")", "7 OK");
	conn_memory_run(f->conn);
	ck_assert_str_is(
	    conn_memory_output(f->conn, f->arena), "* METADATA \"\" /private/comment\r\n");
	ck_exchange(f, "DONE", "6 OK");
}
END_TEST

/* RFC 5464 §4.4.2: those of the server that all share wake the sessions of every account. */
START_TEST(entries_of_the_server_are_told_in_idle)
{
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f = imap_fixture_open_with((const char *const[]){"Inbox:0", NULL},
	    "imapd {\n admins = { \"ann@example.test\" }\n}\n");
	struct conn *bob = imap_fixture_connect_as(f, "bob@example.test");

	ck_exchange_on(bob, "1 ENABLE METADATA", "1 OK");
	ck_exchange_on(bob, "2 IDLE", "+ idling");
	ck_exchange(f, "3 SETMETADATA \"\" (/shared/comment \"x\" /private/comment \"x\")", "3 OK");
	conn_memory_run(bob);
	ck_assert_str_is(conn_memory_output(bob, f->arena), "* METADATA \"\" /shared/comment\r\n");
	ck_exchange_on(bob, "DONE", "!* METADATA\n2 OK");
}
END_TEST

/* RFC 5464 §3.3 with RFC 4314: "l" and one of r, s, w, i, p; what is private is each user's own.
 * RFC 6154 §2: special uses are the owner's. */
START_TEST(shared_mailboxes_have_entries)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0", "Work:0");
	struct conn *bob = imap_fixture_connect_as(f, "bob@example.test");

	ck_exchange(f,
	    "1 SETMETADATA Work (/shared/comment \"ours\" /private/comment \"ann's\" "
	    "/private/specialuse \"\\\\Archive\")",
	    "1 OK");
	ck_exchange_on(bob, "2 GETMETADATA \"Other Users/ann@example.test/Work\" /shared/comment",
	    "2 NO [NONEXISTENT]");
	ck_exchange(f, "3 SETACL Work bob@example.test l", "3 OK");
	ck_exchange_on(bob, "4 GETMETADATA \"Other Users/ann@example.test/Work\" /shared/comment",
	    "4 NO [NOPERM]");
	ck_exchange_on(bob,
	    "5 SETMETADATA \"Other Users/ann@example.test/Work\" (/shared/comment \"x\")",
	    "5 NO [NOPERM]");
	ck_exchange_on(bob,
	    "6 LIST \"\" \"Other Users/*\" RETURN (METADATA (/shared/comment) STATUS (MESSAGES) "
	    "MYRIGHTS)",
	    "!* METADATA\n"
	    "* LIST (\\Noselect \\HasNoChildren) \"/\" \"Other Users/ann@example.test/Work\"\n"
	    "* MYRIGHTS \"Other Users/ann@example.test/Work\" l\n6 OK");
	ck_exchange(f, "7 SETACL Work bob@example.test lr", "7 OK");
	ck_exchange_on(bob,
	    "8 LIST \"\" \"Other Users/*\" RETURN (METADATA (/shared/comment) STATUS (MESSAGES))",
	    "* LIST (\\HasNoChildren) \"/\" \"Other Users/ann@example.test/Work\"\n"
	    "* STATUS \"Other Users/ann@example.test/Work\" (MESSAGES 0)\n"
	    "* METADATA \"Other Users/ann@example.test/Work\" (/shared/comment \"ours\")\n8 OK");
	ck_exchange_on(bob,
	    "9 GETMETADATA \"Other Users/ann@example.test/Work\" "
	    "(/private/comment /private/specialuse)",
	    "* METADATA \"Other Users/ann@example.test/Work\" "
	    "(/private/comment NIL /private/specialuse NIL)\n9 OK");
	ck_exchange_on(bob,
	    "10 SETMETADATA \"Other Users/ann@example.test/Work\" (/private/comment \"bob's\")",
	    "10 OK");
	ck_exchange_on(bob,
	    "11 SETMETADATA \"Other Users/ann@example.test/Work\" (/private/specialuse "
	    "\"\\\\Sent\")",
	    "11 NO [USEATTR]");
	ck_exchange(f, "12 GETMETADATA Work /private/comment",
	    "* METADATA Work (/private/comment \"ann's\")\n12 OK");
	ck_exchange_on(bob, "13 GETMETADATA \"Other Users/ann@example.test/Work\" /private/comment",
	    "* METADATA \"Other Users/ann@example.test/Work\" (/private/comment \"bob's\")\n13 OK");
}
END_TEST

/* RFC 5464 §4.4: of another's mailboxes the one that is selected, under the name it has here */
START_TEST(changes_in_a_shared_mailbox_are_told)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0", "Work:0");
	struct conn *bob = imap_fixture_connect_as(f, "bob@example.test");

	ck_exchange(f, "1 SETACL Work bob@example.test lrw", "1 OK");
	ck_exchange(f, "1 SETACL INBOX bob@example.test lrw", "1 OK");
	ck_exchange_on(bob, "2 ENABLE METADATA", "2 OK");
	ck_exchange_on(bob, "3 SELECT \"Other Users/ann@example.test/Work\"", "3 OK");
	ck_exchange(f, "4 SETMETADATA Work (/shared/comment \"x\" /private/comment \"x\")", "4 OK");
	ck_exchange(f, "5 SETMETADATA INBOX (/shared/comment \"x\")", "5 OK");
	ck_exchange_on(bob, "6 NOOP",
	    "!* METADATA INBOX\n"
	    "* METADATA \"Other Users/ann@example.test/Work\" /shared/comment\n6 OK");
	ck_exchange_on(bob,
	    "7 SETMETADATA \"Other Users/ann@example.test/Work\" (/shared/comment \"y\")",
	    "!* METADATA\n7 OK");
	ck_exchange_on(bob, "8 NOOP", "!* METADATA\n8 OK");
	ck_exchange_on(bob, "9 IDLE", "+ idling");
	ck_exchange(f, "10 SETMETADATA Work (/shared/comment \"z\")", "10 OK");
	conn_memory_run(bob);
	ck_assert_str_is(conn_memory_output(bob, f->arena),
	    "* METADATA \"Other Users/ann@example.test/Work\" /shared/comment\r\n");
	ck_exchange_on(bob, "DONE", "9 OK");
	ck_exchange_on(bob, "11 UNSELECT", "11 OK");
	ck_exchange(f, "12 SETMETADATA Work (/shared/comment \"a\")", "12 OK");
	ck_exchange_on(bob, "13 NOOP", "!* METADATA\n13 OK");
}
END_TEST

TEST_MAIN("metadata", metadata_speaks, options_speak, server_speaks,
    administrators_set_what_all_share, entries_of_the_server_are_set_all_or_none,
    special_use_speaks, limits_have_their_codes, long_answers_are_pumped,
    an_answer_that_nobody_reads_holds_little, changes_by_others_are_told, changes_are_told_in_idle,
    entries_of_the_server_are_told_in_idle, filters_are_whole, shared_mailboxes_have_entries,
    changes_in_a_shared_mailbox_are_told)
