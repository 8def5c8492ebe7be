/* USER and PASS (RFC 1939 §7), AUTH (RFC 5034). A login that fails, for whatever reason of the
 * client's, looks the same and is answered late, by the connection's timer; so is one that could
 * not be judged. */
#include "common/auth/prep.h"
#include "common/base/log.h"
#include "common/mail/codec.h"
#include "pop3d/pop3_commands.h"
#include "pop3d/pop3_reply.h"

#include <stdio.h>

#define LOGIN_ARENA ((size_t)64 * 1024)

/* The reply comes when the deadline passes. */
static enum err
hold(struct pop3_session *s, enum err e, int64_t ms)
{
	s->failed_logins++;
	s->held = e;
	conn_set_deadline(s->conn, ms > 0 ? ms : 1);
	return ERR_OK;
}

/* They are who they say: opens their mail. Where that fails they stay as they were, and may try
 * again. */
static enum err
open_maildrop(struct pop3_session *s, int64_t account, struct str user, const char *mechanism)
{
	char *name = strndup(user.p, user.n);

	if (!name)
		return ERR_NOMEM;
	service_login_succeeded(s->service, s->conn, account, user, mechanism);
	enum err e = maildrop_open(s->service->store, account, &s->drop);
	if (e) {
		const struct pop3_error *row = pop3_error_of(e);
		free(name);
		log_warn(
		    "maildrop", F_CSTR("peer", conn_peer(s->conn)), F_STR("user", user), F_ERR(e));
		if (e == ERR_BUSY)
			pop3_err_text(s, "IN-USE", TEXT_BUSY); /* RFC 2449 §8.1.2 */
		else if (row->code[0])
			pop3_err(s, e);
		else
			pop3_err_text(s, "SYS/TEMP", TEXT_TRY_LATER);
		return ERR_OK;
	}
	s->user = name;
	pop3_enter_state(s, ST_TRANSACTION);
	pop3_ok(s, TEXT_LOGGED_IN);
	return ERR_OK;
}

/* Says yes to any name (RFC 1939 §13 would have it so too). */
enum err
cmd_user(struct pop3_session *s, const struct pop3_cmd *cmd)
{
	if (cmd->text.n > POP3_NAME_MAX)
		return ERR_TOO_LONG;
	if (!str_is_utf8(cmd->text))
		return ERR_SYNTAX; /* RFC 6856 §2.2 */
	snprintf(s->name, sizeof(s->name), "%.*s", STR_ARG(cmd->text));
	pop3_enter_state(s, ST_USER_GIVEN);
	pop3_ok(s, TEXT_SEND_PASSWORD);
	return ERR_OK;
}

static void
write_challenge(struct pop3_session *s, struct str challenge)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(64L * 1024);

	base64_encode(challenge, &text);
	conn_puts(s->conn, "+ ");
	conn_put(s->conn, sbuf_view(&text));
	conn_puts(s->conn, "\r\n");
}

static enum err
finish(struct pop3_session *s)
{
	enum err e = open_maildrop(s, sasl_account(s->sasl), sasl_address(s->sasl), s->mechanism);

	sasl_free(&s->sasl);
	s->sasl_done = false;
	return e;
}

/* What a step of the exchange came to. */
static enum err
take_status(struct pop3_session *s, enum sasl_status status, struct str challenge, enum err e)
{
	s->sasl_waits = false;
	if (status == SASL_FAILED) {
		if (e == ERR_AUTH_FAILED)
			e = hold(
			    s, e, service_login_failed(s->service, s->conn, s->sasl, s->mechanism));
		else if (e == ERR_BUSY)
			e = hold(s, e,
			    service_login_put_off(s->service, s->conn, s->sasl, s->mechanism));
		sasl_free(&s->sasl);
		return e;
	}
	if (status == SASL_WAIT) {
		s->sasl_waits = true;
		return ERR_OK;
	}
	if (status == SASL_DONE && challenge.n == 0)
		return finish(s);
	/* A last message has no place in "+OK": it is one more challenge, with an empty answer
	 * (RFC 4422 §3.6). */
	s->sasl_done = status == SASL_DONE;
	write_challenge(s, challenge);
	return ERR_OK;
}

static enum err
step(struct pop3_session *s, struct str response)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(LOGIN_ARENA);
	struct str challenge;
	enum err e;

	if (!arena) {
		s->sasl_waits = false;
		sasl_free(&s->sasl);
		return ERR_NOMEM;
	}
	enum sasl_status status = sasl_step(s->sasl, response, arena, &challenge, &e);
	return take_status(s, status, challenge, e);
}

/* The password is the whole rest of the line, blanks and all (RFC 1939 §7, PASS). */
enum err
cmd_pass(struct pop3_session *s, const struct pop3_cmd *cmd)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(LOGIN_ARENA);
	enum sasl_status status;
	enum err why;

	if (!arena)
		return ERR_NOMEM;
	struct str name = arena_dup(arena, str_of(s->name));
	if (!name.p)
		return ERR_NOMEM;
	pop3_enter_state(s, ST_AUTHORIZATION); /* the next PASS needs its own USER */
	s->sasl_done = false;
	snprintf(s->mechanism, sizeof(s->mechanism), "USER");
	enum err e =
	    sasl_login_by_command(&s->sasl_host, name, cmd->text, arena, &s->sasl, &status, &why);
	return e ? e : take_status(s, status, STR(""), why);
}

enum err
pop3_auth_go_on(struct pop3_session *s)
{
	return step(s, (struct str){NULL, 0});
}

/* A base64 message; "=" stands for an empty one where nothing would mean that there is none. */
static enum err
step_base64(struct pop3_session *s, struct str text, bool initial)
{
	CLEANUP(sbuf_done) struct sbuf message = SBUF_INIT(POP3_LINE_AUTH);
	enum err e = ERR_OK;

	sbuf_reserve(&message, text.n); /* it must not move, or a copy stays behind */
	if (!(initial && str_eq(text, STR("="))))
		e = base64_decode(text, &message);
	struct str raw = sbuf_view(&message);
	if (!e)
		e = step(s, raw.n ? raw : STR(""));
	else
		sasl_free(&s->sasl);
	prep_wipe(raw);
	return e;
}

enum err
pop3_auth_answer(struct pop3_session *s, struct str line)
{
	bool cancelled = str_eq(line, STR("*"));

	if (!s->sasl_done && !cancelled)
		return step_base64(s, line, false);
	if (s->sasl_done && line.n == 0)
		return finish(s);
	sasl_free(&s->sasl);
	s->sasl_done = false;
	return cancelled ? ERR_CANCELLED : ERR_SYNTAX;
}

/* "AUTH" alone lists the mechanisms: what some clients knew before there was CAPA. */
static enum err
list_mechanisms(struct pop3_session *s)
{
	CLEANUP(sbuf_done) struct sbuf list = SBUF_INIT(400);
	struct str name;

	pop3_ok(s, TEXT_MECHANISMS);
	sasl_list(&s->sasl_host, "", &list);
	struct str rest = sbuf_view(&list);
	while (str_split(&rest, ' ', &name))
		conn_printf(s->conn, "%.*s\r\n", STR_ARG(name));
	pop3_end_list(s);
	return ERR_OK;
}

enum err
cmd_auth(struct pop3_session *s, const struct pop3_cmd *cmd)
{
	struct str rest = str_trim(cmd->text);
	struct str mechanism;

	if (!str_split(&rest, ' ', &mechanism) || mechanism.n == 0)
		return list_mechanisms(s);
	enum err e = sasl_begin(mechanism, &s->sasl_host, &s->sasl);
	if (e == ERR_UNKNOWN) {
		pop3_err_text(s, "", TEXT_MECHANISM_UNKNOWN); /* a client may try several */
		return ERR_OK;
	}
	if (e)
		return e;
	pop3_enter_state(s, ST_AUTHORIZATION); /* a USER before it is void */
	s->sasl_done = false;
	snprintf(s->mechanism, sizeof(s->mechanism), "%.*s", STR_ARG(mechanism));
	for (char *p = s->mechanism; *p; p++)
		*p = ascii_upper(*p);
	return rest.n ? step_base64(s, rest, true) : step(s, (struct str){NULL, 0});
}
