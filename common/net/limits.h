/* common/net/limits.h - counts per peer address and per network: connections open now, those of
 * them that have not logged in, failed logins of late. An IPv6 peer counts by its /64; a network is
 * a /24 or a /48. This machine is no network: behind loopback may be anybody. Thread-safe; bounded
 * memory: where no connection is open, names go first, then what failed the least, then the oldest.
 */
#ifndef COMMON_NET_LIMITS_H
#define COMMON_NET_LIMITS_H

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct limits;

/* What peers are counted by, 16 octets: an IPv4 address (mapped) or an IPv6 /64; and the network
 * around it, a /24 or a /48. Zeros for a local socket. */
#define LIMITS_KEY_SIZE 16
void limits_address(const struct sockaddr *peer, unsigned char ret[LIMITS_KEY_SIZE]);
void limits_network(const struct sockaddr *peer, unsigned char ret[LIMITS_KEY_SIZE]);

/* Connections, by the names of their options. */
struct limits_max {
	uint32_t total; /* max_connections, or fewer */
	uint32_t per_address; /* max_connections_per_address */
	uint32_t per_network; /* max_connections_per_network */
	uint32_t strangers_per_network; /* max_logins_per_network */
};

struct limits *limits_new(const struct limits_max *max);
void limits_free(struct limits **l);

/* New maxima (after a reload); what is open stays. */
void limits_set(struct limits *l, const struct limits_max *max);

/* `stranger`: it has to log in. ERR_BUSY when the total, ERR_LIMIT when the address's share,
 * ERR_DENIED when one of the network's is used up; nothing is counted then, and *ret_option is the
 * name of the option. */
NODISCARD enum err limits_enter(
    struct limits *l, const struct sockaddr *peer, bool stranger, const char **ret_option);
/* `stranger`: it came as one and has not logged in. */
void limits_leave(struct limits *l, const struct sockaddr *peer, bool stranger);
/* It is a stranger no more. */
void limits_known(struct limits *l, const struct sockaddr *peer);
uint32_t limits_total(struct limits *l);

/* A failed login from there as `name`; returns how long its answer should be held back: `base_ms`,
 * doubled with each failure of the last ten minutes, or with each sixteenth of the whole network,
 * 15 s at most (PEERS.md section 8: three failures are one wrong password in Thunderbird). */
int64_t limits_login_failed(
    struct limits *l, const struct sockaddr *peer, struct str name, uint32_t base_ms);
/* What failed from there as the same name, in whatever case, is forgiven: nobody buys guesses at
 * other names with an account of their own. */
void limits_login_succeeded(struct limits *l, const struct sockaddr *peer, struct str name);

#endif
