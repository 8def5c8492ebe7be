/* RSET, NOOP, VRFY, HELP, QUIT: RFC 5321 §4.1.1.5 to §4.1.1.10. */
#include "smtpd/smtp_commands.h"

enum err
cmd_rset(struct smtp_session *s, struct smtp_cmd *cmd)
{
	smtp_end_txn(s);
	return smtp_answer(cmd, ERR_OK, 250, "2.0.0", "Ok");
}

enum err
cmd_noop(struct smtp_session *s, struct smtp_cmd *cmd)
{
	(void)s;
	return smtp_answer(cmd, ERR_OK, 250, "2.0.0", "Ok");
}

/* Always the same answer: who has a mailbox here is nobody's business (§7.3). */
enum err
cmd_vrfy(struct smtp_session *s, struct smtp_cmd *cmd)
{
	(void)s;
	if (cmd->args.n == 0)
		return smtp_answer(cmd, ERR_SYNTAX, 501, "5.5.4", "Syntax: VRFY address");
	return smtp_answer(
	    cmd, ERR_OK, 252, "2.0.0", "Cannot verify the user, but will take mail and try");
}

/* The table itself, as far as it holds here. */
enum err
cmd_help(struct smtp_session *s, struct smtp_cmd *cmd)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(1024);

	sbuf_puts(&text, "Commands on this port:\n");
	for (size_t i = 0; i < smtp_command_count(); i++) {
		const struct smtp_command *row = smtp_command_at(i);
		if (!(row->services & s->service))
			continue;
		if (row->handler == cmd_starttls && !conn_tls_available(s->conn))
			continue;
		sbuf_printf(&text, "%s%s", text.p[text.n - 1] == '\n' ? "" : " ", row->name);
	}
	struct str kept = arena_dup(s->arena, sbuf_view(&text));
	if (sbuf_error(&text) || !kept.p)
		return ERR_NOMEM;
	return smtp_answer(cmd, ERR_OK, 214, "2.0.0", kept.p);
}

enum err
cmd_quit(struct smtp_session *s, struct smtp_cmd *cmd)
{
	smtp_end_txn(s);
	cmd->close = true;
	return smtp_answer(cmd, ERR_OK, 221, "2.0.0", "Bye");
}
