#include "store/uidset.h"

void
uidset_init(struct uidset *s, struct arena *arena)
{
	*s = (struct uidset){.arena = arena};
}

/* Whether `lo` begins inside the range or right behind it. */
static bool
continues(const struct uid_range *r, uint32_t lo)
{
	return lo >= r->lo && (lo <= r->hi || lo - 1 == r->hi);
}

enum err
uidset_add(struct uidset *s, uint32_t lo, uint32_t hi)
{
	if (lo > hi) { /* RFC 3501 §9: "4:2" is "2:4" */
		uint32_t swap = lo;
		lo = hi;
		hi = swap;
	}
	struct uid_range *last = s->n ? &s->r[s->n - 1] : NULL;
	if (last && continues(last, lo)) {
		if (hi > last->hi)
			last->hi = hi;
		return ERR_OK;
	}
	struct uid_range *grown = arena_grow(s->arena, s->r, &s->cap, s->n + 1, sizeof(*s->r));
	if (!grown)
		return ERR_NOMEM;
	s->r = grown;
	s->r[s->n++] = (struct uid_range){lo, hi};
	return ERR_OK;
}

static int
compare_ranges(const void *a, const void *b)
{
	const struct uid_range *x = a;
	const struct uid_range *y = b;

	return (x->lo > y->lo) - (x->lo < y->lo);
}

void
uidset_normalise(struct uidset *s)
{
	size_t sorted = 1;

	while (sorted < s->n && s->r[sorted - 1].hi < s->r[sorted].lo)
		sorted++;
	if (sorted >= s->n)
		return;
	qsort(s->r, s->n, sizeof(*s->r), compare_ranges);
	size_t out = 0;
	for (size_t i = 1; i < s->n; i++) {
		if (!continues(&s->r[out], s->r[i].lo))
			s->r[++out] = s->r[i];
		else if (s->r[i].hi > s->r[out].hi)
			s->r[out].hi = s->r[i].hi;
	}
	s->n = out + 1;
}

bool
uidset_has(const struct uidset *s, uint32_t uid)
{
	size_t lo = 0;
	size_t hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (s->r[mid].hi < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->n && s->r[lo].lo <= uid;
}

enum err
uidset_add_difference(struct uidset *s, const struct uidset *a, const struct uidset *b)
{
	size_t k = 0;
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < a->n; i++) {
		uint64_t lo = a->r[i].lo;
		while (k < b->n && b->r[k].hi < lo)
			k++;
		for (size_t j = k; !e && j < b->n && b->r[j].lo <= a->r[i].hi; j++) {
			if (b->r[j].lo > lo)
				e = uidset_add(s, (uint32_t)lo, b->r[j].lo - 1);
			lo = (uint64_t)b->r[j].hi + 1;
		}
		if (!e && lo <= a->r[i].hi)
			e = uidset_add(s, (uint32_t)lo, a->r[i].hi);
	}
	return e;
}

enum err
uidset_add_common(struct uidset *s, const struct uidset *a, const struct uidset *b)
{
	size_t i = 0, k = 0;
	enum err e = ERR_OK;

	while (!e && i < a->n && k < b->n) {
		uint32_t lo = a->r[i].lo > b->r[k].lo ? a->r[i].lo : b->r[k].lo;
		uint32_t hi = a->r[i].hi < b->r[k].hi ? a->r[i].hi : b->r[k].hi;
		if (lo <= hi)
			e = uidset_add(s, lo, hi);
		if (a->r[i].hi < b->r[k].hi)
			i++;
		else
			k++;
	}
	return e;
}

uint64_t
uidset_count(const struct uidset *s)
{
	uint64_t count = 0;

	for (size_t i = 0; i < s->n; i++)
		count += (uint64_t)s->r[i].hi - s->r[i].lo + 1;
	return count;
}

void
uidset_print(const struct uidset *s, struct sbuf *out)
{
	for (size_t i = 0; i < s->n; i++) {
		if (i)
			sbuf_putc(out, ',');
		sbuf_u64(out, s->r[i].lo);
		if (s->r[i].hi != s->r[i].lo) {
			sbuf_putc(out, ':');
			sbuf_u64(out, s->r[i].hi);
		}
	}
}
