#include "common/metrics/metrics.h"

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/base/str.h"

#include <sys/mman.h>

_Thread_local struct metrics_cells *metrics_own;

/* The cells that a thread has, or had: they are never given back, so that nothing is forgotten. */
struct block {
	struct metrics_cells cells;
	struct block *next; /* all */
	bool free; /* its thread has ended */
};

static struct {
	pthread_mutex_t mu; /* guards what follows */
	struct block *blocks;
	struct metric_source {
		metric_value *value;
		metric_row *row; /* instead of value: of what `table` is */
		const void *table;
	} sources[METRIC__COUNT];
	pthread_once_t once;
	pthread_key_t key; /* hears of the end of threads */
	bool has_key;
} all = {.mu = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT};

/* Of threads that got no memory: not exact, but safe. */
static struct metrics_cells spill;

static const struct metric_family families[METRIC__COUNT] = {
#define X(member, kind, series, label, whose, meaning)                                             \
	{#member, METRIC_##kind, series, label, METRIC_OF_##whose, meaning,                        \
	    offsetof(struct metrics_cells, member)},
    METRIC_COUNTS(X)
#undef X
#define X(member, series, label, whose, meaning)                                                   \
	{#member, METRIC_TIME, series, label, METRIC_OF_##whose, meaning,                          \
	    offsetof(struct metrics_cells, member)},
	METRIC_TIMES(X)
#undef X
};

#define CELLS (sizeof(struct metrics_cells) / sizeof(uint64_t))

/* Nothing but cells: reading adds them up without knowing what they are. */
_Static_assert(sizeof(struct metrics_cells) % sizeof(_Atomic uint64_t) == 0, "cells only");
_Static_assert(ERR__COUNT <= METRIC_ERRORS_MAX, "each error has a series");

/* -- threads */

static void
thread_ended(void *block)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&all.mu);

	((struct block *)block)->free = true;
	metrics_own = NULL; /* another destructor may still count */
}

static void
make_key(void)
{
	all.has_key = pthread_key_create(&all.key, thread_ended) == 0;
}

static void *
map(size_t octets)
{
	void *p = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static struct block *
take_block(void)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&all.mu);
	struct block *b = all.blocks;

	while (b && !b->free)
		b = b->next;
	if (!b) {
		b = map(sizeof(*b)); /* pages come as they are used */
		if (!b)
			return NULL;
		b->next = all.blocks;
		all.blocks = b;
	}
	b->free = false;
	return b;
}

struct metrics_cells *
metrics_begin_thread(void)
{
	pthread_once(&all.once, make_key);
	struct block *b = take_block();

	if (!b)
		return &spill;
	if (all.has_key) /* where that fails its end is not heard: it has them for good */
		(void)!pthread_setspecific(all.key, b);
	metrics_own = &b->cells;
	return metrics_own;
}

/* -- what there is */

const struct metric_family *
metrics_family(enum metric m)
{
	return &families[m];
}

void
metrics_set_values(enum metric m, metric_value *value)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&all.mu);

	all.sources[m] = (struct metric_source){.value = value};
}

void
metrics_set_rows(enum metric m, metric_row *row, const void *table)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&all.mu);

	all.sources[m] = (struct metric_source){.row = row, .table = table};
}

static struct metric_source
source_of(enum metric m)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&all.mu);

	return all.sources[m];
}

static const char *
value_in(const struct metric_source *s, size_t i)
{
	if (s->row)
		return s->row(s->table, i);
	return s->value ? s->value(i) : NULL;
}

size_t
metrics_series(enum metric m)
{
	const struct metric_source source = source_of(m);
	size_t n = 0;

	if (!families[m].label)
		return families[m].series;
	while (n < families[m].series && value_in(&source, n))
		n++;
	return n;
}

const char *
metrics_value_of(enum metric m, size_t i)
{
	const struct metric_source source = source_of(m);

	return value_in(&source, i);
}

/* -- reading */

struct metrics_cells *
metrics_cells_new(void)
{
	return map(sizeof(struct metrics_cells));
}

void
metrics_cells_free(struct metrics_cells **cells)
{
	if (*cells)
		munmap(*cells, sizeof(**cells));
	*cells = NULL;
}

static void
add_up(struct metrics_cells *to, const struct metrics_cells *from)
{
	_Atomic uint64_t *t = (_Atomic uint64_t *)to;
	const _Atomic uint64_t *f = (const _Atomic uint64_t *)from;

	/* What is zero is left alone: most pages of both were never touched. */
	for (size_t i = 0; i < CELLS; i++) {
		uint64_t n = metrics_cell(&f[i]);
		if (n)
			metrics_set(&t[i], metrics_cell(&t[i]) + n);
	}
}

struct metrics_cells *
metrics_read(void)
{
	struct metrics_cells *sum = metrics_cells_new();
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&all.mu);

	if (!sum)
		return NULL;
	add_up(sum, &spill);
	for (const struct block *b = all.blocks; b; b = b->next)
		add_up(sum, &b->cells);
	return sum;
}

/* -- values that several daemons share */

const char *
metrics_error_code(size_t i)
{
	return i < ERR__COUNT ? err_name((enum err)i) : NULL;
}

/* Of all three protocols; USER is POP3's pair of commands. */
static const char *const mechanisms[] = {"PLAIN", "LOGIN", "USER", "SCRAM-SHA-256",
    "SCRAM-SHA-256-PLUS", "EXTERNAL", "OAUTHBEARER", "XOAUTH2", "other"};

const char *
metrics_mechanism(size_t i)
{
	return i < ARRAY_LEN(mechanisms) ? mechanisms[i] : NULL;
}

const char *
metrics_tls_result(size_t i)
{
	static const char *const results[] = {"failed", "TLSv1.3", "TLSv1.2", "other"};

	return i < ARRAY_LEN(results) ? results[i] : NULL;
}

size_t
metrics_index_of(metric_value *value, const char *name)
{
	size_t i = 0;

	while (value(i + 1) && !str_eq_nocase(str_of(name), str_of(value(i))))
		i++;
	return i;
}
