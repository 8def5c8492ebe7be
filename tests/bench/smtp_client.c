#include "tests/bench/smtp_client.h"
#include "common/mail/codec.h"
#include <string.h>

static void
expect(struct wire *w, const char *code)
{
	struct str line;
	do {
		line = wire_line(w);
		if (line.n < 4 || memcmp(line.p, code, 3) != 0)
			load_fail("expected %s: %.*s", code, (int)line.n, line.p);
	} while (line.p[3] == '-');
}

static void
ask(struct wire *w, const char *command, const char *code)
{
	sbuf_puts(&w->out, command);
	sbuf_puts(&w->out, "\r\n");
	wire_push(w);
	expect(w, code);
}

void
smtp_open(struct wire *w, const char *host, const char *port)
{
	wire_open(w, host, port, NULL);
	expect(w, "220");
	ask(w, "EHLO bench.remote.test", "250");
}

void
smtp_log_in(struct wire *w, const char *user, const char *password)
{
	CLEANUP(sbuf_done) struct sbuf plain = SBUF_INIT(1024), line = SBUF_INIT(2048);
	sbuf_putc(&plain, '\0');
	sbuf_puts(&plain, user);
	sbuf_putc(&plain, '\0');
	sbuf_puts(&plain, password);
	sbuf_puts(&line, "AUTH PLAIN ");
	base64_encode(sbuf_view(&plain), &line);
	ask(w, sbuf_cstr(&line), "235");
}

/* With another dot before one that begins a line (RFC 5321 §4.5.2). */
static void
put_stuffed(struct sbuf *out, struct str mail)
{
	const char *end = mail.p + mail.n;
	for (const char *p = mail.p; p < end;) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((lf != NULL ? lf + 1 : end) - p);
		if (*p == '.')
			sbuf_putc(out, '.');
		sbuf_put(out, (struct str){p, n});
		p += n;
	}
}

void
smtp_offer(struct wire *w, const char *sender, const char *recipient, struct str mail)
{
	sbuf_printf(&w->out, "MAIL FROM:<%s>\r\n", sender);
	wire_push(w);
	expect(w, "250");
	sbuf_printf(&w->out, "RCPT TO:<%s>\r\n", recipient);
	wire_push(w);
	expect(w, "250");
	ask(w, "DATA", "354");
	put_stuffed(&w->out, mail);
	wire_push(w);
}

void
smtp_send_end(struct wire *w)
{
	sbuf_puts(&w->out, ".\r\n");
	wire_push(w);
}

void
smtp_take_accepted(struct wire *w)
{
	expect(w, "250");
}

void
smtp_quit(struct wire *w)
{
	ask(w, "QUIT", "221");
	wire_close(w);
}
