#include "store/upkeep.h"

#include "common/base/clock.h"
#include "store/database.h"

#include <stdatomic.h>

struct upkeep {
	void (*alarm)(void *arg, int64_t in_ms); /* NULL: nobody ticks */
	void *alarm_arg;
	atomic_llong at_ms; /* the tick is set for then, 0 for never; lowered with mu held */
	pthread_mutex_t mu;
	/* guarded by mu */
	struct database *first, **end; /* unsynced, in the order they were noted */
	unsigned count;
};

struct upkeep *
upkeep_new(void)
{
	struct upkeep *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->end = &u->first;
	pthread_mutex_init(&u->mu, NULL);
	return u;
}

void
upkeep_free(struct upkeep **up)
{
	struct upkeep *u = MOVE_PTR(*up);

	if (!u)
		return;
	pthread_mutex_destroy(&u->mu);
	free(u);
}

void
upkeep_set_alarm(struct upkeep *u, void (*fn)(void *arg, int64_t in_ms), void *arg)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&u->mu);

	(void)held;
	u->alarm = fn;
	u->alarm_arg = arg;
	int64_t at_ms = atomic_load(&u->at_ms), now = clock_mono_ms();
	if (fn && at_ms)
		fn(arg, at_ms > now ? at_ms - now : 1);
}

static bool
is_soon_enough(struct upkeep *u, int64_t at_ms)
{
	int64_t set = atomic_load(&u->at_ms);

	return set && set <= at_ms;
}

void
upkeep_want(struct upkeep *u, int64_t at_ms)
{
	if (!u || is_soon_enough(u, at_ms))
		return;
	/* The alarm under the lock: a later one must not overtake an earlier one. */
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&u->mu);
	(void)held;
	if (is_soon_enough(u, at_ms))
		return;
	atomic_store(&u->at_ms, at_ms > 0 ? at_ms : 1);
	int64_t in_ms = at_ms - clock_mono_ms();
	if (u->alarm)
		u->alarm(u->alarm_arg, in_ms > 0 ? in_ms : 1);
}

void
upkeep_begin(struct upkeep *u)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&u->mu);

	(void)held;
	atomic_store(&u->at_ms, 0);
}

void
upkeep_note_unsynced(struct upkeep *u, struct database *d)
{
	/* Whoever takes it off the list clears the mark before it looks at what is to be synced. */
	if (!u || atomic_load(&d->unsynced))
		return;
	pthread_mutex_lock(&u->mu);
	if (!atomic_exchange(&d->unsynced, true)) {
		d->next_unsynced = NULL;
		*u->end = d;
		u->end = &d->next_unsynced;
		u->count++;
	}
	pthread_mutex_unlock(&u->mu);
	upkeep_want(u, clock_mono_ms() + UPKEEP_SYNC_MS);
}

bool
upkeep_note_long_wal(struct upkeep *u, struct database *d)
{
	if (!u)
		return false;
	pthread_mutex_lock(&u->mu);
	bool ticks = u->alarm != NULL;
	pthread_mutex_unlock(&u->mu);
	if (!ticks)
		return false;
	atomic_store(&d->wal_long, true);
	upkeep_note_unsynced(u, d);
	upkeep_want(u, clock_mono_ms());
	return true;
}

unsigned
upkeep_count_unsynced(struct upkeep *u)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&u->mu);

	(void)held;
	return u->count;
}

static void
unlink_locked(struct upkeep *u, struct database **at)
{
	struct database *d = *at;

	*at = d->next_unsynced;
	if (!*at)
		u->end = at;
	u->count--;
	atomic_store(&d->unsynced, false);
}

struct database *
upkeep_take_unsynced(struct upkeep *u)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&u->mu);
	struct database *d = u->first;

	(void)held;
	if (d)
		unlink_locked(u, &u->first);
	return d;
}

bool
upkeep_is_unsynced(const struct database *d)
{
	return atomic_load(&d->unsynced);
}

void
upkeep_drop(struct upkeep *u, struct database *d)
{
	if (!u)
		return;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&u->mu);
	(void)held;
	for (struct database **at = &u->first; *at; at = &(*at)->next_unsynced) {
		if (*at == d) {
			unlink_locked(u, at);
			return;
		}
	}
}
