/*
 * UNAUTHENTICATE: RFC 8437. The connection is as it was before the login, but for TLS and ID.
 */
#include "imapd/imap_handlers.h"

enum err
cmd_unauthenticate(struct imap_session *s, struct imap_cmd *cmd)
{
	enum err e = imap_parse_end(cmd->args);

	if (e)
		return e;
	/* §3: there is no NO; who can't forget everything says BYE. Compression has no end here,
	 * and an account whose last commits may be lost must hear so. */
	if (conn_is_deflated(s->conn))
		imap_say_bye(s, NULL, "Compression can't be left, connect anew");
	else if (promise_keep(&s->promise))
		imap_say_bye(s, "UNAVAILABLE", "The disk failed");
	else
		imap_unauthenticate(s);
	return ERR_OK;
}
