/* store/changes.h - who wants to know that a mailbox changed, in this process and in the others.
 *
 * After a commit every watcher of the account is called: those of this process at once, those of
 * the others through a datagram on the bus (run_dir/bus/). A lost datagram does no harm: a flag
 * remembers that one could not be sent and a general "look again" follows; and MODSEQ tells what
 * was missed.
 */
#ifndef STORE_CHANGES_H
#define STORE_CHANGES_H

#include "common/base/fullness.h"
#include "store/account.h"

struct watch;

/* `fn` is called on any thread after a commit that touched `mailbox` of the account (0: any
 * mailbox, or its folder tree). It must not block and not call the store: conn_wake() is what it is
 * for. */
NODISCARD enum err changes_watch(
    struct account *a, int64_t mailbox, void (*fn)(void *arg), void *arg, struct watch **ret);
/* No call is running or will come when it returns. */
void changes_unwatch(struct watch **w);

/* The bus socket of this process, -1 without a run_dir: call changes_receive() when it is readable
 * (loop_watch). */
int changes_fd(struct store *s);
void changes_receive(struct store *s);
/* `fn` is called, on any thread, when store_tick() is wanted: in `in_ms`, sooner than it was asked
 * for before. It must not block. With NULL no call is running or will come when it returns. */
void store_set_alarm(struct store *s, void (*fn)(void *arg, int64_t in_ms), void *arg);
/* `fullness` says whether the process has as much memory as it may have: while it is full, messages
 * that come in and are larger than SPOOL_SMALL fail with ERR_NOMEM, while it is brimful all do.
 * Before there is anything to do. */
void store_set_memory(struct store *s, fullness_fn *fullness, void *arg);
enum fullness store_fullness(const struct store *s);
/* What was left behind and is due: syncs flag changes, closes idle handles, forgets idle accounts.
 * Where something is left for later it asks for another call. Waits for the disk, so not on the
 * loop; one call at a time. */
void store_tick(struct store *s);

#endif
