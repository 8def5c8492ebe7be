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
	return p->chunk < p->v->chunks ? &p->v->slot[p->chunk].c->e[p->at] : NULL;
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

static struct view_chunk *
place_whole_chunk(const struct place *p)
{
	return p->at == 0 && p->chunk < p->v->chunks ? p->v->slot[p->chunk].c : NULL;
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
	w->shared = place_whole_chunk(&w->told);
	if (w->shared && w->shared == place_whole_chunk(&w->now)) {
		place_skip_chunk(&w->told);
		place_skip_chunk(&w->now);
		return true;
	}
	w->shared = NULL;
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

/* `v` for a sole owner: a copy of the spine that shares the chunks. */
static struct view *
copy_spine(const struct view *v)
{
	struct view *copy = malloc(sizeof(*copy) + v->chunks * sizeof(v->slot[0]));

	if (!copy)
		return NULL;
	atomic_init(&copy->refs, 1);
	copy->count = v->count;
	copy->meta = v->meta;
	copy->keywords = view_keywords_ref(v->keywords);
	copy->chunks = v->chunks;
	for (size_t i = 0; i < v->chunks; i++) {
		copy->slot[i] = v->slot[i];
		atomic_fetch_add_explicit(&v->slot[i].c->refs, 1, memory_order_relaxed);
	}
	return copy;
}

static struct view_chunk *
copy_chunk(const struct view_chunk *c)
{
	size_t octets = c->n * sizeof(c->e[0]);
	struct view_chunk *copy = malloc(sizeof(*copy) + octets);

	if (!copy)
		return NULL;
	atomic_init(&copy->refs, 1);
	copy->n = c->n;
	memcpy(copy->e, c->e, octets);
	return copy;
}

static bool
is_shared(_Atomic uint32_t *refs)
{
	return atomic_load_explicit(refs, memory_order_acquire) > 1;
}

enum err
view_patch(struct view **told, uint32_t uid, uint64_t flags, uint64_t modseq)
{
	uint32_t seq = view_seq_of(*told, uid);

	if (!seq)
		return ERR_OK;
	/* what nobody else refers to nobody else can begin to refer to: changed in place, so that a
	 * STORE of a whole mailbox copies each chunk once */
	if (is_shared(&(*told)->refs)) {
		struct view *own = copy_spine(*told);
		if (!own)
			return ERR_NOMEM;
		view_unref(told);
		*told = own;
	}
	struct view_iter it = view_iter_at(*told, seq);
	struct view_slot *slot = &(*told)->slot[it.chunk];
	if (is_shared(&slot->c->refs)) {
		struct view_chunk *own = copy_chunk(slot->c);
		if (!own)
			return ERR_NOMEM;
		if (atomic_fetch_sub_explicit(&slot->c->refs, 1, memory_order_acq_rel) == 1)
			free(slot->c);
		slot->c = own;
	}
	slot->c->e[it.at].flags = flags;
	slot->c->e[it.at].modseq = modseq;
	return ERR_OK;
}
