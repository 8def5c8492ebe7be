/* smtpd/outbound/tlsrpt_report.h - the daily report on TLS that a domain has asked for (RFC 8460):
 * its JSON, compressed, and the mail that brings it. Facts in, octets out; any thread.
 */
#ifndef SMTPD_OUTBOUND_TLSRPT_REPORT_H
#define SMTPD_OUTBOUND_TLSRPT_REPORT_H

#include "smtpd/outbound/route.h"
#include "store/message.h"

/* How often it came out so, in a day. */
struct tlsrpt_row {
	enum route_policy policy;
	struct str policy_text; /* the STS policy or the TLSA records, a line each; or empty */
	struct str mx_patterns; /* of an STS policy, a line each; or empty */
	struct str failure; /* result type (§4.3): "certificate-expired" …; empty: success */
	struct str host; /* that was connected to */
	struct str address; /* its address */
	uint64_t sessions;
};

struct tlsrpt_report {
	struct str organization; /* our domain, in whose name we send */
	struct str contact; /* an address of ours */
	struct str hostname;
	struct str domain; /* whose policies these are */
	struct str id; /* unique: "2026-11-22T00:00:00Z_example.net" */
	int64_t day_s; /* when the day began, UTC */
	int64_t now_s;
	const struct tlsrpt_row *rows;
	size_t row_count;
};

#define TLSRPT_JSON_MAX (4U * 1024 * 1024)

/* §4.4. ERR_NOMEM, ERR_TOO_LONG. */
NODISCARD enum err tlsrpt_json(const struct tlsrpt_report *r, struct sbuf *out);
NODISCARD enum err tlsrpt_gzip(struct str in, struct sbuf *out);
/* §5.3: multipart/report with the compressed JSON, for `to`. */
NODISCARD enum err tlsrpt_mail(
    const struct tlsrpt_report *r, struct str to, struct str gzipped, struct spool *out);
/* The addresses of a _smtp._tls TXT record (§3): "mailto:…" and "https:…", in `arena`, in the order
 * of the record. ERR_SYNTAX: it is none. */
NODISCARD enum err tlsrpt_parse_record(
    struct str record, struct arena *arena, struct str **ret, size_t *ret_n);

#endif
