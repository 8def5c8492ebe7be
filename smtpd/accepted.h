/* smtpd/accepted.h - what follows the acceptance of a message: the trace hears of it, and who asked
 * for it is told of its delivery.
 */
#ifndef SMTPD_ACCEPTED_H
#define SMTPD_ACCEPTED_H

#include "smtpd/smtp_session.h"

/* The message is durable for the recipients that are marked as taken. Reports of success
 * (NOTIFY=SUCCESS, RFC 3461 §5.2.3) go into the queue; what can't be reported is logged, since the
 * message itself has been accepted. */
void accepted_tell(struct smtp_session *s, struct spool *spool);

/* A recipient was refused: the trace hears of the first ones of a session. */
void accepted_note_refusal(
    struct smtp_session *s, const struct smtp_reply *reply, struct str about);

#endif
