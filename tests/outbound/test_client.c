/* What the client says to a server, and what it makes of each answer. */
#include "common/base/clock.h"
#include "tests/outbound/client_fixture.h"

#define TEXT "Subject: hi\r\n\r\n.dot\r\nbye\r\n"
#define BODY "Subject: hi\n\n..dot\nbye\n.\n"
#define PLAIN_EHLO "250-mx.example.net\n250-8BITMIME\n250 SIZE 1000\n"
#define PIPE_EHLO "250-mx.example.net\n250-PIPELINING\n250 8BITMIME\n"
#define MAX_ROWS 16

/* One job from a@us.example to `rcpts`, whole and octet by octet. */
struct scene {
	const char *rcpts;
	struct talk rows[MAX_ROWS];
	const char *log;
};

static size_t
rows_of(const struct scene *s)
{
	size_t n = 0;

	while (n < MAX_ROWS && (s->rows[n].server || s->rows[n].client))
		n++;
	return n;
}

static void
play(const struct scene *s, bool lmtp)
{
	for (int by_byte = 0; by_byte < 2; by_byte++) {
		CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();
		f->route.kind = lmtp ? ROUTE_LMTP : ROUTE_SMTP;
		client_fixture_job(f, "a@us.example", s->rcpts, TEXT);
		client_open(f);
		client_talk_all(f, s->rows, rows_of(s), s->log, by_byte);
	}
}

#define MAIL "MAIL FROM:<a@us.example>"
#define GREET                                                                                      \
	{                                                                                          \
		"220 mx ready\n", "EHLO us.example\n"                                              \
	}

#define SAID(code_text) " " code_text " (relayed)\n"
#define OK_END "FINE 0  jobs=1 tls=\n"
#define B_BEFORE_C                                                                                 \
	"b@x DONE 2.0.0 250 2.0.0 ok (relayed)\nc@x UNTRIED  \n"                                   \
	"c@x DONE 2.0.0 250 2.0.0 ok (relayed)\nFINE 0  jobs=2 tls=\n"
#define BYE                                                                                        \
	{                                                                                          \
		"250 2.0.0 ok\n", "QUIT\n<closed>"                                                 \
	}
#define B_DONE "b@x DONE 2.0.0 250 2.0.0 ok (relayed)\n"

static const struct scene scenes[] = {
    /* RFC 5321 §3.3: one by one where the server does not pipeline */
    {"b@x",
	{GREET, {PLAIN_EHLO, MAIL " SIZE=26\n"}, {"250 ok\n", "RCPT TO:<b@x>\n"},
	    {"250 ok\n", "DATA\n"}, {"354 go\n", BODY},
	    {"250 2.6.0 queued as 1\n", "QUIT\n<closed>"}},
	"b@x DONE 2.6.0 250 2.6.0 queued as 1 (relayed)\n" OK_END},
    /* RFC 2920 §3.1: all at once, DATA as the last */
    {"b@x c@x d@x",
	{GREET, {PIPE_EHLO, MAIL "\nRCPT TO:<b@x>\nRCPT TO:<c@x>\nRCPT TO:<d@x>\nDATA\n"},
	    {"250 ok\n550 5.1.1 no b\n", ""}, {"450 later\n250 d\n354 go\n", BODY}, BYE},
	"b@x NEVER 5.1.1 550 5.1.1 no b\nc@x LATER 4.0.0 450 later\n"
	"d@x DONE 2.0.0 250 2.0.0 ok (relayed)\n" OK_END},
    /* RFC 5321 §3.2: HELO, after which nothing is offered */
    {"b@x",
	{GREET, {"502 what?\n", "HELO us.example\n"}, {"250 mx\n", MAIL "\n"},
	    {"250 ok\n", "RCPT TO:<b@x>\n"}, {"250 ok\n", "DATA\n"}, {"354 go\n", BODY}, BYE},
	B_DONE OK_END},
    /* the greeting and EHLO in many lines, LF alone, a code without a text */
    {"b@x",
	{{"220-mx\n220-is here\n220\n", "EHLO us.example\n"}, {"250-mx\n250\n", MAIL "\n"},
	    {"250\n", "RCPT TO:<b@x>\n"}, {"251 will forward\n", "DATA\n"}, {"354\n", BODY},
	    {"250\n", "QUIT\n<closed>"}},
	"b@x DONE 2.0.0 250 (relayed)\n" OK_END},

    /* -- refused before there was anything to carry out */
    {"b@x", {{"554 5.7.1 no\n", "<closed>"}}, "GREETING_NEVER 554 554 5.7.1 no jobs=0 tls=\n"},
    {"b@x", {{"421 4.3.2 busy\n", "<closed>"}}, "GREETING_LATER 421 421 4.3.2 busy jobs=0 tls=\n"},
    {"b@x", {{"+OK POP3 here\n", "<closed>"}},
	"GREETING_LATER 0 The server's reply is not one of SMTP jobs=0 tls=\n"},
    {"b@x", {GREET, {"451 later\n", "<closed>"}}, "GREETING_LATER 451 451 later jobs=0 tls=\n"},
    {"b@x", {GREET, {"550 no\n", "HELO us.example\n"}, {"550 no\n", "<closed>"}},
	"GREETING_NEVER 550 550 no jobs=0 tls=\n"},

    /* -- MAIL */
    {"b@x", {GREET, {PLAIN_EHLO, MAIL " SIZE=26\n"}, {"550 5.7.1 not you\n", "QUIT\n<closed>"}},
	"b@x NEVER 5.7.1 550 5.7.1 not you\n" OK_END},
    {"b@x", {GREET, {PLAIN_EHLO, MAIL " SIZE=26\n"}, {"451 greylisted\n", "QUIT\n<closed>"}},
	"b@x LATER 4.0.0 451 greylisted\n" OK_END},
    {"b@x",
	{GREET, {PIPE_EHLO, MAIL "\nRCPT TO:<b@x>\nDATA\n"}, {"452 full\n", ""},
	    {"503 no MAIL\n503 no RCPT\n", "QUIT\n<closed>"}},
	"b@x LATER 4.0.0 452 full\n" OK_END},
    /* a server that takes DATA all the same gets an empty message for nobody */
    {"b@x",
	{GREET, {PIPE_EHLO, MAIL "\nRCPT TO:<b@x>\nDATA\n"}, {"452 full\n503 no\n354 go\n", ".\n"},
	    {"250 ok\n", "QUIT\n<closed>"}},
	"b@x LATER 4.0.0 452 full\n" OK_END},
    {"b@x",
	{GREET, {PIPE_EHLO, MAIL "\nRCPT TO:<b@x>\nDATA\n"}, {"250 ok\n550 no\n354 go\n", ".\n"},
	    {"554 no recipients\n", "QUIT\n<closed>"}},
	"b@x NEVER 5.0.0 550 no\n" OK_END},

    /* -- RCPT */
    {"b@x c@x",
	{GREET, {PLAIN_EHLO, MAIL " SIZE=26\n"}, {"250 ok\n", "RCPT TO:<b@x>\n"},
	    {"550 5.1.1 unknown\n", "RCPT TO:<c@x>\n"}, {"550-5.2.1 gone\n550 away\n", "RSET\n"},
	    {"250 ok\n", "QUIT\n<closed>"}},
	"b@x NEVER 5.1.1 550 5.1.1 unknown\nc@x NEVER 5.2.1 550 5.2.1 gone away\n" OK_END},
    /* RFC 5321 §4.5.3.1.10: too many at once: the rest in a transaction of its own */
    {"b@x c@x",
	{GREET, {PIPE_EHLO, MAIL "\nRCPT TO:<b@x>\nRCPT TO:<c@x>\nDATA\n"},
	    {"250 ok\n250 ok\n452 4.5.3 too many\n354 go\n", BODY},
	    {"250 2.0.0 ok\n", MAIL "\nRCPT TO:<c@x>\nDATA\n"}, {"250 ok\n250 ok\n354 go\n", BODY},
	    BYE},
	B_BEFORE_C},
    {"b@x",
	{GREET, {PIPE_EHLO, MAIL "\nRCPT TO:<b@x>\nDATA\n"},
	    {"250 ok\n452 4.2.2 mailbox full\n503 no\n", "RSET\n"}, {"250 ok\n", "QUIT\n<closed>"}},
	"b@x LATER 4.2.2 452 4.2.2 mailbox full\n" OK_END},
    /* RFC 9422 */
    {"b@x c@x",
	{GREET,
	    {"250-mx\n250-PIPELINING\n250 LIMITS RCPTMAX=1 MAILMAX=2\n",
		MAIL "\nRCPT TO:<b@x>\nDATA\n"},
	    {"250 ok\n250 ok\n354 go\n", BODY}, {"250 2.0.0 ok\n", MAIL "\nRCPT TO:<c@x>\nDATA\n"},
	    {"250 ok\n250 ok\n354 go\n", BODY}, BYE},
	B_BEFORE_C},
    {"b@x c@x",
	{GREET,
	    {"250-mx\n250-PIPELINING\n250 LIMITS RCPTMAX=1 MAILMAX=1\n",
		MAIL "\nRCPT TO:<b@x>\nDATA\n"},
	    {"250 ok\n250 ok\n354 go\n", BODY}, BYE},
	"b@x DONE 2.0.0 250 2.0.0 ok (relayed)\nc@x UNTRIED  \n" OK_END},

    /* -- DATA and what follows it */
    {"b@x",
	{GREET, {PIPE_EHLO, MAIL "\nRCPT TO:<b@x>\nDATA\n"},
	    {"250 ok\n250 ok\n451 4.3.0 no disk\n", "RSET\n"}, {"250 ok\n", "QUIT\n<closed>"}},
	"b@x LATER 4.3.0 451 4.3.0 no disk\n" OK_END},
    {"b@x",
	{GREET, {PIPE_EHLO, MAIL "\nRCPT TO:<b@x>\nDATA\n"},
	    {"250 ok\n250 ok\n250 what?\n", "RSET\n"}, {"250 ok\n", "QUIT\n<closed>"}},
	"b@x LATER 4.5.0 The server did not answer DATA with 354: 250 what?\n" OK_END},
    {"b@x",
	{GREET, {PIPE_EHLO, MAIL "\nRCPT TO:<b@x>\nDATA\n"}, {"250 ok\n250 ok\n354 go\n", BODY},
	    {"554 5.6.0 spam\n", "QUIT\n<closed>"}},
	"b@x NEVER 5.6.0 554 5.6.0 spam\n" OK_END},
    {"b@x",
	{GREET, {PIPE_EHLO, MAIL "\nRCPT TO:<b@x>\nDATA\n"}, {"250 ok\n250 ok\n354 go\n", BODY},
	    {"354 go on\n", "QUIT\n<closed>"}},
	"b@x LATER 4.5.0 The server did not say what became of the message: 354 go on\n" OK_END},

    /* -- 421 in the middle (RFC 5321 §3.8) */
    {"b@x", {GREET, {PIPE_EHLO, MAIL "\nRCPT TO:<b@x>\nDATA\n"}, {"421 4.3.2 bye\n", "<closed>"}},
	"b@x LATER 4.3.2 421 4.3.2 bye\nFINE 421 421 4.3.2 bye jobs=1 tls=\n"},
    {"b@x c@x",
	{GREET, {PIPE_EHLO, MAIL "\nRCPT TO:<b@x>\nRCPT TO:<c@x>\nDATA\n"},
	    {"250 ok\n550 5.1.1 no b\n421 4.7.0 too many\n", "<closed>"}},
	"b@x NEVER 5.1.1 550 5.1.1 no b\nc@x LATER 4.7.0 421 4.7.0 too many\n"
	"FINE 421 421 4.7.0 too many jobs=1 tls=\n"},
    {"b@x",
	{GREET, {PIPE_EHLO, MAIL "\nRCPT TO:<b@x>\nDATA\n"}, {"250 ok\n250 ok\n354 go\n", BODY},
	    {"421 4.3.0 sorry\n", "<closed>"}},
	"b@x LATER 4.3.0 421 4.3.0 sorry\nFINE 421 421 4.3.0 sorry jobs=1 tls=\n"},

    /* -- garbage in the middle */
    {"b@x", {GREET, {PIPE_EHLO, MAIL "\nRCPT TO:<b@x>\nDATA\n"}, {"hello\n", "<closed>"}},
	"b@x LATER 4.5.0 The server's reply is not one of SMTP\n"
	"FINE 0 The server's reply is not one of SMTP jobs=1 tls=\n"},
    {"b@x", {GREET, {PIPE_EHLO, MAIL "\nRCPT TO:<b@x>\nDATA\n"}, {"2500 hello\n", "<closed>"}},
	"b@x LATER 4.5.0 The server's reply is not one of SMTP\n"
	"FINE 0 The server's reply is not one of SMTP jobs=1 tls=\n"},
};

/* What comes before it was asked for might be taken for the answer to something else. */
START_TEST(a_server_that_answers_ahead_is_not_believed)
{
	static const struct {
		const char *ehlo, *ahead, *log;
	} rows[] = {
	    {"250 mx\n250 ok\n", NULL,
		"GREETING_LATER 0 The server answered before it was asked jobs=0 tls=\n"},
	    {PIPE_EHLO, "250 ok\n250 ok\n354 go\n250 taken\n",
		"b@x LATER 4.5.0 The server answered before it was asked\n"
		"FINE 0 The server answered before it was asked jobs=1 tls=\n"},
	    {PIPE_EHLO, "250 ok\n550 no\n503 no\n250 reset\n",
		"b@x NEVER 5.0.0 550 no\nFINE 0 The server answered before it was asked jobs=1 "
		"tls=\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();
		client_fixture_job(f, "a@us.example", "b@x", TEXT);
		client_open(f);
		client_talk(f, "220 mx\n", "EHLO us.example\n", false);
		client_talk(f, rows[i].ehlo,
		    rows[i].ahead ? MAIL "\nRCPT TO:<b@x>\nDATA\n" : "<closed>", false);
		if (rows[i].ahead)
			client_talk(f, rows[i].ahead, "<closed>", false);
		ck_assert_str_is(sbuf_view(&f->log), rows[i].log);
	}
}
END_TEST

START_TEST(a_message_is_said_as_the_server_can_take_it)
{
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
		play(&scenes[i], false);
}
END_TEST

TEST_MAIN("client", a_server_that_answers_ahead_is_not_believed,
    a_message_is_said_as_the_server_can_take_it)
