/* store/trace_private.h - what the files of the trace share. Private to store/. */
#ifndef STORE_TRACE_PRIVATE_H
#define STORE_TRACE_PRIVATE_H

#include "store/database.h"
#include "store/store_private.h"
#include "store/trace.h"

/* An event as it waits in memory; its strings stand behind it. */
struct trace_pending {
	struct trace_pending *next;
	size_t octets;
	struct trace_event e;
	char strings[];
};

struct tracer {
	struct store *store;
	struct database database; /* trace.db, once `opened` */
	atomic_bool opened;
	pthread_mutex_t mu;
	/* guarded by mu */
	struct trace_pending *first, **end;
	size_t octets;
	uint64_t lost;
	/* One writes at a time, and opens. Taken before mu. */
	pthread_mutex_t writing;
	int64_t pruned_ms; /* guarded by writing */
};

/* From store_open(), store_close() and store_tick(). */
NODISCARD enum err tracer_new(struct store *s, struct tracer **ret);
void tracer_free(struct tracer **t);
void tracer_tick(struct tracer *t);

/* trace.db, made where it is missing. */
NODISCARD enum err tracer_database(struct tracer *t, struct database **ret);

/* -- of trace_write.c */

/* Writes these events in bounded transactions. */
NODISCARD enum err trace_write_events(struct database *d, const struct trace_pending *first);
/* Forgets events before `before_ms`, a bounded number; *ret_more: there are others. */
NODISCARD enum err trace_prune(struct database *d, int64_t before_ms, bool *ret_more);

#endif
