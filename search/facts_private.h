/* search/facts_private.h - how facts stand in a segment. Only for this folder.
 *
 * Sections of columns, each with an item for every message in the order of ordinals, one column
 * behind the other: rows; Message-IDs and base subjects; ranks of the keys; the ends of the texts.
 * References and texts have their own lengths.
 */
#ifndef SEARCH_FACTS_PRIVATE_H
#define SEARCH_FACTS_PRIVATE_H

#include "search/facts_table.h"
#include "search/segment_build.h"

#define FACTS_ROWS "facts"
#define FACTS_IDS "fact-ids"
#define FACTS_REFERENCES "fact-references"
#define FACTS_RANKS "fact-ranks"
#define FACTS_ENDS "fact-ends"
#define FACTS_TEXTS "fact-texts"

/* Facts to be written, and where its messages go. */
struct facts_source {
	struct facts_table table; /* without ranks, or without messages: it knows nothing */
	uint32_t n; /* messages that it has nevertheless */
	const uint32_t *to; /* new ordinals, as segment_source has them; NULL: the same */
};

/* Writes all sections for the `count` messages that the sources have together. ERR_NOMEM. */
NODISCARD enum err facts_write(
    const struct facts_source *sources, size_t n, uint32_t count, struct segment_writer *w);

#endif
