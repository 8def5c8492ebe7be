#include "common/mail/message_index.h"

#include "common/mail/charset.h"
#include "common/mail/header.h"
#include "common/mail/mime_tree.h"

/* Of a line as much is kept as decides whether it is a delimiter. */
#define HELD_MAX (2 + BOUNDARY_MAX + 2)
#define WIRE_MAX ((size_t)1 << 30) /* never reached: all of it comes from 1 MiB of header */

struct index_builder {
	bool brief; /* fields are not looked into, but for the few that concern the whole */
	struct mime_tree tree;
	struct sbuf header; /* of the node that is being read, as far as it counts */
	size_t header_line; /* where its last line starts in there */
	size_t header_kept; /* octets of headers that were kept before */
	bool header_full; /* MIME_MAX_HEADER is used up */

	uint64_t line_at; /* of the line being read, in the message */
	uint64_t line_n; /* octets of it so far */
	char held[HELD_MAX]; /* its start, when it came in pieces */
	size_t held_n;
	char last; /* octet before the next one */
	uint64_t lines; /* line ends so far */
	int line_end_n; /* octets of the last line's end: 0, 1, 2 */

	unsigned char all; /* every octet or'ed together */
	bool has_nul;
	struct sbuf subject;
	struct str message_id;
	struct sbuf bodystructure;
	struct sbuf parts;
};

struct index_builder *
index_builder_new(void)
{
	CLEANUP(index_builder_free) struct index_builder *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	sbuf_init(&b->header, MIME_MAX_HEADER);
	sbuf_init(&b->subject, WIRE_MAX);
	sbuf_init(&b->bodystructure, WIRE_MAX);
	sbuf_init(&b->parts, WIRE_MAX);
	if (!mime_tree_init(&b->tree))
		return NULL;
	return MOVE_PTR(b);
}

struct index_builder *
index_builder_new_brief(void)
{
	struct index_builder *b = index_builder_new();

	if (b)
		b->brief = true;
	return b;
}

void
index_builder_free(struct index_builder **b)
{
	if (!*b)
		return;
	mime_tree_done(&(*b)->tree);
	sbuf_done(&(*b)->header);
	sbuf_done(&(*b)->subject);
	sbuf_done(&(*b)->bodystructure);
	sbuf_done(&(*b)->parts);
	free(*b);
	*b = NULL;
}

/* Keeps octets of a header line, whole lines only, while the allowance lasts. */
static void
keep_header(struct index_builder *b, struct str piece)
{
	if (b->header_full)
		return;
	if (piece.n > MIME_MAX_HEADER - b->header_kept - b->header.n) {
		sbuf_cut(&b->header, b->header_line);
		b->header_full = true;
		return;
	}
	sbuf_put(&b->header, piece);
}

/* What only the message's own header tells. */
static void
read_top_fields(struct index_builder *b)
{
	struct str block = sbuf_view(&b->header);
	struct header_field field;
	bool seen_subject = false;

	while (header_next(&block, &field)) {
		if (!seen_subject && str_eq_nocase(field.name, STR("Subject"))) {
			words_decode(field.value, &b->subject);
			seen_subject = true;
		}
		if (b->message_id.n || !str_eq_nocase(field.name, STR("Message-ID")))
			continue;
		struct str id = header_unfold_dup(field.value, b->tree.arena);
		size_t from = str_find(id, '<');
		size_t to = from == STR_NONE ? STR_NONE : str_find(str_skip(id, from), '>');
		if (to != STR_NONE)
			b->message_id = str_sub(id, from, to + 1);
	}
}

/* The current node's header ends before `body_at`. */
static void
end_header(struct index_builder *b, uint64_t body_at, uint64_t lines)
{
	if (b->tree.current == 0)
		read_top_fields(b);
	mime_tree_end_header(&b->tree, b->brief ? STR("") : sbuf_view(&b->header), body_at, lines);
	b->header_kept += b->header.n;
	sbuf_clear(&b->header);
	b->header_line = 0;
}

/* A line that delimits parts of the multipart `node`. */
static void
delimit(struct index_builder *b, int32_t node, bool close, uint64_t next_at)
{
	uint64_t end = b->line_at - (uint64_t)b->line_end_n;
	uint64_t lines = b->lines - (b->line_end_n > 0);

	/* The line end before a delimiter is part of it (RFC 2046 §5.1.1), but for that of a
	 * header: no octet belongs to two things. */
	if (b->tree.in_header || b->tree.nodes[b->tree.current].part.body_at == b->line_at) {
		end = b->line_at;
		lines = b->lines;
	}
	if (b->tree.in_header)
		sbuf_cut(&b->header, b->header_line);
	while (b->tree.in_header)
		end_header(b, end, lines);
	mime_tree_close_children(&b->tree, node, end, lines);
	if (close)
		mime_tree_drop_delimiter(&b->tree, node);
	else
		mime_tree_add_child(&b->tree, node, next_at);
}

/* A line is complete, of which `start` is the beginning; `end_n` octets of it end it. */
static void
take_line(struct index_builder *b, struct str start, int end_n)
{
	uint64_t next_at = b->line_at + b->line_n;
	bool close;
	int32_t node = mime_tree_is_full(&b->tree) ? -1
						   : boundaries_match(&b->tree.boundaries,
							 str_sub(start, 0, HELD_MAX), &close);

	if (node >= 0)
		delimit(b, node, close, next_at);
	b->lines += end_n > 0;
	if (node < 0 && b->tree.in_header && end_n > 0 && b->line_n == (uint64_t)end_n)
		end_header(b, next_at, b->lines);
	b->header_line = b->header.n;
	b->line_at = next_at;
	b->line_n = 0;
	b->held_n = 0;
	b->line_end_n = end_n;
}

/* Octets of one line: a whole one, or a piece of it. */
static void
take_piece(struct index_builder *b, struct str piece, bool ends)
{
	struct str start = piece;

	if (b->tree.in_header)
		keep_header(b, piece);
	if (b->line_n || !ends) {
		size_t n = HELD_MAX - b->held_n;
		n = piece.n < n ? piece.n : n;
		memcpy(b->held + b->held_n, piece.p, n);
		b->held_n += n;
		start = str_make(b->held, b->held_n);
	}
	b->line_n += piece.n;
	if (ends) {
		char before = piece.n > 1 ? piece.p[piece.n - 2] : b->last;
		take_line(b, start, b->line_n > 1 && before == '\r' ? 2 : 1);
	}
	b->last = piece.p[piece.n - 1];
}

/* Nothing can end what is open but the end of the message. */
static bool
is_settled(const struct index_builder *b)
{
	return !b->tree.in_header && (b->tree.boundaries.n == 0 || mime_tree_is_full(&b->tree));
}

#define EACH_OCTET(value) (UINT64_C(0x0101010101010101) * (value))
#define ROUNDS 255 /* what an octet counts to */

static uint64_t
eight_octets(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* All octets put together by "or", eight at a time: a large message is mostly this. */
static unsigned char
or_octets(struct str s)
{
	uint64_t all = 0;
	size_t i = 0;

	for (; i + 8 <= s.n; i += 8)
		all |= eight_octets(s.p + i);
	for (; i < s.n; i++)
		all |= (unsigned char)s.p[i];
	all |= all >> 32;
	all |= all >> 16;
	return (unsigned char)(all | all >> 8);
}

/* The line feeds, eight octets at a time: each octet of `counts` counts those in its place. */
static uint64_t
count_lines(struct str s)
{
	uint64_t lines = 0;
	size_t i = 0;

	while (i + 8 <= s.n) {
		uint64_t counts = 0;
		for (int round = 0; round < ROUNDS && i + 8 <= s.n; round++, i += 8) {
			uint64_t x = eight_octets(s.p + i) ^ EACH_OCTET('\n');
			uint64_t others = ((x & EACH_OCTET(0x7f)) + EACH_OCTET(0x7f)) | x;
			counts += (~others >> 7) & EACH_OCTET(1);
		}
		for (; counts; counts >>= 8)
			lines += counts & 0xff;
	}
	for (; i < s.n; i++)
		lines += s.p[i] == '\n';
	return lines;
}

/* All that is left to know of such octets is how many lines they are. */
static void
take_settled(struct index_builder *b, struct str rest)
{
	b->lines += count_lines(rest);
	b->line_at += b->line_n + rest.n;
	b->line_n = 0;
}

void
index_builder_feed(struct index_builder *b, const void *p, size_t n)
{
	struct str rest = str_make(p, n);

	b->all |= or_octets(rest);
	if (!b->has_nul)
		b->has_nul = str_has_nul(rest);
	while (rest.n && !is_settled(b)) {
		size_t at = str_find(rest, '\n');
		bool ends = at != STR_NONE;
		struct str piece = str_sub(rest, 0, ends ? at + 1 : rest.n);
		take_piece(b, piece, ends);
		rest = str_skip(rest, piece.n);
	}
	if (rest.n)
		take_settled(b, rest);
}

enum err
index_builder_finish(struct index_builder *b, struct message_index *ret)
{
	if (b->line_n)
		take_line(b, str_make(b->held, b->held_n), 0);
	while (b->tree.in_header)
		end_header(b, b->line_at, b->lines);
	mime_tree_close_children(&b->tree, -1, b->line_at, b->lines);
	if (mime_tree_failed(&b->tree) || b->header.err == ERR_NOMEM || b->subject.err)
		return ERR_NOMEM;
	bodystructure_write(b->tree.nodes, &b->bodystructure);
	mime_tree_write_parts(&b->tree, &b->parts);
	if (b->bodystructure.err || b->parts.err)
		return ERR_NOMEM;
	*ret = (struct message_index){
	    .size = b->line_at,
	    .header_size = b->tree.nodes[0].part.header_size,
	    .envelope = b->tree.nodes[0].envelope,
	    .bodystructure = sbuf_view(&b->bodystructure),
	    .parts = sbuf_view(&b->parts),
	    .subject = sbuf_view(&b->subject),
	    .message_id = b->message_id,
	    .has_8bit = b->all >= 0x80,
	    .has_nul = b->has_nul,
	};
	return ERR_OK;
}
