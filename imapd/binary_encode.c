#include "imapd/binary_encode.h"

#include "common/mail/codec.h"
#include "common/mail/header.h"

#include <stdlib.h>

#define PARTS_ARENA (4 * 1024 * 1024)
#define LINE 57 /* octets that make a line of 76 (RFC 2045 §6.8) */
#define PIECE (512 * LINE)

enum phase {
	LOOKS, /* for a NUL in the part in hand */
	COPIES, /* what is before the part */
	ENCODES, /* its body */
	ENDS, /* copies what is behind the last */
};

struct binary_encoding {
	struct spool *in, *out;
	struct arena *arena; /* of `parts` */
	struct part_table parts;
	size_t i; /* the part in hand */
	enum phase phase;
	uint64_t size;
	uint64_t at; /* octets of `in` that are done with */
	uint64_t looked; /* of the part's body */
	size_t spent; /* octets gone through in this step */
};

/* The next piece of `in` from `at` on, not beyond `to`. */
static enum err
read_piece(struct binary_encoding *e, uint64_t at, uint64_t to, char piece[PIECE], size_t *ret_n)
{
	*ret_n = to - at < PIECE ? (size_t)(to - at) : PIECE;
	e->spent += *ret_n;
	return *ret_n > 0 ? spool_read_back(e->in, at, piece, *ret_n) : ERR_OK;
}

/* A piece of what comes before `to`, as it is. */
static enum err
copy_piece(struct binary_encoding *e, uint64_t to)
{
	char piece[PIECE];
	size_t n;
	enum err err = read_piece(e, e->at, to, piece, &n);

	if (!err && n > 0)
		err = spool_write(e->out, piece, n);
	e->at += n;
	return err;
}

/* The part's header with another Content-Transfer-Encoding. */
static enum err
put_header(struct binary_encoding *e, const struct part *part)
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

static void
next_part(struct binary_encoding *e)
{
	e->i++;
	e->looked = 0;
	e->phase = LOOKS;
}

static enum err
encode_piece(struct binary_encoding *e, const struct part *part)
{
	uint64_t end = part->body_at + part->body_size;
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(2 * PIECE);
	char piece[PIECE];
	size_t n;

	if (e->at < part->body_at)
		return copy_piece(e, part->body_at);
	enum err err = read_piece(e, e->at, end, piece, &n);
	e->at += n;
	for (size_t i = 0; i < n && !err; i += LINE) {
		base64_encode(str_sub(str_make(piece, n), i, LINE), &text);
		if (e->at < end || i + LINE < n)
			sbuf_puts(&text, "\r\n");
	}
	if (!err)
		err = sbuf_error(&text);
	if (!err && text.n > 0)
		err = spool_write(e->out, text.p, text.n);
	if (e->at == end)
		next_part(e);
	return err;
}

/* Whether the part in hand has to be encoded. */
static enum err
look(struct binary_encoding *e)
{
	const struct part *part = &e->parts.parts[e->i];
	uint64_t at = part->body_at + e->looked, end = part->body_at + part->body_size;
	char piece[PIECE];
	size_t n;

	if (part->kind != PART_LEAF || part->encoding > PART_BINARY || part->header_at < e->at ||
	    at >= end) {
		next_part(e);
		return ERR_OK;
	}
	enum err err = read_piece(e, at, end, piece, &n);
	e->looked += n;
	if (!err && memchr(piece, '\0', n))
		e->phase = COPIES;
	return err;
}

static enum err
go_on(struct binary_encoding *e)
{
	const struct part *part = e->i < e->parts.n ? &e->parts.parts[e->i] : NULL;
	enum err err;

	if (!part)
		e->phase = ENDS;
	switch (e->phase) {
	case LOOKS:
		return look(e);
	case COPIES:
		if (e->at < part->header_at)
			return copy_piece(e, part->header_at);
		err = put_header(e, part);
		e->phase = ENCODES;
		return err;
	case ENCODES:
		return encode_piece(e, part);
	case ENDS:
		break;
	}
	return copy_piece(e, e->size);
}

enum err
binary_encode_step(struct binary_encoding *e, bool *ret_done)
{
	const struct message_index *made = NULL;
	enum err err = ERR_OK;

	e->spent = 0;
	while (!err && e->at < e->size && e->spent < BINARY_STEP_OCTETS)
		err = go_on(e);
	*ret_done = e->at == e->size;
	if (!err && *ret_done)
		err = spool_finish(e->out, &made);
	return !err && made && made->has_nul ? ERR_CANNOT : err;
}

enum err
binary_encode_begin(struct store *store, struct spool *spool, struct binary_encoding **ret)
{
	CLEANUP(binary_encode_free) struct binary_encoding *e = NULL;
	const struct message_index *index;
	enum err err = spool_finish(spool, &index);

	*ret = NULL;
	if (err || !index->has_nul)
		return err;
	e = calloc(1, sizeof(*e));
	if (!e || !(e->arena = arena_new(PARTS_ARENA)))
		return ERR_NOMEM;
	e->in = spool;
	e->size = index->size;
	err = parts_decode(index->parts, e->arena, &e->parts);
	if (!err)
		err = spool_new(store, &e->out);
	if (!err)
		*ret = MOVE_PTR(e);
	return err;
}

void
binary_encode_replace(struct binary_encoding *e, struct spool **spool)
{
	spool_free(spool);
	*spool = MOVE_PTR(e->out);
}

void
binary_encode_free(struct binary_encoding **ep)
{
	struct binary_encoding *e = MOVE_PTR(*ep);

	if (!e)
		return;
	spool_free(&e->out);
	arena_free(&e->arena);
	free(e);
}
