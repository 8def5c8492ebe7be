/* A whole session of the SMTP or LMTP client, begun at any of its steps. The first octet picks the
 * step, the second what the client has to do and whether input comes octet by octet; the rest is
 * what the server sends, 0xff stands for time that passes. */
#include "tests/fuzz/fuzz.h"
#include "tests/outbound/client_fixture.h"

#include "common/base/clock.h"

#define TEXT "Subject: x\r\n\r\n.\r\nline\r\n"

static const char *const steps[] = {
    "",
    "220 mx\r\n",
    "250-mx\r\n250-PIPELINING\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n250 DSN\r\n",
    "220 tls\r\n",
    "250-mx\r\n250-PIPELINING\r\n250-AUTH LOGIN\r\n250 LIMITS RCPTMAX=2\r\n",
    "250 ok\r\n250 ok\r\n452 more\r\n",
    "354 go\r\n",
};

/* Lines end in CRLF, and nowhere else is there a CR or LF: nobody who reads what we send can see
 * other lines than we wrote. */
static void
check_output(struct client_fixture *f)
{
	CLEANUP(arena_free) struct arena *a = arena_new(1 << 22);
	struct str out = conn_memory_output(f->conn, a);

	for (size_t i = 0; i < out.n; i++) {
		if (out.p[i] == '\n')
			FUZZ_CHECK(i > 0 && out.p[i - 1] == '\r');
		if (out.p[i] == '\r')
			FUZZ_CHECK(i + 1 < out.n && out.p[i + 1] == '\n');
	}
}

static void
feed(struct client_fixture *f, struct str in)
{
	if (conn_memory_closed(f->conn))
		return;
	if (in.n == 1 && (unsigned char)in.p[0] == 0xff) {
		clock_advance_ms(CLIENT_COMMAND_MS);
		conn_memory_run(f->conn);
	} else if (in.n) {
		conn_memory_feed(f->conn, in);
	}
	check_output(f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();
	struct str in = str_make(data + 2, size - 2);
	unsigned how = data[1];

	clock_freeze(1700000000);
	f->route.kind = how & 1 ? ROUTE_LMTP : ROUTE_SMTP;
	f->host.must_tls = how & 2;
	f->client.without_tls = how & 4;
	if (how & 8) {
		f->route.user = STR("user");
		f->route.password = STR("password");
	}
	f->wait_ms = how & 16 ? 1000 : 0;
	struct job *job = client_fixture_job(f, "a@us.example", "b@x c@x d@x", TEXT);
	job->message.smtputf8 = how & 32;
	job->rcpts[1].row.orcpt = STR("rfc822;c+x@x");
	client_fixture_job(f, "", "b@x", TEXT);
	client_open(f);
	for (size_t i = 0; i < ARRAY_LEN(steps) && i < data[0] % (ARRAY_LEN(steps) + 1); i++)
		feed(f, str_of(steps[i]));
	for (struct str piece; in.n > 0; in = str_skip(in, piece.n)) {
		size_t mark = str_find(in, (char)0xff);
		size_t n = how & 64 || mark == 0 ? 1 : mark == STR_NONE ? in.n : mark;
		piece = str_sub(in, 0, n);
		feed(f, piece);
	}
	if (!conn_memory_closed(f->conn))
		conn_memory_eof(f->conn);
	conn_memory_close(&f->conn);
	FUZZ_CHECK(f->ended && f->contents_open == 0);
	for (size_t i = 0; i < f->given; i++)
		for (size_t k = 0; k < f->jobs[i]->rcpt_count; k++)
			FUZZ_CHECK(f->jobs[i]->rcpts[k].status.n > 0);
	clock_thaw();
	return 0;
}
