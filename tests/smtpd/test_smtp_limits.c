/* How long and how much a client may ask of the server, and what it may send at once. */
#include "tests/smtpd/fake.h"

#include "common/base/clock.h"

#define A100                                                                                       \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaa"

/* RFC 2920 §3.1 wants EHLO last in its group, but nothing depends on it: scripts and old clients
 * send all they have at once, and other servers take it. */
START_TEST(what_follows_a_greeting_is_run)
{
	static const struct {
		enum smtp_service service;
		struct str input;
		const char *last;
	} rows[] = {
	    {SMTP_MX, STR("EHLO a\r\nMAIL FROM:<>\r\nNOOP\r\n"),
		"250 HELP\r\n250 2.1.0 Sender ok\r\n250 2.0.0 Ok\r\n"},
	    {SMTP_MX, STR("HELO a\r\nQUIT\r\n"), "250 mail.example.test\r\n221 2.0.0 Bye\r\n"},
	    {SMTP_LMTP, STR("LHLO a\r\nNOOP\r\n"), "250 HELP\r\n250 2.0.0 Ok\r\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(fake_free) struct fake *f = fake_new();

		fake_open(f, rows[i].service);
		struct str all = fake_feed(f, rows[i].input);
		struct str last = str_of(rows[i].last);
		ck_assert_uint_ge(all.n, last.n);
		ck_assert_str_is(str_skip(all, all.n - last.n), rows[i].last);
	}
}
END_TEST

/* TRUST: the timeout, and then as long as the octets are worth at smtpd.min_data_rate. */
START_TEST(a_message_must_come_at_a_least_rate)
{
	static const struct {
		const char *begin;
		uint32_t rate;
		bool lasts; /* over 20 minutes of 100 octets each minute */
	} rows[] = {
	    {"MAIL FROM:<>\nRCPT TO:<ann@example.test>\nDATA", 500, false},
	    {"MAIL FROM:<>\nRCPT TO:<ann@example.test>\nDATA", 1, true},
	    {"MAIL FROM:<>\nRCPT TO:<ann@example.test>\nDATA", 0, true},
	    {"MAIL FROM:<>\nRCPT TO:<ann@example.test>\nBDAT 60000", 500, false},
	    {"BDAT 60000", 500, false}, /* refused, but to be read all the same */
	    {"BDAT 60000", 0, true},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(fake_free) struct fake *f = fake_new();
		struct str all = str_of(rows[i].begin);
		struct str line;

		clock_freeze(1700000000);
		f->conf->smtpd.min_data_rate = rows[i].rate;
		fake_open(f, SMTP_MX);
		fake_say(f, "EHLO a", "250 HELP");
		while (str_split(&all, '\n', &line)) {
			fake_feed(f, line);
			fake_feed(f, STR("\r\n"));
		}
		for (int minute = 0; minute < 20 && !conn_memory_closed(f->conn); minute++) {
			fake_feed(f, STR(A100));
			clock_advance_ms(60000);
			conn_memory_run(f->conn);
		}
		struct str said = conn_memory_output(f->conn, f->arena);
		ck_assert(conn_memory_closed(f->conn) != rows[i].lasts);
		ck_assert(str_starts(said, STR("421 4.4.2 ")) != rows[i].lasts);
		clock_thaw();
	}
}
END_TEST

/* A client that pipelines sends the rest of its group before it hears that MAIL or a chunk was
 * refused: that is no mistake of its own. */
START_TEST(what_was_pipelined_behind_a_refusal_is_no_mistake)
{
	CLEANUP(fake_free) struct fake *f = fake_new();

	f->conf->bad_commands_before_login = 3;
	fake_open(f, SMTP_MX);
	fake_say(f, "EHLO a", "250 HELP");
	fake_say(f, "MAIL FROM:<> SIZE=99999999", "552 5.3.4");
	for (int i = 0; i < 10; i++)
		fake_say(f, "RCPT TO:<ann@example.test>", "503 5.5.1 Need MAIL first");
	fake_say(f, "DATA", "503 5.5.1");
	fake_say(f, "MAIL FROM:<>", "250");
	fake_say(f, "RCPT TO:<ann@example.test>", "250");
	fake_say(f, "DATA", "354");
	fake_say(f, ".", "250");
	f->spool_room = 10;
	f->spool_write = ERR_NO_SPACE;
	fake_say(f, "MAIL FROM:<>", "250");
	fake_say(f, "RCPT TO:<ann@example.test>", "250");
	ck_assert(str_starts(fake_feed(f, STR("BDAT 3\r\nabc")), STR("452 4.3.1")));
	for (int i = 0; i < 10; i++)
		ck_assert(str_starts(fake_feed(f, STR("BDAT 3\r\nabc")), STR("503 5.5.1")));
	fake_say(f, "NOOP", "250");
}
END_TEST

START_TEST(guessing_recipients_has_an_end)
{
	CLEANUP(fake_free) struct fake *f = fake_new();

	f->conf->smtpd.max_recipients = 4;
	fake_open(f, SMTP_MX);
	fake_say(f, "EHLO a", "250 HELP");
	fake_say(f, "MAIL FROM:<>", "250");
	fake_say(f, "RCPT TO:<a@example.test>", "550 5.1.1");
	fake_say(f, "RCPT TO:<b@example.test>", "550 5.1.1");
	fake_say(f, "RSET", "250");
	fake_say(f, "MAIL FROM:<>", "250");
	fake_say(f, "RCPT TO:<c@example.test>", "550 5.1.1");
	fake_say(f, "RCPT TO:<d@example.test>", "550 5.1.1\n421 4.7.0\n<closed>");
}
END_TEST

/* RFC 3463 §3.4: X.3.0, for now. */
START_TEST(without_memory_no_message_is_begun)
{
	CLEANUP(fake_free) struct fake *f = fake_new();

	fake_open(f, SMTP_MX);
	fake_say(f, "EHLO a", "250 HELP");
	f->fullness = MEMORY_FULL;
	fake_say(f, "MAIL FROM:<>", "250 2.1.0 Sender ok");
	fake_say(f, "RSET", "250 2.0.0");
	f->fullness = MEMORY_BRIMFUL;
	fake_say(f, "MAIL FROM:<>", "451 4.3.0 Out of memory, try again later");
	fake_say(f, "RCPT TO:<ann@example.test>", "503");
	f->fullness = MEMORY_THERE;
	fake_say(f, "MAIL FROM:<>", "250 2.1.0 Sender ok");
}
END_TEST

TEST_MAIN("smtp_limits", without_memory_no_message_is_begun, what_follows_a_greeting_is_run,
    a_message_must_come_at_a_least_rate, what_was_pipelined_behind_a_refusal_is_no_mistake,
    guessing_recipients_has_an_end)
