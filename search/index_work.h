/* search/index_work.h - what is to be done for the index of an account: cover what is not covered,
 * merge, tidy up. Only for this folder; one thread works for an account at a time.
 */
#ifndef SEARCH_INDEX_WORK_H
#define SEARCH_INDEX_WORK_H

#include "search/segment_build.h"
#include "search/segments.h"

/* Merging: when INDEX_FANOUT neighbours are of a size class (4 times the one before, the first up
 * to INDEX_CLASS_OCTETS), or smaller, they become one; none grows beyond INDEX_SEGMENT_OCTETS. */
#define INDEX_FANOUT 4
#define INDEX_CLASS_OCTETS (1024 * 1024)
#define INDEX_SEGMENT_OCTETS (512ull * 1024 * 1024)
/* A segment of which about one in so many messages is no more is written anew without them. */
#define INDEX_SHED 4
/* One that was written so long ago is written anew even if a single message is no more: so the
 * words of what was expunged are gone from the disk some time after it. */
#define INDEX_FORGET_S (7 * 86400)
/* An account with nothing to cover is looked at so often for what can be let go of. */
#define INDEX_LOOK_S 86400

/* How many ids have been given out since the last one that is covered. Errors of segments_open().
 */
NODISCARD enum err index_uncovered(struct segments_cache *c, struct account *a, int64_t *ret);
/* Nobody has brought up the index, which exists, for INDEX_LOOK_S. */
bool index_is_due(struct account *a);
/* Covers all messages that exist, lets go of what was expunged, merges, removes files that are of
 * no use. `go_on` (may be NULL)
 * is asked as in segment_build(): ERR_CANCELLED. ERR_BUSY when another process is at it. */
NODISCARD enum err index_bring_up(
    struct segments_cache *c, struct account *a, segment_pace *pace, void *arg);

#endif
