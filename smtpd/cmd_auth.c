/* AUTH: RFC 4954. Lines of an exchange go to mode_auth; none of them is ever logged. */
#include "common/auth/prep.h"
#include "common/mail/codec.h"
#include "smtpd/smtp_commands.h"

#include <openssl/crypto.h>
#include <stdio.h>

static smtp_mode mode_auth;
static smtp_mode mode_wait;

static void
end_exchange(struct smtp_session *s)
{
	sasl_free(&s->sasl);
	s->sasl_done = false;
	smtp_set_mode(s, smtp_mode_command);
}

static enum err
challenge(struct smtp_session *s, struct smtp_cmd *cmd, struct str raw)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(SMTP_AUTH_LINE_MAX);

	base64_encode(raw, &text);
	struct str kept = arena_dup(s->arena, sbuf_view(&text));
	if (sbuf_error(&text) || !kept.p)
		return ERR_NOMEM;
	smtp_set_mode(s, mode_auth);
	return smtp_answer(cmd, ERR_OK, 334, "", kept.p);
}

static enum err
succeed(struct smtp_session *s, struct smtp_cmd *cmd)
{
	sbuf_clear(&s->user);
	sbuf_put(&s->user, sasl_address(s->sasl));
	s->account = sasl_account(s->sasl);
	service_login_succeeded(s->svc, s->conn, s->account, sbuf_view(&s->user), s->mechanism);
	end_exchange(s);
	return smtp_answer(cmd, ERR_OK, 235, "2.7.0", "Authentication successful");
}

/* The answer is held back, by a timer and not by a worker. */
static void
hold(struct smtp_session *s, struct smtp_cmd *cmd, const struct smtp_reply *reply, int64_t ms)
{
	static const struct smtp_reply last = {421, "4.7.0", "Too many failed logins"};
	bool closes = ++s->login_failures >= s->conf->login_failures;

	end_exchange(s);
	cmd->no_reply = true;
	smtp_delay_reply(s, closes ? &last : reply, ms, closes);
}

static enum err
fail_login(struct smtp_session *s, struct smtp_cmd *cmd)
{
	const struct smtp_reply wrong = smtp_reply_for(ERR_AUTH_FAILED);

	hold(s, cmd, &wrong, service_login_failed(s->svc, s->conn, s->sasl, s->mechanism));
	return ERR_AUTH_FAILED;
}

static const struct smtp_reply try_later = {454, "4.7.0", "Temporary authentication failure"};

/* Too many are logging in: it was not judged. */
static enum err
put_off_login(struct smtp_session *s, struct smtp_cmd *cmd)
{
	hold(s, cmd, &try_later, service_login_put_off(s->svc, s->conn, s->sasl, s->mechanism));
	return ERR_BUSY;
}

/* What went wrong but for a wrong password: the exchange is over. */
static enum err
give_up(struct smtp_session *s, struct smtp_cmd *cmd, enum err e)
{
	end_exchange(s);
	if (err_class(e) == ERR_CLASS_OURS)
		return smtp_answer(cmd, e, try_later.code, try_later.enhanced, try_later.text);
	if (e == ERR_SYNTAX || e == ERR_TOO_LONG)
		return smtp_answer(cmd, e, 501, "5.5.2", "Not a valid response");
	return e;
}

/* One message of the client, decoded; .p == NULL when there is none yet. */
static enum err
step(struct smtp_session *s, struct smtp_cmd *cmd, struct str response)
{
	struct str raw = {NULL, 0};
	enum err e = ERR_OK;

	switch (sasl_step(s->sasl, response, s->arena, &raw, &e)) {
	case SASL_CONTINUE:
		break;
	case SASL_DONE:
		if (raw.n == 0)
			return succeed(s, cmd);
		s->sasl_done = true; /* SMTP has no data with success: RFC 4954 §4 */
		break;
	case SASL_WAIT:
		cmd->no_reply = true;
		smtp_set_mode(s, mode_wait);
		return ERR_OK;
	case SASL_FAILED:
		if (e == ERR_AUTH_FAILED)
			return fail_login(s, cmd);
		if (e == ERR_BUSY)
			return put_off_login(s, cmd);
		return give_up(s, cmd, e);
	}
	e = challenge(s, cmd, raw);
	return e ? give_up(s, cmd, e) : ERR_OK;
}

static enum err
step_base64(struct smtp_session *s, struct smtp_cmd *cmd, struct str text)
{
	CLEANUP(sbuf_done) struct sbuf raw = SBUF_INIT(SMTP_AUTH_LINE_MAX);

	(void)sbuf_reserve(&raw, text.n); /* it must not move, or a copy stays behind */
	enum err e = base64_decode(text, &raw);

	if (!e && s->sasl_done)
		e = sbuf_view(&raw).n ? give_up(s, cmd, ERR_SYNTAX) : succeed(s, cmd);
	else
		e = e ? give_up(s, cmd, e) : step(s, cmd, sbuf_view(&raw));
	if (raw.p)
		OPENSSL_cleanse(raw.p, raw.cap); /* may hold a password */
	return e;
}

enum err
cmd_auth(struct smtp_session *s, struct smtp_cmd *cmd)
{
	struct str rest = cmd->args;
	struct str name;

	if (s->account)
		return smtp_answer(cmd, ERR_SEQUENCE, 503, "5.5.1", "Already authenticated");
	if (!s->extended)
		return smtp_answer(cmd, ERR_SEQUENCE, 503, "5.5.1", "Send EHLO first");
	if (rest.n == 0)
		return smtp_answer(cmd, ERR_SYNTAX, 501, "5.5.4", "Syntax: AUTH mechanism");
	if (!str_split(&rest, ' ', &name) || name.n >= sizeof(s->mechanism))
		return smtp_answer(cmd, ERR_UNKNOWN, 504, "5.5.4", "Mechanism not recognised");
	for (size_t i = 0; i < name.n; i++)
		s->mechanism[i] = ascii_upper(name.p[i]);
	s->mechanism[name.n] = '\0';
	enum err e = sasl_begin(name, &s->sasl_host, &s->sasl);
	if (e == ERR_UNKNOWN)
		return smtp_answer(cmd, e, 504, "5.5.4", "Mechanism not recognised");
	if (e == ERR_NEEDS_TLS)
		return smtp_answer(cmd, e, 538, "5.7.11", "Encryption required for this mechanism");
	if (e)
		return give_up(s, cmd, e);
	if (!rest.p)
		return step(s, cmd, (struct str){NULL, 0});
	if (str_eq(rest, STR("="))) /* an initial response that is empty: RFC 4954 §4 */
		return step(s, cmd, STR(""));
	if (rest.n == 0 || str_find(rest, ' ') != STR_NONE)
		return give_up(s, cmd, ERR_SYNTAX);
	return step_base64(s, cmd, rest);
}

/* The password is in line, or the provider of a token is being asked; no worker waits for that. The
 * session sleeps until the answer wakes it, or until its time for logging in is over. A client that
 * has said all it had to say may still read. */
static enum smtp_step
mode_wait(struct smtp_session *s)
{
	struct smtp_cmd cmd = {.row = smtp_find_command(STR("AUTH"))};

	if (s->stop_deadline)
		return smtp_goodbye_for_stop(s);
	enum err e = step(s, &cmd, (struct str){NULL, 0});
	if (s->mode == mode_wait)
		return STEP_SLEEP;
	return smtp_finish_command(s, &cmd, e);
}

static enum smtp_step
mode_auth(struct smtp_session *s)
{
	struct smtp_cmd cmd = {.row = smtp_find_command(STR("AUTH"))};
	struct str line;
	enum err e = ERR_SYNTAX;

	if (s->stop_deadline)
		return smtp_goodbye_for_stop(s);
	switch (line_take(&s->line, s->conn, SMTP_AUTH_LINE_MAX, &line)) {
	case LINE_PARTIAL:
		return conn_at_eof(s->conn) ? STEP_CLOSE : STEP_READ;
	case LINE_TOO_LONG: /* RFC 4954 §6 */
		end_exchange(s);
		e = smtp_answer(
		    &cmd, ERR_TOO_LONG, 500, "5.5.6", "Authentication exchange line is too long");
		break;
	case LINE_BARE:
		e = give_up(s, &cmd, ERR_SYNTAX);
		break;
	case LINE_WHOLE:
		if (str_eq(line, STR("*"))) {
			end_exchange(s);
			e = ERR_CANCELLED;
		} else {
			e = step_base64(s, &cmd, line);
		}
		prep_wipe(line);
		line_done(&s->line, s->conn, line);
		break;
	}
	return smtp_finish_command(s, &cmd, e);
}
