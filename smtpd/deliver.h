/* smtpd/deliver.h - the message of a transaction: its beginning, and its delivery into the store.
 *
 * 250 is written only after message_deliver() has the message on stable storage in every mailbox of
 * the recipient (LMTP: of that one; SMTP: of all).
 */
#ifndef SMTPD_DELIVER_H
#define SMTPD_DELIVER_H

#include "smtpd/smtp_session.h"

/* Adds an accepted recipient and its accounts; an account that is reached already gets no second
 * copy. ERR_LIMIT beyond SMTP_ACCOUNTS_MAX, ERR_NOMEM; then nothing is added. */
NODISCARD enum err deliver_add_recipient(
    struct smtp_session *s, struct str address, const struct recipient *r, size_t n);

/* The message begins: its spool, with the trace fields in front. */
NODISCARD enum err deliver_begin(struct smtp_session *s, enum data_form form);

/* The message is whole: delivers it, writes the reply (LMTP: one for each recipient, RFC 2033
 * §4.2) and the log line, ends the transaction. `command` is what the log calls it. */
void deliver_finish(struct smtp_session *s, const char *command);

/* What several mailboxes' results make together, as one answer: ERR_OK only if all are. */
enum err deliver_combine(enum err so_far, enum err next);

#endif
