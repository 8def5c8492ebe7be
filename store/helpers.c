#include "store/helpers.h"

#include "common/base/cleanup.h"

#include <stdbool.h>
#include <time.h>

#define STACK_SIZE (1024 * 1024)

/* On the stack of whoever called helpers_run(). */
struct job {
	struct job *next;
	helper_fn *fn;
	void *arg;
	size_t n;
	size_t taken; /* the first of them */
	unsigned working; /* helpers that are at one of them */
};

struct helpers {
	pthread_mutex_t mu;
	pthread_cond_t work; /* there is a job, or stopping */
	pthread_cond_t done; /* a helper has nothing more of a job, or is gone */
	/* guarded by mu, like the jobs' `taken` and `working` */
	struct job *jobs; /* with something left to take */
	unsigned threads, waiting;
	bool stopping;
};

struct helpers *
helpers_new(void)
{
	struct helpers *h = calloc(1, sizeof(*h));
	pthread_condattr_t attr;

	if (!h)
		return NULL;
	pthread_mutex_init(&h->mu, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&h->work, &attr);
	pthread_condattr_destroy(&attr);
	pthread_cond_init(&h->done, NULL);
	return h;
}

void
helpers_free(struct helpers **hp)
{
	struct helpers *h = MOVE_PTR(*hp);

	if (!h)
		return;
	pthread_mutex_lock(&h->mu);
	h->stopping = true;
	pthread_cond_broadcast(&h->work);
	while (h->threads)
		pthread_cond_wait(&h->done, &h->mu);
	pthread_mutex_unlock(&h->mu);
	pthread_cond_destroy(&h->done);
	pthread_cond_destroy(&h->work);
	pthread_mutex_destroy(&h->mu);
	free(h);
}

static void
unlink_locked(struct helpers *h, struct job *j)
{
	for (struct job **at = &h->jobs; *at; at = &(*at)->next) {
		if (*at == j) {
			*at = j->next;
			return;
		}
	}
}

/* Does what is left of the job; others may take of it too. */
static void
work_locked(struct helpers *h, struct job *j)
{
	while (j->taken < j->n) {
		size_t i = j->taken++;
		if (j->taken == j->n)
			unlink_locked(h, j);
		pthread_mutex_unlock(&h->mu);
		j->fn(j->arg, i);
		pthread_mutex_lock(&h->mu);
	}
}

static bool
wait_for_work_locked(struct helpers *h)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += HELPERS_IDLE_MS / 1000;
	h->waiting++;
	while (!h->jobs && !h->stopping && !pthread_cond_timedwait(&h->work, &h->mu, &until))
		;
	h->waiting--;
	return h->jobs != NULL;
}

static void *
help(void *arg)
{
	struct helpers *h = arg;

	pthread_mutex_lock(&h->mu);
	while (wait_for_work_locked(h)) {
		struct job *j = h->jobs;
		j->working++;
		work_locked(h, j);
		if (--j->working == 0)
			pthread_cond_broadcast(&h->done);
	}
	h->threads--;
	pthread_cond_broadcast(&h->done);
	pthread_mutex_unlock(&h->mu); /* the last that touches it */
	return NULL;
}

/* A thread more, if one may be of use. That it can't be made is no failure: the work is done. */
static void
call_helpers_locked(struct helpers *h, size_t wanted)
{
	pthread_attr_t attr;
	pthread_t thread;

	for (size_t i = 0; i < wanted && i < h->waiting; i++)
		pthread_cond_signal(&h->work);
	if (wanted <= h->waiting || h->threads >= HELPERS_MAX)
		return;
	size_t more = wanted - h->waiting;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	for (; more && h->threads < HELPERS_MAX; more--) {
		if (pthread_create(&thread, &attr, help, h))
			break;
		h->threads++;
	}
	pthread_attr_destroy(&attr);
}

static void
offer_locked(struct helpers *h, struct job *j)
{
	j->next = h->jobs;
	h->jobs = j;
	call_helpers_locked(h, j->n - 1);
}

void
helpers_run(struct helpers *h, helper_fn *fn, void *arg, size_t n)
{
	if (!h || n < 2) {
		for (size_t i = 0; i < n; i++)
			fn(arg, i);
		return;
	}
	struct job j = {.fn = fn, .arg = arg, .n = n};
	pthread_mutex_lock(&h->mu);
	offer_locked(h, &j);
	work_locked(h, &j);
	while (j.working)
		pthread_cond_wait(&h->done, &h->mu);
	pthread_mutex_unlock(&h->mu);
}
