/* smtpd/outbound/onward.h - mail that is made or delivered here (a report, a notice, what was held
 * for later) for one of ours who lets his mail go on to other servers. Its sender is null or ours,
 * so it needs no other one (smtpd/forward.h).
 */
#ifndef SMTPD_OUTBOUND_ONWARD_H
#define SMTPD_OUTBOUND_ONWARD_H

#include "common/base/conf.h"
#include "store/directory.h"
#include "store/queue.h"

/* Whether one of `found` is elsewhere. */
bool onward_any(const struct recipient *found, size_t n);
/* What the mail was that goes on, and what its sender asked for. */
struct onward {
	int64_t from; /* the message of the queue that it is, which goes on to each of `found` once;
			 0 none */
	int64_t account; /* that submitted it; 0: a stranger's, or ours */
	struct str sender, envid, trace_id;
	enum queue_ret ret;
	enum queue_body body;
	bool smtputf8, requiretls, tls_optional;
	struct str orcpt; /* of each recipient */
	unsigned notify; /* the same; enum queue_notify */
};

/* `spool`, a message without Return-Path, for those of `found` that are elsewhere; durable on
 * return. As queue_add(). */
NODISCARD enum err onward_add(struct store *s, const struct conf *conf, struct spool *spool,
    const struct onward *on, const struct recipient *found, size_t n);

#endif
