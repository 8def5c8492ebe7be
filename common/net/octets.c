#include "common/net/conn_private.h"

#define OCTETS_FIRST 1024
#define TRICKLE 256 /* what a line that comes octet by octet holds between turns */

char *
octets_reserve(struct octets *o, size_t n)
{
	if (o->start && o->start + o->n + n > o->cap) {
		memmove(o->p, o->p + o->start, o->n);
		o->start = 0;
	}
	if (o->n + n > o->cap) {
		size_t cap = o->cap ? o->cap : OCTETS_FIRST;
		while (cap < o->n + n)
			cap *= 2;
		char *p = realloc(o->p, cap);
		if (!p)
			return NULL;
		o->p = p;
		o->cap = cap;
	}
	return o->p + o->start + o->n;
}

void
octets_take(struct octets *o, size_t n)
{
	o->start += n;
	o->n -= n;
	if (o->n == 0)
		o->start = 0;
}

void
octets_relax(struct octets *o)
{
	if (o->n == 0) {
		octets_free(o);
	} else if (o->cap > TRICKLE && o->n <= TRICKLE) {
		/* Copied, since realloc() would leave a hole that nothing fits. */
		char *p = malloc(TRICKLE);
		if (!p)
			return;
		memcpy(p, o->p + o->start, o->n);
		free(o->p);
		*o = (struct octets){.p = p, .n = o->n, .cap = TRICKLE};
	}
}

void
octets_free(struct octets *o)
{
	free(o->p);
	*o = (struct octets){0};
}
