/* smtpd/outbound/route_private.h - between the router (who asks, who waits, what is remembered),
 * the questions of one lookup, the rules of the configuration, and the making of a route out of
 * what was found.
 */
#ifndef SMTPD_OUTBOUND_ROUTE_PRIVATE_H
#define SMTPD_OUTBOUND_ROUTE_PRIVATE_H

#include "smtpd/outbound/route.h"
#include "smtpd/outbound/sts_fetch.h"
#include "smtpd/outbound/sts_policy.h"
#include "store/sts_cache.h"

#include <stdatomic.h>

#define ROUTE_HOSTS_MAX 20 /* MX hosts of a domain that are looked at, the best ones */
#define ROUTE_ADDRESSES_MAX 16 /* of a host */
#define ROUTE_TLSA_MAX 32 /* records of a host */
#define ROUTE_ARENA_MAX (512 * 1024)

/* -- facts: what the DNS said ------------------------------------------------------------------ */

struct host_facts {
	struct str name;
	uint16_t preference;
	enum dns_status a, aaaa; /* NO_NAME and NO_DATA: none */
	bool insecure; /* an answer for an address was not validated */
	struct str canonical; /* where a CNAME leads, or empty */
	bool secure_alias; /* that CNAME itself is validated, whatever its target is */
	struct sockaddr_storage v4[ROUTE_ADDRESSES_MAX], v6[ROUTE_ADDRESSES_MAX];
	size_t v4_count, v6_count;
	size_t refused_addresses; /* loopback, private: not in the above */
	bool own_address; /* one of them is ours */
	bool tlsa_failed;
	bool tlsa_at_name; /* no records where CNAMEs lead to: the name itself may have some */
	bool tlsa_found; /* validated records, usable or not */
	struct str tlsa_base; /* where they were found (RFC 7672 §2.2.3) */
	struct tls_tlsa tlsa[ROUTE_TLSA_MAX]; /* the usable ones */
	size_t tlsa_count;
	const char *why; /* the question that failed */
};

/* Everything known of a domain, before it is judged. All in `arena`. */
struct domain_facts {
	struct arena *arena;
	struct str domain;
	enum dns_status mx;
	const char *mx_why;
	bool mx_secure;
	bool null_mx; /* RFC 7505 */
	bool implicit_mx; /* no MX: the domain itself (RFC 5321 §5.1) */
	struct host_facts *hosts; /* by preference */
	size_t host_count;
	uint32_t ttl_s; /* the least of all */
	struct str sts_id; /* of the MTA-STS record, or empty */
	struct sts_policy *sts; /* the policy that holds, or NULL */
	const char *sts_failure; /* as RFC 8460 §4.3.2 names it, or NULL */
	const struct route_rule *rule; /* whose host stands in `hosts`; or NULL: by the DNS */
};

struct route_settings {
	struct str hostname; /* ours: an MX of that name is us */
	bool allow_private;
	uint16_t port;
	const char *ca_file; /* for MTA-STS; NULL or "": the system's */
};

/* The addresses of this machine's interfaces, as they were when they were read. */
struct own_addresses {
	struct sockaddr_storage *a;
	size_t n;
};
/* Records of an address answer into `h`: `own`, and what none may name, noted. */
void host_take_addresses(struct host_facts *h, const struct dns_answer *a, bool v6,
    const struct own_addresses *own, const struct route_settings *s);
/* Of what validated TLSA records say, what a mail server may use (RFC 7672 §3.1). */
void host_take_tlsa(struct host_facts *h, const struct dns_answer *a, struct arena *arena);

/* -- building: pure --------------------------------------------------------------------------- */

/* The host `from` with its addresses in the order to try. */
void route_put_host(const struct domain_facts *f, const struct route_settings *s,
    const struct host_facts *from, struct route_host *to, struct arena *arena);
/* A route with one reference, or NULL without memory. */
struct route *route_build(const struct domain_facts *f, const struct route_settings *s);
/* One without hosts. */
struct route *route_make(enum route_kind kind, struct str domain, uint16_t code, const char *status,
    struct str why, uint32_t ttl_s);
/* One with a single host at a single address. */
struct route *route_to_address(
    struct str domain, struct str host, const struct sockaddr_storage *a);
/* For builders: the arena of a route of route_make(). */
struct arena *route_arena(struct route *r);

/* -- addresses -------------------------------------------------------------------------------- */

/* 4 or 16 octets as the DNS has them. */
void route_address(struct str octets, uint16_t port, struct sockaddr_storage *ret);
/* Loopback, private, link-local, multicast, unspecified: nothing that the public DNS should name
 * (RFC 6890), IPv4 inside of IPv6 looked through. */
bool route_is_private(const struct sockaddr_storage *a);
/* As they are now. */
NODISCARD enum err own_addresses_read(struct own_addresses *ret);
void own_addresses_done(struct own_addresses *o);
bool own_addresses_have(const struct own_addresses *o, const struct sockaddr_storage *a);
/* "192.0.2.1" or "IPv6:2001:db8::1", as between the brackets of an address literal (RFC 5321
 * §4.1.3), or a plain IPv6 address. */
bool route_parse_address(struct str text, uint16_t port, struct sockaddr_storage *ret);

/* -- configuration ---------------------------------------------------------------------------- */

struct route_rule {
	const struct conf_transport *conf;
	struct str password; /* of its file; .p NULL: it can't be read */
};

/* The settings and rules of one configuration; shared by reference, immutable. */
struct route_config {
	atomic_uint refs;
	struct conf *conf;
	struct route_settings settings;
	struct route_rule *rules;
	size_t rule_count;
	unsigned char login_key[32]; /* random: of route.login */
};

/* Reads the passwords' files. NULL without memory. */
struct route_config *route_config_new(const struct conf *conf);
struct route_config *route_config_ref(struct route_config *c);
void route_config_unref(struct route_config **c);
/* The rule for `domain`: its own, else that of the nearest ".parent", else "*"; or NULL. */
const struct route_rule *route_rule_find(const struct route_config *c, struct str domain);
uint16_t route_rule_port(const struct conf_transport *t);
/* The route to a socket or an address; NULL without *ret_asks: no memory, with it: the host's name
 * is to be asked for. */
struct route *route_by_rule(
    const struct route_config *c, const struct route_rule *rule, struct str domain, bool *ret_asks);
/* What the rule says of TLS and login, for a route with hosts. */
void route_apply_rule(struct route *r, const struct route_config *c, const struct route_rule *rule);
/* The rule's host was asked for. */
struct route *route_build_by_rule(const struct domain_facts *f, const struct route_config *c);

/* -- questions -------------------------------------------------------------------------------- */

struct waiter {
	struct waiter *next;
	void (*fn)(void *arg, struct route *route);
	void *arg;
};

/* One domain being looked up. Guarded by its router's lock. */
struct lookup {
	struct router *router;
	struct entry *entry; /* the router's place for it */
	struct lookup *next; /* of those that wait for their turn */
	struct route_config *config; /* a reference */
	struct route_settings settings; /* its own, or as its rule has them */
	const struct own_addresses *own; /* the router's */
	struct arena *arena; /* all that follows */
	struct domain_facts facts;
	struct store *store;
	struct sts_fetcher *fetcher;
	struct sts_cached sts_cached; /* .policy.p NULL: there is none */
	struct host_facts sts_host; /* where the policy is to be fetched */
	bool counted; /* among those that ask the DNS */
	unsigned open; /* questions without an answer */
	unsigned stage;
	struct waiter *waiters, **waiters_tail;
	size_t waiter_count;
	struct route *route; /* in the end */
};

/* Asks the first questions, with the lock held. True: there is nothing to wait for, the facts are
 * complete. */
bool lookup_begin(struct lookup *l, struct dns *d);
/* The host of `rule` is asked for, not the domain's MX. Before lookup_begin(). */
void lookup_use_rule(struct lookup *l, const struct route_rule *rule);
/* Around the taking of an answer. When it `completes` the facts, whoever waits is told, and `l` is
 * no more. */
struct dns *lookup_lock(struct lookup *l);
void lookup_unlock(struct lookup *l, bool completes);

/* One of the open questions is answered, with the lock held, which is let go. */
void lookup_answered(struct lookup *l, struct dns *d);

/* -- MTA-STS (route_sts.c); with the lock held ---------------------------------------------------
 */

void lookup_take_sts_record(struct lookup *l, const struct dns_answer *a);
/* The addresses of its host are to be asked for. */
bool lookup_needs_policy(struct lookup *l);
void lookup_fetch_policy(struct lookup *l, struct dns *d);
void lookup_settle_policy(struct lookup *l, struct dns *d);
/* A fetch in vain is not repeated for a while: of the router. */
#define ROUTE_STS_AGAIN_MS 300000 /* RFC 8461 §3.3 */
bool lookup_may_fetch(const struct lookup *l);
void lookup_fetch_failed(struct lookup *l);
/* It waits for a stranger's server now: others may ask the DNS meanwhile. */
void lookup_step_aside(struct lookup *l);

#endif
