/* smtpd/outbound/sts_policy.h - what MTA-STS (RFC 8461) says: the record in the DNS, the policy,
 * whether a host is one of it. Pure. */
#ifndef SMTPD_OUTBOUND_STS_POLICY_H
#define SMTPD_OUTBOUND_STS_POLICY_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/dns/dns.h"

#define STS_POLICY_MAX (64 * 1024) /* octets (RFC 8461 §3.3 asks for a limit) */
#define STS_MX_MAX 1000 /* patterns */
#define STS_ID_MAX 32
#define STS_AGE_MAX_S 31557600 /* §3.2 */

enum sts_mode { STS_NONE, STS_TESTING, STS_ENFORCE };

struct sts_policy {
	enum sts_mode mode;
	uint32_t max_age_s;
	struct str *mx; /* patterns as they stand there */
	size_t mx_count;
	struct str text;
};

/* The id of the one record of version STSv1 (§3.1), a slice of the answer's; .p NULL: there is
 * none, or more than one, which is none. */
struct str sts_record_id(const struct dns_answer *a);
/* §3.2; everything in `arena`. ERR_SYNTAX, ERR_NOMEM. */
NODISCARD enum err sts_policy_parse(struct str text, struct arena *arena, struct sts_policy *ret);
/* §4.1: whether `host` is one of the policy's. */
bool sts_policy_names(const struct sts_policy *p, struct str host);

#endif
