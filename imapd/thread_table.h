/* imapd/thread_table.h - a hash table from ids (Message IDs, base subjects) to numbers. Pure.
 *
 * Where an id goes depends on a random key: no sender can choose ids that crowd together.
 */
#ifndef IMAPD_THREAD_TABLE_H
#define IMAPD_THREAD_TABLE_H

#include "search/facts.h"

#define THREAD_NONE UINT32_MAX

struct thread_slot {
	struct fact_id id; /* none: free */
	uint32_t value;
};

/* All zero: empty. */
struct thread_table {
	struct thread_slot *slots;
	size_t cap; /* a power of two */
	size_t n;
	uint64_t key;
};

/* Makes room for so many at once; without memory it is made later. */
void thread_table_reserve(struct thread_table *t, size_t n);
/* The number of `id`, THREAD_NONE when it is new; set by the caller, good until the next call. NULL
 * without memory. */
uint32_t *thread_table_at(struct thread_table *t, const struct fact_id *id);
/* The same, but nothing is added: NULL for what is not there. */
uint32_t *thread_table_find(const struct thread_table *t, const struct fact_id *id);
void thread_table_done(struct thread_table *t);

#endif
