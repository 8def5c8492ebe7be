#include "common/mail/xtext.h"

static bool
is_xchar(unsigned char c) /* RFC 3461 §4: "!" to "~" but "+" and "=" */
{
	return c > ' ' && c <= '~' && c != '+' && c != '=';
}

static int
upper_hex(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum err
xtext_decode(struct str in, struct sbuf *out)
{
	for (size_t i = 0; i < in.n; i++) {
		unsigned char c = (unsigned char)in.p[i];
		if (c == '+') {
			int high = i + 2 < in.n ? upper_hex(in.p[i + 1]) : -1;
			int low = i + 2 < in.n ? upper_hex(in.p[i + 2]) : -1;
			if (high < 0 || low < 0)
				return ERR_SYNTAX;
			c = (unsigned char)(high << 4 | low);
			if (c < ' ' || c == 0x7f)
				return ERR_SYNTAX;
			i += 2;
		} else if (!is_xchar(c)) {
			return ERR_SYNTAX;
		}
		sbuf_putc(out, (char)c);
	}
	return sbuf_error(out);
}

void
xtext_encode(struct str in, struct sbuf *out)
{
	for (size_t i = 0; i < in.n; i++) {
		unsigned char c = (unsigned char)in.p[i];
		if (is_xchar(c))
			sbuf_putc(out, (char)c);
		else
			sbuf_printf(out, "+%02X", c);
	}
}

/* -- UTF-8 ---------------------------------------------------------------------------------- */

static void
put_utf8(uint32_t point, struct sbuf *out)
{
	if (point < 0x80) {
		sbuf_putc(out, (char)point);
	} else if (point < 0x800) {
		sbuf_putc(out, (char)(0xc0 | point >> 6));
		sbuf_putc(out, (char)(0x80 | (point & 0x3f)));
	} else if (point < 0x10000) {
		sbuf_putc(out, (char)(0xe0 | point >> 12));
		sbuf_putc(out, (char)(0x80 | (point >> 6 & 0x3f)));
		sbuf_putc(out, (char)(0x80 | (point & 0x3f)));
	} else {
		sbuf_putc(out, (char)(0xf0 | point >> 18));
		sbuf_putc(out, (char)(0x80 | (point >> 12 & 0x3f)));
		sbuf_putc(out, (char)(0x80 | (point >> 6 & 0x3f)));
		sbuf_putc(out, (char)(0x80 | (point & 0x3f)));
	}
}

/* "\x{HEXPOINT}" at the start of `s`: its length, 0 where it is none. */
static size_t
take_embedded(struct str s, uint32_t *ret)
{
	size_t end = str_find(s, '}');
	uint32_t point = 0;

	if (!str_starts(s, STR("\\x{")) || end == STR_NONE || end < 5 || end > 9)
		return 0;
	for (size_t i = 3; i < end; i++) {
		int digit = upper_hex(ascii_upper(s.p[i]));
		if (digit < 0)
			return 0;
		point = point << 4 | (uint32_t)digit;
	}
	bool control = point < ' ' || point == 0x7f;
	if (control || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		return 0;
	*ret = point;
	return end + 1;
}

enum err
unitext_decode(struct str in, struct sbuf *out)
{
	for (size_t i = 0; i < in.n;) {
		unsigned char c = (unsigned char)in.p[i];
		uint32_t point;
		size_t n = c == '\\' ? take_embedded(str_skip(in, i), &point) : 0;
		if (n)
			put_utf8(point, out);
		else if (c == '\\' || (c < 0x80 && !is_xchar(c)))
			return ERR_SYNTAX;
		else
			sbuf_putc(out, (char)c);
		i += n ? n : 1;
	}
	if (!str_is_utf8(sbuf_view(out)))
		return ERR_SYNTAX;
	return sbuf_error(out);
}

void
unitext_encode(struct str in, struct sbuf *out)
{
	for (size_t i = 0; i < in.n;) {
		unsigned char c = (unsigned char)in.p[i];
		size_t n = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
		uint32_t point = n == 1 ? c : c & (0xffU >> (n + 1));
		for (size_t k = 1; k < n && i + k < in.n; k++)
			point = point << 6 | ((unsigned char)in.p[i + k] & 0x3f);
		if (n == 1 && is_xchar(c) && c != '\\')
			sbuf_putc(out, (char)c);
		else
			sbuf_printf(out, "\\x{%02X}", point);
		i += n;
	}
}
