/* store/helpers.h - threads that help one that has much to wait for: the disk writes to many
 * accounts at a time as fast as to a few. Private to store/.
 *
 * helpers_run() works by itself as well and needs no helper to come: however many call it at once,
 * all of them get on. The threads are made when there is something to help with and go when there
 * was nothing for a while. Thread-safe.
 */
#ifndef STORE_HELPERS_H
#define STORE_HELPERS_H

#include <stddef.h>

#define HELPERS_MAX 7 /* threads, beside those that call */
#define HELPERS_IDLE_MS 2000

struct helpers;

typedef void helper_fn(void *arg, size_t i);

struct helpers *helpers_new(void); /* NULL without memory */
/* Nobody is in helpers_run(). */
void helpers_free(struct helpers **h);
/* Calls fn(arg, i) for each i below `n`, in any order, several at a time; returns when all of them
 * have returned. With `h` NULL one after the other. */
void helpers_run(struct helpers *h, helper_fn *fn, void *arg, size_t n);

#endif
