#include "imapd/imap_parse.h"

#include "common/mail/utf7.h"

#define MAILBOX_ARG_MAX                                                                            \
	4096 /* octets of a decoded name or pattern; the store's own limit is lower */

bool
imap_is_atom_char(unsigned char ch)
{
	return ch > ' ' && ch < 0x7f && !strchr("(){%*\"\\]", ch);
}

bool
imap_is_astring_char(unsigned char ch)
{
	return imap_is_atom_char(ch) || ch == ']';
}

bool
imap_is_tag_char(unsigned char ch)
{
	return imap_is_astring_char(ch) && ch != '+';
}

bool
imap_is_list_char(unsigned char ch)
{
	return imap_is_astring_char(ch) || ch == '%' || ch == '*';
}

bool
imap_is_base64_char(unsigned char ch)
{
	return ascii_is_digit((char)ch) || ascii_is_alpha((char)ch) || ch == '+' || ch == '/' ||
	       ch == '=';
}

void
imap_args_init(struct imap_args *a, struct str text, struct arena *arena)
{
	cursor_init(&a->c, text);
	a->arena = arena;
	a->utf8 = false;

	a->saved = NULL;
}

enum err
imap_parse_fail(struct imap_args *a, enum err e, const char *expected)
{
	return cursor_fail(&a->c, e, expected);
}

void
imap_parse_space(struct imap_args *a)
{
	cursor_expect(&a->c, ' ', "a space");
}

bool
imap_accept_space(struct imap_args *a)
{
	return cursor_accept(&a->c, ' ');
}

void
imap_parse_char(struct imap_args *a, char ch, const char *expected)
{
	cursor_expect(&a->c, ch, expected);
}

bool
imap_accept_char(struct imap_args *a, char ch)
{
	return cursor_accept(&a->c, ch);
}

enum err
imap_parse_end(struct imap_args *a)
{
	cursor_expect_end(&a->c);
	if (!a->c.err && arena_failed(a->arena))
		cursor_fail(&a->c, ERR_NOMEM, "a shorter command");
	return a->c.err;
}

int
imap_peek(const struct imap_args *a)
{
	return cursor_peek(&a->c);
}

void
imap_parse_atom(struct imap_args *a, struct str *ret)
{
	*ret = cursor_take_while(&a->c, imap_is_atom_char);
	if (ret->n == 0)
		imap_parse_fail(a, ERR_SYNTAX, "an atom");
}

bool
imap_accept_word(struct imap_args *a, const char *word)
{
	struct cursor ahead = a->c;

	if (!str_eq_nocase(cursor_take_while(&ahead, imap_is_atom_char), str_of(word)))
		return false;
	a->c = ahead;
	return true;
}

void
imap_parse_word(struct imap_args *a, const char *word)
{
	if (!imap_accept_word(a, word))
		imap_parse_fail(a, ERR_SYNTAX, word);
}

uint32_t
imap_parse_nz_number(struct imap_args *a)
{
	size_t at = a->c.pos;
	uint32_t n = cursor_u32(&a->c, "a number from 1 on");

	if (n == 0 && !a->c.err) {
		a->c.pos = at;
		imap_parse_fail(a, ERR_SYNTAX, "a number from 1 on");
	}
	return n;
}

uint64_t
imap_parse_number64(struct imap_args *a)
{
	return cursor_u64(&a->c, "a number");
}

/* quoted: a slice of the text if nothing is escaped in it, else an unescaped copy. Raw 8-bit octets
 * are let through, as clients send them in LOGIN and SEARCH; from one that has enabled UTF-8 they
 * MUST be that (RFC 6855 §3). */
static void
parse_quoted(struct imap_args *a, struct str *ret)
{
	struct cursor *c = &a->c;
	size_t start = c->pos + 1;
	size_t escapes = 0;

	cursor_accept(c, '"');
	for (;;) {
		int ch = cursor_peek(c);
		if (ch == '"')
			break;
		if (ch == '\\') {
			c->pos++;
			escapes++;
			ch = cursor_peek(c);
			if (ch != '"' && ch != '\\') {
				imap_parse_fail(a, ERR_SYNTAX, "\" or \\ after a backslash");
				return;
			}
		}
		if (ch < 0 || ch == '\r' || ch == '\n') {
			imap_parse_fail(a, ERR_SYNTAX, "a closing quote");
			return;
		}
		c->pos++;
	}
	struct str raw = str_sub(c->in, start, c->pos - start);

	if (a->utf8 && !str_is_utf8(raw)) {
		imap_parse_fail(a, ERR_SYNTAX, "UTF-8 in a quoted string");
		return;
	}
	c->pos++;
	*ret = raw;
	if (escapes == 0)
		return;
	char *copy = arena_alloc(a->arena, raw.n);
	size_t n = 0;
	if (!copy) {
		imap_parse_fail(a, ERR_NOMEM, "a shorter string");
		return;
	}
	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] == '\\')
			i++;
		copy[n++] = raw.p[i];
	}
	*ret = str_make(copy, n);
}

/* literal: "{5}" or "{5+}" (RFC 7888), CRLF, octets. The reader has put them there. */
static void
take_literal(struct imap_args *a, struct str *ret)
{
	struct cursor *c = &a->c;

	cursor_accept(c, '{');
	uint64_t n = cursor_u64(c, "the size of a literal");
	cursor_accept(c, '+');
	cursor_expect(c, '}', "a closing brace");
	cursor_expect(c, '\r', "the end of the line after a literal's size");
	cursor_expect(c, '\n', "the end of the line after a literal's size");
	*ret = cursor_take(c, n < SIZE_MAX ? (size_t)n : SIZE_MAX, "the octets of a literal");
}

/* NUL is no CHAR8. */
static void
parse_literal(struct imap_args *a, struct str *ret)
{
	take_literal(a, ret);
	if (str_has_nul(*ret)) {
		imap_parse_fail(a, ERR_SYNTAX, "no NUL in a literal");
		*ret = (struct str){"", 0};
	}
}

void
imap_parse_string(struct imap_args *a, struct str *ret)
{
	*ret = (struct str){"", 0};
	switch (imap_peek(a)) {
	case '"':
		parse_quoted(a, ret);
		break;
	case '{':
		parse_literal(a, ret);
		break;
	default:
		imap_parse_fail(a, ERR_SYNTAX, "a string");
	}
}

static void
parse_string_or(struct imap_args *a, char_class *is, const char *expected, struct str *ret)
{
	int ch = imap_peek(a);

	if (ch == '"' || ch == '{') {
		imap_parse_string(a, ret);
		return;
	}
	*ret = cursor_take_while(&a->c, is);
	if (ret->n == 0)
		imap_parse_fail(a, ERR_SYNTAX, expected);
}

void
imap_parse_astring(struct imap_args *a, struct str *ret)
{
	parse_string_or(a, imap_is_astring_char, "an atom or a string", ret);
}

void
imap_parse_nstring(struct imap_args *a, struct str *ret)
{
	if (imap_accept_word(a, "NIL")) {
		*ret = (struct str){NULL, 0};
		return;
	}
	imap_parse_string(a, ret);
}

void
imap_parse_nstring8(struct imap_args *a, struct str *ret)
{
	if (imap_peek(a) != '~') {
		imap_parse_nstring(a, ret);
		return;
	}
	imap_accept_char(a, '~');
	*ret = (struct str){"", 0};
	if (imap_peek(a) == '{')
		take_literal(a, ret);
	else
		imap_parse_fail(a, ERR_SYNTAX, "a literal");
}

/* From modified UTF-7 into the arena. */
static enum err
decode_name(struct imap_args *a, struct str name, struct str *ret)
{
	CLEANUP(sbuf_done) struct sbuf utf8 = SBUF_INIT(MAILBOX_ARG_MAX);

	if (a->utf8 || !str_is_ascii(name)) {
		*ret = name;
		return str_is_utf8(name) ? ERR_OK : ERR_SYNTAX;
	}
	enum err e = utf7_to_utf8(name, &utf8);

	if (!e)
		e = sbuf_error(&utf8);
	if (e)
		return e == ERR_NOMEM ? e : ERR_CANNOT;
	*ret = arena_dup(a->arena, sbuf_view(&utf8));
	return ret->p ? ERR_OK : ERR_NOMEM;
}

void
imap_parse_mailbox(struct imap_args *a, struct str *ret)
{
	struct str name;
	size_t at = a->c.pos;

	*ret = (struct str){"", 0};
	imap_parse_astring(a, &name);
	if (a->c.err)
		return;
	if (str_eq_nocase(name, STR("INBOX"))) {
		*ret = STR("INBOX");
		return;
	}
	enum err e = decode_name(a, name, ret);
	if (e) {
		a->c.pos = at;
		*ret = (struct str){"", 0};
		imap_parse_fail(a, e,
		    e == ERR_SYNTAX ? "a mailbox name in UTF-8"
				    : "a mailbox name in modified UTF-7");
	}
}

void
imap_parse_list_mailbox(struct imap_args *a, struct str *ret)
{
	struct str pattern;

	*ret = (struct str){NULL, 0};
	parse_string_or(a, imap_is_list_char, "a mailbox pattern", &pattern);
	if (a->c.err)
		return;
	enum err e = decode_name(a, pattern, ret);
	if (e == ERR_NOMEM)
		imap_parse_fail(a, e, "a shorter pattern");
	else if (e)
		*ret = (struct str){NULL, 0};
}

static bool
is_date_char(unsigned char ch)
{
	return ascii_is_digit((char)ch) || ascii_is_alpha((char)ch) || ch == '-';
}

int32_t
imap_parse_date(struct imap_args *a)
{
	size_t at = a->c.pos;
	bool quoted = imap_accept_char(a, '"');
	struct str text = cursor_take_while(&a->c, is_date_char);
	int32_t days = 0;

	if (quoted)
		imap_parse_char(a, '"', "a closing quote after the date");
	if (!a->c.err && !date_parse_imap_day(text, &days)) {
		a->c.pos = at;
		imap_parse_fail(a, ERR_SYNTAX, "a date such as 22-Nov-2026");
	}
	return days;
}

void
imap_parse_date_time(struct imap_args *a, struct date *ret)
{
	size_t at = a->c.pos;
	struct str text = {NULL, 0};

	*ret = (struct date){0};
	if (imap_peek(a) != '"') {
		imap_parse_fail(a, ERR_SYNTAX, "a quoted date and time");
		return;
	}
	parse_quoted(a, &text);
	if (!a->c.err && !date_parse_imap(text, ret)) {
		a->c.pos = at;
		imap_parse_fail(
		    a, ERR_SYNTAX, "a date and time such as \"22-Nov-2026 14:03:11 +0100\"");
	}
}

void
imap_parse_list(struct imap_args *a, bool may_be_empty, imap_parse_item *item, void *arg)
{
	imap_parse_char(a, '(', "an opening parenthesis");
	if (may_be_empty && imap_accept_char(a, ')'))
		return;
	do {
		item(a, arg);
	} while (imap_accept_space(a));
	imap_parse_char(a, ')', "a closing parenthesis");
}

bool
imap_find_literal(struct str line, uint64_t *ret_size, bool *ret_synchronising, size_t *ret_at)
{
	size_t at = str_rfind(line, '{');

	if (at == STR_NONE || line.p[line.n - 1] != '}')
		return false;
	struct str size = str_sub(line, at + 1, line.n - at - 2);
	bool plus = size.n > 0 && size.p[size.n - 1] == '+';
	if (plus)
		size.n--;
	if (size.n == 0)
		return false;
	for (size_t i = 0; i < size.n; i++)
		if (!ascii_is_digit(size.p[i]))
			return false;
	if (!str_to_u64(size, ret_size))
		*ret_size = UINT64_MAX;
	*ret_synchronising = !plus;
	*ret_at = at;
	return true;
}
