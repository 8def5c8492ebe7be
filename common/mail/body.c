/* BODY is BODYSTRUCTURE without its extension data (RFC 3501 §7.4.2): a copy of the wire form that
 * leaves out what stands between the last basic field of each part and its parenthesis. And what a
 * message/global part is depends on the protocol's version (RFC 9755 §6). */
#include "common/base/cursor.h"
#include "common/mail/message_index.h"

#define NESTING_MAX (MIME_MAX_DEPTH + 2)

static bool
is_atom_char(unsigned char c)
{
	return c > 0x20 && c < 0x7f && !strchr("(){\"\\", c);
}

/* string, NIL or number */
static void
skip_word(struct cursor *c)
{
	if (cursor_accept(c, '"')) {
		while (!cursor_at_end(c) && !cursor_accept(c, '"')) {
			cursor_accept(c, '\\');
			cursor_take(c, 1, "character");
		}
		if (!c->err && c->in.p[c->pos - 1] != '"')
			cursor_fail(c, ERR_CORRUPT, "quote");
	} else if (cursor_accept(c, '{')) {
		uint64_t n = cursor_u64(c, "length");
		cursor_expect(c, '}', "}");
		cursor_expect(c, '\r', "line end");
		cursor_expect(c, '\n', "line end");
		cursor_take(c, n, "literal");
	} else if (cursor_take_while(c, is_atom_char).n == 0) {
		cursor_fail(c, ERR_CORRUPT, "word");
	}
}

/* A word or a list of such, nested lists too. */
static void
skip_item(struct cursor *c)
{
	size_t depth = 0;

	do {
		if (cursor_accept(c, ' ') && depth)
			continue;
		if (cursor_accept(c, '('))
			depth++;
		else if (depth && cursor_accept(c, ')'))
			depth--;
		else
			skip_word(c);
	} while (depth && !cursor_at_end(c));
	if (depth)
		cursor_fail(c, ERR_CORRUPT, ")");
}

static struct str
take_item(struct cursor *c)
{
	size_t from = c->pos;

	skip_item(c);
	return c->err ? STR("") : str_sub(c->in, from, c->pos - from);
}

/* `n` items, each after a space. */
static void
copy_items(struct cursor *c, size_t n, struct sbuf *out)
{
	for (size_t i = 0; i < n; i++) {
		cursor_expect(c, ' ', "space");
		sbuf_putc(out, ' ');
		sbuf_put(out, take_item(c));
	}
}

struct form {
	bool rev2, extension;
};

/* The rest of a part is extension data. */
static void
end_part(struct cursor *c, const struct form *form, struct sbuf *out)
{
	while (!c->err && cursor_accept(c, ' ')) {
		struct str item = take_item(c);
		if (!form->extension)
			continue;
		sbuf_putc(out, ' ');
		sbuf_put(out, item);
	}
	cursor_expect(c, ')', ")");
	sbuf_putc(out, ')');
}

static void
skip_items(struct cursor *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cursor_expect(c, ' ', "space");
		skip_item(c);
	}
}

static bool
is_message_type(struct str type)
{
	return str_eq_nocase(type, STR("\"message\""));
}

/* Envelope, body and lines follow the fields of a message/global whose content could be read. */
static bool
has_envelope(const struct cursor *c)
{
	struct str rest = str_skip(c->in, c->pos);

	return str_starts(rest, STR(" ("));
}

/* A message/global that is not described as IMAP4rev2 has it, since its content is encoded (RFC
 * 6532 §3.7), is what that RFC has those make of it who do not know the type. */
static void
put_type(struct str type, struct str subtype, bool is_octets, struct sbuf *out)
{
	sbuf_put(out, is_octets ? STR("\"application\"") : type);
	sbuf_putc(out, ' ');
	sbuf_put(out, is_octets ? STR("\"octet-stream\"") : subtype);
}

/* A part that is no multipart, after its parenthesis. True if a body follows in it. */
static bool
begin_single(struct cursor *c, const struct form *form, struct sbuf *out)
{
	struct str type = take_item(c);
	cursor_expect(c, ' ', "space");
	struct str subtype = take_item(c);
	struct cursor behind = *c;
	skip_items(&behind, 5);
	bool is_global = is_message_type(type) && str_eq_nocase(subtype, STR("\"global\""));
	bool nests = is_global && has_envelope(&behind);

	put_type(type, subtype, is_global && !nests && form->rev2, out);
	copy_items(c, 5, out); /* body-fields */
	if ((nests && form->rev2) ||
	    (is_message_type(type) && str_eq_nocase(subtype, STR("\"rfc822\"")))) {
		copy_items(c, 1, out);
		cursor_expect(c, ' ', "space");
		sbuf_putc(out, ' ');
		return true;
	}
	if (nests) /* RFC 3501 knows message/rfc822 alone */
		skip_items(c, 3);
	else if (str_eq_nocase(type, STR("\"text\"")))
		copy_items(c, 1, out);
	end_part(c, form, out);
	return false;
}

enum err
bodystructure_as(struct str stored, bool rev2, bool extension, struct sbuf *out)
{
	const struct form form = {rev2, extension};
	bool is_message[NESTING_MAX]; /* of the parts around: else a multipart */
	size_t depth = 0;
	struct cursor c;

	cursor_init(&c, stored);
	do {
		cursor_expect(&c, '(', "(");
		sbuf_putc(out, '(');
		bool multipart = cursor_peek(&c) == '(';
		if (multipart || begin_single(&c, &form, out)) {
			if (depth == NESTING_MAX)
				return ERR_CORRUPT;
			is_message[depth++] = !multipart;
			continue;
		}
		while (depth && !c.err && (is_message[depth - 1] || cursor_peek(&c) != '(')) {
			copy_items(&c, 1, out); /* lines, or the subtype */
			end_part(&c, &form, out);
			depth--;
		}
	} while (depth && !c.err);
	cursor_expect_end(&c);
	return c.err ? ERR_CORRUPT : sbuf_error(out);
}

bool
bodystructure_differs(struct str stored)
{
	return str_find_nocase(stored, STR("\"message\" \"global\"")) != STR_NONE;
}
