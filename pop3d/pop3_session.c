#include "pop3d/pop3_session.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "pop3d/pop3_dispatch.h"
#include "pop3d/pop3_reply.h"

#include <assert.h>

#define TURN_COMMANDS 100 /* then others get their turn */
#define INPUT_AFTER_LOGIN ((size_t)64 * 1024)

struct pop3_session *
pop3_session_new(struct service *service)
{
	struct pop3_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->service = service;
	s->conf = service_conf(service);
	s->state = ST_AUTHORIZATION;
	s->end = "dropped";
	return s;
}

void
pop3_enter_state(struct pop3_session *s, enum pop3_state to)
{
	assert(to == ST_UPDATE ? s->state == ST_TRANSACTION : (s->state & ST_BEFORE_LOGIN) != 0);
	s->state = to;
	if (to != ST_USER_GIVEN)
		s->name[0] = '\0';
	if (to == ST_TRANSACTION) {
		s->bad_commands = 0;
		conn_set_input_max(s->conn, INPUT_AFTER_LOGIN);
	}
}

void
pop3_leave(struct pop3_session *s, const char *how)
{
	s->leaving = true;
	s->end = how;
}

void
pop3_count_mistake(struct pop3_session *s)
{
	uint32_t limit = s->state & ST_BEFORE_LOGIN ? s->conf->bad_commands_before_login
						    : s->conf->bad_commands_after_login;

	if (++s->bad_commands < limit || s->leaving)
		return;
	pop3_err_text(s, "", TEXT_TOO_MANY_ERRORS);
	pop3_leave(s, "bad_commands");
}

/* -- turns
 * ------------------------------------------------------------------------------------------------------------
 */

/* The first turn on a connection, and the first after STLS: nothing said before counts any more
 * (RFC 2595 §4), above all no name and no language that someone else may have put in. */
static void
begin(struct pop3_session *s)
{
	s->line = (struct line_reader){0};
	s->language = LANGUAGE_DEFAULT;
	s->utf8 = false;
	s->progressed = true;
	sasl_free(&s->sasl);
	s->sasl_waits = false;
	pop3_enter_state(s, ST_AUTHORIZATION);
	service_sasl_host(s->service, s->conn, &s->sasl_host);
}

static void
greet(struct pop3_session *s)
{
	conn_set_input_max(s->conn, POP3_INPUT_BEFORE_LOGIN);
	s->login_by_ms = clock_mono_ms() + (int64_t)s->conf->login_timeout_s * 1000;
	begin(s);
	pop3_ok(s, TEXT_READY); /* no "<…>" in it: that would offer APOP */
}

/* The delay after a failed login, or one that was put off, is over. */
static void
answer_held(struct pop3_session *s)
{
	enum err e = s->held;

	s->held = ERR_OK;
	s->progressed = true;
	if (s->failed_logins >= s->conf->login_failures) {
		pop3_err_text(s, pop3_error_of(e)->code, TEXT_TOO_MANY_FAILURES);
		pop3_leave(s, "login_failures");
	} else if (e == ERR_BUSY) {
		pop3_err_text(s, "SYS/TEMP", TEXT_TRY_LATER); /* RFC 3206 §4 */
	} else {
		pop3_err(s, e);
	}
}

/* A failure in the middle of a response is said by ending it: no client may take the part for the
 * whole. */
static void
step_pump(struct pop3_session *s)
{
	bool done = false;
	enum err e = s->pump.step(s, &done);

	s->progressed = true;
	if (e) {
		log_warn("response_cut", F_CSTR("peer", conn_peer(s->conn)),
		    F_CSTR("user", s->user ? s->user : ""), F_ERR(e));
		pop3_leave(s, "error");
	}
	if (e || done) {
		s->pump.step = NULL;
		message_file_close(&s->pump.file);
	}
}

static size_t
line_max(const struct pop3_session *s)
{
	if (!(s->state & ST_BEFORE_LOGIN))
		return POP3_LINE_AFTER_LOGIN;
	if (s->sasl || str_starts_nocase(conn_input(s->conn), STR("AUTH ")))
		return POP3_LINE_AUTH;
	return POP3_LINE_BEFORE_LOGIN;
}

/* Takes one line and runs it. False: there is none yet. */
static bool
take_command(struct pop3_session *s)
{
	struct str line;
	size_t max = line_max(s);

	switch (line_take(&s->line, s->conn, max, &line)) {
	case LINE_PARTIAL:
		return false;
	case LINE_TOO_LONG:
		pop3_refuse_line(s, ERR_TOO_LONG);
		break;
	case LINE_BARE:
		pop3_refuse_line(s, ERR_SYNTAX);
		break;
	case LINE_WHOLE:
		if (s->state & ST_BEFORE_LOGIN && !s->sasl && pop3_is_http(line)) {
			pop3_err_text(s, "", TEXT_HTTP);
			pop3_leave(s, "http");
		} else {
			pop3_dispatch(s, line);
		}
		line_done(&s->line, s->conn, line);
		break;
	}
	s->progressed = true;
	return true;
}

/* All that can be done now; what to wait for then. */
static enum conn_turn
go_on(struct pop3_session *s)
{
	for (unsigned n = 0; n < TURN_COMMANDS && !conn_leaves_front(s->conn); n++) {
		if (s->leaving)
			return CONN_CLOSE;
		if (s->start_tls) {
			s->start_tls = false;
			return CONN_TLS;
		}
		if (conn_out_full(s->conn))
			return CONN_DRAIN;
		if (s->pump.step) {
			step_pump(s);
			if (s->pump.step)
				return conn_out_full(s->conn) ? CONN_DRAIN : CONN_AGAIN;
			continue;
		}
		if (s->stopping) {
			pop3_err_text(s, "SYS/TEMP", TEXT_STOPPING);
			pop3_leave(s, "stopped");
			return CONN_CLOSE;
		}
		if (s->held)
			return CONN_SLEEP;
		if (s->sasl_waits) {
			pop3_resume_auth(s);
			if (s->sasl_waits)
				return CONN_SLEEP;
			continue;
		}
		if (!take_command(s))
			return CONN_READ;
	}
	return CONN_AGAIN;
}

/* Before login one deadline for all of it; after login the autologout timer (RFC 1939 §3), which a
 * command or the reading of a long response begins anew, a part of a line does not. */
static void
set_deadline(struct pop3_session *s)
{
	int64_t ms = (int64_t)s->conf->pop3d.timeout_s * 1000;

	if (s->state & ST_BEFORE_LOGIN) {
		ms = s->login_by_ms - clock_mono_ms();
		if (ms < 1)
			ms = 1;
	}
	conn_set_deadline(s->conn, ms);
}

static enum conn_turn
turn(void *session, struct conn *c, unsigned events)
{
	struct pop3_session *s = session;

	s->conn = c;
	s->progressed = false;
	if (events & CONN_EV_STOP)
		s->stopping = true;
	if (events & CONN_EV_OPEN)
		greet(s);
	if (events & CONN_EV_TLS)
		begin(s);
	if (events & CONN_EV_TIMEOUT) {
		if (!s->held) {
			/* Nothing is removed and nothing said: RFC 1939 §3. */
			pop3_leave(s, "timeout");
			return CONN_CLOSE;
		}
		answer_held(s);
	}
	enum conn_turn next = go_on(s);
	if (s->progressed && (next != CONN_SLEEP || s->sasl_waits) && next != CONN_CLOSE)
		set_deadline(s);
	return next;
}

static void
log_end(const struct pop3_session *s)
{
	uint64_t withheld = 0;

	if (!s->user && !conn_tells_end(s->conn, &withheld))
		return;
	log_info("session_end", F_CSTR("peer", s->conn ? conn_peer(s->conn) : ""),
	    F_CSTR("how", s->end), F_CSTR("user", s->user ? s->user : ""),
	    F_UINT("retrieved", s->retrieved), F_UINT("octets", s->octets),
	    F_UINT("deleted", s->removed), F_UINT("withheld", withheld));
}

static void
done(void *session)
{
	struct pop3_session *s = session;

	if (s->conn)
		log_set_sid(conn_id(s->conn));
	log_end(s);
	sasl_free(&s->sasl);
	read_ahead_drop(&s->ahead);
	message_file_close(&s->pump.file);
	maildrop_close(&s->drop);
	conf_unref(&s->conf);
	free(s->user);
	free(s);
}

const struct session_ops pop3_session_ops = {.turn = turn, .done = done};
