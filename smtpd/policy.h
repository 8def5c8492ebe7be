/* smtpd/policy.h - who may send what to whom: decided at MAIL and RCPT, never by a bounce later. */
#ifndef SMTPD_POLICY_H
#define SMTPD_POLICY_H

#include "smtpd/smtp_session.h"

/* On submission: is this sender the account's own (RFC 6409 §6.1)? ERR_DENIED, or one of OURS. From
 * other servers any sender is taken. */
NODISCARD enum err policy_sender(struct smtp_session *s, struct str sender);

/* What is behind a recipient, in `arena`. Of several accounts one must have room for `size` octets:
 * a member's full mailbox keeps nobody from the others; *ret_partly: not all have. ERR_RELAY,
 * ERR_NO_USER, ERR_OVER_QUOTA, ERR_LOOP, or one of OURS. */
NODISCARD enum err policy_recipient(struct smtp_session *s, struct str address, uint64_t size,
    struct arena *arena, struct recipient **ret, size_t *ret_n, bool *ret_partly);

#endif
