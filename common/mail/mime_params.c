#include "common/mail/mime_private.h"

#include <stdio.h>

/* One parameter as written: "name*index*=value". */
struct piece {
	struct str name; /* without marks */
	int index; /* -1: none */
	bool extended; /* a "*" at its end */
	bool used;
	struct str value; /* unquoted */
};

bool
mime_is_token_char(unsigned char c)
{
	return c > 0x20 && c < 0x7f && !strchr("()<>@,;:\\\"/[]?=", c);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t
comment_length(struct str s)
{
	size_t depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '(')
			depth++;
		else if (s.p[i] == ')' && --depth == 0)
			return i + 1;
	}
	return s.n;
}

size_t
mime_cfws_length(struct str s)
{
	size_t i = 0;

	while (i < s.n) {
		if (is_blank(s.p[i]))
			i++;
		else if (s.p[i] == '(')
			i += comment_length(str_skip(s, i));
		else
			break;
	}
	return i;
}

/* The content of the quoted string at the start of *rest, without a closing quote up to the end. */
static struct str
take_quoted(struct str *rest, struct arena *arena)
{
	size_t end = 1;

	while (end < rest->n && rest->p[end] != '"')
		end += rest->p[end] == '\\' ? 2 : 1;
	struct str raw = str_sub(*rest, 1, end - 1);
	*rest = str_skip(*rest, end + 1);
	char *text = arena_alloc(arena, raw.n);
	if (!text)
		return (struct str){NULL, 0};
	size_t n = 0;
	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] == '\\' && i + 1 < raw.n)
			i++;
		if (raw.p[i] != '\n' && raw.p[i] != '\r')
			text[n++] = raw.p[i];
	}
	return str_make(text, n);
}

/* An unquoted value. Mail programs write file names with blanks so; other values end there. */
static struct str
take_bare(struct str *rest, bool with_blanks)
{
	size_t i = 0;

	while (i < rest->n && rest->p[i] != ';' && rest->p[i] != '\n' &&
	       (with_blanks || !is_blank(rest->p[i])) &&
	       !(rest->p[i] == '(' && i && is_blank(rest->p[i - 1])))
		i++;
	struct str value = str_trim(str_sub(*rest, 0, i));
	*rest = str_skip(*rest, i);
	return value;
}

/* Splits "name*3*" into its parts. */
static void
read_marks(struct piece *p)
{
	uint32_t index;

	if (p->name.n > 1 && p->name.p[p->name.n - 1] == '*') {
		p->extended = true;
		p->name.n--;
	}
	size_t star = str_rfind(p->name, '*');
	if (star == STR_NONE || star == 0)
		return;
	struct str digits = str_skip(p->name, star + 1);
	if (digits.n > 3 || (digits.n > 1 && digits.p[0] == '0') || !str_to_u32(digits, &index))
		return;
	p->index = (int)index;
	p->name = str_sub(p->name, 0, star);
}

/* The next "name=value"; false at the end. What is no parameter is skipped. */
static bool
take_piece(struct str *rest, struct arena *arena, struct piece *ret)
{
	for (;;) {
		while (rest->n && (*rest->p == ';' || mime_cfws_length(*rest)))
			*rest = str_skip(*rest, *rest->p == ';' ? 1 : mime_cfws_length(*rest));
		if (!rest->n)
			return false;
		size_t n = 0;
		while (n < rest->n && mime_is_token_char((unsigned char)rest->p[n]))
			n++;
		struct piece p = {.name = str_sub(*rest, 0, n), .index = -1};
		*rest = str_skip(*rest, n);
		*rest = str_skip(*rest, mime_cfws_length(*rest));
		if (n == 0 || !rest->n || *rest->p != '=') {
			while (rest->n && *rest->p != ';')
				*rest = str_skip(*rest, 1);
			continue;
		}
		*rest = str_skip(*rest, 1);
		*rest = str_skip(*rest, mime_cfws_length(*rest));
		read_marks(&p);
		bool is_file =
		    str_eq_nocase(p.name, STR("name")) || str_eq_nocase(p.name, STR("filename"));
		bool quoted = rest->n && *rest->p == '"';
		p.value = quoted ? take_quoted(rest, arena) : take_bare(rest, is_file);
		*ret = p;
		return true;
	}
}

static struct piece *
find_piece(struct piece *pieces, size_t n, struct str name, int index)
{
	for (size_t i = 0; i < n; i++)
		if (pieces[i].index == index && str_eq_nocase(pieces[i].name, name))
			return &pieces[i];
	return NULL;
}

static bool
needs_percent(unsigned char c)
{
	return !mime_is_token_char(c) || c == '%' || c == '\'' || c == '*';
}

/* All pieces of `name` from 0 on as one value; plain ones among extended ones are encoded. */
static struct mime_param
join(struct piece *pieces, size_t n, struct str name, struct arena *arena)
{
	static const char hex[] = "0123456789ABCDEF";
	bool extended = find_piece(pieces, n, name, 0)->extended;
	struct piece *p;
	size_t octets = 0;

	for (int i = 0; (p = find_piece(pieces, n, name, i)); i++)
		octets += 3 * p->value.n;
	char *value = arena_alloc(arena, octets);
	size_t at = 0;
	for (int i = 0; value && (p = find_piece(pieces, n, name, i)); i++) {
		p->used = true;
		for (size_t k = 0; k < p->value.n; k++) {
			unsigned char c = (unsigned char)p->value.p[k];
			bool percent = extended && !p->extended && needs_percent(c);
			value[at++] = percent ? '%' : (char)c;
			if (percent) {
				value[at++] = hex[c >> 4];
				value[at++] = hex[c & 15];
			}
		}
	}
	return (struct mime_param){
	    arena_printf(arena, "%.*s%s", STR_ARG(name), extended ? "*" : ""), str_make(value, at)};
}

/* A parameter that stands alone, with the marks it was written with. */
static struct mime_param
alone(const struct piece *p, struct arena *arena)
{
	char index[16] = "";

	if (p->index >= 0)
		snprintf(index, sizeof(index), "*%d", p->index);
	return (struct mime_param){
	    arena_printf(arena, "%.*s%s%s", STR_ARG(p->name), index, p->extended ? "*" : ""),
	    arena_dup(arena, p->value)};
}

struct mime_params
mime_params_parse(struct str rest, struct arena *arena)
{
	struct piece pieces[MIME_MAX_PARAMS];
	struct mime_params ret = {NULL, 0};
	size_t n = 0;

	while (n < MIME_MAX_PARAMS && take_piece(&rest, arena, &pieces[n]))
		n++;
	struct mime_param *list = n ? arena_alloc_array(arena, n, sizeof(*list)) : NULL;
	for (size_t i = 0; list && i < n; i++) {
		const struct piece *p = &pieces[i];
		if (p->used)
			continue;
		bool in_row = p->index >= 0 && find_piece(pieces, n, p->name, 0);
		if (!in_row)
			list[ret.n++] = alone(p, arena);
		else if (!find_piece(pieces, n, p->name, 0)->used)
			list[ret.n++] = join(pieces, n, p->name, arena);
		/* else its row has a hole before it, or it occurs twice: left out */
	}
	ret.list = list;
	return ret;
}
