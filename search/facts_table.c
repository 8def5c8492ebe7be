#include "search/facts_table.h"

#include "search/facts_private.h"

/* A section of `columns` columns, each of an item for every message. */
static bool
open_columns(
    const struct segment *s, const char *name, size_t item, size_t columns, const void **ret)
{
	size_t n;

	return segment_array(s, name, item, ret, &n) && n == columns * segment_count(s);
}

static bool
open_texts(const struct segment *s, const uint32_t *ends, struct facts_table *ret)
{
	uint32_t n = segment_count(s);
	struct str all;

	if (!segment_section(s, FACTS_TEXTS, &all))
		return false;
	for (size_t i = 0; i < FACT__TEXTS; i++) {
		ret->ends[i] = ends + i * n;
		uint32_t size = n ? ret->ends[i][n - 1] : 0;
		if (size > all.n)
			return false;
		ret->texts[i] = str_sub(all, 0, size);
		all = str_skip(all, size);
	}
	return all.n == 0;
}

void
facts_table_open(const struct segment *s, struct facts_table *ret)
{
	struct facts_table t = {.n = segment_count(s)};
	const void *rows, *ids, *references, *ranks, *ends;

	*ret = (struct facts_table){.n = 0};
	if (!open_columns(s, FACTS_ROWS, sizeof(struct fact_row), 1, &rows) ||
	    !open_columns(s, FACTS_IDS, sizeof(struct fact_id), 2, &ids) ||
	    !open_columns(s, FACTS_RANKS, sizeof(uint32_t), FACT__KEYS, &ranks) ||
	    !open_columns(s, FACTS_ENDS, sizeof(uint32_t), FACT__TEXTS, &ends) ||
	    !segment_array(
		s, FACTS_REFERENCES, sizeof(struct fact_id), &references, &t.reference_count) ||
	    !open_texts(s, ends, &t))
		return;
	t.rows = rows;
	t.ids = ids;
	t.subjects = t.ids + t.n;
	t.references = references;
	for (size_t i = 0; i < FACT__KEYS; i++)
		t.ranks[i] = (const uint32_t *)ranks + i * t.n;
	*ret = t;
}

void
facts_table_thread(const struct facts_table *t, uint32_t row, struct facts *ret)
{
	const struct fact_row *r = &t->rows[row];
	size_t from = row ? t->rows[row - 1].references_end : 0;
	bool is_sound = from <= r->references_end && r->references_end <= t->reference_count;

	*ret = (struct facts){
	    .sent_s = r->sent_s,
	    .internal_s = r->internal_s,
	    .size = r->size,
	    .flags = r->flags,
	    .id = t->ids[row],
	    .subject = t->subjects[row],
	    .references = is_sound ? t->references + from : NULL,
	    .reference_count = is_sound ? r->references_end - (uint32_t)from : 0,
	};
}

/* -- SEARCH --------------------------------------------------------------------------------- */

static void
set_bit(uint64_t *bits, uint32_t row)
{
	bits[row >> 6] |= (uint64_t)1 << (row & 63);
}

/* The first message whose text ends behind `at`; `from` is one at or before it. */
static uint32_t
row_behind(const struct facts_table *t, enum fact_text text, uint32_t from, size_t at)
{
	const uint32_t *ends = t->ends[text];
	uint32_t step = 1;
	uint32_t to = from;

	while (to < t->n && ends[to] <= at) { /* hits are near each other, or far apart */
		from = to + 1;
		to = t->n - to > step ? to + step : t->n;
		step *= 2;
	}
	while (from < to) {
		uint32_t middle = from + (to - from) / 2;
		if (ends[middle] <= at)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

void
facts_table_find(
    const struct facts_table *t, enum fact_text text, struct str needle, uint64_t *bits)
{
	static const char value_end = FACT_VALUE_END;
	struct str column = t->texts[text];
	uint32_t row = 0;

	/* the end of a value is no part of any: it keeps hits within values, and an empty needle is
	 * wherever there is a value */
	if (needle.n == 0)
		needle = str_make(&value_end, 1);
	else if (str_find(needle, FACT_VALUE_END) != STR_NONE)
		return;
	for (size_t at = 0; row < t->n && at < column.n;) {
		const char *hit = memmem(column.p + at, column.n - at, needle.p, needle.n);
		if (!hit)
			return;
		row = row_behind(t, text, row, (size_t)(hit - column.p));
		if (row == t->n)
			return;
		set_bit(bits, row);
		at = t->ends[text][row++];
	}
}
