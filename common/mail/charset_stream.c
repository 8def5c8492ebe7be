#include "common/mail/charset_stream.h"

#include "common/mail/charset_private.h"

#define LINE_MAX_OCTETS (64 * 1024) /* a longer line is converted in pieces of this size */

struct charset_stream {
	struct converter converter;
	struct sbuf held; /* octets not converted yet */
};

struct charset_stream *
charset_stream_new(struct str charset)
{
	struct charset_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->held = SBUF_INIT(SIZE_MAX / 2);
	(void)converter_open(&s->converter, charset);
	return s;
}

void
charset_stream_free(struct charset_stream **s)
{
	if (!*s)
		return;
	converter_close(&(*s)->converter);
	sbuf_done(&(*s)->held);
	free(*s);
	*s = NULL;
}

/* Where a line without end may be cut: not within a character of UTF-8. */
static size_t
character_cut(struct str s)
{
	size_t n = s.n;

	for (int i = 0; i < 3 && n > 0 && ((unsigned char)s.p[n - 1] & 0xc0) == 0x80; i++)
		n--;
	if (n > 0 && ((unsigned char)s.p[n - 1] & 0xc0) == 0xc0)
		n--;
	return n > 0 ? n : s.n;
}

/* What is guessed is guessed line by line, however many have come at once; and a line end is never
 * within a character. */
static void
run_lines(struct charset_stream *s, bool at_end, struct sbuf *out)
{
	struct str rest = sbuf_view(&s->held);

	while (rest.n > 0) {
		struct str line = str_sub(rest, 0, LINE_MAX_OCTETS);
		size_t lf = str_find(line, '\n');
		if (lf != STR_NONE)
			line.n = lf + 1;
		else if (line.n == LINE_MAX_OCTETS)
			line.n = character_cut(line);
		else if (!at_end)
			break;
		converter_run(&s->converter, line, out);
		rest = str_skip(rest, line.n);
	}
	sbuf_drop(&s->held, s->held.n - rest.n);
}

static enum err
run(struct charset_stream *s, bool at_end, struct sbuf *out)
{
	if (sbuf_error(&s->held))
		return ERR_NOMEM;
	if (s->converter.how == CONVERT_ICONV) { /* which keeps the state of those that shift */
		size_t left = iconv_put(s->converter.cd, sbuf_view(&s->held), at_end, out);
		sbuf_drop(&s->held, s->held.n - left);
	} else {
		run_lines(s, at_end, out);
	}
	return sbuf_error(out) ? ERR_NOMEM : ERR_OK;
}

enum err
charset_stream_feed(struct charset_stream *s, struct str octets, struct sbuf *out)
{
	sbuf_put(&s->held, octets);
	return run(s, false, out);
}

enum err
charset_stream_end(struct charset_stream *s, struct sbuf *out)
{
	return run(s, true, out);
}
