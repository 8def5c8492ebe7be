/* A whole SMTP or LMTP session, begun in any of its states, over the store that exists only in
 * tests/smtpd/fake.c. The first octet picks port, state and whether input comes octet by octet, the
 * second what the store fails with; the rest is what the client sends. */
#include "smtpd/smtp_session.h"
#include "tests/fuzz/fuzz.h"
#include "tests/smtpd/fake.h"

#include "common/base/clock.h"

static struct fake *
the_fake(void)
{
	static struct fake *f;

	if (!f) {
		f = fake_new();
		clock_freeze(1700000000);
	}
	return f;
}

/* Every reply line is "ddd text" or "ddd-text", printable, and ends in CRLF. */
static void
check_output(struct str out)
{
	struct str line;

	if (out.n == 0)
		return;
	FUZZ_CHECK(out.p[out.n - 1] == '\n');
	out.n--;
	while (str_split(&out, '\n', &line)) {
		FUZZ_CHECK(line.n >= 5 && line.p[line.n - 1] == '\r');
		FUZZ_CHECK(line.p[0] >= '2' && line.p[0] <= '5');
		FUZZ_CHECK(ascii_is_digit(line.p[1]) && ascii_is_digit(line.p[2]));
		FUZZ_CHECK(line.p[3] == ' ' || line.p[3] == '-');
		for (size_t i = 0; i < line.n - 1; i++)
			FUZZ_CHECK(line.p[i] >= ' ' && line.p[i] <= '~');
	}
}

static void
go_to(struct fake *f, struct smtp_session *s, bool lmtp, unsigned state)
{
	const char *const way[] = {lmtp ? "LHLO a\r\n" : "EHLO a\r\n", "MAIL FROM:<>\r\n",
	    "RCPT TO:<team@example.test>\r\n", "BDAT 3\r\na\r\n"};

	if (state > 5)
		state = 5;
	s->account = smtp_submits(s) && state > 1 ? 1 : 0;
	for (unsigned i = 0; i < state && i < ARRAY_LEN(way); i++) {
		if (i == 3 && state == 5)
			fake_feed(f, STR("DATA\r\n")); /* in the midst of the message */
		else
			fake_feed(f, str_of(way[i]));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum smtp_service services[] = {
	    SMTP_MX, SMTP_SUBMISSION, SMTP_SUBMISSIONS, SMTP_LMTP};
	static const enum err faults[] = {ERR_OK, ERR_OVER_QUOTA, ERR_GONE, ERR_IO, ERR_NO_SPACE};
	struct fake *f = the_fake();

	if (size < 2)
		return 0;
	enum smtp_service service = services[data[0] & 3];
	const struct conn_memory_options options = {
	    .service = (int)service, .tls_available = true, .remote = data[1] & 0x80};
	struct smtp_session *s = smtp_session_new(&f->service, f->partials);
	struct str in = str_make(data + 2, size - 2);

	f->conn = conn_memory_open(&smtp_session_ops, s, &options);
	check_output(fake_feed(f, STR("")));
	go_to(f, s, service == SMTP_LMTP, data[0] >> 2 & 7);
	f->deliver[2] = faults[data[1] % ARRAY_LEN(faults)];
	f->spool_write = faults[data[1] / 8 % ARRAY_LEN(faults)];
	f->spool_room = 200;
	f->conf->smtpd.refuse_bare_newline = data[1] & 0x40;
	if (data[0] & 0x20) {
		for (size_t i = 0; i < in.n; i++)
			check_output(fake_feed(f, str_sub(in, i, 1)));
	} else {
		check_output(fake_feed(f, in));
	}
	clock_advance_ms(2000); /* answers that are held back */
	conn_memory_run(f->conn);
	check_output(fake_feed(f, STR("\r\n.\r\n")));
	conn_memory_eof(f->conn);
	fake_close(f);
	FUZZ_CHECK(f->spools_open == 0);
	f->message_count = 0;
	f->deliver[2] = f->spool_write = ERR_OK;
	arena_reset(f->arena);
	return 0;
}
