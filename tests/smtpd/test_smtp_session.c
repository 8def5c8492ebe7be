/* Conversations as the peer sees them, and what becomes of peers that misbehave. */
#include "tests/smtpd/fake.h"

#include "common/base/clock.h"
#include "common/base/log.h"

#include <stdio.h>

START_TEST(a_message_goes_in)
{
	static const struct dialogue rows[] = {
	    {"EHLO client.test",
		"250-mail.example.test\n250-PIPELINING\n250-SIZE 65536\n250-8BITMIME\n"
		"250-SMTPUTF8\n250-ENHANCEDSTATUSCODES\n250-CHUNKING\n250-BINARYMIME\n"
		"250-STARTTLS\n250-LIMITS RCPTMAX=1000 MAILMAX=1000\n250 HELP\n"
		"!250-AUTH"},
	    {"MAIL FROM:<ann@other.test>", "250 2.1.0"},
	    {"RCPT TO:<ann@example.test>", "250 2.1.5"},
	    {"DATA", "354 "},
	    {"Subject: hello\n\nText", NULL},
	    {".", "250 2.0.0 Ok, id memory-1"},
	    {"MAIL FROM:<>", "250 2.1.0"},
	    {"RCPT TO:<postmaster>", "250 2.1.5"},
	    {"DATA", "354 "},
	    {".", "250 2.0.0 Ok, id memory-2"},
	    {"QUIT", "221 2.0.0\n<closed>"},
	};
	PLAY(SMTP_MX, rows);
}
END_TEST

START_TEST(commands_out_of_order_are_told_so)
{
	static const struct dialogue rows[] = {
	    {"MAIL FROM:<a@b.test>", "503 5.5.1 Send EHLO first"},
	    {"RCPT TO:<ann@example.test>", "503 5.5.1"},
	    {"DATA", "503 5.5.1"},
	    {"NOOP", "250 2.0.0"},
	    {"RSET", "250 2.0.0"},
	    {"VRFY ann", "252 2.0.0"},
	    {"HELP", "214-2.0.0\n214 2.0.0 EHLO HELO STARTTLS MAIL RCPT DATA BDAT RSET NOOP VRFY "
		     "HELP QUIT"},
	    {"HELO client.test", "250 mail.example.test"},
	    {"RCPT TO:<ann@example.test>", "503 5.5.1 Need MAIL first"},
	    {"DATA", "503 5.5.1 Need MAIL first"},
	    {"MAIL FROM:<a@b.test>", "250 2.1.0"},
	    {"MAIL FROM:<a@b.test>", "503 5.5.1 Not during"},
	    {"STARTTLS", "503 5.5.1 Not during"},
	    {"DATA", "503 5.5.1 No valid recipients"},
	    {"RSET", "250 2.0.0"},
	};
	static const struct dialogue more[] = {
	    {"EHLO client.test", "250 HELP"},
	    {"MAIL FROM:<a@b.test>", "250 2.1.0"},
	    {"RCPT TO:<ann@example.test>", "250 2.1.5"},
	    {"MAIL FROM:<a@b.test>", "503 5.5.1"},
	    {"STARTTLS", "503 5.5.1"},
	    {"NOOP", "250 2.0.0"},
	    {"VRFY bob", "252 2.0.0"},
	    {"RSET", "250 2.0.0"}, /* the transaction is gone */
	    {"DATA", "503 5.5.1"},
	    {"MAIL FROM:<a@b.test>", "250 2.1.0"},
	    {"EHLO again.test", "250 HELP"}, /* RFC 5321 §4.1.4: as RSET */
	    {"RCPT TO:<ann@example.test>", "503 5.5.1"},
	};
	PLAY(SMTP_MX, rows);
	PLAY(SMTP_MX, more);
}
END_TEST

START_TEST(verbs_in_any_case_and_blanks_at_the_end_are_fine)
{
	static const struct dialogue rows[] = {
	    {"ehlo client.test  ", "250 HELP"},
	    {"mAiL fRoM:<a@b.test>  ", "250 2.1.0"},
	    {"rcpt to: <ANN@EXAMPLE.TEST>", "250 2.1.5"},
	    {"RCPT TO:<ann+tag@example.test>", "250 2.1.5"},
	    {"rset ", "250 2.0.0"},
	    {"noop whatever", "250 2.0.0"},
	    {"help data", "214 2.0.0"},
	    {"quit", "221 2.0.0\n<closed>"},
	};
	PLAY(SMTP_MX, rows);
}
END_TEST

START_TEST(each_mistake_has_its_code)
{
	static const struct dialogue rows[] = {
	    {"EHLO", "501 5.5.4"},
	    {"EHLO two words", "501 5.5.4"},
	    {"HELO", "501 5.5.4"},
	    {"EHLO [192.0.2.1]", "250 HELP"},
	    {"MAIL", "501 5.5.4"},
	    {"MAIL TO:<a@b.test>", "501 5.5.4"},
	    {"MAIL FROM:a@b.test", "501 5.1.7"},
	    {"RSET now", "501 5.5.4"},
	    {"VRFY", "501 5.5.4"},
	};
	static const struct dialogue mail[] = {
	    {"EHLO client.test", "250 HELP"},
	    {"MAIL FROM:<a@b.test> SIZE=x", "501 5.5.4"},
	    {"MAIL FROM:<a@b.test> SIZE=65537", "552 5.3.4"},
	    {"MAIL FROM:<a@b.test> SIZE=99999999999999999999999", "552 5.3.4"},
	    {"MAIL FROM:<a@b.test> BODY=9BIT", "501 5.5.4"},
	    {"MAIL FROM:<a@b.test> RET=FULL", "555 5.5.4"},
	    {"MAIL FROM:<a@b.test> HOLDFOR=5", "555 5.5.4"}, /* not offered on this port */
	    {"MAIL FROM:<a@b.test> REQUIRETLS", "555 5.5.4"}, /* nor outside TLS */
	    {"MAIL FROM:<a@b.test> AUTH=<>", "555 5.5.4"}, /* not offered on this port */
	    {"MAIL FROM:<j\xc3\xb6rg@b.test>", "553 5.6.7"}, /* RFC 6531 §3.5 */
	    {"MAIL FROM:<j\xf6rg@b.test> SMTPUTF8", "501 5.1.7"},
	    {"MAIL FROM:<a@b.test> SIZE=65536", "250 2.1.0"},
	};
	static const struct dialogue rcpt[] = {
	    {"EHLO client.test", "250 HELP"},
	    {"MAIL FROM:<j\xc3\xb6rg@b.test> SMTPUTF8", "250 2.1.0"},
	    {"RCPT FROM:<ann@example.test>", "501 5.5.4"},
	    {"RCPT TO:<>", "501 5.1.3"},
	    {"RCPT TO:<ann>", "501 5.1.3"},
	    {"RCPT TO:<ann@example.test> NOTIFY=NEVER", "555 5.5.4"},
	    {"RCPT TO:<nobody@example.test>", "550 5.1.1"},
	    {"RCPT TO:<j\xc3\xb6rg@example.test>", "550 5.1.1"},
	    {"RCPT TO:<full@example.test>", "452 4.2.2"},
	    {"RCPT TO:<broken@example.test>", "451 4.3.0"},
	    {"RCPT TO:<busy@example.test>", "451 4.3.0"},
	    {"RCPT TO:<disabled@example.test>", "451 4.2.1"},
	    {"RCPT TO:<loop@example.test>", "554 5.4.6"},
	    {"DATA now", "501 5.5.4"},
	    {"DATA", "503 5.5.1 No valid recipients"},
	};
	PLAY(SMTP_MX, rows);
	PLAY(SMTP_MX, mail);
	PLAY(SMTP_MX, rcpt);
}
END_TEST

/* RFC 3461 §4 */
START_TEST(parameters_of_reports_are_taken_from_those_who_log_in_and_by_lmtp)
{
	static const struct dialogue rows[] = {
	    {"EHLO client.test", "250-DSN\n250 HELP"},
	    {"MAIL FROM:<ann@example.test> RET=SOME", "501 5.5.4"},
	    {"MAIL FROM:<ann@example.test> RET=HDRS ENVID=QQ314159", "250 2.1.0"},
	    {"RCPT TO:<ann@example.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Ann@example.test",
		"250 2.1.5"},
	    {"RCPT TO:<bob@example.test> NOTIFY=NEVER,DELAY", "501 5.5.4"},
	    {"RCPT TO:<bob@example.test> NOTIFY=NEVER", "250 2.1.5"},
	};
	static const struct dialogue lmtp[] = {
	    {"LHLO client.test", "250-DSN\n250 HELP"},
	    {"MAIL FROM:<a@b.test> RET=FULL", "250 2.1.0"},
	};
	static const struct dialogue strangers[] = {
	    {"EHLO client.test", "!250-DSN\n250 HELP"},
	    {"MAIL FROM:<a@b.test> RET=FULL", "555 5.5.4"},
	};
	fake_play(SMTP_SUBMISSION, true, rows, ARRAY_LEN(rows));
	PLAY(SMTP_LMTP, lmtp);
	PLAY(SMTP_MX, strangers);
}
END_TEST

/* RFC 4865 §3, §4 */
START_TEST(a_submission_can_be_held_for_so_long_as_ehlo_says)
{
	static const struct dialogue rows[] = {
	    {"EHLO client.test", "250-FUTURERELEASE 5184000 2\n250 HELP"},
	    {"MAIL FROM:<ann@example.test> HOLDFOR=5184001", "501 5.5.4"},
	    {"MAIL FROM:<ann@example.test> HOLDUNTIL=9999-01-01T00:00:00Z", "501 5.5.4"},
	    {"MAIL FROM:<ann@example.test> HOLDFOR=5 HOLDFOR=5", "501 5.5.4"},
	    {"MAIL FROM:<ann@example.test> HOLDFOR=60", "250 2.1.0"},
	};
	fake_play(SMTP_SUBMISSION, true, rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(utf8_needs_its_extension_at_rcpt_too)
{
	static const struct dialogue rows[] = {
	    {"EHLO client.test", "250 HELP"},
	    {"MAIL FROM:<a@b.test>", "250 2.1.0"},
	    {"RCPT TO:<j\xc3\xb6rg@example.test>", "553 5.6.7"},
	    {"RCPT TO:<ann@b\xc3\xbc"
	     "cher.test>",
		"553 5.6.7"},
	};
	PLAY(SMTP_MX, rows);
}
END_TEST

/* TRUST: one parser, and the directory knows its own domains only. */
START_TEST(nothing_relays)
{
	static const struct dialogue rows[] = {
	    {"EHLO client.test", "250 HELP"}, {"MAIL FROM:<ann@example.test>", "250 2.1.0"},
	    {"RCPT TO:<x@other.test>", "550 5.7.1 Relaying denied"},
	    {"RCPT TO:<@example.test:x@other.test>", "550 5.7.1"},
	    {"RCPT TO:<x%other.test@example.test>", "550 5.1.1"},
	    {"RCPT TO:<other.test!x@example.test>", "550 5.1.1"},
	    {"RCPT TO:<\"x@other.test\"@example.test>", "550 5.1.1"},
	    {"RCPT TO:<\"x@other.test\">", "501 5.1.3"},
	    {"RCPT TO:<x@other.test@example.test>", "501 5.1.3"},
	    {"RCPT TO:<x@[127.0.0.1]>", "550 5.7.1"}, {"RCPT TO:<x@[IPv6:::1]>", "550 5.7.1"},
	    {"RCPT TO:<x@example.test.other.test>", "550 5.7.1"},
	    {"RCPT TO:<@other.test:ann@example.test>", "250 2.1.5"}, /* the route is ignored */
	};
	PLAY(SMTP_MX, rows);
}
END_TEST

START_TEST(unknown_commands_and_those_of_other_ports_are_refused)
{
	static const struct dialogue mx[] = {
	    {"FOO", "500 5.5.2"},
	    {"", "500 5.5.2"},
	    {" NOOP", "500 5.5.2"},
	    {"EXPN list", "502 5.5.1"},
	    {"AUTH PLAIN AGFubgBzZWNyZXQ=", "502 5.5.1"},
	    {"LHLO client.test", "502 5.5.1"},
	    {"XCLIENT ADDR=127.0.0.1", "500 5.5.2"},
	};
	static const struct dialogue lmtp[] = {
	    {"EHLO client.test", "500 5.5.1"}, /* RFC 2033 §4.1 */
	    {"HELO client.test", "500 5.5.1"},
	    {"AUTH PLAIN", "500 5.5.1"},
	    {"LHLO client.test", "250-mail.example.test\n250 HELP\n!250-AUTH"},
	};
	PLAY(SMTP_MX, mx);
	PLAY(SMTP_LMTP, lmtp);
}
END_TEST

START_TEST(bad_lines_never_run)
{
	CLEANUP(fake_free) struct fake *f = fake_new();
	char line[SMTP_LINE_MAX + 3];

	fake_open(f, SMTP_MX);
	fake_say(f, "EHLO client.test", "250 HELP");
	ck_assert(str_starts(fake_feed(f, STR("NOOP\n")), STR("500 5.5.2")));
	ck_assert(str_starts(fake_feed(f, STR("NOOP\rNOOP\r\n")), STR("500 5.5.2")));
	static const char bare[] = "500 5.5.2 A bare CR, LF or NUL in a command line\r\n";
	ck_assert_str_is(fake_feed(f, STR("NOOP x\0y\r\n")), bare);
	ck_assert_str_is(fake_feed(f, STR("MAIL FROM:<a@b.test>\0\r\n")), bare);
	ck_assert(
	    str_starts(fake_feed(f, STR("MAIL FROM:<a@b.test>\nRCPT\r\n")), STR("500 5.5.2")));
	memset(line, 'x', sizeof(line));
	memcpy(line, "NOOP ", 5);
	memcpy(line + SMTP_LINE_MAX, "\r\n", 2);
	ck_assert_str_is(fake_feed(f, str_make(line, SMTP_LINE_MAX + 2)), "250 2.0.0 Ok\r\n");
	memset(line + SMTP_LINE_MAX, 'x', 1);
	memcpy(line + SMTP_LINE_MAX + 1, "\r\n", 2);
	ck_assert_str_is(
	    fake_feed(f, str_make(line, SMTP_LINE_MAX + 3)), "500 5.5.2 Line too long\r\n");
	for (int i = 0; i < 40; i++) /* an endless line gets one answer, at its end */
		ck_assert_uint_eq(fake_feed(f, str_make(line, SMTP_LINE_MAX)).n, 0);
	ck_assert_str_is(fake_feed(f, STR("QUIT\r\n")), "500 5.5.2 Line too long\r\n");
	fake_say(f, "NOOP", "250 2.0.0");
}
END_TEST

START_TEST(too_many_mistakes_end_the_session)
{
	CLEANUP(fake_free) struct fake *f = fake_new();

	f->conf->bad_commands_before_login = 3;
	fake_open(f, SMTP_MX);
	fake_say(f, "FOO", "500 5.5.2");
	fake_say(f, "DATA", "503 5.5.1");
	fake_say(f, "FOO", "500 5.5.2\n421 4.7.0 mail.example.test\n<closed>");
	fake_open(f, SMTP_MX); /* unknown recipients are no mistakes of this kind */
	fake_say(f, "EHLO client.test", "250 HELP");
	fake_say(f, "MAIL FROM:<>", "250");
	for (int i = 0; i < 10; i++)
		fake_say(f, "RCPT TO:<x@example.test>", "550 5.1.1");
	fake_say(f, "RCPT TO:<ann@example.test>", "250");
}
END_TEST

START_TEST(recipients_and_messages_have_limits)
{
	CLEANUP(fake_free) struct fake *f = fake_new();

	f->conf->smtpd.max_recipients = 2;
	f->conf->smtpd.max_mails = 2;
	fake_open(f, SMTP_MX);
	fake_say(f, "EHLO client.test", "250-LIMITS RCPTMAX=2 MAILMAX=2\n250 HELP");
	fake_say(f, "MAIL FROM:<>", "250");
	fake_say(f, "RCPT TO:<nobody@example.test>", "550 5.1.1");
	fake_say(f, "RCPT TO:<ann@example.test>", "250 2.1.5");
	fake_say(f, "RCPT TO:<bob@example.test>", "452 4.5.3");
	fake_say(f, "DATA", "354");
	fake_say(f, ".", "250 2.0.0");
	fake_say(f, "MAIL FROM:<>", "250");
	fake_say(f, "RSET", "250");
	fake_say(f, "MAIL FROM:<>", "421 4.7.0\n<closed>");
}
END_TEST

START_TEST(pipelining_answers_in_order_and_in_one_piece)
{
	CLEANUP(fake_free) struct fake *f = fake_new();

	fake_open(f, SMTP_MX);
	fake_say(f, "EHLO client.test", "250 HELP");
	ck_assert_str_is(fake_feed(f, STR("MAIL FROM:<>\r\nRCPT TO:<ann@example.test>\r\n"
					  "RCPT TO:<no@example.test>\r\nDATA\r\n")),
	    "250 2.1.0 Sender ok\r\n250 2.1.5 Recipient ok\r\n550 5.1.1 No such user here, check "
	    "the address for mistakes\r\n"
	    "354 Send the message, end it with <CRLF>.<CRLF>\r\n");
	ck_assert_str_is(fake_feed(f, STR("x\r\n.\r\nMAIL FROM:<>\r\nRSET\r\nQUIT\r\n")),
	    "250 2.0.0 Ok, id memory-1\r\n250 2.1.0 Sender ok\r\n250 2.0.0 Ok\r\n221 2.0.0 "
	    "Bye\r\n");
	ck_assert(conn_memory_closed(f->conn));
}
END_TEST

/* RFC 2920 §3.1, RFC 3207 §4.2: what follows was sent before the client could know what it would
 * be read as. */
START_TEST(nothing_may_follow_a_command_that_ends_its_group)
{
	static const struct {
		const char *before;
		struct str input;
	} rows[] = {
	    {"EHLO a", STR("STARTTLS\r\nMAIL FROM:<>\r\n")},
	    {"EHLO a\nMAIL FROM:<>\nRCPT TO:<ann@example.test>", STR("DATA\r\nx\r\n.\r\n")},
	    {"EHLO a\nMAIL FROM:<>", STR("DATA\r\nx\r\n.\r\n")},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(fake_free) struct fake *f = fake_new();
		struct str all = str_of(rows[i].before);
		struct str line;

		fake_open(f, SMTP_MX);
		while (str_split(&all, '\n', &line)) {
			fake_feed(f, line);
			fake_feed(f, STR("\r\n"));
		}
		ck_assert_str_is(fake_feed(f, rows[i].input),
		    "554 5.5.0 Nothing may follow this command before its reply\r\n");
		ck_assert(conn_memory_closed(f->conn));
		ck_assert_uint_eq(f->message_count, 0);
	}
}
END_TEST

START_TEST(browsers_are_sent_away_at_once)
{
	static const struct dialogue get[] = {{"GET / HTTP/1.1", "554 5.5.1\n<closed>"}};
	static const struct dialogue post[] = {{"POST /x HTTP/1.1", "554 5.5.1\n<closed>"}};
	static const struct dialogue later[] = {
	    {"LHLO a", "250 HELP"}, {"OPTIONS * HTTP/1.0", "554 5.5.1\n<closed>"}};

	PLAY(SMTP_MX, get);
	PLAY(SMTP_SUBMISSION, post);
	PLAY(SMTP_LMTP, later);
}
END_TEST

static enum conn_turn
late_turn(void *session, struct conn *c, unsigned events)
{
	if (events & CONN_EV_OPEN)
		return CONN_READ; /* as if the first turn came only with the input */
	return smtp_session_ops.turn(session, c, events | CONN_EV_OPEN);
}

START_TEST(who_talks_before_the_greeting_is_no_mail_server)
{
	const struct session_ops late = {.turn = late_turn, .done = smtp_session_ops.done};
	CLEANUP(fake_free) struct fake *f = fake_new();
	struct conn *c = conn_memory_open(&late, smtp_session_new(&f->service, f->partials),
	    &(struct conn_memory_options){.service = SMTP_MX});

	conn_memory_feed(c, STR("HELO a\r\n"));
	ck_assert(str_starts(conn_memory_output(c, f->arena), STR("554 5.5.1 ")));
	ck_assert(conn_memory_closed(c));
	conn_memory_close(&c);
}
END_TEST

START_TEST(tls_forgets_what_was_said_before)
{
	CLEANUP(fake_free) struct fake *f = fake_new();

	fake_open(f, SMTP_MX);
	fake_say(f, "EHLO client.test", "250-STARTTLS\n250 HELP");
	fake_say(f, "STARTTLS now", "501 5.5.4");
	fake_say(f, "STARTTLS", "220 2.0.0");
	fake_say(f, "MAIL FROM:<>", "503 5.5.1 Send EHLO first");
	fake_say(f, "EHLO client.test", "250-mail.example.test\n250 HELP\n!250-STARTTLS");
	fake_say(f, "STARTTLS", "503 5.5.1 TLS is on");
	fake_say(f, "MAIL FROM:<>", "250");
	fake_say(f, "RCPT TO:<ann@example.test>", "250");
	fake_say(f, "DATA", "354");
	fake_say(f, ".", "250");
	ck_assert_ptr_nonnull(
	    memmem(f->messages[0].text.p, f->messages[0].text.n, "with ESMTPS id ", 15));
	fake_open_with(f, &(struct conn_memory_options){.service = SMTP_MX});
	fake_say(f, "EHLO client.test", "250-mail.example.test\n250 HELP\n!250-STARTTLS");
	fake_say(f, "STARTTLS", "454 4.7.0");
}
END_TEST

START_TEST(the_idle_are_sent_away_and_a_trickle_earns_no_time)
{
	CLEANUP(fake_free) struct fake *f = fake_new();

	clock_freeze(1700000000);
	fake_open(f, SMTP_MX);
	clock_advance_ms(299000);
	fake_say(f, "NOOP", "250");
	clock_advance_ms(299000);
	fake_say(f, NULL, NULL);
	fake_say(f, "NO\\", NULL); /* half a command */
	clock_advance_ms(2000);
	fake_say(f, NULL, "421 4.4.2 mail.example.test\n<closed>");
	f->conf->smtpd.min_data_rate = 0;
	fake_open(f, SMTP_MX); /* data that goes on is no idleness */
	fake_say(f, "EHLO a", "250 HELP");
	fake_say(f, "MAIL FROM:<>", "250");
	fake_say(f, "RCPT TO:<ann@example.test>", "250");
	fake_say(f, "DATA", "354");
	for (int i = 0; i < 5; i++) {
		clock_advance_ms(200000);
		fake_say(f, "x", NULL);
	}
	clock_advance_ms(301000);
	fake_say(f, NULL, "421 4.4.2\n<closed>");
	clock_thaw();
	ck_assert_uint_eq(f->message_count, 0);
}
END_TEST

static enum conn_turn
stop_turn(void *session, struct conn *c, unsigned events)
{
	return smtp_session_ops.turn(
	    session, c, events & CONN_EV_WOKEN ? events | CONN_EV_STOP : events);
}

/* conn_wake() stands for the server's stop. */
static void
open_stoppable(struct fake *f, enum smtp_service service)
{
	static struct session_ops ops;

	ops = (struct session_ops){.turn = stop_turn, .done = smtp_session_ops.done};
	fake_close(f);
	f->conn = conn_memory_open(&ops, smtp_session_new(&f->service, f->partials),
	    &(struct conn_memory_options){.service = service});
	fake_say(f, NULL, "220 ");
}

START_TEST(a_stop_comes_between_transactions)
{
	CLEANUP(fake_free) struct fake *f = fake_new();

	open_stoppable(f, SMTP_MX);
	conn_wake(f->conn);
	fake_say(f, NULL, "421 4.3.2 mail.example.test\n<closed>");
	open_stoppable(f, SMTP_MX);
	fake_say(f, "EHLO a", "250 HELP");
	fake_say(f, "MAIL FROM:<>", "250");
	conn_wake(f->conn);
	fake_say(f, "RCPT TO:<ann@example.test>", "250");
	fake_say(f, "DATA", "354");
	fake_say(f, "x\n.", "250 2.0.0\n421 4.3.2\n<closed>");
	ck_assert_uint_eq(f->message_count, 1);
}
END_TEST

/* Before the server cuts what is left (server.c) everyone has heard why. */
START_TEST(a_stop_does_not_wait_long_and_says_so)
{
	static const struct {
		enum smtp_service service;
		const char *begin;
		bool at_once;
	} rows[] = {
	    {SMTP_MX, "MAIL FROM:<>", false},
	    {SMTP_MX, "MAIL FROM:<>\nRCPT TO:<ann@example.test>\nDATA\nhalf", false},
	    {SMTP_MX, "MAIL FROM:<>\nRCPT TO:<ann@example.test>\nBDAT 1000", false},
	    {SMTP_MX, "BDAT 1000", false},
	    {SMTP_MX, "NOOP", true},
	    {SMTP_SUBMISSION, "AUTH LOGIN", true},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(fake_free) struct fake *f = fake_new();
		struct str all = str_of(rows[i].begin);
		struct str line;

		clock_freeze(1700000000);
		open_stoppable(f, rows[i].service);
		fake_say(f, "EHLO a", "250 HELP");
		while (str_split(&all, '\n', &line)) {
			fake_feed(f, line);
			fake_feed(f, STR("\r\n"));
		}
		conn_wake(f->conn);
		conn_memory_run(f->conn);
		ck_assert(conn_memory_closed(f->conn) == rows[i].at_once);
		clock_advance_ms(5000);
		fake_feed(f, STR("\r\n")); /* who goes on gets no more time */
		clock_advance_ms(3500);
		conn_memory_run(f->conn);
		ck_assert(conn_memory_closed(f->conn));
		struct str said = conn_memory_output(f->conn, f->arena);
		ck_assert(rows[i].at_once || memmem(said.p, said.n, "421 4.3.2 ", 10) != NULL);
		ck_assert_uint_eq(f->message_count, 0);
		clock_thaw();
	}
}
END_TEST

START_TEST(a_peer_that_leaves_leaves_nothing_behind)
{
	static const char *const parts[] = {
	    "", "EHLO a", "MAIL FROM:<>", "RCPT TO:<ann@example.test>", "DATA", "half a message"};

	for (size_t n = 1; n <= ARRAY_LEN(parts); n++) {
		CLEANUP(fake_free) struct fake *f = fake_new();
		fake_open(f, SMTP_MX);
		for (size_t i = 1; i < n; i++) {
			fake_feed(f, str_of(parts[i]));
			fake_feed(f, STR("\r\n"));
		}
		conn_memory_eof(f->conn);
		ck_assert(conn_memory_closed(f->conn));
		fake_close(f);
		ck_assert_uint_eq(f->spools_open, 0);
		ck_assert_uint_eq(f->message_count, 0);
	}
}
END_TEST

struct lines {
	char text[65536];
	size_t n;
};

static void
keep_log(void *arg, struct str line)
{
	struct lines *l = arg;

	ck_assert_uint_lt(l->n + line.n + 1, sizeof(l->text));
	memcpy(l->text + l->n, line.p, line.n);
	l->n += line.n;
	l->text[l->n++] = '\n';
	l->text[l->n] = '\0';
}

START_TEST(the_log_tells_what_happened_and_no_text_of_unknown_lines)
{
	static struct lines log;
	CLEANUP(fake_free) struct fake *f = fake_new();

	log_capture(keep_log, &log);
	fake_open(f, SMTP_MX);
	fake_say(f, "EHLO client.test", "250 HELP");
	fake_say(f, "c2VjcmV0", "500"); /* an answer to AUTH LOGIN, gone astray */
	fake_say(f, "MAIL FROM:<a@b.test>", "250");
	fake_say(f, "RCPT TO:<\"no\\\" x=y\"@example.test>", "550");
	fake_say(f, "RCPT TO:<bob@example.test>", "250");
	fake_say(f, "DATA", "354");
	fake_say(f, "x\n.", "250");
	fake_say(f, "QUIT", "221\n<closed>");
	fake_close(f);
	log_capture(NULL, NULL);
	ck_assert_ptr_null(strstr(log.text, "c2VjcmV0"));
	ck_assert_ptr_nonnull(
	    strstr(log.text, "refuse sid=memory peer=127.0.0.1 user=\"\" cmd=RCPT code=550"));
	ck_assert_ptr_nonnull(strstr(log.text, "about=\"\\\"no\\\\\\\" x=y\\\"@example.test\""));
	ck_assert_ptr_nonnull(
	    strstr(log.text, "accept sid=memory id=memory-1 from=a@b.test rcpts=1"));
	ck_assert_ptr_nonnull(strstr(log.text, "session_end sid=memory peer=127.0.0.1 how=quit"));
}
END_TEST

TEST_MAIN("smtp_session", a_message_goes_in, commands_out_of_order_are_told_so,
    verbs_in_any_case_and_blanks_at_the_end_are_fine, each_mistake_has_its_code,
    parameters_of_reports_are_taken_from_those_who_log_in_and_by_lmtp,
    a_submission_can_be_held_for_so_long_as_ehlo_says, utf8_needs_its_extension_at_rcpt_too,
    nothing_relays, unknown_commands_and_those_of_other_ports_are_refused, bad_lines_never_run,
    too_many_mistakes_end_the_session, recipients_and_messages_have_limits,
    pipelining_answers_in_order_and_in_one_piece, nothing_may_follow_a_command_that_ends_its_group,
    browsers_are_sent_away_at_once, who_talks_before_the_greeting_is_no_mail_server,
    tls_forgets_what_was_said_before, the_idle_are_sent_away_and_a_trickle_earns_no_time,
    a_stop_comes_between_transactions, a_stop_does_not_wait_long_and_says_so,
    a_peer_that_leaves_leaves_nothing_behind,
    the_log_tells_what_happened_and_no_text_of_unknown_lines)
