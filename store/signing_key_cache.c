/* The rows of domains whose mail was sent last. They are good as long as nobody, of whatever
 * process, has committed to the directory since (db_stamp()); to find that out takes no system
 * call. */
#include "store/signing_key_private.h"

#include "store/store_private.h"

#define CACHE_DOMAINS 64
#define CACHE_ARENA (256 * 1024) /* SIGNING_KEYS_MAX of a domain */

struct cached {
	struct arena *arena; /* of what follows; NULL: nothing */
	struct str domain; /* as it was asked for */
	struct db_stamp stamp;
	struct signing_key *keys;
	size_t n;
};

struct signing_key_cache {
	pthread_mutex_t mu;
	struct cached domains[CACHE_DOMAINS]; /* guarded by mu; each where its name leads */
};

struct signing_key_cache *
signing_key_cache_new(void)
{
	struct signing_key_cache *c = calloc(1, sizeof(*c));

	if (c)
		pthread_mutex_init(&c->mu, NULL);
	return c;
}

void
signing_key_cache_free(struct signing_key_cache **cp)
{
	struct signing_key_cache *c = MOVE_PTR(*cp);

	if (!c)
		return;
	for (size_t i = 0; i < CACHE_DOMAINS; i++)
		arena_free(&c->domains[i].arena);
	pthread_mutex_destroy(&c->mu);
	free(c);
}

static struct cached *
place_of(struct signing_key_cache *c, struct str domain)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < domain.n; i++)
		h = (h ^ (unsigned char)domain.p[i]) * 16777619u;
	return &c->domains[h % CACHE_DOMAINS];
}

static enum err
copy_keys(const struct signing_key *from, size_t n, struct arena *arena, struct signing_key **ret)
{
	struct signing_key *to = arena_alloc_array(arena, n, sizeof(*to));

	for (size_t i = 0; to && i < n; i++) {
		to[i] = from[i];
		to[i].domain = arena_dup(arena, from[i].domain);
		to[i].selector = arena_dup(arena, from[i].selector);
		to[i].algorithm = arena_dup(arena, from[i].algorithm);
	}
	if (!to || arena_failed(arena))
		return ERR_NOMEM;
	*ret = to;
	return ERR_OK;
}

bool
signing_key_cache_get(struct signing_key_cache *c, struct str domain, const struct db_stamp *now,
    struct arena *arena, struct signing_key **ret, size_t *ret_n)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&c->mu);
	const struct cached *d = place_of(c, domain);

	(void)held;
	if (!d->arena || !str_eq(d->domain, domain) || !db_stamp_eq(&d->stamp, now) ||
	    copy_keys(d->keys, d->n, arena, ret))
		return false;
	*ret_n = d->n;
	return true;
}

void
signing_key_cache_put(struct signing_key_cache *c, struct str domain, const struct db_stamp *before,
    const struct signing_key *keys, size_t n)
{
	struct cached fresh = {.arena = arena_new(CACHE_ARENA), .stamp = *before, .n = n};

	if (!fresh.arena)
		return;
	fresh.domain = arena_dup(fresh.arena, domain);
	if (copy_keys(keys, n, fresh.arena, &fresh.keys)) {
		arena_free(&fresh.arena);
		return;
	}
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&c->mu);
	struct cached *d = place_of(c, domain);
	struct arena *old = d->arena;
	(void)held;
	*d = fresh;
	arena_free(&old);
}
