#include "common/mail/utf7.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static int
value_of(char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

static bool
is_printable(uint32_t c)
{
	return c >= 0x20 && c <= 0x7e;
}

static void
put_utf8(uint32_t c, struct sbuf *out)
{
	char octets[4];
	size_t n = 0;

	if (c < 0x80) {
		octets[n++] = (char)c;
	} else if (c < 0x800) {
		octets[n++] = (char)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		octets[n++] = (char)(0xe0 | c >> 12);
		octets[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	} else {
		octets[n++] = (char)(0xf0 | c >> 18);
		octets[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		octets[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	}
	if (c >= 0x80)
		octets[n++] = (char)(0x80 | (c & 0x3f));
	sbuf_append(out, octets, n);
}

/* One UTF-16 unit of a shifted section; *high keeps a first surrogate. False when it may not stand
 * here (RFC 3501 §5.1.3: printable ASCII is never in base64; NUL is in no name). */
static bool
take_unit(uint32_t unit, uint32_t *high, struct sbuf *out)
{
	if (*high) {
		if (unit < 0xdc00 || unit > 0xdfff)
			return false;
		put_utf8(0x10000 + ((*high - 0xd800) << 10) + (unit - 0xdc00), out);
		*high = 0;
		return true;
	}
	if (unit >= 0xd800 && unit <= 0xdbff) {
		*high = unit;
		return true;
	}
	if ((unit >= 0xdc00 && unit <= 0xdfff) || unit == 0 || is_printable(unit))
		return false;
	put_utf8(unit, out);
	return true;
}

/* A section after its "&" up to and with its "-"; the number of octets taken, 0 if it is not
 * canonical. */
static size_t
take_section(struct str in, struct sbuf *out)
{
	uint32_t bits = 0;
	int have = 0;
	uint32_t high = 0;
	size_t i = 0;

	for (; i < in.n && in.p[i] != '-'; i++) {
		int v = value_of(in.p[i]);
		if (v < 0)
			return 0;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 16) {
			have -= 16;
			if (!take_unit(bits >> have & 0xffff, &high, out))
				return 0;
		}
	}
	if (i == in.n || high || have >= 6 || (bits & ((1u << have) - 1)))
		return 0;
	return i + 1;
}

enum err
utf7_to_utf8(struct str in, struct sbuf *out)
{
	bool after_section = false;

	for (size_t i = 0; i < in.n;) {
		unsigned char c = (unsigned char)in.p[i++];
		if (!is_printable(c))
			return ERR_SYNTAX;
		if (c != '&') {
			sbuf_putc(out, (char)c);
			after_section = false;
			continue;
		}
		if (i < in.n && in.p[i] == '-') {
			sbuf_putc(out, '&');
			i++;
			after_section = false;
			continue;
		}
		if (after_section) /* two sections that should have been one */
			return ERR_SYNTAX;
		size_t n = take_section(str_skip(in, i), out);
		if (n == 0)
			return ERR_SYNTAX;
		i += n;
		after_section = true;
	}
	return sbuf_error(out);
}

/* The next code point of well-formed UTF-8. */
static uint32_t
next_point(struct str in, size_t *i)
{
	unsigned char first = (unsigned char)in.p[(*i)++];
	int more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
	uint32_t c = more == 0 ? first : first & (0x3fu >> more);

	while (more-- > 0)
		c = c << 6 | ((unsigned char)in.p[(*i)++] & 0x3f);
	return c;
}

struct shift {
	bool open;
	uint32_t bits;
	int have;
};

static void
put_unit(struct shift *s, uint32_t unit, struct sbuf *out)
{
	if (!s->open) {
		sbuf_putc(out, '&');
		*s = (struct shift){.open = true};
	}
	s->bits = s->bits << 16 | unit;
	s->have += 16;
	while (s->have >= 6) {
		s->have -= 6;
		sbuf_putc(out, alphabet[s->bits >> s->have & 0x3f]);
	}
}

static void
close_section(struct shift *s, struct sbuf *out)
{
	if (!s->open)
		return;
	if (s->have)
		sbuf_putc(out, alphabet[s->bits << (6 - s->have) & 0x3f]);
	sbuf_putc(out, '-');
	*s = (struct shift){0};
}

enum err
utf8_to_utf7(struct str in, struct sbuf *out)
{
	struct shift shift = {0};

	if (!str_is_utf8(in) || str_has_nul(in))
		return ERR_SYNTAX;
	for (size_t i = 0; i < in.n;) {
		uint32_t c = next_point(in, &i);
		if (is_printable(c)) {
			close_section(&shift, out);
			sbuf_puts(out, c == '&' ? "&-" : (char[]){(char)c, '\0'});
		} else if (c < 0x10000) {
			put_unit(&shift, c, out);
		} else {
			put_unit(&shift, 0xd800 + ((c - 0x10000) >> 10), out);
			put_unit(&shift, 0xdc00 + ((c - 0x10000) & 0x3ff), out);
		}
	}
	close_section(&shift, out);
	return sbuf_error(out);
}
