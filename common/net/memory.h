/* common/net/memory.h - whether the process has as much memory as it may have: then nobody new is
 * let in, and nobody begins what takes much, so that those who are there can go on
 * (common/base/fullness.h). Thread-safe, where it does not say otherwise.
 */
#ifndef COMMON_NET_MEMORY_H
#define COMMON_NET_MEMORY_H

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/base/fullness.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define MEMORY_LOOK_MS 2 /* between two looks, which cost a system call */
#define MEMORY_TRIM_MS                                                                             \
	500 /* between two times that what lies idle is given back, when it is crowded */

struct memory {
	atomic_ullong limit; /* octets, its own: what is mapped from files can be given back */
	pthread_mutex_t mu;
	uint64_t reserved; /* guarded by mu, as are the next two: of it, for a purpose that tells
			      how much of that it has */
	uint64_t (*reserved_used)(void *arg);
	void *reserved_arg;
	atomic_llong look_ms; /* when to look again */
	atomic_llong trim_ms;
	atomic_int fullness; /* enum fullness */
	atomic_ullong in_use; /* the last figure */
	uint64_t available; /* as it was at the start */
	int fd; /* of what the system tells; the files of a process in a sandbox are not to be
		   opened by and by */
};

/* `limit` 0: a quarter of what the machine, or the control group (version 2) with those that it is
 * in, has. `root` is "", in tests the directory in which proc and sys are. Fails, and the log says
 * why, where the system does not tell what is in use. */
NODISCARD enum err memory_init(struct memory *m, const char *root, uint64_t limit);
void memory_set_limit(struct memory *m, uint64_t limit);
/* So much of the limit is kept free for what `used` counts: it is neither taken by others nor keeps
 * anybody out. NULL: nothing. `used` is called by whichever thread looks, no more when another call
 * has returned; it must not look itself. Whoever changes the limit sees to it that this fits. */
void memory_reserve(struct memory *m, uint64_t octets, uint64_t (*used)(void *arg), void *arg);
void memory_done(struct memory *m);
/* `besides`: octets that are not in use and may be at any moment. */
enum fullness memory_fullness(struct memory *m, uint64_t besides);
/* Gives back the pages of programs and libraries that only the start needed; what is needed again
 * is read from the files again, which the system has at hand. */
void memory_forget_start(void);
/* Octets in use now; what it said last where the system does not tell. */
uint64_t memory_in_use(struct memory *m);

#endif
