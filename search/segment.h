/* search/segment.h - a file of derived data about messages of one account: what searching and
 * sorting need and could compute from the messages at any time.
 *
 * accounts/<id>/index/<first>-<last>.seg covers the messages with these ids: all that existed when
 * it was made. Message ids are never used twice and rise in the order of commits, so a segment
 * never has to be added to; what was expunged since does no harm, since answers are joined with a
 * mailbox's view. A file is written whole (segment_writer.h), never changed, and replaced by
 * merging. Its sections are found by name; the container's own are the message ids (an ordinal is a
 * position among them) and a hash of each message's EMAILID, by which a segment that was left from
 * another life of the database (a restored backup) is told.
 *
 * Integers stand as the machine has them; a file of another kind of machine is refused as damaged
 * and made anew. An open segment is mapped into memory, checked in full (every offset, and a
 * checksum against damage, not against forgery), immutable, and shared by any number of threads by
 * references.
 */
#ifndef SEARCH_SEGMENT_H
#define SEARCH_SEGMENT_H

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/base/str.h"

#define SEGMENT_NAME_MAX 15 /* octets of a section's name */
#define SEGMENT_SECTIONS_MAX 32
#define SEGMENT_NONE UINT32_MAX /* no ordinal */
#define SEGMENT_ALIGN 8 /* where a section begins */

struct segment;

/* ERR_NOT_FOUND; ERR_CORRUPT for what is no whole segment (logged); ERR_IO, ERR_NOMEM. */
NODISCARD enum err segment_open(const char *path, struct segment **ret);
/* The same of octets that outlive it. */
NODISCARD enum err segment_parse(struct str octets, struct segment **ret);
struct segment *segment_ref(struct segment *s);
void segment_unref(struct segment **s);

/* The range of message ids it covers. */
int64_t segment_first(const struct segment *s);
int64_t segment_last(const struct segment *s);
uint64_t segment_size(const struct segment *s); /* octets of the file */
/* Of the file, by which one that took its place is told; 0 after segment_parse(). */
uint64_t segment_inode(const struct segment *s);
/* When the file was written, by the clock of the file system; 0 after segment_parse(). */
int64_t segment_written_s(const struct segment *s);

/* Its messages: `segment_count()` ids, ascending. */
uint32_t segment_count(const struct segment *s);
int64_t segment_message(const struct segment *s, uint32_t ordinal);
uint64_t segment_identity(const struct segment *s, uint32_t ordinal);
/* The ordinal of a message, SEGMENT_NONE if it is not in it. `guess` is looked at first: the
 * ordinal behind the last answer, say. */
uint32_t segment_ordinal(const struct segment *s, int64_t message, uint32_t guess);

/* The section of this name; false if there is none. */
bool segment_section(const struct segment *s, const char *name, struct str *ret);
/* The same as an array of items of this size (a power of two up to SEGMENT_ALIGN is aligned right);
 * false also when its length is no multiple. */
bool segment_array(
    const struct segment *s, const char *name, size_t item, const void **ret, size_t *ret_n);

/* What segment_identity() is of. */
uint64_t segment_identity_of(struct str email_id);

#endif
