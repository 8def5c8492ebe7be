/* imapd/told_walk.h - the messages of a set, in the order of their sequence numbers, over several
 * steps of a pump. Pure.
 */
#ifndef IMAPD_TOLD_WALK_H
#define IMAPD_TOLD_WALK_H

#include "store/uidset.h"
#include "store/view.h"

struct told_walk {
	const struct uidset *uids; /* NULL: all */
	size_t range;
	uint64_t from; /* the lowest UID still to come */
	const struct view *held; /* NULL: look for each entry anew */
	struct view_iter it; /* in `held`, behind */
	const struct view_entry *next; /* the one found last; NULL: none */
};

/* Until told_walk_let_go() `told` is the same view and stays alive: so, within a step, one entry is
 * found from the last instead of by its UID. */
static inline void
told_walk_hold(struct told_walk *w, const struct view *told)
{
	w->held = told;
	w->next = NULL;
}

static inline void
told_walk_let_go(struct told_walk *w)
{
	w->held = NULL;
	w->next = NULL;
}

/* The first entry with a UID >= `from`. */
static inline const struct view_entry *
told_walk_seek(struct told_walk *w, const struct view *told, uint32_t from)
{
	if (!w->next || w->held != told || w->next->uid > from) {
		w->it = view_iter_at(told, view_seq_from(told, from));
		w->next = view_next(&w->it);
		return w->next;
	}
	if (w->next->uid < from)
		w->next = view_next(&w->it);
	if (w->next && w->next->uid < from) {
		w->it = view_iter_at(told, view_seq_from(told, from));
		w->next = view_next(&w->it);
	}
	return w->next;
}

/* The next entry of `told` that is in the set, without passing it, and its sequence number; NULL at
 * the end. */
static inline const struct view_entry *
told_walk_peek(struct told_walk *w, const struct view *told, uint32_t *ret_seq)
{
	static const struct uid_range all = {1, UINT32_MAX};
	size_t n = w->uids ? w->uids->n : 1;

	for (; w->range < n && w->from <= UINT32_MAX; w->range++) {
		const struct uid_range *r = w->uids ? &w->uids->r[w->range] : &all;
		uint32_t from = w->from > r->lo ? (uint32_t)w->from : r->lo;
		const struct view_entry *e = told_walk_seek(w, told, from);
		if (e && e->uid <= r->hi) {
			*ret_seq = w->it.seq;
			return e;
		}
	}
	return NULL;
}

static inline void
told_walk_pass(struct told_walk *w, uint32_t uid)
{
	w->from = (uint64_t)uid + 1;
}

#endif
