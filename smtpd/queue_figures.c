#include "smtpd/queue_figures.h"

#include "common/base/arena.h"
#include "store/queue.h"

#define REST 20 /* times what counting took */
#define PAUSES_ARENA (4 * 1024 * 1024)

struct queue_figures {
	struct store *store;
	pthread_mutex_t mu; /* guards what follows; who counts holds it */
	int64_t fresh_until_us;
	bool known;
	struct queue_counts counts;
	size_t pauses;
};

struct queue_figures *
queue_figures_new(struct store *store)
{
	struct queue_figures *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->store = store;
	pthread_mutex_init(&q->mu, NULL);
	return q;
}

void
queue_figures_free(struct queue_figures **qp)
{
	struct queue_figures *q = MOVE_PTR(*qp);

	if (!q)
		return;
	pthread_mutex_destroy(&q->mu);
	free(q);
}

static void
count_locked(struct queue_figures *q)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(PAUSES_ARENA);
	struct queue_pause *pauses;
	int64_t began_us = clock_mono_us();
	enum err e = arena ? queue_count(q->store, &q->counts) : ERR_NOMEM;

	if (!e)
		e = queue_pauses(q->store, arena, &pauses, &q->pauses);
	q->known = !e;
	int64_t now_us = clock_mono_us();
	q->fresh_until_us = now_us + REST * (now_us - began_us);
}

void
queue_figures_collect(struct queue_figures *q, struct metrics_cells *to)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&q->mu);

	if (clock_mono_us() >= q->fresh_until_us)
		count_locked(q);
	if (!q->known)
		return;
	const struct queue_counts *n = &q->counts;
	int64_t age_s = n->oldest_s ? clock_real_s() - n->oldest_s : 0;
	metrics_set(&to->queue_messages[0], n->messages);
	metrics_set(&to->queue_bytes[0], n->octets);
	metrics_set(&to->queue_recipients[0], n->waiting - n->deferred);
	metrics_set(&to->queue_recipients[1], n->deferred);
	metrics_set(&to->queue_recipients[2], n->held);
	metrics_set(&to->queue_oldest_seconds[0], age_s > 0 ? (uint64_t)age_s : 0);
	metrics_set(&to->queue_paused[0], q->pauses);
}

const char *
queue_figures_state(size_t i)
{
	static const char *const states[] = {"waiting", "deferred", "held"};

	return i < ARRAY_LEN(states) ? states[i] : NULL;
}
