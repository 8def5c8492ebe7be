/* What a session is told: walking two snapshots side by side, skipping the chunks they share. */
#include "store/view_private.h"

/* A place in a snapshot. */
struct place {
	const struct view *v;
	size_t chunk;
	uint32_t at;
	uint32_t passed; /* entries before the place */
};

static const struct view_entry *
place_entry(const struct place *p)
{
	return p->chunk < p->v->chunks ? &view_entries(p->v->slot[p->chunk].c)[p->at] : NULL;
}

static void
place_step(struct place *p)
{
	p->passed++;
	if (++p->at == p->v->slot[p->chunk].c->n) {
		p->chunk++;
		p->at = 0;
	}
}

static void
place_skip_chunk(struct place *p)
{
	p->passed += p->v->slot[p->chunk].c->n;
	p->chunk++;
}

/* Both stand at the beginning of one and the same chunk. */
static bool
places_share_chunk(const struct place *a, const struct place *b)
{
	return a->at == 0 && b->at == 0 && a->chunk < a->v->chunks && b->chunk < b->v->chunks &&
	       a->v->slot[a->chunk].c == b->v->slot[b->chunk].c;
}

/* Both walked together in UID order. Each step yields the pair of entries of one UID, or one and
 * NULL; chunks that are the same in both are passed over, or yielded whole in `shared`. */
struct pair_walk {
	struct place told, now;
	const struct view_entry *was, *is;
	struct view_chunk *shared;
};

static bool
pair_next(struct pair_walk *w)
{
	w->shared = NULL;
	if (places_share_chunk(&w->told, &w->now)) {
		w->shared = w->told.v->slot[w->told.chunk].c;
		place_skip_chunk(&w->told);
		place_skip_chunk(&w->now);
		return true;
	}
	w->was = place_entry(&w->told);
	w->is = place_entry(&w->now);
	if (!w->was && !w->is)
		return false;
	if (w->was && w->is && w->was->uid < w->is->uid)
		w->is = NULL;
	else if (w->was && w->is && w->is->uid < w->was->uid)
		w->was = NULL;
	if (w->was)
		place_step(&w->told);
	if (w->is)
		place_step(&w->now);
	return true;
}

static struct pair_walk
pair_walk(const struct view *told, const struct view *now)
{
	return (struct pair_walk){.told = {.v = told}, .now = {.v = now}};
}

static bool
differ(const struct view_entry *a, const struct view_entry *b)
{
	return a->flags != b->flags || a->modseq != b->modseq;
}

/* `now` with the entries that only `told` still has. */
static enum err
keep_gone(const struct view *told, struct view *now, struct view **ret)
{
	struct pair_walk w = pair_walk(told, now);
	bool any_gone = false;

	while (!any_gone && pair_next(&w))
		any_gone = !w.shared && !w.is;
	if (!any_gone) {
		*ret = view_ref(now);
		return ERR_OK;
	}
	CLEANUP(view_builder_done) struct view_builder b;
	view_builder_init(&b);
	w = pair_walk(told, now);
	while (pair_next(&w)) {
		if (w.shared)
			view_builder_share(&b, w.shared);
		else
			view_builder_put(&b, w.is ? w.is : w.was);
	}
	return view_builder_finish(&b, &now->meta, now->keywords, ret);
}

static void
tell_expunged(const struct view *told, const struct view *now, const struct view_told *tell)
{
	struct pair_walk w = pair_walk(told, now);
	uint32_t gone = 0;

	while (pair_next(&w)) {
		if (!w.shared && !w.is) {
			/* told.passed is its number; those told before it count no more */
			tell->expunged(tell->arg, w.told.passed - gone, w.was->uid);
			gone++;
		}
	}
}

static void
tell_changed(const struct view *told, const struct view *result, const struct view_told *tell)
{
	struct pair_walk w = pair_walk(told, result);

	while (pair_next(&w)) {
		if (w.shared || !w.was || !w.is)
			continue;
		if (w.was->flags != w.is->flags || w.was->modseq != w.is->modseq)
			tell->changed(tell->arg, w.now.passed, w.is);
	}
}

enum err
view_advance(struct view **told, struct view *now, bool may_expunge, const struct view_told *tell,
    struct view **ret)
{
	struct view *result = NULL;

	if (may_expunge) {
		result = view_ref(now);
	} else {
		enum err e = keep_gone(*told, now, &result);
		if (e)
			return e;
	}
	if (*told != result) {
		/* UIDs only rise: what is new stands behind the last one that was told */
		uint32_t last_told =
		    (*told)->chunks ? (*told)->slot[(*told)->chunks - 1].last_uid : 0;
		if (may_expunge)
			tell_expunged(*told, now, tell);
		tell_changed(*told, result, tell);
		if (result->chunks && result->slot[result->chunks - 1].last_uid > last_told)
			tell->grown(tell->arg, result->count);
	}
	view_unref(told);
	*ret = result;
	return ERR_OK;
}

void
view_compare(const struct view *was, const struct view *is,
    void (*each)(void *arg, const struct view_entry *was, uint32_t seq_was,
	const struct view_entry *is, uint32_t seq_is),
    void *arg)
{
	struct pair_walk w = pair_walk(was, is);

	while (pair_next(&w)) {
		if (w.shared || (w.was && w.is && !differ(w.was, w.is)))
			continue;
		each(arg, w.was, w.told.passed + !w.was, w.is, w.now.passed + !w.is);
	}
}

/* -- a session's own changes */

/* Whether UIDs that rise are in a normalised set. */
struct set_walk {
	const struct uid_range *r, *end;
};

static bool
in_set(struct set_walk *s, uint32_t uid)
{
	while (s->r < s->end && s->r->hi < uid)
		s->r++;
	return s->r < s->end && s->r->lo <= uid;
}

/* Calls `each` for the entries of a chunk that is the same in both. */
static void
each_of_chunk(struct set_walk *set, const struct view_chunk *c,
    void (*each)(void *arg, const struct view_entry *was, const struct view_entry *is), void *arg)
{
	in_set(set, c->first_uid); /* passes what is before */
	if (set->r == set->end || set->r->lo > c->last_uid)
		return;
	const struct view_entry *e = view_entries(c);
	for (uint32_t i = 0; i < c->n; i++)
		if (in_set(set, e[i].uid))
			each(arg, &e[i], &e[i]);
}

static struct set_walk
set_walk(const struct uidset *uids)
{
	return (struct set_walk){uids->r, uids->n ? uids->r + uids->n : uids->r};
}

/* `told` with the entries of the set as `now` has them. */
static enum err
build_adopted(struct view *told, struct view *now, const struct uidset *uids, struct view **ret)
{
	CLEANUP(view_builder_done) struct view_builder b;
	struct pair_walk w = pair_walk(told, now);
	struct set_walk set = set_walk(uids);

	view_builder_init(&b);
	while (pair_next(&w)) {
		if (w.shared)
			view_builder_share(&b, w.shared);
		else if (w.was)
			view_builder_put(&b, w.is && in_set(&set, w.was->uid) ? w.is : w.was);
	}
	return view_builder_finish(&b, &told->meta, told->keywords, ret);
}

enum err
view_adopt(struct view **told, struct view *now, const struct uidset *uids,
    void (*each)(void *arg, const struct view_entry *was, const struct view_entry *is), void *arg)
{
	struct pair_walk w = pair_walk(*told, now);
	struct set_walk set = set_walk(uids);
	bool all_of_now = true, changed = false;
	struct view *result = NULL;

	while (pair_next(&w)) {
		if (w.shared) {
			each_of_chunk(&set, w.shared, each, arg);
			continue;
		}
		bool own = w.was && in_set(&set, w.was->uid);
		if (own)
			each(arg, w.was, w.is);
		if (w.was && w.is && !differ(w.was, w.is))
			continue;
		if (own && w.is)
			changed = true;
		else
			all_of_now = false;
	}
	if (all_of_now)
		result = view_ref(now);
	else if (changed) {
		enum err e = build_adopted(*told, now, uids, &result);
		if (e)
			return e;
	} else
		return ERR_OK;
	view_unref(told);
	*told = result;
	return ERR_OK;
}
