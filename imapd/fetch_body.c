#include "imapd/fetch_body.h"

#include "common/mail/header.h"

static bool
find_in_message(enum section_what what, const struct message_sizes *sizes, struct extent *ret)
{
	switch (what) {
	case SECTION_WHOLE:
		*ret = (struct extent){0, sizes->size};
		return true;
	case SECTION_HEADER:
	case SECTION_FIELDS:
	case SECTION_FIELDS_NOT:
		*ret = (struct extent){0, sizes->header_size};
		return true;
	case SECTION_TEXT:
		*ret = (struct extent){sizes->header_size, sizes->size - sizes->header_size};
		return true;
	case SECTION_MIME: /* the grammar has it below a part number only */
		break;
	}
	return false;
}

static bool
find_in_part(
    enum section_what what, const struct part_table *t, const struct part *part, struct extent *ret)
{
	if (what == SECTION_WHOLE) {
		*ret = (struct extent){part->body_at, part->body_size};
		return true;
	}
	if (what == SECTION_MIME) {
		*ret = (struct extent){part->header_at, part->header_size};
		return true;
	}
	/* The rest must "refer to a part of type MESSAGE/RFC822". */
	const struct part *inner = parts_embedded(t, part);
	if (!inner)
		return false;
	if (what == SECTION_TEXT)
		*ret = (struct extent){inner->body_at, inner->body_size};
	else
		*ret = (struct extent){inner->header_at, inner->header_size};
	return true;
}

bool
section_find(const struct section *s, const struct message_sizes *sizes,
    const struct part_table *parts, struct extent *ret)
{
	if (s->path_n == 0)
		return find_in_message(s->what, sizes, ret);
	const struct part *part = parts_find(parts, s->path, s->path_n);

	return part && find_in_part(s->what, parts, part, ret);
}

/* By length first: most names differ there already; equal ones seldom differ in case. */
static int
compare_names(const void *a, const void *b)
{
	const struct str *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	return x->n == 0 || memcmp(x->p, y->p, x->n) == 0 ? 0 : str_cmp_nocase(*x, *y);
}

/* A bit for the name's length and first letter, so that a field that is not among the names is
 * seldom looked for. */
static uint64_t
hint_of(struct str name)
{
	unsigned first = name.n > 0 ? (unsigned char)ascii_lower(name.p[0]) : 0;

	return UINT64_C(1) << ((first * 7 + name.n) & 63);
}

void
section_sort_fields(struct section *s)
{
	if (s->field_count > 1)
		qsort(s->fields, s->field_count, sizeof(s->fields[0]), compare_names);
	s->hints = 0;
	for (size_t i = 0; i < s->field_count; i++)
		s->hints |= hint_of(s->fields[i]);
}

static bool
is_named(const struct section *s, struct str name)
{
	return s->hints & hint_of(name) &&
	       bsearch(&name, s->fields, s->field_count, sizeof(s->fields[0]), compare_names);
}

/* Fields that stand one after another are copied together. */
void
section_pick_fields(const struct section *s, struct str block, struct sbuf *out)
{
	struct str rest = str_sub(block, 0, SECTION_HEADER_MAX);
	struct str run = {"", 0};
	struct header_field field;

	while (header_next(&rest, &field)) {
		if (is_named(s, field.name) != (s->what == SECTION_FIELDS))
			continue;
		if (run.p + run.n == field.whole.p) {
			run.n += field.whole.n;
		} else {
			sbuf_put(out, run);
			run = field.whole;
		}
	}
	sbuf_put(out, run);
	sbuf_puts(out, "\r\n");
}

struct extent
partial_clip(const struct partial *p, uint64_t size)
{
	struct extent e = {0, size};

	if (!p->given)
		return e;
	e.at = p->from < size ? p->from : size;
	e.size = size - e.at;
	if (e.size > p->count)
		e.size = p->count;
	return e;
}
