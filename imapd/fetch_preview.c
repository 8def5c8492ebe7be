#include "imapd/fetch_preview.h"

#include "common/mail/charset_stream.h"
#include "common/mail/codec.h"
#include "common/mail/header.h"
#include "imapd/preview_text.h"
#include "search/octets.h"

#define PIECE (8 * 1024)
#define PART_HEADER_MAX (16 * 1024)

enum text_kind { TEXT_NONE, TEXT_PLAIN, TEXT_HTML };

static bool
value_starts(struct str value, const char *with)
{
	struct str trimmed = str_trim(value), want = str_of(with);

	return trimmed.n >= want.n && str_eq_nocase(str_sub(trimmed, 0, want.n), want);
}

/* What the header of a part says it is. */
static enum text_kind
kind_of(struct str header)
{
	enum text_kind kind = TEXT_PLAIN; /* RFC 2045 §5.2 */
	struct header_field field;

	while (header_next(&header, &field)) {
		if (str_eq_nocase(field.name, STR("Content-Disposition")) &&
		    value_starts(field.value, "attachment"))
			return TEXT_NONE;
		if (!str_eq_nocase(field.name, STR("Content-Type")))
			continue;
		if (value_starts(field.value, "text/html"))
			kind = TEXT_HTML;
		else if (!value_starts(field.value, "text/"))
			kind = TEXT_NONE;
	}
	return kind;
}

static enum err
find_kind(
    struct reader *r, const struct message_row *row, const struct part *part, enum text_kind *ret)
{
	char header[PART_HEADER_MAX];
	size_t n = part->header_size < sizeof(header) ? (size_t)part->header_size : sizeof(header);

	if (part->header_at == 0 && row->header.p) {
		*ret = kind_of(row->header);
		return ERR_OK;
	}
	enum err e = octets_read(r, row->id, part->header_at, header, n);
	if (!e)
		*ret = kind_of(str_make(header, n));
	return e;
}

/* The first words of a part. */
static enum err
read_part(struct reader *r, int64_t message, const struct part *part, struct preview_text *p,
    uint64_t *budget)
{
	CLEANUP(charset_stream_free)
	struct charset_stream *charset = charset_stream_new(part->charset);
	CLEANUP(sbuf_done) struct sbuf decoded = SBUF_INIT(SIZE_MAX / 2);
	CLEANUP(sbuf_done) struct sbuf utf8 = SBUF_INIT(SIZE_MAX / 2);
	uint64_t size = part->body_size < *budget ? part->body_size : *budget;
	struct decoder decoder;
	char raw[PIECE];
	enum err e = charset ? ERR_OK : ERR_NOMEM;

	decoder_init(&decoder, part->encoding);
	for (uint64_t at = 0; !e && at < size && !preview_text_is_full(p);) {
		size_t n = size - at < PIECE ? (size_t)(size - at) : PIECE;
		e = octets_read(r, message, part->body_at + at, raw, n);
		at += n;
		*budget -= n;
		sbuf_clear(&decoded);
		sbuf_clear(&utf8);
		if (!e)
			decoder_feed(&decoder, str_make(raw, n), &decoded);
		if (!e && at == size)
			decoder_finish(&decoder, &decoded);
		if (!e)
			e = charset_stream_feed(charset, sbuf_view(&decoded), &utf8);
		if (!e && at == size)
			e = charset_stream_end(charset, &utf8);
		if (!e)
			preview_text_feed(p, sbuf_view(&utf8));
	}
	return e;
}

/* Tries one part; quoted lines are left out unless there is nothing else. */
static enum err
try_part(struct reader *r, int64_t message, const struct part *part, bool html, uint64_t *budget,
    struct sbuf *out)
{
	enum err e = ERR_OK;

	for (int tries = 0; tries < (html ? 1 : 2) && !e && out->n == 0; tries++) {
		CLEANUP(preview_text_done) struct preview_text p;
		preview_text_init(&p, html, tries == 0);
		e = read_part(r, message, part, &p, budget);
		if (!e)
			e = sbuf_error(&p.out);
		if (!e)
			sbuf_put(out, sbuf_view(&p.out));
	}
	return e ? e : sbuf_error(out);
}

enum err
fetch_preview(struct reader *r, const struct message_row *row, const struct part_table *parts,
    struct sbuf *out)
{
	const struct part *html = NULL;
	uint64_t budget = PREVIEW_RAW_MAX;
	unsigned looked = 0;
	enum err e = ERR_OK;

	for (size_t i = 0; i < parts->n && looked < PREVIEW_PARTS_MAX && !e && out->n == 0; i++) {
		const struct part *part = &parts->parts[i];
		enum text_kind kind = TEXT_NONE;
		if (part->kind != PART_LEAF || !part->is_text || part->encoding == PART_OTHER)
			continue;
		looked++;
		e = find_kind(r, row, part, &kind);
		if (!e && kind == TEXT_PLAIN)
			e = try_part(r, row->id, part, false, &budget, out);
		if (kind == TEXT_HTML && !html)
			html = part;
	}
	if (!e && out->n == 0 && html)
		e = try_part(r, row->id, html, true, &budget, out);
	return e;
}
