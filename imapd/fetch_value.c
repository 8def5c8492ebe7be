#include "imapd/fetch_value.h"

#include "common/mail/message_index.h"
#include "imapd/fetch_preview.h"
#include "imapd/preview_text.h"
#include "search/octets.h"

#define FIRST_PIECE (32 * 1024)
#define PARTS_ARENA (4 * 1024 * 1024) /* MIME_MAX_PARTS entries and their charsets */

unsigned
fetch_value_wants(const struct fetch_item *item)
{
	switch (item->kind) {
	case FETCH_ENVELOPE:
		return WANT_ENVELOPE;
	case FETCH_BODY:
	case FETCH_BODYSTRUCTURE:
		return WANT_BODYSTRUCTURE;
	case FETCH_PREVIEW:
	case FETCH_PREVIEW_FUZZY:
		return WANT_PARTS | WANT_HEADER;
	case FETCH_BINARY:
	case FETCH_BINARY_SIZE:
	case FETCH_SECTION:
		if (section_needs_parts(&item->section))
			return WANT_PARTS;
		if (fetch_value_is_of_header(item))
			return WANT_HEADER;
		break;
	case FETCH_FLAGS:
	case FETCH_MODSEQ:
	case FETCH_EMAILID:
	case FETCH_THREADID:
	case FETCH_SAVEDATE:
	case FETCH_UID:
	case FETCH_INTERNALDATE:
	case FETCH_SIZE:
		break;
	}
	return WANT_BASICS;
}

bool
fetch_value_is_of_header(const struct fetch_item *item)
{
	return item->kind == FETCH_SECTION && !section_needs_parts(&item->section) &&
	       (item->section.what == SECTION_HEADER || section_picks_fields(&item->section));
}

enum err
fetch_source_open(struct fetch_source *src, struct account *a)
{
	return reader_open(a, &src->reader);
}

bool
fetch_value_is_of_octets(const struct fetch_item *item)
{
	return item->kind == FETCH_SECTION && !section_needs_parts(&item->section);
}

static void
forget_message(struct fetch_source *src)
{
	src->message = 0;
	src->has_parts = false;
	src->first_n = 0;
}

void
fetch_source_take_header(struct fetch_source *src, int64_t message, struct str header)
{
	forget_message(src);
	src->row = (struct message_row){
	    .id = message, .size = header.n, .header_size = header.n, .header = header};
	src->message = message;
}

enum err
fetch_source_load_header(struct fetch_source *src, int64_t message)
{
	struct str header;

	forget_message(src);
	enum err e = reader_header(src->reader, message, &header);
	if (e)
		return e;
	if (!header.p)
		return fetch_source_load(src, message, WANT_HEADER);
	fetch_source_take_header(src, message, header);
	return ERR_OK;
}

enum err
fetch_source_load_octets(struct fetch_source *src, int64_t message, uint64_t size)
{
	struct str header, body;

	forget_message(src);
	enum err e = reader_octets(src->reader, message, size, &header, &body);
	if (e)
		return e;
	if (!header.p)
		return fetch_source_load(src, message, WANT_HEADER);
	src->row = (struct message_row){
	    .id = message, .size = size, .header_size = header.n, .header = header};
	src->message = message;
	return ERR_OK;
}

enum err
fetch_source_load(struct fetch_source *src, int64_t message, unsigned want)
{
	forget_message(src);
	enum err e = reader_message(src->reader, message, want, &src->row);
	if (!e)
		src->message = message;
	if (!e && src->row.header_size > src->row.size)
		e = ERR_CORRUPT;
	return e;
}

void
fetch_source_close(struct fetch_source *src)
{
	reader_close(&src->reader);
	forget_message(src);
	sbuf_done(&src->header);
	sbuf_done(&src->made);
}

void
fetch_source_done(struct fetch_source *src)
{
	fetch_source_close(src);
	fetch_value_let_go(src);
	arena_free(&src->arena);
	mem_free(&src->first);
}

static enum err
load_parts(struct fetch_source *src)
{
	if (src->has_parts)
		return ERR_OK;
	if (!src->arena && !(src->arena = arena_new(PARTS_ARENA)))
		return ERR_NOMEM;
	arena_reset(src->arena);
	enum err e = parts_decode(src->row.parts, src->arena, &src->parts);
	src->has_parts = !e;
	return e;
}

/* The header block that fields are picked from, as far as it is looked at. */
static enum err
load_header(struct fetch_source *src, struct extent at, struct str *ret)
{
	if (at.at == 0 && src->row.header.p && src->row.header.n >= at.size) {
		*ret = str_sub(src->row.header, 0, (size_t)at.size);
		return ERR_OK;
	}
	enum err e = octets_read_header(src->reader, src->message, at.at, at.size, &src->header);
	*ret = sbuf_view(&src->header);
	return e;
}

/* Empty; the memory of the message before is used again. */
static void
begin_made(struct fetch_source *src, size_t max)
{
	sbuf_clear(&src->made);
	src->made.max = max;
}

static enum err
make_fields(struct fetch_source *src, const struct fetch_item *item, struct extent at,
    struct fetch_value *ret)
{
	struct str block;
	enum err e = load_header(src, at, &block);

	if (e)
		return e;
	begin_made(src, SECTION_HEADER_MAX + 2);
	section_pick_fields(&item->section, block, &src->made);
	if (sbuf_error(&src->made))
		return sbuf_error(&src->made);
	struct extent clip = partial_clip(&item->partial, src->made.n);
	ret->text = str_sub(sbuf_view(&src->made), (size_t)clip.at, (size_t)clip.size);
	ret->size = clip.size;
	return ERR_OK;
}

static enum err
make_section(struct fetch_source *src, const struct fetch_item *item, struct fetch_value *ret)
{
	const struct message_sizes sizes = {src->row.size, src->row.header_size};
	struct extent at;

	if (section_needs_parts(&item->section)) {
		enum err e = load_parts(src);
		if (e)
			return e;
	}
	ret->is_string = true;
	if (!section_find(&item->section, &sizes, &src->parts, &at)) {
		ret->is_nil = true;
		return ERR_OK;
	}
	if (section_picks_fields(&item->section))
		return make_fields(src, item, at, ret);
	struct extent clip = {0, at.size};
	if (item->kind == FETCH_SECTION) /* a decoded part is clipped when it is decoded */
		clip = partial_clip(&item->partial, at.size);
	ret->at = at.at + clip.at;
	ret->size = clip.size;
	if (ret->at + ret->size <= src->row.header.n && src->row.header.p)
		ret->text = str_sub(src->row.header, (size_t)ret->at, (size_t)ret->size);
	return ERR_OK;
}

static enum err
make_body(struct fetch_source *src, bool extension, struct fetch_value *ret)
{
	struct str stored = src->row.bodystructure;

	begin_made(src, stored.n + stored.n / 4 + 64); /* a type may become another */
	enum err e = bodystructure_as(stored, src->rev2, extension, &src->made);
	if (!e)
		e = sbuf_error(&src->made);
	ret->text = sbuf_view(&src->made);
	ret->size = ret->text.n;
	return e;
}

static enum err
make_preview(struct fetch_source *src, const struct fetch_item *item, struct fetch_value *ret)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(PREVIEW_OCTETS);

	enum err e = load_parts(src);
	if (!e)
		e = fetch_preview(src->reader, &src->row, &src->parts, &text);
	if (e)
		return e;
	begin_made(src, PREVIEW_OCTETS + 64);
	ret->is_string = item->kind == FETCH_PREVIEW;
	if (ret->is_string) {
		sbuf_put(&src->made, sbuf_view(&text));
	} else {
		sbuf_printf(&src->made, "(FUZZY {%zu}\r\n", text.n);
		sbuf_put(&src->made, sbuf_view(&text));
		sbuf_putc(&src->made, ')');
	}
	ret->text = sbuf_view(&src->made);
	ret->size = ret->text.n;
	return sbuf_error(&src->made);
}

enum err
fetch_value_make(struct fetch_source *src, const struct fetch_item *item, struct fetch_value *ret)
{
	*ret = (struct fetch_value){0};
	if (item->kind == FETCH_SECTION || item->kind == FETCH_BINARY ||
	    item->kind == FETCH_BINARY_SIZE)
		return make_section(src, item, ret);
	if (item->kind == FETCH_PREVIEW || item->kind == FETCH_PREVIEW_FUZZY)
		return make_preview(src, item, ret);
	if (item->kind == FETCH_BODY)
		return make_body(src, false, ret);
	if (item->kind == FETCH_BODYSTRUCTURE && bodystructure_differs(src->row.bodystructure))
		return make_body(src, true, ret);
	ret->text = item->kind == FETCH_ENVELOPE ? src->row.envelope : src->row.bodystructure;
	ret->size = ret->text.n;
	return ret->size > 0 ? ERR_OK : ERR_CORRUPT;
}

enum err
fetch_value_prepare(struct fetch_source *src, const struct fetch_value *v)
{
	struct str header, body;

	if (v->is_nil || v->text.p || v->size == 0)
		return ERR_OK;
	enum err e = reader_octets(src->reader, src->message, src->row.size, &header, &body);
	if (e || header.p) /* they stand in the database: what is there can be read in this step */
		return e;
	if (!src->first && !(src->first = malloc(FIRST_PIECE)))
		return ERR_NOMEM;
	size_t n = v->size < FIRST_PIECE ? (size_t)v->size : FIRST_PIECE;
	e = octets_read(src->reader, src->message, v->at, src->first, n);
	src->first_n = e ? 0 : n;
	return e;
}

void
fetch_value_hold(struct fetch_source *src, const struct fetch_value *v)
{
	/* where that fails, the next step tries to read as this one did */
	if (!v->text.p && !src->file && reader_take_file(src->reader, src->message, &src->file))
		src->file = NULL;
}

void
fetch_value_let_go(struct fetch_source *src)
{
	message_file_close(&src->file);
}

/* RFC 3501 §4.3 knows no string with NUL; a message may hold one all the same. Its octets keep
 * their number. */
static void
hide_nul(char *p, size_t n)
{
	char *end = p + n;

	while ((p = memchr(p, '\0', (size_t)(end - p))))
		*p++ = '\x80';
}

enum err
fetch_value_read(
    struct fetch_source *src, const struct fetch_value *v, uint64_t from, char *to, size_t n)
{
	if (src->file)
		return message_file_read(src->file, v->at + from, to, n);
	if (!v->text.p)
		return octets_read(src->reader, src->message, v->at + from, to, n);
	memcpy(to, v->text.p + from, n);
	return ERR_OK;
}

enum err
fetch_value_write(
    struct fetch_source *src, const struct fetch_value *v, uint64_t from, size_t n, struct conn *c)
{
	if (!v->text.p && from == 0 && src->first_n >= n) {
		hide_nul(src->first, n);
		conn_write(c, src->first, n);
		src->first_n = 0;
		return ERR_OK;
	}
	char *to = conn_out_reserve(c, n);
	if (!to)
		return ERR_NOMEM;
	enum err e = fetch_value_read(src, v, from, to, n);
	if (e)
		return e;
	hide_nul(to, n);
	conn_out_grow(c, n);
	return ERR_OK;
}
