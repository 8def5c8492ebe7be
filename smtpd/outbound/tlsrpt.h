/* smtpd/outbound/tlsrpt.h - reports on TLS to those who ask for them (RFC 8460): counts how each
 * connection went, and once a day mails what was counted to the addresses that a domain names in
 * its DNS.
 *
 * The day's work is done by a thread of its own, which may wait: for the DNS, for the disk. It
 * begins up to TLSRPT_SPREAD_S after midnight UTC (§5: not all at once), and soon after a start for
 * days that were missed.
 */
#ifndef SMTPD_OUTBOUND_TLSRPT_H
#define SMTPD_OUTBOUND_TLSRPT_H

#include "common/dns/dns.h"
#include "smtpd/outbound/route.h"

#define TLSRPT_SPREAD_S (4 * 3600)
#define TLSRPT_KEEP_DAYS 7 /* what could not be told for so long is forgotten */

struct tlsrpt;

struct tlsrpt_options {
	struct store *store;
	struct dns *dns;
	struct loop *loop; /* NULL: no timer (tests) */
	const char *hostname;
	bool allow_private; /* reports may be brought to private addresses, too */
	const char *ca_file; /* for those brought by HTTPS; NULL or "": the system's authorities */
};
NODISCARD enum err tlsrpt_new(const struct tlsrpt_options *o, struct tlsrpt **ret);
/* Before the DNS is freed: waits for the day's work, which then ends at its next step. */
void tlsrpt_free(struct tlsrpt **t);

/* A connection to `host` of `route` at `address` came as far as TLS, or should have: `failure` as
 * §4.3 names it
 * ("starttls-not-supported", "certificate-expired" …), NULL: it went well. Any thread; a commit
 * that is not synced. Of a host that owes no TLS and has none nothing is noted. */
void tlsrpt_note(struct tlsrpt *t, const struct route *route, const struct route_host *host,
    const char *address, const char *failure);

/* Mail is on its way by `route`: where the host that would be asked first is not, since an enforced
 * MTA-STS policy does not name it, that is a session that failed (§4.3.1 "validation-failure"). */
void tlsrpt_note_off_policy(struct tlsrpt *t, const struct route *route);

/* Tells of all days before `day` (since 1970), on this thread, which waits. Returns how many
 * reports went into the queue. */
size_t tlsrpt_run(struct tlsrpt *t, int64_t day);

#endif
