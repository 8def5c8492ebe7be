/* search/words_private.h - the sections of words. Only for this folder.
 *
 * words.text	"\n" word "\n" word "\n" … "\n": sorted, so that looking for a string is one
 *memmem() words.at	for each word, and for the end, where it and its postings begin words.post
 *postings, one word's after the other's: a number (the ordinal less the one before, less one;
 *doubled, plus 1 where the places differ from those before), then where they differ an octet of
 *places words.unknown	ordinals of messages whose words are not all in it, ascending
 *
 * Nothing read from a segment is trusted to be so: all bounds are looked at.
 */
#ifndef SEARCH_WORDS_PRIVATE_H
#define SEARCH_WORDS_PRIVATE_H

#include "search/words.h"

#define WORDS_TEXT "words.text"
#define WORDS_AT "words.at"
#define WORDS_POST "words.post"
#define WORDS_UNKNOWN "words.unknown"
#define WORDS_END '\n'

struct word_at {
	uint32_t text; /* of the word's first octet */
	uint32_t post;
};

/* The sections of an open segment. */
struct words {
	struct str text;
	const struct word_at *at;
	size_t count; /* of words; there is one more of `at` */
	struct str post;
	uint32_t messages; /* of the segment */
};

/* False when the segment has none, or none that can be used. */
bool words_of(const struct segment *s, struct words *ret);
/* The i-th word and its postings; empty where the segment says nonsense. */
struct str words_text(const struct words *w, size_t i);
struct str words_postings(const struct words *w, size_t i);

/* segment_builder.merge of words. */
NODISCARD enum err words_merge(
    const struct segment_source *sources, size_t n, uint32_t count, struct segment_writer *w);

/* -- postings */

struct posting {
	uint32_t ordinal;
	unsigned places;
};

/* All zero before the first of a word's. */
struct posting_coder {
	uint32_t next; /* the lowest ordinal that can follow */
	unsigned places;
};

#define POSTING_MAX 7 /* octets */

/* The octets of the next posting, at most POSTING_MAX. */
size_t posting_put(struct posting_coder *c, struct posting p, unsigned char *to);
/* False at the end, or where the octets are none. */
bool posting_next(struct posting_coder *c, struct str *rest, struct posting *ret);

#endif
