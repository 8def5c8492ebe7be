#include "search/indexer.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "search/index_pace.h"
#include "search/index_work.h"
#include "store/changes.h"
#include "store/message_ids.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

/* An account in use, or that was and has work left. Only the thread frees it. */
struct client {
	struct client *next; /* guarded by mu */
	unsigned uses; /* guarded by mu */
	bool hurry; /* somebody waits: guarded by mu */
	struct indexer *indexer;
	struct account *account;
	struct watch *watch;
	atomic_bool changed; /* since the thread looked last */
	/* of the thread */
	int64_t look_ms; /* clock_mono_ms() of the next look, 0: when something changes */
	int64_t given; /* ids at the last look */
	int64_t retry_ms; /* after a failure nothing is done before; 0: it was none */
	int64_t patience_ms; /* doubled by each failure */
};

#define RETRY_MIN_MS (60 * 1000)
#define RETRY_MAX_MS (3600 * 1000)

#define PAUSE_SLICE_MS 50 /* then it is looked whether somebody waits now */

struct indexer {
	struct segments_cache *cache;
	pthread_t thread;
	sem_t wake; /* posting takes no lock: whoever commits mail never waits for this thread */
	atomic_bool stopping;
	atomic_bool hurry; /* with what is being done */
	atomic_uint_fast64_t commits; /* to accounts in use */
	struct index_pace pace; /* of the thread */
	int policy; /* that it has given itself; of the thread */
	pthread_mutex_t mu;
	struct client *clients; /* guarded by mu */
};

/* Work that somebody waits for is done like any other. */
static void
set_policy(pthread_t thread, int policy)
{
	const struct sched_param none = {0};

	if (pthread_setschedparam(thread, policy, &none))
		log_debug("indexer", F_CSTR("detail", "the priority stays as it is"));
}

/* -- users ---------------------------------------------------------------------------------- */

static void
account_changed(void *arg)
{
	struct client *c = arg;

	atomic_fetch_add(&c->indexer->commits, 1);
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
	c->given = -1;
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
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&ix->mu);
	struct client *c = find_client(ix, account_id(a));

	(void)held;
	if (c && --c->uses == 0)
		sem_post(&ix->wake);
}

void
indexer_hurry(struct indexer *ix, struct account *a)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&ix->mu);
	struct client *c = find_client(ix, account_id(a));

	(void)held;
	if (!c)
		return;
	c->hurry = true;
	/* should it be at work already */
	atomic_store(&ix->hurry, true);
	set_policy(ix->thread, SCHED_BATCH);
	sem_post(&ix->wake);
}

enum err
indexer_segments(struct indexer *ix, struct account *a, struct segments **ret)
{
	return segments_open(ix->cache, a, ret);
}

/* -- the thread ----------------------------------------------------------------------------- */

static struct index_moment
look_at_clocks(struct indexer *ix)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (struct index_moment){
	    clock_mono_ms(), t.tv_sec * 1000000 + t.tv_nsec / 1000, atomic_load(&ix->commits)};
}

static void
take_policy(struct indexer *ix, int policy)
{
	if (policy != ix->policy)
		set_policy(pthread_self(), policy);
	ix->policy = policy;
}

static void
pause_for(struct indexer *ix, int64_t ms)
{
	int64_t until_ms = clock_mono_ms() + ms;

	for (int64_t left = ms; left > 0 && !atomic_load(&ix->hurry) && !atomic_load(&ix->stopping);
	     left = until_ms - clock_mono_ms())
		usleep((useconds_t)(left < PAUSE_SLICE_MS ? left : PAUSE_SLICE_MS) * 1000);
}

/* Reading is done at common priority, since it holds what others may wait for (a handle, the read
 * that keeps the log of the database from being used anew), but makes way by pauses. What is worked
 * out by itself has what the processor has left. */
static bool
keep_pace(void *arg, enum segment_phase phase)
{
	struct indexer *ix = arg;
	bool hurry = atomic_load(&ix->hurry);
	struct index_moment now = look_at_clocks(ix);

	int64_t pause_ms = index_pace_pause_ms(&ix->pace, &now, ix->policy == SCHED_BATCH, hurry);
	if (pause_ms) {
		pause_for(ix, pause_ms);
		now = look_at_clocks(ix);
		index_pace_go(&ix->pace, &now);
	}
	take_policy(ix, phase == SEGMENT_WRITES && !hurry ? SCHED_IDLE : SCHED_BATCH);
	return !atomic_load(&ix->stopping);
}

static void
work(struct indexer *ix, struct client *c, bool hurry)
{
	ix->pace = (struct index_pace){0};
	ix->policy = SCHED_BATCH;
	set_policy(pthread_self(), SCHED_BATCH);
	atomic_store(&ix->hurry, hurry);
	enum err e = index_bring_up(ix->cache, c->account, keep_pace, ix);
	set_policy(pthread_self(), SCHED_BATCH); /* its locks are given back soon */
	c->retry_ms = 0;
	if (!e || e == ERR_CANCELLED) {
		c->patience_ms = 0;
		return;
	}
	/* of another process there is nothing to be said, but that it may have been ended */
	if (e != ERR_BUSY)
		log_warn("indexer", F_ERR(e), F_INT("account", account_id(c->account)));
	c->patience_ms = e == ERR_BUSY || c->patience_ms == 0 ? RETRY_MIN_MS : 2 * c->patience_ms;
	if (c->patience_ms > RETRY_MAX_MS)
		c->patience_ms = RETRY_MAX_MS;
	c->retry_ms = clock_mono_ms() + c->patience_ms;
}

/* How long nothing is to be done yet after a failure. */
static int64_t
rest_of_patience(const struct client *c)
{
	int64_t now = clock_mono_ms();

	return c->retry_ms > now ? c->retry_ms - now : 0;
}

/* Decides what to do for the account now; how long to wait before the next look, 0 for until
 * something changes. */
static int64_t
look_after(struct client *c, bool hurry)
{
	int64_t given = 0, uncovered = 0;

	atomic_store(&c->changed, false);
	int64_t rest_ms = rest_of_patience(c);
	if (rest_ms)
		return rest_ms;
	enum err e = message_ids_given(c->account, &given);
	if (!e)
		e = index_uncovered(c->indexer->cache, c->account, &uncovered);
	if (e || (uncovered < INDEXER_MESSAGES_MIN && !index_is_due(c->account)))
		return 0;
	bool quiet = hurry || c->given == given;
	c->given = given;
	if (!quiet && uncovered < INDEXER_MESSAGES_MAX)
		return INDEXER_QUIET_MS;
	work(c->indexer, c, hurry);
	return rest_of_patience(c); /* what came meanwhile has left its mark */
}

/* The client to be looked after now; or how long there is none: -1 for ever. *ret_gone is one to be
 * freed. */
static struct client *
take_client(struct indexer *ix, int64_t *ret_wait_ms, bool *ret_hurry, struct client **ret_gone)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&ix->mu);
	int64_t now = clock_mono_ms();

	(void)held;
	*ret_wait_ms = -1;
	*ret_gone = NULL;
	for (struct client **at = &ix->clients; *at; at = &(*at)->next) {
		struct client *c = *at;
		/* Changes are looked at a while after the first of them, so that a stream of mail
		 * wakes the thread once in that while. */
		bool far = c->look_ms == 0 || c->look_ms > now + INDEXER_QUIET_MS;
		if (far && atomic_load(&c->changed)) {
			c->look_ms = now + INDEXER_QUIET_MS;
			far = false;
		}
		if (c->hurry || (c->look_ms && c->look_ms <= now)) {
			*ret_hurry = c->hurry;
			c->hurry = false;
			return c;
		}
		if (far && c->uses == 0) {
			*at = c->next;
			*ret_gone = c;
			return NULL;
		}
		if (c->look_ms && (*ret_wait_ms < 0 || c->look_ms - now < *ret_wait_ms))
			*ret_wait_ms = c->look_ms - now;
	}
	return NULL;
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
	struct indexer *ix = arg;

	while (!atomic_load(&ix->stopping)) {
		struct client *gone;
		int64_t wait_ms;
		bool hurry;
		struct client *c = take_client(ix, &wait_ms, &hurry, &gone);
		if (c) {
			int64_t again_ms = look_after(c, hurry);
			c->look_ms = again_ms ? clock_mono_ms() + again_ms : 0;
		} else if (gone) {
			free_client(gone);
		} else {
			sleep_for(ix, wait_ms);
		}
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
