/* A client's life: from the greeting to the first job, its replies and its end. */
#include "smtpd/outbound/client_private.h"

#include "common/base/clock.h"
#include "common/base/log.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>

static void
name_host(struct client *cl, const struct client_options *o)
{
	const struct sockaddr *sa =
	    (const struct sockaddr *)&o->route->hosts[o->host].addresses[o->address];
	char address[CONN_ADDRESS_TEXT];
	unsigned port = 0;

	conn_address_text(sa, address, sizeof(address));
	if (sa->sa_family == AF_INET)
		port = ntohs(((const struct sockaddr_in *)sa)->sin_port);
	else if (sa->sa_family == AF_INET6)
		port = ntohs(((const struct sockaddr_in6 *)sa)->sin6_port);
	snprintf(cl->name, sizeof(cl->name), port ? "%.*s[%s]:%u" : "%.*s[%s]",
	    STR_ARG(cl->host->name), address, port);
}

struct client *
client_new(const struct client_options *o)
{
	struct client *cl = calloc(1, sizeof(*cl));

	if (!cl)
		return NULL;
	cl->route = o->route;
	cl->host = &o->route->hosts[o->host];
	cl->owner = o->owner;
	cl->arg = o->arg;
	cl->lmtp = o->route->kind == ROUTE_LMTP;
	cl->without_tls = (o->without_tls || cl->host->no_tls) && !cl->host->must_tls;
	snprintf(cl->helo, sizeof(cl->helo), "%s", o->helo);
	snprintf(cl->tls_text, sizeof(cl->tls_text), "none");
	name_host(cl, o);
	reply_init(&cl->reader);
	return cl;
}

static void
client_free(struct client **clp)
{
	struct client *cl = MOVE_PTR(*clp);

	if (!cl)
		return;
	reply_done(&cl->reader);
	client_sasl_free(&cl->sasl);
	conn_unref(&cl->conn);
	free(cl);
}

enum err
client_dial(struct hub *h, const struct client_options *o, struct client **ret)
{
	CLEANUP(client_free) struct client *cl = client_new(o);

	if (!cl)
		return ERR_NOMEM;
	struct tls_rules rules = client_tls_rules(cl);
	struct dial d = {
	    .to = (const struct sockaddr *)&cl->host->addresses[o->address],
	    .source = o->source,
	    .timeout_ms = CLIENT_CONNECT_MS,
	    .implicit_tls = cl->route->implicit_tls,
	    .rules = &rules,
	};
	struct conn *c = dial_new(h, &d);
	if (!c)
		return ERR_LIMIT;
	cl->handshake = d.implicit_tls;
	cl->conn = conn_ref(c);
	*ret = cl; /* before a turn may end it */
	dial_start(c, &client_ops, MOVE_PTR(cl));
	return ERR_OK;
}

void
client_wake(struct client *cl)
{
	conn_wake(cl->conn);
}

/* -- small things ---------------------------------------------------------------------------- */

void
client_enter(struct client *cl, enum client_phase to, int64_t ms)
{
	int64_t now = clock_mono_ms();

	assert(cl->phase != PH_OVER);
	cl->phase = to;
	if (cl->stop_ms && cl->stop_ms - now < ms)
		ms = cl->stop_ms > now ? cl->stop_ms - now : 1;
	cl->deadline_ms = now + ms;
	cl->unsent = conn_out_pending(cl->conn);
	conn_set_deadline(cl->conn, ms);
}

void
client_over(struct client *cl, enum client_failure failure, uint16_t code, struct str words)
{
	if (cl->phase == PH_OVER)
		return;
	client_enter(cl, PH_OVER, CLIENT_QUIT_MS);
	cl->failure = failure;
	cl->end_code = code;
	snprintf(cl->end_words, sizeof(cl->end_words), "%.*s", STR_ARG(words));
}

void
client_over_by_reply(struct client *cl, enum client_failure failure)
{
	CLEANUP(arena_free) struct arena *a = arena_new(REPLY_KEPT_MAX * 2);

	client_over(
	    cl, failure, cl->reader.code, a ? reply_text(&cl->reader, JOB_REPLY_MAX, a) : STR(""));
}

void
client_quit(struct client *cl)
{
	conn_puts(cl->conn, "QUIT\r\n");
	client_over(cl, CLIENT_FINE, 0, STR(""));
}

bool
client_in_step(const struct client *cl)
{
	return conn_input(cl->conn).n == 0;
}

void
client_say(struct client *cl, enum client_phase phase, const char *line)
{
	if (!client_in_step(cl)) {
		client_over(
		    cl, CLIENT_GREETING_LATER, 0, STR("The server answered before it was asked"));
		return;
	}
	conn_printf(cl->conn, "%s\r\n", line);
	client_enter(cl, phase, CLIENT_COMMAND_MS);
}

static void
introduce(struct client *cl)
{
	char line[300];

	snprintf(line, sizeof(line), "%s %s", cl->lmtp ? "LHLO" : "EHLO", cl->helo);
	client_say(cl, PH_EHLO, line);
}

/* -- replies --------------------------------------------------------------------------------- */

static void
greeting_reply(struct client *cl)
{
	unsigned class = cl->reader.code / 100;

	if (class == 2)
		introduce(cl);
	else
		client_over_by_reply(
		    cl, class == 5 ? CLIENT_GREETING_NEVER : CLIENT_GREETING_LATER);
}

/* RFC 5321 §3.2: who does not know EHLO is asked by HELO. */
static void
ehlo_reply(struct client *cl)
{
	char line[300];
	unsigned class = cl->reader.code / 100;

	if (class == 2) {
		if (cl->phase == PH_EHLO)
			offers_parse(reply_lines(&cl->reader), &cl->offers);
		client_secure_or_go_on(cl);
	} else if (class == 5 && cl->phase == PH_EHLO && !cl->lmtp && !conn_is_tls(cl->conn)) {
		snprintf(line, sizeof(line), "HELO %s", cl->helo);
		client_say(cl, PH_HELO, line);
	} else {
		client_over_by_reply(
		    cl, class == 5 ? CLIENT_GREETING_NEVER : CLIENT_GREETING_LATER);
	}
}

static void
handle_reply(struct client *cl)
{
	switch (cl->phase) {
	case PH_GREETING:
		greeting_reply(cl);
		break;
	case PH_EHLO:
	case PH_HELO:
		ehlo_reply(cl);
		break;
	case PH_STARTTLS:
		client_starttls_reply(cl);
		break;
	case PH_AUTH:
		client_auth_reply(cl);
		break;
	case PH_PREPARE:
		client_mail_lost(
		    cl, 0, "4.4.2", STR("The server ended the connection before the message"));
		client_over(cl, CLIENT_FINE, 0, STR(""));
		break;
	case PH_IDLE: /* 421, most likely */
		client_over(cl, CLIENT_FINE, 0, STR(""));
		break;
	default:
		client_mail_reply(cl);
		break;
	}
}

static bool
hears(const struct client *cl)
{
	return cl->phase != PH_HANDSHAKE && cl->phase != PH_OVER;
}

/* What is under way ends without a reply. */
static void
give_up(struct client *cl, enum client_failure failure, const char *status, struct str words)
{
	failure = client_tls_lost(cl, failure);
	if (cl->job)
		client_mail_lost(cl, 0, status, words);
	if (cl->jobs || cl->phase == PH_IDLE)
		failure = CLIENT_FINE; /* of the connection: it did carry something */
	client_over(cl, failure, 0, words);
}

static void
take_replies(struct client *cl)
{
	while (hears(cl)) {
		struct str in = conn_input(cl->conn);
		if (in.n == 0)
			return;
		conn_consume(cl->conn, reply_feed(&cl->reader, in));
		if (cl->reader.status == REPLY_PARTIAL)
			return;
		if (cl->reader.status == REPLY_GARBAGE)
			give_up(cl, CLIENT_GREETING_LATER, "4.5.0",
			    STR("The server's reply is not one of SMTP"));
		else
			handle_reply(cl);
		reply_clear(&cl->reader);
	}
}

/* -- turns ----------------------------------------------------------------------------------- */

static void
timed_out(struct client *cl)
{
	static const char *const waited[] = {
	    [PH_GREETING] = "the greeting",
	    [PH_EHLO] = "EHLO",
	    [PH_HELO] = "HELO",
	    [PH_STARTTLS] = "STARTTLS",
	    [PH_HANDSHAKE] = "the TLS handshake",
	    [PH_AUTH] = "AUTH",
	    [PH_PREPARE] = "",
	    [PH_ENVELOPE] = "MAIL, RCPT or DATA",
	    [PH_BODY] = "the message, which it does not take",
	    [PH_FINAL] = "the end of the message",
	    [PH_EMPTY] = "the end of the message",
	    [PH_RSET] = "RSET",
	    [PH_OVER] = "",
	};
	char words[CLIENT_WORDS_MAX];

	if (cl->phase == PH_IDLE) {
		client_next(cl);
		return;
	}
	if (cl->phase == PH_PREPARE) { /* we were too slow, not the server */
		client_settle_pending(cl, JOB_LATER, "4.3.2",
		    STR("There is too much to do here to make the message ready"));
		client_end_job(cl);
		client_next(cl);
		return;
	}
	/* slow, but it takes what it is sent (RFC 5321 §4.5.3.2.5) */
	size_t unsent = conn_out_pending(cl->conn);
	if (!cl->stop_ms && unsent > 0 && unsent < cl->unsent) {
		client_enter(
		    cl, cl->phase, cl->phase == PH_FINAL ? CLIENT_FINAL_MS : CLIENT_BLOCK_MS);
		return;
	}
	if (cl->stop_ms) {
		give_up(cl, CLIENT_STOPPED, "4.3.2", STR("This server is stopping"));
		return;
	}
	snprintf(words, sizeof(words), "Timed out waiting for an answer to %s", waited[cl->phase]);
	give_up(cl, CLIENT_NO_CONNECTION, "4.4.2", str_of(words));
}

/* What is under way has some seconds; what is not ends. */
static void
stop(struct client *cl)
{
	if (cl->stop_ms)
		return;
	cl->stop_ms = clock_mono_ms() + CLIENT_STOP_MS;
	if (cl->phase == PH_PREPARE)
		client_mail_lost(cl, 0, "4.3.2", STR("This server is stopping"));
	if (cl->phase == PH_IDLE || cl->phase == PH_PREPARE)
		client_quit(cl);
	else if (cl->job)
		client_enter(cl, cl->phase, cl->deadline_ms - clock_mono_ms());
	else
		client_over(cl, CLIENT_STOPPED, 0, STR("This server is stopping"));
}

static void
handle_events(struct client *cl, unsigned events)
{
	if (events & CONN_EV_OPEN) {
		if (conn_is_tls(cl->conn))
			client_describe_tls(cl);
		client_enter(cl, PH_GREETING, CLIENT_GREETING_MS);
	}
	if (events & CONN_EV_STOP)
		stop(cl);
	if (events & CONN_EV_TLS && cl->phase == PH_HANDSHAKE) {
		client_describe_tls(cl);
		introduce(cl); /* RFC 3207 §4.2: what was offered before counts no more */
	}
	take_replies(cl);
	if (events & CONN_EV_EOF && cl->phase != PH_OVER)
		give_up(cl, CLIENT_NO_CONNECTION, "4.4.2", STR("The server closed the connection"));
	if (events & CONN_EV_TIMEOUT && cl->phase != PH_OVER && clock_mono_ms() >= cl->deadline_ms)
		timed_out(cl);
	if (events & CONN_EV_WOKEN && cl->phase == PH_IDLE)
		client_next(cl);
	else if (events & CONN_EV_WOKEN && cl->phase == PH_PREPARE)
		client_prepared(cl);
}

static enum conn_turn
client_turn(void *session, struct conn *c, unsigned events)
{
	struct client *cl = session;

	if (!cl->conn)
		cl->conn = conn_ref(c);
	if (events & CONN_EV_FAILED) {
		if (events & CONN_EV_STOP)
			cl->stop_ms = clock_mono_ms();
		client_not_made(cl);
		return CONN_CLOSE;
	}
	handle_events(cl, events);
	while (cl->phase == PH_BODY) {
		if (!client_body_write(cl))
			return CONN_DRAIN;
		take_replies(cl); /* one that came before all was said */
	}
	if (cl->phase == PH_HANDSHAKE)
		return CONN_TLS;
	return cl->phase == PH_OVER ? CONN_CLOSE : CONN_READ;
}

static void
client_done(void *session)
{
	struct client *cl = session;

	if (cl->job) /* the connection was cut by ourselves */
		client_mail_lost(cl, 0, "4.4.2", STR("The connection was cut"));
	if (cl->phase != PH_OVER) {
		cl->failure = cl->phase == PH_IDLE || cl->jobs ? CLIENT_FINE : CLIENT_STOPPED;
		snprintf(cl->end_words, sizeof(cl->end_words), "The connection was cut");
	}
	struct client_end end = {
	    .failure = cl->failure,
	    .code = cl->end_code,
	    .reply = str_of(cl->end_words),
	    .host = cl->name,
	    .tls = cl->handshake || cl->tls.error ? &cl->tls : NULL,
	    .tls_text = cl->tls_text,
	    .starttls_offered = cl->starttls_offered,
	    .jobs = cl->jobs,
	};
	cl->owner->ended(cl->arg, &end);
	client_free(&cl);
}

const struct session_ops client_ops = {.turn = client_turn, .done = client_done};
