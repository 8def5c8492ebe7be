/* store/upkeep.h - when a store must be looked after: syncs of flag changes, handles to close,
 * accounts to forget. Private to store/.
 *
 * Nothing runs by the clock. Whoever leaves work behind says until when it can wait, and
 * store_tick() comes then; where nothing is left to do it does not come at all, so that a daemon at
 * rest makes no system call. Thread-safe; upkeep_want() costs an atomic load where enough was asked
 * for before. A NULL upkeep (a database without a store) ignores everything.
 */
#ifndef STORE_UPKEEP_H
#define STORE_UPKEEP_H

#include "common/base/cleanup.h"
#include "common/base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define UPKEEP_SYNC_MS 1000 /* committed flag changes are on stable storage within this time */

struct upkeep;
struct database;

struct upkeep *upkeep_new(void);
void upkeep_free(struct upkeep **u);

/* `fn` is called, on any thread, whenever the tick must come sooner than was asked for before: in
 * `in_ms`. It must not block. With NULL no call is running or will come when it returns. */
void upkeep_set_alarm(struct upkeep *u, void (*fn)(void *arg, int64_t in_ms), void *arg);
/* There is work to be done by `at_ms` (clock_mono_ms()). */
void upkeep_want(struct upkeep *u, int64_t at_ms);
/* The tick begins: what is still to be done after it must be asked for anew. */
void upkeep_begin(struct upkeep *u);

/* `d` has commits that nobody waits to see synced: a tick within UPKEEP_SYNC_MS syncs them. */
void upkeep_note_unsynced(struct upkeep *u, struct database *d);
/* `d` has a long WAL: the next tick, soon, moves it into the database. False: nobody ticks. */
bool upkeep_note_long_wal(struct upkeep *u, struct database *d);
/* How many there are, and the one that was noted first, which is then no more noted; NULL: none.
 * The caller keeps it from being freed. */
unsigned upkeep_count_unsynced(struct upkeep *u);
struct database *upkeep_take_unsynced(struct upkeep *u);
bool upkeep_is_unsynced(const struct database *d);
/* `d` is going away. */
void upkeep_drop(struct upkeep *u, struct database *d);

#endif
