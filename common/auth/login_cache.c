#include "common/auth/password.h"

#include "common/base/clock.h"
#include "common/metrics/metrics.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#define TAG_SIZE 32
#define BUCKETS 1024
#define WAYS 4
#define HASH_MAX 256

/* A login that was right: its tag, and until when that is believed. */
struct remembered {
	unsigned char tag[TAG_SIZE];
	int64_t until_ms; /* 0: empty */
};

/* A table of fixed size; within a bucket the entry that ends first makes room. A tag is an HMAC,
 * so who chooses passwords does not choose buckets. */
struct login_cache {
	unsigned char key[32];
	int64_t lifetime_ms;
	pthread_mutex_t mu;
	struct remembered table[BUCKETS][WAYS]; /* guarded by mu */
};

struct login_cache *
login_cache_new(uint32_t lifetime_s)
{
	CLEANUP(mem_free) struct login_cache *c = calloc(1, sizeof(*c));

	if (!c || RAND_bytes(c->key, sizeof(c->key)) != 1)
		return NULL;
	if (pthread_mutex_init(&c->mu, NULL) != 0)
		return NULL;
	c->lifetime_ms = (int64_t)lifetime_s * 1000;
	return MOVE_PTR(c);
}

void
login_cache_free(struct login_cache **c)
{
	if (!*c)
		return;
	pthread_mutex_destroy(&(*c)->mu);
	OPENSSL_cleanse(*c, sizeof(**c));
	free(*c);
	*c = NULL;
}

static bool
make_tag(const struct login_cache *cache, int64_t account, struct str hash, struct str password,
    unsigned char tag[TAG_SIZE])
{
	unsigned char text[sizeof(account) + sizeof(size_t) + HASH_MAX + PASSWORD_MAX];
	size_t n = 0;

	if (hash.n > HASH_MAX || password.n > PASSWORD_MAX)
		return false;
	memcpy(text + n, &account, sizeof(account));
	n += sizeof(account);
	memcpy(text + n, &hash.n, sizeof(hash.n)); /* so that no two pairs read the same */
	n += sizeof(hash.n);
	if (hash.n)
		memcpy(text + n, hash.p, hash.n);
	n += hash.n;
	if (password.n)
		memcpy(text + n, password.p, password.n);
	n += password.n;
	bool ok = HMAC(EVP_sha256(), cache->key, sizeof(cache->key), text, n, tag, NULL) != NULL;
	OPENSSL_cleanse(text, sizeof(text));
	return ok;
}

static struct remembered *
bucket_of(struct login_cache *cache, const unsigned char tag[TAG_SIZE])
{
	uint32_t at;

	memcpy(&at, tag, sizeof(at));
	return cache->table[at % BUCKETS];
}

static bool
remembers(struct login_cache *cache, const unsigned char tag[TAG_SIZE])
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&cache->mu);
	struct remembered *bucket = bucket_of(cache, tag);
	int64_t now = clock_mono_ms();

	for (size_t i = 0; i < WAYS; i++)
		if (bucket[i].until_ms > now && CRYPTO_memcmp(bucket[i].tag, tag, TAG_SIZE) == 0)
			return true;
	return false;
}

static void
remember(struct login_cache *cache, const unsigned char tag[TAG_SIZE])
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&cache->mu);
	struct remembered *bucket = bucket_of(cache, tag);
	struct remembered *to = &bucket[0];

	for (size_t i = 1; i < WAYS; i++)
		if (bucket[i].until_ms < to->until_ms)
			to = &bucket[i];
	memcpy(to->tag, tag, TAG_SIZE);
	to->until_ms = clock_mono_ms() + cache->lifetime_ms;
}

/* False: nothing is remembered of such a login. */
static bool
may_know(const struct login_cache *cache, int64_t account, const struct credential *c,
    struct str password, unsigned char tag[TAG_SIZE])
{
	return cache && cache->lifetime_ms != 0 && c &&
	       make_tag(cache, account, c->hash, password, tag);
}

bool
login_is_remembered(
    struct login_cache *cache, int64_t account, const struct credential *c, struct str password)
{
	unsigned char tag[TAG_SIZE];

	if (!may_know(cache, account, c, password, tag))
		return false;
	bool hit = remembers(cache, tag);
	if (hit)
		METRICS_COUNT(login_cache_hits, 0);
	else
		METRICS_COUNT(login_cache_misses, 0);
	return hit;
}

void
login_remember(
    struct login_cache *cache, int64_t account, const struct credential *c, struct str password)
{
	unsigned char tag[TAG_SIZE];

	if (may_know(cache, account, c, password, tag))
		remember(cache, tag);
}

enum err
login_verify(
    struct login_cache *cache, int64_t account, const struct credential *c, struct str password)
{
	if (login_is_remembered(cache, account, c, password))
		return ERR_OK;
	enum err e = password_verify(c, password);
	if (!e)
		login_remember(cache, account, c, password);
	return e;
}
