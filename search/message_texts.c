#include "search/message_texts.h"

#include "search/octets.h"

/* Part of what a text is: lines that are guessed are guessed together (charset_stream.h). */
#define PIECE (32 * 1024)

void
message_texts_begin(struct message_texts *t, const struct part_table *parts)
{
	text_stream_done(&t->stream);
	t->parts = parts;
	t->part = 0;
	t->stage = TEXTS_AT_HEADER;
	t->at = 0;
}

void
message_texts_done(struct message_texts *t)
{
	text_stream_done(&t->stream);
	sbuf_done(&t->header);
	free(t->piece);
	*t = (struct message_texts){0};
}

static enum err
read_part_header(struct message_texts *t, struct reader *r, int64_t message,
    const struct part *part, enum texts_event *ret)
{
	bool embedded = part->parent >= 0 && t->parts->parts[part->parent].kind == PART_MESSAGE;

	*ret = embedded ? TEXTS_EMBEDDED_HEADER : TEXTS_HEADER;
	return octets_read_header(r, message, part->header_at, part->header_size, &t->header);
}

static enum err
read_piece(struct message_texts *t, struct reader *r, int64_t message, const struct part *part,
    struct sbuf *out)
{
	uint64_t left = part->body_size - t->at;
	size_t n = left < PIECE ? (size_t)left : PIECE;

	if (!t->piece && !(t->piece = malloc(PIECE)))
		return ERR_NOMEM;
	enum err e = octets_read(r, message, part->body_at + t->at, t->piece, n);
	t->at += n;
	return e ? e : text_stream_feed(&t->stream, str_make(t->piece, n), out);
}

static void
next_part(struct message_texts *t)
{
	t->part++;
	t->stage = TEXTS_AT_HEADER;
}

enum err
message_texts_next(struct message_texts *t, struct reader *r, int64_t message, struct sbuf *out,
    enum texts_event *ret)
{
	for (; t->part < t->parts->n; next_part(t)) {
		const struct part *part = &t->parts->parts[t->part];
		bool first = t->stage == TEXTS_AT_HEADER;
		if (first)
			t->stage = TEXTS_AT_TEXT;
		if (first && t->part > 0) /* part 0 has the top header */
			return read_part_header(t, r, message, part, ret);
		if (part->kind != PART_LEAF || !part->is_text)
			continue;
		if (t->stage == TEXTS_AT_TEXT) {
			t->stage = TEXTS_IN_TEXT;
			t->at = 0;
			*ret = TEXTS_BEGIN;
			return text_stream_begin(&t->stream, part->encoding, part->charset);
		}
		if (t->at < part->body_size) {
			*ret = TEXTS_PIECE;
			return read_piece(t, r, message, part, out);
		}
		*ret = TEXTS_END;
		enum err e = text_stream_end(&t->stream, out);
		text_stream_done(&t->stream);
		next_part(t);
		return e;
	}
	*ret = TEXTS_DONE;
	return ERR_OK;
}
