#include "common/mail/header.h"

/* The length of the line at the start of `s`, with its LF. */
static size_t
line_length(struct str s)
{
	size_t at = str_find(s, '\n');

	return at == STR_NONE ? s.n : at + 1;
}

static bool
is_empty_line(struct str s)
{
	return (s.n >= 1 && s.p[0] == '\n') || (s.n >= 2 && s.p[0] == '\r' && s.p[1] == '\n');
}

static bool
starts_with_blank(struct str s)
{
	return s.n && (s.p[0] == ' ' || s.p[0] == '\t');
}

bool
header_next(struct str *rest, struct header_field *ret)
{
	while (rest->n && !is_empty_line(*rest)) {
		size_t first = line_length(*rest);
		size_t n = first;
		while (starts_with_blank(str_skip(*rest, n)))
			n += line_length(str_skip(*rest, n));
		struct str whole = str_sub(*rest, 0, n);
		*rest = str_skip(*rest, n);

		size_t colon = str_find(str_sub(whole, 0, first), ':');
		struct str name = str_trim(str_sub(whole, 0, colon == STR_NONE ? 0 : colon));
		/* RFC 5322 §4.5: obsolete fields may have blanks before the colon, not within. A
		 * line that starts with a blank continues nothing when it comes first. */
		if (name.n == 0 || starts_with_blank(whole) || str_find(name, ' ') != STR_NONE)
			continue;
		*ret = (struct header_field){name, str_skip(whole, colon + 1), whole};
		return true;
	}
	return false;
}

void
header_unfold(struct str value, struct sbuf *out)
{
	while (value.n) {
		size_t at = str_find(value, '\n');
		if (at == STR_NONE) {
			sbuf_put(out, value);
			return;
		}
		sbuf_append(out, value.p, at && value.p[at - 1] == '\r' ? at - 1 : at);
		value = str_skip(value, at + 1);
	}
}

struct str
header_unfold_dup(struct str value, struct arena *arena)
{
	struct str trimmed = str_trim(value);
	char *copy = arena_alloc(arena, trimmed.n);
	size_t n = 0;

	if (!copy)
		return (struct str){NULL, 0};
	for (size_t i = 0; i < trimmed.n; i++) {
		bool line_end =
		    trimmed.p[i] == '\n' ||
		    (trimmed.p[i] == '\r' && i + 1 < trimmed.n && trimmed.p[i + 1] == '\n');
		if (!line_end)
			copy[n++] = trimmed.p[i];
	}
	return (struct str){copy, n};
}

struct str
header_get(struct str block, struct str name, struct arena *arena)
{
	struct header_field field;

	while (header_next(&block, &field))
		if (str_eq_nocase(field.name, name))
			return header_unfold_dup(field.value, arena);
	return (struct str){NULL, 0};
}
