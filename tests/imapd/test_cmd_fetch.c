#include "tests/imapd/imap_fixture.h"

#include <stdio.h>

static const struct dialogue fetch_dialogue[] = {
    {"1 FETCH 1 FLAGS", "1 BAD"}, /* nothing selected yet */
    {"2 SELECT Inbox", "* 3 EXISTS\n2 OK"},
    {"3 FETCH 1:2 FLAGS", "* 1 FETCH (FLAGS (\\Recent))\n* 2 FETCH (FLAGS (\\Recent))\n3 OK"},
    {"4 FETCH 3,1 UID", "* 1 FETCH (UID 1)\n* 3 FETCH (UID 3)\n4 OK"},
    {"5 FETCH *:2 (UID)", "!* 1 FETCH\n* 2 FETCH (UID 2)\n* 3 FETCH (UID 3)\n5 OK"},
    {"6 FETCH 1 FAST", "* 1 FETCH (FLAGS (\\Recent) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" "
		       "RFC822.SIZE 163)\n6 OK"},
    {"7 fetch 1 (internaldate rfc822.size)",
	"* 1 FETCH (INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 163)\n7 OK"},
    {"8 FETCH 1 ENVELOPE",
	"* 1 FETCH (ENVELOPE (\"Wed, 17 Jul 1996 02:23:25 -0700\" \"message 1\" ((\"Bob\" NIL "
	"\"bob\" \"example.test\")) ((\"Bob\" NIL \"bob\" \"example.test\")) ((\"Bob\" NIL \"bob\" "
	"\"example.test\")) ((NIL NIL \"ann\" \"example.test\")) NIL NIL NIL "
	"\"<1@example.test>\"))\n8 OK"},
    {"9 FETCH 1 (BODY BODYSTRUCTURE)",
	"* 1 FETCH (BODY (\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 20 1) "
	"BODYSTRUCTURE (\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 20 1 NIL "
	"NIL NIL "
	"NIL))\n9 OK"},
    {"10 FETCH 2 BODY.PEEK[TEXT]", "* 2 FETCH (BODY[TEXT] {20}\nThis is message 2.\n)\n10 OK"},
    {"11 FETCH 2 (UID BODY.PEEK[1]<5.2> FLAGS)",
	"* 2 FETCH (UID 2 BODY[1]<5> {2}\nis FLAGS (\\Recent))\n11 OK"},
    {"12 FETCH 2 BODY.PEEK[TEXT]<20.10>", "* 2 FETCH (BODY[TEXT]<20> \"\")\n12 OK"},
    {"13 FETCH 2 BODY.PEEK[7]", "* 2 FETCH (BODY[7] NIL)\n13 OK"},
    {"14 FETCH 2 BODY.PEEK[7]<0.5>", "* 2 FETCH (BODY[7]<0> NIL)\n14 OK"},
    {"15 FETCH 1 BODY.PEEK[HEADER.FIELDS (Subject \"to\")]",
	"* 1 FETCH (BODY[HEADER.FIELDS (Subject to)] {44}\nTo: ann@example.test\nSubject: message "
	"1\n\n)\n15 OK"},
    {"16 UID FETCH 2 RFC822.HEADER", "* 2 FETCH (UID 2 RFC822.HEADER {143}\nFrom: Bob\n)\n16 OK"},
    {"17 UID FETCH 1:* FLAGS", "* 1 FETCH (UID 1 FLAGS (\\Recent))\n* 2 FETCH (UID 2 FLAGS "
			       "(\\Recent))\n* 3 FETCH (UID 3 FLAGS (\\Recent))\n17 OK"},
    {"18 UID FETCH 99:* (FLAGS UID)", "* 3 FETCH (FLAGS (\\Recent) UID 3)\n18 OK"},
    {"19 UID FETCH 99 FLAGS", "!* 3 FETCH\n19 OK"}, /* §6.4.8: ignored */
    {"20 FETCH 4 FLAGS", "20 BAD"},
    {"21 FETCH 1:4 FLAGS", "!* 1 FETCH\n21 BAD"},
    {"22 FETCH 0 FLAGS", "22 BAD"},
    {"23 FETCH 1 (FLAGS", "23 BAD"},
    {"24 FETCH 1 NOTHING", "24 BAD"},
    {"25 FETCH 1", "25 BAD"},
    {"26 FETCH", "26 BAD"},
    {"27 FETCH 1 FLAGS ", "27 BAD"},
    {"28 UID FETCH", "28 BAD"},
    {"29 FETCH 1 (BODY.PEEK[TEXT] BODY.PEEK[HEADER.FIELDS (X)])",
	"* 1 FETCH (BODY[TEXT] {20}\nThis is message 1.\n BODY[HEADER.FIELDS (X)] {2}\n\n)\n29 OK"},
};
DIALOGUE_TEST(fetch_speaks, fetch_dialogue, "Inbox:3")

/* RFC 3501 §6.4.5, §7.4.2: the flag is set and told in the same response */
static const struct dialogue seen_dialogue[] = {
    {"1 SELECT Inbox", "* 4 EXISTS\n1 OK"},
    {"2 FETCH 1 BODY.PEEK[]", "!* 1 FETCH (FLAGS\n* 1 FETCH\nThis is\n)\n2 OK"},
    {"3 FETCH 1 FLAGS", "* 1 FETCH (FLAGS (\\Recent))\n3 OK"},
    {"4 FETCH 1 BODY[TEXT]<0.4>",
	"* 1 FETCH (BODY[TEXT]<0> {4}\nThis FLAGS (\\Seen \\Recent))\n4 OK"},
    {"5 FETCH 1 BODY[TEXT]<0.4>", "* 1 FETCH (BODY[TEXT]<0> {4}\nThis)\n5 OK"},
    {"6 FETCH 2 (FLAGS RFC822.TEXT)",
	"* 2 FETCH (FLAGS (\\Seen \\Recent) RFC822.TEXT {20}\nThis is message 2.\n)\n6 OK"},
    {"7 UID FETCH 3 RFC822", "* 3 FETCH (UID 3 RFC822 {163}\n FLAGS (\\Seen \\Recent))\n7 OK"},
    {"8 EXAMINE Inbox", "8 OK"},
    {"9 FETCH 4 BODY[TEXT]", "* 4 FETCH (BODY[TEXT] {20}\nThis\n)\n9 OK"},
    {"10 FETCH 4 FLAGS", "* 4 FETCH (FLAGS ())\n10 OK"},
    {"11 SELECT Inbox", "11 OK"},
    {"12 FETCH 3:4 BODY[TEXT]<0.1>",
	"* 3 FETCH (BODY[TEXT]<0> {1}\nT)\n* 4 FETCH (BODY[TEXT]<0> {1}\nT FLAGS (\\Seen))\n12 OK"},
    {"13 NOOP", "!* 4 FETCH\n13 OK"}, /* not told twice */
    {"14 FETCH 1:* FLAGS", "* 1 FETCH (FLAGS (\\Seen))\n* 2 FETCH (FLAGS (\\Seen))\n* 3 FETCH "
			   "(FLAGS (\\Seen))\n* 4 FETCH (FLAGS (\\Seen))\n14 OK"},
};
DIALOGUE_TEST(reading_sets_seen, seen_dialogue, "Inbox:4")

START_TEST(sections_are_those_of_the_stored_octets)
{
	static const char message[] =
	    "Subject: outer\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n"
	    "--o\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nX: 1\r\n\r\ninside\r\n"
	    "--o\r\n\r\n\r\n--o--\r\n";
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");

	imap_fixture_deliver(f, "Inbox", str_of(message));
	ck_exchange(f, "1 SELECT Inbox", "* 1 EXISTS\n1 OK");
	struct str got = imap_fixture_ask(f, f->conn,
	    "2 FETCH 1 (BODY.PEEK[1.HEADER] BODY.PEEK[1.HEADER.FIELDS (x)] BODY.PEEK[1.1] "
	    "BODY.PEEK[1.MIME] BODY.PEEK[2] BODY.PEEK[2.TEXT])");
	ck_assert_str_is(got,
	    "* 1 FETCH (BODY[1.HEADER] {24}\r\nSubject: inner\r\nX: 1\r\n\r\n "
	    "BODY[1.HEADER.FIELDS (x)] {8}\r\nX: 1\r\n\r\n BODY[1.1] {6}\r\ninside "
	    "BODY[1.MIME] {32}\r\nContent-Type: message/rfc822\r\n\r\n BODY[2] \"\" BODY[2.TEXT] "
	    "NIL)\r\n2 OK FETCH completed\r\n");
	got = imap_fixture_ask(f, f->conn, "3 FETCH 1 BODY.PEEK[]");
	ck_assert_uint_eq(got.n, sizeof(message) - 1 +
				     strlen("* 1 FETCH (BODY[] {000}\r\n)\r\n3 "
					    "OK FETCH completed\r\n"));
	ck_assert(memmem(got.p, got.n, message, sizeof(message) - 1) != NULL);
}
END_TEST

START_TEST(a_nul_never_reaches_a_client)
{
	static const char message[] = "Subject: a\0b\r\nX: \0\r\n\r\nin\0side\r\n";
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");

	imap_fixture_deliver(f, "Inbox", str_make(message, sizeof(message) - 1));
	ck_exchange(f, "1 SELECT Inbox", "* 1 EXISTS\n1 OK");
	/* RFC 3501 §4.3, §9 CHAR8: as many octets, none of them NUL */
	struct str got = imap_fixture_ask(f, f->conn,
	    "2 FETCH 1 (BODY.PEEK[] BODY.PEEK[HEADER.FIELDS (x)] BODY.PEEK[TEXT]<2.2> RFC822.SIZE "
	    "ENVELOPE BODYSTRUCTURE)");
	ck_assert(memchr(got.p, '\0', got.n) == NULL);
	ck_assert(str_starts(
	    got, STR("* 1 FETCH (BODY[] {31}\r\nSubject: a\x80"
		     "b\r\nX: \x80\r\n\r\nin\x80side\r\n "
		     "BODY[HEADER.FIELDS (x)] {8}\r\nX: \x80\r\n\r\n BODY[TEXT]<2> {2}\r\n\x80s "
		     "RFC822.SIZE 31 ")));
	ck_exchange(f, "3 SEARCH SUBJECT a", "* SEARCH 1\n3 OK");
}
END_TEST

START_TEST(messages_expunged_by_others_are_left_out_and_said)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:3");
	struct conn *other = imap_fixture_connect(f);

	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	ck_exchange_on(other, "1 SELECT Inbox", "1 OK");
	ck_exchange_on(other, "2 STORE 2 +FLAGS.SILENT (\\Deleted)", "2 OK");
	ck_exchange_on(other, "3 EXPUNGE", "3 OK");
	imap_fixture_clean(f);
	/* RFC 2180 §4.1.2, RFC 5530 §3; no EXPUNGE during FETCH (RFC 3501 §7.4.1) */
	ck_exchange(f, "2 FETCH 1:3 INTERNALDATE",
	    "!* 2 FETCH\n!* 2 EXPUNGE\n* 1 FETCH\n* 3 FETCH\n2 NO [EXPUNGEISSUED]");
	/* what the session has been told is told again all the same */
	ck_exchange(f, "3 FETCH 1:3 (RFC822.SIZE FLAGS)",
	    "* 1 FETCH\n* 2 FETCH (RFC822.SIZE #\n* 3 FETCH\n3 OK");
	ck_exchange(
	    f, "4 UID FETCH 2:3 INTERNALDATE", "!* 2 FETCH\n* 3 FETCH (UID 3\n* 2 EXPUNGE\n4 OK");
	ck_exchange(f, "5 FETCH 1:2 INTERNALDATE", "* 1 FETCH\n* 2 FETCH\n5 OK");
}
END_TEST

/* -- large messages, slow readers ------------------------------------------------------------- */

static void
fill(struct sbuf *b, size_t n, unsigned seed)
{
	while (b->n < n) {
		seed = seed * 1103515245 + 12345;
		sbuf_printf(b, "%08x line of a large message, one among many\r\n", seed);
	}
}

/* Reads all that comes, `step` octets at a time; *ret_most is how much ever waited. */
static struct str
read_slowly(struct conn *c, struct arena *arena, size_t step, size_t *ret_most)
{
	CLEANUP(sbuf_done) struct sbuf all = SBUF_INIT(256 << 20);

	*ret_most = 0;
	for (;;) {
		struct str got = conn_memory_output_some(c, arena, step);
		if (got.n == 0)
			break;
		sbuf_put(&all, got);
		if (conn_out_pending(c) > *ret_most)
			*ret_most = conn_out_pending(c);
		arena_reset(arena);
		conn_memory_run(c);
	}
	arena_reset(arena);
	return arena_dup(arena, sbuf_view(&all));
}

START_TEST(a_large_message_passes_in_bounded_memory_and_whole)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	CLEANUP(arena_free) struct arena *arena = arena_new(256 << 20);
	CLEANUP(sbuf_done) struct sbuf message = SBUF_INIT(16 << 20);
	size_t most;

	sbuf_puts(&message, "Subject: large\r\n\r\n");
	fill(&message, 8 << 20, 1);
	imap_fixture_deliver(f, "Inbox", sbuf_view(&message));
	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	conn_memory_feed(f->conn, STR("2 FETCH 1 (BODY.PEEK[] BODY.PEEK[TEXT]<1.9> UID)\r\n"));
	struct str got = read_slowly(f->conn, arena, 100000, &most);

	ck_assert_uint_lt(most, CONN_OUT_HIGH + 70000);
	char head[64];
	snprintf(head, sizeof(head), "* 1 FETCH (BODY[] {%zu}\r\n", message.n);
	ck_assert(str_starts(got, str_of(head)));
	ck_assert(str_eq(str_sub(got, strlen(head), message.n), sbuf_view(&message)));
	struct str rest = str_skip(got, strlen(head) + message.n);
	ck_assert(str_starts(rest, STR(" BODY[TEXT]<1> {9}\r\n")));
	ck_assert(str_ends_nocase(rest, STR(" UID 1)\r\n2 OK FETCH completed\r\n")));
}
END_TEST

/* A telephone on a slow line reads what the desktop expunges: a literal that has begun is finished,
 * and so is the response. */
START_TEST(a_message_that_is_being_read_may_be_expunged_by_another)
{
	static const struct {
		size_t size;
		const char *items, *end;
	} rows[] = {
	    {60000, "(BODY.PEEK[] UID)", " UID 2)\r\n2 OK FETCH completed\r\n"},
	    {3000000, "BODY.PEEK[]", ")\r\n2 OK FETCH completed\r\n"},
	    {3000000, "BODY.PEEK[TEXT]", ")\r\n2 OK FETCH completed\r\n"},
	    {3000000, "(BODY.PEEK[]<100.2900000> RFC822.SIZE)", ")\r\n2 NO [EXPUNGEISSUED]"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");
		CLEANUP(sbuf_done) struct sbuf message = SBUF_INIT(8 << 20);
		CLEANUP(arena_free) struct arena *arena = arena_new(64 << 20);
		struct conn *other = imap_fixture_connect(f);
		size_t most;

		sbuf_puts(&message, "Subject: large\r\n\r\n");
		fill(&message, rows[i].size, 1);
		imap_fixture_deliver(f, "Inbox", sbuf_view(&message));
		ck_exchange(f, "1 SELECT Inbox", "* 2 EXISTS\n1 OK");
		conn_memory_feed(f->conn, arena_printf(arena, "2 FETCH 2 %s\r\n", rows[i].items));
		struct str head = conn_memory_output_some(f->conn, f->arena, 20);
		ck_exchange_on(other, "1 SELECT Inbox", "1 OK");
		ck_exchange_on(other, "2 STORE 2 +FLAGS.SILENT (\\Deleted)", "2 OK");
		ck_exchange_on(other, "3 EXPUNGE", "* 2 EXPUNGE\n3 OK");
		imap_fixture_clean(f);
		struct str rest = read_slowly(f->conn, arena, 50000, &most);
		ck_assert_msg(str_starts(head, STR("* 2 FETCH (BODY[")), "%.*s", STR_ARG(head));
		struct str tail = str_skip(rest, rest.n > 300 ? rest.n - 300 : 0);
		ck_assert_msg(memmem(tail.p, tail.n, rows[i].end, strlen(rows[i].end)) != NULL,
		    "%s: %.*s", rows[i].items, STR_ARG(tail));
		struct str last = str_skip(sbuf_view(&message), message.n - 200000 / (i ? 1 : 10));
		if (i == 3)
			last = str_sub(last, 0, 50000);
		ck_assert_ptr_nonnull(memmem(rest.p, rest.n, last.p, last.n));
		ck_exchange(f, "3 NOOP", "* 2 EXPUNGE\n3 OK");
	}
}
END_TEST

START_TEST(a_large_mailbox_passes_in_bounded_memory)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Many:1");
	CLEANUP(arena_free) struct arena *arena = arena_new(256 << 20);
	size_t most, lines = 0;

	ck_exchange(f, "1 SELECT Many", "1 OK");
	for (int i = 0; i < 12; i++) /* 1 → 4096 messages */
		ck_exchange(f, "2 COPY 1:* Many", "2 OK [COPYUID");
	conn_memory_feed(f->conn, STR("3 FETCH 1:* (FLAGS ENVELOPE RFC822.HEADER)\r\n"));
	struct str got = read_slowly(f->conn, arena, 50000, &most);
	ck_assert_uint_lt(most, CONN_OUT_HIGH + 70000);
	for (size_t at = 0; at + 9 < got.n; at++)
		lines += memcmp(got.p + at, " FETCH (F", 9) == 0;
	ck_assert_uint_eq(lines, 4096);
	ck_assert(str_ends_nocase(got, STR("\r\n3 OK FETCH completed\r\n")));
}
END_TEST

/* A literal that was announced and can't be finished must not be filled with anything else. */
START_TEST(a_message_lost_within_its_literal_ends_the_connection)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	CLEANUP(arena_free) struct arena *arena = arena_new(256 << 20);
	CLEANUP(sbuf_done) struct sbuf message = SBUF_INIT(16 << 20);
	CLEANUP(sbuf_done) struct sbuf all = SBUF_INIT(16 << 20);
	char command[300];

	sbuf_puts(&message, "Subject: large\r\n\r\n");
	fill(&message, 3 << 20, 2);
	imap_fixture_deliver(f, "Inbox", sbuf_view(&message));
	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	conn_memory_feed(f->conn, STR("2 FETCH 1 BODY.PEEK[]\r\n3 NOOP\r\n"));
	sbuf_put(&all, conn_memory_output_some(f->conn, arena, 100000));
	snprintf(command, sizeof(command),
	    "find '%s' -path '*blobs*' -type f -exec truncate -s 2000000 {} +", f->dir);
	ck_assert_int_eq(system(command), 0);
	conn_memory_run(f->conn);
	sbuf_put(&all, conn_memory_output(f->conn, f->arena));
	ck_assert(conn_memory_closed(f->conn));
	struct str octets = str_skip(sbuf_view(&all), strlen("* 1 FETCH (BODY[] {3145771}\r\n"));
	ck_assert_uint_lt(octets.n, message.n);
	ck_assert(str_eq(octets, str_sub(sbuf_view(&message), 0, octets.n)));
}
END_TEST

/* One that is lost before its literal is announced costs itself only. */
START_TEST(a_message_that_can_not_be_read_is_left_out)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");
	CLEANUP(sbuf_done) struct sbuf message = SBUF_INIT(16 << 20);
	char command[300];

	sbuf_puts(&message, "Subject: large\r\n\r\n");
	fill(&message, 1 << 20, 3);
	imap_fixture_deliver(f, "Inbox", sbuf_view(&message));
	imap_fixture_make(f, "Inbox:1");
	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	snprintf(command, sizeof(command), "find '%s' -path '*blobs*' -type f -delete", f->dir);
	ck_assert_int_eq(system(command), 0);
	ck_exchange(f, "2 FETCH 1:3 BODY.PEEK[TEXT]",
	    "* 1 FETCH (BODY[TEXT] {\n* 2 FETCH (UID 2)\n* 3 FETCH (BODY[TEXT] {\n2 NO [");
	ck_exchange(f, "3 FETCH 2 (FLAGS BODY.PEEK[TEXT] RFC822.SIZE)",
	    "* 2 FETCH (FLAGS (\\Recent))\n3 NO [");
	ck_exchange(f, "4 FETCH 2 (RFC822.SIZE BODY.PEEK[HEADER])",
	    "* 2 FETCH (RFC822.SIZE # BODY[HEADER] {18}\nSubject: large\n4 OK");
}
END_TEST

/* Fields are looked for as far as a header is parsed at delivery: 1 MiB. */
START_TEST(a_header_of_any_size_passes)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	CLEANUP(arena_free) struct arena *arena = arena_new(256 << 20);
	CLEANUP(sbuf_done) struct sbuf message = SBUF_INIT(16 << 20);
	size_t most;

	sbuf_puts(&message, "Subject: first\r\n");
	for (int i = 0; message.n < 300000; i++)
		sbuf_printf(&message, "X-Filler-%d: some value or other, %d\r\n", i, i);
	sbuf_puts(&message, "X-Near: here\r\n");
	while (message.n < 3 << 20)
		sbuf_puts(&message, "X-Filler: some value or other\r\n");
	sbuf_puts(&message, "X-Far: there\r\n\r\n");
	size_t header_n = message.n;
	sbuf_puts(&message, "body\r\n");
	imap_fixture_deliver(f, "Inbox", sbuf_view(&message));
	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	ck_exchange(f, "2 FETCH 1 BODY.PEEK[HEADER.FIELDS (Subject X-Near X-Far)]",
	    "* 1 FETCH (BODY[HEADER.FIELDS (Subject X-Near X-Far)] {32}\nSubject: first\nX-Near: "
	    "here\n\n)\n2 OK");
	ck_exchange(f, "3 SEARCH HEADER x-near HERE SUBJECT first", "* SEARCH 1\n3 OK");
	ck_exchange(f, "4 SEARCH TEXT \"some value or other, 99\" BODY body", "* SEARCH 1\n4 OK");
	ck_exchange(f, "5 SEARCH HEADER x-far there", "* SEARCH\n5 OK");
	conn_memory_feed(f->conn, STR("6 FETCH 1 BODY.PEEK[HEADER]\r\n"));
	struct str got = read_slowly(f->conn, arena, 100000, &most);
	ck_assert_uint_lt(most, CONN_OUT_HIGH + 70000);
	struct str octets = str_skip(got, str_find(got, '\n') + 1);
	ck_assert(str_eq(str_sub(octets, 0, header_n), str_sub(sbuf_view(&message), 0, header_n)));
	ck_assert_str_is(str_skip(octets, header_n), ")\r\n6 OK FETCH completed\r\n");
}
END_TEST

/* RFC 3501 §6.4.5: BODY[] sets \Seen, whatever the client had been told before. */
START_TEST(what_became_unread_meanwhile_is_set_seen)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:2");
	struct conn *other = imap_fixture_connect(f);

	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	ck_exchange(f, "2 STORE 1:2 +FLAGS (\\Seen)", "2 OK");
	ck_exchange_on(other, "1 SELECT Inbox", "1 OK");
	ck_exchange_on(other, "2 STORE 1 FLAGS (\\Answered)", "2 OK");
	ck_exchange(f, "3 FETCH 1:2 BODY[]<0.1>",
	    "* 1 FETCH (BODY[]<0> {1}\nF FLAGS (\\Answered \\Seen \\Recent))\n"
	    "* 2 FETCH (BODY[]<0> {1}\nF)\n3 OK");
	ck_exchange_on(other, "3 FETCH 1 FLAGS", "* 1 FETCH (FLAGS (\\Answered \\Seen))\n3 OK");
}
END_TEST

TEST_MAIN("cmd_fetch", what_became_unread_meanwhile_is_set_seen, a_nul_never_reaches_a_client,
    fetch_speaks, reading_sets_seen, sections_are_those_of_the_stored_octets,
    messages_expunged_by_others_are_left_out_and_said,
    a_large_message_passes_in_bounded_memory_and_whole,
    a_message_that_is_being_read_may_be_expunged_by_another,
    a_large_mailbox_passes_in_bounded_memory, a_header_of_any_size_passes,
    a_message_lost_within_its_literal_ends_the_connection,
    a_message_that_can_not_be_read_is_left_out)
