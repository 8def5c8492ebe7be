/* search/word_stream.h - cuts folded text, which comes in pieces, into words (words.h). Pure. */
#ifndef SEARCH_WORD_STREAM_H
#define SEARCH_WORD_STREAM_H

#include "search/words.h"

/* All zero: between words. */
struct word_stream {
	char held[WORD_WINDOW]; /* of the word in hand, or of its last window */
	size_t n;
};

/* Calls `word` for each that is complete. */
void word_stream_feed(
    struct word_stream *w, struct str folded, void (*word)(void *arg, struct str word), void *arg);
/* The text has ended, and so has its last word. */
void word_stream_end(struct word_stream *w, void (*word)(void *arg, struct str word), void *arg);

#endif
