/* Events of mail in memory, and when they are written. */
#include "store/trace_private.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "store/upkeep.h"

#include <limits.h>
#include <stdio.h>

#define FLUSH_MS 1000
#define PRUNE_EVERY_MS 60000
#define PRUNE_AGAIN_MS 1000
#define DAY_MS (INT64_C(86400) * 1000)

const char *
trace_kind_name(enum trace_kind k)
{
	static const char *const names[TRACE__COUNT] = {
#define X(name, text) [TRACE_##name] = (text),
	    TRACE_KINDS(X)
#undef X
	};

	return k < TRACE__COUNT ? names[k] : "unknown";
}

enum err
tracer_new(struct store *s, struct tracer **ret)
{
	struct tracer *t = calloc(1, sizeof(*t));

	if (!t)
		return ERR_NOMEM;
	t->store = s;
	t->end = &t->first;
	pthread_mutex_init(&t->mu, NULL);
	pthread_mutex_init(&t->writing, NULL);
	*ret = t;
	return ERR_OK;
}

/* -- in */

static struct str
keep(struct str s, char **at)
{
	if (s.n > TRACE_STRING_MAX)
		s.n = TRACE_STRING_MAX;
	if (s.n)
		memcpy(*at, s.p, s.n);
	struct str kept = str_make(*at, s.n);
	*at += s.n;
	return kept;
}

static size_t
room_for(const struct trace_event *e)
{
	const struct str all[] = {
	    e->trace_id, e->message_id, e->sender, e->recipient, e->host, e->tls, e->text};
	size_t n = sizeof(struct trace_pending);

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		n += all[i].n < TRACE_STRING_MAX ? all[i].n : TRACE_STRING_MAX;
	return n;
}

static struct trace_pending *
copy_event(const struct trace_event *e)
{
	size_t n = room_for(e);
	struct trace_pending *p = malloc(n);

	if (!p)
		return NULL;
	char *at = p->strings;
	*p = (struct trace_pending){.octets = n, .e = *e};
	if (!e->at_ms)
		p->e.at_ms = clock_real_us() / 1000;
	p->e.trace_id = keep(e->trace_id, &at);
	p->e.message_id = keep(e->message_id, &at);
	p->e.sender = keep(e->sender, &at);
	p->e.recipient = keep(e->recipient, &at);
	p->e.host = keep(e->host, &at);
	p->e.tls = keep(e->tls, &at);
	p->e.text = keep(e->text, &at);
	return p;
}

void
trace_note(struct store *s, const struct trace_event *e)
{
	struct tracer *t = s->tracer;
	struct trace_pending *p = copy_event(e);

	pthread_mutex_lock(&t->mu);
	if (p && p->octets <= TRACE_PENDING_MAX - t->octets) {
		t->octets += p->octets;
		*t->end = p;
		t->end = &p->next;
		p = NULL;
	} else {
		t->lost++;
	}
	bool soon = t->octets > TRACE_PENDING_MAX / 4;
	pthread_mutex_unlock(&t->mu);
	free(p);
	upkeep_want(s->upkeep, clock_mono_ms() + (soon ? 0 : FLUSH_MS));
}

/* -- out */

static enum err
open_locked(struct tracer *t)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/trace.db", t->store->data_dir) >= (int)sizeof(path))
		return ERR_TOO_LONG;
	enum err e = database_provide(path, &schema_trace);
	if (!e)
		e = database_init(&t->database, t->store->pool, path, &schema_trace);
	if (!e)
		atomic_store(&t->opened, true);
	return e;
}

static enum err
flush_locked(struct tracer *t)
{
	pthread_mutex_lock(&t->mu);
	struct trace_pending *first = t->first;
	uint64_t lost = t->lost;
	t->first = NULL;
	t->end = &t->first;
	t->octets = 0;
	t->lost = 0;
	pthread_mutex_unlock(&t->mu);
	if (lost)
		log_warn("trace", F_UINT("lost", lost),
		    F_CSTR("detail", "more happened than could be written"));
	if (!first)
		return ERR_OK;
	enum err e = atomic_load(&t->opened) ? ERR_OK : open_locked(t);
	if (!e)
		e = trace_write_events(&t->database, first);
	if (e)
		log_warn("trace", F_ERR(e), F_CSTR("detail", "some events were not written"));
	while (first) {
		struct trace_pending *next = first->next;
		free(first);
		first = next;
	}
	return e;
}

enum err
trace_flush(struct store *s)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&s->tracer->writing);

	return flush_locked(s->tracer);
}

enum err
tracer_database(struct tracer *t, struct database **ret)
{
	enum err e = ERR_OK;

	if (!atomic_load(&t->opened)) {
		CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&t->writing);
		if (!atomic_load(&t->opened))
			e = open_locked(t);
	}
	if (!e)
		*ret = &t->database;
	return e;
}

/* A little at a time, and only by who writes: the others would do it again. */
static void
prune_locked(struct tracer *t)
{
	int64_t now = clock_mono_ms();
	bool more = false;

	if (!t->store->trace_days || (t->pruned_ms && now - t->pruned_ms < PRUNE_EVERY_MS))
		return;
	enum err e = trace_prune(
	    &t->database, clock_real_us() / 1000 - t->store->trace_days * DAY_MS, &more);
	t->pruned_ms = !e && more ? now - PRUNE_EVERY_MS + PRUNE_AGAIN_MS : now;
	if (!e && more)
		upkeep_want(t->store->upkeep, now + PRUNE_AGAIN_MS);
}

void
tracer_tick(struct tracer *t)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&t->writing);

	if (!flush_locked(t) && atomic_load(&t->opened))
		prune_locked(t);
}

void
tracer_free(struct tracer **tp)
{
	struct tracer *t = MOVE_PTR(*tp);

	if (!t)
		return;
	enum err ignored = flush_locked(t); /* logged */
	(void)ignored;
	if (atomic_load(&t->opened))
		database_done(&t->database);
	pthread_mutex_destroy(&t->writing);
	pthread_mutex_destroy(&t->mu);
	free(t);
}
