/* tests/faults/session_state.h - what a session leaves behind, for session_faults.c. */
#ifndef TESTS_FAULTS_SESSION_STATE_H
#define TESTS_FAULTS_SESSION_STATE_H

#include "store/store.h"

/* Where a session works. */
struct session_ground {
	struct store *store;
	struct arena *arena;
	int64_t account;
	int64_t queue_before; /* the highest number in the queue */
};

/* Everything that a session can change, as one text; for free(). */
char *session_state(struct session_ground *g);
/* Open descriptors, once a good write of each database has closed what a failed one left to it. */
unsigned session_count_files(struct session_ground *g);

#endif
