/*
 * LOGIN: RFC 3501 §6.2.3. A wrong password is answered after a delay, which no worker waits for:
 * the session sleeps until its deadline.
 */
#include "imapd/cmd_login.h"

#include "imapd/imap_capability.h"
#include "imapd/imap_dispatch.h"
#include "imapd/imap_handlers.h"

enum imap_go
imap_hold_reply(struct imap_session *s, unsigned events)
{
	if (!(events & CONN_EV_TIMEOUT) && !s->stopping)
		return conn_at_eof(s->conn) ? GO_CLOSE : GO_SLEEP;
	enum imap_go go = imap_finish(s, s->held_err);
	if (go == GO_ON && s->failed_logins >= s->conf->login_failures) {
		imap_say_bye(s, NULL, "Too many failed logins");
		return GO_CLOSE;
	}
	imap_set_deadline(s);
	return go;
}

static enum err
hold(struct imap_session *s, struct imap_cmd *cmd, enum err e, int64_t ms)
{
	s->failed_logins++;
	s->held_err = e;
	cmd->began_us = 0; /* the answer waits on purpose */
	conn_set_deadline(s->conn, ms > 0 ? ms : 1);
	imap_enter_mode(s, cmd, imap_hold_reply);
	return ERR_OK;
}

enum err
imap_login_failed(struct imap_session *s, struct imap_cmd *cmd, enum err e)
{
	if (e != ERR_AUTH_FAILED)
		return e;
	return hold(s, cmd, e, service_login_failed(s->service, s->conn, s->sasl, s->mechanism));
}

enum err
imap_login_put_off(struct imap_session *s, struct imap_cmd *cmd)
{
	imap_set_code(cmd, "UNAVAILABLE");
	imap_set_text(cmd, "Too many are logging in, try again later");
	return hold(
	    s, cmd, ERR_BUSY, service_login_put_off(s->service, s->conn, s->sasl, s->mechanism));
}

void
imap_set_capability_code(struct imap_session *s, struct imap_cmd *cmd)
{
	CLEANUP(sbuf_done) struct sbuf caps = SBUF_INIT(IMAP_CAPABILITIES_MAX);

	imap_list_capabilities(s, &caps);
	imap_set_code(cmd, "CAPABILITY %s", sbuf_cstr(&caps));
	imap_set_text(cmd, "Logged in");
}

enum err
cmd_login(struct imap_session *s, struct imap_cmd *cmd)
{
	struct str user, password;
	enum sasl_status status;
	enum err why;

	imap_parse_space(cmd->args);
	imap_parse_astring(cmd->args, &user);
	imap_parse_space(cmd->args);
	imap_parse_astring(cmd->args, &password);
	enum err e = imap_parse_end(cmd->args);
	if (e)
		return e;

	imap_begin_exchange(s, STR("LOGIN"));
	e = sasl_login_by_command(
	    &s->sasl_host, user, password, cmd->arena, &s->sasl, &status, &why);
	return e ? e : imap_login_step(s, cmd, status, STR(""), why);
}
