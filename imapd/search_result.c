#include "imapd/search_result.h"

enum err
search_result_add(struct search_result *r, uint32_t number, uint64_t modseq, unsigned score)
{
	struct uid_range *last = r->n ? &r->runs[r->n - 1] : NULL;

	if (r->scored) {
		uint8_t *scores = arena_grow(
		    r->arena, r->scores, &r->score_cap, (size_t)r->count + 1, sizeof(*scores));
		if (!scores)
			return ERR_NOMEM;
		r->scores = scores;
		scores[r->count] = (uint8_t)score;
	}
	if (last && last->hi < number && number - last->hi == 1) {
		last->hi = number;
	} else {
		struct uid_range *runs =
		    arena_grow(r->arena, r->runs, &r->cap, r->n + 1, sizeof(*runs));
		if (!runs)
			return ERR_NOMEM;
		r->runs = runs;
		runs[r->n++] = (struct uid_range){number, number};
	}
	r->count++;
	r->modseq = modseq > r->modseq ? modseq : r->modseq;
	return ERR_OK;
}

enum err
search_result_add_run(struct search_result *r, uint32_t lo, uint32_t hi)
{
	enum err e = search_result_add(r, lo, 0, 0);

	if (e)
		return e;
	r->runs[r->n - 1].hi = hi;
	r->count += hi - lo;
	return ERR_OK;
}

struct result_walk
search_result_walk(uint64_t first, uint64_t last)
{
	return (struct result_walk){.first = first, .last = last};
}

bool
search_result_next(const struct search_result *r, struct result_walk *w, struct uid_range *ret)
{
	for (; w->run < r->n && w->before < w->last; w->run++) {
		const struct uid_range *run = &r->runs[w->run];
		uint64_t before = w->before;
		uint64_t n = (uint64_t)run->hi - run->lo + 1;
		w->before += n;
		if (w->before < w->first)
			continue;
		uint64_t skip = w->first > before + 1 ? w->first - before - 1 : 0;
		uint64_t cut = w->before > w->last ? w->before - w->last : 0;
		*ret = (struct uid_range){run->lo + (uint32_t)skip, run->hi - (uint32_t)cut};
		w->run++;
		return true;
	}
	return false;
}

uint32_t
search_result_at(const struct search_result *r, uint64_t place)
{
	struct result_walk w = search_result_walk(place, place);
	struct uid_range run = {0, 0};

	search_result_next(r, &w, &run);
	return run.lo;
}

enum err
search_result_uids(const struct search_result *r, const struct view *view, uint64_t first,
    uint64_t last, struct uidset *ret)
{
	struct result_walk w = search_result_walk(first, last);
	struct uid_range run;
	enum err e = ERR_OK;

	while (!e && search_result_next(r, &w, &run)) {
		/* between two that are told there is no UID that is not */
		uint32_t lo = r->uid ? run.lo : view_at(view, run.lo)->uid;
		uint32_t hi = r->uid ? run.hi : view_at(view, run.hi)->uid;
		e = uidset_add(ret, lo, hi);
	}
	return e;
}

uint64_t
search_result_modseq(
    const struct search_result *r, const struct view *view, uint64_t first, uint64_t last)
{
	struct result_walk w = search_result_walk(first, last);
	struct uid_range run;
	uint64_t highest = 0;

	while (search_result_next(r, &w, &run)) {
		uint32_t seq = r->uid ? view_seq_of(view, run.lo) : run.lo;
		struct view_iter it = view_iter_at(view, seq);
		for (uint64_t n = (uint64_t)run.hi - run.lo + 1; n > 0; n--) {
			const struct view_entry *e = view_next(&it);
			if (e && e->modseq > highest)
				highest = e->modseq;
		}
	}
	return highest;
}

enum err
search_result_narrow(
    const struct view *view, const struct partial_range *places, struct uidset *uids)
{
	struct search_result found = {.arena = uids->arena};
	struct uidset narrow;
	uint64_t first, last;
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < uids->n; i++) {
		const struct uid_range *r = &uids->r[i];
		uint32_t lo = view_seq_from(view, r->lo);
		uint32_t behind =
		    r->hi < UINT32_MAX ? view_seq_from(view, r->hi + 1) : view_count(view) + 1;
		if (lo < behind)
			e = search_result_add_run(&found, lo, behind - 1);
	}
	uidset_init(&narrow, uids->arena);
	if (!e && partial_places(places, found.count, &first, &last))
		e = search_result_uids(&found, view, first, last, &narrow);
	*uids = narrow;
	return e;
}
