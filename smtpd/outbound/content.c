#include "smtpd/outbound/content.h"

#include "common/mail/parts.h"

#define PIECE (16 * 1024)
#define PARTS_ARENA (8 * 1024 * 1024) /* MIME_MAX_PARTS of them */

struct spool_content {
	struct content content;
	struct spool *spool;
};

static enum err
read_spool(struct content *c, uint64_t offset, char *to, size_t n, size_t *ret_n)
{
	struct spool_content *s = (struct spool_content *)c;
	uint64_t left = offset < c->size ? c->size - offset : 0;

	*ret_n = n < left ? n : (size_t)left;
	return *ret_n ? spool_read_back(s->spool, offset, to, *ret_n) : ERR_OK;
}

static void
close_spool(struct content *c)
{
	struct spool_content *s = (struct spool_content *)c;

	spool_free(&s->spool);
	free(s);
}

enum err
content_of_spool(struct spool *spool, const struct queue_message *m, struct content **ret)
{
	struct spool_content *s = calloc(1, sizeof(*s));

	if (!s) {
		spool_free(&spool);
		return ERR_NOMEM;
	}
	s->spool = spool;
	s->content =
	    (struct content){.size = spool_size(spool), .read = read_spool, .close = close_spool};
	CLEANUP(content_close) struct content *c = &s->content;
	enum err e = content_look(c, m);
	if (!e)
		*ret = MOVE_PTR(c);
	// NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it begins with `c`, whose guard frees it
	return e;
}

void
content_close(struct content **cp)
{
	struct content *c = MOVE_PTR(*cp);

	if (c)
		c->close(c);
}

/* -- what it holds --------------------------------------------------------------------------- */

struct look {
	bool eightbit, nul;
	bool eightbit_header;
	struct index_builder *index; /* NULL: nobody asks for parts */
};

static enum err
feed(struct content *c, struct look *l)
{
	char piece[PIECE];
	bool line_empty = true, in_header = true;
	size_t n;

	for (uint64_t at = 0; at < c->size; at += n) {
		enum err e = c->read(c, at, piece, sizeof(piece), &n);
		if (!e && n == 0)
			e = ERR_CORRUPT;
		if (e)
			return e;
		if (l->index)
			index_builder_feed(l->index, piece, n);
		for (size_t i = 0; in_header && i < n; i++) {
			l->eightbit_header |= (unsigned char)piece[i] > 0x7f;
			if (piece[i] == '\n') {
				in_header = !line_empty;
				line_empty = true;
			} else if (piece[i] != '\r') {
				line_empty = false;
			}
		}
		l->eightbit |= str_ascii_run(str_make(piece, n)) < n;
		l->nul = l->nul || str_has_nul(str_make(piece, n));
	}
	return ERR_OK;
}

/* Some octet of [at, at + size) is above 0x7f. */
static enum err
look_at(struct content *c, uint64_t at, uint64_t size, bool *ret_eightbit)
{
	char piece[PIECE];
	size_t n;

	for (uint64_t end = at + size; at < end; at += n) {
		size_t ask = end - at < sizeof(piece) ? (size_t)(end - at) : sizeof(piece);
		enum err e = c->read(c, at, piece, ask, &n);
		if (e || n == 0)
			return e ? e : ERR_CORRUPT;
		*ret_eightbit |= str_ascii_run(str_make(piece, n)) < n;
	}
	return ERR_OK;
}

static enum err
look_at_part_headers(struct content *c, struct look *l, struct arena *arena)
{
	struct message_index index;
	struct part_table table;
	enum err e = index_builder_finish(l->index, &index);

	if (!e)
		e = parts_decode(index.parts, arena, &table);
	for (size_t i = 1; !e && i < table.n && !l->eightbit_header; i++)
		e = look_at(
		    c, table.parts[i].header_at, table.parts[i].header_size, &l->eightbit_header);
	return e;
}

/* Where the header of a part holds UTF-8 only counts where the sender said SMTPUTF8: else it is the
 * kind of mistake that all servers hand on. */
enum err
content_look(struct content *c, const struct queue_message *m)
{
	CLEANUP(index_builder_free)
	struct index_builder *index = m->smtputf8 ? index_builder_new() : NULL;
	CLEANUP(arena_free) struct arena *arena = arena_new(PARTS_ARENA);
	struct look l = {.index = index};

	if ((m->smtputf8 && !index) || !arena)
		return ERR_NOMEM;
	enum err e = feed(c, &l);
	if (!e && index && l.eightbit && !l.eightbit_header)
		e = look_at_part_headers(c, &l, arena);
	if (e)
		return e;
	c->utf8_header = l.eightbit_header;
	c->form = m->body == QUEUE_BINARYMIME || l.nul ? CONTENT_BINARY
		  : l.eightbit                         ? CONTENT_8BIT
						       : CONTENT_7BIT;
	return ERR_OK;
}

/* -- header and body ------------------------------------------------------------------------- */

/* Where the header ends: behind the CRLF of its last line; STR_NONE: not within `all`, of which
 * `seen` octets have been looked through. */
static size_t
end_of_header(struct str all, size_t seen)
{
	if (str_starts(all, STR("\r\n")))
		return 0;
	const char *end = memmem(all.p + seen, all.n - seen, "\r\n\r\n", 4);
	return end ? (size_t)(end - all.p) + 2 : STR_NONE;
}

enum err
content_header(struct content *c, struct sbuf *header, uint64_t *ret_body, bool *ret_whole)
{
	CLEANUP(mem_free) char *piece = malloc(PIECE);
	size_t n = 0, seen = 0, end = STR_NONE;

	if (!piece)
		return ERR_NOMEM;
	*ret_whole = false;
	for (uint64_t offset = 0; offset < c->size && end == STR_NONE; offset += n) {
		enum err e = c->read(c, offset, piece, PIECE, &n);
		if (e)
			return e;
		if (n == 0)
			return ERR_CORRUPT;
		sbuf_append(header, piece, n);
		if (sbuf_error(header))
			return sbuf_error(header) == ERR_TOO_LONG ? ERR_OK : ERR_NOMEM;
		end = end_of_header(sbuf_view(header), seen);
		seen = header->n > 3 ? header->n - 3 : 0;
	}
	*ret_body = end == STR_NONE ? c->size : end + 2;
	if (end != STR_NONE)
		sbuf_cut(header, end);
	*ret_whole = true;
	return ERR_OK;
}

enum err
content_body(
    struct content *c, uint64_t offset, void (*body)(void *arg, struct str octets), void *arg)
{
	CLEANUP(mem_free) char *piece = malloc(PIECE);
	size_t n = 0;

	if (!piece)
		return ERR_NOMEM;
	for (; offset < c->size; offset += n) {
		enum err e = c->read(c, offset, piece, PIECE, &n);
		if (e)
			return e;
		if (n == 0)
			return ERR_CORRUPT;
		body(arg, str_make(piece, n));
	}
	return ERR_OK;
}
