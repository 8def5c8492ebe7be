/* common/dns/dns.h - questions to the DNS, over libunbound: cached, validated, never waited for.
 *
 * A question is asked from any thread; its answer comes as one call on the loop's thread, which
 * must not block: it hands the answer on and wakes whoever wanted it. A temporary failure
 * (SERVFAIL, no answer in time, an answer that fails validation) is never taken for "does not
 * exist".
 *
 * A resolver that drops DNSSEC's records (some home routers do) makes every answer bogus. So the
 * first bogus answers are held back while the root's own records are asked for: where even these
 * are bogus, though the resolver does answer for them, nothing is validated from then on (nothing
 * is `secure`: mail goes without DANE), which is logged (dns_not_validated) and tried anew after
 * minutes, then every hour. Where the root validates, bogus means bogus. Whoever sits between this
 * host and its resolver and drops DNSSEC's records could make it seem so; therefore it is believed
 * only until anything has validated: from then on, for as long as the process runs, bogus stays
 * bogus. With conf->dns.from_root there is no resolver that could be to blame, and it is never
 * believed.
 */
#ifndef COMMON_DNS_DNS_H
#define COMMON_DNS_DNS_H

#include "common/base/arena.h"
#include "common/base/conf.h"
#include "common/net/loop.h"

struct dns;

enum dns_type {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_TLSA = 52,
};

enum dns_status {
	DNS_FOUND,
	DNS_NO_DATA, /* the name exists, records of this type do not */
	DNS_NO_NAME, /* NXDOMAIN */
	DNS_FAILED, /* for now: SERVFAIL, time-out, no network */
	DNS_BOGUS, /* signed, and the signature is wrong: treated as FAILED, told apart in logs */
};

struct dns_record {
	uint16_t preference; /* MX; of SRV the priority */
	struct str
	    name; /* MX, CNAME, PTR, SRV: without the final dot, lower case; "" is the root */
	struct str data; /* A, AAAA: 4 or 16 octets; TXT: its strings joined; TLSA: RDATA; SRV:
			    weight and port, 2 octets each */
};

struct dns_answer {
	enum dns_status status;
	bool secure; /* validated; also of NO_DATA and NO_NAME */
	uint32_t ttl_s;
	struct str canonical; /* the name that a CNAME led to, or empty */
	struct dns_record *records; /* MX by preference, equal ones in random order */
	size_t count;
	const char *why; /* of FAILED and BOGUS, for people */
};

/* Questions that wait for an answer, and those behind them that wait to be asked. */
#define DNS_IN_FLIGHT_MAX 1000
#define DNS_WAITING_MAX 20000
#define DNS_RECORDS_MAX 200 /* of one answer; further ones are left out */
#define DNS_NAME_MAX 253

/* Resolvers and trust anchors as `conf->dns` says: the system's (resolv.conf), given ones, or from
 * the root. `conf` outlives it; nothing is opened before the first question. ERR_NOMEM. */
NODISCARD enum err dns_new(struct loop *l, const struct conf *conf, struct dns **ret);
/* Unanswered questions are answered DNS_FAILED first. On the loop's thread, or after it has ended.
 */
void dns_free(struct dns **d);

/* `name` in ASCII form. The answer lives as long as the call of `fn`, which comes exactly once, on
 * the loop's thread, and never from inside dns_ask(). ERR_SYNTAX (no name of the DNS), ERR_BUSY
 * (DNS_WAITING_MAX, or dns_free() has begun), ERR_CONFIG (logged), ERR_IO, ERR_NOMEM: it will not
 * come. */
NODISCARD enum err dns_ask(struct dns *d, struct str name, enum dns_type type,
    void (*fn)(void *arg, const struct dns_answer *a), void *arg);

/* Labels of letters, digits, hyphens and underscores, of at most 63 octets, DNS_NAME_MAX in all. */
bool dns_is_name(struct str name);
/* `text` as the DNS knows it: U-labels become A-labels (RFC 5891), lower case, no final dot. In
 * `arena`. ERR_SYNTAX. */
NODISCARD enum err dns_name_from_text(struct str text, struct arena *arena, struct str *ret);

#endif
