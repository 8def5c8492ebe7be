#include "imapd/search_body.h"

#include "imapd/octets.h"

#define PIECE (32 * 1024)
#define PARTS_ARENA (4 * 1024 * 1024)

enum err
search_body_init(struct search_body *b, const struct search_program *p, enum match *slots,
    struct arena *cmd_arena)
{
	*b = (struct search_body){.p = p, .slots = slots};
	if (!p->needs_body)
		return ERR_OK;
	b->needles = arena_alloc_array(cmd_arena, p->slot_count, sizeof(b->needles[0]));
	b->slot_of = arena_alloc_array(cmd_arena, p->slot_count, sizeof(b->slot_of[0]));
	b->arena = arena_new(PARTS_ARENA);
	b->piece = malloc(PIECE);
	return b->needles && b->slot_of && b->arena && b->piece ? ERR_OK : ERR_NOMEM;
}

void
search_body_done(struct search_body *b)
{
	text_search_done(&b->text);
	arena_free(&b->arena);
	mem_free(&b->piece);
}

enum err
search_body_begin(struct search_body *b, const struct message_row *row)
{
	text_search_done(&b->text);
	b->part = 0;
	b->in_text = false;
	b->at = 0;
	arena_reset(b->arena);
	return parts_decode(row->parts, b->arena, &b->parts);
}

/* The keys that are not answered yet. */
static void
collect_needles(struct search_body *b)
{
	b->needle_count = 0;
	for (size_t i = 0; i < b->p->slot_count; i++) {
		const struct search_node *n = b->p->slots[i];
		if (b->slots[i] != MATCH_UNKNOWN)
			continue;
		b->slot_of[b->needle_count] = i;
		b->needles[b->needle_count++] = (struct text_needle){n->needle, false};
	}
}

static void
note_found(struct search_body *b)
{
	for (size_t i = 0; i < b->needle_count; i++)
		if (b->needles[i].found)
			b->slots[b->slot_of[i]] = MATCH_YES;
}

/* The whole header of a part, as far as headers are looked at. */
static enum err
search_header_of(struct search_body *b, struct reader *r, int64_t message, const struct part *part)
{
	CLEANUP(sbuf_done) struct sbuf header = {0};
	bool embedded = part->parent >= 0 && b->parts.parts[part->parent].kind == PART_MESSAGE;

	enum err e = octets_read_header(r, message, part->header_at, part->header_size, &header);
	if (e)
		return e;
	return search_part_header(b->p, sbuf_view(&header), embedded, b->slots);
}

static enum err
begin_part(struct search_body *b, struct reader *r, int64_t message, const struct part *part)
{
	/* the header of the message itself was searched before its body */
	enum err e = b->part == 0 ? ERR_OK : search_header_of(b, r, message, part);
	if (e)
		return e;
	if (part->kind != PART_LEAF || !part->is_text) {
		b->part++;
		return ERR_OK;
	}
	collect_needles(b);
	e = text_search_begin(&b->text, part->encoding, part->charset, b->needles, b->needle_count);
	b->in_text = true;
	b->at = 0;
	return e;
}

static enum err
end_part(struct search_body *b)
{
	enum err e = text_search_end(&b->text);

	text_search_done(&b->text);
	note_found(b);
	b->in_text = false;
	b->part++;
	return e;
}

static enum err
search_piece(struct search_body *b, struct reader *r, int64_t message, const struct part *part)
{
	uint64_t left = part->body_size - b->at;
	size_t n = left < PIECE ? (size_t)left : PIECE;
	size_t got = 0;

	enum err e = reader_read(r, message, part->body_at + b->at, b->piece, n, &got);
	if (!e && got == 0)
		e = ERR_CORRUPT;
	if (!e)
		e = text_search_feed(&b->text, str_make(b->piece, got));
	b->at += got;
	note_found(b);
	return e;
}

enum err
search_body_step(struct search_body *b, struct reader *r, int64_t message, bool *ret_done)
{
	*ret_done = b->part >= b->parts.n;
	if (*ret_done) {
		search_end_body(b->p, b->slots);
		return ERR_OK;
	}
	const struct part *part = &b->parts.parts[b->part];
	if (!b->in_text)
		return begin_part(b, r, message, part);
	if (b->at < part->body_size)
		return search_piece(b, r, message, part);
	return end_part(b);
}
