/* The sections of facts, from tables: column by column, so that nothing but the order of one key is
 * held in memory. */
#include "search/facts_private.h"

struct facts_output {
	const struct facts_source *sources;
	size_t n;
	uint32_t count;
	uint32_t known; /* messages from this ordinal on would make offsets too large: unknown */
	struct segment_writer *w;
};

/* A message of a source. */
struct place {
	uint32_t source;
	uint32_t row;
};

/* The next message that goes into the output, in the order of new ordinals. False at the end. */
static bool
next_place(const struct facts_output *o, struct place *p)
{
	for (; p->source < o->n; p->source++, p->row = UINT32_MAX) {
		const struct facts_source *s = &o->sources[p->source];
		while (++p->row < s->n)
			if (!s->to || s->to[p->row] != SEGMENT_NONE)
				return true;
	}
	return false;
}

#define FIRST_PLACE ((struct place){0, UINT32_MAX})

static const struct facts_table *
table_of(const struct facts_output *o, struct place p)
{
	return &o->sources[p.source].table;
}

static uint32_t
ordinal_of(const struct facts_output *o, struct place p)
{
	const uint32_t *to = o->sources[p.source].to;

	return to ? to[p.row] : p.row;
}

static bool
is_known(const struct facts_output *o, struct place p)
{
	return ordinal_of(o, p) < o->known && facts_table_covers(table_of(o, p), p.row);
}

static struct str
text_of(const struct facts_output *o, struct place p, enum fact_text text)
{
	return is_known(o, p) ? facts_table_text(table_of(o, p), text, p.row) : STR("");
}

static void
thread_of(const struct facts_output *o, struct place p, struct facts *ret)
{
	*ret = (struct facts){.flags = 0};
	if (is_known(o, p))
		facts_table_thread(table_of(o, p), p.row, ret);
}

/* Offsets are 32 bits. */
static void
find_known(struct facts_output *o)
{
	uint64_t octets = 0;

	o->known = o->count;
	for (struct place p = FIRST_PLACE; next_place(o, &p);) {
		struct facts facts;
		thread_of(o, p, &facts);
		octets += facts.reference_count;
		for (size_t i = 0; i < FACT__TEXTS; i++)
			octets += text_of(o, p, (enum fact_text)i).n;
		if (octets > UINT32_MAX) {
			o->known = ordinal_of(o, p);
			return;
		}
	}
}

/* -- columns -------------------------------------------------------------------------------- */

static void
write_rows(const struct facts_output *o)
{
	uint32_t references = 0;

	segment_writer_begin(o->w, FACTS_ROWS);
	for (struct place p = FIRST_PLACE; next_place(o, &p);) {
		struct fact_row row = {.flags = FACT_UNKNOWN};
		struct facts facts;
		thread_of(o, p, &facts);
		references += facts.reference_count;
		if (is_known(o, p))
			row = table_of(o, p)->rows[p.row];
		row.references_end = references;
		segment_writer_put(o->w, &row, sizeof(row));
	}
}

static void
write_ids(const struct facts_output *o)
{
	struct facts facts;

	segment_writer_begin(o->w, FACTS_IDS);
	for (struct place p = FIRST_PLACE; next_place(o, &p);) {
		thread_of(o, p, &facts);
		segment_writer_put(o->w, &facts.id, sizeof(facts.id));
	}
	for (struct place p = FIRST_PLACE; next_place(o, &p);) {
		thread_of(o, p, &facts);
		segment_writer_put(o->w, &facts.subject, sizeof(facts.subject));
	}
	segment_writer_begin(o->w, FACTS_REFERENCES);
	for (struct place p = FIRST_PLACE; next_place(o, &p);) {
		thread_of(o, p, &facts);
		segment_writer_put(
		    o->w, facts.references, facts.reference_count * sizeof(struct fact_id));
	}
}

static void
write_texts(const struct facts_output *o)
{
	segment_writer_begin(o->w, FACTS_ENDS);
	for (size_t i = 0; i < FACT__TEXTS; i++) {
		uint32_t end = 0;
		for (struct place p = FIRST_PLACE; next_place(o, &p);) {
			end += (uint32_t)text_of(o, p, (enum fact_text)i).n;
			segment_writer_put(o->w, &end, sizeof(end));
		}
	}
	segment_writer_begin(o->w, FACTS_TEXTS);
	for (size_t i = 0; i < FACT__TEXTS; i++) {
		for (struct place p = FIRST_PLACE; next_place(o, &p);) {
			struct str text = text_of(o, p, (enum fact_text)i);
			segment_writer_put(o->w, text.p, text.n);
		}
	}
}

/* -- ranks ---------------------------------------------------------------------------------- */

struct ranking {
	const struct facts_output *o;
	enum fact_text key;
	struct place *places; /* the messages in order of their keys */
	struct place *spare;
	uint32_t *starts; /* of a source's run in `places`; one more than sources */
	uint32_t *ranks; /* by new ordinal; scratch before */
};

static void
ranking_done(struct ranking *r)
{
	free(r->places);
	free(r->spare);
	free(r->starts);
	free(r->ranks);
}

static enum err
ranking_init(struct ranking *r, const struct facts_output *o)
{
	size_t most = o->count;

	for (size_t i = 0; i < o->n; i++)
		most = o->sources[i].n > most ? o->sources[i].n : most;
	*r = (struct ranking){
	    .o = o,
	    .places = reallocarray(NULL, (size_t)o->count + 1, sizeof(r->places[0])),
	    .spare = reallocarray(NULL, (size_t)o->count + 1, sizeof(r->spare[0])),
	    .starts = reallocarray(NULL, o->n + 1, sizeof(r->starts[0])),
	    .ranks = reallocarray(NULL, most + 1, sizeof(r->ranks[0])),
	};
	return r->places && r->spare && r->starts && r->ranks ? ERR_OK : ERR_NOMEM;
}

static int
compare_places(const struct ranking *r, struct place a, struct place b)
{
	return str_cmp(text_of(r->o, a, r->key), text_of(r->o, b, r->key));
}

static int
compare(const void *a, const void *b, void *arg)
{
	return compare_places(arg, *(const struct place *)a, *(const struct place *)b);
}

/* Merges places[from … middle) and [middle … end). */
static void
merge(struct ranking *r, uint32_t from, uint32_t middle, uint32_t end)
{
	uint32_t a = from, b = middle;

	for (uint32_t i = from; i < end; i++) {
		bool take_b =
		    a == middle || (b < end && compare_places(r, r->places[b], r->places[a]) < 0);
		r->spare[i] = take_b ? r->places[b++] : r->places[a++];
	}
	memcpy(r->places + from, r->spare + from, (end - from) * sizeof(r->places[0]));
}

/* The messages of a source in order: by the ranks that it has, as buckets, else by comparing. */
static void
order_source(struct ranking *r, uint32_t source)
{
	const struct facts_source *s = &r->o->sources[source];
	const uint32_t *ranks = s->table.n ? s->table.ranks[r->key - FACT__SEARCHED] : NULL;
	uint32_t from = r->starts[source];
	uint32_t n = r->starts[source + 1] - from;
	uint32_t *counts = r->ranks;

	if (!ranks || r->o->known < r->o->count) { /* what is not kept has no text */
		if (n)
			qsort_r(r->places + from, n, sizeof(r->places[0]), compare, r);
		return;
	}
	memset(counts, 0, s->n * sizeof(counts[0]));
	for (uint32_t i = from; i < from + n; i++)
		counts[ranks[r->places[i].row] % s->n]++; /* damaged ranks stay in the array */
	uint32_t at = from;
	for (uint32_t i = 0; i < s->n; i++) {
		uint32_t here = counts[i];
		counts[i] = at;
		at += here;
	}
	for (uint32_t i = from; i < from + n; i++)
		r->spare[counts[ranks[r->places[i].row] % s->n]++] = r->places[i];
	memcpy(r->places + from, r->spare + from, n * sizeof(r->places[0]));
}

static void
order_all(struct ranking *r)
{
	size_t sources = r->o->n;
	uint32_t n = 0;

	r->starts[0] = 0;
	for (struct place p = FIRST_PLACE; next_place(r->o, &p);) {
		r->places[n++] = p;
		for (size_t i = p.source + 1; i <= sources; i++)
			r->starts[i] = n;
	}
	for (uint32_t i = 0; i < sources; i++)
		order_source(r, i);
	for (size_t width = 1; width < sources; width *= 2) {
		for (size_t i = 0; i + width < sources; i += 2 * width) {
			size_t end = i + 2 * width < sources ? i + 2 * width : sources;
			merge(r, r->starts[i], r->starts[i + width], r->starts[end]);
		}
	}
}

static enum err
write_ranks(const struct facts_output *o)
{
	CLEANUP(ranking_done) struct ranking r;
	enum err e = ranking_init(&r, o);

	segment_writer_begin(o->w, FACTS_RANKS);
	for (size_t key = FACT__SEARCHED; !e && key < FACT__TEXTS; key++) {
		r.key = (enum fact_text)key;
		memset(r.starts, 0, (o->n + 1) * sizeof(r.starts[0]));
		order_all(&r);
		uint32_t rank = 0;
		for (uint32_t i = 0; i < o->count; i++) {
			if (i > 0 && compare_places(&r, r.places[i - 1], r.places[i]) != 0)
				rank++;
			r.ranks[ordinal_of(o, r.places[i])] = rank;
		}
		segment_writer_put(o->w, r.ranks, o->count * sizeof(r.ranks[0]));
	}
	return e;
}

enum err
facts_write(const struct facts_source *sources, size_t n, uint32_t count, struct segment_writer *w)
{
	struct facts_output o = {.sources = sources, .n = n, .count = count, .w = w};

	find_known(&o);
	write_rows(&o);
	write_ids(&o);
	write_texts(&o);
	return write_ranks(&o);
}
