/* smtpd/outbound/report.h - delivery status notifications: written for people, readable by
 * programs.
 *
 * multipart/report (RFC 6522) of a text, a message/delivery-status (RFC 3464; with UTF-8 RFC 6533's
 * message/global-delivery-status) and the original or its header. It has no Return-Path: whoever
 * delivers it writes one, empty, so that it is never answered. Facts in, octets out; any thread.
 */
#ifndef SMTPD_OUTBOUND_REPORT_H
#define SMTPD_OUTBOUND_REPORT_H

#include "common/base/conf.h"
#include "smtpd/outbound/content.h"
#include "smtpd/outbound/job.h"

enum report_kind {
	REPORT_FAILED,
	REPORT_DELAYED,
	REPORT_DELIVERED, /* asked for with NOTIFY=SUCCESS */
	REPORT_RELAYED, /* the same, to a server that can't tell (RFC 3461 §5.2.7) */
	REPORT_EXPANDED, /* the same, an alias with several targets */
};

struct report_rcpt {
	enum report_kind kind;
	struct str address;
	struct str orcpt; /* "rfc822;…" decoded, or empty */
	struct str status; /* "5.1.1" */
	struct str reply; /* of the other side, or our words */
	struct str host; /* that said so ("mx.example.net[192.0.2.1]:25"), or empty: we ourselves */
	int64_t last_attempt_s;
	int64_t will_retry_until_s; /* DELAYED */
};

struct report {
	struct str hostname; /* ours */
	struct str to; /* the sender of the original */
	struct str postmaster; /* whom a person may ask */
	const struct queue_message *about;
	struct content *original; /* NULL: lost */
	const struct report_rcpt *rcpts; /* all of them, of whatever kinds */
	size_t rcpt_count;
	int64_t now_s;
	bool utf8; /* it may be sent with SMTPUTF8, and its envelope must say so */
};

/* Where RET says nothing, a larger original comes back as its header. */
#define REPORT_DEFAULT_FULL_MAX ((uint64_t)64 * 1024)
/* And whatever RET says. */
#define REPORT_FULL_MAX ((uint64_t)10 * 1024 * 1024)
/* Of a header that comes back. */
#define REPORT_HEADER_MAX ((size_t)256 * 1024)

/* Writes the message, which may have octets above 0x7f in it (8BITMIME), to `out`. ERR_IO,
 * ERR_NO_SPACE, ERR_NOMEM. */
NODISCARD enum err report_write(const struct report *r, struct spool *out);
/* Whom a report of ours names: directory_postmaster(), and where there is none, one at our host's
 * name. In `arena`. */
struct str report_postmaster(struct store *s, const struct conf *conf, struct arena *arena);

#endif
