#include "search/facts_build.h"

#include "search/facts_private.h"

/* Columns as they grow; arrays in sbufs. */
struct facts_build {
	struct facts_maker *maker;
	uint32_t n;
	struct sbuf rows;
	struct sbuf ids;
	struct sbuf subjects;
	struct sbuf references;
	struct sbuf ends[FACT__TEXTS];
	struct sbuf texts[FACT__TEXTS];
};

static void
build_free(void *state)
{
	struct facts_build *b = state;

	facts_maker_free(&b->maker);
	sbuf_done(&b->rows);
	sbuf_done(&b->ids);
	sbuf_done(&b->subjects);
	sbuf_done(&b->references);
	for (size_t i = 0; i < FACT__TEXTS; i++) {
		sbuf_done(&b->ends[i]);
		sbuf_done(&b->texts[i]);
	}
	free(b);
}

static enum err
build_begin(void **ret)
{
	struct facts_build *b = calloc(1, sizeof(*b));

	if (!b)
		return ERR_NOMEM;
	sbuf_init(&b->rows, SIZE_MAX / 2);
	sbuf_init(&b->ids, SIZE_MAX / 2);
	sbuf_init(&b->subjects, SIZE_MAX / 2);
	sbuf_init(&b->references, SIZE_MAX / 2);
	for (size_t i = 0; i < FACT__TEXTS; i++) {
		sbuf_init(&b->ends[i], SIZE_MAX / 2);
		sbuf_init(&b->texts[i], UINT32_MAX);
	}
	b->maker = facts_maker_new();
	if (!b->maker) {
		build_free(b);
		return ERR_NOMEM;
	}
	*ret = b;
	return ERR_OK;
}

static enum err
add(struct facts_build *b, const struct facts *f, int32_t internal_zone_s, uint32_t flags)
{
	enum err e = ERR_OK;

	sbuf_append(&b->ids, &f->id, sizeof(f->id));
	sbuf_append(&b->subjects, &f->subject, sizeof(f->subject));
	sbuf_append(&b->references, f->references, f->reference_count * sizeof(f->references[0]));
	const struct fact_row row = {
	    .sent_s = f->sent_s,
	    .internal_s = f->internal_s,
	    .size = f->size,
	    .internal_zone_s = internal_zone_s,
	    .sent_day = f->sent_day,
	    .flags = f->flags | flags,
	    .references_end = (uint32_t)(b->references.n / sizeof(struct fact_id)),
	};
	sbuf_append(&b->rows, &row, sizeof(row));
	for (size_t i = 0; i < FACT__TEXTS; i++) {
		sbuf_put(&b->texts[i], f->texts[i]);
		const uint32_t end = (uint32_t)b->texts[i].n;
		sbuf_append(&b->ends[i], &end, sizeof(end));
		if (sbuf_error(&b->texts[i]) || sbuf_error(&b->ends[i]))
			e = ERR_NOMEM;
	}
	b->n++;
	return e || sbuf_error(&b->rows) || sbuf_error(&b->ids) || sbuf_error(&b->subjects) ||
		       sbuf_error(&b->references)
		   ? ERR_NOMEM
		   : ERR_OK;
}

/* Messages that never came: another builder could not read them. Those that came need no `unread`:
 * facts are of the header, which was read; what is wrong elsewhere does not matter. */
static enum err
add_unknown(struct facts_build *b, uint32_t to)
{
	const struct facts none = {.flags = 0};
	enum err e = ERR_OK;

	while (!e && b->n < to)
		e = add(b, &none, 0, FACT_UNKNOWN);
	return e;
}

static enum err
build_message(void *state, struct reader *r, const struct segment_message *m)
{
	struct facts_build *b = state;
	const struct facts_basics basics = {
	    m->row->internal_s, m->row->internal_zone_s, m->row->size};
	struct facts facts;
	enum err e = add_unknown(b, m->ordinal);

	(void)r;
	if (!e)
		e = facts_make(b->maker, &basics, m->header, FACTS_ALL, &facts);
	return e ? e : add(b, &facts, basics.internal_zone_s, 0);
}

static size_t
build_memory(const void *state)
{
	const struct facts_build *b = state;
	size_t n = b->rows.cap + b->ids.cap + b->subjects.cap + b->references.cap;

	for (size_t i = 0; i < FACT__TEXTS; i++)
		n += b->ends[i].cap + b->texts[i].cap;
	return n;
}

static enum err
build_finish(void *state, struct segment_writer *w, uint32_t count)
{
	struct facts_build *b = state;
	enum err e = add_unknown(b, count);
	struct facts_source source = {
	    .table =
		{
		    .n = count,
		    .rows = (const struct fact_row *)(const void *)b->rows.p,
		    .ids = (const struct fact_id *)(const void *)b->ids.p,
		    .subjects = (const struct fact_id *)(const void *)b->subjects.p,
		    .references = (const struct fact_id *)(const void *)b->references.p,
		    .reference_count = b->references.n / sizeof(struct fact_id),
		},
	    .n = count,
	};

	for (size_t i = 0; i < FACT__TEXTS; i++) {
		source.table.ends[i] = (const uint32_t *)(const void *)b->ends[i].p;
		source.table.texts[i] = sbuf_view(&b->texts[i]);
	}
	return e ? e : facts_write(&source, 1, count, w);
}

static enum err
build_merge(
    const struct segment_source *sources, size_t n, uint32_t count, struct segment_writer *w)
{
	CLEANUP(mem_free)
	struct facts_source *from = reallocarray(NULL, n ? n : 1, sizeof(*from));

	if (!from)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		from[i] = (struct facts_source){
		    .n = segment_count(sources[i].segment),
		    .to = sources[i].to,
		};
		facts_table_open(sources[i].segment, &from[i].table);
	}
	return facts_write(from, n, count, w);
}

const struct segment_builder facts_builder = {
    .name = "facts",
    .begin = build_begin,
    .message = build_message,
    .memory = build_memory,
    .finish = build_finish,
    .free = build_free,
    .merge = build_merge,
};
