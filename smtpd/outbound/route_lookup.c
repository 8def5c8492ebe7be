/* The questions of one lookup, in stages: MX and MTA-STS; the addresses of every host; where a
 * CNAME led out of what is signed, the CNAME alone; TLSA. A stage begins when all answers to the
 * last are there. */
#include "smtpd/outbound/route_private.h"

enum asked { ASKED_MX, ASKED_STS, ASKED_A, ASKED_AAAA, ASKED_CNAME, ASKED_TLSA, ASKED_TLSA_ALIAS };

struct question {
	struct lookup *lookup;
	struct host_facts *host;
	enum asked what;
};

static void take_answer(struct question *q, const struct dns_answer *a);
static bool advance(struct lookup *l, struct dns *d);

static void
answered(void *arg, const struct dns_answer *a)
{
	struct question *q = arg;
	struct lookup *l = q->lookup;

	struct dns *d = lookup_lock(l);
	take_answer(q, a);
	lookup_answered(l, d);
}

void
lookup_answered(struct lookup *l, struct dns *d)
{
	lookup_unlock(l, --l->open == 0 && advance(l, d));
}

static void
ask(struct lookup *l, struct dns *d, struct host_facts *host, enum asked what, struct str name,
    enum dns_type type)
{
	struct question *q = ARENA_NEW(l->arena, struct question);
	const struct dns_answer none = {
	    .status = DNS_FAILED, .why = "too many questions at a time"};

	if (!q)
		return; /* seen at the end: arena_failed() */
	*q = (struct question){.lookup = l, .host = host, .what = what};
	enum err e = d ? dns_ask(d, name, type, answered, q) : ERR_BUSY; /* router_end() */
	if (!e) {
		l->open++;
	} else if (e == ERR_SYNTAX) { /* too long with what stands before it */
		take_answer(q, &(struct dns_answer){.status = DNS_NO_NAME, .ttl_s = UINT32_MAX});
	} else {
		take_answer(q, &none);
	}
}

/* -- MX --------------------------------------------------------------------------------------- */

static void
ask_mx(struct lookup *l, struct dns *d)
{
	if (l->facts.rule)
		return;
	struct str sts = arena_printf(l->arena, "_mta-sts.%.*s", STR_ARG(l->facts.domain));
	ask(l, d, NULL, ASKED_MX, l->facts.domain, DNS_MX);
	if (sts.p)
		ask(l, d, NULL, ASKED_STS, sts, DNS_TXT);
}

static void
add_host(struct lookup *l, struct str name, uint16_t preference)
{
	struct domain_facts *f = &l->facts;
	struct host_facts *h = &f->hosts[f->host_count];

	for (size_t i = 0; i < f->host_count; i++)
		if (str_eq(f->hosts[i].name, name))
			return; /* the better preference counts */
	h->name = arena_dup(l->arena, name);
	h->preference = preference;
	f->host_count += h->name.p != NULL;
}

static void
take_mx(struct lookup *l, const struct dns_answer *a)
{
	struct domain_facts *f = &l->facts;
	size_t roots = 0;

	f->mx = a->status;
	f->mx_secure = a->secure;
	f->mx_why = a->why ? arena_cstr(l->arena, str_of(a->why)) : NULL;
	f->implicit_mx = a->status == DNS_NO_DATA; /* RFC 5321 §5.1 */
	size_t n = f->implicit_mx ? 1 : a->status == DNS_FOUND ? a->count : 0;
	f->hosts = arena_alloc_array(
	    l->arena, n < ROUTE_HOSTS_MAX ? n : ROUTE_HOSTS_MAX, sizeof(*f->hosts));
	if (!f->hosts || n == 0)
		return;
	if (f->implicit_mx) {
		add_host(l, f->domain, 0);
		return;
	}
	for (size_t i = 0; i < n && f->host_count < ROUTE_HOSTS_MAX; i++) {
		const struct dns_record *r = &a->records[i];
		if (r->name.n == 0)
			roots++;
		else
			add_host(l, r->name, r->preference);
	}
	/* RFC 7505 §3: a null MX stands alone; beside others it names no host. */
	f->null_mx = roots > 0 && f->host_count == 0;
}

/* -- hosts ------------------------------------------------------------------------------------ */

static void
ask_addresses(struct lookup *l, struct dns *d)
{
	for (size_t i = 0; i < l->facts.host_count; i++) {
		struct host_facts *h = &l->facts.hosts[i];
		ask(l, d, h, ASKED_AAAA, h->name, DNS_AAAA);
		ask(l, d, h, ASKED_A, h->name, DNS_A);
	}
	if (!lookup_needs_policy(l))
		return;
	struct host_facts *h = &l->sts_host;
	h->name = arena_printf(l->arena, "mta-sts.%.*s", STR_ARG(l->facts.domain));
	if (!h->name.p)
		return;
	ask(l, d, h, ASKED_AAAA, h->name, DNS_AAAA);
	ask(l, d, h, ASKED_A, h->name, DNS_A);
}

static void
take_addresses(struct lookup *l, struct host_facts *h, const struct dns_answer *a, bool v6)
{
	host_take_addresses(h, a, v6, l->own, &l->settings);
	if (a->canonical.n > 0 && h->canonical.n == 0)
		h->canonical = arena_dup(l->arena, a->canonical);
	if (a->why)
		h->why = arena_cstr(l->arena, str_of(a->why));
}

/* DANE can be asked for only where the MX is validated (RFC 7672 §2.2.1), and the host is there. */
static bool
may_have_tlsa(const struct lookup *l, const struct host_facts *h)
{
	return l->facts.mx_secure && h->v4_count + h->v6_count > 0;
}

/* RFC 7672 §2.1.3: a CNAME that is validated, to a target that is not, leaves the name itself as a
 * TLSA base domain; the answer for the addresses does not tell. */
static void
ask_aliases(struct lookup *l, struct dns *d)
{
	for (size_t i = 0; i < l->facts.host_count; i++) {
		struct host_facts *h = &l->facts.hosts[i];
		if (may_have_tlsa(l, h) && h->insecure && h->canonical.n > 0)
			ask(l, d, h, ASKED_CNAME, h->name, DNS_CNAME);
	}
}

/* -- TLSA ------------------------------------------------------------------------------------- */

static void
ask_tlsa_at(struct lookup *l, struct dns *d, struct host_facts *h, enum asked what, struct str base)
{
	struct str name = arena_printf(l->arena, "_%u._tcp.%.*s", l->settings.port, STR_ARG(base));

	if (name.p)
		ask(l, d, h, what, name, DNS_TLSA);
}

/* RFC 7672 §2.2.2: no TLSA where the addresses are not validated. §2.2.3: the name that CNAMEs lead
 * to first. */
static void
ask_tlsa(struct lookup *l, struct dns *d)
{
	for (size_t i = 0; i < l->facts.host_count; i++) {
		struct host_facts *h = &l->facts.hosts[i];
		if (!may_have_tlsa(l, h) || (h->insecure && !h->secure_alias))
			continue;
		if (!h->insecure && h->canonical.n > 0)
			ask_tlsa_at(l, d, h, ASKED_TLSA_ALIAS, h->canonical);
		else
			ask_tlsa_at(l, d, h, ASKED_TLSA, h->name);
	}
}

/* The name itself, where that which CNAMEs lead to has none. */
static void
ask_tlsa_again(struct lookup *l, struct dns *d)
{
	for (size_t i = 0; i < l->facts.host_count; i++) {
		struct host_facts *h = &l->facts.hosts[i];
		if (h->tlsa_at_name)
			ask_tlsa_at(l, d, h, ASKED_TLSA, h->name);
	}
}

static void
take_tlsa(struct lookup *l, struct host_facts *h, const struct dns_answer *a, bool alias)
{
	if (a->status == DNS_FAILED || a->status == DNS_BOGUS) {
		/* RFC 7672 §2.1.2: who can make a lookup fail must not thereby switch DANE off */
		h->tlsa_failed = true;
		h->why = a->why ? arena_cstr(l->arena, str_of(a->why)) : NULL;
	} else if (a->status == DNS_FOUND && a->secure) {
		h->tlsa_base = alias ? h->canonical : h->name;
		host_take_tlsa(h, a, l->arena);
	} else {
		h->tlsa_at_name = alias;
	}
}

/* -- stages ----------------------------------------------------------------------------------- */

static void
take_answer(struct question *q, const struct dns_answer *a)
{
	struct lookup *l = q->lookup;
	bool failed = a->status == DNS_FAILED || a->status == DNS_BOGUS;
	bool of_sts = q->what == ASKED_STS || q->host == &l->sts_host;

	/* that there is no policy may be known for a shorter time than the rest; §3.1: a lookup
	 * per delivery would do */
	if (!failed && !of_sts && a->ttl_s < l->facts.ttl_s)
		l->facts.ttl_s = a->ttl_s;
	switch (q->what) {
	case ASKED_MX:
		take_mx(l, a);
		break;
	case ASKED_STS:
		lookup_take_sts_record(l, a);
		break;
	case ASKED_A:
	case ASKED_AAAA:
		take_addresses(l, q->host, a, q->what == ASKED_AAAA);
		break;
	case ASKED_CNAME:
		q->host->secure_alias = a->status == DNS_FOUND && a->secure;
		q->host->tlsa_failed = failed;
		break;
	case ASKED_TLSA:
	case ASKED_TLSA_ALIAS:
		take_tlsa(l, q->host, a, q->what == ASKED_TLSA_ALIAS);
		break;
	}
}

/* Begins stages until one has questions open. True: there is none left. */
static bool
advance(struct lookup *l, struct dns *d)
{
	static void (*const stages[])(struct lookup * l, struct dns * d) = {ask_mx, ask_addresses,
	    ask_aliases, ask_tlsa, ask_tlsa_again, lookup_fetch_policy, lookup_settle_policy};

	while (l->stage < ARRAY_LEN(stages)) {
		stages[l->stage++](l, d);
		if (l->open > 0)
			return false;
	}
	return true;
}

void
lookup_use_rule(struct lookup *l, const struct route_rule *rule)
{
	l->facts.rule = rule;
	l->facts.mx = DNS_FOUND;
	l->facts.hosts = ARENA_NEW(l->arena, struct host_facts);
	/* who writes the rule knows where its host is */
	l->settings.allow_private = true;
	l->settings.port = route_rule_port(rule->conf);
	if (l->facts.hosts)
		add_host(l, str_of(rule->conf->host), 0);
}

bool
lookup_begin(struct lookup *l, struct dns *d)
{
	return advance(l, d);
}
