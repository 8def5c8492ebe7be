/* common/net/conn_private.h - the inside of a connection, for common/net only. */
#ifndef COMMON_NET_CONN_PRIVATE_H
#define COMMON_NET_CONN_PRIVATE_H

#include "common/net/conn.h"
#include "common/net/deflate.h"
#include "common/net/hub.h"
#include "common/net/loop.h"
#include "common/net/prompt.h"
#include "common/net/tls.h"
#include "common/net/workers.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/un.h>

/* Two events of the machinery itself, beside enum conn_event. */
#define EV_READY (1u << 16) /* the descriptor is ready, or first run */
#define EV_KILL (1u << 17) /* close without a goodbye */
#define EV_SHED (1u << 18) /* end it for want of memory, if it is still for that (hub_sheds()) */

/* A queue of octets: appended at the end, taken from the front. */
struct octets {
	char *p;
	size_t start;
	size_t n; /* held, from start on */
	size_t cap;
	bool wipes; /* leaves nothing behind of what was held: a password may be in it */
};

char *octets_reserve(struct octets *o, size_t n); /* NULL without memory */
void octets_take(struct octets *o, size_t n);
/* Gives memory back when nothing is held, or little of what there is room for. */
void octets_relax(struct octets *o);
void octets_free(struct octets *o);

/* What moved, or why not. */
enum io { IO_SOME, IO_WAIT_READ, IO_WAIT_WRITE, IO_EOF, IO_BROKEN };

struct transport {
	enum io (*recv)(struct conn *c, char *p, size_t n, size_t *ret_n);
	enum io (*send)(struct conn *c, const char *p, size_t n, size_t *ret_n);
	/* No more output will come. */
	void (*finish)(struct conn *c);
};

extern const struct transport transport_socket;
extern const struct transport transport_tls;
extern const struct transport transport_memory;

enum conn_state {
	CS_CONNECTING, /* dialled, not there yet */
	CS_HANDSHAKE, /* of TLS, under way */
	CS_OPEN, /* the session has its turns */
	CS_CLOSING, /* the session is done; what is left of the output goes out */
	CS_LINGER, /* all sent; waits for the peer's end, so that no reset destroys the last reply
		    */
	CS_DEAD,
};

struct conn {
	struct task ready; /* run by a worker that epoll told */
	struct task queued; /* run by a worker from the run queue */
	atomic_uint events; /* not yet given to a turn */
	atomic_bool owned; /* a worker runs it or the run queue holds it */
	atomic_int refs;
	atomic_llong deadline_ms; /* monotonic; 0 none */
	atomic_llong timer_ms; /* what the timer is set to; 0 not set */
	atomic_llong kept_since_ms; /* waits for its peer in the middle of something; 0 does not */

	const struct session_ops *ops;
	void *session;
	const struct transport *transport;
	struct hub *hub; /* NULL: memory */
	struct workers *pool; /* that run it: the hub's, or those of its front */
	struct conn
	    *next; /* in the hub's list, or its list of free ones; guarded by the hub's lock */
	struct conn **prev;
	struct loop_timer *timer;

	enum conn_state state;
	enum conn_turn want;
	unsigned handshake_event; /* told when the handshake is done: CONN_EV_OPEN or CONN_EV_TLS */
	bool wait_read; /* what the transport waits for, beside what `want` says */
	bool wait_write;
	bool readable; /* the last read filled its space: there may be more */
	bool eof;
	bool eof_told;
	bool out_failed; /* past CONN_OUT_MAX or no memory */
	bool known_fd; /* to epoll, of `pool` */
	struct dialled *dialled; /* it is us who opened it; else NULL */
	struct prompt prompt;
	bool stranger; /* came by hub_put_in_front(), and conn_leave_front() was not called */
	bool leaves_front; /* conn_leave_front() was called */
	bool in_the_middle; /* conn_set_in_the_middle() */
	bool uncounted; /* its octets are nobody's mail */
	struct octets in;
	struct octets out;
	size_t held; /* of output, deflated or not, as the hub has counted it */
	size_t in_max;
	size_t moved; /* octets, since kept_since_ms */
	struct deflate *deflate; /* COMPRESS is on */

	int fd;
	SSL *ssl;
	struct tls_context *tls;
	int service;
	bool local;
	bool claims_tls; /* memory transport */
	bool tls_available;
	char id[24];
	char peer[64];
	union {
		struct sockaddr sa;
		struct sockaddr_storage storage;
	} peer_addr;
	struct conn_memory *memory;
};

/* Runs what is due; the caller owns the connection. True: park it (see conn_epoll_events); false:
 * run again after others. When the state is CS_DEAD afterwards the connection is over. */
bool conn_advance(struct conn *c, unsigned events);
/* In place of parking, by a worker: looks for the next command, for a moment and only where that is
 * likely to be worth it. True: there is something to do; run again. */
bool conn_look(struct conn *c);
/* By a worker: epoll told that something came. */
void conn_woken(struct conn *c);
/* The epoll events that the parked connection waits for. */
uint32_t conn_epoll_events(const struct conn *c);
/* Adds `events` and sees to it that a turn follows. */
void conn_notify(struct conn *c, unsigned events);
/* Sets every field to its beginning; task callbacks and hub are the caller's. */
void conn_init(struct conn *c, const struct session_ops *ops, const struct transport *t);
/* Frees what the connection holds but not the struct. */
void conn_release(struct conn *c);
/* The connection, which nobody owned, runs soon on a worker. */
void hub_queue(struct conn *c);
/* No reference is left: the struct may be used for another connection. */
void hub_recycle(struct conn *c);
void conn_memory_free(struct conn *c);
/* What is kept of a connection that we opened; dial.c. */
struct dialled *dialled_new(void);
void dialled_free(struct dialled **d);
enum dial_step {
	DIAL_OPEN, /* go on */
	DIAL_WAITS,
	DIAL_FAILED, /* conn_failure() says why */
};
enum dial_step dial_advance_connect(struct conn *c, unsigned events);
/* The handshake as client; `event` is told when it is done. */
enum dial_step dial_begin_tls(struct conn *c, unsigned event);
void dial_tls_done(struct conn *c);
enum dial_step dial_tls_failed(struct conn *c, unsigned events);
enum dial_step dial_memory_fails(struct conn *c, const char *why, const char *tls_error);
void dial_memory_tls(struct conn *c);
/* What the next handshake of a dialled connection over memory comes to. */
const char *conn_memory_tls_failure(const struct conn *c);
/* A handshake that failed is one for the log (log_ration.h). */
bool hub_tells_handshake(const struct conn *c, uint64_t *ret_withheld);
/* It has kept the daemon waiting as long as hub_shed() wants. */
bool hub_sheds(const struct conn *c);
/* It is ended for want of memory: for the log. */
void hub_tell_shed(const struct conn *c);
/* The server's side of TLS for it, counted. False: no memory. */
bool hub_accept_tls(struct conn *c);
void hub_count_tls_end(struct conn *c);
struct tls_clients *hub_tls_clients(struct conn *c);
/* The handshake goes on, on either side. */
enum handshake { HANDSHAKE_DONE, HANDSHAKE_WAITS, HANDSHAKE_FAILED };
enum handshake handshake_advance(struct conn *c);
/* A client's has failed: logged and counted. */
void handshake_note_failure(const struct conn *c, const char *why);
/* CONN_TLS. False: it can't begin; a dialled connection is to be told. */
bool handshake_begin(struct conn *c);
/* Where this connection's codec lies while it rests. */
struct deflate_shelf *hub_deflate_shelf(struct conn *c);
struct deflate_shelf *conn_memory_deflate_shelf(struct conn *c);
/* The timer's callback. */
void conn_timer_fired(void *conn);

#endif
