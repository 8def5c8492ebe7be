/*
 * CLOSE: RFC 3501 §6.4.2, and UNSELECT: RFC 3691. Neither tells what it expunges.
 */
#include "imapd/imap_handlers.h"
#include "store/rights.h"

enum err
cmd_close(struct imap_session *s, struct imap_cmd *cmd)
{
	enum err e = imap_parse_end(cmd->args);

	/* without the right to expunge it closes only: RFC 4314 §4 */
	if (!e && !s->read_only && (s->rights & RIGHT_EXPUNGE))
		e = message_expunge_promised(
		    s->owner, s->mailbox, NULL, NULL, imap_promise(s, s->owner));
	if (e == ERR_GONE)
		e = ERR_OK; /* deleted meanwhile: closed all the same */
	if (!e)
		imap_deselect(s);
	return e;
}

enum err
cmd_unselect(struct imap_session *s, struct imap_cmd *cmd)
{
	enum err e = imap_parse_end(cmd->args);

	if (!e)
		imap_deselect(s);
	return e;
}
