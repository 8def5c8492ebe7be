#include "common/net/conn_private.h"

#include <openssl/crypto.h>

#define OCTETS_FIRST 1024
#define TRICKLE 256 /* what a line that comes octet by octet holds between turns */

/* Where there is nothing, there may be no memory either, to count `at` from. */
static void
wipe(struct octets *o, size_t at, size_t n)
{
	if (o->wipes && n)
		OPENSSL_cleanse(o->p + at, n);
}

/* What is held goes to a piece of memory of another size. False: none. */
static bool
move(struct octets *o, size_t cap)
{
	char *p = malloc(cap);

	if (!p)
		return false;
	size_t n = o->n;
	if (n)
		memcpy(p, o->p + o->start, n);
	octets_free(o);
	o->p = p;
	o->n = n;
	o->cap = cap;
	return true;
}

char *
octets_reserve(struct octets *o, size_t n)
{
	if (o->start && o->start + o->n + n > o->cap) {
		memmove(o->p, o->p + o->start, o->n);
		wipe(o, o->n, o->start);
		o->start = 0;
	}
	if (o->n + n > o->cap) {
		size_t cap = o->cap ? o->cap : OCTETS_FIRST;
		while (cap < o->n + n)
			cap *= 2;
		if (o->wipes) {
			if (!move(o, cap))
				return NULL;
			return o->p + o->n;
		}
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
	wipe(o, o->start, n);
	o->start += n;
	o->n -= n;
	if (o->n == 0)
		o->start = 0;
}

void
octets_relax(struct octets *o)
{
	size_t cap = TRICKLE;

	if (o->n == 0) {
		octets_free(o);
		return;
	}
	while (cap < o->n)
		cap *= 2;
	if (o->cap >= 4 * cap) /* or the next octets would have all of it copied again */
		/* Copied, since realloc() would leave a hole that nothing fits. */
		(void)move(o, cap);
}

void
octets_free(struct octets *o)
{
	wipe(o, o->start, o->n);
	free(o->p);
	*o = (struct octets){.wipes = o->wipes};
}
