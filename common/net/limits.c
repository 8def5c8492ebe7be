#include "common/net/limits.h"

#include "common/base/clock.h"

#include <netinet/in.h>
#include <string.h>

#define BUCKETS 4096
#define IDLE_ENTRIES_MAX 16384 /* remembered without an open connection: about 1 MB */
#define FAILURE_MEMORY_MS (10 * 60 * 1000)
#define DELAY_MAX_MS 15000
#define FREE_FAILURES 3 /* one wrong password in Thunderbird is three attempts */

struct key {
	unsigned char octets[16]; /* IPv4-mapped, or the /64 with zeros */
};

struct entry {
	struct entry *next;
	struct key key;
	uint32_t open;
	uint32_t failures;
	int64_t last_failure_ms;
};

struct limits {
	pthread_mutex_t mu; /* guards all that follows */
	uint32_t max_total, max_per_address;
	uint32_t total;
	uint32_t idle_entries;
	struct entry *buckets[BUCKETS];
};

struct limits *
limits_new(uint32_t max_total, uint32_t max_per_address)
{
	struct limits *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	pthread_mutex_init(&l->mu, NULL);
	l->max_total = max_total;
	l->max_per_address = max_per_address;
	return l;
}

void
limits_free(struct limits **lp)
{
	struct limits *l = MOVE_PTR(*lp);

	if (!l)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (l->buckets[i]) {
			struct entry *e = l->buckets[i];
			l->buckets[i] = e->next;
			free(e);
		}
	}
	pthread_mutex_destroy(&l->mu);
	free(l);
}

void
limits_set(struct limits *l, uint32_t max_total, uint32_t max_per_address)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);

	l->max_total = max_total;
	l->max_per_address = max_per_address;
}

/* The first `four` octets of an IPv4 address, or `six` of an IPv6 one. */
static void
cut_address(const struct sockaddr *peer, size_t four, size_t six, unsigned char *ret)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	const struct in6_addr *a = &((const struct sockaddr_in6 *)peer)->sin6_addr;

	memset(ret, 0, LIMITS_KEY_SIZE);
	if (peer->sa_family == AF_INET) {
		memcpy(ret, mapped, 12);
		memcpy(ret + 12, &((const struct sockaddr_in *)peer)->sin_addr, four);
	} else if (peer->sa_family == AF_INET6) {
		memcpy(ret, a, IN6_IS_ADDR_V4MAPPED(a) ? 12 + four : six);
	}
}

void
limits_address(const struct sockaddr *peer, unsigned char ret[LIMITS_KEY_SIZE])
{
	cut_address(peer, 4, 8, ret);
}

void
limits_network(const struct sockaddr *peer, unsigned char ret[LIMITS_KEY_SIZE])
{
	cut_address(peer, 3, 6, ret);
}

static struct entry **
bucket_of(struct limits *l, const struct key *k)
{
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a; an attacker gains a longer list of at most its
					     own addresses */

	for (size_t i = 0; i < sizeof(k->octets); i++)
		h = (h ^ k->octets[i]) * 0x100000001b3u;
	return &l->buckets[(h ^ h >> 32) % BUCKETS];
}

static struct entry *
find(struct limits *l, const struct sockaddr *peer, bool make)
{
	struct key k = {{0}};

	limits_address(peer, k.octets);
	struct entry **bucket = bucket_of(l, &k);

	for (struct entry *e = *bucket; e; e = e->next)
		if (memcmp(&e->key, &k, sizeof(k)) == 0)
			return e;
	if (!make)
		return NULL;
	struct entry *e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->key = k;
	e->next = *bucket;
	*bucket = e;
	l->idle_entries++;
	return e;
}

static bool
is_forgettable(const struct entry *e, int64_t now, bool pressed)
{
	return e->open == 0 &&
	       (e->failures == 0 || pressed || now - e->last_failure_ms > FAILURE_MEMORY_MS);
}

static void
sweep(struct limits *l, bool pressed)
{
	int64_t now = clock_mono_ms();

	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct entry **at = &l->buckets[i]; *at;) {
			struct entry *e = *at;
			if (is_forgettable(e, now, pressed)) {
				*at = e->next;
				free(e);
				l->idle_entries--;
			} else {
				at = &e->next;
			}
		}
	}
}

static void
make_room(struct limits *l)
{
	if (l->idle_entries < IDLE_ENTRIES_MAX)
		return;
	sweep(l, false);
	if (l->idle_entries > IDLE_ENTRIES_MAX / 2)
		sweep(l,
		    true); /* a flood from everywhere: memory comes before remembering failures */
}

enum err
limits_enter(struct limits *l, const struct sockaddr *peer)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);

	if (l->total >= l->max_total)
		return ERR_BUSY;
	if (peer->sa_family != AF_UNIX) { /* local sockets have no address to count by */
		make_room(l);
		struct entry *e = find(l, peer, true);
		if (!e)
			return ERR_BUSY;
		if (e->open >= l->max_per_address)
			return ERR_LIMIT;
		if (e->open++ == 0)
			l->idle_entries--;
	}
	l->total++;
	return ERR_OK;
}

void
limits_leave(struct limits *l, const struct sockaddr *peer)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);

	l->total--;
	struct entry *e = peer->sa_family == AF_UNIX ? NULL : find(l, peer, false);
	if (e && --e->open == 0) {
		l->idle_entries++;
		make_room(l);
	}
}

uint32_t
limits_total(struct limits *l)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);

	return l->total;
}

int64_t
limits_login_failed(struct limits *l, const struct sockaddr *peer, uint32_t base_ms)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);
	int64_t now = clock_mono_ms();
	struct entry *e = find(l, peer, true);

	if (!e)
		return DELAY_MAX_MS;
	if (now - e->last_failure_ms > FAILURE_MEMORY_MS)
		e->failures = 0;
	e->last_failure_ms = now;
	if (e->failures < 30)
		e->failures++;
	int64_t delay = base_ms;
	for (uint32_t i = FREE_FAILURES; i < e->failures && delay < DELAY_MAX_MS; i++)
		delay *= 2;
	return delay < DELAY_MAX_MS ? delay : DELAY_MAX_MS;
}

void
limits_login_succeeded(struct limits *l, const struct sockaddr *peer)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);
	struct entry *e = find(l, peer, false);

	if (e)
		e->failures = 0;
}
