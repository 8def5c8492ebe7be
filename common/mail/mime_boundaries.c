#include "common/mail/mime_private.h"

void
boundaries_init(struct mime_boundaries *b)
{
	b->n = 0;
}

void
boundaries_push(struct mime_boundaries *b, struct str text, int32_t node)
{
	b->stack[b->n++] = (struct mime_boundary){str_sub(text, 0, BOUNDARY_MAX), node};
}

void
boundaries_pop(struct mime_boundaries *b)
{
	b->n--;
}

/* Each that is open is looked at, BOUNDARIES_MAX at most, and is mostly told apart by its first
 * octets. A table of hashes would be no faster for the two or three that there are, and slow for
 * who chose what is in it. */
int32_t
boundaries_match(const struct mime_boundaries *b, struct str line, bool *ret_close)
{
	const struct mime_boundary *best = NULL;

	if (b->n == 0 || !str_starts(line, STR("--")))
		return -1;
	line = str_skip(line, 2);
	for (size_t i = b->n; i-- > 0;)
		if ((!best || b->stack[i].text.n > best->text.n) &&
		    str_starts(line, b->stack[i].text))
			best = &b->stack[i];
	if (!best)
		return -1;
	*ret_close = str_starts(str_skip(line, best->text.n), STR("--"));
	return best->node;
}
