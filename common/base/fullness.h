/* common/base/fullness.h - how much memory a daemon has left, in words: what each layer asks before
 * it takes more.
 */
#ifndef COMMON_BASE_FULLNESS_H
#define COMMON_BASE_FULLNESS_H

enum fullness {
	MEMORY_THERE,
	MEMORY_CROWDED, /* nobody new is let in; of those who are there only who keeps the daemon
			   waiting notices it */
	MEMORY_FULL, /* nothing is begun that takes much */
	MEMORY_BRIMFUL, /* nothing is begun that takes more than some lines; who has kept the
			   daemon waiting in the middle of something is ended */
};

/* Any thread. */
typedef enum fullness fullness_fn(void *arg);

#endif
