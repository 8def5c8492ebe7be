#include "common/mail/message_id.h"

/* The octet behind the comment that begins at `at`; the end where it is not closed. */
static size_t
comment_end(struct str s, size_t at)
{
	size_t depth = 0;

	for (; at < s.n; at++) {
		char c = s.p[at];
		if (c == '\\')
			at++;
		else if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0)
			return at + 1;
	}
	return s.n;
}

/* A quoted-string without its quotes: the octet behind it. */
static size_t
take_quoted(struct str s, size_t at, struct sbuf *out)
{
	for (at++; at < s.n && s.p[at] != '"'; at++) {
		if (s.p[at] == '\\' && at + 1 < s.n)
			at++;
		if (s.p[at] != '\r' && s.p[at] != '\n')
			sbuf_putc(out, s.p[at]);
	}
	return at < s.n ? at + 1 : s.n;
}

/* What stands between "<" and ">". Where it stopped; *ret_valid: at a ">", with text on both sides
 * of an "@". */
static size_t
take_id(struct str s, size_t at, struct sbuf *out, bool *ret_valid)
{
	size_t sign = STR_NONE;

	*ret_valid = false;
	while (at < s.n && s.p[at] != '<') {
		char c = s.p[at];
		if (c == '>') {
			*ret_valid = sign != STR_NONE && sign > 0 && sign + 1 < out->n;
			return at + 1;
		}
		if (c == '"') {
			at = take_quoted(s, at, out);
			continue;
		}
		if (c == '(') {
			at = comment_end(s, at);
			continue;
		}
		if (c == '@')
			sign = out->n;
		if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
			sbuf_putc(out, c);
		at++;
	}
	return at;
}

bool
message_id_next(struct str *rest, struct sbuf *out)
{
	for (;;) {
		bool is_valid;
		size_t at = str_find(*rest, '<');
		if (at == STR_NONE)
			break;
		sbuf_clear(out);
		at = take_id(*rest, at + 1, out, &is_valid);
		*rest = str_skip(*rest, at);
		if (is_valid)
			return true;
	}
	*rest = str_skip(*rest, rest->n);
	sbuf_clear(out);
	return false;
}

struct str
message_id_bare(struct str id)
{
	bool bare = id.n < 2 || id.p[0] != '<' || id.p[id.n - 1] != '>';

	return bare ? id : str_sub(id, 1, id.n - 2);
}
