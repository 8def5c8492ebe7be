/* Command lines to handlers: who may say what when (the table's word), one reply to each, and what
 * becomes of those who err too often. */
#include "common/auth/prep.h"
#include "common/base/log.h"
#include "common/metrics/recent.h"
#include "smtpd/accepted.h"
#include "smtpd/smtp_commands.h"

enum err
smtp_answer(struct smtp_cmd *cmd, enum err e, uint16_t code, const char *enhanced, const char *text)
{
	cmd->reply = (struct smtp_reply){code, enhanced, text};
	return e;
}

void
smtp_say(
    struct smtp_session *s, const char *command, const struct smtp_reply *reply, struct str about)
{
	smtp_reply_write(s->conn, reply);
	if (smtp_reply_is_refusal(reply))
		log_info("refuse", F_CSTR("peer", s->peer), F_STR("user", sbuf_view(&s->user)),
		    F_CSTR("cmd", command), F_UINT("code", reply->code),
		    F_CSTR("enhanced", reply->enhanced), F_STR("about", about),
		    F_STR("helo", sbuf_view(&s->helo)), F_CSTR("text", reply->text));
}

/* To the command of a line. */
static void
say_of(struct smtp_session *s, const struct smtp_cmd *cmd, const struct smtp_reply *reply)
{
	smtp_say(s, cmd->row ? cmd->row->name : "?", reply, cmd->about);
	if (cmd->row && cmd->row->handler == cmd_rcpt && smtp_reply_is_refusal(reply))
		accepted_note_refusal(s, reply, cmd->about);
}

/* Part of a transaction and nothing else: RCPT, DATA, BDAT. */
static bool
is_of_transaction(const struct smtp_command *row)
{
	return row && !(row->states & ~(unsigned)ST_TRANSACTION);
}

bool
smtp_count_bad(struct smtp_session *s, const struct smtp_command *row, enum err e)
{
	bool trusted = s->account || smtp_is_lmtp(s);

	if (is_of_transaction(row) &&
	    (e == ERR_NO_USER || e == ERR_RELAY || (e == ERR_SEQUENCE && s->txn_refused)))
		return ++s->refused >= s->conf->smtpd.max_recipients;
	if (err_class(e) != ERR_CLASS_CLIENT)
		return false;
	s->bad_commands++;
	return s->bad_commands >=
	       (trusted ? s->conf->bad_commands_after_login : s->conf->bad_commands_before_login);
}

static bool
is_http(struct str verb)
{
	static const char *const verbs[] = {
	    "GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "DELETE", "PATCH", "TRACE", "PRI"};

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (str_eq_nocase(verb, str_of(verbs[i])))
			return true;
	return false;
}

static enum err
no_such_command(struct smtp_cmd *cmd, struct str verb)
{
	/* A browser was made to speak to us (ALPACA): its later lines must not be commands. */
	if (is_http(verb)) {
		cmd->close = true;
		return smtp_answer(cmd, ERR_UNKNOWN, 554, "5.5.1", "This is no web server");
	}
	return ERR_UNKNOWN;
}

static enum err
not_on_this_port(const struct smtp_session *s, struct smtp_cmd *cmd)
{
	if (smtp_is_lmtp(s) && cmd->row->services) /* RFC 2033 §4.1 */
		return smtp_answer(
		    cmd, ERR_UNKNOWN, 500, "5.5.1", "Not a command of LMTP, use LHLO");
	return smtp_answer(cmd, ERR_UNKNOWN, 502, "5.5.1", "Command not implemented on this port");
}

static enum err
out_of_sequence(const struct smtp_session *s, struct smtp_cmd *cmd)
{
	const char *text = "Bad sequence of commands";

	if (s->state == ST_START)
		text = smtp_is_lmtp(s) ? "Send LHLO first" : "Send EHLO first";
	else if (!(cmd->row->states & ~(unsigned)(ST_START | ST_READY)))
		text = "Not during a mail transaction";
	else if (s->state == ST_READY)
		text = "Need MAIL first";
	else if (s->state == ST_MAIL)
		text = "No valid recipients";
	else if (s->state == ST_BDAT)
		text = "Only BDAT can follow BDAT";
	return smtp_answer(cmd, ERR_SEQUENCE, 503, "5.5.1", text);
}

/* What the row demands. `more`: input follows the line already. */
static enum err
check_row(const struct smtp_session *s, struct smtp_cmd *cmd, bool more)
{
	const struct smtp_command *row = cmd->row;

	if (!(row->services & s->service))
		return not_on_this_port(s, cmd);
	if ((row->flags & CMD_ENDS_GROUP) && more) {
		cmd->close = true; /* what follows was sent without knowing what it would be */
		return smtp_answer(cmd, ERR_SEQUENCE, 554, "5.5.0",
		    "Nothing may follow this command before its reply");
	}
	if ((row->flags & CMD_NO_ARGS) && cmd->args.n)
		return smtp_answer(cmd, ERR_SYNTAX, 501, "5.5.4", "No arguments allowed");
	if ((row->flags & CMD_NEEDS_LOGIN) && smtp_submits(s) && !s->account)
		return smtp_answer(cmd, ERR_SEQUENCE, 530, "5.7.0",
		    conn_is_secure(s->conn) ? "Authentication required: log in with AUTH"
					    : "Authentication required: STARTTLS, then AUTH");
	if (!(row->states & s->state))
		return out_of_sequence(s, cmd);
	return ERR_OK;
}

enum smtp_step
smtp_finish_command(struct smtp_session *s, struct smtp_cmd *cmd, enum err e)
{
	struct smtp_reply reply = cmd->reply.code ? cmd->reply : smtp_reply_for(e);

	if (e)
		METRICS_COUNT(errors, e);
	if (cmd->row && cmd->row->handler == cmd_rcpt)
		METRICS_COUNT(smtp_recipients, e ? 1 : 0);
	if (!cmd->no_reply)
		say_of(s, cmd, &reply);
	if (cmd->close) {
		s->end = e ? "refused" : "quit";
		return STEP_CLOSE;
	}
	if (cmd->start_tls)
		return STEP_TLS;
	if (!cmd->no_reply && smtp_count_bad(s, cmd->row, e))
		return smtp_goodbye(s, "4.7.0", "Too many errors", "errors");
	return STEP_GO_ON;
}

static enum smtp_step
run_line(struct smtp_session *s, struct str line)
{
	struct smtp_cmd cmd = {0};
	int64_t began_us = clock_mono_us();
	bool more = conn_input(s->conn).n > line.n + 2;
	size_t blank = str_find(line, ' ');
	struct str verb = str_sub(line, 0, blank == STR_NONE ? line.n : blank);
	enum err e;

	cmd.row = smtp_find_command(verb);
	cmd.args = str_trim(str_skip(line, verb.n));
	size_t index = smtp_command_index(cmd.row);
	recent_note(began_us);
	METRICS_COUNT(smtp_commands, index);
	if (!cmd.row)
		e = no_such_command(&cmd, verb);
	else
		e = check_row(s, &cmd, more);
	if (!e)
		e = cmd.row->handler(s, &cmd);
	else if (cmd.row && cmd.row->flags & CMD_CHUNK)
		smtp_skip_chunk(s, &cmd, e);
	if (cmd.row && cmd.row->flags & CMD_SECRET)
		prep_wipe(line); /* in the connection's buffer, which forgets it now */
	line_done(&s->line, s->conn, line);
	enum smtp_step step = smtp_finish_command(s, &cmd, e);
	METRICS_TIME(smtp_command, index, began_us);
	return step;
}

static enum smtp_step
refuse_line(struct smtp_session *s, enum err e, const char *text)
{
	struct smtp_cmd cmd = {0};

	(void)smtp_answer(&cmd, e, 500, "5.5.2", text);
	return smtp_finish_command(s, &cmd, e);
}

enum smtp_step
smtp_mode_command(struct smtp_session *s)
{
	struct str line;
	bool auth = str_starts_nocase(conn_input(s->conn), STR("AUTH "));

	/* Not in the midst of a transaction: those end soon, or the deadline ends them. */
	if (s->stop_deadline && !s->txn)
		return smtp_goodbye_for_stop(s);
	switch (line_take(&s->line, s->conn, auth ? SMTP_AUTH_LINE_MAX : SMTP_LINE_MAX, &line)) {
	case LINE_PARTIAL:
		return conn_at_eof(s->conn) ? STEP_CLOSE : STEP_READ;
	case LINE_TOO_LONG:
		s->commands++;
		return refuse_line(s, ERR_TOO_LONG, "Line too long");
	case LINE_BARE:
		s->commands++;
		return refuse_line(s, ERR_SYNTAX, "A bare CR, LF or NUL in a command line");
	case LINE_WHOLE:
		s->commands++;
		return run_line(s, line);
	}
	return STEP_CLOSE;
}
