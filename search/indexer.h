/* search/indexer.h - the thread that keeps the indexes of accounts up to date, and the sets of
 * segments of the process (segments.h). Thread-safe.
 *
 * It works for accounts that somebody uses: has selected a mailbox of; what was begun is finished
 * when they have left. It begins when INDEXER_MESSAGES_MIN messages have no index and none has come
 * for INDEXER_QUIET_MS, or when INDEXER_MESSAGES_MAX have none, at the lowest priority there is; or
 * at once, at a common priority, when a search had to read so many. Neighbouring segments of a size
 * are merged into one of the next size. Fewer messages than the minimum are searched directly,
 * which costs less than keeping up with each. Once a day it looks for what can be let go
 * of. After a failure it waits, longer each time. With nothing to do it sleeps without a timer.
 */
#ifndef SEARCH_INDEXER_H
#define SEARCH_INDEXER_H

#include "search/segments.h"

#define INDEXER_MESSAGES_MIN 64
#define INDEXER_MESSAGES_MAX 10000
#define INDEXER_QUIET_MS 1000

struct indexer;

/* Starts the thread. ERR_NOMEM. */
NODISCARD enum err indexer_start(struct indexer **ret);
/* Breaks off what it does. All users have left. */
void indexer_stop(struct indexer **ix);

/* segments_open() of the process. */
NODISCARD enum err indexer_segments(struct indexer *ix, struct account *a, struct segments **ret);

/* A use of the account's index begins, to be ended by indexer_leave(); false without memory: then
 * none has begun, and nothing is indexed for it. */
bool indexer_enter(struct indexer *ix, struct account *a);
void indexer_leave(struct indexer *ix, struct account *a);
/* The user had to do without: the thread looks now, and what is to be done is done at once. */
void indexer_hurry(struct indexer *ix, struct account *a);

/* For tests: all that can be covered is covered, on this thread, however little it is. */
NODISCARD enum err indexer_catch_up(struct indexer *ix, struct account *a);

#endif
