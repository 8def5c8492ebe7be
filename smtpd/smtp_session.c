#include "smtpd/smtp_session.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "smtpd/outbound/trace_fields.h"

#include <assert.h>
#include <stdio.h>

/* Commands run in one turn before others get the worker. */
#define TURN_STEPS 100

struct smtp_session *
smtp_session_new(struct service *svc, struct partial_table *partials)
{
	struct smtp_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->svc = svc;
	s->partials = partials;
	s->conf = service_conf(svc);
	s->state = ST_START;
	s->mode = smtp_mode_command;
	sbuf_init(&s->helo, SMTP_HELO_MAX);
	sbuf_init(&s->user, SMTP_LOCAL_MAX + 1 + SMTP_DOMAIN_MAX);
	s->began_ms = clock_mono_ms();
	s->end = "lost";
	return s;
}

static void
log_end(const struct smtp_session *s)
{
	uint64_t withheld = 0;

	if (!s->user.n && !s->accepted && !conn_tells_end(s->conn, &withheld))
		return;
	log_info("session_end", F_CSTR("peer", s->peer), F_CSTR("how", s->end),
	    F_STR("user", sbuf_view(&s->user)), F_UINT("commands", s->commands),
	    F_UINT("messages", s->accepted), F_UINT("octets", s->octets_accepted),
	    F_INT("ms", clock_mono_ms() - s->began_ms), F_UINT("withheld", withheld));
}

static void
session_done(void *session)
{
	struct smtp_session *s = session;

	log_set_sid(s->sid);
	smtp_end_txn(s);
	log_end(s);
	log_set_sid("");
	sasl_free(&s->sasl);
	sbuf_done(&s->helo);
	sbuf_done(&s->user);
	conf_unref(&s->conf);
	free(s);
}

/* -- states and modes ------------------------------------------------------------------------ */

static unsigned
moves_from(enum smtp_state from)
{
	switch (from) {
	case ST_START:
		return ST_START | ST_READY;
	case ST_READY:
		return ST_START | ST_READY | ST_MAIL; /* START: after STARTTLS */
	case ST_MAIL:
		return ST_READY | ST_RCPT;
	case ST_RCPT:
		return ST_READY | ST_BDAT;
	case ST_BDAT:
		return ST_READY;
	}
	return 0;
}

void
smtp_enter(struct smtp_session *s, enum smtp_state to)
{
	if (s->state == to)
		return;
	assert(moves_from(s->state) & to);
	s->state = to;
}

void
smtp_set_mode(struct smtp_session *s, smtp_mode *mode)
{
	s->mode = mode;
	s->data_began_ms = 0;
}

void
smtp_begin_data(struct smtp_session *s, smtp_mode *mode)
{
	smtp_set_mode(s, mode);
	s->data_began_ms = clock_mono_ms();
	s->data_octets = 0;
}

/* How long the data may still take: one timeout, and what its octets so far are worth. */
static int64_t
data_time_left(const struct smtp_session *s)
{
	uint32_t rate = s->conf->smtpd.min_data_rate;

	if (!s->data_began_ms || !rate)
		return INT64_MAX;
	return s->data_began_ms + (int64_t)s->conf->smtpd.timeout_s * 1000 +
	       (int64_t)(s->data_octets / rate) * 1000 - clock_mono_ms();
}

/* A command boundary or data has come: the client has its full time again, but no longer than it
 * has to log in, and than the least rate allows. */
static void
set_deadline(struct smtp_session *s)
{
	int64_t ms = (int64_t)s->conf->smtpd.timeout_s * 1000;
	int64_t left = data_time_left(s);

	if (s->login_deadline && !s->account && s->login_deadline - clock_mono_ms() < left)
		left = s->login_deadline - clock_mono_ms();
	if (s->stop_deadline && s->stop_deadline - clock_mono_ms() < left)
		left = s->stop_deadline - clock_mono_ms();
	if (left < ms)
		ms = left > 1 ? left : 1;
	conn_set_deadline(s->conn, ms);
}

enum smtp_step
smtp_goodbye_for_stop(struct smtp_session *s)
{
	return smtp_goodbye(s, "4.3.2", "Shutting down, try again later", "stop");
}

static enum smtp_step
time_out(struct smtp_session *s)
{
	if (s->stop_deadline)
		return smtp_goodbye_for_stop(s);
	if (s->data_began_ms && data_time_left(s) <= 0)
		return smtp_goodbye(s, "4.4.2", "The message comes too slowly", "too slow");
	return smtp_goodbye(s, "4.4.2", "Timeout, closing the connection", "timeout");
}

/* -- the transaction ------------------------------------------------------------------------- */

static void
txn_free(struct smtp_txn **t)
{
	if (!*t)
		return;
	incoming_free(&(*t)->in);
	arena_free(&(*t)->arena);
	free(*t);
	*t = NULL;
}

enum err
smtp_begin_txn(struct smtp_session *s)
{
	CLEANUP(txn_free) struct smtp_txn *t = calloc(1, sizeof(*t));

	if (t)
		t->arena = arena_new(SMTP_TXN_ARENA);
	if (!t || !t->arena)
		return ERR_NOMEM;
	s->mails++;
	s->txn_refused = false;
	/* an Atom (RFC 5321 §4.4): the daemon's start, the session, the transaction */
	snprintf(t->id, sizeof(t->id), "%s%s-%u", s->svc->stamp, s->sid, s->mails);
	s->txn = MOVE_PTR(t);
	smtp_enter(s, ST_MAIL);
	return ERR_OK;
}

void
smtp_end_txn(struct smtp_session *s)
{
	txn_free(&s->txn);
	if (s->state & ST_TRANSACTION)
		smtp_enter(s, ST_READY);
}

unsigned
smtp_offered(const struct smtp_session *s)
{
	unsigned all = conn_is_tls(s->conn) ? OFFER_REQUIRETLS : 0; /* RFC 8689 §2 */

	if (smtp_submits(s))
		all |= OFFER_AUTH | OFFER_HOLD;
	if (s->service != SMTP_MX || s->conf->smtpd.dsn_for_all)
		all |= OFFER_DSN;
	return all;
}

const char *
smtp_with(const struct smtp_session *s)
{
	return trace_protocol((struct trace_with){
	    .lmtp = smtp_is_lmtp(s),
	    .extended = s->extended,
	    .utf8 = s->txn && s->txn->params.smtputf8,
	    .tls = conn_is_tls(s->conn),
	    .authenticated = s->account != 0,
	});
}

/* -- replies that are not a command's --------------------------------------------------------- */

enum smtp_step
smtp_goodbye(struct smtp_session *s, const char *enhanced, const char *text, const char *why)
{
	smtp_reply_count(421);
	conn_printf(s->conn, "421 %s %s %s\r\n", enhanced, s->conf->hostname, text);
	s->end = why;
	return STEP_CLOSE;
}

static enum smtp_step
mode_delay(struct smtp_session *s)
{
	(void)s;
	return STEP_SLEEP;
}

void
smtp_delay_reply(struct smtp_session *s, const struct smtp_reply *reply, int64_t ms, bool close)
{
	s->held = *reply;
	s->held_closes = close;
	smtp_set_mode(s, mode_delay);
	conn_set_deadline(s->conn, ms > 0 ? ms : 1);
}

static enum smtp_step
release_reply(struct smtp_session *s)
{
	smtp_set_mode(s, smtp_mode_command);
	smtp_reply_write(s->conn, &s->held);
	set_deadline(s);
	if (!s->held_closes)
		return STEP_GO_ON;
	s->end = "login failures";
	return STEP_CLOSE;
}

static void
prepare_sasl(struct smtp_session *s)
{
	service_sasl_host(s->svc, s->conn, &s->sasl_host);
	s->sasl_host.hide = s->conf->smtpd.hide_mechanisms;
}

/* A client that talks before it is greeted is no mail server (RFC 5321 §3.1, §4.3.1); what it sends
 * was not meant for the answers it would get. */
static enum smtp_step
open_session(struct smtp_session *s)
{
	struct conn *c = s->conn;

	s->service = (enum smtp_service)conn_service(c);
	snprintf(s->sid, sizeof(s->sid), "%s", conn_id(c));
	snprintf(s->peer, sizeof(s->peer), "%s", conn_peer(c));
	log_set_sid(s->sid);
	prepare_sasl(s);
	if (smtp_submits(s))
		s->login_deadline = s->began_ms + (int64_t)s->conf->login_timeout_s * 1000;
	if (s->service == SMTP_MX && conn_input(c).n > 0) {
		const struct smtp_reply early = {
		    554, "5.5.1", "You must wait for the greeting before you speak"};
		log_info("refuse", F_CSTR("peer", s->peer), F_CSTR("cmd", "(early talk)"),
		    F_UINT("code", 554));
		smtp_reply_write(c, &early);
		s->end = "early talk";
		return STEP_CLOSE;
	}
	smtp_reply_count(220);
	conn_printf(c, "220 %s %s Pillarbox ready\r\n", s->conf->hostname,
	    smtp_is_lmtp(s) ? "LMTP" : "ESMTP");
	set_deadline(s);
	return STEP_GO_ON;
}

/* -- turns ------------------------------------------------------------------------------------ */

static void
stop(struct smtp_session *s)
{
	if (s->stop_deadline)
		return;
	s->stop_deadline = clock_mono_ms() + SMTP_STOP_MS;
	set_deadline(s);
}

/* What has happened apart from input. */
static enum smtp_step
take_events(struct smtp_session *s, unsigned events)
{
	if (events & CONN_EV_OPEN)
		return open_session(s);
	if (events & CONN_EV_STOP)
		stop(s);
	if (events & CONN_EV_TLS) {
		prepare_sasl(s);
		set_deadline(s);
	}
	if (events & CONN_EV_TIMEOUT) {
		if (s->mode == mode_delay)
			return release_reply(s);
		return time_out(s);
	}
	if (s->mode == mode_delay && s->stop_deadline)
		return smtp_goodbye_for_stop(s);
	if (s->mode == mode_delay && conn_at_eof(s->conn))
		return STEP_CLOSE;
	return STEP_GO_ON;
}

static enum conn_turn
run(struct smtp_session *s, unsigned events)
{
	enum smtp_step step = take_events(s, events);

	for (int i = 0; step == STEP_GO_ON; i++) {
		if (conn_out_full(s->conn))
			return CONN_DRAIN;
		if (i == TURN_STEPS || conn_leaves_front(s->conn))
			return CONN_AGAIN;
		arena_reset(s->arena);
		size_t before = conn_input(s->conn).n;
		smtp_mode *mode = s->mode;
		step = mode(s);
		s->data_octets += before - conn_input(s->conn).n;
		/* A line that trickles in does not earn more time, data and whole commands do. */
		if (s->mode != mode_delay && (step == STEP_GO_ON || mode != smtp_mode_command) &&
		    conn_input(s->conn).n != before)
			set_deadline(s);
	}
	switch (step) {
	case STEP_SLEEP:
		return CONN_SLEEP;
	case STEP_TLS:
		return CONN_TLS;
	case STEP_CLOSE:
		return CONN_CLOSE;
	case STEP_GO_ON:
	case STEP_READ:
		break;
	}
	return CONN_READ;
}

static enum conn_turn
session_turn(void *session, struct conn *c, unsigned events)
{
	struct smtp_session *s = session;
	CLEANUP(arena_free) struct arena *arena = arena_new(SMTP_ARENA);

	s->conn = c;
	s->arena = arena;
	log_set_sid(s->sid);
	enum conn_turn next = CONN_CLOSE;
	if (arena)
		next = run(s, events);
	else
		conn_puts(c, "421 4.3.0 Out of memory, try again later\r\n");
	conn_set_in_the_middle(c, next == CONN_READ && s->txn);
	s->arena = NULL;
	log_set_sid("");
	return next;
}

const struct session_ops smtp_session_ops = {.turn = session_turn,
    .done = session_done,
    .shed = "421 4.3.2 No memory to wait for you any longer, try again in a minute\r\n"};
