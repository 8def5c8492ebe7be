#include "common/mail/codec.h"

#define BLOCK 3072

void
decoder_init(struct decoder *d, enum part_encoding encoding)
{
	*d = (struct decoder){.encoding = encoding};
}

/* Six bits of a base64 digit; 64 for octets outside the alphabet. */
static unsigned
base64_value(char c)
{
	static const unsigned char values[256] = {['A'] = 1,
	    2,
	    3,
	    4,
	    5,
	    6,
	    7,
	    8,
	    9,
	    10,
	    11,
	    12,
	    13,
	    14,
	    15,
	    16,
	    17,
	    18,
	    19,
	    20,
	    21,
	    22,
	    23,
	    24,
	    25,
	    26,
	    ['a'] = 27,
	    28,
	    29,
	    30,
	    31,
	    32,
	    33,
	    34,
	    35,
	    36,
	    37,
	    38,
	    39,
	    40,
	    41,
	    42,
	    43,
	    44,
	    45,
	    46,
	    47,
	    48,
	    49,
	    50,
	    51,
	    52,
	    ['0'] = 53,
	    54,
	    55,
	    56,
	    57,
	    58,
	    59,
	    60,
	    61,
	    62,
	    ['+'] = 63,
	    ['/'] = 64};
	unsigned char v = values[(unsigned char)c];

	return v ? v - 1u : 64;
}

static void
feed_base64(struct decoder *d, struct str in, struct sbuf *out)
{
	char block[BLOCK];
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		unsigned v = base64_value(in.p[i]);
		if (v > 63) {
			if (in.p[i] == '=') /* what is left is no whole octet */
				d->bits = 0, d->have = 0;
			continue;
		}
		d->bits = d->bits << 6 | v;
		d->have += 6;
		if (d->have < 8)
			continue;
		d->have -= 8;
		block[n++] = (char)(d->bits >> d->have);
		d->bits &= (1u << d->have) - 1;
		if (n == sizeof(block)) {
			sbuf_append(out, block, n);
			n = 0;
		}
	}
	sbuf_append(out, block, n);
}

static int
hex_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* What was held is text after all. */
static void
release_held(struct decoder *d, struct sbuf *out)
{
	sbuf_append(out, d->held, d->held_n);
	d->held_n = 0;
}

/* `c` after what is held. False when the octet is still to be looked at, nothing being held. */
static bool
take_after_held(struct decoder *d, char c, struct sbuf *out)
{
	bool escape = d->held[0] == '=';
	char last = d->held[d->held_n - 1];

	if (c == '\n') { /* a soft line break, or blanks a line ends with */
		if (!escape)
			sbuf_puts(out, last == '\r' ? "\r\n" : "\n");
		d->held_n = 0;
		return true;
	}
	if (escape && d->held_n == 2 && hex_value(last) >= 0 && hex_value(c) >= 0) {
		sbuf_putc(out, (char)(hex_value(last) << 4 | hex_value(c)));
		d->held_n = 0;
		return true;
	}
	bool fits = d->held_n < sizeof(d->held) && last != '\r' &&
		    (is_blank(last) || (escape && d->held_n == 1));
	if (fits && (is_blank(c) || c == '\r' || (escape && d->held_n == 1 && hex_value(c) >= 0))) {
		d->held[d->held_n++] = c;
		return true;
	}
	release_held(d, out);
	return false;
}

static void
feed_qp(struct decoder *d, struct str in, struct sbuf *out)
{
	for (size_t i = 0; i < in.n;) {
		if (d->held_n) {
			if (take_after_held(d, in.p[i], out))
				i++;
			if (d->held_n)
				continue;
		}
		size_t plain = i;
		while (i < in.n && in.p[i] != '=' && !is_blank(in.p[i]))
			i++;
		sbuf_append(out, in.p + plain, i - plain);
		if (i < in.n)
			d->held[d->held_n++] = in.p[i++];
	}
}

void
decoder_feed(struct decoder *d, struct str in, struct sbuf *out)
{
	if (d->encoding == PART_BASE64)
		feed_base64(d, in, out);
	else if (d->encoding == PART_QP)
		feed_qp(d, in, out);
	else
		sbuf_put(out, in);
}

void
decoder_finish(struct decoder *d, struct sbuf *out)
{
	/* "=" with nothing or blanks behind it is a soft line break, blanks end the last line;
	 * only half an escape is text. */
	if (d->held_n == 2 && d->held[0] == '=' && hex_value(d->held[1]) >= 0)
		release_held(d, out);
	decoder_init(d, d->encoding);
}

enum err
base64_decode(struct str in, struct sbuf *out)
{
	if (in.n % 4)
		return ERR_SYNTAX;
	for (size_t i = 0; i < in.n; i += 4) {
		uint32_t bits = 0;
		size_t digits = 4;
		if (i + 4 == in.n)
			digits = in.p[i + 3] != '=' ? 4 : in.p[i + 2] != '=' ? 3 : 2;
		for (size_t k = 0; k < 4; k++) {
			unsigned v = k < digits ? base64_value(in.p[i + k]) : 0;
			if (v > 63)
				return ERR_SYNTAX;
			bits = bits << 6 | v;
		}
		size_t octets = digits - 1;
		if (bits & ((1u << (24 - 8 * octets)) - 1))
			return ERR_SYNTAX; /* RFC 4648 §3.5: pad bits are zero */
		char three[] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
		sbuf_append(out, three, octets);
	}
	return sbuf_error(out);
}

void
base64_encode(struct str in, struct sbuf *out)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < in.n; i += 3) {
		size_t n = in.n - i < 3 ? in.n - i : 3;
		uint32_t bits = 0;
		for (size_t k = 0; k < 3; k++)
			bits = bits << 8 | (k < n ? (unsigned char)in.p[i + k] : 0);
		char four[4];
		for (size_t k = 0; k < 4; k++)
			four[k] = k <= n ? digits[bits >> (18 - 6 * k) & 0x3f] : '=';
		sbuf_append(out, four, 4);
	}
}
