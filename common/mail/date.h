/* common/mail/date.h - dates of mail (RFC 5322 §3.3, obsolete §4.3) and of IMAP (RFC 3501
 * date-time, date). Pure. */
#ifndef COMMON_MAIL_DATE_H
#define COMMON_MAIL_DATE_H

#include "common/base/sbuf.h"
#include "common/base/str.h"

struct date {
	int64_t utc_s; /* seconds since 1970 */
	int32_t zone_s; /* east of UTC, as written */
};

/* A Date: field body; tolerant of missing weekday, two-digit years, named zones, comments, missing
 * seconds. */
bool date_parse_rfc5322(struct str value, struct date *ret);
/* The same, but a time of day that is missing or invalid counts as 00:00:00 (RFC 5256 §2.2), and a
 * year before 1900 is no date. */
bool date_parse_sent(struct str value, struct date *ret);
/* "Sun, 22 Nov 2026 14:03:11 +0100" */
void date_format_rfc5322(struct date d, struct sbuf *out);
/* " 7-Nov-2026 14:03:11 +0100" without the quotes. */
bool date_parse_imap(struct str s, struct date *ret);
void date_format_imap(struct date d, struct sbuf *out);
/* "7-Nov-2026" or "07-Nov-2026": days since 1970 of that calendar day. */
bool date_parse_imap_day(struct str s, int32_t *ret_days);
/* The calendar day of `d` in its own zone, as days since 1970 (SEARCH SENTON disregards time and
 * zone). */
int32_t date_day(struct date d);
/* "2026-12-24T18:00:00Z", "…+01:00" (RFC 3339), without fractions of seconds: seconds since 1970.
 */
bool date_parse_rfc3339(struct str s, int64_t *ret_utc_s);
/* Now, in the system's zone. */
struct date date_now(void);

#endif
