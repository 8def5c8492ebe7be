/* Making snapshots: from scratch, and from another one with changes. */
#include "store/message_private.h"
#include "store/view_private.h"

#include <assert.h>

void
view_builder_init(struct view_builder *b)
{
	*b = (struct view_builder){0};
}

static void
unref_slab(struct view_slab *s)
{
	if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1)
		free(s);
}

void
view_chunk_unref(struct view_chunk *c)
{
	if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (c->packed) {
		unref_slab(c->packed->slab);
		pthread_mutex_destroy(&c->packed->mu);
	}
	free(c);
}

/* The octets were checked when the page was put, and are this chunk's own. */
void
view_unpack(const struct view_chunk *c)
{
	struct view_packed *packed = c->packed;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&packed->mu);
	struct page p;

	(void)held;
	if (atomic_load_explicit(&packed->open, memory_order_relaxed))
		return;
	const char *wrong =
	    page_decode(packed->key, packed->modseq, c->n, str_make(packed->octets, packed->n), &p);
	assert(!wrong);
	(void)wrong;
	for (uint32_t i = 0; i < c->n; i++)
		c->e[i] = view_entry_of(&p.e[i]);
	atomic_store_explicit(&packed->open, true, memory_order_release);
}

void
view_builder_done(struct view_builder *b)
{
	for (size_t i = 0; i < b->n; i++)
		view_chunk_unref(b->slots[i].c);
	if (b->slab)
		unref_slab(b->slab);
	free(b->slots);
	free(b->open);
	view_builder_init(b);
}

static struct view_chunk *
new_chunk(void)
{
	struct view_chunk *c =
	    malloc(sizeof(struct view_chunk) + CHUNK_ENTRIES * sizeof(struct view_entry));

	if (c) {
		atomic_init(&c->refs, 1);
		c->n = 0;
		c->packed = NULL;
		c->e = c->own;
	}
	return c;
}

/* Takes over a reference to `c`. */
static void
push_slot(struct view_builder *b, struct view_chunk *c)
{
	if (b->n == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 4;
		struct view_slot *slots = realloc(b->slots, cap * sizeof(*slots));
		if (!slots) {
			b->failed = true;
			view_chunk_unref(c);
			return;
		}
		b->slots = slots;
		b->cap = cap;
	}
	b->slots[b->n++] = (struct view_slot){c, b->count, c->last_uid};
	b->count += c->n;
}

/* Puts the entries of the last finished chunk before those of the open one, where both are small,
 * so that a mailbox that was thinned out does not stay cut into many pieces. */
static void
merge_back(struct view_builder *b)
{
	if (b->n == 0)
		return;
	struct view_chunk *last = b->slots[b->n - 1].c;
	if (last->n + b->open->n > CHUNK_MERGE)
		return;
	memmove(b->open->e + last->n, b->open->e, b->open->n * sizeof(b->open->e[0]));
	memcpy(b->open->e, view_entries(last), last->n * sizeof(last->e[0]));
	b->open->n += last->n;
	b->n--;
	b->count -= last->n;
	view_chunk_unref(last);
}

static void
flush(struct view_builder *b)
{
	if (!b->open || b->open->n == 0)
		return;
	merge_back(b);
	struct view_chunk *c = MOVE_PTR(b->open);
	c->any = 0;
	c->all = UINT64_MAX;
	for (uint32_t i = 0; i < c->n; i++) {
		c->any |= c->e[i].flags;
		c->all &= c->e[i].flags;
	}
	if (c->n < CHUNK_ENTRIES) {
		struct view_chunk *fit = realloc(c, sizeof(*c) + c->n * sizeof(c->e[0]));
		c = fit ? fit : c;
		c->e = c->own;
	}
	c->first_uid = c->e[0].uid;
	c->last_uid = c->e[c->n - 1].uid;
	push_slot(b, c);
}

void
view_builder_put(struct view_builder *b, const struct view_entry *e)
{
	if (b->failed)
		return;
	if (b->open && b->open->n == CHUNK_ENTRIES)
		flush(b);
	if (!b->open && !(b->open = new_chunk())) {
		b->failed = true;
		return;
	}
	b->open->e[b->open->n++] = *e;
}

void
view_builder_expect(struct view_builder *b, uint32_t n)
{
	struct view_slab *s = malloc(sizeof(*s) + (size_t)n * sizeof(s->e[0]));

	if (!s)
		return; /* the entries are put one by one */
	atomic_init(&s->refs, 1);
	b->slab = s;
	b->slab_room = n;
}

static struct view_chunk *
new_packed_chunk(struct view_builder *b, const struct page *p, uint64_t modseq, struct str octets)
{
	struct view_chunk *c = malloc(sizeof(*c) + sizeof(struct view_packed) + octets.n);

	if (!c)
		return NULL;
	struct view_packed *packed = (struct view_packed *)c->own;
	atomic_init(&c->refs, 1);
	c->n = p->n;
	c->e = b->slab->e + b->slab_used;
	c->packed = packed;
	b->slab_used += p->n;
	atomic_fetch_add_explicit(&b->slab->refs, 1, memory_order_relaxed);
	packed->slab = b->slab;
	pthread_mutex_init(&packed->mu, NULL);
	atomic_init(&packed->open, false);
	packed->key = page_key(p->mailbox, p->low);
	packed->modseq = modseq;
	packed->n = octets.n;
	memcpy(packed->octets, octets.p, octets.n);
	return c;
}

void
view_builder_put_page(
    struct view_builder *b, const struct page *p, uint64_t modseq, struct str octets)
{
	if (p->n <= CHUNK_MERGE / 4 || !b->slab || b->slab_room - b->slab_used < p->n) {
		for (uint32_t i = 0; i < p->n; i++) {
			struct view_entry e = view_entry_of(&p->e[i]);
			view_builder_put(b, &e);
		}
		return;
	}
	flush(b);
	struct view_chunk *c = b->failed ? NULL : new_packed_chunk(b, p, modseq, octets);
	if (!c) {
		b->failed = true;
		return;
	}
	c->any = 0;
	c->all = UINT64_MAX;
	for (uint32_t i = 0; i < p->n; i++) {
		c->any |= p->e[i].flags;
		c->all &= p->e[i].flags;
	}
	c->first_uid = p->e[0].uid;
	c->last_uid = p->e[p->n - 1].uid;
	push_slot(b, c);
}

void
view_builder_share(struct view_builder *b, struct view_chunk *c)
{
	if (b->failed)
		return;
	if (b->open && b->open->n > 0 && b->open->n + c->n <= CHUNK_MERGE) {
		for (uint32_t i = 0; i < c->n; i++)
			view_builder_put(b, &view_entries(c)[i]);
		return;
	}
	flush(b);
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	push_slot(b, c);
}

enum err
view_builder_finish(struct view_builder *b, const struct view_meta *meta,
    struct view_keywords *keywords, struct view **ret)
{
	flush(b);
	struct view *v = b->failed ? NULL : malloc(sizeof(*v) + b->n * sizeof(struct view_slot));
	if (!v) {
		view_builder_done(b);
		return ERR_NOMEM;
	}
	atomic_init(&v->refs, 1);
	v->count = b->count;
	v->meta = *meta;
	v->keywords = view_keywords_ref(keywords);
	v->chunks = b->n;
	if (b->n)
		memcpy(v->slot, b->slots, b->n * sizeof(struct view_slot));
	b->n = 0; /* the snapshot has the references now */
	view_builder_done(b);
	*ret = v;
	return ERR_OK;
}

/* What is still to be changed; `puts` and `gone` rise. */
struct pending {
	const struct view_entry *put, *puts_end;
	const uint32_t *gone, *gone_end;
};

static bool
touches(const struct pending *p, uint32_t last_uid)
{
	return (p->put < p->puts_end && p->put->uid <= last_uid) ||
	       (p->gone < p->gone_end && *p->gone <= last_uid);
}

static void
apply_to_chunk(struct view_builder *b, const struct view_chunk *c, struct pending *p)
{
	for (uint32_t i = 0; i < c->n; i++) {
		const struct view_entry *e = &view_entries(c)[i];
		while (p->put < p->puts_end && p->put->uid < e->uid)
			view_builder_put(b, p->put++);
		while (p->gone < p->gone_end && *p->gone < e->uid)
			p->gone++;
		if (p->gone < p->gone_end && *p->gone == e->uid) {
			p->gone++;
			continue;
		}
		if (p->put < p->puts_end && p->put->uid == e->uid)
			e = p->put++;
		view_builder_put(b, e);
	}
}

enum err
view_apply(const struct view *base, const struct view_meta *meta, struct view_keywords *keywords,
    const struct view_entry *puts, size_t n_puts, const uint32_t *gone, size_t n_gone,
    struct view **ret)
{
	/* NULL + 0 is undefined in C */
	struct pending p = {
	    puts, n_puts ? puts + n_puts : puts, gone, n_gone ? gone + n_gone : gone};
	struct view_builder b;

	view_builder_init(&b);
	for (size_t i = 0; i < base->chunks; i++) {
		struct view_chunk *c = base->slot[i].c;
		bool grows = i + 1 == base->chunks && c->n < CHUNK_ENTRIES && n_puts > 0 &&
			     puts[n_puts - 1].uid > base->slot[i].last_uid;
		if (grows || touches(&p, base->slot[i].last_uid))
			apply_to_chunk(&b, c, &p);
		else
			view_builder_share(&b, c);
	}
	while (p.put < p.puts_end)
		view_builder_put(&b, p.put++);
	return view_builder_finish(&b, meta, keywords, ret);
}
