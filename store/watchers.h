/* store/watchers.h - who in this process wants to know of changes. Thread-safe. Only for store/.
 *
 * Watchers are called without a lock held; a watcher in the middle of a call is pinned, and taking
 * it out waits for that call.
 */
#ifndef STORE_WATCHERS_H
#define STORE_WATCHERS_H

#include "common/base/cleanup.h"
#include "common/base/err.h"

#include <stdint.h>

struct watchers;
struct watch;

struct watchers *watchers_new(void);
/* All watches must be gone. */
void watchers_free(struct watchers **w);

/* `mailbox` 0: any of the account. */
NODISCARD enum err watchers_add(struct watchers *w, int64_t account, int64_t mailbox,
    void (*fn)(void *arg), void *arg, struct watch **ret);
/* No call is running or will come when it returns. Not from within a call. */
void watchers_remove(struct watch **watch);

/* Calls those who watch the mailbox; `mailbox` 0 (the folder tree): all of the account. */
void watchers_call(struct watchers *w, int64_t account, int64_t mailbox);
void watchers_call_all(struct watchers *w);

#endif
