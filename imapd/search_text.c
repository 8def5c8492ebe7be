#include "imapd/search_text.h"

#include "common/mail/charset.h"

#define UNFOLDED_MAX (64 * 1024) /* octets held back at most: see fold_cut() */

enum err
text_search_begin(struct text_search *t, enum part_encoding encoding, struct str charset,
    struct text_needle *needles, size_t n)
{
	*t = (struct text_search){
	    .needles = needles,
	    .n = n,
	    .longest = 1,
	    .charset = charset_stream_new(charset),
	    .decoded = SBUF_INIT(SIZE_MAX / 2),
	    .utf8 = SBUF_INIT(SIZE_MAX / 2),
	    .folded = SBUF_INIT(SIZE_MAX / 2),
	};
	decoder_init(&t->decoder, encoding);
	for (size_t i = 0; i < n; i++)
		if (needles[i].text.n > t->longest)
			t->longest = needles[i].text.n;
	return t->charset ? ERR_OK : ERR_NOMEM;
}

void
text_search_done(struct text_search *t)
{
	charset_stream_free(&t->charset);
	sbuf_done(&t->decoded);
	sbuf_done(&t->utf8);
	sbuf_done(&t->folded);
	*t = (struct text_search){0};
}

/* Where folding may stop: before an ASCII character, since what follows a letter may belong to it
 * (combining marks); in a long text without any, before a character. */
static size_t
fold_cut(struct str s)
{
	for (size_t n = s.n; n > 0; n--)
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
search_utf8(struct text_search *t, size_t cut)
{
	text_fold(str_sub(sbuf_view(&t->utf8), 0, cut), &t->folded);
	sbuf_drop(&t->utf8, cut);
	if (sbuf_error(&t->folded))
		return ERR_NOMEM;
	for (size_t i = 0; i < t->n; i++) {
		struct text_needle *n = &t->needles[i];
		if (!n->found && t->folded.n >= n->text.n)
			n->found = memmem(t->folded.p, t->folded.n, n->text.p, n->text.n) != NULL;
	}
	/* what a match may have begun in */
	if (t->folded.n >= t->longest)
		sbuf_drop(&t->folded, t->folded.n - (t->longest - 1));
	return ERR_OK;
}

enum err
text_search_feed(struct text_search *t, struct str octets)
{
	sbuf_clear(&t->decoded);
	decoder_feed(&t->decoder, octets, &t->decoded);
	if (sbuf_error(&t->decoded))
		return ERR_NOMEM;
	enum err e = charset_stream_feed(t->charset, sbuf_view(&t->decoded), &t->utf8);
	if (!e)
		e = search_utf8(t, fold_cut(sbuf_view(&t->utf8)));
	return e;
}

enum err
text_search_end(struct text_search *t)
{
	sbuf_clear(&t->decoded);
	decoder_finish(&t->decoder, &t->decoded);
	if (sbuf_error(&t->decoded))
		return ERR_NOMEM;
	enum err e = charset_stream_feed(t->charset, sbuf_view(&t->decoded), &t->utf8);
	if (!e)
		e = charset_stream_end(t->charset, &t->utf8);
	if (!e)
		e = search_utf8(t, t->utf8.n);
	return e;
}
