/*
 * EXPUNGE, RFC 3501 §6.4.3, and UID EXPUNGE, RFC 4315 §2.1. The table admits them only in a mailbox
 * that was not opened by EXAMINE; the EXPUNGE responses are news like those of other sessions.
 * Where QRESYNC is enabled the OK says up to which modseq all is told then (RFC 7162 §3.2.7,
 * §3.2.9).
 */
#include "imapd/imap_handlers.h"
#include "imapd/message_limit.h"
#include "imapd/session_rights.h"
#include "store/message.h"

enum err
cmd_expunge(struct imap_session *s, struct imap_cmd *cmd)
{
	struct uidset uids = {0}, gone;

	if (cmd->uid) {
		imap_parse_space(cmd->args);
		imap_parse_msgset(cmd->args, s->told, true, &uids);
	}
	enum err e = imap_parse_end(cmd->args);
	if (e)
		return e;
	e = imap_need(s, RIGHT_EXPUNGE); /* RFC 4314 §4 */
	if (e)
		return e;
	if (cmd->uid) /* EXPUNGE itself MUST NOT be limited: RFC 9738 §3.1 */
		e = imap_limit_messages(s, cmd, &uids, FLAG_DELETED);
	if (e)
		return e;
	uidset_init(&gone, cmd->arena);
	e = message_expunge_promised(
	    s->owner, s->mailbox, cmd->uid ? &uids : NULL, &gone, imap_promise(s, s->owner));
	cmd->says_modseq = gone.n > 0;
	return e;
}
