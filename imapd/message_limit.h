/* imapd/message_limit.h - how many messages one command may concern, where imapd.message_limit sets
 * a bound: MESSAGELIMIT, RFC 9738. */
#ifndef IMAPD_MESSAGE_LIMIT_H
#define IMAPD_MESSAGE_LIMIT_H

#include "imapd/imap_session.h"

/* Leaves of `uids` the highest messages of s->told that one command may concern, with `mask` those
 * that have these flags; when some are left out the reply says so (§3.1). In the arena of the
 * command. */
NODISCARD enum err imap_limit_messages(
    struct imap_session *s, struct imap_cmd *cmd, struct uidset *uids, uint64_t mask);
/* For a command that is all or nothing: ERR_LIMIT with the code where there are too many. */
NODISCARD enum err imap_refuse_beyond_limit(
    struct imap_session *s, struct imap_cmd *cmd, const struct uidset *uids);
/* Before the tagged reply: as its code, or where that is taken (`taken`), or it is a refusal, in an
 * untagged NO (§3.1). */
void imap_write_message_limit(struct imap_session *s, struct imap_cmd *cmd, bool taken);

#endif
