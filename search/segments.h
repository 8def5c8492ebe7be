/* search/segments.h - the segments of an account: which messages are covered, and where.
 *
 * A set is an immutable picture of accounts/<id>/index, shared by references; the cache of the
 * process keeps the sets of the accounts used last (SEGMENTS_ACCOUNTS_MAX) and takes a new picture
 * when the folder has changed, so that a folder that is deleted is simply empty. Segments that both
 * pictures have are not opened again. Thread-safe.
 *
 * Segments of a set do not overlap and stand in the order of their message ids. One that is damaged
 * or does not belong to the database as it is (segment_identity()) is not in it: those messages are
 * not covered.
 */
#ifndef SEARCH_SEGMENTS_H
#define SEARCH_SEGMENTS_H

#include "search/segment.h"
#include "store/account.h"

/* Sets kept open that nobody uses: as many as accounts may be in use at once, since opening one
 * means reading all of it. A set holds no descriptor. */
#define SEGMENTS_ACCOUNTS_MAX 1024
#define SEGMENTS_MAX 512 /* in a set; further ones are left out */

struct segments_cache;
struct segments;

struct segments_cache *segments_cache_new(void);
/* Nobody holds a set any more. */
void segments_cache_free(struct segments_cache **c);

/* The set of now, a new reference; empty without any segment. ERR_IO, ERR_NOMEM, and those of a
 * read of the database. No reader need be open, and one that is does no harm. */
NODISCARD enum err segments_open(
    struct segments_cache *c, struct account *a, struct segments **ret);
void segments_unref(struct segments **s);

size_t segments_count(const struct segments *s);
struct segment *segments_at(const struct segments *s, size_t i);
/* Files in the folder that are not in the set because they are damaged, foreign or covered by
 * others: for who tidies up. */
size_t segments_useless_count(const struct segments *s);
const char *segments_useless_path(const struct segments *s, size_t i);

/* Where a message is: in segments_at(segment), as `ordinal`. */
struct segment_place {
	size_t segment;
	uint32_t ordinal;
};
/* False when no segment covers it. *place is the last answer when it comes in (all zero at first),
 * so that messages asked for in order cost next to nothing. */
bool segments_find(const struct segments *s, int64_t message, struct segment_place *place);

/* accounts/<id>/index, whether it exists or not; `out` holds PATH_MAX octets. */
NODISCARD enum err segments_dir(const struct account *a, char *out);

#endif
