/* Sessions: greeting, states, reading, limits. */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "imapd/imap_command.h"
#include "store/changes.h"
#include "tests/imapd/imap_fixture.h"

#include <stdio.h>

static const struct dialogue simple_dialogue[] = {
    {"1 NOOP", "1 OK NOOP completed"},
    {"2 noop", "2 OK"},
    {"3 NOOP ", "3 BAD Expected end of line at position 7"},
    {"4 XYZZY", "4 BAD Unknown command"},
    {"", "* BAD"},
    {"tag", "* BAD"},
    {" NOOP", "* BAD"},
    {"a+b NOOP", "* BAD"}, /* RFC 3501 §9: no "+" in a tag */
    {"5 CAPABILITY", "* CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE NAMESPACE\n5 OK"},
    {"6 NAMESPACE",
	"* NAMESPACE ((\"\" \"/\")) ((\"Other Users/\" \"/\")) NIL\n6 OK"}, /* RFC 2342 §5 */
    {"7 ID NIL", "* ID (\"name\" \"Pillarbox\")\n7 OK"}, /* RFC 2971 §3.2 */
    {"8 ID (\"name\" \"test\" \"version\" NIL)", "* ID (\n8 OK"},
    {"9 ID (name x)", "9 BAD"},
    {"10 ENABLE CONDSTORE X-UNKNOWN", "* ENABLED\n10 OK"}, /* RFC 5161 §3.1 */
    {"11 ENABLE", "11 BAD"},
    {"12 CHECK", "12 BAD Select a mailbox first"},
    {"13 LOGIN a b", "13 BAD Already logged in"},
    {"14 UID NOOP", "14 BAD Unknown command"},
    {"15 UNSELECT", "15 BAD"},
    {"16 SELECT {5}", "+ "},
    {"INBOX", "* 0 EXISTS\n16 OK [READ-WRITE]"},
    {"17 SELECT {5+}\nINBOX", "* 0 EXISTS\n17 OK [READ-WRITE]"}, /* RFC 7888 */
    {"18 CHECK", "18 OK"},
    {"19 NO\nOP", "19 BAD\n* BAD"},
    {"20 NOOP\n21 NOOP\n22 NOOP", "20 OK\n21 OK\n22 OK"}, /* pipelined: in order */
    {"23 LOGOUT", "* BYE Logging out\n23 OK LOGOUT completed\n<closed>"},
};
DIALOGUE_TEST(sessions_speak, simple_dialogue, "Inbox:0")

START_TEST(every_error_has_an_answer)
{
	for (int e = 0; e < ERR__COUNT; e++) {
		const struct imap_err_row *row = imap_err_row((enum err)e);
		ck_assert_msg(row->condition, "%s", err_name((enum err)e));
		if (e && err_class((enum err)e) != ERR_CLASS_CLIENT)
			ck_assert_msg(row->code, "%s has no code", err_name((enum err)e));
	}
}
END_TEST

/* Every row of the table, in every state: what the states column forbids is BAD (NO after a lost
 * mailbox), all else is answered by its handler, and the session goes on. */
START_TEST(every_command_is_answered_in_every_state)
{
	static const unsigned states[] = {ST_AUTH, ST_SELECTED};
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");
	size_t n;
	const struct imap_command *rows = imap_all_commands(&n);

	for (size_t i = 0; i < 2 * n; i++) {
		const struct imap_command *row = &rows[i / 2];
		struct conn *c = imap_fixture_connect(f);
		char line[100];

		if (states[i % 2] == ST_SELECTED)
			ck_exchange_on(c, "0 SELECT INBOX", "* 1 EXISTS\n0 OK");
		snprintf(line, sizeof(line), "7 %s", row->name);
		struct str got = imap_fixture_ask(f, c, line);
		bool forbidden = !(row->states & states[i % 2]);
		ck_assert_msg(!forbidden || str_starts(got, STR("7 BAD ")), "%s in state %u: %.*s",
		    row->name, states[i % 2], STR_ARG(got));
		if (strcmp(row->name, "IDLE") == 0)
			ck_exchange_on(c, "DONE", "7 OK");
		if (strcmp(row->name, "LOGOUT") != 0) {
			ck_assert_msg(strcmp(row->name, "IDLE") == 0 ||
					  str_find_nocase(got, STR("7 OK")) != STR_NONE ||
					  str_find_nocase(got, STR("7 BAD")) != STR_NONE,
			    "%s: %.*s", row->name, STR_ARG(got));
			ck_exchange_on(c, "8 NOOP", "8 OK");
		}
		imap_fixture_drop(f);
	}
}
END_TEST

START_TEST(every_command_is_answered_before_login)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");
	size_t n;
	const struct imap_command *rows = imap_all_commands(&n);

	for (size_t i = 0; i < n; i++) {
		struct conn *c = imap_fixture_stranger(f, NULL);
		char line[100];

		conn_memory_output(c, f->arena);
		snprintf(line, sizeof(line), "7 %s", rows[i].name);
		struct str got = imap_fixture_ask(f, c, line);
		if (!(rows[i].states & ST_GREET))
			ck_assert_msg(str_starts(got, STR("7 BAD Log in first")), "%s: %.*s",
			    rows[i].name, STR_ARG(got));
		else
			ck_assert_msg(got.n > 0, "%s", rows[i].name);
		imap_fixture_drop(f);
	}
}
END_TEST

START_TEST(the_greeting_offers_what_is_possible_now)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	const struct conn_memory_options far = {.remote = true, .tls_available = true};
	const struct conn_memory_options far_tls = {.remote = true, .tls = true};

	struct conn *c = imap_fixture_stranger(f, NULL);
	struct str greeting = conn_memory_output(c, f->arena);
	ck_assert(str_starts(greeting, STR("* OK [CAPABILITY IMAP4rev1 LITERAL+ SASL-IR ")));
	ck_assert(str_find_nocase(greeting, STR(" AUTH=PLAIN")) != STR_NONE);
	ck_assert(str_find_nocase(greeting, STR("LOGINDISABLED")) == STR_NONE);
	ck_assert(str_find_nocase(greeting, STR("STARTTLS")) == STR_NONE);
	ck_assert(str_find_nocase(greeting, STR("IDLE")) == STR_NONE);

	c = imap_fixture_stranger(f, &far);
	greeting = conn_memory_output(c, f->arena);
	ck_assert(str_find_nocase(greeting, STR(" STARTTLS LOGINDISABLED")) != STR_NONE);
	ck_assert(str_find_nocase(greeting, STR(" AUTH=PLAIN")) == STR_NONE);
	ck_exchange_on(c, "1 LOGIN a b", "1 NO [PRIVACYREQUIRED]");
	/* refused before the client sends what should not be read on the way */
	ck_exchange_on(c, "1 LOGIN {3}", "1 NO [PRIVACYREQUIRED]");
	ck_exchange_on(c, "1 LOGIN {3+}\nann {3+}\nabc\n5 NOOP", "1 NO [PRIVACYREQUIRED]\n5 OK");
	ck_exchange_on(c, "2 AUTHENTICATE PLAIN", "2 NO [PRIVACYREQUIRED]");
	ck_exchange_on(c, "3 STARTTLS", "3 OK Begin TLS now");

	c = imap_fixture_stranger(f, &far_tls);
	greeting = conn_memory_output(c, f->arena);
	ck_assert(str_find_nocase(greeting, STR("LOGINDISABLED")) == STR_NONE);
	ck_assert(str_find_nocase(greeting, STR("STARTTLS")) == STR_NONE);
	ck_exchange_on(c, "1 STARTTLS", "1 BAD TLS is already on");
}
END_TEST

START_TEST(hidden_capabilities_are_not_offered)
{
	const char *const boxes[] = {NULL};
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f =
	    imap_fixture_open_with(boxes, "imapd { hide_capabilities = {\"IDLE\", \"move\"} }\n");

	struct str got = imap_fixture_ask(f, f->conn, "1 CAPABILITY");
	ck_assert(str_find_nocase(got, STR(" UIDPLUS ")) != STR_NONE);
	ck_assert(str_find_nocase(got, STR(" IDLE")) == STR_NONE);
	ck_assert(str_find_nocase(got, STR(" MOVE")) == STR_NONE);
}
END_TEST

/* RFC 3501 §6.2.1, RFC 9051 §6.2.1: what came before the handshake is not the client's. */
START_TEST(plaintext_behind_starttls_is_never_run)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	const struct conn_memory_options far = {.remote = true, .tls_available = true};
	struct conn *c = imap_fixture_stranger(f, &far);

	conn_memory_output(c, f->arena);
	struct str got = imap_fixture_ask(f, c, "1 STARTTLS\r\n2 NOOP");
	ck_assert(str_starts(got, STR("1 OK")));
	ck_assert(str_find_nocase(got, STR("2 OK")) == STR_NONE);
	ck_exchange_on(c, "3 NOOP", "3 OK");
}
END_TEST

/* A line of `n` octets: "9 NOOP xxxx…" */
static struct str
long_line(struct imap_fixture *f, const char *head, size_t n, const char *end)
{
	char *p = arena_alloc(f->arena, n + 100);
	size_t at = strlen(head);

	memset(p, 'x', n);
	memcpy(p, head, at);
	memcpy(p + n, end, strlen(end));
	return str_make(p, n + strlen(end));
}

START_TEST(what_is_too_long_is_refused_and_its_rest_never_run)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	struct conn *c = f->conn;

	conn_memory_feed(c, long_line(f, "9 NOOP ", 70000, "\r\n10 NOOP\r\n"));
	struct str got = conn_memory_output(c, f->arena);
	ck_assert(str_starts(got, STR("9 BAD [TOOBIG]")));
	ck_assert(str_find_nocase(got, STR("10 OK")) != STR_NONE);

	conn_memory_feed(c, long_line(f, "11 ", 700000, "{9+}\r\n12 LOGOUT\r\n13 NOOP\r\n"));
	got = conn_memory_output(c, f->arena);
	ck_assert(str_starts(got, STR("11 BAD [TOOBIG]")));
	ck_assert(str_find_nocase(got, STR("BYE")) == STR_NONE);
	ck_assert(str_find_nocase(got, STR("13 OK")) != STR_NONE);

	ck_exchange_on(c, "14 SELECT {1000000}", "14 BAD [TOOBIG]");
	ck_exchange_on(c, "15 NOOP", "15 OK");
	conn_memory_feed(c, STR("16 SELECT {1000000+}\r\n"));
	conn_memory_feed(c, long_line(f, "", 1000000, " {4+}\r\n99 x\r\n17 NOOP\r\n"));
	got = conn_memory_output(c, f->arena);
	ck_assert(str_starts(got, STR("16 BAD [TOOBIG]")));
	ck_assert(str_find_nocase(got, STR("99 ")) == STR_NONE);
	ck_assert(str_find_nocase(got, STR("17 OK")) != STR_NONE);
}
END_TEST

/* A literal whose size is written so long that the end of the refused line does not show it. */
START_TEST(a_refused_line_with_an_endless_size_ends_the_session)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");

	conn_memory_feed(f->conn, long_line(f, "1 ", 70000,
				      "{0000000000000000000000000000000000000000000000009+}\r\n"
				      "2 LOGOUT\r\n3 NOOP\r\n"));
	struct str got = conn_memory_output(f->conn, f->arena);
	ck_assert(str_starts(got, STR("1 BAD [TOOBIG]")));
	ck_assert(str_find_nocase(got, STR("* BYE [TOOBIG]")) != STR_NONE);
	ck_assert(str_find_nocase(got, STR("2 OK")) == STR_NONE);
	ck_assert(conn_memory_closed(f->conn));
}
END_TEST

static const struct dialogue sets_dialogue[] = {
    {"1 SELECT INBOX", "* 3 EXISTS\n1 OK"},
    {"2 FETCH * (UID)", "* 3 FETCH (UID 3)\n2 OK"},
    {"3 FETCH 3:1 (UID)", "* 1 FETCH (UID 1)\n* 2 FETCH (UID 2)\n* 3 FETCH (UID 3)\n3 OK"},
    {"4 FETCH 2,*:2,1 (UID)", "* 1 FETCH (UID 1)\n* 2 FETCH (UID 2)\n* 3 FETCH (UID 3)\n4 OK"},
    {"5 FETCH 4 (UID)", "5 BAD Expected message numbers that exist at position 9"},
    {"6 FETCH 3:4 (UID)", "6 BAD"}, /* RFC 3501 §9, seq-number */
    {"7 FETCH 0 (UID)", "7 BAD"},
    {"8 FETCH 1: (UID)", "8 BAD"},
    {"9 FETCH 4294967296 (UID)", "9 BAD"},
    {"10 UID FETCH 99 (UID)", "10 OK"}, /* §6.4.8 */
    {"11 UID FETCH 99:* (UID)", "* 3 FETCH (UID 3)\n11 OK"},
    {"12 UID FETCH *:2 (UID)", "* 2 FETCH (UID 2)\n* 3 FETCH (UID 3)\n12 OK"},
    {"13 SELECT Sent", "* 0 EXISTS\n13 OK"},
    {"14 FETCH 1:* (UID)", "14 BAD"}, /* "*" too, where there are none */
    {"15 UID FETCH 1:* (UID)", "15 OK"},
    {"16 UID FETCH * (UID)", "16 OK"},
};
DIALOGUE_TEST(message_sets_speak, sets_dialogue, "Inbox:3")

START_TEST(before_login_little_is_read)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	struct conn *c = imap_fixture_stranger(f, NULL);

	conn_memory_output(c, f->arena);
	ck_exchange_on(c, "1 LOGIN {100000}", "1 BAD [TOOBIG]");
	ck_exchange_on(c, "1 APPEND INBOX {100}", "1 BAD Log in first");
	conn_memory_feed(c, STR("2 LOGIN {100000+}\r\n"));
	conn_memory_feed(c, long_line(f, "", 100000, " x\r\n"));
	struct str got = conn_memory_output(c, f->arena);
	ck_assert(str_starts(got, STR("2 BAD [TOOBIG]")));
	ck_assert(str_find_nocase(got, STR("* BYE [TOOBIG]")) != STR_NONE);
	ck_assert(conn_memory_closed(c));
}
END_TEST

START_TEST(nul_and_bare_line_ends_are_refused)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");

	conn_memory_feed(f->conn, STR("1 NOOP\0\r\n2 NOOP\n3 NO\rOP\r\n4 NOOP\r\n"));
	struct str got = conn_memory_output(f->conn, f->arena);
	ck_assert_str_is(got, "1 BAD A line ends with CRLF and holds no NUL or CR\r\n"
			      "2 BAD A line ends with CRLF and holds no NUL or CR\r\n"
			      "3 BAD A line ends with CRLF and holds no NUL or CR\r\n"
			      "4 OK NOOP completed\r\n");
	/* what a line with a bare LF announces is not run either */
	conn_memory_feed(f->conn, STR("5 SELECT {10+}\n66 LOGOUT \r\n7 NOOP\r\n"));
	got = conn_memory_output(f->conn, f->arena);
	ck_assert(str_starts(got, STR("5 BAD")));
	ck_assert(str_find_nocase(got, STR("66 ")) == STR_NONE);
	ck_assert(str_find_nocase(got, STR("7 OK")) != STR_NONE);
}
END_TEST

START_TEST(too_many_bad_commands_end_the_session)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");

	for (unsigned i = 1; i < f->conf->bad_commands_after_login; i++)
		ck_exchange(f, "1 XYZZY", "1 BAD");
	ck_exchange(f, "2 NOOP", "2 OK"); /* begins anew */
	for (unsigned i = 1; i < f->conf->bad_commands_after_login; i++)
		ck_exchange(f, "3 XYZZY", "3 BAD");
	ck_exchange(f, "4 XYZZY", "4 BAD\n* BYE [CLIENTBUG] Too many bad commands\n<closed>");
}
END_TEST

START_TEST(browsers_are_sent_away)
{
	static const char *const requests[] = {"POST / HTTP/1.1", "TRACE / HTTP/1.1",
	    "OPTIONS * HTTP/1.1", "a * HTTP/1.1", "x /y HTTP/2",
	    "ANY https://example.test/ HTTP/1.1"};
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");

	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct conn *c = imap_fixture_stranger(f, NULL);
		conn_memory_output(c, f->arena);
		ck_exchange_on(c, requests[i], "* BYE\n<closed>");
	}
	/* names may look like it */
	ck_exchange(f, "a CREATE \"x HTTP/1.1\"", "a OK");
}
END_TEST

START_TEST(idle_connections_are_closed_in_time)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");

	clock_freeze(1000000000);
	struct conn *c = imap_fixture_stranger(f, NULL);
	struct conn *d = imap_fixture_connect(f);
	conn_memory_output(c, f->arena);
	ck_exchange_on(d, "1 NOOP", "1 OK");
	clock_advance_ms((int64_t)f->conf->login_timeout_s * 1000 - 10);
	ck_exchange_on(c, "1 NOOP", "1 OK"); /* what is said before login wins no time */
	clock_advance_ms(20);
	ck_exchange_on(c, NULL, "* BYE Login took too long\n<closed>");
	clock_advance_ms(28 * 60 * 1000);
	ck_exchange_on(d, NULL, NULL); /* RFC 3501 §5.4: at least 30 minutes */
	clock_advance_ms((int64_t)f->conf->imapd.timeout_s * 1000);
	ck_exchange_on(d, NULL, "* BYE\n<closed>");
	clock_thaw();
}
END_TEST

TEST_MAIN("imap_session", sessions_speak, every_error_has_an_answer,
    every_command_is_answered_in_every_state, every_command_is_answered_before_login,
    the_greeting_offers_what_is_possible_now, hidden_capabilities_are_not_offered,
    plaintext_behind_starttls_is_never_run, what_is_too_long_is_refused_and_its_rest_never_run,
    a_refused_line_with_an_endless_size_ends_the_session, message_sets_speak,
    before_login_little_is_read, nul_and_bare_line_ends_are_refused,
    too_many_bad_commands_end_the_session, browsers_are_sent_away,
    idle_connections_are_closed_in_time)
