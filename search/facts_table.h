/* search/facts_table.h - the facts of a segment's messages: columns in the order of ordinals, read
 * where they lie. Nothing is copied; all lives as long as the segment.
 */
#ifndef SEARCH_FACTS_TABLE_H
#define SEARCH_FACTS_TABLE_H

#include "search/facts.h"
#include "search/segment.h"

struct fact_row {
	int64_t sent_s;
	int64_t internal_s;
	uint64_t size;
	int32_t internal_zone_s;
	int32_t sent_day;
	uint32_t flags; /* enum fact_flag, FACT_UNKNOWN */
	uint32_t references_end; /* where its references end in the column of all */
};

#define FACT_UNKNOWN 0x80000000u /* nothing is known of the message: it is not covered */

struct facts_table {
	uint32_t n; /* messages; 0: the segment has no facts */
	const struct fact_row *rows;
	const struct fact_id *ids; /* Message-IDs */
	const struct fact_id *subjects;
	const struct fact_id *references;
	size_t reference_count;
	const uint32_t *ranks[FACT__KEYS]; /* the order of the keys; equal ones are alike */
	const uint32_t *ends[FACT__TEXTS]; /* where each text ends in its column */
	struct str texts[FACT__TEXTS]; /* the columns */
};

/* What the segment has of facts; a table of no messages if it has none, or damaged ones. */
void facts_table_open(const struct segment *s, struct facts_table *ret);

static inline bool
facts_table_covers(const struct facts_table *t, uint32_t row)
{
	return row < t->n && !(t->rows[row].flags & FACT_UNKNOWN);
}

/* Offsets are clamped: a damaged file gives wrong texts, not wild reads. */
static inline struct str
facts_table_text(const struct facts_table *t, enum fact_text text, uint32_t row)
{
	uint32_t from = row ? t->ends[text][row - 1] : 0;
	uint32_t to = t->ends[text][row];

	return from < to ? str_sub(t->texts[text], from, to - from) : STR("");
}

static inline uint32_t
facts_table_rank(const struct facts_table *t, enum fact_text key, uint32_t row)
{
	return t->ranks[key - FACT__SEARCHED][row];
}

/* What THREAD asks for: dates, ids, references, flags. */
void facts_table_thread(const struct facts_table *t, uint32_t row, struct facts *ret);

/* -- SEARCH --------------------------------------------------------------------------------- */

/* Sets the bits of the messages that have the needle (folded) in a value of this field; an empty
 * one is in every value. Only messages of which facts_table_has_text() is true are answered for.
 * `bits` has one for each message. */
void facts_table_find(
    const struct facts_table *t, enum fact_text text, struct str needle, uint64_t *bits);

static inline bool
facts_table_has_text(const struct facts_table *t, enum fact_text text, uint32_t row)
{
	return facts_table_covers(t, row) && !(t->rows[row].flags & FACT_IS_TOO_LONG(text));
}

#endif
