#include "common/mail/charset.h"
#include "common/mail/charset_private.h"

#include <utf8proc.h>

/* Marks on one letter that are brought into canonical order (Unicode §3.11). More are taken as a
 * new letter: real text has a few, and sorting any number would not be linear. */
#define MARKS_MAX 32
#define SHARP_S 0xdf /* UnicodeData.txt has no simple mapping for it; utf8proc gives U+1E9E */
#define EXPANSION_MAX 32 /* code points one code point decomposes into: 18 at most */

struct pending {
	int32_t points[MARKS_MAX + EXPANSION_MAX];
	utf8proc_propval_t classes[MARKS_MAX + EXPANSION_MAX];
	size_t n;
	struct sbuf *out;
};

static void
flush(struct pending *p)
{
	for (size_t i = 0; i < p->n; i++) {
		utf8proc_uint8_t octets[4];
		utf8proc_ssize_t n = utf8proc_encode_char(p->points[i], octets);
		sbuf_append(p->out, octets, n > 0 ? (size_t)n : 0);
	}
	p->n = 0;
}

/* Adds a code point behind all of its class or lower ones. */
static void
add(struct pending *p, int32_t point)
{
	utf8proc_propval_t class = utf8proc_get_property(point)->combining_class;

	if (class == 0 || p->n >= MARKS_MAX)
		flush(p);
	size_t i = p->n++;
	for (; i > 0 && class != 0 && p->classes[i - 1] > class; i--) {
		p->points[i] = p->points[i - 1];
		p->classes[i] = p->classes[i - 1];
	}
	p->points[i] = point;
	p->classes[i] = class;
}

static void
map_point(struct pending *p, struct str octets, bool title)
{
	int32_t points[EXPANSION_MAX];
	int32_t point;
	int last_class = 0;
	int options = UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | (title ? 0 : UTF8PROC_CASEFOLD);

	utf8proc_iterate((const utf8proc_uint8_t *)octets.p, (utf8proc_ssize_t)octets.n, &point);
	if (title && point != SHARP_S)
		point = utf8proc_totitle(point);
	utf8proc_ssize_t n = utf8proc_decompose_char(
	    point, points, EXPANSION_MAX, (utf8proc_option_t)options, &last_class);
	if (n < 0 || n > EXPANSION_MAX) {
		points[0] = point;
		n = 1;
	}
	for (utf8proc_ssize_t i = 0; i < n; i++)
		add(p, points[i]);
}

/* Eight octets, all below 0x80, at once: the sums have their top bits set where the octet is at
 * least the first letter, or beyond the last. */
static uint64_t
map_eight(uint64_t octets, bool title)
{
	const uint64_t each = 0x0101010101010101;
	unsigned first = title ? 'a' : 'A', last = title ? 'z' : 'Z';
	uint64_t letters =
	    (octets + each * (0x80 - first)) & ~(octets + each * (0x7f - last)) & each * 0x80;

	return octets ^ letters >> 2; /* 0x20 */
}

static void
map_ascii(struct str ascii, struct sbuf *out, bool title)
{
	char *to = sbuf_reserve(out, ascii.n);
	size_t i = 0;

	if (!to)
		return;
	for (; ascii.n - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
		uint64_t octets = 0, mapped;
		memcpy(&octets, ascii.p + i, sizeof(octets));
		mapped = map_eight(octets, title);
		memcpy(to + i, &mapped, sizeof(mapped));
	}
	for (; i < ascii.n; i++)
		to[i] = title ? ascii_upper(ascii.p[i]) : ascii_lower(ascii.p[i]);
	sbuf_grow(out, ascii.n);
}

static void
map_text(struct str utf8, struct sbuf *out, bool title)
{
	struct pending pending = {.out = out};

	for (size_t i = 0; i < utf8.n;) {
		size_t n = str_ascii_run(str_skip(utf8, i));
		if (n) {
			flush(&pending);
			map_ascii(str_sub(utf8, i, n), out, title);
			i += n;
			continue;
		}
		size_t len = utf8_length(str_skip(utf8, i));
		if (len) {
			map_point(&pending, str_sub(utf8, i, len), title);
		} else { /* passes as it is */
			flush(&pending);
			sbuf_putc(out, utf8.p[i]);
			len = 1;
		}
		i += len;
	}
	flush(&pending);
}

void
text_fold(struct str utf8, struct sbuf *out)
{
	map_text(utf8, out, false);
}

void
text_casemap(struct str utf8, struct sbuf *out)
{
	map_text(utf8, out, true);
}
