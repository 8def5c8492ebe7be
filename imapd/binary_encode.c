#include "imapd/binary_encode.h"

#include "common/mail/codec.h"
#include "common/mail/header.h"

#define PARTS_ARENA (4 * 1024 * 1024)
#define LINE 57 /* octets that make a line of 76 (RFC 2045 §6.8) */
#define PIECE (512 * LINE)

struct encoding {
	struct spool *in, *out;
	uint64_t at; /* octets of `in` that are done with */
};

/* Octets [e->at, to), as they are. */
static enum err
copy_to(struct encoding *e, uint64_t to)
{
	char piece[PIECE];
	enum err err = ERR_OK;

	while (!err && e->at < to) {
		size_t n = to - e->at < PIECE ? (size_t)(to - e->at) : PIECE;
		err = spool_read_back(e->in, e->at, piece, n);
		if (!err)
			err = spool_write(e->out, piece, n);
		e->at += n;
	}
	return err;
}

static enum err
has_nul(struct encoding *e, const struct part *part, bool *ret)
{
	uint64_t at = part->body_at, end = at + part->body_size;
	char piece[PIECE];

	*ret = false;
	while (at < end && !*ret) {
		size_t n = end - at < PIECE ? (size_t)(end - at) : PIECE;
		enum err err = spool_read_back(e->in, at, piece, n);
		if (err)
			return err;
		*ret = memchr(piece, '\0', n) != NULL;
		at += n;
	}
	return ERR_OK;
}

/* The part's header with another Content-Transfer-Encoding. */
static enum err
put_header(struct encoding *e, const struct part *part)
{
	static const char line[] = "Content-Transfer-Encoding: base64\r\n";
	size_t n = (size_t)part->header_size;
	CLEANUP(mem_free) char *header = n >= 2 && n <= MIME_MAX_HEADER ? malloc(n) : NULL;
	struct header_field field;

	if (!header)
		return n < 2 || n > MIME_MAX_HEADER ? ERR_CANNOT : ERR_NOMEM;
	enum err err = spool_read_back(e->in, part->header_at, header, n);
	if (err)
		return err;
	size_t from = n - 2; /* before the empty line, unless there is a field */
	size_t to = from;
	struct str rest = str_make(header, n);
	while (header_next(&rest, &field)) {
		if (!str_eq_nocase(field.name, STR("Content-Transfer-Encoding")))
			continue;
		from = (size_t)(field.whole.p - header);
		to = from + field.whole.n;
		break;
	}
	err = spool_write(e->out, header, from);
	if (!err)
		err = spool_write(e->out, line, sizeof(line) - 1);
	if (!err)
		err = spool_write(e->out, header + to, n - to);
	e->at = part->header_at + n;
	return err;
}

static enum err
put_body(struct encoding *e, const struct part *part)
{
	uint64_t end = part->body_at + part->body_size;
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(2 * PIECE);
	char piece[PIECE];
	enum err err = copy_to(e, part->body_at);

	while (!err && e->at < end) {
		size_t n = end - e->at < PIECE ? (size_t)(end - e->at) : PIECE;
		err = spool_read_back(e->in, e->at, piece, n);
		e->at += n;
		sbuf_clear(&text);
		for (size_t i = 0; i < n; i += LINE) {
			base64_encode(str_sub(str_make(piece, n), i, LINE), &text);
			if (e->at < end || i + LINE < n)
				sbuf_puts(&text, "\r\n");
		}
		if (!err)
			err = sbuf_error(&text);
		if (!err)
			err = spool_write(e->out, text.p, text.n);
	}
	return err;
}

static enum err
encode_parts(struct encoding *e, const struct part_table *parts, uint64_t size)
{
	enum err err = ERR_OK;

	for (size_t i = 0; i < parts->n && !err; i++) {
		const struct part *part = &parts->parts[i];
		bool encode = false;
		if (part->kind == PART_LEAF && part->encoding <= PART_BINARY &&
		    part->header_at >= e->at)
			err = has_nul(e, part, &encode);
		if (err || !encode)
			continue;
		err = copy_to(e, part->header_at);
		if (!err)
			err = put_header(e, part);
		if (!err)
			err = put_body(e, part);
	}
	return err ? err : copy_to(e, size);
}

enum err
binary_encode(struct store *store, struct spool **spool)
{
	CLEANUP(spool_free) struct spool *out = NULL;
	CLEANUP(arena_free) struct arena *arena = NULL;
	const struct message_index *index, *made;
	struct part_table parts;

	enum err err = spool_finish(*spool, &index);
	if (err || !index->has_nul)
		return err;
	arena = arena_new(PARTS_ARENA);
	err = arena ? parts_decode(index->parts, arena, &parts) : ERR_NOMEM;
	if (!err)
		err = spool_new(store, &out);
	struct encoding e = {.in = *spool, .out = out};
	if (!err)
		err = encode_parts(&e, &parts, index->size);
	if (!err)
		err = spool_finish(out, &made);
	if (!err && made->has_nul)
		err = ERR_CANNOT;
	if (err)
		return err;
	spool_free(spool);
	*spool = MOVE_PTR(out);
	return ERR_OK;
}
