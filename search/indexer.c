#include "search/indexer.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "search/index_work.h"
#include "store/changes.h"
#include "store/message_ids.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

/* An account in use. Freed by the thread or by the last to leave, never while the other needs it.
 */
struct client {
	struct client *next; /* guarded by mu */
	unsigned uses; /* guarded by mu */
	struct indexer *indexer;
	struct account *account;
	struct watch *watch;
	atomic_bool changed; /* since the thread looked last */
	/* of the thread */
	bool working; /* the thread is at it: guarded by mu */
	int64_t look_ms; /* clock_mono_ms() of the next look, 0: when something changes */
	int64_t given; /* ids at the last look */
};

struct indexer {
	struct segments_cache *cache;
	pthread_t thread;
	sem_t wake; /* posting takes no lock: whoever commits mail never waits for this thread */
	atomic_bool stopping;
	pthread_mutex_t mu;
	struct client *clients; /* guarded by mu */
};

/* -- users ---------------------------------------------------------------------------------- */

static void
account_changed(void *arg)
{
	struct client *c = arg;

	if (!atomic_exchange(&c->changed, true))
		sem_post(&c->indexer->wake);
}

static void
free_client(struct client *c)
{
	changes_unwatch(&c->watch);
	account_unref(&c->account);
	free(c);
}

static struct client *
find_client(struct indexer *ix, int64_t account)
{
	struct client *c = ix->clients;

	while (c && account_id(c->account) != account)
		c = c->next;
	return c;
}

static struct client *
new_client(struct indexer *ix, struct account *a)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->indexer = ix;
	c->uses = 1;
	c->account = account_ref(a);
	c->changed = true; /* the thread has never looked */
	if (changes_watch(a, 0, account_changed, c, &c->watch)) {
		free_client(c);
		return NULL;
	}
	return c;
}

bool
indexer_enter(struct indexer *ix, struct account *a)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&ix->mu);
	struct client *c = find_client(ix, account_id(a));

	(void)held;
	if (c) {
		c->uses++;
		return true;
	}
	c = new_client(ix, a);
	if (!c)
		return false;
	c->next = ix->clients;
	ix->clients = c;
	sem_post(&ix->wake);
	return true;
}

void
indexer_leave(struct indexer *ix, struct account *a)
{
	struct client *gone = NULL;

	pthread_mutex_lock(&ix->mu);
	struct client **at = &ix->clients;
	while (*at && account_id((*at)->account) != account_id(a))
		at = &(*at)->next;
	if (*at && --(*at)->uses == 0 && !(*at)->working) {
		gone = *at;
		*at = gone->next;
	}
	pthread_mutex_unlock(&ix->mu);
	if (gone)
		free_client(gone);
}

enum err
indexer_segments(struct indexer *ix, struct account *a, struct segments **ret)
{
	return segments_open(ix->cache, a, ret);
}

/* -- the thread ----------------------------------------------------------------------------- */

static bool
may_go_on(void *arg)
{
	struct client *c = arg;

	return !atomic_load(&c->indexer->stopping);
}

/* Decides what to do for the account now; how long to wait before the next look, 0 for until
 * something changes. */
static int64_t
look_after(struct client *c)
{
	int64_t given = 0, uncovered = 0;

	atomic_store(&c->changed, false);
	enum err e = message_ids_given(c->account, &given);
	if (!e)
		e = index_uncovered(c->indexer->cache, c->account, &uncovered);
	if (e || uncovered < INDEXER_MESSAGES_MIN)
		return 0;
	bool quiet = c->given == given;
	c->given = given;
	if (!quiet && uncovered < INDEXER_MESSAGES_MAX)
		return INDEXER_QUIET_MS;
	e = index_bring_up(c->indexer->cache, c->account, may_go_on, c);
	if (e && e != ERR_CANCELLED)
		log_warn("indexer", F_ERR(e), F_INT("account", account_id(c->account)));
	return 0; /* what came meanwhile has left its mark */
}

/* The client to be looked after now, marked as being worked for; or how long there is none: -1 for
 * ever. */
static struct client *
take_client(struct indexer *ix, int64_t *ret_wait_ms)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&ix->mu);
	int64_t now = clock_mono_ms();

	(void)held;
	*ret_wait_ms = -1;
	for (struct client *c = ix->clients; c; c = c->next) {
		/* Changes are looked at a while after the first of them, so that a stream of mail
		 * wakes the thread once in that while. */
		if (c->look_ms == 0 && atomic_load(&c->changed))
			c->look_ms = now + INDEXER_QUIET_MS;
		if (c->look_ms == 0)
			continue;
		if (c->look_ms <= now) {
			c->working = true;
			return c;
		}
		if (*ret_wait_ms < 0 || c->look_ms - now < *ret_wait_ms)
			*ret_wait_ms = c->look_ms - now;
	}
	return NULL;
}

static void
give_client(struct indexer *ix, struct client *c, int64_t again_ms)
{
	pthread_mutex_lock(&ix->mu);
	c->working = false;
	c->look_ms = again_ms ? clock_mono_ms() + again_ms : 0;
	bool gone = c->uses == 0;
	if (gone) {
		struct client **at = &ix->clients;
		while (*at != c)
			at = &(*at)->next;
		*at = c->next;
	}
	pthread_mutex_unlock(&ix->mu);
	if (gone)
		free_client(c);
}

static void
sleep_for(struct indexer *ix, int64_t wait_ms)
{
	struct timespec until;

	if (wait_ms < 0) {
		while (sem_wait(&ix->wake) && errno == EINTR)
			;
	} else {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += wait_ms / 1000;
		until.tv_nsec += wait_ms % 1000 * 1000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000;
		}
		while (sem_clockwait(&ix->wake, CLOCK_MONOTONIC, &until) && errno == EINTR)
			;
	}
	while (sem_trywait(&ix->wake) == 0)
		; /* one look serves all who called */
}

static void *
run(void *arg)
{
	const struct sched_param none = {0};
	struct indexer *ix = arg;
	int64_t wait_ms;

	if (pthread_setschedparam(pthread_self(), SCHED_IDLE, &none))
		log_debug("indexer", F_CSTR("detail", "no SCHED_IDLE here"));
	while (!atomic_load(&ix->stopping)) {
		struct client *c = take_client(ix, &wait_ms);
		if (c)
			give_client(ix, c, look_after(c));
		else
			sleep_for(ix, wait_ms);
	}
	return NULL;
}

static void
indexer_free(struct indexer **ixp)
{
	struct indexer *ix = MOVE_PTR(*ixp);

	if (!ix)
		return;
	segments_cache_free(&ix->cache);
	sem_destroy(&ix->wake);
	pthread_mutex_destroy(&ix->mu);
	free(ix);
}

enum err
indexer_start(struct indexer **ret)
{
	CLEANUP(indexer_free) struct indexer *ix = calloc(1, sizeof(*ix));

	if (!ix)
		return ERR_NOMEM;
	pthread_mutex_init(&ix->mu, NULL);
	sem_init(&ix->wake, 0, 0);
	ix->cache = segments_cache_new();
	if (!ix->cache || pthread_create(&ix->thread, NULL, run, ix))
		return ERR_NOMEM;
	*ret = MOVE_PTR(ix);
	return ERR_OK;
}

void
indexer_stop(struct indexer **ixp)
{
	struct indexer *ix = *ixp;

	if (!ix)
		return;
	atomic_store(&ix->stopping, true);
	sem_post(&ix->wake);
	pthread_join(ix->thread, NULL);
	while (ix->clients) {
		struct client *c = ix->clients;
		ix->clients = c->next;
		free_client(c);
	}
	indexer_free(ixp);
}

enum err
indexer_catch_up(struct indexer *ix, struct account *a)
{
	return index_bring_up(ix->cache, a, NULL, NULL);
}
