#include "common/net/conn_private.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/log_ration.h"
#include "common/metrics/metrics.h"
#include "common/net/tls_client.h"

#include <arpa/inet.h>
#include <stdio.h>

#define BLOCK_CONNS 32
#define SHEDS_A_MINUTE 10 /* in the log */
#define ENDS_A_MINUTE 600 /* of sessions that came to nothing, in the log */
#define HANDSHAKES_A_MINUTE 60 /* that fail, in the log: those of scanners, and somebody's */

/* Structs of connections are made together: they stay, and each apart would keep a page of what the
 * connection had around it. */
struct block {
	struct block *next;
	struct conn conn[BLOCK_CONNS];
};

struct hub {
	struct workers *workers;
	struct workers *front; /* for peers that nobody knows yet; may be NULL */
	struct loop *loop;
	void (*closed)(void *arg, struct conn *c);
	void *closed_arg;
	atomic_ullong serial; /* for conn_id() */
	pthread_mutex_t mu;
	struct conn *conns; /* guarded by mu, with next and prev of each */
	struct conn *spare; /* guarded by mu: closed ones, to be used again */
	struct block *blocks; /* guarded by mu: all of them */
	size_t count; /* guarded by mu */
	struct deflate_shelf shelf;
	struct tls_clients *tls_clients; /* of dialled connections */
	struct log_ration handshakes; /* that fail */
	struct log_ration ends; /* of sessions that came to nothing */
	struct log_ration sheds;
	atomic_llong
	    shed_since_ms; /* who has kept the daemon waiting since then, or before, is ended */
	fullness_fn *fullness; /* NULL: never full */
	void *memory_arg;
	atomic_size_t held_max;
	atomic_size_t held; /* octets of output that wait for peers */
	atomic_size_t tls; /* connections that were accepted and have TLS, or are about to */
	atomic_int seen; /* enum fullness, as of the last look */
};

size_t
hub_held(const struct hub *h)
{
	return atomic_load_explicit(&h->held, memory_order_relaxed);
}

size_t
hub_may_need(const struct hub *h)
{
	return TLS_RECORD_ROOM * atomic_load_explicit(&h->tls, memory_order_relaxed);
}

enum fullness
hub_ask_fullness(struct hub *h)
{
	enum fullness is = h && h->fullness ? h->fullness(h->memory_arg) : MEMORY_THERE;

	if (h && atomic_load_explicit(&h->seen, memory_order_relaxed) != (int)is)
		atomic_store_explicit(&h->seen, (int)is, memory_order_relaxed);
	return is;
}

enum fullness
hub_last_fullness(const struct hub *h)
{
	return h ? (enum fullness)atomic_load_explicit(&h->seen, memory_order_relaxed)
		 : MEMORY_THERE;
}

size_t
hub_out_high(const struct hub *h)
{
	enum fullness seen = hub_last_fullness(h);

	if (seen == MEMORY_BRIMFUL)
		return CONN_OUT_LEAST;
	bool much = h && hub_held(h) > atomic_load_explicit(&h->held_max, memory_order_relaxed);
	return much || seen == MEMORY_FULL ? CONN_OUT_SHORT : CONN_OUT_HIGH;
}

bool
hub_accept_tls(struct conn *c)
{
	c->ssl = c->tls ? tls_accept(c->tls) : NULL;
	if (c->ssl)
		atomic_fetch_add_explicit(&c->hub->tls, 1, memory_order_relaxed);
	return c->ssl && SSL_set_fd(c->ssl, c->fd) == 1;
}

void
hub_count_tls_end(struct conn *c)
{
	if (c->hub && !c->dialled)
		atomic_fetch_sub_explicit(&c->hub->tls, 1, memory_order_relaxed);
}

void
hub_count_held(struct conn *c)
{
	size_t holds = c->out.n + (c->deflate ? deflate_unsent(c) : 0);

	if (!c->hub || holds == c->held)
		return;
	/* Unsigned: what has become less wraps around to a subtraction. */
	atomic_fetch_add_explicit(&c->hub->held, holds - c->held, memory_order_relaxed);
	c->held = holds;
}

enum err
hub_new(struct workers *w, struct loop *l, void (*closed)(void *arg, struct conn *c), void *arg,
    struct hub **ret)
{
	struct hub *h = calloc(1, sizeof(*h));

	if (!h)
		return ERR_NOMEM;
	h->tls_clients = tls_clients_new();
	if (!h->tls_clients) {
		free(h);
		return ERR_NOMEM;
	}
	h->workers = w;
	h->loop = l;
	h->closed = closed;
	h->closed_arg = arg;
	atomic_store(&h->held_max, HUB_HELD_MAX);
	pthread_mutex_init(&h->mu, NULL);
	deflate_shelf_init(&h->shelf, DEFLATE_WARM_MAX, DEFLATE_STUCK_MAX);
	*ret = h;
	return ERR_OK;
}

static void
free_block(struct block *b)
{
	for (size_t i = 0; i < BLOCK_CONNS; i++)
		loop_timer_free(&b->conn[i].timer);
	free(b);
}

void
hub_free(struct hub **hp)
{
	struct hub *h = MOVE_PTR(*hp);

	if (!h)
		return;
	while (h->blocks) {
		struct block *b = h->blocks;
		h->blocks = b->next;
		free_block(b);
	}
	pthread_mutex_destroy(&h->mu);
	deflate_shelf_done(&h->shelf);
	tls_clients_free(&h->tls_clients);
	free(h);
}

bool
hub_tells_handshake(const struct conn *c, uint64_t *ret_withheld)
{
	return log_ration_takes(&c->hub->handshakes, HANDSHAKES_A_MINUTE, ret_withheld);
}

bool
conn_tells_end(const struct conn *c, uint64_t *ret_withheld)
{
	*ret_withheld = 0;
	return !c || !c->hub || log_ration_takes(&c->hub->ends, ENDS_A_MINUTE, ret_withheld);
}

void
hub_tell_shed(const struct conn *c)
{
	uint64_t withheld;

	METRICS_COUNT(connections_shed, 0);
	if (log_ration_takes(&c->hub->sheds, SHEDS_A_MINUTE, &withheld))
		log_warn("shed", F_CSTR("peer", c->peer), F_UINT("unread", c->out.n),
		    F_UINT("gathered", c->in.n),
		    F_INT("ms", clock_mono_ms() - atomic_load(&c->kept_since_ms)),
		    F_UINT("withheld", withheld));
}

struct tls_clients *
hub_tls_clients(struct conn *c)
{
	return c->hub->tls_clients;
}

struct deflate_shelf *
hub_deflate_shelf(struct conn *c)
{
	return &c->hub->shelf;
}

static void
retire(struct conn *c)
{
	struct hub *h = c->hub;

	loop_timer_set(c->timer, 0);
	if (c->known_fd)
		workers_forget(c->pool, c->fd);
	bool came_in = !c->dialled;
	conn_release(c);
	if (came_in)
		h->closed(h->closed_arg, c);
	else
		METRICS_TAKE(open_outbound_connections, 0);
	pthread_mutex_lock(&h->mu);
	*c->prev = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->next = NULL;
	h->count--;
	pthread_mutex_unlock(&h->mu);
	struct conn *registered = c;
	conn_unref(&registered);
}

static void
leave_front(struct conn *c)
{
	if (c->known_fd)
		workers_forget(c->pool, c->fd);
	c->known_fd = false;
	c->leaves_front = false;
	c->in.wipes = false;
	c->pool = c->hub->workers;
}

/* Runs a connection that this thread has just come to own, until it waits or is over. */
static void
run(struct conn *c)
{
	CLEANUP(conn_unref)
	struct conn *held = conn_ref(c); /* another may end it once it is parked */

	for (;;) {
		bool park = conn_advance(c, atomic_exchange(&c->events, 0));
		if (c->state == CS_DEAD) {
			retire(c); /* stays owned: no event runs it again */
			return;
		}
		if (c->leaves_front)
			leave_front(c);
		if (!park) {
			workers_queue(c->pool, &c->queued);
			return;
		}
		if (conn_look(c))
			continue;
		if (workers_arm(c->pool, c->fd, conn_epoll_events(c), c->known_fd, &c->ready)) {
			atomic_fetch_or(&c->events, EV_KILL);
			continue;
		}
		c->known_fd = true;
		/* From here an event may be told to another worker; it only leaves a mark while
		 * this one owns the connection. */
		atomic_store(&c->owned, false);
		if (atomic_load(&c->events) == 0 || atomic_exchange(&c->owned, true))
			return;
	}
}

static void
run_ready(struct task *t)
{
	struct conn *c = (struct conn *)((char *)t - offsetof(struct conn, ready));

	atomic_fetch_or(&c->events, EV_READY);
	if (!atomic_exchange(&c->owned, true)) {
		conn_woken(c);
		run(c);
	}
}

static void
run_queued(struct task *t)
{
	run((struct conn *)((char *)t - offsetof(struct conn, queued)));
}

void
hub_queue(struct conn *c)
{
	workers_queue(c->pool, &c->queued);
}

static struct conn *
take_spare(struct hub *h)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&h->mu);
	struct conn *c = h->spare;

	if (c)
		h->spare = c->next;
	return c;
}

void
hub_recycle(struct conn *c)
{
	struct hub *h = c->hub;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&h->mu);

	c->next = h->spare;
	h->spare = c;
}

/* The first of a new block; the others are put aside. */
static struct conn *
make_conns(struct hub *h)
{
	struct block *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	for (size_t i = 0; i < BLOCK_CONNS; i++) {
		struct conn *c = &b->conn[i];
		c->timer = loop_timer_new(h->loop, conn_timer_fired, c);
		if (!c->timer) {
			free_block(b);
			return NULL;
		}
		atomic_store(&c->owned, true);
		c->ready.run = run_ready;
		c->queued.run = run_queued;
		c->hub = h;
	}
	pthread_mutex_lock(&h->mu);
	b->next = h->blocks;
	h->blocks = b;
	for (size_t i = 1; i < BLOCK_CONNS; i++) {
		b->conn[i].next = h->spare;
		h->spare = &b->conn[i];
	}
	pthread_mutex_unlock(&h->mu);
	return &b->conn[0];
}

/* Everything but what outlives a connection: tasks, hub, timer, and the atomics that a late event
 * may still touch. */
static void
wipe(struct conn *c)
{
	const size_t from = offsetof(struct conn, state);

	memset((char *)c + from, 0, sizeof(*c) - from);
	atomic_store(&c->events, 0);
	atomic_store(&c->deadline_ms, 0);
	atomic_store(&c->timer_ms, 0);
	atomic_store(&c->kept_since_ms, 0);
	c->session = NULL;
}

void
conn_address_text(const struct sockaddr *sa, char *out, size_t n)
{
	const void *addr = NULL;

	if (sa->sa_family == AF_INET)
		addr = &((const struct sockaddr_in *)sa)->sin_addr;
	else if (sa->sa_family == AF_INET6)
		addr = &((const struct sockaddr_in6 *)sa)->sin6_addr;
	if (!addr || !inet_ntop(sa->sa_family, addr, out, (socklen_t)n))
		snprintf(out, n, "unix");
}

static bool
is_loopback(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)sa)->sin_addr.s_addr) >> 24 == 127;
	if (sa->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)sa)->sin6_addr);
	return sa->sa_family == AF_UNIX;
}

/* A peer that reached an IPv4 port through an IPv6 socket is an IPv4 peer to everybody. */
static void
set_peer(struct conn *c, const struct sockaddr *peer)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)peer;

	if (peer->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
		struct sockaddr_in *four = (struct sockaddr_in *)&c->peer_addr.storage;
		four->sin_family = AF_INET;
		four->sin_port = six->sin6_port;
		memcpy(&four->sin_addr, six->sin6_addr.s6_addr + 12, 4);
	} else if (peer->sa_family == AF_INET6) {
		memcpy(&c->peer_addr.storage, peer, sizeof(struct sockaddr_in6));
	} else if (peer->sa_family == AF_INET) {
		memcpy(&c->peer_addr.storage, peer, sizeof(struct sockaddr_in));
	} else {
		c->peer_addr.sa.sa_family = AF_UNIX;
	}
	conn_address_text(&c->peer_addr.sa, c->peer, sizeof(c->peer));
}

struct conn *
hub_add(struct hub *h, int fd, const struct sockaddr *peer, struct tls_context *tls, int service)
{
	struct conn *c = take_spare(h);

	if (!c)
		c = make_conns(h);
	if (!c) {
		close(fd);
		return NULL;
	}
	wipe(c);
	conn_init(c, NULL, &transport_socket);
	c->pool = h->workers;
	c->fd = fd;
	c->service = service;
	c->tls = tls ? tls_context_ref(tls) : NULL;
	set_peer(c, peer);
	c->local = is_loopback(&c->peer_addr.sa);
	snprintf(
	    c->id, sizeof(c->id), "%llx", (unsigned long long)atomic_fetch_add(&h->serial, 1) + 1);
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&h->mu);
	c->next = h->conns;
	c->prev = &h->conns;
	if (c->next)
		c->next->prev = &c->next;
	h->conns = c;
	h->count++;
	return c;
}

void
hub_set_front(struct hub *h, struct workers *front)
{
	h->front = front;
}

void
hub_set_memory(struct hub *h, fullness_fn *fullness, void *arg)
{
	h->fullness = fullness;
	h->memory_arg = arg;
}

void
hub_set_held_max(struct hub *h, size_t octets)
{
	atomic_store(&h->held_max, octets < HUB_HELD_MAX ? octets : HUB_HELD_MAX);
}

void
hub_put_in_front(struct conn *c)
{
	c->in.wipes = true;
	c->stranger = true;
	if (c->hub->front)
		c->pool = c->hub->front;
}

void
hub_leave_uncounted(struct conn *c)
{
	c->uncounted = true;
}

void
hub_start(struct conn *c, const struct session_ops *ops, void *session, bool implicit_tls,
    int64_t handshake_ms)
{
	c->ops = ops;
	c->session = session;
	unsigned first = CONN_EV_OPEN;

	if (!session) {
		first = EV_KILL;
	} else if (implicit_tls) {
		if (hub_accept_tls(c)) {
			c->state = CS_HANDSHAKE;
			c->handshake_event = CONN_EV_OPEN;
			conn_set_deadline(c, handshake_ms);
			first = EV_READY;
		} else {
			first = EV_KILL;
		}
	}
	atomic_fetch_or(&c->events, first);
	hub_queue(c); /* owned since it was made */
}

static void
notify_all(struct hub *h, unsigned event)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&h->mu);

	for (struct conn *c = h->conns; c; c = c->next)
		conn_notify(c, event);
}

void
hub_stop(struct hub *h)
{
	notify_all(h, CONN_EV_STOP);
}

void
hub_shed(struct hub *h, int64_t ms)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&h->mu);
	int64_t now = clock_mono_ms(), first = now;

	for (struct conn *c = h->conns; c; c = c->next) {
		long long since = atomic_load(&c->kept_since_ms);
		if (since && since < first)
			first = since;
	}
	if (ms < (now - first) / 2)
		ms = (now - first) / 2;
	atomic_store(&h->shed_since_ms, now - ms);
	for (struct conn *c = h->conns; c; c = c->next)
		if (hub_sheds(c))
			conn_notify(c, EV_SHED);
}

bool
hub_sheds(const struct conn *c)
{
	long long since = atomic_load(&c->kept_since_ms);

	return since && since <= atomic_load(&c->hub->shed_since_ms);
}

void
hub_kill(struct hub *h)
{
	notify_all(h, EV_KILL);
}

size_t
hub_count(struct hub *h)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&h->mu);

	return h->count;
}
