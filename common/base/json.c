#include "common/base/json.h"

static void
put_string(struct sbuf *out, struct str s)
{
	bool utf8 = str_is_utf8(s);

	sbuf_putc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c == '"' || c == '\\')
			sbuf_printf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			sbuf_printf(out, "\\u%04x", c);
		else if (c >= 0x80 && !utf8)
			sbuf_puts(out, "\\ufffd");
		else
			sbuf_putc(out, (char)c);
	}
	sbuf_putc(out, '"');
}

/* What stands between this value and the one before, and its name. */
static void
begin_value(struct sbuf *out, const char *key)
{
	struct str before = sbuf_view(out);
	char last = before.n > 0 ? before.p[before.n - 1] : '{';

	if (last != '{' && last != '[')
		sbuf_putc(out, ',');
	if (key) {
		put_string(out, str_of(key));
		sbuf_putc(out, ':');
	}
}

void
json_open(struct sbuf *out, const char *key, char bracket)
{
	begin_value(out, key);
	sbuf_putc(out, bracket);
}

void
json_close(struct sbuf *out, char bracket)
{
	sbuf_putc(out, bracket);
}

void
json_str(struct sbuf *out, const char *key, struct str value)
{
	begin_value(out, key);
	put_string(out, value);
}

void
json_u64(struct sbuf *out, const char *key, uint64_t value)
{
	begin_value(out, key);
	sbuf_u64(out, value);
}

void
json_raw(struct sbuf *out, const char *key, struct str value)
{
	begin_value(out, key);
	sbuf_put(out, value);
}

void
json_bool(struct sbuf *out, const char *key, bool value)
{
	begin_value(out, key);
	sbuf_puts(out, value ? "true" : "false");
}
