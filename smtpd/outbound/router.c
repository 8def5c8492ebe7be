#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/siphash.h"
#include "smtpd/outbound/route_private.h"
#include "store/directory.h"

#include <openssl/rand.h>

#define BUCKETS 4096
#define OWN_FRESH_MS 60000
#define LOOKUP_ARENA_MAX (1024 * 1024)
#define FAILED_FETCHES 1024
#define FIND_ARENA_MAX (STS_POLICY_MAX + 16 * 1024)

/* What is known of a domain, or being asked. */
struct entry {
	struct entry *next; /* in its bucket */
	struct entry *newer, *older; /* by the time they were made */
	struct route *route; /* or NULL */
	struct lookup *lookup; /* or NULL */
	uint64_t hash;
	size_t n;
	char domain[];
};

struct router {
	/* Of the hashes: who sends to domains of their choice shall not make one look like another
	 * whose policy could not be fetched, nor have all be found behind each other. */
	unsigned char key[SIPHASH_KEY_SIZE];
	struct store *store;
	struct sts_fetcher *fetcher;
	pthread_mutex_t mu;
	struct dns *dns; /* NULL after router_end(); guarded by mu, as is all that follows */
	struct route_config *config;
	struct own_addresses own;
	int64_t own_ms; /* when they were read */
	struct entry *buckets[BUCKETS];
	struct entry *newest, *oldest;
	size_t entries;
	size_t running; /* lookups with questions open */
	struct lookup *head, **tail; /* that wait for their turn */
	size_t waiters;
	/* fetches of policies in vain, by the domain's hash */
	struct {
		uint64_t hash;
		int64_t again_ms;
	} failed[FAILED_FETCHES];
};

/* One call of route_find(). */
struct asked {
	struct str name; /* of the domain, or a literal */
	const struct route_rule *rule; /* or NULL */
	struct sts_cached cached; /* .policy.p NULL: there is none */
	void (*fn)(void *arg, struct route *route);
	void *arg;
};

/* -- entries; all with mu held ---------------------------------------------------------------- */

static struct entry *
find_entry(struct router *r, struct str domain)
{
	uint64_t hash = siphash(r->key, domain);

	for (struct entry *e = r->buckets[hash % BUCKETS]; e; e = e->next)
		if (e->hash == hash && str_eq(str_make(e->domain, e->n), domain))
			return e;
	return NULL;
}

static void
remove_entry(struct router *r, struct entry *e)
{
	struct entry **at = &r->buckets[e->hash % BUCKETS];

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	*(e->newer ? &e->newer->older : &r->newest) = e->older;
	*(e->older ? &e->older->newer : &r->oldest) = e->newer;
	r->entries--;
	route_unref(&e->route);
	free(e);
}

/* Makes room by forgetting the oldest routes; those being looked up stay. */
static void
make_room(struct router *r)
{
	for (struct entry *e = r->oldest; e && r->entries >= ROUTES_MAX;) {
		struct entry *newer = e->newer;
		if (!e->lookup)
			remove_entry(r, e);
		e = newer;
	}
}

static struct entry *
add_entry(struct router *r, struct str domain)
{
	make_room(r);
	struct entry *e = calloc(1, sizeof(*e) + domain.n + 1);
	if (!e)
		return NULL;
	e->hash = siphash(r->key, domain);
	e->n = domain.n;
	memcpy(e->domain, domain.p, domain.n);
	e->next = r->buckets[e->hash % BUCKETS];
	r->buckets[e->hash % BUCKETS] = e;
	e->older = r->newest;
	*(r->newest ? &r->newest->newer : &r->oldest) = e;
	r->newest = e;
	r->entries++;
	return e;
}

/* -- lookups; with mu held where not said otherwise ------------------------------------------- */

static void
free_lookup(struct lookup *l)
{
	struct arena *arena = l->arena;

	route_config_unref(&l->config);
	arena_free(&arena);
}

static struct lookup *
new_lookup(struct router *r, struct entry *e, const struct asked *q)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(LOOKUP_ARENA_MAX);
	struct lookup *l = arena ? ARENA_NEW(arena, struct lookup) : NULL;

	if (!l)
		return NULL;
	*l = (struct lookup){.router = r,
	    .entry = e,
	    .config = route_config_ref(r->config),
	    .settings = r->config->settings,
	    .own = &r->own,
	    .store = r->store,
	    .fetcher = r->fetcher,
	    .arena = arena};
	l->waiters_tail = &l->waiters;
	l->facts = (struct domain_facts){
	    .arena = arena, .domain = str_make(e->domain, e->n), .ttl_s = UINT32_MAX};
	if (q->rule)
		lookup_use_rule(l, q->rule);
	if (q->cached.policy.p) {
		l->sts_cached = q->cached;
		l->sts_cached.id = arena_dup(arena, q->cached.id);
		l->sts_cached.policy = arena_dup(arena, q->cached.policy);
	}
	e->lookup = l;
	arena = NULL;
	return l;
}

static enum err
add_waiter(struct lookup *l, const struct asked *q)
{
	struct router *r = l->router;

	if (r->waiters >= ROUTE_WAITERS_MAX)
		return ERR_BUSY;
	struct waiter *w = malloc(sizeof(*w));
	if (!w)
		return ERR_NOMEM;
	*w = (struct waiter){.fn = q->fn, .arg = q->arg};
	*l->waiters_tail = w;
	l->waiters_tail = &w->next;
	l->waiter_count++;
	r->waiters++;
	return ERR_OK;
}

void
lookup_step_aside(struct lookup *l)
{
	if (l->counted)
		l->router->running--;
	l->counted = false;
}

/* The facts of `l` are complete: its route is remembered. It joins `done`, for tell(). */
static void
finish(struct lookup *l, struct lookup **done)
{
	struct router *r = l->router;
	struct entry *e = l->entry;

	l->route = l->facts.rule ? route_build_by_rule(&l->facts, l->config)
				 : route_build(&l->facts, &l->settings);
	if (!l->route)
		l->route =
		    route_make(ROUTE_LATER, l->facts.domain, 451, "4.3.0", STR("out of memory"), 0);
	e->lookup = NULL;
	/* after a reload others may hold, for the next one */
	e->route = l->route && l->config == r->config ? route_ref(l->route) : NULL;
	lookup_step_aside(l);
	r->waiters -= l->waiter_count;
	l->next = *done;
	*done = l;
}

static void
start_waiting(struct router *r, struct lookup **done)
{
	struct lookup *l;

	while (r->running < ROUTE_LOOKUPS_MAX && (l = r->head)) {
		r->head = l->next;
		if (!r->head)
			r->tail = &r->head;
		r->running++;
		l->counted = true;
		if (lookup_begin(l, r->dns))
			finish(l, done);
	}
}

/* Without the lock. */
static void
tell(struct lookup *done)
{
	while (done) {
		struct lookup *l = done;
		struct waiter *w;
		done = l->next;
		while ((w = l->waiters)) {
			l->waiters = w->next;
			w->fn(w->arg, l->route ? route_ref(l->route) : NULL);
			free(w);
		}
		route_unref(&l->route);
		free_lookup(l);
	}
}

struct dns *
lookup_lock(struct lookup *l)
{
	pthread_mutex_lock(&l->router->mu);
	return l->router->dns;
}

void
lookup_unlock(struct lookup *l, bool completes)
{
	struct router *r = l->router;
	struct lookup *done = NULL;

	if (completes)
		finish(l, &done);
	start_waiting(r, &done);
	pthread_mutex_unlock(&r->mu);
	tell(done);
}

bool
lookup_may_fetch(const struct lookup *l)
{
	uint64_t hash = l->entry->hash;

	return l->router->failed[hash % FAILED_FETCHES].hash != hash ||
	       l->router->failed[hash % FAILED_FETCHES].again_ms <= clock_mono_ms();
}

void
lookup_fetch_failed(struct lookup *l)
{
	uint64_t hash = l->entry->hash;

	l->router->failed[hash % FAILED_FETCHES].hash = hash;
	l->router->failed[hash % FAILED_FETCHES].again_ms = clock_mono_ms() + ROUTE_STS_AGAIN_MS;
}

static void
read_own_addresses(struct router *r)
{
	int64_t now = clock_mono_ms();
	struct own_addresses fresh;

	if (r->own.a && now - r->own_ms < OWN_FRESH_MS)
		return;
	enum err e = own_addresses_read(&fresh);
	if (e) {
		log_warn("own_addresses", F_ERR(e));
		return;
	}
	own_addresses_done(&r->own);
	r->own = fresh;
	r->own_ms = now;
}

/* Joins those who wait for `e`, or begins. */
static enum err
join_lookup(struct router *r, struct entry *e, const struct asked *q, struct lookup **done)
{
	struct lookup *l = e->lookup;
	bool fresh = !l;

	if (fresh && !(l = new_lookup(r, e, q)))
		return ERR_NOMEM;
	enum err err = add_waiter(l, q);
	if (!fresh)
		return err;
	if (err) {
		e->lookup = NULL;
		free_lookup(l);
		return err;
	}
	read_own_addresses(r);
	*r->tail = l;
	r->tail = &l->next;
	start_waiting(r, done);
	return ERR_OK;
}

/* -- finding ---------------------------------------------------------------------------------- */

/* [192.0.2.1]: RFC 5321 §4.1.3. With mu held. */
static struct route *
literal_route(struct router *r, struct str domain)
{
	const struct route_settings *settings = &r->config->settings;
	struct str inside = str_sub(domain, 1, domain.n - 2);
	struct sockaddr_storage a;

	if (!route_parse_address(inside, settings->port, &a))
		return route_make(
		    ROUTE_REFUSED, domain, 501, "5.1.3", STR("this is no address of a host"), 0);
	if (!settings->allow_private) {
		read_own_addresses(r);
		if (route_is_private(&a))
			return route_make(ROUTE_REFUSED, domain, 550, "5.4.4",
			    STR("mail is not sent to loopback or private addresses"), 0);
		if (settings->port == 25 && own_addresses_have(&r->own, &a))
			return route_make(ROUTE_REFUSED, domain, 554, "5.4.6",
			    STR("the address is this host's own"), 0);
	}
	return route_to_address(domain, domain, &a);
}

static bool
is_literal(struct str domain)
{
	return domain.n > 2 && domain.p[0] == '[' && domain.p[domain.n - 1] == ']';
}

/* The name to go by, in `arena`; or *ret, where there is none. */
static enum err
name_of(struct str domain, struct arena *arena, struct str *ret_name, struct route **ret)
{
	*ret_name = domain;
	if (is_literal(domain))
		return ERR_OK;
	enum err e = dns_name_from_text(domain, arena, ret_name);
	if (e != ERR_SYNTAX)
		return e;
	*ret = route_make(ROUTE_REFUSED, domain, 501, "5.1.2",
	    STR("the domain is none that the DNS could have"), 0);
	return *ret ? ERR_OK : ERR_NOMEM;
}

/* *ret where the domain is served here. */
static enum err
find_local(struct router *r, struct str name, struct route **ret)
{
	if (is_literal(name))
		return ERR_OK;
	enum err e = directory_is_local_domain(r->store, name);
	if (e == ERR_NOT_FOUND)
		return ERR_OK;
	*ret = e ? route_make(ROUTE_LATER, name, 451, "4.3.0", str_of(err_text(e)), 0)
		 : route_make(ROUTE_LOCAL, name, 0, "", STR(""), 0);
	return *ret ? ERR_OK : ERR_NOMEM;
}

/* Those that need no question; NULL with ERR_OK: ask, by *ret_rule where there is one. With mu
 * held. */
static enum err
find_unasked(
    struct router *r, struct str name, const struct route_rule **ret_rule, struct route **ret)
{
	bool asks = false;

	*ret_rule = route_rule_find(r->config, name);
	if (*ret_rule)
		*ret = route_by_rule(r->config, *ret_rule, name, &asks);
	else if (is_literal(name))
		*ret = literal_route(r, name);
	else
		asks = true;
	return *ret || asks ? ERR_OK : ERR_NOMEM;
}

/* With mu held. */
static struct route *
remembered(struct router *r, struct str name)
{
	struct entry *entry = find_entry(r, name);

	if (entry && entry->route && entry->route->good_until_ms > clock_mono_ms())
		return route_ref(entry->route);
	return NULL;
}

/* The route, or NULL and it will be told. With mu held. */
static enum err
find_or_ask(struct router *r, struct asked *q, struct route **ret, struct lookup **done)
{
	enum err e = find_unasked(r, q->name, &q->rule, ret);

	if (e || *ret || (*ret = remembered(r, q->name)))
		return e;
	struct entry *entry = find_entry(r, q->name);
	if (!entry && !(entry = add_entry(r, q->name)))
		return ERR_NOMEM;
	route_unref(&entry->route);
	e = join_lookup(r, entry, q, done);
	if (e && !entry->lookup)
		remove_entry(r, entry);
	return e;
}

/* Reads what is kept of the domain's MTA-STS, unless that is of no use. */
static void
read_cached(struct router *r, struct asked *q, struct arena *arena)
{
	pthread_mutex_lock(&r->mu);
	struct entry *entry = find_entry(r, q->name);
	bool known = (entry && (entry->lookup || (entry->route && entry->route->good_until_ms >
								      clock_mono_ms()))) ||
		     route_rule_find(r->config, q->name);
	pthread_mutex_unlock(&r->mu);
	if (known || is_literal(q->name))
		return;
	enum err e = sts_cache_find(r->store, q->name, arena, &q->cached);
	if (e)
		q->cached = (struct sts_cached){0};
	if (e && e != ERR_NOT_FOUND)
		log_warn("sts_cache", F_STR("domain", q->name), F_ERR(e));
}

enum err
route_find(
    struct router *r, struct str domain, void (*fn)(void *arg, struct route *route), void *arg)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(FIND_ARENA_MAX);
	struct asked q = {.fn = fn, .arg = arg};
	struct route *route = NULL;
	struct lookup *done = NULL;

	if (!arena)
		return ERR_NOMEM;
	enum err e = name_of(domain, arena, &q.name, &route);
	if (!e && !route)
		e = find_local(r, q.name, &route);
	if (!e && !route) {
		read_cached(r, &q, arena);
		CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&r->mu);
		e = find_or_ask(r, &q, &route, &done);
	}
	if (route)
		fn(arg, route);
	tell(done);
	return e;
}

void
route_forget(struct router *r, struct str domain)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(16 * 1024);
	struct str name;

	if (!arena || dns_name_from_text(domain, arena, &name))
		return;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&r->mu);
	struct entry *e = find_entry(r, name);
	if (e && !e->lookup)
		remove_entry(r, e);
}

/* -- life ------------------------------------------------------------------------------------- */

enum err
router_new(struct store *s, struct dns *d, const struct conf *conf, struct router **ret)
{
	CLEANUP(router_free) struct router *r = calloc(1, sizeof(*r));

	if (!r)
		return ERR_NOMEM;
	pthread_mutex_init(&r->mu, NULL);
	r->tail = &r->head;
	r->store = s;
	r->dns = d;
	r->config = route_config_new(conf);
	if (!r->config || RAND_bytes(r->key, sizeof(r->key)) != 1)
		return ERR_NOMEM;
	enum err e = sts_fetcher_new(&r->fetcher);
	if (!e)
		*ret = MOVE_PTR(r);
	return e;
}

void
router_reload(struct router *r, const struct conf *conf)
{
	struct route_config *fresh = route_config_new(conf);

	if (!fresh) {
		log_error("route_reload", F_ERR(ERR_NOMEM));
		return;
	}
	pthread_mutex_lock(&r->mu);
	struct route_config *old = r->config;
	r->config = fresh;
	for (struct entry *e = r->oldest; e;) {
		struct entry *newer = e->newer;
		if (!e->lookup)
			remove_entry(r, e);
		e = newer;
	}
	pthread_mutex_unlock(&r->mu);
	route_config_unref(&old);
}

void
router_end(struct router *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->mu);
	r->dns = NULL;
	pthread_mutex_unlock(&r->mu);
	sts_fetcher_free(&r->fetcher);
}

void
router_free(struct router **rp)
{
	struct router *r = MOVE_PTR(*rp);

	if (!r)
		return;
	router_end(r);
	for (struct entry *e = r->oldest; e;) {
		struct entry *newer = e->newer;
		remove_entry(r, e);
		e = newer;
	}
	own_addresses_done(&r->own);
	pthread_mutex_destroy(&r->mu);
	route_config_unref(&r->config);
	free(r);
}
