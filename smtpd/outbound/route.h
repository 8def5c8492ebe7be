/* smtpd/outbound/route.h - where mail for a domain goes: its hosts in order, their addresses, and
 * what TLS is owed to each.
 *
 * A route comes from a transport rule of the configuration (a smart host, LMTP), from the local
 * directory (mail for ourselves), or from the DNS: MX, else A and AAAA (RFC 5321 §5.1), null MX
 * (RFC 7505), TLSA (RFC 7672), MTA-STS (RFC 8461). Immutable, shared by reference, remembered as
 * long as its records last. Found without waiting: the answer comes as a call.
 */
#ifndef SMTPD_OUTBOUND_ROUTE_H
#define SMTPD_OUTBOUND_ROUTE_H

#include "common/dns/dns.h"
#include "common/net/dial.h"
#include "store/store.h"

enum route_kind {
	ROUTE_LOCAL, /* the domain is served here */
	ROUTE_SMTP,
	ROUTE_LMTP,
	ROUTE_REFUSED, /* permanently: `code`, `status` and `why` say it */
	ROUTE_LATER, /* for now there is no saying */
};

enum route_policy { /* which rule asks for TLS; RFC 8460 §4.4 has the names of three */
	POLICY_NONE, /* "no-policy-found": opportunistic */
	POLICY_STS,
	POLICY_DANE,
	POLICY_RULE, /* the transport rule says so */
};

struct route_host {
	struct str name; /* of the MX; what logs, pauses (queue.h) and limits go by */
	struct sockaddr_storage *addresses; /* in the order to try; AAAA and A in turns */
	size_t address_count;
	enum route_policy policy;
	bool must_tls; /* no delivery in the clear */
	bool no_tls; /* not even where it is offered: the transport rule says so */
	bool sts_mismatch; /* mode testing: the policy does not name it */
	struct tls_rules tls;
};

struct route {
	enum route_kind kind;
	struct str domain;
	/* The names of the hosts of the best preference, in order, or of the smart host. Domains of
	 * one provider share it, and its limits where the other hosts, too, are the same. */
	struct str destination; /* separated by blanks */
	struct route_host *hosts; /* in the order to try (RFC 5321 §5.1) */
	size_t host_count;
	bool secure_mx; /* the MX records were validated, or an STS policy names the hosts: RFC 8689
			   §4.2.1 */
	bool implicit_tls;
	struct str user, password; /* AUTH, for a smart host */
	struct str login; /* both, as one keyed digest: the same for the same login; or empty */
	uint16_t code; /* REFUSED: 556, 550 … */
	struct str status; /* "5.1.10" */
	struct str why; /* REFUSED, LATER: for people, and for the report */
	int64_t good_until_ms; /* clock_mono_ms() */
	/* The way of mail that asks not to be kept from going by its recipients' policies (RFC 8689
	 * §4.2.2), where that is another: without DANE and MTA-STS. It lives with this one. */
	struct route *relaxed;
	bool is_relaxed; /* this is such a one: nothing of it is reported */
	/* A host that is never connected to, though it would be the first to be, since an enforced
	 * policy does not name it; or empty. */
	struct str off_policy_host;
	bool tls_unproven; /* LATER, and for that reason */
	/* MTA-STS, for reports (tlsrpt.h): the policy as fetched, or empty. */
	struct str sts_policy;
	bool sts_testing; /* mode testing: a failure is reported, mail goes all the same */
	/* A policy was to be fetched and was not: "sts-policy-fetch-error" … (RFC 8460 §4.3.2), or
	 * NULL. One that was fetched before may still hold. */
	const char *sts_failure;
};

#define ROUTES_MAX 4096 /* domains that are remembered */
#define ROUTE_LOOKUPS_MAX 100 /* domains that are asked for at a time */
#define ROUTE_WAITERS_MAX 20000 /* who wait for them */

struct router;
/* `s`, `d` stay the caller's and outlive it. */
NODISCARD enum err router_new(
    struct store *s, struct dns *d, const struct conf *conf, struct router **ret);
/* Another configuration from now on; what was remembered is forgotten. */
void router_reload(struct router *r, const struct conf *conf);
/* No more questions; before dns_free(), which answers those that are open. Waits for fetches of
 * policies that are under way. route_find() says ROUTE_LATER from now on. NULL is fine. */
void router_end(struct router *r);
/* After dns_free(): nobody waits any more. */
void router_free(struct router **r);

/* `domain` as it stands behind the @ of a recipient ("[192.0.2.1]" too). `fn` is called once, on
 * any thread, perhaps before route_find() returns; it must not block. The reference is the
 * callee's; NULL: there was no memory for it. ERR_BUSY (ROUTE_WAITERS_MAX), ERR_NOMEM: it will not
 * be called. Reads the directory: not for the loop's thread. */
NODISCARD enum err route_find(
    struct router *r, struct str domain, void (*fn)(void *arg, struct route *route), void *arg);
struct route *route_ref(struct route *r);
void route_unref(struct route **r);
/* A connection has shown that it is not as the records say (a handshake failed by DANE or STS): the
 * next route_find() asks anew. */
void route_forget(struct router *r, struct str domain);

#endif
