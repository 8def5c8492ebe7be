#include "imapd/thread_table.h"

#include <sys/random.h>

#define SLOTS_FIRST 1024

/* The slot of `id`, or the free one where it belongs. At least half of them are free. */
static struct thread_slot *
slot_of(const struct thread_table *t, const struct fact_id *id)
{
	uint64_t h = (id->a ^ t->key) * 0x9e3779b97f4a7c15u;

	h = (h ^ (h >> 32) ^ id->b) * 0xff51afd7ed558ccdu;
	for (size_t i = h >> 32;; i++) {
		struct thread_slot *slot = &t->slots[i & (t->cap - 1)];
		if (!fact_id_is(&slot->id) || fact_id_eq(&slot->id, id))
			return slot;
	}
}

static bool
grow(struct thread_table *t, size_t cap)
{
	struct thread_table grown = {.cap = cap, .n = t->n};

	/* without random numbers the table only is one that could be crowded */
	if (getrandom(&grown.key, sizeof(grown.key), GRND_NONBLOCK) < 0)
		grown.key = t->key;
	grown.slots = calloc(grown.cap, sizeof(grown.slots[0]));
	if (!grown.slots)
		return false;
	for (size_t i = 0; i < t->cap; i++)
		if (fact_id_is(&t->slots[i].id))
			*slot_of(&grown, &t->slots[i].id) = t->slots[i];
	free(t->slots);
	*t = grown;
	return true;
}

void
thread_table_reserve(struct thread_table *t, size_t n)
{
	size_t cap = SLOTS_FIRST;

	while (cap < SIZE_MAX / 4 && cap / 2 < n)
		cap *= 2;
	if (cap > t->cap)
		(void)grow(t, cap);
}

uint32_t *
thread_table_at(struct thread_table *t, const struct fact_id *id)
{
	if (t->n >= t->cap / 2 && !grow(t, t->cap ? 2 * t->cap : SLOTS_FIRST))
		return NULL;
	struct thread_slot *slot = slot_of(t, id);
	if (!fact_id_is(&slot->id)) {
		*slot = (struct thread_slot){*id, THREAD_NONE};
		t->n++;
	}
	return &slot->value;
}

uint32_t *
thread_table_find(const struct thread_table *t, const struct fact_id *id)
{
	if (t->cap == 0)
		return NULL;
	struct thread_slot *slot = slot_of(t, id);
	return fact_id_is(&slot->id) ? &slot->value : NULL;
}

void
thread_table_done(struct thread_table *t)
{
	mem_free(&t->slots);
}
