/*
 * AUTHENTICATE: RFC 3501 §6.2.2, with an initial response (RFC 4959), and STARTTLS: RFC 3501
 * §6.2.1.
 */
#include "common/auth/sasl.h"
#include "common/mail/codec.h"
#include "imapd/cmd_login.h"
#include "imapd/imap_capability.h"
#include "imapd/imap_dispatch.h"
#include "imapd/imap_handlers.h"
#include "imapd/imap_read.h"

#include <openssl/crypto.h>

static imap_mode read_response;
static imap_mode wait_for_answer;

static void
wipe_sbuf(struct sbuf *b)
{
	if (b->p)
		OPENSSL_cleanse(b->p, b->n);
	sbuf_done(b);
}

static void
send_challenge(struct imap_session *s, struct str challenge)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(4 * challenge.n / 3 + 16);

	base64_encode(challenge, &text);
	conn_puts(s->conn, "+ ");
	conn_put(s->conn, sbuf_view(&text));
	conn_puts(s->conn, "\r\n");
}

/* What a step came to. ERR_OK with cmd->pending: the exchange goes on; without: logged in. */
static enum err
take_status(struct imap_session *s, struct imap_cmd *cmd, enum sasl_status status,
    struct str challenge, enum err e)
{
	switch (status) {
	case SASL_CONTINUE:
		send_challenge(s, challenge);
		imap_enter_mode(s, cmd, read_response);
		return ERR_OK;
	case SASL_DONE:
		s->sasl_done = true;
		if (challenge.n > 0) { /* RFC 3501 has no success data: the client answers it */
			send_challenge(s, challenge);
			imap_enter_mode(s, cmd, read_response);
			return ERR_OK;
		}
		break;
	case SASL_WAIT:
		imap_enter_mode(s, cmd, wait_for_answer);
		return ERR_OK;
	case SASL_FAILED:
		if (sasl_wants_other_identity(s->sasl)) /* RFC 5530 §3 */
			imap_set_code(cmd, "AUTHORIZATIONFAILED");
		return e == ERR_BUSY ? imap_login_put_off(s, cmd) : imap_login_failed(s, cmd, e);
	}
	return ERR_OK;
}

/* One message of the client. */
static enum err
step(struct imap_session *s, struct imap_cmd *cmd, struct str response)
{
	struct str challenge = {NULL, 0};
	enum err e = ERR_OK;
	enum sasl_status status = sasl_step(s->sasl, response, cmd->arena, &challenge, &e);

	return take_status(s, cmd, status, challenge, e);
}

static enum err
log_in(struct imap_session *s, struct imap_cmd *cmd)
{
	enum err e = imap_log_in(s, sasl_account(s->sasl), sasl_address(s->sasl), s->mechanism);

	if (e)
		return imap_login_failed(s, cmd, e);
	imap_set_capability_code(s, cmd);
	return ERR_OK;
}

/* What the client sent, decoded, into the exchange. */
static enum err
take_response(struct imap_session *s, struct imap_cmd *cmd, struct str text)
{
	CLEANUP(wipe_sbuf) struct sbuf response = SBUF_INIT(s->conf->imapd.max_line_before_login);

	sbuf_reserve(&response, text.n);
	enum err e = base64_decode(text, &response);
	if (e) {
		imap_set_text(cmd, "Expected base64");
		return e == ERR_NOMEM ? e : ERR_SYNTAX;
	}
	cmd->pending = false;
	if (s->sasl_done) /* the empty answer to the server's last message */
		return response.n == 0 ? log_in(s, cmd) : ERR_SYNTAX;
	e = step(s, cmd, sbuf_view(&response));
	if (e == ERR_SYNTAX && cmd->text.n == 0)
		imap_set_text(cmd, "Expected a message of the mechanism in base64");
	if (!e && !cmd->pending)
		e = log_in(s, cmd);
	return e;
}

static enum imap_go
end_exchange(struct imap_session *s, enum err e)
{
	sasl_free(&s->sasl);
	return imap_finish(s, e);
}

/* The exchange goes on, or has come to its end with `e`. */
static enum imap_go
proceed(struct imap_session *s, enum err e)
{
	if (e || !s->cmd.pending)
		return end_exchange(s, e);
	if (s->mode == imap_hold_reply)
		sasl_free(&s->sasl);
	return GO_ON;
}

/* The password is in line, or the provider of a token is being asked; no worker waits for that. The
 * session sleeps until the answer wakes it, or until its time for logging in is over. A client that
 * has said all it had to say may still read. */
static enum imap_go
wait_for_answer(struct imap_session *s, unsigned events)
{
	struct imap_cmd *cmd = &s->cmd;

	(void)events;
	if (s->stopping) {
		imap_say_bye(s, "UNAVAILABLE", "Server is shutting down");
		return GO_CLOSE;
	}
	cmd->pending = false;
	s->mode = imap_read_command;
	enum err e = step(s, cmd, (struct str){NULL, 0});
	if (s->mode == wait_for_answer)
		return GO_SLEEP;
	if (!e && !cmd->pending)
		e = log_in(s, cmd);
	return proceed(s, e);
}

static enum imap_go
read_response(struct imap_session *s, unsigned events)
{
	struct imap_cmd *cmd = &s->cmd;
	struct str line;
	enum err e;

	(void)events;
	if (s->stopping) {
		imap_say_bye(s, "UNAVAILABLE", "Server is shutting down");
		return GO_CLOSE;
	}
	switch (imap_take_line(s, s->conf->imapd.max_line_before_login, &line)) {
	case IMAP_LINE_PARTIAL:
		return GO_READ;
	case IMAP_LINE_TOO_LONG:
		return end_exchange(s, ERR_TOO_LONG);
	case IMAP_LINE_BARE:
		return end_exchange(s, ERR_SYNTAX);
	case IMAP_LINE_WHOLE:
		break;
	}
	if (str_eq(line, STR("*")))
		e = ERR_CANCELLED;
	else
		e = take_response(s, cmd, line);
	imap_line_done(s, line);
	return proceed(s, e);
}

/* The end of a handler that began an exchange. */
static enum err
settle(struct imap_session *s, struct imap_cmd *cmd, enum err e)
{
	if (!e && !cmd->pending && s->state == ST_GREET)
		e = log_in(s, cmd);
	if (e || !cmd->pending || s->mode == imap_hold_reply)
		sasl_free(&s->sasl);
	return e;
}

enum err
imap_login_step(struct imap_session *s, struct imap_cmd *cmd, enum sasl_status status,
    struct str challenge, enum err e)
{
	return settle(s, cmd, take_status(s, cmd, status, challenge, e));
}

void
imap_begin_exchange(struct imap_session *s, struct str mechanism)
{
	service_sasl_host(s->service, s->conn, &s->sasl_host);
	sasl_free(&s->sasl);
	s->sasl_done = false;
	snprintf(s->mechanism, sizeof(s->mechanism), "%.*s", STR_ARG(mechanism));
}

enum err
cmd_authenticate(struct imap_session *s, struct imap_cmd *cmd)
{
	struct str mechanism, initial = {NULL, 0};

	imap_parse_space(cmd->args);
	imap_parse_atom(cmd->args, &mechanism);
	if (imap_accept_space(cmd->args))
		initial = cursor_take_while(&cmd->args->c, imap_is_base64_char);
	enum err e = imap_parse_end(cmd->args);
	if (e)
		return e;

	imap_begin_exchange(s, mechanism);
	e = sasl_begin(mechanism, &s->sasl_host, &s->sasl);
	if (e == ERR_UNKNOWN) {
		imap_set_text(cmd, "No such mechanism");
		return ERR_CANNOT; /* RFC 3501 §6.2.2: NO, unsupported authentication mechanism */
	}
	if (e)
		return e;
	if (!initial.p)
		e = step(s, cmd, initial);
	else if (str_eq(initial, STR("="))) /* RFC 4959 §3: an empty one */
		e = take_response(s, cmd, STR(""));
	else
		e = take_response(s, cmd, initial);
	return settle(s, cmd, e);
}

enum err
cmd_starttls(struct imap_session *s, struct imap_cmd *cmd)
{
	enum err e = imap_parse_end(cmd->args);

	if (e)
		return e;
	if (!imap_may_start_tls(s)) {
		imap_set_text(cmd, conn_is_tls(s->conn) ? "TLS is already on" : "No TLS here");
		return conn_is_tls(s->conn) ? ERR_SEQUENCE : ERR_CANNOT;
	}
	imap_set_text(cmd, "Begin TLS now");
	s->start_tls = true;
	return ERR_OK;
}
