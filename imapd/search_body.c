#include "imapd/search_body.h"

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
	return b->needles && b->slot_of && b->arena ? ERR_OK : ERR_NOMEM;
}

void
search_body_done(struct search_body *b)
{
	message_texts_done(&b->texts);
	text_search_done(&b->search);
	arena_free(&b->arena);
}

enum err
search_body_begin(struct search_body *b, const struct message_row *row)
{
	arena_reset(b->arena);
	enum err e = parts_decode(row->parts, b->arena, &b->parts);
	if (!e)
		message_texts_begin(&b->texts, &b->parts);
	return e;
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

enum err
search_body_step(struct search_body *b, struct reader *r, int64_t message, bool *ret_done)
{
	enum texts_event event;
	enum err e =
	    message_texts_next(&b->texts, r, message, text_search_room(&b->search), &event);

	*ret_done = false;
	if (e)
		return e;
	switch (event) {
	case TEXTS_HEADER:
	case TEXTS_EMBEDDED_HEADER:
		return search_part_header(
		    b->p, sbuf_view(&b->texts.header), event == TEXTS_EMBEDDED_HEADER, b->slots);
	case TEXTS_BEGIN:
		collect_needles(b);
		text_search_begin(&b->search, b->needles, b->needle_count);
		return ERR_OK;
	case TEXTS_PIECE:
	case TEXTS_END:
		e = text_search_look(&b->search);
		note_found(b);
		return e;
	case TEXTS_DONE:
		break;
	}
	*ret_done = true;
	search_end_body(b->p, b->slots);
	return ERR_OK;
}
