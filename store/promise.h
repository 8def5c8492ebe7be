/* store/promise.h - commits that must be on stable storage before anybody is told of them.
 *
 * Whoever has more to do before he answers, other commits of the same account, say, takes a promise
 * from each instead of waiting for its sync, and keeps it before the first answer leaves. One
 * thread at a time.
 */
#ifndef STORE_PROMISE_H
#define STORE_PROMISE_H

#include "common/base/cleanup.h"
#include "common/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct database;

/* All zero: nothing is promised. What it holds is of one account, to which somebody has a
 * reference. One that is dropped is synced within a second, and nobody hears whether it was. */
struct promise {
	struct database *database;
	uint64_t commit, generation;
	bool broken; /* a sync failed between two of the commits */
};

/* Begins to write what was promised, and does not wait: for several accounts, before the first of
 * them is waited for. */
void promise_begin(const struct promise *p);
/* Waits; *p holds nothing afterwards. ERR_IO: what was promised may be there or not, and nobody may
 * be told that it is. */
NODISCARD enum err promise_keep(struct promise *p);

#endif
