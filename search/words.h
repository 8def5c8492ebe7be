/* search/words.h - the words of the messages of a segment, and in which messages each is: what
 * TEXT, BODY and HEADER are answered from.
 *
 * A word is a run of letters, digits and octets from 0x80 on in folded text (text_stream.h,
 * field_text.h): a whole run up to WORD_WINDOW octets, a longer one as windows of that length, a
 * new one every WORD_STEP octets. So any string of word octets up to WORD_EXACT octets is in a text
 * if and only if it is in one of its words, and looking for it is looking through the words of the
 * segment: an exact answer that reads no message. For other strings the words give candidates,
 * which must be read.
 */
#ifndef SEARCH_WORDS_H
#define SEARCH_WORDS_H

#include "search/segment_build.h"

#define WORD_WINDOW 64
#define WORD_STEP 32
#define WORD_EXACT (WORD_WINDOW - WORD_STEP + 1)

/* Where in a message a word stands. */
enum word_place {
	WORD_SUBJECT = 1, /* in the value of such a field of the top header */
	WORD_FROM = 2,
	WORD_TO = 4,
	WORD_CC = 8,
	WORD_BCC = 16,
	WORD_TOP = 32, /* elsewhere in the top header: names, values of other fields */
	WORD_PART = 64, /* in the header of a part */
	WORD_BODY = 128, /* in a text, or in the header of an embedded message */
	WORD_ANYWHERE = 255,
};

/* The place of the values of this field of the top header. */
enum word_place word_place_of(struct str field);

static inline bool
is_word_octet(char c)
{
	return (unsigned char)c >= 0x80 || ascii_is_alpha(c) || ascii_is_digit(c);
}

extern const struct segment_builder words_builder;

/* A message may make the memory of the words grow by this much while a segment is made; one with
 * more words is left to the scan. */
#define WORDS_MESSAGE_MEMORY (16 * 1024 * 1024)

/* -- asking --------------------------------------------------------------------------------- */

struct words_query {
	struct str needle; /* folded; may be empty where `name` is not */
	unsigned places; /* enum word_place, any of which will do */
	struct str name; /* folded; empty, or the name of the field that must be there, too */
};

/* All zero before it is asked for. */
struct words_answer {
	bool done; /* else the time was up, and the rest says nothing yet */
	/* A bit for each message of the segment (bit i & 63 of word i >> 6). Messages without it
	 * don't match; those with it do if `exact`, else they must be read. NULL where the segment
	 * can't tell: all must be read. */
	uint64_t *bits;
	bool exact;
	/* where words_ask() goes on */
	uint64_t *piece_bits;
	size_t piece, word, at;
};

/* Asks until clock_mono_ms() is `until_ms`, but always gets a little further; to be asked the same
 * again until it is done. ERR_NOMEM. */
NODISCARD enum err words_ask(
    const struct segment *s, const struct words_query *q, int64_t until_ms, struct words_answer *a);
void words_answer_done(struct words_answer *a);

/* The messages of which the segment can't tell anything; ascending. Lives as long as the segment.
 */
struct words_unknown {
	const uint32_t *ordinals;
	size_t n;
};
void words_unknown_of(const struct segment *s, struct words_unknown *ret);
bool words_are_unknown(const struct words_unknown *u, uint32_t ordinal);

#endif
