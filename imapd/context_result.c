/* The result of a context, and how it changes. */
#include "imapd/context_private.h"

enum err
context_change_found(struct context *x, const struct uidset *less, const struct uidset *more)
{
	struct uidset found;
	enum err e;

	uidset_init(&found, x->spare_arena);
	e = uidset_add_difference(&found, &x->found, less);
	for (size_t i = 0; !e && i < more->n; i++)
		e = uidset_add(&found, more->r[i].lo, more->r[i].hi);
	if (e)
		return e;
	uidset_normalise(&found);
	struct arena *old = x->found_arena;
	arena_reset(old);
	x->found_arena = x->spare_arena;
	x->spare_arena = old;
	x->found = found;
	return ERR_OK;
}

static uint32_t
number_of(const struct context *x, const struct view *view, uint32_t uid)
{
	return x->uid ? uid : view_seq_of(view, uid);
}

/* RFC 5267 §4.3.4: each place counts what was removed before it as gone. */
static enum err
list_removed_in_order(struct context *x, const struct uidset *less, const struct view *view)
{
	size_t kept = 0;
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < x->order_n; i++) {
		uint32_t uid = x->order[i];
		if (uidset_has(less, uid))
			e = context_list_add(
			    &x->removed, false, (uint32_t)kept + 1, number_of(x, view, uid));
		else
			x->order[kept++] = uid;
	}
	x->order_n = kept;
	return e;
}

static enum err
list_unordered(struct context *x, struct context_list *list, const struct uidset *uids,
    const struct view *view)
{
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < uids->n; i++) {
		struct view_iter it = view_iter_at(view, view_seq_from(view, uids->r[i].lo));
		const struct view_entry *entry;
		while (!e && (entry = view_next(&it)) && entry->uid <= uids->r[i].hi)
			e = context_list_add(list, false, 0, x->uid ? entry->uid : it.seq);
	}
	return e;
}

enum err
context_list_removed(struct context *x, const struct uidset *less, const struct view *view)
{
	x->removed = (struct context_list){.arena = x->arena_now};
	return x->sort.n > 0 ? list_removed_in_order(x, less, view)
			     : list_unordered(x, &x->removed, less, view);
}

/* §4.3.3: each place counts what was added before it as there. */
static enum err
list_added_in_order(struct context *x, const struct uidset *more, const struct view *view)
{
	const struct sort_items *items = &x->run->items;
	uint32_t *order = reallocarray(NULL, items->n + 1, sizeof(*order));
	enum err e = order ? ERR_OK : ERR_NOMEM;

	for (size_t i = 0; !e && i < items->n; i++) {
		order[i] = sort_items_number(items, i);
		if (uidset_has(more, order[i]))
			e = context_list_add(
			    &x->added, true, (uint32_t)i + 1, number_of(x, view, order[i]));
	}
	if (!order)
		return e;
	free(x->order);
	x->order = order;
	x->order_n = items->n;
	return e;
}

enum err
context_list_added(struct context *x, const struct uidset *more, const struct view *view)
{
	x->added = (struct context_list){.arena = x->arena_now};
	if (more->n == 0)
		return ERR_OK;
	return x->sort.n > 0 ? list_added_in_order(x, more, view)
			     : list_unordered(x, &x->added, more, view);
}
