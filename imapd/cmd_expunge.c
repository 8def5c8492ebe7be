/*
 * EXPUNGE, RFC 3501 §6.4.3, and UID EXPUNGE, RFC 4315 §2.1. The table admits them only in a mailbox
 * that was not opened by EXAMINE; the EXPUNGE responses are news like those of other sessions.
 */
#include "imapd/imap_handlers.h"
#include "store/message.h"

enum err
cmd_expunge(struct imap_session *s, struct imap_cmd *cmd)
{
	struct uidset uids = {0};

	if (cmd->uid) {
		imap_parse_space(cmd->args);
		imap_parse_msgset(cmd->args, s->told, true, &uids);
	}
	enum err e = imap_parse_end(cmd->args);
	if (e)
		return e;
	return message_expunge(s->owner, s->mailbox, cmd->uid ? &uids : NULL, NULL);
}
