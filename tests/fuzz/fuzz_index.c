#include "common/mail/message_index.h"
#include "common/mail/parts.h"
#include "tests/fuzz/fuzz.h"

static struct index_builder *
build(struct str in, size_t step, struct message_index *ret)
{
	struct index_builder *b = index_builder_new();

	FUZZ_CHECK(b);
	for (size_t i = 0; i < in.n; i += step) {
		struct str piece = str_sub(in, i, step);
		index_builder_feed(b, piece.p, piece.n);
	}
	FUZZ_CHECK(index_builder_finish(b, ret) == ERR_OK);
	return b;
}

static void
check_same(const struct message_index *a, const struct message_index *b)
{
	FUZZ_CHECK(a->size == b->size && a->header_size == b->header_size);
	FUZZ_CHECK(a->has_8bit == b->has_8bit && a->has_nul == b->has_nul);
	FUZZ_CHECK(str_eq(a->envelope, b->envelope));
	FUZZ_CHECK(str_eq(a->bodystructure, b->bodystructure));
	FUZZ_CHECK(str_eq(a->parts, b->parts));
	FUZZ_CHECK(str_eq(a->subject, b->subject) && str_eq(a->message_id, b->message_id));
}

/* Every part lies in its parent's body, behind its older siblings. */
static void
check_parts(const struct part_table *t, uint64_t size)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct part *p = &t->parts[i];
		uint64_t end = p->body_at + p->body_size;
		FUZZ_CHECK(end <= size);
		if (i == 0)
			continue;
		const struct part *parent = &t->parts[p->parent];
		FUZZ_CHECK(p->header_at >= parent->body_at);
		FUZZ_CHECK(end <= parent->body_at + parent->body_size);
		FUZZ_CHECK(p->header_at >= t->parts[i - 1].header_at);
	}
	FUZZ_CHECK(parts_find(t, NULL, 0) == t->parts);
}

/* Pieces of which size: one for each input, as its octets will have it. */
static size_t
step_of(struct str in)
{
	static const size_t steps[] = {1, 7, 64, 1, 2, 3, 23, 5};
	unsigned sum = 0;

	for (size_t i = 0; i < in.n; i++)
		sum = sum * 31 + (unsigned char)in.p[i];
	return steps[(sum >> 5) % ARRAY_LEN(steps)];
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_make(data, size);
	struct message_index whole;
	struct message_index pieces;
	struct part_table table;

	CLEANUP(index_builder_free) struct index_builder *a = build(in, size ? size : 1, &whole);
	CLEANUP(index_builder_free) struct index_builder *b = build(in, step_of(in), &pieces);
	check_same(&whole, &pieces);
	FUZZ_CHECK(!str_has_nul(whole.envelope) && !str_has_nul(whole.bodystructure));
	FUZZ_CHECK(str_is_utf8(whole.subject));

	CLEANUP(arena_free) struct arena *arena = arena_new(64 << 20);
	FUZZ_CHECK(parts_decode(whole.parts, arena, &table) == ERR_OK);
	check_parts(&table, size);
	if (parts_decode(in, arena, &table) == ERR_OK) /* octets that nobody vouches for */
		for (size_t i = 0; i < table.n; i++)
			parts_embedded(&table, &table.parts[i]);

	CLEANUP(sbuf_done) struct sbuf body = SBUF_INIT(64 << 20);
	FUZZ_CHECK(bodystructure_as(whole.bodystructure, true, false, &body) == ERR_OK);
	/* BODY has no extension data, so nothing is left to be taken away */
	CLEANUP(sbuf_done) struct sbuf again = SBUF_INIT(64 << 20);
	FUZZ_CHECK(bodystructure_as(sbuf_view(&body), true, false, &again) == ERR_OK);
	FUZZ_CHECK(str_eq(sbuf_view(&body), sbuf_view(&again)));
	sbuf_clear(&body);
	(void)!bodystructure_as(in, true, false, &body);
	return 0;
}
