/* What answers say, as facts of a host. */
#include "smtpd/outbound/route_private.h"

void
host_take_addresses(struct host_facts *h, const struct dns_answer *a, bool v6,
    const struct own_addresses *own, const struct route_settings *s)
{
	struct sockaddr_storage *to = v6 ? h->v6 : h->v4;
	size_t *n = v6 ? &h->v6_count : &h->v4_count;

	*(v6 ? &h->aaaa : &h->a) = a->status;
	if (a->status == DNS_FAILED || a->status == DNS_BOGUS)
		return;
	if (!a->secure)
		h->insecure = true;
	if (a->status != DNS_FOUND)
		return;
	for (size_t i = 0; i < a->count && *n < ROUTE_ADDRESSES_MAX; i++) {
		struct sockaddr_storage address;
		route_address(a->records[i].data, s->port, &address);
		/* on another port than that of mail there may well be another server */
		if (!s->allow_private && s->port == 25 && own_addresses_have(own, &address))
			h->own_address = true;
		if (!s->allow_private && route_is_private(&address))
			h->refused_addresses++;
		else
			to[(*n)++] = address;
	}
}

/* RFC 6698 §2.1, RFC 7672 §3.1: DANE-TA(2) and DANE-EE(3) only; selectors and matching types that
 * are known, with as many octets as a digest has. */
static bool
is_usable(const struct tls_tlsa *t)
{
	static const size_t digest[] = {0, 32, 64};

	if ((t->usage != 2 && t->usage != 3) || t->selector > 1 || t->matching > 2)
		return false;
	return t->matching == 0 ? t->data.n > 0 : t->data.n == digest[t->matching];
}

void
host_take_tlsa(struct host_facts *h, const struct dns_answer *a, struct arena *arena)
{
	h->tlsa_found = true;
	for (size_t i = 0; i < a->count && h->tlsa_count < ROUTE_TLSA_MAX; i++) {
		struct str data = a->records[i].data;
		struct tls_tlsa t = {
		    .usage = (uint8_t)data.p[0],
		    .selector = (uint8_t)data.p[1],
		    .matching = (uint8_t)data.p[2],
		    .data = str_skip(data, 3),
		};
		if (!is_usable(&t))
			continue;
		t.data = arena_dup(arena, t.data);
		if (t.data.p)
			h->tlsa[h->tlsa_count++] = t;
	}
}
