#include "smtpd/outbound/table.h"

#include <openssl/rand.h>

#define BUCKETS_MIN 64

bool
table_init(struct table *t)
{
	*t = (struct table){.bucket_count = BUCKETS_MIN};
	t->buckets = calloc(t->bucket_count, sizeof(struct table_node *));
	return t->buckets && RAND_bytes((unsigned char *)&t->seed, (int)sizeof(t->seed)) == 1;
}

void
table_done(struct table *t)
{
	free(t->buckets);
	*t = (struct table){0};
}

/* The finish of splitmix64: every bit of the input reaches every bit of the result. */
static uint64_t
mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

uint64_t
table_hash_number(const struct table *t, uint64_t start, int64_t number)
{
	return mix((start ^ t->seed) + mix((uint64_t)number ^ t->seed));
}

uint64_t
table_hash(const struct table *t, uint64_t start, struct str name)
{
	uint64_t h = start ^ t->seed;

	while (name.n >= sizeof(uint64_t)) {
		uint64_t word;
		memcpy(&word, name.p, sizeof(word));
		h = mix(h + word) ^ t->seed;
		name = str_skip(name, sizeof(word));
	}
	uint64_t last = name.n;
	for (size_t i = 0; i < name.n; i++)
		last = last << 8 | (unsigned char)name.p[i];
	return mix(h + last);
}

static struct table_node **
bucket(const struct table *t, uint64_t hash)
{
	return &t->buckets[hash & (t->bucket_count - 1)];
}

static void
grow(struct table *t)
{
	struct table old = *t;
	struct table_node **buckets = calloc(old.bucket_count * 2, sizeof(struct table_node *));

	if (!buckets)
		return;
	t->buckets = buckets;
	t->bucket_count = old.bucket_count * 2;
	for (size_t i = 0; i < old.bucket_count; i++) {
		struct table_node *n = old.buckets[i];
		while (n) {
			struct table_node *next = n->next;
			struct table_node **at = bucket(t, n->hash);
			n->next = *at;
			*at = n;
			n = next;
		}
	}
	free(old.buckets);
}

void
table_put(struct table *t, struct table_node *n, uint64_t hash)
{
	if (t->count >= t->bucket_count)
		grow(t);
	n->hash = hash;
	struct table_node **at = bucket(t, hash);
	n->next = *at;
	*at = n;
	t->count++;
}

void
table_take(struct table *t, struct table_node *n)
{
	struct table_node **at = bucket(t, n->hash);

	while (*at && *at != n)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = n->next;
	n->next = NULL;
	t->count--;
}

struct table_node *
table_find(const struct table *t, uint64_t hash)
{
	struct table_node *n = *bucket(t, hash);

	while (n && n->hash != hash)
		n = n->next;
	return n;
}

struct table_node *
table_find_next(const struct table_node *n)
{
	uint64_t hash = n->hash;

	do
		n = n->next;
	while (n && n->hash != hash);
	return (struct table_node *)n;
}

struct table_node *
table_any(const struct table *t)
{
	for (size_t i = 0; t->count && i < t->bucket_count; i++)
		if (t->buckets[i])
			return t->buckets[i];
	return NULL;
}
