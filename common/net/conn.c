/* What a session sees of its connection, and its life. What runs it stands in conn_run.c. */
#include "common/net/conn_private.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>

#define IN_MAX_DEFAULT (64 * 1024)
#define PRINTF_GUESS 200

void
conn_init(struct conn *c, const struct session_ops *ops, const struct transport *t)
{
	c->ops = ops;
	c->transport = t;
	c->state = CS_OPEN;
	c->want = CONN_READ;
	c->in_max = IN_MAX_DEFAULT;
	c->fd = -1;
	atomic_store(&c->refs, 1);
}

void
conn_release(struct conn *c)
{
	octets_free(&c->in);
	octets_free(&c->out);
	deflate_end(c);
	hub_count_held(c);
	if (c->ssl) {
		SSL_free(c->ssl);
		hub_count_tls_end(c);
	}
	c->ssl = NULL;
	tls_context_unref(&c->tls);
	dialled_free(&c->dialled);
	fd_close(&c->fd);
}

struct str
conn_input(const struct conn *c)
{
	return c->in.n ? str_make(c->in.p + c->in.start, c->in.n) : str_make("", 0);
}

void
conn_consume(struct conn *c, size_t n)
{
	octets_take(&c->in, n);
}

void
conn_set_input_max(struct conn *c, size_t octets)
{
	c->in_max = octets;
}

bool
conn_at_eof(const struct conn *c)
{
	return c->eof;
}

bool
conn_peer_ended(const struct conn *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};

	return c->eof ||
	       (c->fd >= 0 && poll(&p, 1, 0) == 1 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)));
}

char *
conn_out_reserve(struct conn *c, size_t n)
{
	char *to = NULL;

	if (!c->out_failed && n <= CONN_OUT_MAX - c->out.n)
		to = octets_reserve(&c->out, n);
	if (!to)
		c->out_failed = true; /* never a reply with a hole: the connection ends */
	return to;
}

void
conn_out_grow(struct conn *c, size_t n)
{
	c->out.n += n;
}

void
conn_write(struct conn *c, const void *p, size_t n)
{
	struct octets *o = &c->out;

	if (n == 0)
		return;
	bool room = n <= o->cap - o->start - o->n && n <= CONN_OUT_MAX - o->n && !c->out_failed;
	char *to = room ? o->p + o->start + o->n : conn_out_reserve(c, n);
	if (!to)
		return;
	memcpy(to, p, n);
	o->n += n;
}

void
conn_printf(struct conn *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *to = conn_out_reserve(c, PRINTF_GUESS);
	int n = to ? vsnprintf(to, PRINTF_GUESS, fmt, ap) : -1;
	va_end(ap);
	if (n >= PRINTF_GUESS) { /* longer than most */
		to = conn_out_reserve(c, (size_t)n + 1);
		va_start(ap, fmt);
		n = to ? vsnprintf(to, (size_t)n + 1, fmt, ap) : -1;
		va_end(ap);
	}
	if (n > 0)
		c->out.n += (size_t)n;
}

void
conn_put_u64(struct conn *c, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + value % 10);
	while (value /= 10);
	conn_write(c, digits + at, sizeof(digits) - at);
}

bool
conn_out_full(const struct conn *c)
{
	if (c->out.n > CONN_OUT_LEAST && c->out.n < CONN_OUT_HIGH)
		return c->out.n > hub_out_high(c->hub);
	return c->out.n >= CONN_OUT_HIGH || c->out_failed;
}

size_t
conn_out_piece(const struct conn *c, size_t most)
{
	size_t high = hub_out_high(c->hub);

	return most < high ? most : high;
}

size_t
conn_out_pending(const struct conn *c)
{
	return c->out.n;
}

void
conn_set_in_the_middle(struct conn *c, bool is)
{
	c->in_the_middle = is;
}

void
conn_out_rewind(struct conn *c, size_t pending)
{
	if (pending < c->out.n)
		c->out.n = pending;
}

void
conn_leave_front(struct conn *c)
{
	c->leaves_front = c->leaves_front || c->stranger;
	c->stranger = false;
}

bool
conn_leaves_front(const struct conn *c)
{
	return c->leaves_front;
}

bool
conn_is_stranger(const struct conn *c)
{
	return c->stranger;
}

void
conn_wake(struct conn *c)
{
	conn_notify(c, CONN_EV_WOKEN);
}

struct conn *
conn_ref(struct conn *c)
{
	atomic_fetch_add(&c->refs, 1);
	return c;
}

void
conn_unref(struct conn **cp)
{
	struct conn *c = MOVE_PTR(*cp);

	if (!c || atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	if (c->hub)
		hub_recycle(c);
	else
		conn_memory_free(c);
}

void
conn_notify(struct conn *c, unsigned events)
{
	atomic_fetch_or(&c->events, events);
	if (c->hub && !atomic_exchange(&c->owned, true))
		hub_queue(c);
}

const char *
conn_id(const struct conn *c)
{
	return c->id;
}

const char *
conn_peer(const struct conn *c)
{
	return c->peer;
}

const struct sockaddr *
conn_peer_addr(const struct conn *c)
{
	return &c->peer_addr.sa;
}

bool
conn_is_tls(const struct conn *c)
{
	return c->ssl || c->claims_tls;
}

bool
conn_is_deflated(const struct conn *c)
{
	return c->deflate;
}

bool
conn_is_secure(const struct conn *c)
{
	return conn_is_tls(c) || c->local;
}

const char *
conn_tls_version(const struct conn *c)
{
	return c->ssl ? SSL_get_version(c->ssl) : "";
}

const char *
conn_tls_cipher(const struct conn *c)
{
	return c->ssl ? SSL_get_cipher_name(c->ssl) : "";
}

bool
conn_tls_available(const struct conn *c)
{
	return c->tls || c->tls_available;
}

int
conn_service(const struct conn *c)
{
	return c->service;
}
