#include "common/trust/fields.h"

/* Sorted by a merge of runs, so that neither time nor the stack depends on what the names are. */
static int
compare(const struct header_field *all, uint32_t a, uint32_t b)
{
	int c = str_cmp_nocase(all[a].name, all[b].name);

	return c ? c : (a < b) - (a > b);
}

static void
merge(const struct header_field *all, const uint32_t *from, uint32_t *to, size_t low, size_t mid,
    size_t high)
{
	size_t a = low, b = mid;

	for (size_t i = low; i < high; i++) {
		if (b >= high || (a < mid && compare(all, from[a], from[b]) <= 0))
			to[i] = from[a++];
		else
			to[i] = from[b++];
	}
}

static void
sort(struct fields *f, uint32_t *spare)
{
	uint32_t *from = f->sorted, *to = spare;

	for (size_t width = 1; width < f->count; width *= 2) {
		for (size_t low = 0; low < f->count; low += 2 * width) {
			size_t mid = low + width < f->count ? low + width : f->count;
			size_t high = mid + width < f->count ? mid + width : f->count;
			merge(f->all, from, to, low, mid, high);
		}
		uint32_t *swap = from;
		from = to;
		to = swap;
	}
	f->sorted = from;
}

enum err
fields_parse(struct str header, struct arena *arena, struct fields *ret)
{
	struct fields f = {.count = 0};
	struct header_field one;
	size_t cap = 0;

	if (header.n > TRUST_HEADER_MAX)
		return ERR_TOO_BIG;
	while (header_next(&header, &one)) {
		if (f.count == TRUST_FIELDS_MAX)
			return ERR_TOO_BIG;
		f.all = arena_grow(arena, f.all, &cap, f.count + 1, sizeof(*f.all));
		if (!f.all)
			return ERR_NOMEM;
		f.all[f.count++] = one;
	}
	f.sorted = arena_alloc_array(arena, f.count + 1, sizeof(*f.sorted));
	f.taken = arena_alloc_array(arena, f.count + 1, sizeof(*f.taken));
	uint32_t *spare = arena_alloc_array(arena, f.count + 1, sizeof(*spare));
	if (!f.sorted || !f.taken || !spare)
		return ERR_NOMEM;
	for (size_t i = 0; i < f.count; i++)
		f.sorted[i] = (uint32_t)i;
	sort(&f, spare);
	*ret = f;
	return ERR_OK;
}

/* The first place in `sorted` whose name is not less than (after: greater than) `name`. */
static size_t
find_place(const struct fields *f, struct str name, bool after)
{
	size_t low = 0, high = f->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = str_cmp_nocase(f->all[f->sorted[mid]].name, name);
		if (c < 0 || (after && c == 0))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct header_field *
fields_take(struct fields *f, struct str name)
{
	size_t first = find_place(f, name, false);

	if (first == f->count || !str_eq_nocase(f->all[f->sorted[first]].name, name))
		return NULL;
	size_t at = first + f->taken[first];
	if (at == f->count || !str_eq_nocase(f->all[f->sorted[at]].name, name))
		return NULL;
	f->taken[first]++;
	return &f->all[f->sorted[at]];
}

void
fields_put_back(struct fields *f)
{
	memset(f->taken, 0, f->count * sizeof(*f->taken));
}

size_t
fields_number(const struct fields *f, struct str name)
{
	return find_place(f, name, true) - find_place(f, name, false);
}

/* Line by line, so that LF and CR alone come out as CRLF too (RFC 6376 §5.3). */
void
field_simple(struct str whole, bool line_end, struct sbuf *out)
{
	size_t n = whole.n;

	if (n && whole.p[n - 1] == '\n')
		n--;
	if (n && n < whole.n && whole.p[n - 1] == '\r')
		n--;
	for (size_t i = 0; i < n; i++) {
		char c = whole.p[i];
		if (c == '\r' || c == '\n') {
			sbuf_puts(out, "\r\n");
			if (c == '\r' && i + 1 < n && whole.p[i + 1] == '\n')
				i++;
		} else {
			sbuf_putc(out, c);
		}
	}
	if (line_end)
		sbuf_puts(out, "\r\n");
}

static bool
is_blank_or_end(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void
field_relaxed(struct str whole, bool line_end, struct sbuf *out)
{
	size_t colon = str_find(whole, ':');
	struct str name = str_trim(str_sub(whole, 0, colon)), value = {"", 0};

	if (colon != STR_NONE)
		value = str_trim(str_skip(whole, colon + 1));
	for (size_t i = 0; i < name.n; i++)
		sbuf_putc(out, ascii_lower(name.p[i]));
	sbuf_putc(out, ':');
	/* Folding is CRLF before a blank, so a run of all four is a run of blanks. */
	for (size_t i = 0; i < value.n;) {
		size_t from = i;
		while (i < value.n && !is_blank_or_end(value.p[i]))
			i++;
		sbuf_append(out, value.p + from, i - from);
		if (i == value.n)
			break;
		while (is_blank_or_end(value.p[i])) /* ends: the value was trimmed */
			i++;
		sbuf_putc(out, ' ');
	}
	if (line_end)
		sbuf_puts(out, "\r\n");
}

void
field_without_b(struct str whole, struct sbuf *out)
{
	size_t at = str_find(whole, ':');
	size_t from = at == STR_NONE ? 0 : at + 1;

	while (from <= whole.n) {
		struct str tag = str_skip(whole, from);
		size_t semicolon = str_find(tag, ';');
		if (semicolon != STR_NONE)
			tag.n = semicolon;
		size_t equals = str_find(tag, '=');
		if (equals != STR_NONE && str_eq(str_trim(str_sub(tag, 0, equals)), STR("b"))) {
			sbuf_append(out, whole.p, from + equals + 1);
			sbuf_append(out, tag.p + tag.n, whole.n - from - tag.n);
			return;
		}
		from += tag.n + 1;
	}
	sbuf_put(out, whole);
}
