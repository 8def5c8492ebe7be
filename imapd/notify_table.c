#include "imapd/notify_private.h"

struct str
notify_box_name(const struct notify_table *t, const struct notify_box *b)
{
	return str_make(t->text.p + b->name_at, b->name_n);
}

struct notify_box *
notify_find_name(const struct notify_table *t, struct str name)
{
	size_t lo = 0, hi = t->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = str_cmp(notify_box_name(t, &t->box[mid]), name);
		if (order == 0)
			return &t->box[mid];
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

struct notify_box *
notify_find_id(const struct notify_table *t, int64_t account, int64_t id)
{
	for (size_t i = 0; id && i < t->n; i++)
		if (t->box[i].id == id && t->box[i].account == account)
			return &t->box[i];
	return NULL;
}

enum err
notify_add_box(struct notify_table *t, const struct notify_box *b, struct str name)
{
	if (t->n == NOTIFY_BOXES_MAX)
		return ERR_LIMIT;
	if (t->n == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 16;
		struct notify_box *grown = reallocarray(t->box, cap, sizeof(*grown));
		if (!grown)
			return ERR_NOMEM;
		t->box = grown;
		t->cap = cap;
	}
	if (t->n == 0)
		sbuf_init(&t->text, UINT32_MAX);
	struct notify_box *to = &t->box[t->n];
	*to = *b;
	to->name_at = (uint32_t)t->text.n;
	to->name_n = (uint32_t)name.n;
	sbuf_put(&t->text, name);
	if (sbuf_error(&t->text))
		return ERR_NOMEM;
	t->n++;
	return ERR_OK;
}

void
notify_table_done(struct notify_table *t)
{
	free(t->box);
	sbuf_done(&t->text);
	*t = (struct notify_table){0};
}
