/* Extensions: what the client says of a message where the server knows it, and what it does where
 * the server does not; LMTP; chunks. */
#include "tests/outbound/client_fixture.h"

#define TEXT "Subject: hi\r\n\r\nbye\r\n"
#define HIGH "Subject: hi\r\n\r\nbye \xc3\xbc\r\n"
#define BODY "Subject: hi\n\nbye\n.\n"
#define MAX_ROWS 12

struct scene {
	const char *what, *sender, *rcpts, *text;
	bool lmtp, utf8, utf8_header, binary;
	enum queue_ret ret;
	const char *envid, *orcpt;
	unsigned notify;
	enum content_form asked;
	struct talk rows[MAX_ROWS];
	const char *log;
};

static struct str
or_empty(const char *s)
{
	return str_of(s ? s : "");
}

static void
play(const struct scene *s, bool by_byte)
{
	CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();
	struct job *job = client_fixture_job(f, s->sender ? s->sender : "a@us.example",
	    s->rcpts ? s->rcpts : "b@x", s->text ? s->text : TEXT);
	size_t n = 0;

	while (n < MAX_ROWS && s->rows[n].client)
		n++;
	f->route.kind = s->lmtp ? ROUTE_LMTP : ROUTE_SMTP;
	f->utf8_header = s->utf8_header;
	f->binary = s->binary;
	job->message.smtputf8 = s->utf8;
	job->message.ret = s->ret;
	job->message.envid = or_empty(s->envid);
	job->rcpts[0].row.orcpt = or_empty(s->orcpt);
	job->rcpts[0].row.notify = s->notify;
	client_open(f);
	client_talk_all(f, s->rows, n, s->log, by_byte);
	ck_assert_msg(f->asked == s->asked, "%s: form %d", s->what, f->asked);
}

#define GREET                                                                                      \
	{                                                                                          \
		"220 mx\n", "EHLO us.example\n"                                                    \
	}
#define MAIL "MAIL FROM:<a@us.example>"
#define END                                                                                        \
	{                                                                                          \
		"250 2.0.0 ok\n", "QUIT\n<closed>"                                                 \
	}
#define GO {"250 ok\n250 ok\n354 go\n", BODY}, END
#define RELAYED "b@x DONE 2.0.0 250 2.0.0 ok (relayed)\nFINE 0  jobs=1 tls=\n"
#define DONE "b@x DONE 2.0.0 250 2.0.0 ok\nFINE 0  jobs=1 tls=\n"
#define P "250-mx\n250-PIPELINING\n"

static const struct scene scenes[] = {
    /* RFC 1870 */
    {.what = "the size is told where it may be",
	.rows = {GREET, {P "250 SIZE\n", MAIL " SIZE=20\nRCPT TO:<b@x>\nDATA\n"}, GO},
	.log = RELAYED},
    {.what = "and no message is begun that is too large",
	.rows = {GREET, {P "250 SIZE 19\n", "QUIT\n<closed>"}},
	.log = "b@x NEVER 5.3.4 The message has 20 octets, the server takes 19 at most\n"
	       "FINE 0  jobs=1 tls=\n"},
    {.what = "0 is no limit",
	.rows = {GREET, {P "250 SIZE 0\n", MAIL " SIZE=20\nRCPT TO:<b@x>\nDATA\n"}, GO},
	.log = RELAYED},

    /* RFC 6152 */
    {.what = "eight bits are announced",
	.text = HIGH,
	.asked = CONTENT_8BIT,
	.rows = {GREET, {P "250 8BITMIME\n", MAIL " BODY=8BITMIME\nRCPT TO:<b@x>\nDATA\n"},
	    {"250 ok\n250 ok\n354 go\n", "Subject: hi\n\nbye \xc3\xbc\n.\n"}, END},
	.log = RELAYED},
    {.what = "seven need no word",
	.asked = CONTENT_8BIT,
	.rows = {GREET, {P "250 8BITMIME\n", MAIL "\nRCPT TO:<b@x>\nDATA\n"}, GO},
	.log = RELAYED},

    /* RFC 3030: chunks only where lines are none; nobody to take them, none is sent */
    {.what = "not without a recipient",
	.binary = true,
	.asked = CONTENT_BINARY,
	.rows = {GREET,
	    {P "250-BINARYMIME\n250 CHUNKING\n", MAIL " BODY=BINARYMIME\nRCPT TO:<b@x>\n"},
	    {"250 ok\n550 5.1.1 no\n", "RSET\n"}, {"250 ok\n", "QUIT\n<closed>"}},
	.log = "b@x NEVER 5.1.1 550 5.1.1 no\nFINE 0  jobs=1 tls=\n"},
    {.what = "chunks alone are not enough for binary",
	.asked = CONTENT_8BIT,
	.rows = {GREET, {P "250-8BITMIME\n250 CHUNKING\n", MAIL "\nRCPT TO:<b@x>\nDATA\n"}, GO},
	.log = RELAYED},

    /* RFC 6531 */
    {.what = "addresses in UTF-8",
	.sender = "\xc3\xa4@us.example",
	.utf8 = true,
	.rows = {GREET,
	    {P "250 SMTPUTF8\n", "MAIL FROM:<\xc3\xa4@us.example> SMTPUTF8\nRCPT TO:<b@x>\nDATA\n"},
	    GO},
	.log = RELAYED},
    {.what = "a header in UTF-8",
	.utf8 = true,
	.utf8_header = true,
	.rows = {GREET, {P "250 SMTPUTF8\n", MAIL " SMTPUTF8\nRCPT TO:<b@x>\nDATA\n"}, GO},
	.log = RELAYED},
    {.what = "nothing that needs it (§3.4)",
	.utf8 = true,
	.rows = {GREET, {P "250 SMTPUTF8\n", MAIL "\nRCPT TO:<b@x>\nDATA\n"}, GO},
	.log = RELAYED},
    {.what = "an old header that nobody declared",
	.utf8_header = true,
	.rows = {GREET, {P "250 SMTPUTF8\n", MAIL "\nRCPT TO:<b@x>\nDATA\n"}, GO},
	.log = RELAYED},
    {.what = "not offered: the header",
	.utf8 = true,
	.utf8_header = true,
	.rows = {GREET, {P "250 DSN\n", "QUIT\n<closed>"}},
	.log = "b@x NEVER 5.6.7 The message needs SMTPUTF8 (addresses or header fields beyond "
	       "ASCII), which the server does not offer\nFINE 0  jobs=1 tls=\n"},
    {.what = "not offered: only the recipient who needs it",
	.utf8 = true,
	.rcpts = "\xc3\xa4@x b@x",
	.rows = {GREET, {P "250 8BITMIME\n", MAIL "\nRCPT TO:<b@x>\nDATA\n"}, GO},
	.asked = CONTENT_8BIT,
	.log = "\xc3\xa4@x NEVER 5.6.7 The message needs SMTPUTF8 (addresses or header fields "
	       "beyond ASCII), which the server does not offer\n" RELAYED},
    {.what = "domains have an ASCII form that everybody knows",
	.sender = "a@\xc3\xbc.example",
	.rcpts = "b@\xc3\xbc.example",
	.rows = {GREET,
	    {"250-mx\n250 PIPELINING\n",
		"MAIL FROM:<a@xn--tda.example>\nRCPT TO:<b@xn--tda.example>\nDATA\n"},
	    GO},
	.log = "b@\xc3\xbc.example DONE 2.0.0 250 2.0.0 ok (relayed)\nFINE 0  jobs=1 tls=\n"},

    /* RFC 3461 */
    {.what = "what the sender wants to hear is handed on",
	.ret = QUEUE_RET_HDRS,
	.envid = "QQ+3=14 159",
	.orcpt = "rfc822;Bob+x@ex.example",
	.notify = QUEUE_NOTIFY_SUCCESS | QUEUE_NOTIFY_DELAY,
	.rows = {GREET,
	    {P "250 DSN\n",
		MAIL " RET=HDRS ENVID=QQ+2B3+3D14+20159\n"
		     "RCPT TO:<b@x> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob+2Bx@ex.example\nDATA\n"},
	    GO},
	.log = DONE},
    {.what = "never is never; the address in UTF-8 (RFC 6533 §3)",
	.ret = QUEUE_RET_FULL,
	.orcpt = "utf-8;\xc3\xa4@x",
	.notify = QUEUE_NOTIFY_NEVER,
	.rows = {GREET,
	    {P "250 DSN\n",
		MAIL " RET=FULL\nRCPT TO:<b@x> NOTIFY=NEVER ORCPT=utf-8;\\x{E4}@x\nDATA\n"},
	    GO},
	.log = DONE},
    {.what = "a server that can't is told nothing",
	.ret = QUEUE_RET_HDRS,
	.envid = "1",
	.orcpt = "rfc822;b@x",
	.notify = QUEUE_NOTIFY_SUCCESS,
	.rows = {GREET, {"250-mx\n250 PIPELINING\n", MAIL "\nRCPT TO:<b@x>\nDATA\n"}, GO},
	.log = RELAYED},

    /* the null sender, and addresses that are to stay addresses */
    {.what = "the null sender",
	.sender = "",
	.rows = {GREET, {"250-mx\n250 PIPELINING\n", "MAIL FROM:<>\nRCPT TO:<b@x>\nDATA\n"}, GO},
	.log = RELAYED},
    {.what = "a quoted local part",
	.rcpts = "\"b>c\"@x",
	.rows = {GREET, {"250-mx\n250 PIPELINING\n", MAIL "\nRCPT TO:<\"b>c\"@x>\nDATA\n"}, GO},
	.log = "\"b>c\"@x DONE 2.0.0 250 2.0.0 ok (relayed)\nFINE 0  jobs=1 tls=\n"},
    {.what = "no line end in an address",
	.rcpts = "b@x\r\nRCPT c>@x b@x",
	.rows = {GREET, {"250-mx\n250 PIPELINING\n", MAIL "\nRCPT TO:<b@x>\nDATA\n"}, GO},
	.log = "b@x\r\nRCPT NEVER 5.1.3 The address can't be put into an SMTP command\n"
	       "c>@x NEVER 5.1.3 The address can't be put into an SMTP command\n" RELAYED},
    {.what = "nor in the sender's",
	.sender = "a@x>\r\nDATA",
	.rows = {GREET, {"250-mx\n250 PIPELINING\n", "QUIT\n<closed>"}},
	.log = "b@x NEVER 5.1.7 The sender's address can't be put into an SMTP command\n"
	       "FINE 0  jobs=1 tls=\n"},

    /* RFC 2033 */
    {.what = "LMTP has an answer for each who was taken",
	.lmtp = true,
	.rcpts = "b@x c@x d@x e@x",
	.rows = {{"220 lmtp\n", "LHLO us.example\n"},
	    {P "250 8BITMIME\n",
		MAIL "\nRCPT TO:<b@x>\nRCPT TO:<c@x>\nRCPT TO:<d@x>\nRCPT TO:<e@x>\nDATA\n"},
	    {"250 ok\n250 b\n550 5.1.1 no c\n250 d\n250 e\n354 go\n", BODY},
	    {"250 2.1.5 b is in\n", ""}, {"452 4.2.2 d is full\n", ""},
	    {"554 5.6.0 e\n", "QUIT\n<closed>"}},
	.asked = CONTENT_8BIT,
	.log = "b@x DONE 2.1.5 250 2.1.5 b is in\nc@x NEVER 5.1.1 550 5.1.1 no c\n"
	       "d@x LATER 4.2.2 452 4.2.2 d is full\ne@x NEVER 5.6.0 554 5.6.0 e\n"
	       "FINE 0  jobs=1 tls=\n"},
    {.what = "LMTP: no HELO",
	.lmtp = true,
	.rows = {{"220 lmtp\n", "LHLO us.example\n"}, {"500 what?\n", "<closed>"}},
	.log = "GREETING_NEVER 500 500 what? jobs=0 tls=\n"},
};

START_TEST(extensions_are_used_where_offered_and_done_without_where_not)
{
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
		play(&scenes[i], false);
		play(&scenes[i], true);
	}
}
END_TEST

/* Every octet as it is: no dots, no line ends (RFC 3030 §2). */
START_TEST(a_chunk_holds_the_octets_as_they_are)
{
	CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();
	CLEANUP(arena_free) struct arena *a = arena_new(1 << 20);

	f->binary = true;
	client_fixture_job(f, "a@us.example", "b@x", "A: b\r\n\r\n.\ra\n\r\n.\r\n");
	client_open(f);
	client_talk(f, "220 mx\n", "EHLO us.example\n", false);
	client_talk(
	    f, P "250-BINARYMIME\n250 CHUNKING\n", MAIL " BODY=BINARYMIME\nRCPT TO:<b@x>\n", false);
	conn_memory_feed(f->conn, STR("250 ok\r\n250 ok\r\n"));
	ck_assert_str_is(
	    conn_memory_output(f->conn, a), "BDAT 17 LAST\r\nA: b\r\n\r\n.\ra\n\r\n.\r\n");
	client_talk(f, "250 2.0.0 ok\n", "QUIT\n<closed>", false);
	ck_assert_str_is(sbuf_view(&f->log), RELAYED);
}
END_TEST

/* RFC 2033 §4.2: the connection is lost after some answers. */
START_TEST(lmtp_answers_that_came_count_when_the_connection_is_lost)
{
	CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();

	f->route.kind = ROUTE_LMTP;
	client_fixture_job(f, "a@us.example", "b@x c@x", TEXT);
	client_open(f);
	client_talk(f, "220 lmtp\n", "LHLO us.example\n", false);
	client_talk(
	    f, "250-mx\n250 PIPELINING\n", MAIL "\nRCPT TO:<b@x>\nRCPT TO:<c@x>\nDATA\n", false);
	client_talk(f, "250 ok\n250 ok\n250 ok\n354 go\n", BODY, false);
	client_talk(f, "250 2.0.0 ok\n", "", false);
	conn_memory_eof(f->conn);
	ck_assert_str_is(sbuf_view(&f->log),
	    "b@x DONE 2.0.0 250 2.0.0 ok\nc@x LATER 4.4.2 The server closed the connection\n"
	    "FINE 0 The server closed the connection jobs=1 tls=\n");
}
END_TEST

TEST_MAIN("client_params", extensions_are_used_where_offered_and_done_without_where_not,
    a_chunk_holds_the_octets_as_they_are, lmtp_answers_that_came_count_when_the_connection_is_lost)
