/* A whole SMTP or LMTP session, begun in any of its states, over the store that exists only in
 * tests/smtpd/fake.c. The first octet picks port, state, whether input comes octet by octet and
 * whether there is TLS, the second what the store fails with; the rest is what the client sends, in
 * which 0xff is a pause. */
#include "smtpd/smtp_session.h"
#include "tests/fuzz/cheap_hash.h"
#include "tests/fuzz/fuzz.h"
#include "tests/smtpd/fake.h"

#include "common/base/clock.h"

#define PAUSE_MS 20000

static struct fake *
the_fake(void)
{
	static struct fake *f;
	static struct arena *kept;

	if (!f) {
		f = fake_new();
		kept = arena_new(65536);
		cheap_hash_check();
		FUZZ_CHECK(password_make(STR("secret"), kept, &f->credential) == ERR_OK);
	}
	clock_freeze(1700000000);
	return f;
}

/* As it was made. */
static void
forget(struct fake *f)
{
	FUZZ_CHECK(f->spools_open == 0);
	partial_free(&f->partials);
	f->partials = partial_new();
	f->message_count = f->queued_count = 0;
	f->sent = 0;
	f->sending_held = f->queue_held = false;
	f->deliver[2] = f->spool_write = ERR_OK;
	sbuf_clear(&f->trace);
	arena_reset(f->arena);
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

/* Pauses are among the input. */
static void
feed(struct fake *f, struct str in, size_t piece)
{
	while (in.n > 0) {
		size_t pause = str_find(str_sub(in, 0, piece), (char)0xff);
		struct str some = str_sub(in, 0, pause == STR_NONE ? piece : pause);
		if (pause == 0) {
			clock_advance_ms(PAUSE_MS);
			conn_memory_run(f->conn);
			some.n = 1;
		} else {
			check_output(fake_feed(f, some));
		}
		in = str_skip(in, some.n);
	}
}

static void
go_to(struct fake *f, struct smtp_session *s, bool lmtp, unsigned state)
{
	const char *const hello = lmtp ? "LHLO a\r\n" : "EHLO a\r\n";
	const char *const way[] = {
	    hello, "MAIL FROM:<>\r\n", "RCPT TO:<team@example.test>\r\n", "BDAT 3\r\na\r\n"};

	if (state > 5) { /* in the midst of a login, or of TLS */
		fake_feed(f, str_of(hello));
		fake_feed(f, state == 6 ? STR("AUTH LOGIN\r\nYW5u\r\n") : STR("STARTTLS\r\n"));
		return;
	}
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

	if (size < 2)
		return 0;
	struct fake *f = the_fake();
	enum smtp_service service = services[data[0] & 3];
	const struct conn_memory_options options = {.service = (int)service,
	    .tls_available = true,
	    .tls = data[0] & 0x40,
	    .remote = data[1] & 0x80};
	struct smtp_session *s = smtp_session_new(&f->service, f->partials);
	struct str in = str_make(data + 2, size - 2);

	f->conn = conn_memory_open(&smtp_session_ops, s, &options);
	check_output(fake_feed(f, STR("")));
	f->conf->smtpd.refuse_bare_newline = data[1] & 0x40;
	go_to(f, s, service == SMTP_LMTP, data[0] >> 2 & 7);
	f->deliver[2] = faults[data[1] % ARRAY_LEN(faults)];
	f->spool_write = faults[data[1] / 8 % ARRAY_LEN(faults)];
	f->spool_room = 200;
	feed(f, in, data[0] & 0x20 ? 1 : SIZE_MAX);
	clock_advance_ms(PAUSE_MS); /* answers that are held back */
	conn_memory_run(f->conn);
	check_output(fake_feed(f, STR("\r\n.\r\n")));
	conn_memory_eof(f->conn);
	fake_close(f);
	forget(f);
	return 0;
}
