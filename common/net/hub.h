/* common/net/hub.h - all connections of a daemon: makes them, runs them on the workers, stops them.
 *
 * Structs of closed connections are kept and used again, never given back while the hub lives: a
 * worker that was told of a descriptor just as another closed its connection then touches a struct
 * that is still one, and sees only a spurious event.
 */
#ifndef COMMON_NET_HUB_H
#define COMMON_NET_HUB_H

#include "common/base/fullness.h"
#include "common/net/conn.h"
#include "common/net/loop.h"
#include "common/net/tls.h"
#include "common/net/workers.h"

struct hub;

/* `closed` is called by a worker when a connection that came in is over, before its struct is used
 * again; not for those that were dialled (dial.h). */
NODISCARD enum err hub_new(struct workers *w, struct loop *l,
    void (*closed)(void *arg, struct conn *c), void *arg, struct hub **ret);
/* After every connection is gone and the workers have stopped. */
void hub_free(struct hub **h);

/* A connection over the non-blocking socket `fd`, which it takes over also on failure; not started
 * yet. `tls` may be NULL; the reference is the caller's. NULL without memory. */
struct conn *hub_add(
    struct hub *h, int fd, const struct sockaddr *peer, struct tls_context *tls, int service);
/* An address as conn_peer() has it. */
#define CONN_ADDRESS_TEXT 64
void conn_address_text(const struct sockaddr *sa, char *out, size_t n);
/* Threads apart for handshakes and password checks, so that a flood of those keeps nobody waiting
 * who is logged in. Before the first connection. */
void hub_set_front(struct hub *h, struct workers *front);
/* Between hub_add() and hub_start(): the connection's turns run there, until conn_leave_front(). */
void hub_put_in_front(struct conn *c);
/* In the same place: figures say nothing of its octets. */
void hub_leave_uncounted(struct conn *c);
/* First turn; with `implicit_tls` after the handshake, for which `handshake_ms` are given. */
void hub_start(struct conn *c, const struct session_ops *ops, void *session, bool implicit_tls,
    int64_t handshake_ms);

/* Gives every connection CONN_EV_STOP; or closes them without a word. */
void hub_stop(struct hub *h);
void hub_kill(struct hub *h);
size_t hub_count(struct hub *h);

/* Output that peers have not taken, of all connections together: beyond it each may hold little, so
 * that any number of peers who never read are bearable. */
#define HUB_HELD_MAX ((size_t)32 * 1024 * 1024)
/* Less than that; before the first connection. */
void hub_set_held_max(struct hub *h, size_t octets);
/* Counted when a connection is parked. */
size_t hub_held(const struct hub *h);
/* `fullness` says whether the process has as much memory as it may have: then too each may hold
 * little. Before the first connection. */
void hub_set_memory(struct hub *h, fullness_fn *fullness, void *arg);
/* Asks it, and what it said last; MEMORY_THERE without a hub. */
enum fullness hub_ask_fullness(struct hub *h);
enum fullness hub_last_fullness(const struct hub *h);
/* For conn.c: how much unread output each may have, as of the last look. */
size_t hub_out_high(const struct hub *h);
/* Octets that peers can have the daemon take without its doing: a record of TLS each, all but its
 * last octet. */
size_t hub_may_need(const struct hub *h);
#define TLS_RECORD_ROOM                                                                            \
	(17 * 1024) /* RFC 8446 §5.2: 16 KiB and 256 octets, and what is around it */
/* Ends, without a word, whoever has kept the daemon waiting in the middle of something for `ms`,
 * and at least half as long as the one who has done so longest. Waiting begins anew with every
 * CONN_PROGRESS octets that move. Never those that were dialled. */
void hub_shed(struct hub *h, int64_t ms);
/* For conn.c: what `c` holds has changed. */
void hub_count_held(struct conn *c);

#endif
