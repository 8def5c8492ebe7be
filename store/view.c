#include "store/view_private.h"

struct view_keywords *
view_keywords_new(const struct str *names, size_t n)
{
	size_t octets = 0;

	for (size_t i = 0; i < n; i++)
		octets += names[i].n;
	struct view_keywords *k = calloc(1, sizeof(*k) + octets);
	if (!k)
		return NULL;
	k->refs = 1;
	k->n = n;
	char *to = k->octets;
	for (size_t i = 0; i < n; i++) {
		k->name[i] = str_make(to, names[i].n);
		if (names[i].n)
			memcpy(to, names[i].p, names[i].n);
		to += names[i].n;
	}
	return k;
}

struct view_keywords *
view_keywords_ref(struct view_keywords *k)
{
	if (k)
		atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
	return k;
}

void
view_keywords_unref(struct view_keywords **k)
{
	if (*k && atomic_fetch_sub_explicit(&(*k)->refs, 1, memory_order_acq_rel) == 1)
		free(*k);
	*k = NULL;
}

struct view *
view_ref(struct view *v)
{
	atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
	return v;
}

void
view_unref(struct view **v)
{
	struct view *gone = MOVE_PTR(*v);

	if (!gone || atomic_fetch_sub_explicit(&gone->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < gone->chunks; i++) {
		view_chunk_unref(gone->slot[i].c);
	}
	view_keywords_unref(&gone->keywords);
	free(gone);
}

int64_t
view_mailbox(const struct view *v)
{
	return v->meta.mailbox;
}

uint32_t
view_count(const struct view *v)
{
	return v->count;
}

uint32_t
view_uidvalidity(const struct view *v)
{
	return v->meta.uidvalidity;
}

uint32_t
view_uidnext(const struct view *v)
{
	return v->meta.uidnext;
}

uint64_t
view_modseq(const struct view *v)
{
	return v->meta.modseq;
}

/* The chunk that holds position `at` (from 0, below count). */
static size_t
chunk_of_position(const struct view *v, uint32_t at)
{
	size_t lo = 0;
	size_t hi = v->chunks - 1;

	while (lo < hi) {
		size_t mid = lo + (hi - lo + 1) / 2;
		if (v->slot[mid].before <= at)
			lo = mid;
		else
			hi = mid - 1;
	}
	return lo;
}

const struct view_entry *
view_at(const struct view *v, uint32_t seq)
{
	if (seq < 1 || seq > v->count)
		return NULL;
	const struct view_slot *s = &v->slot[chunk_of_position(v, seq - 1)];
	return &view_entries(s->c)[seq - 1 - s->before];
}

uint32_t
view_seq_from(const struct view *v, uint32_t uid)
{
	size_t lo = 0;
	size_t hi = v->chunks;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (v->slot[mid].last_uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == v->chunks)
		return v->count + 1;
	const struct view_chunk *c = v->slot[lo].c;
	uint32_t from = 0;
	uint32_t to = c->n - 1; /* the last one is not below `uid` */
	while (from < to) {
		uint32_t mid = from + (to - from) / 2;
		if (view_entries(c)[mid].uid < uid)
			from = mid + 1;
		else
			to = mid;
	}
	return v->slot[lo].before + from + 1;
}

uint32_t
view_seq_of(const struct view *v, uint32_t uid)
{
	uint32_t seq = view_seq_from(v, uid);
	const struct view_entry *e = view_at(v, seq);

	return e && e->uid == uid ? seq : 0;
}

/* Whether the place is that of the first entry with a UID >= `uid`. */
static bool
is_first(const struct view *v, struct view_hint h, uint32_t uid)
{
	if (h.chunk >= v->chunks || v->slot[h.chunk].last_uid < uid)
		return false;
	const struct view_chunk *c = v->slot[h.chunk].c;
	if (h.at >= c->n || view_entries(c)[h.at].uid < uid)
		return false;
	if (h.at > 0)
		return view_entries(c)[h.at - 1].uid < uid;
	return h.chunk == 0 || v->slot[h.chunk - 1].last_uid < uid;
}

static struct view_hint
next_place(const struct view *v, struct view_hint h)
{
	if (h.chunk < v->chunks && ++h.at >= v->slot[h.chunk].c->n)
		h = (struct view_hint){h.chunk + 1, 0};
	return h;
}

const struct view_entry *
view_find(const struct view *v, uint32_t uid, struct view_hint *hint, uint32_t *ret_seq)
{
	struct view_hint h = *hint;

	if (!is_first(v, h, uid) && !is_first(v, h = next_place(v, h), uid)) {
		uint32_t seq = view_seq_from(v, uid);
		if (seq > v->count)
			return NULL;
		h.chunk = chunk_of_position(v, seq - 1);
		h.at = seq - 1 - v->slot[h.chunk].before;
	}
	*hint = h;
	*ret_seq = v->slot[h.chunk].before + h.at + 1;
	return &view_entries(v->slot[h.chunk].c)[h.at];
}

static bool
may_have(const struct view_chunk *c, uint64_t mask, uint64_t flags)
{
	return (c->any & mask & flags) == flags && !(c->all & mask & ~flags);
}

const struct view_entry *
view_find_flags(const struct view *v, struct uid_range range, uint64_t mask, uint64_t flags,
    struct view_hint *hint, uint32_t *ret_seq)
{
	if (!view_find(v, range.lo, hint, ret_seq))
		return NULL;
	for (; hint->chunk < v->chunks; hint->chunk++, hint->at = 0) {
		const struct view_chunk *c = v->slot[hint->chunk].c;
		bool may = may_have(c, mask, flags);
		const struct view_entry *e = may ? view_entries(c) : NULL;
		for (; may && hint->at < c->n && e[hint->at].uid <= range.hi; hint->at++) {
			if ((e[hint->at].flags & mask) == flags) {
				*ret_seq = v->slot[hint->chunk].before + hint->at + 1;
				return &e[hint->at];
			}
		}
		if (v->slot[hint->chunk].last_uid >= range.hi)
			return NULL;
	}
	return NULL;
}

struct view_iter
view_iter_at(const struct view *v, uint32_t seq)
{
	struct view_iter it = {.v = v, .chunk = v->chunks, .at = 0, .seq = v->count};

	if (seq < 1)
		seq = 1;
	if (seq <= v->count) {
		it.chunk = chunk_of_position(v, seq - 1);
		it.at = seq - 1 - v->slot[it.chunk].before;
		it.seq = seq - 1;
	}
	return it;
}

const struct view_entry *
view_next(struct view_iter *it)
{
	if (it->chunk >= it->v->chunks)
		return NULL;
	const struct view_chunk *c = it->v->slot[it->chunk].c;
	const struct view_entry *e = &view_entries(c)[it->at++];
	if (it->at == c->n) {
		it->chunk++;
		it->at = 0;
	}
	it->seq++;
	return e;
}

size_t
view_keyword_count(const struct view *v)
{
	return v->keywords ? v->keywords->n : 0;
}

struct str
view_keyword(const struct view *v, size_t i)
{
	return i < view_keyword_count(v) ? v->keywords->name[i] : (struct str){"", 0};
}

uint64_t
view_keyword_bit(const struct view *v, struct str keyword)
{
	if (keyword.n == 0)
		return 0;
	for (size_t i = 0; i < view_keyword_count(v); i++)
		if (str_eq_nocase(v->keywords->name[i], keyword))
			return 1ull << (FLAG_KEYWORD_SHIFT + i);
	return 0;
}
