/* Connections that we open: until they are open, their rules of TLS, and how they fail. */
#include "common/net/conn_private.h"
#include "common/net/tls_client.h"

#include "common/base/log.h"
#include "common/metrics/metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>

#define RULES_ARENA (256 * 1024) /* names and TLSA records of one host */
#define FAILURE_TEXT 200

struct dialled {
	struct arena *arena; /* of `rules` */
	struct tls_rules rules;
	struct tls_outcome outcome;
	bool none_usable; /* of the TLSA records */
	bool implicit_tls;
	int64_t timeout_ms;
	int connect_errno; /* of connect(), when it failed at once */
	char failure[FAILURE_TEXT];
};

static const struct tls_outcome nothing_shown;

void
dialled_free(struct dialled **dp)
{
	struct dialled *d = MOVE_PTR(*dp);

	if (!d)
		return;
	arena_free(&d->arena);
	free(d);
}

struct dialled *
dialled_new(void)
{
	return calloc(1, sizeof(struct dialled));
}

const struct tls_outcome *
conn_tls_outcome(const struct conn *c)
{
	return c->dialled ? &c->dialled->outcome : &nothing_shown;
}

const char *
conn_failure(const struct conn *c)
{
	return c->dialled ? c->dialled->failure : "";
}

/* -- rules ----------------------------------------------------------------------------------- */

static bool
copy_rules(struct arena *a, const struct tls_rules *from, struct tls_rules *to)
{
	*to = *from;
	to->server_name = arena_dup(a, from->server_name);
	to->ca_file = from->ca_file ? arena_cstr(a, str_of(from->ca_file)) : NULL;
	struct str *names = arena_alloc_array(a, from->name_count, sizeof(*names));
	struct tls_tlsa *tlsa = arena_alloc_array(a, from->tlsa_count, sizeof(*tlsa));
	if (arena_failed(a))
		return false;
	for (size_t i = 0; i < from->name_count; i++)
		names[i] = arena_dup(a, from->names[i]);
	for (size_t i = 0; i < from->tlsa_count; i++) {
		tlsa[i] = from->tlsa[i];
		tlsa[i].data = arena_dup(a, from->tlsa[i].data);
	}
	to->names = names;
	to->tlsa = tlsa;
	return !arena_failed(a);
}

enum err
conn_tls_expect(struct conn *c, const struct tls_rules *rules)
{
	struct dialled *d = c->dialled;

	if (!d)
		return ERR_CANNOT;
	if (d->arena)
		arena_reset(d->arena);
	else
		d->arena = arena_new(RULES_ARENA);
	d->rules = (struct tls_rules){0};
	return d->arena && copy_rules(d->arena, rules, &d->rules) ? ERR_OK : ERR_NOMEM;
}

/* -- the connection -------------------------------------------------------------------------- */

static socklen_t
address_size(const struct sockaddr *sa)
{
	switch (sa->sa_family) {
	case AF_INET:
		return sizeof(struct sockaddr_in);
	case AF_INET6:
		return sizeof(struct sockaddr_in6);
	default:
		return sizeof(struct sockaddr_un);
	}
}

/* The address to come from, where it is of the same family. */
static int
bind_source(int fd, const char *source, int family)
{
	struct sockaddr_in four = {.sin_family = AF_INET};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};

	if (family == AF_INET && inet_pton(AF_INET, source, &four.sin_addr) == 1)
		return bind(fd, (struct sockaddr *)&four, sizeof(four));
	if (family == AF_INET6 && inet_pton(AF_INET6, source, &six.sin6_addr) == 1)
		return bind(fd, (struct sockaddr *)&six, sizeof(six));
	return 0;
}

/* 0, or errno where there is no hope: the first turn tells it. */
static int
begin_connect(int fd, const struct dial *d)
{
	const int on = 1;

	if (d->to->sa_family == AF_INET || d->to->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (d->source && bind_source(fd, d->source, d->to->sa_family) < 0)
		return errno;
	if (connect(fd, d->to, address_size(d->to)) < 0 && errno != EINPROGRESS && errno != EINTR)
		return errno;
	return 0;
}

struct conn *
dial_new(struct hub *h, const struct dial *d)
{
	struct dialled *dialled = dialled_new();

	if (!dialled)
		return NULL;
	int fd = socket(d->to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		log_warn("dial", F_CSTR("reason", strerrordesc_np(errno)));
		dialled_free(&dialled);
		return NULL;
	}
	dialled->connect_errno = begin_connect(fd, d);
	dialled->timeout_ms = d->timeout_ms;
	dialled->implicit_tls = d->implicit_tls;
	struct conn *c = hub_add(h, fd, d->to, NULL, 0); /* takes the descriptor in any case */
	if (!c) {
		dialled_free(&dialled);
		return NULL;
	}
	METRICS_COUNT(open_outbound_connections, 0);
	c->dialled = dialled;
	c->state = CS_CONNECTING;
	if (d->rules && conn_tls_expect(c, d->rules))
		dialled->connect_errno = ENOMEM;
	return c;
}

void
dial_start(struct conn *c, const struct session_ops *ops, void *session)
{
	c->ops = ops;
	c->session = session;
	conn_set_deadline(c, c->dialled->timeout_ms);
	atomic_fetch_or(&c->events, EV_READY);
	hub_queue(c); /* owned since it was made */
}

/* Why it is not open: 0 it is, EINPROGRESS not yet. */
static int
connect_result(const struct conn *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLOUT};
	int why = 0;
	socklen_t n = sizeof(why);

	if (c->dialled->connect_errno)
		return c->dialled->connect_errno;
	if (poll(&p, 1, 0) <= 0)
		return EINPROGRESS;
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &why, &n) < 0)
		return errno;
	return why;
}

static enum dial_step fail(struct conn *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

static enum dial_step
fail(struct conn *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->dialled->failure, sizeof(c->dialled->failure), fmt, ap);
	va_end(ap);
	return DIAL_FAILED;
}

enum dial_step
dial_advance_connect(struct conn *c, unsigned events)
{
	c->wait_read = c->wait_write = false;
	if (events & CONN_EV_STOP)
		return fail(c, "stopping");
	int why = connect_result(c);
	if (why == EINPROGRESS && (events & CONN_EV_TIMEOUT))
		why = ETIMEDOUT;
	if (why == EINPROGRESS) {
		c->wait_write = true;
		return DIAL_WAITS;
	}
	METRICS_COUNT(outbound_connections, why ? 1 : 0);
	if (why)
		return fail(c, "%s", strerrordesc_np(why));
	if (!c->dialled->implicit_tls) {
		conn_set_deadline(c, 0);
		c->state = CS_OPEN;
		conn_notify(c, CONN_EV_OPEN);
		return DIAL_OPEN;
	}
	conn_set_deadline(c, c->dialled->timeout_ms);
	return dial_begin_tls(c, CONN_EV_OPEN);
}

/* -- TLS ------------------------------------------------------------------------------------- */

enum dial_step
dial_begin_tls(struct conn *c, unsigned event)
{
	struct dialled *d = c->dialled;

	c->ssl = tls_connect(hub_tls_clients(c), &d->rules, &d->outcome, &d->none_usable);
	if (!c->ssl)
		return fail(c, "TLS: %s", d->outcome.detail);
	if (SSL_set_fd(c->ssl, c->fd) != 1)
		return fail(c, "TLS: no memory");
	c->state = CS_HANDSHAKE;
	c->handshake_event = event;
	return DIAL_OPEN;
}

void
dial_tls_done(struct conn *c)
{
	struct dialled *d = c->dialled;

	tls_connect_outcome(c->ssl, &d->rules, true, d->none_usable, &d->outcome);
}

enum dial_step
dial_tls_failed(struct conn *c, unsigned events)
{
	struct dialled *d = c->dialled;

	tls_connect_outcome(c->ssl, &d->rules, false, d->none_usable, &d->outcome);
	if (events & CONN_EV_STOP)
		return fail(c, "stopping");
	if (events & CONN_EV_TIMEOUT)
		d->outcome.detail = "no answer in time";
	return fail(c, "TLS handshake: %s", d->outcome.detail);
}

/* -- memory, for tests ----------------------------------------------------------------------- */

enum dial_step
dial_memory_fails(struct conn *c, const char *why, const char *tls_error)
{
	c->dialled->outcome = (struct tls_outcome){.error = tls_error, .detail = why};
	return fail(c, "%s%s", tls_error ? "TLS handshake: " : "", why);
}

void
dial_memory_tls(struct conn *c)
{
	c->dialled->outcome.verified = c->dialled->rules.proof != TLS_PROOF_NONE;
}
