/* store/write_private.h - between database.c (durability) and write.c (combined writes). */
#ifndef STORE_WRITE_PRIVATE_H
#define STORE_WRITE_PRIVATE_H

#include "store/database.h"

/* Opens the WAL beside a new handle of the writer. */
NODISCARD enum err database_open_wal(struct database *d);
/* The writer met an I/O error: what is not synced counts as lost. */
void database_fail(struct database *d);
/* Adds a commit to what is promised. */
void promise_add(struct promise *p, struct database *d, uint64_t commit, uint64_t generation);
/* Returns once the commit is on stable storage; ERR_IO when `generation` is no more. */
NODISCARD enum err database_wait_synced(struct database *d, uint64_t commit, uint64_t generation);

#endif
