#include "common/mail/mime_private.h"

/* FNV-1a, so that the hashes of all prefixes of a line come out of one pass over it. */
#define HASH_START 0xcbf29ce484222325u
#define HASH_STEP(h, c) (((h) ^ (unsigned char)(c)) * 0x100000001b3u)

static size_t
bucket_of(uint64_t hash)
{
	return (hash ^ hash >> 32) & 0xff;
}

void
boundaries_init(struct mime_boundaries *b)
{
	memset(b, 0, sizeof(*b));
	memset(b->bucket, -1, sizeof(b->bucket));
}

void
boundaries_push(struct mime_boundaries *b, struct str text, int32_t node)
{
	uint64_t hash = HASH_START;

	text = str_sub(text, 0, BOUNDARY_MAX);
	for (size_t i = 0; i < text.n; i++)
		hash = HASH_STEP(hash, text.p[i]);
	int16_t *bucket = &b->bucket[bucket_of(hash)];
	b->stack[b->n] = (struct mime_boundary){text, hash, node, *bucket};
	*bucket = (int16_t)b->n++;
	b->of_length[text.n]++;
	if (text.n > b->longest)
		b->longest = text.n;
}

void
boundaries_pop(struct mime_boundaries *b)
{
	const struct mime_boundary *last = &b->stack[--b->n];

	/* the last one pushed is the newest of its bucket */
	b->bucket[bucket_of(last->hash)] = (int16_t)last->below;
	b->of_length[last->text.n]--;
}

static const struct mime_boundary *
find(const struct mime_boundaries *b, struct str text, uint64_t hash)
{
	for (int i = b->bucket[bucket_of(hash)]; i >= 0; i = b->stack[i].below)
		if (b->stack[i].hash == hash && str_eq(b->stack[i].text, text))
			return &b->stack[i];
	return NULL;
}

int32_t
boundaries_match(const struct mime_boundaries *b, struct str line, bool *ret_close)
{
	const struct mime_boundary *best = NULL;
	uint64_t hash = HASH_START;

	if (b->n == 0 || !str_starts(line, STR("--")))
		return -1;
	line = str_skip(line, 2);
	for (size_t i = 0; i < line.n && i < b->longest; i++) {
		hash = HASH_STEP(hash, line.p[i]);
		if (!b->of_length[i + 1])
			continue;
		const struct mime_boundary *found = find(b, str_sub(line, 0, i + 1), hash);
		if (found)
			best = found;
	}
	if (!best)
		return -1;
	*ret_close = str_starts(str_skip(line, best->text.n), STR("--"));
	return best->node;
}
