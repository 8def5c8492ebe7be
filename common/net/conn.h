/* common/net/conn.h - one peer: bounded input, bounded output, a deadline, over a socket, TLS or
 * memory (tests).
 *
 * A connection belongs to one thread at a time: the worker that is in its session's turn().
 * Whatever happens to it (octets arrived, output drained, the deadline passed, another thread
 * called conn_wake()) becomes one more turn, never a second thread. In a turn the session takes
 * what it can from conn_input(), answers with conn_write*(), and returns what it waits for; it
 * never waits itself. Output is sent when the turn ends, so that pipelined commands share one
 * write.
 *
 * Idle costs little: empty buffers are given back between turns, OpenSSL's too
 * (SSL_MODE_RELEASE_BUFFERS).
 *
 * Every function but conn_wake, conn_ref and conn_unref is for the thread that runs the turn.
 */
#ifndef COMMON_NET_CONN_H
#define COMMON_NET_CONN_H

#include "common/base/arena.h"
#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/base/str.h"

#include <sys/socket.h>

struct conn;
struct listener;

/* Why a turn happens; several may hold at once. */
enum conn_event {
	CONN_EV_OPEN = 1, /* the first turn (after the handshake on TLS ports): greet */
	CONN_EV_INPUT = 2, /* there may be octets in conn_input() */
	CONN_EV_EOF = 4, /* the peer sends no more; what is in conn_input() is the last */
	CONN_EV_DRAINED = 8, /* output fell to the low-water mark (asked for with CONN_DRAIN) */
	CONN_EV_WOKEN = 16, /* conn_wake() was called */
	CONN_EV_TIMEOUT = 32, /* the deadline passed; it is cleared */
	CONN_EV_TLS = 64, /* the handshake asked for with CONN_TLS is done */
	CONN_EV_STOP = 128, /* the daemon is stopping: say goodbye at the next command boundary */
	/* Of connections that we opened (dial.h): it can't be made, or the handshake failed. The
	 * last turn. */
	CONN_EV_FAILED = 256,
};

/* What the session waits for when its turn ends. Output is flushed in any case; a conn_wake(), the
 * deadline and CONN_EV_STOP always give a turn. */
enum conn_turn {
	CONN_READ, /* more input than is there now */
	CONN_DRAIN, /* output at the low-water mark: for a pump that has more to write. Input rests,
		       but on a connection that we opened: a server may refuse what it has not
		       read to its end */
	CONN_AGAIN, /* nothing: its share of the worker is used up, others first */
	CONN_SLEEP, /* only the deadline, a wake or the peer's leaving: input stays unread (delays
		       after a failed login) */
	CONN_TLS, /* flush, drop whatever plaintext is still unread (RFC 3207 §4.2), then the TLS
		     handshake, as server or, on a connection that we opened, as client */
	CONN_DEFLATE, /* what was written goes out as it is, all that follows is deflated, in both
			 directions (RFC 4978); another turn follows */
	CONN_CLOSE, /* flush, then close */
};

struct session_ops {
	enum conn_turn (*turn)(void *session, struct conn *c, unsigned events);
	/* The connection is over; frees the session. Called once, no turn follows. */
	void (*done)(void *session);
	const char *shed; /* said where it is ended to get memory back (hub_shed()); may be NULL */
};

#define CONN_OUT_HIGH (256 * 1024) /* a session stops producing here and returns CONN_DRAIN */
#define CONN_OUT_LOW (64 * 1024)
#define CONN_OUT_SHORT                                                                             \
	(4 * 1024) /* both, while peers leave more than HUB_HELD_MAX unread or memory is full */
#define CONN_OUT_LEAST 1024 /* both, while it is brimful */
#define CONN_OUT_MAX                                                                               \
	(4 * 1024 * 1024) /* more at once ends the connection: a session that ignores the marks is \
			     a bug */

/* What has arrived and is not consumed; valid until conn_consume() or the end of the turn. */
struct str conn_input(const struct conn *c);
void conn_consume(struct conn *c, size_t n);
/* How much input is gathered before reading stops (default 64 KiB); a command that is longer must
 * be consumed piecewise. */
void conn_set_input_max(struct conn *c, size_t octets);
/* The peer has sent its last octet. */
bool conn_at_eof(const struct conn *c);
/* The same of what has not been read yet: a system call. It may still read what it is sent. */
bool conn_peer_ended(const struct conn *c);

void conn_write(struct conn *c, const void *p, size_t n);
static inline void
conn_put(struct conn *c, struct str s)
{
	conn_write(c, s.p, s.n);
}

static inline void
conn_puts(struct conn *c, const char *cstr)
{
	conn_write(c, cstr, strlen(cstr));
}

void conn_put_u64(struct conn *c, uint64_t value); /* in decimal */
void conn_printf(struct conn *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Output at or above the mark: stop producing, return CONN_DRAIN. */
bool conn_out_full(const struct conn *c);
/* How much of something long to write before that is asked again: `most`, or less while each may
 * hold little. */
size_t conn_out_piece(const struct conn *c, size_t most);
size_t conn_out_pending(const struct conn *c);
/* Takes back what was written since `pending` octets were pending, in this turn. */
void conn_out_rewind(struct conn *c, size_t pending);
/* Room for `n` octets of output, to be filled and then counted with conn_out_grow(): saves a copy
 * for bodies. NULL on failure. */
char *conn_out_reserve(struct conn *c, size_t n);
void conn_out_grow(struct conn *c, size_t n);

/* The session waits for the rest of something, of which it holds what has come: it is among those
 * that are ended first where memory runs out (hub_shed()), as is who does not read. */
void conn_set_in_the_middle(struct conn *c, bool is);
#define CONN_PROGRESS (16 * 1024) /* octets that show that the peer goes on */

/* A turn with CONN_EV_TIMEOUT comes `ms` from now, whatever else happens meanwhile; 0: none. One
 * atomic store. */
void conn_set_deadline(struct conn *c, int64_t ms);

/* The peer has shown who it is: the turns after this one run apart from those of strangers, whose
 * handshakes and password checks take long (hub.h). */
void conn_leave_front(struct conn *c);
/* It did so in this turn, which is to end (CONN_AGAIN): what it asks for now would keep strangers
 * waiting. */
bool conn_leaves_front(const struct conn *c);
/* It came to log in, and has not. */
bool conn_is_stranger(const struct conn *c);

/* Any thread: a turn with CONN_EV_WOKEN follows, even if one is running now. */
void conn_wake(struct conn *c);
/* Any thread: keeps the struct (not the session) alive. */
struct conn *conn_ref(struct conn *c);
void conn_unref(struct conn **c);

/* "5f3a01": unique in this process, for logs and replies. */
const char *conn_id(const struct conn *c);
/* The peer's address as text without port ("192.0.2.7", "2001:db8::1"), "unix" for a local socket,
 * "memory" in tests. */
const char *conn_peer(const struct conn *c);
const struct sockaddr *conn_peer_addr(const struct conn *c);
/* The end of a session that came to nothing is one for the log (log_ration.h): there may be
 * thousands in a second. `c` may be NULL. */
bool conn_tells_end(const struct conn *c, uint64_t *ret_withheld);
/* TLS is on. */
bool conn_is_tls(const struct conn *c);
/* CONN_DEFLATE was asked for. */
bool conn_is_deflated(const struct conn *c);
/* TLS, loopback or a Unix socket: passwords may be sent in the clear (DESIGN.md, "The outside"). */
bool conn_is_secure(const struct conn *c);
/* "TLSv1.3" and "TLS_AES_256_GCM_SHA384"; "" without TLS. */
const char *conn_tls_version(const struct conn *c);
const char *conn_tls_cipher(const struct conn *c);
/* Channel bindings for SCRAM -PLUS, raw octets in `arena`: "tls-exporter" (RFC 9266) and
 * "tls-server-end-point" (RFC 5929 §4). ERR_CANNOT without TLS, for an unknown type, or for
 * tls-exporter below TLS 1.3 without extended master secret. */
NODISCARD enum err conn_tls_binding(
    const struct conn *c, const char *type, struct arena *arena, struct str *ret);
/* The first mail address (rfc822Name of subjectAltName) in the client's certificate, which has been
 * verified. ERR_CANNOT without one. */
NODISCARD enum err conn_tls_client(const struct conn *c, struct arena *arena, struct str *ret);
/* TLS can be started here: a certificate is configured. */
bool conn_tls_available(const struct conn *c);
/* The `tag` of the listener it came in by. */
int conn_service(const struct conn *c);

/* -- memory transport, for tests: no threads, no loop
 * -------------------------------------------------------------- */

struct conn_memory_options {
	const char *peer; /* NULL: "127.0.0.1" */
	bool tls; /* claim to be TLS */
	bool tls_available;
	bool remote; /* not loopback: conn_is_secure() only if tls */
	int service;
	/* As one that we opened; CONN_TLS succeeds unless there is a tls_failure. */
	bool dialled;
	const char *refused; /* it can't be made: why */
	const char *tls_failure; /* the handshake fails: a word of RFC 8460 §4.3.2 */
};

/* Runs the first turn. `done` of the session is called by conn_memory_close(). */
struct conn *conn_memory_open(
    const struct session_ops *ops, void *session, const struct conn_memory_options *options);
/* The same before its first turn, which conn_memory_run() gives it. */
struct conn *conn_memory_new(
    const struct session_ops *ops, void *session, const struct conn_memory_options *options);
/* Octets that the session finds at its next turn. */
void conn_memory_put(struct conn *c, struct str input);
/* Hands the session these octets and runs turns until it waits for more. A CONN_TLS answer succeeds
 * at once. */
void conn_memory_feed(struct conn *c, struct str input);
void conn_memory_eof(struct conn *c);
/* Runs the turns that conn_wake() and passed deadlines (clock.h) ask for. */
void conn_memory_run(struct conn *c);
/* Output since the last call, in `arena`; draining it may run turns that produce more, all of which
 * is included. */
struct str conn_memory_output(struct conn *c, struct arena *arena);
/* Only what is there, at most `max` octets, and no turn before the next feed/run: a peer that reads
 * slowly. */
struct str conn_memory_output_some(struct conn *c, struct arena *arena, size_t max);
bool conn_memory_closed(const struct conn *c);
void conn_memory_close(struct conn **c);

#endif
