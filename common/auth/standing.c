#include "common/auth/standing.h"

#include "common/base/clock.h"
#include "common/base/siphash.h"

#include <openssl/rand.h>

#define BUCKETS 4096
#define WAYS 4

struct entry {
	uint64_t tag; /* 0: empty */
	int64_t tried_ms; /* last */
	int64_t right_ms; /* of a pair: last; 0 else */
	uint64_t tries; /* since one was right */
};

struct standing {
	unsigned char key[SIPHASH_KEY_SIZE];
	pthread_mutex_t mu;
	struct entry table[BUCKETS][WAYS]; /* guarded by mu */
};

struct standing *
standing_new(void)
{
	CLEANUP(mem_free) struct standing *s = calloc(1, sizeof(*s));

	if (!s || RAND_bytes(s->key, sizeof(s->key)) != 1)
		return NULL;
	if (pthread_mutex_init(&s->mu, NULL) != 0)
		return NULL;
	return MOVE_PTR(s);
}

void
standing_free(struct standing **sp)
{
	struct standing *s = MOVE_PTR(*sp);

	if (!s)
		return;
	pthread_mutex_destroy(&s->mu);
	free(s);
}

/* A letter for what it is of, an address, and a name whose case does not matter to anybody. */
static uint64_t
hash(const struct standing *s, char what, const unsigned char *address, struct str name)
{
	char before[1 + STANDING_ADDRESS_SIZE] = {what};

	memcpy(before + 1, address, STANDING_ADDRESS_SIZE);
	uint64_t h = siphash_name(s->key, str_make(before, sizeof(before)), name);
	return h ? h : 1;
}

struct standing_key
standing_key(const struct standing *s, const struct standing_who *who)
{
	return (struct standing_key){
	    .address = hash(s, 'a', who->address, STR("")),
	    .network = hash(s, 'n', who->network, STR("")),
	    .pair = hash(s, 'p', who->network, who->name),
	};
}

static struct entry *
find(struct standing *s, uint64_t tag)
{
	struct entry *bucket = s->table[tag % BUCKETS];

	for (size_t i = 0; i < WAYS; i++)
		if (bucket[i].tag == tag)
			return &bucket[i];
	return NULL;
}

/* Of what was last heard of longest ago; who was right counts as heard of a day later. */
static int64_t
worth(const struct entry *e)
{
	int64_t right = e->right_ms ? e->right_ms + STANDING_RIGHT_MS : 0;

	return right > e->tried_ms ? right : e->tried_ms;
}

static struct entry *
find_or_make(struct standing *s, uint64_t tag)
{
	struct entry *bucket = s->table[tag % BUCKETS];
	struct entry *e = find(s, tag);

	if (e)
		return e;
	e = &bucket[0];
	for (size_t i = 1; i < WAYS && e->tag; i++)
		if (!bucket[i].tag || worth(&bucket[i]) < worth(e))
			e = &bucket[i];
	*e = (struct entry){.tag = tag};
	return e;
}

static void
count_try(struct entry *e, int64_t now)
{
	if (now - e->tried_ms > STANDING_ATTEMPTS_MS)
		e->tries = 0;
	e->tries++;
	e->tried_ms = now;
}

void
standing_tries(struct standing *s, const struct standing_key *k)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&s->mu);
	int64_t now = clock_mono_ms();

	count_try(find_or_make(s, k->address), now);
	count_try(find_or_make(s, k->network), now);
	/* there since it was right, unless one of the others has just taken its place */
	struct entry *pair = find(s, k->pair);
	if (pair)
		count_try(pair, now);
}

static uint64_t
tries_of(const struct entry *e, int64_t now)
{
	return e && now - e->tried_ms <= STANDING_ATTEMPTS_MS ? e->tries : 0;
}

static void
forgive(struct entry *e, uint64_t tries)
{
	if (e)
		e->tries -= tries < e->tries ? tries : e->tries;
}

void
standing_was_right(struct standing *s, const struct standing_key *k)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&s->mu);
	struct entry *address = find(s, k->address);
	struct entry *network = find(s, k->network);
	struct entry *pair = find(s, k->pair);
	int64_t now = clock_mono_ms();
	/* what was tried of an account before it was right here for the first time is not known:
	 * no more than somebody mistypes, or each account of a guesser would buy them all anew */
	uint64_t own = pair ? tries_of(pair, now) : STANDING_TRIES;

	if (!address)
		own = 0;
	else if (own > address->tries)
		own = address->tries;
	forgive(address, own);
	forgive(network, own); /* it does not weigh on its neighbours any more either */
	pair = find_or_make(s, k->pair);
	pair->tries = 0;
	pair->right_ms = now;
}

unsigned
standing_rank(struct standing *s, const struct standing_key *k)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&s->mu);
	int64_t now = clock_mono_ms();
	const struct entry *pair = find(s, k->pair);

	if (pair && pair->right_ms && now - pair->right_ms <= STANDING_RIGHT_MS &&
	    tries_of(pair, now) <= STANDING_TRIES)
		return 0;
	uint64_t weight = tries_of(find(s, k->address), now);
	uint64_t shared = tries_of(find(s, k->network), now) / STANDING_SHARE;
	unsigned rank = 1;
	if (shared > weight)
		weight = shared;
	for (; weight > 1 && rank < STANDING_RANKS - 1; weight /= 2)
		rank++;
	return rank;
}
