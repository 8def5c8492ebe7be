#include "common/base/arena.h"

#include <stdarg.h>
#include <stdio.h>

#define BLOCK_BYTES 4000 /* the smallest block, a page less malloc's own */

struct block {
	struct block *next;
	size_t cap;
	size_t used;
	max_align_t bytes[];
};

struct arena {
	struct block *top;
	size_t limit;
	size_t used;
	bool failed;
};

struct arena *
arena_new(size_t limit_bytes)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a)
		a->limit = limit_bytes;
	return a;
}

static void
free_blocks(struct block *b)
{
	while (b) {
		struct block *next = b->next;
		free(b);
		b = next;
	}
}

void
arena_free(struct arena **a)
{
	if (!*a)
		return;
	free_blocks((*a)->top);
	free(*a);
	*a = NULL;
}

void
arena_reset(struct arena *a)
{
	struct block *keep = NULL;

	for (struct block *b = a->top; b;) {
		struct block *next = b->next;
		if (!keep && b->cap <= BLOCK_BYTES)
			keep = b;
		else
			free(b);
		b = next;
	}
	if (keep) {
		keep->next = NULL;
		keep->used = 0;
	}
	a->top = keep;
	a->used = 0;
	a->failed = false;
}

void
arena_wipe(struct arena *a)
{
	for (struct block *b = a->top; b; b = b->next)
		explicit_bzero(b->bytes, b->used);
}

bool
arena_failed(const struct arena *a)
{
	return a->failed;
}

size_t
arena_used(const struct arena *a)
{
	return a->used;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	const size_t align = sizeof(max_align_t);
	size_t padded = n ? (n + align - 1) & ~(align - 1) : align;

	if (padded < n || padded > a->limit - a->used) {
		a->failed = true;
		return NULL;
	}
	struct block *b = a->top;
	if (!b || b->cap - b->used < padded) {
		size_t cap = b ? b->cap * 2 : BLOCK_BYTES;
		if (cap > 256 * 1024)
			cap = 256 * 1024;
		if (cap < padded)
			cap = padded;
		b = malloc(sizeof(*b) + cap);
		if (!b) {
			a->failed = true;
			return NULL;
		}
		b->next = a->top;
		b->cap = cap;
		b->used = 0;
		a->top = b;
	}
	void *p = (char *)b->bytes + b->used;
	b->used += padded;
	a->used += padded;
	memset(p, 0, padded);
	return p;
}

void *
arena_alloc_array(struct arena *a, size_t count, size_t size)
{
	size_t n;

	if (__builtin_mul_overflow(count, size, &n)) {
		a->failed = true;
		return NULL;
	}
	return arena_alloc(a, n);
}

struct str
arena_dup(struct arena *a, struct str s)
{
	char *copy = arena_alloc(a, s.n + 1);

	if (!copy)
		return (struct str){NULL, 0};
	if (s.n)
		memcpy(copy, s.p, s.n);
	return (struct str){copy, s.n};
}

char *
arena_cstr(struct arena *a, struct str s)
{
	return (char *)arena_dup(a, s).p;
}

struct str
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *out = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
	if (!out)
		return (struct str){NULL, 0};
	va_start(ap, fmt);
	vsnprintf(out, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return (struct str){out, (size_t)n};
}

void *
arena_grow(struct arena *a, void *array, size_t *cap, size_t need, size_t size)
{
	if (need <= *cap)
		return array;
	size_t wider = *cap ? *cap * 2 : 8;
	if (wider < need)
		wider = need;
	void *copy = arena_alloc_array(a, wider, size);
	if (!copy)
		return NULL;
	if (*cap)
		memcpy(copy, array, *cap * size);
	*cap = wider;
	return copy;
}
