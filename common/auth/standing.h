/* common/auth/standing.h - what is known of those who log in, so that passwords are computed first
 * for who was right of late and last for who only guesses.
 *
 * An attempt counts against its address and its network from its beginning, until its account is
 * right there: who asks again before the first answer is there, leaves without waiting for it, or
 * logs in to an account of their own in between, gains nothing. Where an account is right for the
 * first time it is not known which attempts of its address were its own: STANDING_TRIES at most are
 * taken for that. An account that was right from a network is remembered as such: a flood of wrong
 * logins, from elsewhere of that account too, leaves it in front there.
 *
 * A table of fixed size, by hashes under a key of this process: nobody chooses whom they push out,
 * and of two the one that proved right stays. Thread-safe.
 */
#ifndef COMMON_AUTH_STANDING_H
#define COMMON_AUTH_STANDING_H

#include "common/base/cleanup.h"
#include "common/base/str.h"

#include <stdint.h>

#define STANDING_ADDRESS_SIZE 16
#define STANDING_RANKS 7 /* 0 goes first */
#define STANDING_ATTEMPTS_MS (10 * 60 * 1000) /* attempts are forgotten so long after the last */
#define STANDING_RIGHT_MS (24 * 3600 * 1000) /* an account's network after its last right login */
/* Attempts since the last right one after which an account is nobody special in its network; and so
 * many of an address are forgiven for an account that is right there for the first time. */
#define STANDING_TRIES 3
#define STANDING_SHARE 16 /* attempts of a network weigh so much less than those of an address */

struct standing;

/* Who tries. All zeros: nothing is known of the peer (a socket of this machine). */
struct standing_who {
	unsigned char address[STANDING_ADDRESS_SIZE]; /* IPv4-mapped, or the /64 */
	unsigned char network[STANDING_ADDRESS_SIZE]; /* the /24, or the /48 */
	struct str name; /* as it was given; need not be anybody's */
};

/* Three hashes of who tries, to be kept in place of it. */
struct standing_key {
	uint64_t address, network, pair;
};

struct standing *standing_new(void);
void standing_free(struct standing **s);
struct standing_key standing_key(const struct standing *s, const struct standing_who *who);
void standing_tries(struct standing *s, const struct standing_key *k);
/* By whatever mechanism; standing_tries() need not have gone before. */
void standing_was_right(struct standing *s, const struct standing_key *k);
/* 0: was right here of late. From 1 on: the more attempts, the higher; each rank is twice as many.
 */
unsigned standing_rank(struct standing *s, const struct standing_key *k);

#endif
