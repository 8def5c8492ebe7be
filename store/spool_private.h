/* store/spool_private.h - what delivery needs of a spool beyond message.h. Only for store/. */
#ifndef STORE_SPOOL_PRIVATE_H
#define STORE_SPOOL_PRIVATE_H

#include "store/message.h"

/* The octets, when all of them are in memory; false: they are in the file. After spool_finish(). */
bool spool_in_memory(const struct spool *s, struct str *ret);
/* The octets of the file are on stable storage; once is enough. */
NODISCARD enum err spool_sync(struct spool *s);
/* A second name for the file. ERR_OK, or the logged error. The caller syncs the directory. */
NODISCARD enum err spool_link(struct spool *s, const char *path);
/* Octets [offset, offset + n) of the file, all of them. */
NODISCARD enum err spool_read(struct spool *s, uint64_t offset, char *to, size_t n);

#endif
