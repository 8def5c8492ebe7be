#include "common/mail/charset.h"

#include "common/mail/charset_private.h"

#include <errno.h>

#define REPLACEMENT "\xef\xbf\xbd"
#define NAME_MAX_OCTETS 40
#define CHARACTER_MAX 16 /* octets of one character, shifts and all, in any charset */

/* Names that mean more than they say: what mail programs write under the first is in the second,
 * a superset of it. */
static const struct {
	const char *name;
	const char *iconv;
} aliases[] = {
    {"gb2312", "GB18030"},
    {"gbk", "GB18030"},
    {"x-gbk", "GB18030"},
    {"ks_c_5601-1987", "CP949"},
    {"ks_c_5601", "CP949"},
    {"euc-kr", "CP949"},
    {"shift_jis", "CP932"},
    {"shift-jis", "CP932"},
    {"x-sjis", "CP932"},
    {"tis-620", "CP874"},
    {"big5", "BIG5-HKSCS"},
    {"unicode-1-1-utf-7", "UTF-7"},
    {"iso-8859-8-i", "ISO-8859-8"},
    {"iso-2022-jp", "ISO-2022-JP-2"},
};

static bool
is_one_of(struct str charset, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq_nocase(charset, str_of(names[i])))
			return true;
	return false;
}

/* Text that is to be guessed: ASCII, or whatever it is that has no right to the name. */
static bool
is_guessed(struct str charset)
{
	static const char *const names[] = {
	    "", "us-ascii", "ascii", "ansi_x3.4-1968", "unknown-8bit", "x-unknown", "default"};

	return is_one_of(charset, names, ARRAY_LEN(names));
}

static bool
is_utf8_name(struct str charset)
{
	static const char *const names[] = {"utf-8", "utf8", "unicode-1-1-utf-8"};

	return is_one_of(charset, names, ARRAY_LEN(names));
}

/* ISO 8859-1 has control codes where windows-1252 has letters that are really meant. */
static bool
is_latin1(struct str charset)
{
	static const char *const names[] = {
	    "iso-8859-1", "iso8859-1", "latin1", "windows-1252", "cp1252", "cp-1252"};

	return is_one_of(charset, names, ARRAY_LEN(names));
}

static void
put_bmp(unsigned c, struct sbuf *out)
{
	char octets[3] = {
	    (char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 0x3f)), (char)(0x80 | (c & 0x3f))};

	if (c < 0x80) {
		sbuf_putc(out, (char)c);
	} else if (c < 0x800) {
		octets[1] = (char)(0xc0 | c >> 6);
		sbuf_append(out, octets + 1, 2);
	} else {
		sbuf_append(out, octets, 3);
	}
}

static void
from_windows_1252(struct str in, struct sbuf *out)
{
	static const uint16_t high[32] = {0x20ac, 0xfffd, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020,
	    0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0xfffd, 0x017d, 0xfffd, 0xfffd, 0x2018,
	    0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153,
	    0xfffd, 0x017e, 0x0178};

	for (size_t i = 0; i < in.n; i++) {
		unsigned char c = (unsigned char)in.p[i];
		put_bmp(c >= 0x80 && c < 0xa0 ? high[c - 0x80] : c, out);
	}
}

void
utf8_put(struct str in, struct sbuf *out)
{
	size_t good = 0;

	for (size_t i = 0; i < in.n;) {
		i += str_ascii_run(str_skip(in, i));
		size_t n = utf8_length(str_skip(in, i));
		if (n || i == in.n) {
			i += n;
			continue;
		}
		sbuf_append(out, in.p + good, i - good);
		sbuf_puts(out, REPLACEMENT);
		good = ++i;
	}
	sbuf_append(out, in.p + good, in.n - good);
}

/* The length of the well-formed character at the start (RFC 3629 §4), or 0. */
size_t
utf8_length(struct str s)
{
	size_t len;

	if (s.n == 0)
		return 0;
	unsigned char c = (unsigned char)s.p[0];
	if (c < 0x80)
		return 1;
	len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	return s.n >= len && str_is_utf8(str_sub(s, 0, len)) ? len : 0;
}

static void
guess(struct str in, struct sbuf *out)
{
	if (str_is_utf8(in))
		sbuf_put(out, in);
	else
		from_windows_1252(in, out);
}

bool
converter_open(struct converter *c, struct str charset)
{
	char name[NAME_MAX_OCTETS + 1];

	*c = (struct converter){.cd = (iconv_t)-1};
	if (is_guessed(charset)) {
		c->how = CONVERT_GUESS;
	} else if (is_utf8_name(charset)) {
		c->how = CONVERT_UTF8;
	} else if (is_latin1(charset)) {
		c->how = CONVERT_1252;
	} else {
		/* Only plain names reach iconv: "//" and "," would be directives to it. */
		if (charset.n > NAME_MAX_OCTETS)
			return false;
		for (size_t i = 0; i < charset.n; i++) {
			char ch = charset.p[i];
			if (!ascii_is_alpha(ch) && !ascii_is_digit(ch) && !strchr("-_.:+", ch))
				return false;
			name[i] = ch;
		}
		name[charset.n] = '\0';
		if (strlen(name) != charset.n)
			return false;
		const char *real = name;
		for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
			if (str_eq_nocase(charset, str_of(aliases[i].name)))
				real = aliases[i].iconv;
		c->how = CONVERT_ICONV;
		c->cd = iconv_open("UTF-8", real);
		if (c->cd == (iconv_t)-1) {
			c->how = CONVERT_GUESS;
			return false;
		}
	}
	return true;
}

void
converter_close(struct converter *c)
{
	if (c->cd != (iconv_t)-1)
		iconv_close(c->cd);
	c->cd = (iconv_t)-1;
}

size_t
iconv_put(iconv_t cd, struct str in, bool ends, struct sbuf *out)
{
	char block[4096];
	char *from = (char *)in.p; /* iconv() does not write there */
	size_t left = in.n;

	while (left > 0) {
		char *to = block;
		size_t room = sizeof(block);
		size_t before = left;
		size_t rc = iconv(cd, &from, &left, &to, &room);
		int why = rc == (size_t)-1 ? errno : 0;
		utf8_put(str_make(block, sizeof(block) - room), out);
		/* Full block: once more. Else an octet that can't be read, or the start of a
		 * character that is not all there; a converter that makes no progress at all is
		 * treated alike, so that this ends whatever iconv() does. */
		if (why == E2BIG && (left < before || room < sizeof(block)))
			continue;
		if (why == EINVAL && !ends && left < CHARACTER_MAX)
			return left;
		if (left > 0 && (why || left == before)) {
			sbuf_puts(out, REPLACEMENT);
			from++, left--;
		}
	}
	if (ends) { /* what the converter holds back: of two characters made of one, the second */
		char *to = block;
		size_t room = sizeof(block);
		iconv(cd, NULL, NULL, &to, &room);
		utf8_put(str_make(block, sizeof(block) - room), out);
	}
	return 0;
}

void
converter_run(struct converter *c, struct str in, struct sbuf *out)
{
	switch (c->how) {
	case CONVERT_GUESS:
		guess(in, out);
		break;
	case CONVERT_UTF8:
		utf8_put(in, out);
		break;
	case CONVERT_1252:
		from_windows_1252(in, out);
		break;
	case CONVERT_ICONV:
		iconv(c->cd, NULL, NULL, NULL, NULL);
		(void)iconv_put(c->cd, in, true, out);
		break;
	}
}

enum err
charset_to_utf8(struct str charset, struct str in, struct sbuf *out)
{
	CLEANUP(converter_close) struct converter c;
	bool known = converter_open(&c, charset);

	converter_run(&c, in, out);
	return known ? ERR_OK : ERR_BAD_CHARSET;
}

bool
charset_is_known(struct str charset)
{
	CLEANUP(converter_close) struct converter c;

	return converter_open(&c, charset);
}
