#include "smtpd/outbound/downgrade.h"

#include "common/mail/header.h"
#include "common/mail/parts.h"
#include "smtpd/outbound/cte_writer.h"

#define PIECE (16 * 1024)
#define PIECE_OUT (3 * PIECE + 16) /* "=XX", and soft line ends: 76 to 25 octets */
#define PARTS_ARENA (8 * 1024 * 1024) /* MIME_MAX_PARTS of them */
#define LINE_TOO_LONG 998 /* RFC 5322 §2.1.1 */

struct walk {
	struct content *in;
	enum content_form form;
	downgrade_sink *sink;
	void *arg;
	uint64_t pos; /* what stands before has been written */
	struct part_table parts;
	enum err err;
};

/* What a body holds. */
struct body_facts {
	uint64_t octets, high;
	bool nul;
	bool binary; /* NUL, CR or LF alone, lines that no server need take */
};

/* -- pieces ---------------------------------------------------------------------------------- */

static void
put(struct walk *w, struct str s)
{
	if (!w->err && s.n)
		w->err = w->sink(w->arg, s);
}

/* Reads [at, at + size) piece by piece. */
static void
each_piece(struct walk *w, uint64_t at, uint64_t size,
    void (*fn)(struct walk *w, struct str piece, void *arg), void *arg)
{
	char piece[PIECE];
	size_t n;

	for (uint64_t end = at + size; !w->err && at < end; at += n) {
		size_t ask = end - at < sizeof(piece) ? (size_t)(end - at) : sizeof(piece);
		w->err = w->in->read(w->in, at, piece, ask, &n);
		if (!w->err && n == 0)
			w->err = ERR_CORRUPT;
		if (!w->err)
			fn(w, str_make(piece, n), arg);
	}
}

struct encoding {
	struct cte_writer writer;
	struct sbuf out;
};

static void
flush(struct walk *w, struct encoding *e)
{
	if (!w->err)
		w->err = sbuf_error(&e->out);
	put(w, sbuf_view(&e->out));
	sbuf_clear(&e->out);
}

static void
encode_piece(struct walk *w, struct str piece, void *arg)
{
	struct encoding *e = arg;

	cte_feed(&e->writer, piece, &e->out);
	flush(w, e);
}

static void
encode(struct walk *w, uint64_t at, uint64_t size, enum cte how)
{
	struct encoding e = {.out = SBUF_INIT(PIECE_OUT)};

	cte_begin(&e.writer, how);
	each_piece(w, at, size, encode_piece, &e);
	cte_end(&e.writer, &e.out);
	flush(w, &e);
	sbuf_done(&e.out);
}

/* -- bodies ---------------------------------------------------------------------------------- */

struct scan {
	struct body_facts facts;
	uint64_t column;
	bool after_cr;
};

static void
scan_piece(struct walk *w, struct str piece, void *arg)
{
	struct scan *s = arg;

	(void)w;
	s->facts.octets += piece.n;
	for (size_t i = 0; i < piece.n; i++) {
		unsigned char ch = (unsigned char)piece.p[i];
		s->facts.high += ch > 0x7f;
		s->facts.nul |= ch == 0;
		s->facts.binary |= ch == 0 || s->after_cr != (ch == '\n');
		s->after_cr = ch == '\r';
		s->column = ch == '\n' ? 0 : s->column + (ch != '\r');
		s->facts.binary |= s->column > LINE_TOO_LONG;
	}
}

static struct body_facts
scan_body(struct walk *w, const struct part *p)
{
	struct scan s = {0};

	each_piece(w, p->body_at, p->body_size, scan_piece, &s);
	s.facts.binary |= s.after_cr;
	return s.facts;
}

static bool
is_encoded(const struct part *p)
{
	return p->encoding == PART_QP || p->encoding == PART_BASE64 || p->encoding == PART_OTHER;
}

/* What is to be done with a leaf's body. */
static enum cte
choose(struct walk *w, const struct part *p, const struct body_facts *f)
{
	bool fits = !f->binary && (f->high == 0 || w->form == CONTENT_8BIT);

	if (p->encoding == PART_QP && (f->nul || (f->high && w->form == CONTENT_7BIT)))
		return CTE_ESCAPE;
	if (is_encoded(p)) /* mostly: its octets count for less than its encoding */
		return f->high && w->form == CONTENT_7BIT ? CTE_ASCII : CTE_COPY;
	if (fits)
		return CTE_COPY;
	return p->is_text && !f->binary && f->high < f->octets / 4 ? CTE_QP : CTE_BASE64;
}

/* -- headers --------------------------------------------------------------------------------- */

/* NUL has no encoding there, and left out would make other fields and other lines (RFC 5322 §4). */
static void
replace_nul(char *p, size_t n)
{
	char *end = p + n;

	while ((p = memchr(p, '\0', (size_t)(end - p))))
		*p = '?';
}

static void
read_header(struct walk *w, const struct part *p, struct sbuf *out)
{
	size_t n;

	for (uint64_t at = 0; !w->err && at < p->header_size; at += n) {
		size_t ask = p->header_size - at < PIECE ? (size_t)(p->header_size - at) : PIECE;
		char *to = sbuf_reserve(out, ask);
		w->err = to ? w->in->read(w->in, p->header_at + at, to, ask, &n) : ERR_CANNOT;
		if (!w->err && n == 0)
			w->err = ERR_CORRUPT;
		if (w->err)
			return;
		replace_nul(to, n);
		sbuf_grow(out, n);
	}
}

struct header_facts {
	bool mime_version, content_type, signed_parts;
};

static struct header_facts
look_at_header(struct str block)
{
	struct header_facts f = {0};
	struct header_field field;

	while (header_next(&block, &field)) {
		f.mime_version |= str_eq_nocase(field.name, STR("MIME-Version"));
		if (str_eq_nocase(field.name, STR("Content-Type"))) {
			f.content_type = true;
			f.signed_parts =
			    str_starts_nocase(str_trim(field.value), STR("multipart/signed"));
		}
	}
	return f;
}

/* The fields without Content-Transfer-Encoding, `encoding` instead, and the empty line. */
static void
write_header(struct walk *w, struct str block, bool top, const char *encoding)
{
	struct header_facts f = look_at_header(block);
	struct header_field field;

	while (header_next(&block, &field)) {
		if (str_eq_nocase(field.name, STR("Content-Transfer-Encoding")))
			continue;
		put(w, field.whole);
		if (field.whole.n && field.whole.p[field.whole.n - 1] != '\n')
			put(w, STR("\r\n"));
	}
	if (top && !f.mime_version)
		put(w, STR("MIME-Version: 1.0\r\n"));
	if (top && !f.content_type) /* RFC 1428 §3 */
		put(w, STR("Content-Type: text/plain; charset=unknown-8bit\r\n"));
	put(w, STR("Content-Transfer-Encoding: "));
	put(w, str_of(encoding));
	put(w, STR("\r\n\r\n"));
}

/* -- parts ----------------------------------------------------------------------------------- */

/* What the label says when the octets stay: NULL, what it says already. */
static const char *
label_of(const struct walk *w, const struct part *p, bool high)
{
	bool claims_more =
	    p->encoding == PART_BINARY || (p->encoding == PART_8BIT && w->form == CONTENT_7BIT);

	if (!claims_more)
		return NULL;
	return high && w->form == CONTENT_8BIT ? "8bit" : "7bit";
}

/* Its header is a message's: without MIME-Version the others mean nothing (RFC 2045 §4). */
static bool
has_message_header(const struct walk *w, const struct part *p)
{
	return p->parent < 0 || w->parts.parts[p->parent].kind == PART_MESSAGE;
}

static void
write_leaf(struct walk *w, const struct part *p, struct str block)
{
	struct body_facts f = scan_body(w, p);
	enum cte how = choose(w, p, &f);
	const char *label = how == CTE_QP       ? "quoted-printable"
			    : how == CTE_BASE64 ? "base64"
						: label_of(w, p, f.high > 0);

	if (label)
		write_header(w, block, has_message_header(w, p), label);
	else
		put(w, block);
	encode(w, p->body_at, p->body_size, how);
	w->pos = p->body_at + p->body_size;
	if (how == CTE_BASE64 && p->body_size && w->pos == w->in->size)
		put(w, STR("\r\n")); /* no delimiter follows that brings a line end */
}

static void
write_container(struct walk *w, const struct part *p, struct str block)
{
	const char *label = label_of(w, p, true);

	/* a signature of parts that would have to be changed (RFC 1847 §2.1) */
	if (look_at_header(block).signed_parts) {
		struct part all = {.body_at = p->body_at, .body_size = p->body_size};
		struct body_facts f = scan_body(w, &all);
		if (!w->err && (f.binary || (f.high && w->form == CONTENT_7BIT)))
			w->err = ERR_CANNOT;
	}
	if (label)
		write_header(w, block, false, label);
	else
		put(w, block);
	w->pos = p->body_at;
}

static void
write_part(struct walk *w, const struct part *p)
{
	CLEANUP(sbuf_done) struct sbuf block = SBUF_INIT(MIME_MAX_HEADER);

	/* delimiters and what stands around them */
	if (p->header_at > w->pos)
		encode(w, w->pos, p->header_at - w->pos,
		    w->form == CONTENT_7BIT ? CTE_ASCII : CTE_COPY);
	read_header(w, p, &block);
	if (w->err)
		return;
	if (p->kind == PART_LEAF)
		write_leaf(w, p, sbuf_view(&block));
	else
		write_container(w, p, sbuf_view(&block));
}

static void
index_piece(struct walk *w, struct str piece, void *arg)
{
	(void)w;
	index_builder_feed(arg, piece.p, piece.n);
}

enum err
downgrade_write(struct content *in, enum content_form form, downgrade_sink *sink, void *arg)
{
	CLEANUP(index_builder_free) struct index_builder *builder = index_builder_new();
	CLEANUP(arena_free) struct arena *arena = arena_new(PARTS_ARENA);
	struct walk w = {.in = in, .form = form, .sink = sink, .arg = arg};
	struct message_index index = {0};

	if (!builder || !arena)
		return ERR_NOMEM;
	each_piece(&w, 0, in->size, index_piece, builder);
	if (!w.err)
		w.err = index_builder_finish(builder, &index);
	if (!w.err)
		w.err = parts_decode(index.parts, arena, &w.parts);
	for (size_t i = 0; !w.err && i < w.parts.n; i++)
		write_part(&w, &w.parts.parts[i]);
	if (!w.err && w.pos < in->size)
		encode(&w, w.pos, in->size - w.pos, form == CONTENT_7BIT ? CTE_ASCII : CTE_COPY);
	return w.err;
}

static enum err
to_spool(void *arg, struct str octets)
{
	return spool_write(arg, octets.p, octets.n);
}

enum err
downgrade(struct store *s, struct content *in, const struct queue_message *m,
    enum content_form form, struct content **ret)
{
	CLEANUP(content_close) struct content *from = in;
	CLEANUP(spool_free) struct spool *spool = NULL;
	const struct message_index *index;
	struct queue_message as = *m;

	if (in->form <= form) {
		*ret = MOVE_PTR(from);
		return ERR_OK;
	}
	enum err e = spool_new(s, &spool);
	if (!e)
		e = downgrade_write(in, form, to_spool, spool);
	if (!e)
		e = spool_finish(spool, &index);
	as.body = QUEUE_8BITMIME;
	return e ? e : content_of_spool(MOVE_PTR(spool), &as, ret);
}
