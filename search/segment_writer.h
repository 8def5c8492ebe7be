/* search/segment_writer.h - writes a segment: section after section in order, under a temporary
 * name that nobody reads, then synced and renamed. One thread.
 *
 * The first failure sticks; it is told by segment_writer_commit().
 */
#ifndef SEARCH_SEGMENT_WRITER_H
#define SEARCH_SEGMENT_WRITER_H

#include "search/segment.h"

struct segment_writer;

/* For messages of the ids first … last, in the folder `dir`. ERR_IO, ERR_NO_SPACE, ERR_NOMEM. */
NODISCARD enum err segment_writer_new(
    const char *dir, int64_t first, int64_t last, struct segment_writer **ret);
/* Takes away what was not committed. */
void segment_writer_free(struct segment_writer **w);

/* `go_on` is asked now and then while much is written. Once it says false, nothing more is written:
 * ERR_CANCELLED. */
void segment_writer_watch(struct segment_writer *w, bool (*go_on)(void *arg), void *arg);
/* Something went wrong: what is still put into it is lost. */
bool segment_writer_failed(const struct segment_writer *w);

/* Its messages, before any section: ids ascending within the range, and segment_identity_of() each.
 */
void segment_writer_messages(
    struct segment_writer *w, const int64_t *ids, const uint64_t *identities, uint32_t n);

/* The next section; ends the one before. The name is not in it yet, of 1 to SEGMENT_NAME_MAX
 * octets. */
void segment_writer_begin(struct segment_writer *w, const char *name);
void segment_writer_put(struct segment_writer *w, const void *p, size_t n);
/* Octets of the section so far. */
uint64_t segment_writer_at(const struct segment_writer *w);

/* What stands at <dir>/<first>-<last>.seg now is this one, whole, also after a power failure. */
NODISCARD enum err segment_writer_commit(struct segment_writer *w);

#endif
