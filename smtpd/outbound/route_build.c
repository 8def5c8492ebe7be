/* From what the DNS said to a route. Pure. */
#include "common/base/clock.h"
#include "smtpd/outbound/route_private.h"

#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdlib.h>

#define TTL_MIN_S 10
#define TTL_MAX_S 86400
#define TTL_REFUSED_MAX_S 3600 /* a mended domain is seen within the hour */
#define TTL_LATER_S 30 /* so that a thousand messages ask once, and a retry anew */
#define TTL_PARTIAL_S 60 /* something failed, but there is a way */

struct box {
	atomic_uint refs;
	struct arena *arena; /* holds all of `route` */
	struct route route;
};

/* -- the object ------------------------------------------------------------------------------- */

static struct box *
box_of(struct route *r)
{
	return (struct box *)((char *)r - offsetof(struct box, route));
}

struct arena *
route_arena(struct route *r)
{
	return box_of(r)->arena;
}

struct route *
route_ref(struct route *r)
{
	atomic_fetch_add_explicit(&box_of(r)->refs, 1, memory_order_relaxed);
	return r;
}

static void
wipe_secret(struct str s)
{
	if (s.p)
		OPENSSL_cleanse((char *)s.p, s.n);
}

void
// NOLINTNEXTLINE(misc-no-recursion): what is relaxed has no other relaxed one
route_unref(struct route **rp)
{
	struct route *r = MOVE_PTR(*rp);

	if (!r)
		return;
	struct box *b = box_of(r);
	if (atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
		return;
	wipe_secret(r->password);
	route_unref(&r->relaxed);
	arena_free(&b->arena);
	free(b);
}

static void
set_ttl(struct route *r, uint32_t ttl_s)
{
	uint32_t most = r->kind == ROUTE_LATER     ? TTL_LATER_S
			: r->kind == ROUTE_REFUSED ? TTL_REFUSED_MAX_S
						   : TTL_MAX_S;

	if (ttl_s < TTL_MIN_S)
		ttl_s = TTL_MIN_S;
	if (ttl_s > most)
		ttl_s = most;
	r->good_until_ms = clock_mono_ms() + (int64_t)ttl_s * 1000;
}

struct route *
route_make(enum route_kind kind, struct str domain, uint16_t code, const char *status,
    struct str why, uint32_t ttl_s)
{
	struct box *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	struct route *r = &b->route;
	atomic_init(&b->refs, 1);
	b->arena = arena_new(ROUTE_ARENA_MAX);
	if (b->arena) {
		r->kind = kind;
		r->domain = arena_dup(b->arena, domain);
		r->code = code;
		r->status = str_of(status);
		r->why = arena_dup(b->arena, why);
		set_ttl(r, ttl_s);
	}
	if (!b->arena || arena_failed(b->arena))
		route_unref(&r);
	return r;
}

struct route *
route_to_address(struct str domain, struct str host, const struct sockaddr_storage *a)
{
	struct route *r = route_make(ROUTE_SMTP, domain, 0, "", STR(""), UINT32_MAX);

	if (!r)
		return NULL;
	struct arena *arena = route_arena(r);
	struct sockaddr_storage *to = ARENA_NEW(arena, struct sockaddr_storage);
	r->hosts = ARENA_NEW(arena, struct route_host);
	r->destination = arena_dup(arena, host);
	if (arena_failed(arena)) {
		route_unref(&r);
		return NULL;
	}
	*to = *a;
	r->hosts[0] =
	    (struct route_host){.name = r->destination, .addresses = to, .address_count = 1};
	r->host_count = 1;
	return r;
}

/* -- verdicts --------------------------------------------------------------------------------- */

static struct route *
verdict(const struct domain_facts *f, enum route_kind kind, uint16_t code, const char *status,
    const char *what, const char *detail)
{
	struct str why = arena_printf(f->arena, "%s %.*s%s%s", what, STR_ARG(f->domain),
	    detail && *detail ? ": " : "", detail ? detail : "");

	return route_make(kind, f->domain, code, status, why, f->ttl_s);
}

static struct route *
judge_mx(const struct domain_facts *f, bool *ret_go_on)
{
	*ret_go_on = false;
	switch (f->mx) {
	case DNS_NO_NAME:
		return verdict(f, ROUTE_REFUSED, 550, "5.1.2", "there is no domain", NULL);
	case DNS_FAILED:
	case DNS_BOGUS:
		return verdict(f, ROUTE_LATER, 451, "4.4.3",
		    "the DNS does not tell who takes mail for", f->mx_why);
	case DNS_FOUND:
		if (f->null_mx) /* RFC 7505 §4.1 */
			return verdict(f, ROUTE_REFUSED, 556, "5.1.10",
			    "no mail is taken for the domain", "it has a null MX");
		break;
	case DNS_NO_DATA:
		break;
	}
	*ret_go_on = true;
	return NULL;
}

static bool
is_us(const struct host_facts *h, const struct route_settings *s)
{
	return h->own_address || str_eq_nocase(h->name, s->hostname);
}

/* How many of the hosts come before us: those of our own preference and behind it must not be tried
 * (RFC 5321 §5.1), else mail would go round. */
static size_t
count_before_us(const struct domain_facts *f, const struct route_settings *s)
{
	uint32_t limit = UINT32_MAX;
	size_t n = 0;

	for (size_t i = 0; i < f->host_count; i++)
		if (is_us(&f->hosts[i], s) && f->hosts[i].preference < limit)
			limit = f->hosts[i].preference;
	while (n < f->host_count && f->hosts[n].preference < limit)
		n++;
	return n;
}

static bool
has_failed(const struct host_facts *h)
{
	return h->tlsa_failed || h->a == DNS_FAILED || h->a == DNS_BOGUS || h->aaaa == DNS_FAILED ||
	       h->aaaa == DNS_BOGUS;
}

/* RFC 8461 §4.1, §5: no delivery to a host that an enforced policy does not name. What DANE vouches
 * for needs no policy (§2). */
static bool
is_against_policy(const struct domain_facts *f, const struct host_facts *h)
{
	return f->sts && f->sts->mode == STS_ENFORCE && !h->tlsa_found &&
	       !sts_policy_names(f->sts, h->name);
}

static bool
is_usable(const struct domain_facts *f, const struct host_facts *h)
{
	return h->v4_count + h->v6_count > 0 && !h->tlsa_failed && !is_against_policy(f, h);
}

/* None of the first `n` hosts can be used. */
static struct route *
judge_hosts(const struct domain_facts *f, size_t n)
{
	bool private = false;

	for (size_t i = 0; i < n; i++) {
		const struct host_facts *h = &f->hosts[i];
		if (h->v4_count + h->v6_count > 0 && is_against_policy(f, h))
			return verdict(f, ROUTE_LATER, 451, "4.7.5",
			    "mail can't be sent now to the domain",
			    "its MTA-STS policy names none of its mail hosts");
		if (!has_failed(h)) {
			private = private || h->refused_addresses > 0;
			continue;
		}
		struct str detail = arena_printf(f->arena, "%.*s: %s%s", STR_ARG(h->name),
		    h->tlsa_failed ? "no answer for TLSA, without which DANE can't be told from "
				     "its absence: "
				   : "",
		    h->why ? h->why : "no answer");
		return verdict(f, ROUTE_LATER, 451, h->tlsa_failed ? "4.7.5" : "4.4.3",
		    "the DNS does not tell of a mail host of", detail.p);
	}
	if (private)
		return verdict(f, ROUTE_REFUSED, 550, "5.4.4", "mail can't be sent to the domain",
		    "its mail hosts have loopback or private addresses");
	if (f->implicit_mx)
		return verdict(f, ROUTE_REFUSED, 550, "5.1.2", "no mail is taken for the domain",
		    "it has neither MX nor address");
	return verdict(f, ROUTE_REFUSED, 550, "5.4.4", "mail can't be sent to the domain",
	    "none of its mail hosts has an address");
}

/* -- hosts ------------------------------------------------------------------------------------ */

static void
shuffle(struct sockaddr_storage *a, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = arc4random_uniform((uint32_t)i);
		struct sockaddr_storage swap = a[i - 1];
		a[i - 1] = a[j];
		a[j] = swap;
	}
}

/* IPv6 and IPv4 in turns, so that where one of them goes nowhere the other is next. */
static void
put_addresses(const struct host_facts *from, struct route_host *to, struct arena *arena)
{
	size_t n = from->v4_count + from->v6_count, i4 = 0, i6 = 0;
	struct sockaddr_storage v4[ROUTE_ADDRESSES_MAX], v6[ROUTE_ADDRESSES_MAX];

	memcpy(v4, from->v4, from->v4_count * sizeof(*v4));
	memcpy(v6, from->v6, from->v6_count * sizeof(*v6));
	shuffle(v4, from->v4_count);
	shuffle(v6, from->v6_count);
	to->addresses = arena_alloc_array(arena, n, sizeof(*to->addresses));
	while (to->addresses && to->address_count < n) {
		if (i6 < from->v6_count)
			to->addresses[to->address_count++] = v6[i6++];
		if (i4 < from->v4_count)
			to->addresses[to->address_count++] = v4[i4++];
	}
}

static void
put_names(struct route_host *to, struct arena *arena, const struct str *names, size_t n)
{
	struct str *list = arena_alloc_array(arena, n, sizeof(*list));

	for (size_t i = 0; list && i < n; i++)
		if (i == 0 || !str_eq(names[i], list[0]))
			list[to->tls.name_count++] = arena_dup(arena, names[i]);
	to->tls.names = list;
}

/* RFC 7672 §2.2: TLS is owed wherever there are validated records, and proof where one of them can
 * be used. §3.2.3: the names that a certificate below a trust anchor may have. */
static void
put_dane(const struct domain_facts *f, const struct host_facts *from, struct route_host *to,
    struct arena *arena)
{
	const struct str names[] = {from->tlsa_base, from->name, f->domain};

	to->policy = POLICY_DANE;
	to->must_tls = true;
	to->tls.server_name = arena_dup(arena, from->tlsa_base);
	if (from->tlsa_count == 0)
		return;
	struct tls_tlsa *tlsa = arena_alloc_array(arena, from->tlsa_count, sizeof(*tlsa));
	for (size_t i = 0; tlsa && i < from->tlsa_count; i++) {
		tlsa[i] = from->tlsa[i];
		tlsa[i].data = arena_dup(arena, from->tlsa[i].data);
	}
	to->tls.proof = TLS_PROOF_DANE;
	to->tls.tlsa = tlsa;
	to->tls.tlsa_count = tlsa ? from->tlsa_count : 0;
	put_names(to, arena, names, ARRAY_LEN(names));
}

/* RFC 8461 §4.2: the certificate must be the MX's, by a known authority. In mode testing a failure
 * is told, and mail goes all the same. */
static void
put_sts(const struct domain_facts *f, const struct route_settings *s, struct route_host *to,
    struct arena *arena)
{
	to->policy = POLICY_STS;
	to->must_tls = f->sts->mode == STS_ENFORCE;
	to->sts_mismatch = !sts_policy_names(f->sts, to->name);
	if (to->sts_mismatch)
		return;
	to->tls.proof = TLS_PROOF_NAMES;
	put_names(to, arena, &to->name, 1);
	if (s->ca_file && *s->ca_file)
		to->tls.ca_file = arena_cstr(arena, str_of(s->ca_file));
}

void
route_put_host(const struct domain_facts *f, const struct route_settings *s,
    const struct host_facts *from, struct route_host *to, struct arena *arena)
{
	*to = (struct route_host){.name = arena_dup(arena, from->name)};
	to->tls.server_name = to->name;
	put_addresses(from, to, arena);
	if (from->tlsa_found)
		put_dane(f, from, to, arena);
	else if (f->sts && f->sts->mode != STS_NONE)
		put_sts(f, s, to, arena);
}

static int
by_name(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* The names of the best hosts that can be used: domains that one provider serves share it. */
static struct str
destination_of(const struct domain_facts *f, size_t n, struct arena *arena)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(ROUTE_HOSTS_MAX * (DNS_NAME_MAX + 1));
	struct str names[ROUTE_HOSTS_MAX];
	uint32_t best = UINT32_MAX;
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		const struct host_facts *h = &f->hosts[i];
		if (!is_usable(f, h) || h->preference > best)
			continue;
		best = h->preference;
		names[count++] = h->name;
	}
	if (count > 1)
		qsort(names, count, sizeof(*names), by_name);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			sbuf_putc(&out, ' ');
		sbuf_put(&out, names[i]);
	}
	return arena_dup(arena, sbuf_view(&out));
}

static struct route *
build_smtp(const struct domain_facts *f, const struct route_settings *s, size_t n)
{
	struct route *r = route_make(ROUTE_SMTP, f->domain, 0, "", STR(""), f->ttl_s);
	bool partial = false;

	if (!r)
		return NULL;
	struct arena *arena = route_arena(r);
	r->hosts = arena_alloc_array(arena, n, sizeof(*r->hosts));
	for (size_t i = 0; r->hosts && i < n; i++) {
		partial = partial || has_failed(&f->hosts[i]);
		if (is_usable(f, &f->hosts[i]))
			route_put_host(f, s, &f->hosts[i], &r->hosts[r->host_count++], arena);
	}
	r->secure_mx = f->mx_secure || (f->sts && f->sts->mode == STS_ENFORCE);
	r->sts_failure = f->sts_failure;
	if (f->sts) {
		r->sts_policy = arena_dup(arena, f->sts->text);
		r->sts_testing = f->sts->mode == STS_TESTING;
	}
	r->destination = destination_of(f, n, arena);
	if (partial && f->ttl_s > TTL_PARTIAL_S)
		set_ttl(r, TTL_PARTIAL_S);
	if (arena_failed(arena))
		route_unref(&r);
	return r;
}

static struct route *
build(const struct domain_facts *f, const struct route_settings *s)
{
	bool go_on;

	if (arena_failed(f->arena))
		return NULL;
	struct route *r = judge_mx(f, &go_on);
	if (!go_on)
		return r;
	size_t n = count_before_us(f, s);
	if (n == 0 && f->host_count > 0)
		return verdict(f, ROUTE_REFUSED, 554, "5.4.6", "mail loops back to this host",
		    "the DNS says that it takes mail for that domain, but it does not serve it");
	for (size_t i = 0; i < n; i++)
		if (is_usable(f, &f->hosts[i]))
			return build_smtp(f, s, n);
	return judge_hosts(f, n);
}

/* -- without policies ------------------------------------------------------------------------- */

static bool
has_policies(const struct domain_facts *f)
{
	bool dane = false;

	for (size_t i = 0; i < f->host_count; i++)
		dane = dane || f->hosts[i].tlsa_found || f->hosts[i].tlsa_failed;
	return dane || (f->sts && f->sts->mode != STS_NONE);
}

/* What the route would be if the domain asked for nothing (RFC 8689 §3). */
static struct route *
build_relaxed(const struct domain_facts *f, const struct route_settings *s)
{
	struct domain_facts g = *f;
	size_t n = f->host_count;

	g.sts = NULL;
	g.sts_failure = NULL;
	g.hosts = arena_alloc_array(f->arena, n + 1, sizeof(*g.hosts));
	if (!g.hosts)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		g.hosts[i] = f->hosts[i];
		g.hosts[i].tlsa_found = g.hosts[i].tlsa_failed = false;
		g.hosts[i].tlsa_count = 0;
	}
	struct route *r = build(&g, s);
	if (r)
		r->is_relaxed = true;
	return r;
}

/* The first host that could take mail, were it not for the policy. */
static struct str
off_policy(const struct domain_facts *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct host_facts *h = &f->hosts[i];
		if (h->v4_count + h->v6_count > 0)
			return is_against_policy(f, h) ? h->name : STR("");
	}
	return STR("");
}

struct route *
route_build(const struct domain_facts *f, const struct route_settings *s)
{
	struct route *r = build(f, s);

	if (!r || !has_policies(f) || (r->kind != ROUTE_SMTP && r->kind != ROUTE_LATER))
		return r;
	struct arena *arena = route_arena(r);
	struct str off = off_policy(f, count_before_us(f, s));
	r->off_policy_host = arena_dup(arena, off);
	if (off.n && r->kind == ROUTE_LATER) {
		r->sts_policy = arena_dup(arena, f->sts->text);
		r->tls_unproven = true;
	}
	r->relaxed = build_relaxed(f, s);
	if (!r->relaxed || arena_failed(arena))
		route_unref(&r);
	return r;
}
