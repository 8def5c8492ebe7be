#include "common/mail/header.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_space(char c)
{
	return is_blank(c) || c == '\r' || c == '\n';
}

/* Behind the LF of the line that begins at `p`. */
static const char *
line_end(const char *p, const char *end)
{
	const char *lf = memchr(p, '\n', (size_t)(end - p));

	return lf ? lf + 1 : end;
}

/* Every header of a mailbox goes through here: no slice is made that is not given out. */
bool
header_next(struct str *rest, struct header_field *ret)
{
	if (rest->n == 0)
		return false;
	const char *p = rest->p, *end = p + rest->n;
	while (p < end && *p != '\n' && !(*p == '\r' && end - p >= 2 && p[1] == '\n')) {
		const char *whole = p, *first = line_end(p, end);
		for (p = first; p < end && is_blank(*p);)
			p = line_end(p, end);

		/* RFC 5322 §4.5: obsolete fields may have blanks before the colon, not within. A
		 * line that starts with a blank continues nothing when it comes first. */
		const char *colon = memchr(whole, ':', (size_t)(first - whole));
		if (!colon || is_blank(*whole))
			continue;
		const char *name = whole, *name_end = colon;
		while (name_end > name && is_space(name_end[-1]))
			name_end--;
		while (name < name_end && is_space(*name))
			name++;
		if (name == name_end || memchr(name, ' ', (size_t)(name_end - name)))
			continue;
		*ret = (struct header_field){
		    .name = str_make(name, (size_t)(name_end - name)),
		    .value = str_make(colon + 1, (size_t)(p - colon - 1)),
		    .whole = str_make(whole, (size_t)(p - whole)),
		};
		*rest = str_make(p, (size_t)(end - p));
		return true;
	}
	*rest = str_make(p, (size_t)(end - p));
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
