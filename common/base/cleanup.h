/* common/base/cleanup.h - guards that run at the end of a scope, and the attributes the house uses.
 *
 * Every destructor has the shape `void x_free(struct x **)`, takes NULL inside and sets NULL, so
 *any destructor is a guard:
 *
 *	CLEANUP(x_free) struct x *x = x_new();
 *	...
 *	return MOVE_PTR(x); // ownership leaves the scope
 */
#ifndef COMMON_BASE_CLEANUP_H
#define COMMON_BASE_CLEANUP_H

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

/* Also "unused": clang warns of a guard that is only held, gcc does not. */
#define CLEANUP(fn) __attribute__((cleanup(fn), unused))
#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* Evaluates twice, hence upper case: the pointer's value, and the variable is NULL afterwards. */
#define MOVE_PTR(p)                                                                                \
	({                                                                                         \
		__typeof__(p) moved_ = (p);                                                        \
		(p) = NULL;                                                                        \
		moved_;                                                                            \
	})

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Guard for a file descriptor: closes unless it is -1. */
static inline void
fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Guard for plain heap memory held in a `void *` or `char *`. */
static inline void
mem_free(void *pp)
{
	void **p = pp;
	free(*p);
	*p = NULL;
}

/* `CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&q->mu);` */
static inline pthread_mutex_t *
mutex_lock(pthread_mutex_t *mu)
{
	pthread_mutex_lock(mu);
	return mu;
}

static inline void
mutex_unlock(pthread_mutex_t **mu)
{
	if (*mu)
		pthread_mutex_unlock(*mu);
	*mu = NULL;
}

#endif
