/* smtpd/outbound/tlsrpt_ask.h - what the thread of tlsrpt.c asks the DNS: it may wait for the
 * answer, but not once the daemon stops.
 */
#ifndef SMTPD_OUTBOUND_TLSRPT_ASK_H
#define SMTPD_OUTBOUND_TLSRPT_ASK_H

#include "common/dns/dns.h"

#include <stdatomic.h>
#include <sys/socket.h>

#define TLSRPT_ADDRESSES_MAX 8 /* of a host that takes reports by HTTPS */

struct tlsrpt_asker {
	struct dns *dns;
	const atomic_bool *stopping; /* an answer that is not there yet is ERR_BUSY from then on */
};

/* The domain's record (RFC 8460 §3) in `arena`; empty: no report is wanted. ERR_BUSY: not to be had
 * now. */
NODISCARD enum err tlsrpt_ask_record(
    const struct tlsrpt_asker *a, struct str domain, struct arena *arena, struct str *ret);
/* At most TLSRPT_ADDRESSES_MAX addresses of `host`, those in private networks only where they are
 * allowed: a stranger's record must not point into ours. ERR_BUSY. */
NODISCARD enum err tlsrpt_ask_addresses(const struct tlsrpt_asker *a, struct str host,
    bool allow_private, struct sockaddr_storage *to, size_t *ret_n);

#endif
