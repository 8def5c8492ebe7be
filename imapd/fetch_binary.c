#include "imapd/fetch_binary.h"

#include "common/base/clock.h"

#define PIECE (32 * 1024)

void
fetch_binary_end(struct fetch_binary *b)
{
	struct sbuf out = b->out;

	*b = (struct fetch_binary){.out = out};
}

void
fetch_binary_done(struct fetch_binary *b)
{
	sbuf_done(&b->out);
}

static void
restart(struct fetch_binary *b)
{
	decoder_init(&b->decoder, b->decoder.encoding);
	b->at = b->decoded = 0;
	b->last = '\0';
}

enum err
fetch_binary_begin(struct fetch_binary *b, struct fetch_source *src, const struct fetch_item *item,
    const struct fetch_value *v)
{
	enum part_encoding encoding = PART_BINARY;

	fetch_binary_end(b);
	b->out.max = SIZE_MAX / 2;
	const struct part *part =
	    v->is_nil || !section_needs_parts(&item->section)
		? NULL
		: parts_find(&src->parts, item->section.path, item->section.path_n);
	if (part && part->kind == PART_LEAF) {
		encoding = part->encoding;
		b->mends_lines = part->is_text;
	}
	if (encoding == PART_OTHER)
		return ERR_CANNOT;
	decoder_init(&b->decoder, encoding);
	b->begun = true;
	return ERR_OK;
}

/* Puts a CR before each LF that has none. */
static enum err
mend_lines(struct fetch_binary *b, struct str piece)
{
	for (size_t i = 0; i < piece.n; i++) {
		if (piece.p[i] == '\n' && (i ? piece.p[i - 1] : b->last) != '\r')
			sbuf_putc(&b->out, '\r');
		sbuf_putc(&b->out, piece.p[i]);
	}
	return sbuf_error(&b->out);
}

/* The next octets of the part, decoded, into b->out. */
static enum err
decode(struct fetch_binary *b, struct fetch_source *src, const struct fetch_value *v)
{
	CLEANUP(sbuf_done) struct sbuf mendable = SBUF_INIT(SIZE_MAX / 2);
	struct sbuf *to = b->mends_lines ? &mendable : &b->out;
	uint64_t left = v->size - b->at;
	size_t n = left < PIECE ? (size_t)left : PIECE;
	char raw[PIECE];

	enum err e = fetch_value_read(src, v, b->at, raw, n);
	if (e)
		return e;
	sbuf_clear(&b->out);
	decoder_feed(&b->decoder, str_make(raw, n), to);
	b->at += n;
	if (b->at == v->size)
		decoder_finish(&b->decoder, to);
	e = sbuf_error(to);
	if (!e && b->mends_lines)
		e = mend_lines(b, sbuf_view(&mendable));
	if (e)
		return e;
	if (to->n > 0)
		b->last = to->p[to->n - 1];
	b->decoded += b->out.n;
	return ERR_OK;
}

enum err
fetch_binary_count(struct fetch_binary *b, struct fetch_source *src, const struct fetch_item *item,
    const struct fetch_value *v, int64_t until_ms)
{
	const struct partial *p = &item->partial;
	uint64_t enough = UINT64_MAX;

	if (p->given && p->count <= UINT64_MAX - p->from)
		enough = p->from + p->count;
	while (b->at < v->size && b->decoded < enough) {
		enum err e = decode(b, src, v);
		if (e)
			return e;
		b->has_nul |= b->out.n > 0 && memchr(b->out.p, '\0', b->out.n);
		if (v->size > SPOOL_MEMORY && clock_mono_ms() > until_ms)
			return ERR_OK;
	}
	b->clip = partial_clip(p, b->decoded);
	b->counted = true;
	restart(b);
	return ERR_OK;
}

enum err
fetch_binary_write(struct fetch_binary *b, struct fetch_source *src, const struct fetch_value *v,
    struct conn *c, bool may_wait)
{
	while (b->clip.size > 0 && !(may_wait && conn_out_full(c))) {
		uint64_t before = b->decoded;
		enum err e = b->at < v->size ? decode(b, src, v) : ERR_CORRUPT;
		if (e)
			return e;
		uint64_t skip = b->clip.at > before ? b->clip.at - before : 0;
		if (skip >= b->out.n)
			continue;
		struct str piece = str_skip(sbuf_view(&b->out), (size_t)skip);
		if (piece.n > b->clip.size)
			piece.n = (size_t)b->clip.size;
		conn_put(c, piece);
		b->clip.size -= piece.n;
	}
	return ERR_OK;
}
