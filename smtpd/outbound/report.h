/* smtpd/outbound/report.h - delivery status notifications: written for people, readable by
 * programs.
 *
 * multipart/report (RFC 6522) of a text, a message/delivery-status (RFC 3464; RFC 6533's
 * message/global-delivery-status where addresses are beyond ASCII) and the original or its header.
 * Sender
 * <>, so that it is never answered. A pure function from facts to octets.
 */
#ifndef SMTPD_OUTBOUND_REPORT_H
#define SMTPD_OUTBOUND_REPORT_H

#include "smtpd/outbound/job.h"

enum report_kind {
	REPORT_FAILED,
	REPORT_DELAYED,
	REPORT_DELIVERED, /* asked for with NOTIFY=SUCCESS */
	REPORT_RELAYED, /* the same, to a server that can't tell */
	REPORT_EXPANDED,
};

struct report_rcpt {
	enum report_kind kind;
	struct str address;
	struct str orcpt; /* or empty */
	struct str status; /* "5.1.1" */
	struct str reply; /* of the other side, or our words */
	struct str host; /* that said so, or empty: we ourselves */
	int64_t last_attempt_s;
	int64_t will_retry_until_s; /* DELAYED */
};

struct report {
	struct str hostname; /* ours */
	struct str to; /* the sender of the original */
	struct str postmaster; /* whom a person may ask */
	const struct queue_message *about;
	struct queue_octets *octets; /* the original; NULL: lost */
	const struct report_rcpt *rcpts;
	size_t rcpt_count;
	int64_t now_s;
	bool utf8; /* `to` can be sent UTF-8 (RFC 6533) */
};

#define REPORT_ORIGINAL_MAX                                                                        \
	(1024 * 1024) /* larger ones come back as their header, whatever RET says */

/* Writes the message to `out`. ERR_IO, ERR_NO_SPACE, ERR_NOMEM. */
NODISCARD enum err report_write(const struct report *r, struct spool *out);

#endif
