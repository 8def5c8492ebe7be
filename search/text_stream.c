#include "search/text_stream.h"

#include "common/mail/charset.h"

#define UNFOLDED_MAX (64 * 1024) /* octets held back at most: see fold_cut() */

enum err
text_stream_begin(struct text_stream *t, enum part_encoding encoding, struct str charset)
{
	*t = (struct text_stream){
	    .charset = charset_stream_new(charset),
	    .decoded = SBUF_INIT(SIZE_MAX / 2),
	    .utf8 = SBUF_INIT(SIZE_MAX / 2),
	};
	decoder_init(&t->decoder, encoding);
	return t->charset ? ERR_OK : ERR_NOMEM;
}

void
text_stream_done(struct text_stream *t)
{
	charset_stream_free(&t->charset);
	sbuf_done(&t->decoded);
	sbuf_done(&t->utf8);
	*t = (struct text_stream){0};
}

/* Where folding may stop: before an ASCII character, since what follows a letter may belong to it
 * (combining marks); in a long text without any, before a character. The first `seen` octets were
 * held back before: there is no other than the first. */
static size_t
fold_cut(struct str s, size_t seen)
{
	for (size_t n = s.n; n > seen; n--)
		if ((unsigned char)s.p[n - 1] < 0x80)
			return n - 1;
	if (s.n < UNFOLDED_MAX)
		return 0;
	size_t n = s.n - 1;
	while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static enum err
fold(struct text_stream *t, size_t cut, struct sbuf *out)
{
	text_fold(str_sub(sbuf_view(&t->utf8), 0, cut), out);
	sbuf_drop(&t->utf8, cut);
	return sbuf_error(out) ? ERR_NOMEM : ERR_OK;
}

enum err
text_stream_feed(struct text_stream *t, struct str octets, struct sbuf *out)
{
	sbuf_clear(&t->decoded);
	decoder_feed(&t->decoder, octets, &t->decoded);
	if (sbuf_error(&t->decoded))
		return ERR_NOMEM;
	size_t seen = t->utf8.n;
	enum err e = charset_stream_feed(t->charset, sbuf_view(&t->decoded), &t->utf8);
	return e ? e : fold(t, fold_cut(sbuf_view(&t->utf8), seen), out);
}

enum err
text_stream_end(struct text_stream *t, struct sbuf *out)
{
	sbuf_clear(&t->decoded);
	decoder_finish(&t->decoder, &t->decoded);
	if (sbuf_error(&t->decoded))
		return ERR_NOMEM;
	enum err e = charset_stream_feed(t->charset, sbuf_view(&t->decoded), &t->utf8);
	if (!e)
		e = charset_stream_end(t->charset, &t->utf8);
	return e ? e : fold(t, t->utf8.n, out);
}
