/* smtpd/forward.h - mail that goes on to other servers because an alias or an account of ours says
 * so, and the reports that come back for it.
 *
 * Its envelope sender becomes an address of ours that leads back (SRS, srs.h), where it is not ours
 * already: the next server would else take us for a forger (SPF, RFC 7208). The null sender
 * stays null. A mark in the header, which only we can make and nobody can read, keeps a message
 * that comes back from being forwarded again.
 */
#ifndef SMTPD_FORWARD_H
#define SMTPD_FORWARD_H

#include "smtpd/smtp_session.h"

struct smtp_forward {
	struct str address; /* elsewhere */
	struct str by; /* of ours */
	size_t rcpt; /* the recipient in txn->rcpts that leads to it first */
	bool queued; /* by a try before */
};

/* Those of `found` that are elsewhere, for the recipient that is added next: `to` says then that it
 * has some. ERR_NOMEM, ERR_LIMIT. */
NODISCARD enum err forward_add(
    struct smtp_session *s, const struct recipient *found, size_t n, struct smtp_rcpt *to);
/* Appends the field with the marks of this transaction's forwards; nothing where there are none. */
NODISCARD enum err forward_write_mark(struct smtp_session *s, struct sbuf *out);
/* Takes away the forwards whose mark `spool` has. ERR_LOOP: then a recipient would get nothing. */
NODISCARD enum err forward_cut_loops(struct smtp_session *s, struct spool *spool);
/* The sender that the queue's copy has, in the transaction's arena. */
NODISCARD enum err forward_sender(struct smtp_session *s, struct str *ret);

/* The address behind an SRS address of ours, in the session's arena. ERR_NOT_FOUND: it is none;
 * ERR_DENIED: forged, too old, or not for a report. */
NODISCARD enum err forward_reverse(struct smtp_session *s, struct str address, struct str *ret);

#endif
