/* Takes the words of messages, for a segment that is being made. */
#include "search/field_text.h"
#include "search/message_texts.h"
#include "search/word_stream.h"
#include "search/word_table.h"

struct words_builder {
	struct word_table *table;
	struct word_stream stream;
	struct field_text field;
	struct message_texts texts;
	struct sbuf folded; /* text of a part, a piece at a time */
	struct sbuf unknown; /* ordinals, uint32_t each */
	/* of the message in hand */
	uint32_t ordinal;
	unsigned place;
	size_t memory; /* of the table when it began */
};

static void
builder_free(void *state)
{
	struct words_builder *b = state;

	word_table_free(&b->table);
	field_text_done(&b->field);
	message_texts_done(&b->texts);
	sbuf_done(&b->folded);
	sbuf_done(&b->unknown);
	free(b);
}

static enum err
begin(void **ret)
{
	struct words_builder *b = calloc(1, sizeof(*b));

	if (!b)
		return ERR_NOMEM;
	field_text_init(&b->field);
	b->folded = SBUF_INIT(SIZE_MAX / 2);
	b->unknown = SBUF_INIT(SIZE_MAX / 2);
	*ret = b;
	b->table = word_table_new();
	return b->table ? ERR_OK : ERR_NOMEM;
}

static size_t
memory(const void *state)
{
	const struct words_builder *b = state;

	return word_table_memory(b->table);
}

/* Once for a message, the last one handed in. */
static void
unread(void *state, uint32_t ordinal)
{
	struct words_builder *b = state;
	uint32_t last;

	if (b->unknown.n) {
		memcpy(&last, b->unknown.p + b->unknown.n - sizeof(last), sizeof(last));
		if (last == ordinal)
			return;
	}
	sbuf_append(&b->unknown, &ordinal, sizeof(ordinal));
}

static bool
has_too_many(const struct words_builder *b)
{
	return word_table_memory(b->table) > b->memory + WORDS_MESSAGE_MEMORY;
}

static void
add_word(void *arg, struct str word)
{
	struct words_builder *b = arg;

	word_table_add(b->table, word, b->ordinal, b->place);
}

/* A text that is all there. */
static void
add_text(struct words_builder *b, struct str folded, unsigned place)
{
	b->place = place;
	word_stream_feed(&b->stream, folded, add_word, b);
	word_stream_end(&b->stream, add_word, b);
}

/* The fields of a header; `place` 0: the top one. */
static enum err
add_header(struct words_builder *b, struct str header, unsigned place)
{
	struct header_field f;

	while (header_next(&header, &f) && !has_too_many(b)) {
		enum err e = field_text_make(&b->field, &f);
		if (e)
			return e;
		if (place) {
			add_text(b, field_text_whole(&b->field), place);
			continue;
		}
		/* a blank stands between name and value, so no word lies in both */
		add_text(b, str_sub(field_text_whole(&b->field), 0, b->field.value_at), WORD_TOP);
		add_text(b, field_text_value(&b->field), word_place_of(f.name));
	}
	return ERR_OK;
}

static enum err
add_texts(struct words_builder *b, struct reader *r, int64_t message)
{
	enum texts_event event = TEXTS_BEGIN;
	enum err e = ERR_OK;

	while (!e && event != TEXTS_DONE && !has_too_many(b)) {
		e = message_texts_next(&b->texts, r, message, &b->folded, &event);
		if (e)
			break;
		switch (event) {
		case TEXTS_HEADER:
			e = add_header(b, sbuf_view(&b->texts.header), WORD_PART);
			break;
		case TEXTS_EMBEDDED_HEADER:
			e = add_header(b, sbuf_view(&b->texts.header), WORD_BODY);
			break;
		case TEXTS_BEGIN:
			b->place = WORD_BODY;
			break;
		case TEXTS_PIECE:
		case TEXTS_END:
			word_stream_feed(&b->stream, sbuf_view(&b->folded), add_word, b);
			sbuf_clear(&b->folded);
			if (event == TEXTS_END)
				word_stream_end(&b->stream, add_word, b);
			break;
		case TEXTS_DONE:
			break;
		}
	}
	return e;
}

static enum err
message(void *state, struct reader *r, const struct segment_message *m)
{
	struct words_builder *b = state;

	b->ordinal = m->ordinal;
	b->memory = word_table_memory(b->table);
	b->stream.n = 0;
	sbuf_clear(&b->folded);
	message_texts_begin(&b->texts, m->parts);
	enum err e = add_header(b, m->header, 0);
	if (!e)
		e = add_texts(b, r, m->row->id);
	if (!e && has_too_many(b))
		unread(b, m->ordinal);
	return e ? e : word_table_error(b->table);
}

static enum err
finish(void *state, struct segment_writer *w, uint32_t count)
{
	struct words_builder *b = state;

	(void)count;
	if (sbuf_error(&b->unknown))
		return ERR_NOMEM;
	enum err e = word_table_write(b->table, w);
	if (e)
		return e;
	segment_writer_begin(w, WORDS_UNKNOWN);
	segment_writer_put(w, b->unknown.p, b->unknown.n);
	return ERR_OK;
}

const struct segment_builder words_builder = {
    .name = "words",
    .begin = begin,
    .message = message,
    .unread = unread,
    .memory = memory,
    .finish = finish,
    .free = builder_free,
    .merge = words_merge,
};
