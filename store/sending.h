/* store/sending.h - how much each account sends to other servers: what it has sent in the last hour
 * and day, whom it never wrote to before, and whether its sending is held. In queue.db.
 *
 * Counted are recipients, in the transaction of queue_add(), so that no two sessions of an account
 * pass a limit together. An hour is the last sixty minutes, a day the last 24 hours, in steps of
 * five minutes: nobody has to wait for midnight. Thread-safe.
 */
#ifndef STORE_SENDING_H
#define STORE_SENDING_H

#include "common/base/arena.h"
#include "store/store.h"

struct sending_limits { /* recipients; 0: no limit */
	uint64_t per_hour;
	uint64_t per_day;
	uint64_t
	    new_per_day; /* addresses that the account has not written to for SENDING_KNOWN_DAYS */
};

#define SENDING_KNOWN_DAYS 180

enum sending_bound {
	SENDING_FREE,
	SENDING_PER_HOUR,
	SENDING_PER_DAY,
	SENDING_NEW_PER_DAY,
	SENDING_HELD
};

struct sending_use {
	uint64_t hour, day, new_day; /* recipients */
	bool held;
	int64_t held_since_s;
	struct str held_why; /* in the caller's arena */
};

/* ERR_OK also for an account that never sent anything. */
NODISCARD enum err sending_use(
    struct store *s, int64_t account, struct arena *arena, struct sending_use *ret);
/* Whether the account may send to `more` recipients now: ERR_OK, ERR_LIMIT or ERR_DENIED (held);
 * *ret_bound says what stands in the way. queue_add() decides; this is for an answer to RCPT before
 * the message comes. Which recipients are new only queue_add() looks at. */
NODISCARD enum err sending_may(struct store *s, int64_t account,
    const struct sending_limits *limits, uint64_t more, enum sending_bound *ret_bound);

/* Holds an account's sending until it is released; its mail in the queue stays as it is. ERR_EXISTS
 * when it is held already (so that one of several tells the postmaster). Durable on return. */
NODISCARD enum err sending_hold(struct store *s, int64_t account, struct str why);
NODISCARD enum err sending_release(struct store *s, int64_t account); /* ERR_NOT_FOUND */

struct sending_held {
	int64_t account;
	int64_t since_s;
	struct str why;
};
NODISCARD enum err sending_list_held(
    struct store *s, struct arena *arena, struct sending_held **ret, size_t *ret_n);

#endif
