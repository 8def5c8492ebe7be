/* STARTTLS: RFC 3207. Everything known from before the handshake is forgotten (§4.2); what the
 * client sent in the clear after the command is never read (smtp_dispatch.c refuses what is there
 * already, the connection drops what comes before the handshake: CVE-2011-0411). */
#include "smtpd/smtp_commands.h"

enum err
cmd_starttls(struct smtp_session *s, struct smtp_cmd *cmd)
{
	if (conn_is_tls(s->conn))
		return smtp_answer(cmd, ERR_SEQUENCE, 503, "5.5.1", "TLS is on already");
	if (!conn_tls_available(s->conn))
		return smtp_answer(cmd, ERR_CANNOT, 454, "4.7.0", "TLS is not available");
	sbuf_clear(&s->helo);
	sbuf_clear(&s->user);
	s->extended = false;
	s->account = 0;
	smtp_enter(s, ST_START);
	cmd->start_tls = true;
	return smtp_answer(cmd, ERR_OK, 220, "2.0.0", "Ready to start TLS");
}
