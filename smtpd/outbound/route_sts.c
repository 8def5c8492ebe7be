/* MTA-STS within a lookup (RFC 8461): whether a policy is to be fetched, and which one holds. */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "smtpd/outbound/route_private.h"

#include <stdio.h>

#define REFRESH_S 86400 /* a policy that does not change is fetched again after so long (§10.2) */
#define POLICY_ARENA_MAX (256 * 1024)

void
lookup_take_sts_record(struct lookup *l, const struct dns_answer *a)
{
	/* No answer, none that is right: what was fetched before still holds (§3.1, §5.1). */
	if (a->status == DNS_FOUND)
		l->facts.sts_id = arena_dup(l->arena, sts_record_id(a));
}

bool
lookup_needs_policy(struct lookup *l)
{
	const struct sts_cached *c = &l->sts_cached;

	if (l->facts.sts_id.n == 0 || l->facts.host_count == 0 || !lookup_may_fetch(l))
		return false;
	return !c->policy.p || !str_eq(c->id, l->facts.sts_id) ||
	       clock_real_s() - c->fetched_s > REFRESH_S;
}

/* Keeps it for other lookups and other runs. Not under a lock: it writes. */
static void
keep_policy(struct lookup *l, struct str text, uint32_t max_age_s)
{
	int64_t now = clock_real_s();
	const struct sts_cached c = {
	    .id = l->facts.sts_id, .policy = text, .fetched_s = now, .until_s = now + max_age_s};
	enum err e = sts_cache_put(l->store, l->facts.domain, &c);

	if (e)
		log_warn("sts_policy_not_kept", F_STR("domain", l->facts.domain), F_ERR(e));
}

static void
take_policy(struct lookup *l, struct str text)
{
	struct sts_policy *p = ARENA_NEW(l->arena, struct sts_policy);

	if (!p || sts_policy_parse(text, l->arena, p))
		return;
	l->facts.sts = p;
	if (p->max_age_s < l->facts.ttl_s)
		l->facts.ttl_s = p->max_age_s;
}

static void
fetched(void *arg, struct str body, const char *failure)
{
	struct lookup *l = arg;
	CLEANUP(arena_free) struct arena *arena = arena_new(POLICY_ARENA_MAX);
	struct sts_policy p;

	if (!failure && (!arena || sts_policy_parse(body, arena, &p)))
		failure = "sts-policy-invalid";
	if (!failure)
		keep_policy(l, body, p.max_age_s);
	struct dns *d = lookup_lock(l);
	if (failure) {
		l->facts.sts_failure = failure;
		lookup_fetch_failed(l);
		log_info("sts_policy", F_STR("domain", l->facts.domain), F_CSTR("failure", failure),
		    F_INT("kept", l->sts_cached.policy.p != NULL));
	} else {
		take_policy(l, body);
	}
	lookup_answered(l, d);
}

void
lookup_fetch_policy(struct lookup *l, struct dns *d)
{
	const struct host_facts *h = &l->sts_host;
	struct sockaddr_storage addresses[STS_ADDRESSES_MAX];
	size_t n = 0;

	if (h->name.n == 0)
		return; /* was not asked for */
	for (size_t i = 0; i < ROUTE_ADDRESSES_MAX && n < ARRAY_LEN(addresses); i++) {
		if (i < h->v4_count)
			addresses[n++] = h->v4[i];
		if (i < h->v6_count && n < ARRAY_LEN(addresses))
			addresses[n++] = h->v6[i];
	}
	const struct sts_fetch f = {.domain = l->facts.domain,
	    .addresses = addresses,
	    .address_count = n,
	    .port = (uint16_t)l->config->conf->outbound.policy_port,
	    .ca_file = l->config->conf->outbound.ca_file,
	    .fn = fetched,
	    .arg = l};
	if (n > 0 && d && !sts_fetch(l->fetcher, &f)) {
		l->open++;
		lookup_step_aside(l);
		return;
	}
	l->facts.sts_failure = "sts-policy-fetch-error";
	lookup_fetch_failed(l);
}

/* §5.1: a policy that was fetched before holds until its time is over, whatever has become of the
 * record and of the server. */
void
lookup_settle_policy(struct lookup *l, struct dns *d)
{
	(void)d;
	if (!l->facts.sts && l->sts_cached.policy.p)
		take_policy(l, l->sts_cached.policy);
}
