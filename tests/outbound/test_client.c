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

static const struct scene scenes[] = {
    {"b@x",
	{GREET, {PLAIN_EHLO, MAIL " SIZE=26\n"}, {"250 ok\n", "RCPT TO:<b@x>\n"},
	    {"250 ok\n", "DATA\n"}, {"354 go\n", BODY},
	    {"250 2.6.0 queued as 1\n", "QUIT\n<closed>"}},
	"b@x DONE 2.6.0 250 2.6.0 queued as 1 (relayed)\nFINE 0  jobs=1 tls=\n"},
    {"b@x c@x d@x",
	{GREET, {PIPE_EHLO, MAIL "\nRCPT TO:<b@x>\nRCPT TO:<c@x>\nRCPT TO:<d@x>\nDATA\n"},
	    {"250 ok\n550 5.1.1 no c\n", ""}, {"450 later\n250 d\n354 go\n", BODY},
	    {"250 taken\n", "QUIT\n<closed>"}},
	"b@x NEVER 5.1.1 550 5.1.1 no c\nc@x LATER 4.0.0 450 later\n"
	"d@x DONE 2.0.0 250 taken (relayed)\nFINE 0  jobs=1 tls=\n"},
};

START_TEST(a_message_is_said_as_the_server_can_take_it)
{
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
		play(&scenes[i], false);
}
END_TEST

TEST_MAIN("client", a_message_is_said_as_the_server_can_take_it)
