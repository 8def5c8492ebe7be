/* store/changes_private.h - the bus of an open store: the watchers of this process and the socket
 * to the others. Only for store/; opened and closed as store_private.h says. Thread-safe. */
#ifndef STORE_CHANGES_PRIVATE_H
#define STORE_CHANGES_PRIVATE_H

#include "store/changes.h"

struct bus;

/* After a commit, outside all locks: calls this process's watchers and sends to the others; never
 * blocks. `mailbox` 0: the folder tree. */
void bus_announce(struct bus *b, int64_t account, int64_t mailbox);
/* The same to this process's watchers alone. */
void bus_announce_here(struct bus *b, int64_t account, int64_t mailbox);
/* What concerns all accounts has changed: calls all watchers, here and in the other processes. */
void bus_announce_all(struct bus *b);
/* Behind the functions of changes.h. */
NODISCARD enum err bus_watch(struct bus *b, int64_t account, int64_t mailbox, void (*fn)(void *arg),
    void *arg, struct watch **ret);
int bus_fd(const struct bus *b);
void bus_receive(struct bus *b);

#endif
