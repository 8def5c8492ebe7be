/* search/index_pace.h - when the indexer pauses, so that mail is taken in as fast as without it.
 *
 * Between two pieces of its work it asks how long it should pause. Two things count. While mail
 * comes in a stream, it pauses INDEX_PACE_MAIL times as long as it worked, whether or not it was
 * kept waiting: on a machine with cores to spare it still takes memory bandwidth and time of the
 * disk from those who deliver. And if it was kept from the processor while it reads, it pauses
 * INDEX_PACE_LOST times as long as that. Pure: the clocks are handed in. One thread.
 */
#ifndef SEARCH_INDEX_PACE_H
#define SEARCH_INDEX_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define INDEX_PACE_MS 5 /* of work between two looks, at least */
#define INDEX_PACE_MAIL 19
#define INDEX_PACE_LOST 9
#define INDEX_PACE_MAIL_MAX_MS 1000 /* the longest pauses */
#define INDEX_PACE_LOST_MAX_MS 200
/* As many commits to the mail of accounts in use in a second are a stream. */
#define INDEX_PACE_STREAM 20
#define INDEX_PACE_WINDOW_MS 100 /* that they are counted for, at least */

/* A look at the clocks. */
struct index_moment {
	int64_t now_ms; /* monotonic */
	int64_t used_us; /* of the processor, by the thread */
	uint64_t commits; /* counted so far */
};

struct index_pace {
	bool begun;
	struct index_moment since; /* when the work began that is looked at */
	struct index_moment counted; /* when commits were counted last */
	bool stream;
};

/* How long to pause; after it, index_pace_go() is called. 0: it may go on right now, and nothing is
 * called. `reads`: it was to have the processor as others have it, not only what they left. */
int64_t index_pace_pause_ms(
    struct index_pace *p, const struct index_moment *now, bool reads, bool hurry);

/* Work begins, or goes on after a pause. */
void index_pace_go(struct index_pace *p, const struct index_moment *now);

#endif
