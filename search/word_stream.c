#include "search/word_stream.h"

/* Adds octets of a word, giving out windows that are full when more follows. */
static void
hold(struct word_stream *w, struct str run, void (*word)(void *arg, struct str word), void *arg)
{
	while (run.n > 0) {
		if (w->n == WORD_WINDOW) {
			word(arg, str_make(w->held, w->n));
			memmove(w->held, w->held + WORD_STEP, WORD_WINDOW - WORD_STEP);
			w->n = WORD_WINDOW - WORD_STEP;
		}
		size_t n = WORD_WINDOW - w->n < run.n ? WORD_WINDOW - w->n : run.n;
		memcpy(w->held + w->n, run.p, n);
		w->n += n;
		run = str_skip(run, n);
	}
}

void
word_stream_feed(
    struct word_stream *w, struct str folded, void (*word)(void *arg, struct str word), void *arg)
{
	size_t at = 0;

	while (at < folded.n) {
		size_t from = at;
		while (at < folded.n && is_word_octet(folded.p[at]))
			at++;
		struct str run = str_make(folded.p + from, at - from);
		bool ends = at < folded.n;
		if (ends && w->n == 0 && run.n <= WORD_WINDOW) {
			if (run.n > 0)
				word(arg, run); /* as most are: whole, in one piece */
		} else {
			hold(w, run, word, arg);
			if (ends)
				word_stream_end(w, word, arg);
		}
		at++; /* what ended it */
	}
}

void
word_stream_end(struct word_stream *w, void (*word)(void *arg, struct str word), void *arg)
{
	if (w->n > 0)
		word(arg, str_make(w->held, w->n));
	w->n = 0;
}
