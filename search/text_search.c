#include "search/text_search.h"

void
text_search_begin(struct text_search *t, struct text_needle *needles, size_t n)
{
	t->needles = needles;
	t->n = n;
	t->longest = 1;
	t->folded.max = SIZE_MAX / 2;
	sbuf_clear(&t->folded);
	for (size_t i = 0; i < n; i++)
		if (needles[i].text.n > t->longest)
			t->longest = needles[i].text.n;
}

void
text_search_done(struct text_search *t)
{
	sbuf_done(&t->folded);
	*t = (struct text_search){0};
}

struct sbuf *
text_search_room(struct text_search *t)
{
	return &t->folded;
}

enum err
text_search_look(struct text_search *t)
{
	if (sbuf_error(&t->folded))
		return ERR_NOMEM;
	for (size_t i = 0; i < t->n; i++) {
		struct text_needle *n = &t->needles[i];
		if (!n->found && t->folded.n >= n->text.n)
			n->found = memmem(t->folded.p, t->folded.n, n->text.p, n->text.n) != NULL;
	}
	/* what a match may have begun in */
	if (t->folded.n >= t->longest)
		sbuf_drop(&t->folded, t->folded.n - (t->longest - 1));
	return ERR_OK;
}
