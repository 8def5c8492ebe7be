/* store/waiter.h - threads that wait for the work of another: woken one by one, each when its own
 * turn has come, and without a lock that all of them would want then. Private to store/.
 *
 * A waiter lives on its thread's stack, from waiter_init() until waiter_wait() has returned for the
 * last time. What the waker writes into its owner before it calls is seen after the wait.
 */
#ifndef STORE_WAITER_H
#define STORE_WAITER_H

#include <stdatomic.h>
#include <stddef.h>

/* What the waiter is a member of. */
#define WAITER_OWNER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct waiter {
	struct waiter *next; /* the list's that it stands in */
	atomic_uint called;
};

/* Waiters to be called once the lock is given back; the first that is put in is called first. */
struct waiter_list {
	struct waiter *first, **end;
};

void waiter_init(struct waiter *w);
/* Until it is called; then it may wait again. */
void waiter_wait(struct waiter *w);
/* The waiter may be gone when this returns. */
void waiter_call(struct waiter *w);

void waiter_list_init(struct waiter_list *l);
void waiter_list_put(struct waiter_list *l, struct waiter *w);
/* Calls all; the list is empty then. */
void waiter_list_call(struct waiter_list *l);

#endif
