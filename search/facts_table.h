/* search/facts_table.h - the facts of a segment's messages: columns in the order of ordinals, read
 * where they lie. Nothing is copied; all lives as long as the segment.
 */
#ifndef SEARCH_FACTS_TABLE_H
#define SEARCH_FACTS_TABLE_H

#include "search/facts.h"

struct fact_row {
	int64_t sent_s;
	int64_t internal_s;
	uint64_t size;
	int32_t internal_day;
	int32_t sent_day;
	uint32_t flags;
	uint32_t references_end; /* where its references end in the column of all */
};

struct facts_table {
	uint32_t n; /* messages */
	const struct fact_row *rows;
	const struct fact_id *ids; /* n of Message-IDs, then n of base subjects */
	const struct fact_id *references;
	const uint32_t
	    *ranks; /* FACT__KEYS columns of n: the order of the keys, equal ones alike */
	const uint32_t *ends; /* FACT__TEXTS columns of n: where each text ends in its column */
	struct str texts[FACT__TEXTS]; /* the columns */
	uint64_t reference_count;
};

/* Offsets are clamped: a damaged file gives wrong texts, not wild reads. */
static inline struct str
facts_table_text(const struct facts_table *t, enum fact_text text, uint32_t row)
{
	const uint32_t *ends = t->ends + (size_t)text * t->n;
	uint32_t from = row ? ends[row - 1] : 0;

	return from <= ends[row] ? str_sub(t->texts[text], from, ends[row] - from) : STR("");
}

static inline uint32_t
facts_table_rank(const struct facts_table *t, enum fact_text key, uint32_t row)
{
	return t->ranks[(size_t)(key - FACT__SEARCHED) * t->n + row];
}

/* All of a message. */
void facts_table_get(const struct facts_table *t, uint32_t row, struct facts *ret);

#endif
