#include "store/waiter.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

void
waiter_init(struct waiter *w)
{
	w->next = NULL;
	atomic_init(&w->called, 0);
}

void
waiter_wait(struct waiter *w)
{
	/* A wake that was meant for who had the same place on the stack before changes nothing. */
	while (!atomic_load_explicit(&w->called, memory_order_acquire))
		syscall(SYS_futex, &w->called, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	atomic_store_explicit(&w->called, 0, memory_order_relaxed);
}

void
waiter_call(struct waiter *w)
{
	atomic_uint *called = &w->called;

	/* From here on it may be gone; the address alone names who sleeps there. */
	atomic_store_explicit(called, 1, memory_order_release);
	syscall(SYS_futex, called, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void
waiter_list_init(struct waiter_list *l)
{
	l->first = NULL;
	l->end = &l->first;
}

void
waiter_list_put(struct waiter_list *l, struct waiter *w)
{
	w->next = NULL;
	*l->end = w;
	l->end = &w->next;
}

void
waiter_list_call(struct waiter_list *l)
{
	struct waiter *w = l->first;

	waiter_list_init(l);
	while (w) {
		struct waiter *next = w->next;
		waiter_call(w);
		w = next;
	}
}
