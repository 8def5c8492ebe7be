/* The memory transport: a session's conversation in one thread, for tests. */
#include "common/net/conn_private.h"

#include "common/base/clock.h"

#include <stdio.h>

#define WINDOW (64 * 1024) /* what the "socket" takes before the peer reads */

struct conn_memory {
	struct octets to_session;
	struct octets to_peer;
	struct deflate_shelf shelf; /* holds nothing: every rest is a long one */
	bool peer_done;
	const char *tls_failure;
	struct octets
	    taken; /* what a call gave out is copied to its arena; this is the gathering place */
};

static enum io
memory_recv(struct conn *c, char *p, size_t n, size_t *ret_n)
{
	struct octets *o = &c->memory->to_session;

	if (o->n == 0)
		return c->memory->peer_done ? IO_EOF : IO_WAIT_READ;
	if (n > o->n)
		n = o->n;
	memcpy(p, o->p + o->start, n);
	octets_take(o, n);
	*ret_n = n;
	return IO_SOME;
}

static enum io
memory_send(struct conn *c, const char *p, size_t n, size_t *ret_n)
{
	struct octets *o = &c->memory->to_peer;
	size_t room = o->n < WINDOW ? WINDOW - o->n : 0;

	if (room == 0)
		return IO_WAIT_WRITE;
	if (n > room)
		n = room;
	char *to = octets_reserve(o, n);
	if (!to)
		return IO_BROKEN;
	memcpy(to, p, n);
	o->n += n;
	*ret_n = n;
	return IO_SOME;
}

static void
memory_finish(struct conn *c)
{
	(void)c;
}

const struct transport transport_memory = {memory_recv, memory_send, memory_finish};

struct conn *
conn_memory_new(
    const struct session_ops *ops, void *session, const struct conn_memory_options *options)
{
	static const struct conn_memory_options defaults;
	struct conn *c = calloc(1, sizeof(*c));
	struct conn_memory *m = calloc(1, sizeof(*m));

	if (!c || !m)
		abort();
	if (!options)
		options = &defaults;
	conn_init(c, ops, &transport_memory);
	c->memory = m;
	deflate_shelf_init(&m->shelf, 0, 1);
	c->session = session;
	c->service = options->service;
	c->claims_tls = options->tls;
	c->tls_available = options->tls_available;
	c->dialled = options->dialled ? dialled_new() : NULL;
	m->tls_failure = options->tls_failure;
	c->local = !options->remote;
	c->peer_addr.sa.sa_family = AF_UNIX;
	snprintf(c->id, sizeof(c->id), "memory");
	snprintf(c->peer, sizeof(c->peer), "%s", options->peer ? options->peer : "127.0.0.1");
	atomic_store(&c->events, CONN_EV_OPEN);
	return c;
}

struct conn *
conn_memory_open(
    const struct session_ops *ops, void *session, const struct conn_memory_options *options)
{
	struct conn *c = conn_memory_new(ops, session, options);

	if (options && options->refused) {
		dial_memory_fails(c, options->refused, NULL);
		c->ops->turn(session, c, CONN_EV_FAILED);
		conn_advance(c, EV_KILL);
		return c;
	}
	conn_memory_run(c);
	return c;
}

const char *
conn_memory_tls_failure(const struct conn *c)
{
	return c->memory->tls_failure;
}

struct deflate_shelf *
conn_memory_deflate_shelf(struct conn *c)
{
	return &c->memory->shelf;
}

void
conn_memory_run(struct conn *c)
{
	long long at = atomic_load(&c->deadline_ms);

	if (at && at <= clock_mono_ms()) {
		atomic_store(&c->deadline_ms, 0);
		atomic_fetch_or(&c->events, CONN_EV_TIMEOUT);
	}
	do {
		unsigned events = atomic_exchange(&c->events, 0) | EV_READY;
		bool park = c->state == CS_DEAD || conn_advance(c, events);
		if (c->state == CS_DEAD || (park && atomic_load(&c->events) == 0))
			return;
	} while (true);
}

void
conn_memory_put(struct conn *c, struct str input)
{
	char *to = octets_reserve(&c->memory->to_session, input.n);

	if (!to)
		abort();
	if (input.n)
		memcpy(to, input.p, input.n);
	c->memory->to_session.n += input.n;
}

void
conn_memory_feed(struct conn *c, struct str input)
{
	conn_memory_put(c, input);
	conn_memory_run(c);
}

void
conn_memory_eof(struct conn *c)
{
	c->memory->peer_done = true;
	conn_memory_run(c);
}

struct str
conn_memory_output_some(struct conn *c, struct arena *arena, size_t max)
{
	struct octets *o = &c->memory->to_peer;
	size_t n = o->n < max ? o->n : max;
	struct str out = arena_dup(arena, str_make(o->p ? o->p + o->start : "", n));

	octets_take(o, n);
	return out;
}

struct str
conn_memory_output(struct conn *c, struct arena *arena)
{
	struct octets *o = &c->memory->to_peer;
	struct octets *all = &c->memory->taken;

	octets_free(all);
	while (o->n) {
		char *to = octets_reserve(all, o->n);
		if (!to)
			abort();
		memcpy(to, o->p + o->start, o->n);
		all->n += o->n;
		octets_take(o, o->n);
		conn_memory_run(c);
	}
	struct str out = arena_dup(arena, str_make(all->p ? all->p : "", all->n));
	octets_free(all);
	return out;
}

bool
conn_memory_closed(const struct conn *c)
{
	return c->state == CS_DEAD || c->state == CS_LINGER || c->state == CS_CLOSING;
}

void
conn_memory_free(struct conn *c)
{
	octets_free(&c->memory->to_session);
	octets_free(&c->memory->to_peer);
	octets_free(&c->memory->taken);
	conn_release(c);
	deflate_shelf_done(&c->memory->shelf);
	free(c->memory);
	free(c);
}

void
conn_memory_close(struct conn **cp)
{
	struct conn *c = MOVE_PTR(*cp);

	if (!c)
		return;
	if (c->state != CS_DEAD)
		conn_advance(c, EV_KILL);
	conn_unref(&c);
}
