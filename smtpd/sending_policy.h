/* smtpd/sending_policy.h - whether an account may write to an address beyond our domains: how much
 * it sends (store/sending.h), and whether that address refused mail for good a short while ago
 * (store/suppression.h). Said at RCPT, so that nobody waits for a report.
 */
#ifndef SMTPD_SENDING_POLICY_H
#define SMTPD_SENDING_POLICY_H

#include "smtpd/smtp_commands.h"
#include "store/sending.h"

/* The limits of the configuration. */
struct sending_limits sending_policy_limits(const struct conf *conf);

/* queue_add() gave ERR_LIMIT for a message to so many recipients elsewhere: holds the account and
 * tells the postmaster, as sending_policy_rcpt() does. */
void sending_policy_exceeded(struct smtp_session *s, size_t recipients);

/* Of a message that queue_add() refused with ERR_LIMIT or ERR_DENIED. */
struct smtp_reply sending_policy_refusal(void);

/* ERR_OK, or the error whose reply has been set. An account that goes beyond its limits is held
 * from then on, its messages in the queue with it, and the postmaster is told by mail. */
NODISCARD enum err sending_policy_rcpt(
    struct smtp_session *s, struct smtp_cmd *cmd, struct str address);

/* Of an address of ours that leads to `found`: refused where all it leads to refused mail for good,
 * so that nothing is tried in vain and no report goes to a sender who may be forged. */
NODISCARD enum err sending_policy_forward(
    struct smtp_session *s, struct smtp_cmd *cmd, const struct recipient *found, size_t n);

#endif
