/* common/net/limits.h - counts per peer address: connections open now, failed logins of late. An
 * IPv6 peer counts by its /64. Thread-safe; bounded memory (the oldest idle entries go first).
 */
#ifndef COMMON_NET_LIMITS_H
#define COMMON_NET_LIMITS_H

#include "common/base/cleanup.h"
#include "common/base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct limits;

/* What peers are counted by, 16 octets: an IPv4 address (mapped) or an IPv6 /64; and the network
 * around it, a /24 or a /48. Zeros for a local socket. */
#define LIMITS_KEY_SIZE 16
void limits_address(const struct sockaddr *peer, unsigned char ret[LIMITS_KEY_SIZE]);
void limits_network(const struct sockaddr *peer, unsigned char ret[LIMITS_KEY_SIZE]);

struct limits *limits_new(uint32_t max_total, uint32_t max_per_address);
void limits_free(struct limits **l);

/* New maxima (after a reload); what is open stays. */
void limits_set(struct limits *l, uint32_t max_total, uint32_t max_per_address);

/* ERR_BUSY when the total, ERR_LIMIT when the address's share is used up; nothing is counted then.
 */
NODISCARD enum err limits_enter(struct limits *l, const struct sockaddr *peer);
void limits_leave(struct limits *l, const struct sockaddr *peer);
uint32_t limits_total(struct limits *l);

/* A failed login from there; returns how long its answer should be held back: `base_ms`, doubled
 * with each failure of the last ten minutes, 15 s at most (PEERS.md section 8: three failures are
 * one wrong password in Thunderbird). */
int64_t limits_login_failed(struct limits *l, const struct sockaddr *peer, uint32_t base_ms);
void limits_login_succeeded(struct limits *l, const struct sockaddr *peer);

#endif
