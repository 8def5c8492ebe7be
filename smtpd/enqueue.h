/* smtpd/enqueue.h - the recipients of a submitted message that are not ours: into the queue
 * (store/queue.h), from where smtpd/outbound sends them on.
 */
#ifndef SMTPD_ENQUEUE_H
#define SMTPD_ENQUEUE_H

#include "smtpd/smtp_session.h"

/* An accepted recipient elsewhere. ERR_NOMEM. */
NODISCARD enum err enqueue_add_recipient(struct smtp_session *s, struct str address);

/* All of a message's recipients are for the queue or for mailboxes; of both kinds where there are
 * some, the queue's copy has no Return-Path (RFC 5321 §4.4: the final delivery writes it), and this
 * makes the one for the mailboxes: in *ret, the caller's to free. ERR_NO_SPACE, ERR_IO,
 * ERR_NOMEM. */
NODISCARD enum err enqueue_local_copy(
    struct smtp_session *s, struct spool *queued, struct spool **ret);

/* The message says "TLS-Required: No" and may (RFC 8689 §4.1). After incoming_finish(). */
bool enqueue_is_tls_optional(const struct smtp_session *s);

/* The message for the transaction's recipients elsewhere; durable on return. ERR_DENIED (the
 * account may send no more), or one of OURS. */
NODISCARD enum err enqueue_message(struct smtp_session *s, struct spool *spool);

#endif
