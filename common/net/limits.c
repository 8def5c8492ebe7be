#include "common/net/limits.h"

#include "common/base/clock.h"
#include "common/base/siphash.h"

#include <netinet/in.h>
#include <openssl/rand.h>
#include <string.h>

#define BUCKETS 4096
#define IDLE_ENTRIES_MAX 16384 /* remembered without an open connection: about 1 MB */
#define FAILURE_MEMORY_MS (10 * 60 * 1000)
#define DELAY_MAX_MS 15000
#define FREE_FAILURES 3 /* one wrong password in Thunderbird is three attempts */
#define FAILURES_MAX 10000 /* counted: more make no difference */
#define STEPS 15 /* of failures, each twice as many: 2^14 > FAILURES_MAX */
#define AGES 60 /* of the last failure */
#define WORTHS (2 * STEPS * AGES)
#define NETWORK_SHARE 16 /* so many failures of a network are as one of an address */

enum kind { ADDRESS = 1, NETWORK, NAME };

struct key {
	unsigned char octets[LIMITS_KEY_SIZE];
	unsigned char kind;
};

struct entry {
	struct entry *next;
	struct key key;
	uint32_t open;
	uint32_t strangers; /* of them */
	uint32_t failures;
	int64_t last_failure_ms;
};

struct limits {
	pthread_mutex_t mu; /* guards all that follows */
	struct limits_max max;
	uint32_t total;
	uint32_t idle_entries;
	unsigned char hash_key[SIPHASH_KEY_SIZE]; /* set once */
	struct entry *buckets[BUCKETS];
};

struct limits *
limits_new(const struct limits_max *max)
{
	CLEANUP(mem_free) struct limits *l = calloc(1, sizeof(*l));

	if (!l || RAND_bytes(l->hash_key, sizeof(l->hash_key)) != 1)
		return NULL;
	pthread_mutex_init(&l->mu, NULL);
	l->max = *max;
	return MOVE_PTR(l);
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
limits_set(struct limits *l, const struct limits_max *max)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);

	l->max = *max;
}

/* -- peers --------------------------------------------------------------------------------------
 */

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

/* The first `four` octets of an IPv4 address, or `six` of an IPv6 one. */
static void
cut_address(const struct sockaddr *peer, size_t four, size_t six, unsigned char *ret)
{
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

/* An address that is not this machine's. */
static bool
has_network(const struct sockaddr *peer)
{
	unsigned char whole[LIMITS_KEY_SIZE];

	cut_address(peer, 4, 16, whole);
	if (memcmp(whole, mapped, 12) == 0)
		return whole[12] != 127;
	return peer->sa_family == AF_INET6 &&
	       !IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)peer)->sin6_addr);
}

/* -- entries; all with mu held ------------------------------------------------------------------
 */

static struct entry *
find_key(struct limits *l, const struct key *k, bool make)
{
	uint64_t hash = siphash(l->hash_key, str_make(k, sizeof(*k)));
	struct entry **bucket = &l->buckets[hash % BUCKETS];

	for (struct entry *e = *bucket; e; e = e->next)
		if (memcmp(&e->key, k, sizeof(*k)) == 0)
			return e;
	struct entry *e = make ? calloc(1, sizeof(*e)) : NULL;
	if (!e)
		return NULL;
	e->key = *k;
	e->next = *bucket;
	*bucket = e;
	l->idle_entries++;
	return e;
}

static struct entry *
find(struct limits *l, const struct sockaddr *peer, enum kind kind, bool make)
{
	struct key k = {.kind = (unsigned char)kind};

	if (kind == NETWORK && !has_network(peer))
		return NULL;
	if (kind == NETWORK)
		limits_network(peer, k.octets);
	else
		limits_address(peer, k.octets);
	return find_key(l, &k, make);
}

/* A name that is tried from an address. It has failures only. */
static struct entry *
find_name(struct limits *l, const struct sockaddr *peer, struct str name, bool make)
{
	struct key k = {.kind = NAME};
	unsigned char address[LIMITS_KEY_SIZE];

	limits_address(peer, address);
	uint64_t hash = siphash_name(l->hash_key, str_make(address, sizeof(address)), name);
	memcpy(k.octets, &hash, sizeof(hash));
	return find_key(l, &k, make);
}

static void
sweep(struct limits *l, bool (*goes)(const struct entry *e, void *arg), void *arg)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct entry **at = &l->buckets[i]; *at;) {
			struct entry *e = *at;
			if (e->open == 0 && goes(e, arg)) {
				*at = e->next;
				free(e);
				l->idle_entries--;
			} else {
				at = &e->next;
			}
		}
	}
}

static bool
is_forgettable(const struct entry *e, void *arg)
{
	const int64_t *now = arg;

	return e->failures == 0 || *now - e->last_failure_ms > FAILURE_MEMORY_MS;
}

/* -- a flood from everywhere: memory comes before remembering failures; all with mu held ---------
 */

/* What is to go: all below a worth, and some of that worth. */
struct pressure {
	int64_t now;
	uint32_t count[WORTHS]; /* idle entries of each */
	unsigned worth;
	uint32_t some;
};

/* Names only forgive, and go first; then what holds nobody back or the least; of the same the
 * oldest. */
static unsigned
worth(const struct entry *e, int64_t now)
{
	unsigned weight = e->key.kind == NETWORK ? e->failures / NETWORK_SHARE : e->failures;
	unsigned steps = 0;
	int64_t age = (now - e->last_failure_ms) / (FAILURE_MEMORY_MS / AGES);

	for (; weight > 0 && steps < STEPS - 1; weight /= 2)
		steps++;
	if (e->key.kind != NAME)
		steps += STEPS;
	return steps * AGES + (age < AGES ? AGES - 1 - (unsigned)age : 0);
}

static bool
count_worth(const struct entry *e, void *arg)
{
	struct pressure *p = arg;

	p->count[worth(e, p->now)]++;
	return false;
}

static bool
is_pressed_out(const struct entry *e, void *arg)
{
	struct pressure *p = arg;
	unsigned w = worth(e, p->now);

	if (w != p->worth)
		return w < p->worth;
	return p->some > 0 && p->some--;
}

static void
press(struct limits *l, uint32_t entries)
{
	struct pressure p = {.now = clock_mono_ms(), .some = entries};

	sweep(l, count_worth, &p);
	while (p.worth + 1 < WORTHS && p.some > p.count[p.worth])
		p.some -= p.count[p.worth++];
	sweep(l, is_pressed_out, &p);
}

static void
make_room(struct limits *l)
{
	if (l->idle_entries < IDLE_ENTRIES_MAX)
		return;
	int64_t now = clock_mono_ms();
	sweep(l, is_forgettable, &now);
	if (l->idle_entries > IDLE_ENTRIES_MAX / 2)
		press(l, l->idle_entries - IDLE_ENTRIES_MAX / 2);
}

static void
count(struct limits *l, struct entry *e, bool stranger)
{
	if (!e)
		return;
	if (e->open++ == 0)
		l->idle_entries--;
	e->strangers += stranger;
}

static void
uncount(struct limits *l, struct entry *e, bool stranger)
{
	if (!e)
		return;
	e->strangers -= stranger;
	if (--e->open == 0)
		l->idle_entries++;
}

/* -- connections --------------------------------------------------------------------------------
 */

static enum err
check_shares(const struct limits *l, const struct entry *address, const struct entry *network,
    bool stranger, const char **ret_option)
{
	if (address->open >= l->max.per_address) {
		*ret_option = "max_connections_per_address";
		return ERR_LIMIT;
	}
	if (network && network->open >= l->max.per_network) {
		*ret_option = "max_connections_per_network";
		return ERR_DENIED;
	}
	if (network && stranger && network->strangers >= l->max.strangers_per_network) {
		*ret_option = "max_logins_per_network";
		return ERR_DENIED;
	}
	return ERR_OK;
}

enum err
limits_enter(struct limits *l, const struct sockaddr *peer, bool stranger, const char **ret_option)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);

	*ret_option = "max_connections";
	if (l->total >= l->max.total)
		return ERR_BUSY;
	if (peer->sa_family != AF_UNIX) { /* local sockets have no address to count by */
		make_room(l);
		struct entry *address = find(l, peer, ADDRESS, true);
		struct entry *network = find(l, peer, NETWORK, true);
		if (!address || (!network && has_network(peer)))
			return ERR_BUSY;
		enum err e = check_shares(l, address, network, stranger, ret_option);
		if (e)
			return e;
		count(l, address, stranger);
		count(l, network, stranger);
	}
	l->total++;
	return ERR_OK;
}

void
limits_leave(struct limits *l, const struct sockaddr *peer, bool stranger)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);

	l->total--;
	if (peer->sa_family == AF_UNIX)
		return;
	uncount(l, find(l, peer, ADDRESS, false), stranger);
	uncount(l, find(l, peer, NETWORK, false), stranger);
	make_room(l);
}

void
limits_known(struct limits *l, const struct sockaddr *peer)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);
	struct entry *of[] = {find(l, peer, ADDRESS, false), find(l, peer, NETWORK, false)};

	for (size_t i = 0; i < ARRAY_LEN(of); i++)
		if (of[i] && of[i]->strangers)
			of[i]->strangers--;
}

uint32_t
limits_total(struct limits *l)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);

	return l->total;
}

/* -- logins -------------------------------------------------------------------------------------
 */

static uint32_t
count_failure(struct entry *e, int64_t now)
{
	if (!e)
		return 0;
	if (now - e->last_failure_ms > FAILURE_MEMORY_MS)
		e->failures = 0;
	e->last_failure_ms = now;
	if (e->failures < FAILURES_MAX)
		e->failures++;
	return e->failures;
}

int64_t
limits_login_failed(
    struct limits *l, const struct sockaddr *peer, struct str name, uint32_t base_ms)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);
	int64_t now = clock_mono_ms();

	make_room(l);
	struct entry *address = find(l, peer, ADDRESS, true);
	if (!address)
		return DELAY_MAX_MS;
	count_failure(find_name(l, peer, name, true), now);
	uint32_t failures = count_failure(address, now);
	uint32_t shared = count_failure(find(l, peer, NETWORK, true), now) / NETWORK_SHARE;
	if (shared > failures)
		failures = shared;
	int64_t delay = base_ms;
	for (uint32_t i = FREE_FAILURES; i < failures && delay < DELAY_MAX_MS; i++)
		delay *= 2;
	return delay < DELAY_MAX_MS ? delay : DELAY_MAX_MS;
}

static void
forgive(struct entry *e, uint32_t failures)
{
	if (e)
		e->failures -= failures < e->failures ? failures : e->failures;
}

void
limits_login_succeeded(struct limits *l, const struct sockaddr *peer, struct str name)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);
	struct entry *tried = find_name(l, peer, name, false);

	if (!tried)
		return;
	if (clock_mono_ms() - tried->last_failure_ms <= FAILURE_MEMORY_MS) {
		forgive(find(l, peer, ADDRESS, false), tried->failures);
		/* nor do they weigh on its neighbours any more */
		forgive(find(l, peer, NETWORK, false), tried->failures);
	}
	tried->failures = 0;
}
