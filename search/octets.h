/* search/octets.h - octets of a stored message into memory, all that were asked for. */
#ifndef SEARCH_OCTETS_H
#define SEARCH_OCTETS_H

#include "common/base/sbuf.h"
#include "store/reader.h"

/* Octets [at, at + n). Errors of reader_read(); ERR_CORRUPT where the message is shorter. */
NODISCARD enum err octets_read(struct reader *r, int64_t message, uint64_t at, char *to, size_t n);
/* A header of `size` octets, as far as headers are looked at (MIME_MAX_HEADER); `out` is emptied
 * first. */
NODISCARD enum err octets_read_header(
    struct reader *r, int64_t message, uint64_t at, uint64_t size, struct sbuf *out);

#endif
