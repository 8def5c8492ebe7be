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
	struct view_hint hint; /* one entry is found from the last instead of by its UID */
};

/* The next entry of `told` that is in the set, without passing it, and its sequence number; NULL at
 * the end. With `mask`: that has these flags, of those in it. */
static inline const struct view_entry *
told_walk_peek_flags(
    struct told_walk *w, const struct view *told, uint64_t mask, uint64_t flags, uint32_t *ret_seq)
{
	static const struct uid_range all = {1, UINT32_MAX};
	size_t n = w->uids ? w->uids->n : 1;

	for (; w->range < n && w->from <= UINT32_MAX; w->range++) {
		const struct uid_range *r = w->uids ? &w->uids->r[w->range] : &all;
		uint32_t from = w->from > r->lo ? (uint32_t)w->from : r->lo;
		const struct uid_range rest = {from, r->hi};
		const struct view_entry *e =
		    mask ? view_find_flags(told, rest, mask, flags, &w->hint, ret_seq)
			 : view_find(told, from, &w->hint, ret_seq);
		if (e && e->uid <= r->hi)
			return e;
	}
	return NULL;
}

static inline const struct view_entry *
told_walk_peek(struct told_walk *w, const struct view *told, uint32_t *ret_seq)
{
	return told_walk_peek_flags(w, told, 0, 0, ret_seq);
}

/* The next that was changed after `since`. */
static inline const struct view_entry *
told_walk_peek_since(
    struct told_walk *w, const struct view *told, uint64_t since, uint32_t *ret_seq)
{
	const struct view_entry *e;

	while ((e = told_walk_peek(w, told, ret_seq)) && e->modseq <= since)
		w->from = (uint64_t)e->uid + 1;
	return e;
}

static inline void
told_walk_pass(struct told_walk *w, uint32_t uid)
{
	w->from = (uint64_t)uid + 1;
}

#endif
