#include "smtpd/outbound/reply.h"

void
reply_init(struct reply_reader *r)
{
	*r = (struct reply_reader){
	    .line = SBUF_INIT(REPLY_LINE_MAX), .text = SBUF_INIT(REPLY_KEPT_MAX)};
}

void
reply_done(struct reply_reader *r)
{
	sbuf_done(&r->line);
	sbuf_done(&r->text);
}

void
reply_clear(struct reply_reader *r)
{
	reply_done(r);
	reply_init(r);
}

/* As much of `s` as there is room for: the rest of a line, or of a text, is passed over. */
static void
append_some(struct sbuf *b, struct str s)
{
	size_t room = b->max - b->n;

	sbuf_put(b, s.n < room ? s : str_sub(s, 0, room));
}

static bool
code_of(struct str line, uint16_t *ret)
{
	if (line.n < 3 || line.p[0] < '2' || line.p[0] > '5' || !ascii_is_digit(line.p[1]) ||
	    !ascii_is_digit(line.p[2]))
		return false;
	*ret = (uint16_t)((line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 + (line.p[2] - '0'));
	return line.n == 3 || !ascii_is_digit(line.p[3]);
}

static enum reply_status
take_line(struct reply_reader *r)
{
	struct str line = sbuf_view(&r->line);
	struct str text = line;
	enum reply_status status = REPLY_PARTIAL;

	if (line.n && line.p[line.n - 1] == '\r')
		text.n = --line.n;
	if (++r->lines > REPLY_LINES_MAX)
		return REPLY_GARBAGE;
	if (code_of(line, &r->code)) {
		bool more = line.n > 3 && line.p[3] == '-';
		bool sep = more || (line.n > 3 && (line.p[3] == ' ' || line.p[3] == '\t'));
		text = str_skip(line, 3 + sep);
		status = more ? REPLY_PARTIAL : REPLY_WHOLE;
	} else if (r->lines == 1) {
		return REPLY_GARBAGE;
	}
	append_some(&r->text, text);
	append_some(&r->text, STR("\n"));
	sbuf_clear(&r->line);
	return sbuf_error(&r->text) ? REPLY_GARBAGE : status;
}

size_t
reply_feed(struct reply_reader *r, struct str in)
{
	size_t taken = 0;

	while (r->status == REPLY_PARTIAL && taken < in.n) {
		struct str rest = str_skip(in, taken);
		size_t lf = str_find(rest, '\n');
		append_some(&r->line, str_sub(rest, 0, lf == STR_NONE ? rest.n : lf));
		if (sbuf_error(&r->line))
			r->status = REPLY_GARBAGE;
		taken += lf == STR_NONE ? rest.n : lf + 1;
		if (lf != STR_NONE && r->status == REPLY_PARTIAL)
			r->status = take_line(r);
	}
	return taken;
}

struct str
reply_lines(const struct reply_reader *r)
{
	return sbuf_view(&r->text);
}

/* What a person or a report may be shown: no control characters, and UTF-8 or ASCII. */
static void
clean(char *p, size_t n, bool utf8)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char ch = (unsigned char)p[i];
		if (ch < 0x20 || ch == 0x7f)
			p[i] = ' ';
		else if (ch > 0x7f && !utf8)
			p[i] = '?';
	}
}

/* Not in the middle of a character. */
static size_t
cut_utf8(const char *p, size_t n, size_t max)
{
	if (n <= max)
		return n;
	while (max > 0 && ((unsigned char)p[max] & 0xc0) == 0x80)
		max--;
	return max;
}

struct str
reply_text(const struct reply_reader *r, size_t max, struct arena *arena)
{
	struct str text = str_trim(sbuf_view(&r->text));
	char *out = arena_alloc(arena, text.n + 5);

	if (!out)
		return (struct str){0};
	size_t n = 0;
	for (unsigned unit = 100; unit > 0; unit /= 10)
		out[n++] = (char)('0' + r->code / unit % 10);
	if (text.n)
		out[n++] = ' ';
	memcpy(out + n, text.p ? text.p : "", text.n);
	n += text.n;
	clean(out, n, str_is_utf8(text));
	return str_make(out, cut_utf8(out, n, max));
}

/* One to three digits. */
static bool
skip_number(struct str s, size_t *at)
{
	size_t from = *at;

	while (*at < s.n && ascii_is_digit(s.p[*at]))
		++*at;
	return *at > from && *at - from <= 3;
}

struct str
reply_enhanced(const struct reply_reader *r, struct arena *arena)
{
	struct str text = sbuf_view(&r->text);
	size_t at = 1;

	if (text.n > 1 && text.p[0] == (char)('0' + r->code / 100) && text.p[at++] == '.' &&
	    skip_number(text, &at) && at < text.n && text.p[at++] == '.' &&
	    skip_number(text, &at) && (at == text.n || text.p[at] == ' ' || text.p[at] == '\n'))
		return arena_dup(arena, str_sub(text, 0, at));
	return arena_printf(arena, "%u.0.0", r->code / 100);
}
