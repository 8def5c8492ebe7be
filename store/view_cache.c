/* The snapshots of an account's mailboxes that sessions of this process share, caught up with the
 * database whenever somebody asks. */
#include "common/base/clock.h"
#include "common/metrics/metrics.h"
#include "store/account_private.h"
#include "store/view_private.h"

#include <stdlib.h>

#define KEEP_MS 300000 /* a snapshot nobody has asked for so long is dropped */

/* One mailbox, as one user sees it. */
struct cached {
	struct cached *next;
	int64_t mailbox, viewer;
	unsigned users; /* guarded by cache->mu, like used_ms */
	int64_t used_ms;
	pthread_mutex_t
	    mu; /* guards view; held while it is caught up: the next one finds it done */
	struct view *view; /* NULL: not read yet */
	/* guarded by mu: the database when the view was caught up, or a little before */
	bool stamped;
	struct db_stamp stamp;
};

struct view_cache {
	pthread_mutex_t mu;
	struct cached *first;
	int64_t swept_ms;
};

static void
free_cached(struct cached *c)
{
	view_unref(&c->view);
	pthread_mutex_destroy(&c->mu);
	free(c);
}

void
view_cache_free(struct view_cache **cache)
{
	struct view_cache *gone = MOVE_PTR(*cache);

	if (!gone)
		return;
	while (gone->first) {
		struct cached *c = gone->first;
		gone->first = c->next;
		free_cached(c);
	}
	pthread_mutex_destroy(&gone->mu);
	free(gone);
}

/* The account's cache, made by whoever needs it first. */
static struct view_cache *
cache_of(struct account *a)
{
	struct view_cache *have = __atomic_load_n(&a->views, __ATOMIC_ACQUIRE);

	if (have)
		return have;
	struct view_cache *made = calloc(1, sizeof(*made));
	if (!made)
		return NULL;
	pthread_mutex_init(&made->mu, NULL);
	if (__atomic_compare_exchange_n(
		&a->views, &have, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return made;
	view_cache_free(&made);
	return have;
}

static void
sweep_locked(struct view_cache *cache, int64_t now_ms)
{
	if (now_ms - cache->swept_ms < KEEP_MS / 5)
		return;
	cache->swept_ms = now_ms;
	for (struct cached **at = &cache->first; *at;) {
		struct cached *c = *at;
		if (c->users == 0 && now_ms - c->used_ms > KEEP_MS) {
			*at = c->next;
			free_cached(c);
		} else {
			at = &c->next;
		}
	}
}

static struct cached *
take(struct view_cache *cache, int64_t mailbox, int64_t viewer)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&cache->mu);
	struct cached *c = cache->first;

	(void)held;
	while (c && (c->mailbox != mailbox || c->viewer != viewer))
		c = c->next;
	if (!c) {
		sweep_locked(cache, clock_mono_ms());
		c = calloc(1, sizeof(*c));
		if (!c)
			return NULL;
		pthread_mutex_init(&c->mu, NULL);
		c->mailbox = mailbox;
		c->viewer = viewer;
		c->next = cache->first;
		cache->first = c;
	}
	c->users++;
	return c;
}

/* Gives it back; a mailbox that is no more leaves the cache with its last user. */
static void
give(struct view_cache *cache, struct cached *c, bool gone)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&cache->mu);

	(void)held;
	c->used_ms = clock_mono_ms();
	if (--c->users > 0 || !gone)
		return;
	for (struct cached **at = &cache->first; *at; at = &(*at)->next) {
		if (*at == c) {
			*at = c->next;
			free_cached(c);
			return;
		}
	}
}

/* Most who ask find that nobody has written to the account since the last one asked. */
static enum err
catch_up_locked(struct account *a, struct cached *c)
{
	struct db_stamp now;
	bool stamped = pool_stamp(&a->database, &now);

	if (stamped && c->stamped && db_stamp_eq(&now, &c->stamp)) {
		METRICS_COUNT(views_reused, 0);
		return ERR_OK;
	}
	METRICS_COUNT(views_loaded, 0);
	enum err e = view_catch_up(a, c->mailbox, c->viewer, &c->view);
	c->stamped = !e && stamped;
	if (stamped)
		c->stamp = now;
	return e;
}

static void
change_locked(struct account *a, struct cached *c, const struct view_change *change)
{
	struct view *base = c->view, *next = NULL;
	struct db_stamp now;

	if (!base || base->meta.modseq != change->before)
		return;
	struct view_meta meta = base->meta;
	meta.modseq = change->after;
	if (view_apply(base, &meta, base->keywords, change->puts, change->n, NULL, 0, &next))
		return; /* no memory: whoever asks next tries again */
	view_unref(&c->view);
	c->view = next;
	c->stamped = pool_stamp(&a->database, &now) && db_stamp_follows(&change->stamp, &now);
	if (c->stamped)
		c->stamp = now;
}

void
view_cache_change(struct account *a, int64_t mailbox, const struct view_change *change)
{
	struct view_cache *cache = __atomic_load_n(&a->views, __ATOMIC_ACQUIRE);
	struct cached *c = cache ? take(cache, mailbox, VIEWER_OWNER) : NULL;

	if (!c)
		return;
	pthread_mutex_lock(&c->mu);
	change_locked(a, c, change);
	pthread_mutex_unlock(&c->mu);
	give(cache, c, false);
}

enum err
view_current(struct account *a, int64_t mailbox, struct view **ret)
{
	return view_current_as(a, mailbox, VIEWER_OWNER, ret);
}

enum err
view_current_as(struct account *a, int64_t mailbox, int64_t viewer, struct view **ret)
{
	struct view_cache *cache = cache_of(a);
	struct cached *c = cache ? take(cache, mailbox, viewer) : NULL;

	if (!c)
		return ERR_NOMEM;
	pthread_mutex_lock(&c->mu);
	enum err e = catch_up_locked(a, c);
	if (!e)
		*ret = view_ref(c->view);
	pthread_mutex_unlock(&c->mu);
	give(cache, c, e == ERR_GONE);
	return e;
}
