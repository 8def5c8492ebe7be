/* Encoded words (RFC 2047). What counts is how people's mail programs write them, not only how they
 * should. */
#include "common/mail/charset.h"
#include "common/mail/charset_private.h"
#include "common/mail/codec.h"
#include "common/mail/header.h"

#define CHARSET_MAX 64 /* octets of a charset's name, language and all */
#define OPENS_MAX 64 /* charsets opened for one value; words in further ones are guessed */

struct word {
	struct str charset; /* without language (RFC 2231 §5) */
	bool base64;
	struct str text;
	size_t n; /* octets of it all */
};

/* Words of one charset gather here, so that a character may be split between two. */
struct run {
	struct str charset;
	struct sbuf octets;
	struct str open_charset; /* what `converter` is for */
	struct converter converter;
	bool is_open;
	int opens;
	struct sbuf *out;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* "=?charset?Q?text?=" at the start of `s`. The text goes up to the next "?", so that looking for
 * words takes one pass; a few raw "?" right before the end are taken for text. */
static bool
read_word(struct str s, struct word *ret)
{
	if (!str_starts(s, STR("=?")))
		return false;
	struct str rest = str_skip(s, 2);
	size_t n = str_find(str_sub(rest, 0, CHARSET_MAX), '?');
	if (n == STR_NONE || n == 0 || n + 3 > rest.n || rest.p[n + 2] != '?')
		return false;
	ret->charset = str_sub(rest, 0, n);
	char encoding = ascii_lower(rest.p[n + 1]);
	if ((encoding != 'q' && encoding != 'b') || str_find(ret->charset, ' ') != STR_NONE)
		return false;
	ret->base64 = encoding == 'b';
	ret->charset = str_sub(ret->charset, 0, str_find(ret->charset, '*'));
	rest = str_skip(rest, n + 3);
	size_t end = str_find(rest, '?');
	while (end != STR_NONE && end + 2 < rest.n && rest.p[end + 1] == '?')
		end++;
	if (end == STR_NONE || end + 1 >= rest.n || rest.p[end + 1] != '=')
		return false;
	ret->text = str_sub(rest, 0, end);
	ret->n = (size_t)(rest.p - s.p) + end + 2;
	return true;
}

/* The "Q" encoding (RFC 2047 §4.2). */
static void
decode_q(struct str text, struct sbuf *out)
{
	struct decoder d;

	decoder_init(&d, PART_QP);
	while (text.n) {
		size_t at = 0;
		while (at < text.n && text.p[at] != '_' && !is_blank(text.p[at]))
			at++;
		decoder_feed(&d, str_sub(text, 0, at), out);
		if (at == text.n)
			break;
		decoder_finish(&d, out);
		sbuf_putc(out, ' ');
		text = str_skip(text, at + 1);
	}
	decoder_finish(&d, out);
}

/* Line ends and NULs that were encoded are no part of a line of text. */
static void
blank_controls(struct sbuf *b, size_t from)
{
	for (size_t i = from; i < b->n; i++)
		if (b->p[i] == '\0' || b->p[i] == '\r' || b->p[i] == '\n')
			b->p[i] = ' ';
}

static void
flush(struct run *run)
{
	size_t from = run->out->n;

	if (run->octets.n == 0)
		return;
	if (!run->is_open || !str_eq_nocase(run->open_charset, run->charset)) {
		if (run->is_open)
			converter_close(&run->converter);
		bool may_open = run->opens++ < OPENS_MAX;
		run->is_open = true;
		run->open_charset = run->charset;
		converter_open(&run->converter, may_open ? run->charset : STR(""));
	}
	converter_run(&run->converter, sbuf_view(&run->octets), run->out);
	blank_controls(run->out, from);
	sbuf_clear(&run->octets);
}

static void
add_word(struct run *run, const struct word *w)
{
	struct decoder d;

	if (!str_eq_nocase(run->charset, w->charset)) {
		flush(run);
		run->charset = w->charset;
	}
	if (!w->base64) {
		decode_q(w->text, &run->octets);
		return;
	}
	decoder_init(&d, PART_BASE64);
	decoder_feed(&d, w->text, &run->octets);
	decoder_finish(&d, &run->octets);
}

/* Text between words as it stands; only blanks between two words are no text (§6.2). */
static void
add_text(struct run *run, struct str text, bool after_word, bool before_word)
{
	if (after_word && before_word && str_trim(text).n == 0)
		return;
	flush(run);
	size_t from = run->out->n;
	charset_to_utf8(STR(""), text, run->out);
	blank_controls(run->out, from);
}

static void
decode(struct str value, struct run *run)
{
	bool after_word = false;
	struct word word;
	size_t from = 0;

	for (size_t i = 0; i < value.n;) {
		size_t at = str_find(str_skip(value, i), '=');
		if (at == STR_NONE)
			break;
		i += at;
		if (!read_word(str_skip(value, i), &word)) {
			i++;
			continue;
		}
		add_text(run, str_sub(value, from, i - from), after_word, true);
		add_word(run, &word);
		after_word = true;
		i += word.n;
		from = i;
	}
	add_text(run, str_skip(value, from), after_word, false);
}

void
words_decode(struct str value, struct sbuf *out)
{
	CLEANUP(sbuf_done) struct sbuf unfolded = SBUF_INIT(SIZE_MAX / 2);
	struct run run = {.octets = SBUF_INIT(SIZE_MAX / 2), .out = out};

	header_unfold(str_trim(value), &unfolded);
	decode(str_trim(sbuf_view(&unfolded)), &run);
	flush(&run);
	if (unfolded.err || run.octets.err)
		out->err = ERR_NOMEM;
	if (run.is_open)
		converter_close(&run.converter);
	sbuf_done(&run.octets);
}
