#include "common/mail/parts.h"

#include "common/base/cursor.h"
#include "common/mail/mime_private.h"

/*
 * Octets: FORMAT, then varints (seven bits each, low ones first): the count, and for each part
 * parent + 1, number, flags, how far its header starts behind that of the part before, header size,
 * body size, charset length; the charset's octets follow. A body starts where its header ends.
 */
#define FORMAT '\1'
#define PART_OCTETS_LEAST 7

#define FLAGS_KIND(flags) ((flags)&3)
#define FLAGS_ENCODING(flags) ((flags) >> 2 & 7)
#define FLAG_TEXT 32
#define FLAGS_ALL 63

static void
put_varint(struct sbuf *out, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		sbuf_putc(out, (char)(0x80 | (v & 0x7f)));
	sbuf_putc(out, (char)v);
}

void
parts_begin(size_t n, struct sbuf *out)
{
	sbuf_putc(out, FORMAT);
	put_varint(out, n);
}

void
parts_put(const struct part *p, uint64_t header_before, struct sbuf *out)
{
	put_varint(out, (uint64_t)p->parent + 1);
	put_varint(out, p->number);
	put_varint(
	    out, (uint64_t)p->kind | (uint64_t)p->encoding << 2 | (p->is_text ? FLAG_TEXT : 0));
	put_varint(out, p->header_at - header_before);
	put_varint(out, p->header_size);
	put_varint(out, p->body_size);
	put_varint(out, p->charset.n);
	sbuf_put(out, p->charset);
}

static uint64_t
take_varint(struct cursor *c, uint64_t max)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 63; shift += 7) {
		struct str octet = cursor_take(c, 1, "number");
		if (c->err)
			return 0;
		v |= (uint64_t)(octet.p[0] & 0x7f) << shift;
		if (!(octet.p[0] & 0x80)) {
			if (v > max)
				break;
			return v;
		}
	}
	cursor_fail(c, ERR_CORRUPT, "smaller number");
	return 0;
}

/* Part `i`, which follows a header that starts at `before`. */
static void
take_part(struct cursor *c, const struct part *parts, size_t i, uint64_t before, struct part *p)
{
	const uint64_t max = INT64_MAX / 4; /* sums of these do not overflow */

	p->parent = (int32_t)take_varint(c, i) - 1;
	p->number = (uint32_t)take_varint(c, UINT32_MAX);
	uint64_t flags = take_varint(c, FLAGS_ALL);
	p->kind = (enum part_kind)FLAGS_KIND(flags);
	p->encoding = (enum part_encoding)FLAGS_ENCODING(flags);
	p->is_text = flags & FLAG_TEXT;
	p->header_at = before + take_varint(c, max);
	p->header_size = take_varint(c, max);
	p->body_at = p->header_at + p->header_size;
	p->body_size = take_varint(c, max);
	p->charset = cursor_take(c, take_varint(c, c->in.n), "charset");
	if (p->header_at > max || p->number == 0 || p->kind > PART_MESSAGE ||
	    p->encoding > PART_OTHER || (p->parent < 0) != (i == 0) ||
	    (i > 0 && !c->err && parts[p->parent].kind == PART_LEAF))
		cursor_fail(c, ERR_CORRUPT, "a part");
}

enum err
parts_decode(struct str octets, struct arena *arena, struct part_table *ret)
{
	struct cursor c;

	cursor_init(&c, octets);
	cursor_expect(&c, FORMAT, "format");
	uint64_t n = take_varint(&c, octets.n / PART_OCTETS_LEAST);
	if (c.err || n == 0)
		return ERR_CORRUPT;
	struct str copy = arena_dup(arena, octets); /* what charsets point into */
	struct part *parts = arena_alloc_array(arena, n, sizeof(*parts));
	if (!copy.p || !parts)
		return ERR_NOMEM;
	c.in = copy;
	uint64_t before = 0;
	for (size_t i = 0; i < n && !c.err; i++) {
		take_part(&c, parts, i, before, &parts[i]);
		before = parts[i].header_at;
	}
	cursor_expect_end(&c);
	if (c.err)
		return ERR_CORRUPT;
	*ret = (struct part_table){parts, n};
	return ERR_OK;
}

static const struct part *
find_child(const struct part_table *t, const struct part *parent, uint32_t number)
{
	int32_t index = (int32_t)(parent - t->parts);

	for (size_t i = (size_t)index + 1; i < t->n; i++)
		if (t->parts[i].parent == index && t->parts[i].number == number)
			return &t->parts[i];
	return NULL;
}

const struct part *
parts_embedded(const struct part_table *t, const struct part *p)
{
	return p->kind == PART_MESSAGE ? find_child(t, p, 1) : NULL;
}

const struct part *
parts_find(const struct part_table *t, const uint32_t *path, size_t n)
{
	const struct part *at = t->parts;
	bool is_message = true; /* `at` is a whole message, whose parts are counted */

	for (size_t i = 0; i < n && at; i++) {
		if (!is_message && at->kind == PART_MESSAGE) {
			at = parts_embedded(t, at);
			is_message = true;
		}
		if (!at || at->kind == PART_MULTIPART)
			at = at ? find_child(t, at, path[i]) : NULL;
		else if (!is_message || path[i] != 1)
			at = NULL;
		is_message = false;
	}
	return at;
}
