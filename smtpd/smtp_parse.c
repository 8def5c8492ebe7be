#include "smtpd/smtp_parse.h"

#include <arpa/inet.h>

static bool
is_high(unsigned char c)
{
	return c >= 0x80;
}

static bool
is_alnum(unsigned char c)
{
	return ascii_is_alpha((char)c) || ascii_is_digit((char)c);
}

/* RFC 5322 §3.2.3, with RFC 6531 §3.3. */
static bool
is_atext(unsigned char c)
{
	return is_alnum(c) || is_high(c) ||
	       (c > ' ' && c < 0x7f && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* Letters, digits and hyphens, U-labels, and the underscore that names of real hosts hold against
 * the rules. */
static bool
is_label(unsigned char c)
{
	return is_alnum(c) || is_high(c) || c == '-' || c == '_';
}

static bool
is_qtext(unsigned char c)
{
	return c >= ' ' && c != '"' && c != '\\' && c != 0x7f;
}

static bool
is_dcontent(unsigned char c)
{
	return (c > ' ' && c < '[') || (c > ']' && c < 0x7f);
}

bool
smtp_is_keyword(unsigned char c)
{
	return is_alnum(c) || c == '-';
}

bool
smtp_is_value(unsigned char c)
{
	return c > ' ' && c != '=' && c != 0x7f;
}

bool
smtp_is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

/* What lies between two positions of the cursor. */
static struct str
since(const struct cursor *c, size_t from)
{
	return str_sub(c->in, from, c->pos - from);
}

/* Dot-string: RFC 5321 §4.1.2. */
static struct str
parse_dot_string(struct cursor *c)
{
	size_t from = c->pos;

	do {
		if (cursor_take_while(c, is_atext).n == 0)
			cursor_fail(c, ERR_SYNTAX, "a local part");
	} while (cursor_accept(c, '.'));
	return since(c, from);
}

/* Quoted-string: its contents without quotes and backslashes, in `arena`. */
static struct str
parse_quoted_string(struct cursor *c, struct arena *arena)
{
	struct str rest = cursor_rest(c);
	char *text = arena_alloc(arena, rest.n);
	size_t n = 0;

	if (!text) {
		cursor_fail(c, ERR_NOMEM, "memory");
		return STR("");
	}
	cursor_expect(c, '"', "a quoted string");
	while (!cursor_at_end(c) && cursor_peek(c) != '"') {
		struct str plain = cursor_take_while(c, is_qtext);
		memcpy(text + n, plain.p, plain.n);
		n += plain.n;
		if (cursor_accept(c, '\\')) {
			int next = cursor_peek(c);
			if (next < ' ' || next > 0x7e)
				cursor_fail(c, ERR_SYNTAX, "a character after the backslash");
			else
				text[n++] = *cursor_take(c, 1, "a character").p;
		} else if (plain.n == 0) {
			cursor_fail(c, ERR_SYNTAX, "a quoted character");
		}
	}
	cursor_expect(c, '"', "a closing quote");
	return str_make(text, n);
}

/* Domain: labels of letters, digits and hyphens. */
static void
parse_domain_name(struct cursor *c)
{
	do {
		struct str label = cursor_take_while(c, is_label);
		if (label.n == 0 || label.n > SMTP_LABEL_MAX || label.p[0] == '-' ||
		    label.p[label.n - 1] == '-')
			cursor_fail(c, ERR_SYNTAX, "a domain");
	} while (cursor_accept(c, '.'));
}

static bool
is_address(int family, struct str text)
{
	char cstr[INET6_ADDRSTRLEN + 1];
	struct in6_addr address;

	if (text.n == 0 || text.n >= sizeof(cstr))
		return false;
	memcpy(cstr, text.p, text.n);
	cstr[text.n] = '\0';
	return inet_pton(family, cstr, &address) == 1;
}

/* address-literal: §4.1.3. */
static void
parse_literal(struct cursor *c)
{
	cursor_expect(c, '[', "an address literal");
	struct str text = cursor_take_while(c, is_dcontent);
	size_t colon = str_find(text, ':');
	bool ok;

	if (str_starts_nocase(text, STR("IPv6:"))) {
		ok = is_address(AF_INET6, str_skip(text, 5));
	} else if (colon != STR_NONE) { /* General-address-literal */
		ok = colon > 0 && colon + 1 < text.n && is_alnum((unsigned char)text.p[colon - 1]);
		for (size_t i = 0; i < colon; i++)
			ok = ok && smtp_is_keyword((unsigned char)text.p[i]);
	} else {
		ok = is_address(AF_INET, text);
	}
	if (!ok)
		cursor_fail(c, ERR_SYNTAX, "an IP address");
	cursor_expect(c, ']', "a closing bracket");
}

static struct str
parse_domain(struct cursor *c)
{
	size_t from = c->pos;

	if (cursor_peek(c) == '[')
		parse_literal(c);
	else
		parse_domain_name(c);
	if (c->pos - from > SMTP_DOMAIN_MAX)
		cursor_fail(c, ERR_SYNTAX, "a shorter domain");
	return since(c, from);
}

/* A-d-l ":": "@one,@two:". Where it points is nobody's business here (§3.6.1: ignore it). */
static void
skip_source_route(struct cursor *c)
{
	int hosts = 0;

	if (cursor_peek(c) != '@')
		return;
	do {
		cursor_expect(c, '@', "a host of the source route");
		parse_domain(c);
		if (++hosts > SMTP_ROUTE_MAX)
			cursor_fail(c, ERR_SYNTAX, "a shorter source route");
	} while (cursor_accept(c, ','));
	cursor_expect(c, ':', "a colon after the source route");
}

static bool
is_dot_string(struct str s)
{
	char before = '.';

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' ? before == '.' : !is_atext((unsigned char)s.p[i]))
			return false;
		before = s.p[i];
	}
	return before != '.';
}

/* The one spelling of a mailbox: quotes only where the local part needs them. */
static struct str
spell(struct str local, struct str domain, struct arena *arena)
{
	bool plain = is_dot_string(local);
	char *text = arena_alloc(arena, 2 * local.n + 3 + domain.n);
	size_t n = 0;

	if (!text)
		return (struct str){NULL, 0};
	if (!plain)
		text[n++] = '"';
	for (size_t i = 0; i < local.n; i++) {
		if (local.p[i] == '"' || local.p[i] == '\\')
			text[n++] = '\\';
		text[n++] = local.p[i];
	}
	if (!plain)
		text[n++] = '"';
	text[n++] = '@';
	memcpy(text + n, domain.p, domain.n);
	return str_make(text, n + domain.n);
}

/* Mailbox, or a lone "postmaster" where `lone` allows it. */
static void
parse_mailbox(struct cursor *c, struct arena *arena, bool lone, struct smtp_path *ret)
{
	size_t from = c->pos;
	struct str local =
	    cursor_peek(c) == '"' ? parse_quoted_string(c, arena) : parse_dot_string(c);

	if (local.n > SMTP_LOCAL_MAX)
		cursor_fail(c, ERR_SYNTAX, "a shorter local part");
	if (lone && cursor_peek(c) == '>' && str_eq_nocase(local, STR("postmaster"))) {
		ret->address = STR("postmaster");
		return;
	}
	cursor_expect(c, '@', "@");
	struct str domain = parse_domain(c);
	if (!str_is_utf8(since(c, from)))
		cursor_fail(c, ERR_SYNTAX, "well-formed UTF-8");
	if (c->err)
		return;
	ret->utf8 = !str_is_ascii(since(c, from));
	ret->address = spell(local, domain, arena);
	if (!ret->address.p)
		cursor_fail(c, ERR_NOMEM, "memory");
}

static void
parse_path(struct cursor *c, struct arena *arena, bool forward, struct smtp_path *ret)
{
	*ret = (struct smtp_path){.address = STR("")};
	/* A blank after the colon is no part of the grammar, but clients in the field send it. */
	(void)cursor_take_while(c, smtp_is_blank);
	cursor_expect(c, '<', "an address in <>");
	if (!forward && cursor_accept(c, '>'))
		return;
	skip_source_route(c);
	parse_mailbox(c, arena, forward, ret);
	cursor_expect(c, '>', "a closing >");
}

void
smtp_parse_reverse_path(struct cursor *c, struct arena *arena, struct smtp_path *ret)
{
	parse_path(c, arena, false, ret);
}

void
smtp_parse_forward_path(struct cursor *c, struct arena *arena, struct smtp_path *ret)
{
	parse_path(c, arena, true, ret);
}

/* RFC 1870 §6: 1*20DIGIT. */
void
smtp_take_size(struct cursor *c, struct str value, uint64_t *ret)
{
	for (size_t i = 0; i < value.n; i++)
		if (!ascii_is_digit(value.p[i]))
			cursor_fail(c, ERR_SYNTAX, "a number");
	if (value.n == 0)
		cursor_fail(c, ERR_SYNTAX, "a number");
	if (!c->err && !str_to_u64(value, ret))
		*ret = UINT64_MAX;
}

void
smtp_parse_bdat(struct cursor *c, uint64_t *ret_size, bool *ret_last)
{
	struct str digits = cursor_take_while(c, smtp_is_value);

	*ret_size = 0;
	smtp_take_size(c, digits, ret_size);
	*ret_last = false;
	if (cursor_take_while(c, smtp_is_blank).n && !cursor_at_end(c)) {
		*ret_last = cursor_accept_word(c, STR("LAST"));
		if (!*ret_last)
			cursor_fail(c, ERR_SYNTAX, "LAST");
	}
}

enum err
smtp_parse_end(struct cursor *c)
{
	(void)cursor_take_while(c, smtp_is_blank);
	cursor_expect_end(c);
	return c->err;
}
