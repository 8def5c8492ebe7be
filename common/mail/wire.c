#include "common/mail/mime_private.h"

#define QUOTED_MAX 4096 /* octets; longer strings are literals, so that lines stay short */

static bool
may_be_quoted(struct str s)
{
	if (s.n > QUOTED_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80 || s.p[i] == '\r' || s.p[i] == '\n')
			return false;
	return true;
}

void
wire_put_string(struct sbuf *out, struct str s)
{
	bool quoted = may_be_quoted(s);

	if (quoted)
		sbuf_putc(out, '"');
	else
		sbuf_printf(out, "{%zu}\r\n", s.n);
	size_t from = 0;
	for (size_t i = 0; i < s.n; i++) {
		bool escape = quoted && (s.p[i] == '"' || s.p[i] == '\\');
		if (s.p[i] != '\0' && !escape)
			continue;
		sbuf_append(out, s.p + from, i - from);
		if (escape)
			sbuf_putc(out, '\\');
		sbuf_putc(out, escape ? s.p[i] : '?');
		from = i + 1;
	}
	sbuf_put(out, str_skip(s, from));
	if (quoted)
		sbuf_putc(out, '"');
}

void
wire_put_nstring(struct sbuf *out, struct str s)
{
	if (s.p)
		wire_put_string(out, s);
	else
		sbuf_puts(out, "NIL");
}
