#include "common/metrics/recent.h"

#include "common/base/cleanup.h"

#define KEPT 5 /* one of them is at least RECENT_SPAN_US old, if there were so many */

atomic_llong recent_due_us;

static struct {
	pthread_mutex_t mu; /* guards what follows */
	int64_t began_us;
	size_t next; /* the oldest, to be overwritten */
	struct {
		bool made;
		int64_t at_us;
		struct metrics_cells *cells;
	} copy[KEPT];
} recent = {.mu = PTHREAD_MUTEX_INITIALIZER};

#define CELLS (sizeof(struct metrics_cells) / sizeof(uint64_t))

void
recent_begin(int64_t now_us)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&recent.mu);

	recent.began_us = now_us;
	for (size_t i = 0; i < KEPT; i++)
		recent.copy[i].made = false;
	atomic_store(&recent_due_us, 0);
}

/* Who comes while another makes the copy goes on with his work. */
void
recent_copy(int64_t now_us)
{
	long long due = atomic_load(&recent_due_us);

	if (now_us < due ||
	    !atomic_compare_exchange_strong(&recent_due_us, &due, now_us + RECENT_EVERY_US))
		return;
	CLEANUP(metrics_cells_free) struct metrics_cells *sum = metrics_read();
	if (!sum)
		return;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&recent.mu);
	struct metrics_cells *old = recent.copy[recent.next].cells;
	recent.copy[recent.next].cells = MOVE_PTR(sum);
	recent.copy[recent.next].at_us = now_us;
	recent.copy[recent.next].made = true;
	recent.next = (recent.next + 1) % KEPT;
	sum = old; /* and given back */
}

/* The newest copy that is a minute old, if it is not much older; else the oldest of those that are
 * younger: before it nothing had happened for long. -1: nothing has happened since. */
static int
find_base(int64_t now_us)
{
	int base = -1;

	for (int i = 0; i < KEPT; i++) {
		if (!recent.copy[i].made || now_us - recent.copy[i].at_us < RECENT_SPAN_US)
			continue;
		if (base < 0 || recent.copy[i].at_us > recent.copy[base].at_us)
			base = i;
	}
	if (base >= 0 && now_us - recent.copy[base].at_us <= RECENT_SPAN_US + RECENT_EVERY_US)
		return base;
	base = -1;
	for (int i = 0; i < KEPT; i++) {
		if (!recent.copy[i].made || now_us - recent.copy[i].at_us >= RECENT_SPAN_US)
			continue;
		if (base < 0 || recent.copy[i].at_us < recent.copy[base].at_us)
			base = i;
	}
	return base;
}

static void
subtract(struct metrics_cells *from, const struct metrics_cells *what)
{
	_Atomic uint64_t *f = (_Atomic uint64_t *)from;
	const _Atomic uint64_t *w = (const _Atomic uint64_t *)what;

	for (size_t i = 0; i < CELLS; i++) {
		uint64_t n = metrics_cell(&w[i]);
		if (n)
			metrics_set(&f[i], metrics_cell(&f[i]) - n);
	}
}

int64_t
recent_subtract(struct metrics_cells *now, int64_t now_us)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&recent.mu);
	int64_t age = now_us - recent.began_us;
	int base = find_base(now_us);

	if (base < 0) {
		subtract(now, now);
	} else {
		subtract(now, recent.copy[base].cells);
		if (now_us - recent.copy[base].at_us > RECENT_SPAN_US)
			return now_us - recent.copy[base].at_us;
	}
	return age < RECENT_SPAN_US ? age : RECENT_SPAN_US;
}
