#include "common/net/loop.h"

#include "common/base/clock.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define IDLE_SLOT SIZE_MAX
/* Far timers fire with the second, so that those of ten thousand clients wake the loop a few times
 * and not ten thousand times. */
#define FAR_MS 10000
#define FAR_GRAIN_MS 1000

struct loop_timer {
	struct loop *loop;
	void (*fn)(void *arg);
	void *arg;
	int64_t at_ms; /* guarded by the loop's mu */
	size_t slot; /* in the heap, or IDLE_SLOT; guarded by mu */
};

struct watched {
	struct watched *next;
	int fd;
	bool gone;
	void (*fn)(void *arg);
	void *arg;
};

struct loop {
	int epfd;
	int evfd;
	pthread_mutex_t mu;
	pthread_cond_t idle; /* no callback of `running` runs any more */
	struct loop_timer **heap; /* by at_ms, the earliest first; guarded by mu */
	size_t heap_n, heap_cap;
	size_t timers; /* that exist, each with room in the heap; guarded by mu */
	struct loop_timer *running; /* guarded by mu */
	struct watched *watched; /* guarded by mu */
	bool stopping; /* guarded by mu */
	pthread_t thread; /* that runs the loop; guarded by mu */
};

static void
poke(struct loop *l)
{
	const uint64_t one = 1;
	ssize_t n = write(l->evfd, &one, sizeof(one));

	(void)n;
}

enum err
loop_new(struct loop **ret)
{
	CLEANUP(loop_free) struct loop *l = calloc(1, sizeof(*l));
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};

	if (!l)
		return ERR_NOMEM;
	pthread_mutex_init(&l->mu, NULL);
	pthread_cond_init(&l->idle, NULL);
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	l->evfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->epfd < 0 || l->evfd < 0 || epoll_ctl(l->epfd, EPOLL_CTL_ADD, l->evfd, &ev) < 0)
		return err_from_errno(errno);
	*ret = MOVE_PTR(l);
	return ERR_OK;
}

void
loop_free(struct loop **lp)
{
	struct loop *l = MOVE_PTR(*lp);

	if (!l)
		return;
	while (l->watched) {
		struct watched *w = l->watched;
		l->watched = w->next;
		free(w);
	}
	free(l->heap);
	fd_close(&l->epfd);
	fd_close(&l->evfd);
	pthread_cond_destroy(&l->idle);
	pthread_mutex_destroy(&l->mu);
	free(l);
}

/* -- the heap of timers; all with mu held
 * ------------------------------------------------------------------------------ */

static void
heap_put(struct loop *l, size_t slot, struct loop_timer *t)
{
	l->heap[slot] = t;
	t->slot = slot;
}

static void
heap_sift(struct loop *l, size_t slot)
{
	struct loop_timer *t = l->heap[slot];

	while (slot > 0 && l->heap[(slot - 1) / 2]->at_ms > t->at_ms) {
		heap_put(l, slot, l->heap[(slot - 1) / 2]);
		slot = (slot - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * slot + 1;
		if (child + 1 < l->heap_n && l->heap[child + 1]->at_ms < l->heap[child]->at_ms)
			child++;
		if (child >= l->heap_n || l->heap[child]->at_ms >= t->at_ms)
			break;
		heap_put(l, slot, l->heap[child]);
		slot = child;
	}
	heap_put(l, slot, t);
}

static void
heap_remove(struct loop *l, struct loop_timer *t)
{
	size_t slot = t->slot;

	if (slot == IDLE_SLOT)
		return;
	t->slot = IDLE_SLOT;
	struct loop_timer *last = l->heap[--l->heap_n];
	if (last != t) {
		heap_put(l, slot, last);
		heap_sift(l, slot);
	}
}

/* Room is made when a timer is made, so that setting one can't fail. */
static bool
heap_has_room(struct loop *l, size_t timers)
{
	if (timers <= l->heap_cap)
		return true;
	size_t cap = l->heap_cap ? l->heap_cap * 2 : 64;
	// NOLINTNEXTLINE(bugprone-sizeof-expression): its elements are pointers
	void *p = realloc(l->heap, cap * sizeof(*l->heap));
	if (!p)
		return false;
	l->heap = p;
	l->heap_cap = cap;
	return true;
}

struct loop_timer *
loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg)
{
	CLEANUP(mem_free) struct loop_timer *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->loop = l;
	t->fn = fn;
	t->arg = arg;
	t->slot = IDLE_SLOT;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);
	if (!heap_has_room(l, l->timers + 1))
		return NULL;
	l->timers++;
	return MOVE_PTR(t);
}

void
loop_timer_set(struct loop_timer *t, int64_t ms)
{
	struct loop *l = t->loop;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);

	heap_remove(l, t);
	if (ms <= 0)
		return;
	t->at_ms = clock_mono_ms() + ms;
	if (ms >= FAR_MS)
		t->at_ms += FAR_GRAIN_MS - 1 - (t->at_ms - 1) % FAR_GRAIN_MS;
	heap_put(l, l->heap_n++, t);
	heap_sift(l, t->slot);
	if (t->slot == 0)
		poke(l);
}

void
loop_timer_free(struct loop_timer **tp)
{
	struct loop_timer *t = MOVE_PTR(*tp);

	if (!t)
		return;
	struct loop *l = t->loop;
	pthread_mutex_lock(&l->mu);
	heap_remove(l, t);
	l->timers--;
	while (l->running == t && !pthread_equal(pthread_self(), l->thread))
		pthread_cond_wait(&l->idle, &l->mu);
	pthread_mutex_unlock(&l->mu);
	free(t);
}

/* Runs what is due; gives the ms until the next timer, -1 for none. */
static int
run_timers(struct loop *l)
{
	pthread_mutex_lock(&l->mu);
	int64_t now = clock_mono_ms();
	while (l->heap_n && l->heap[0]->at_ms <= now) {
		struct loop_timer *t = l->heap[0];
		heap_remove(l, t);
		l->running = t;
		void (*fn)(void *) = t->fn;
		void *arg = t->arg;
		pthread_mutex_unlock(&l->mu);
		fn(arg); /* may free t */
		pthread_mutex_lock(&l->mu);
		l->running = NULL;
		pthread_cond_broadcast(&l->idle);
	}
	int64_t wait = l->heap_n ? l->heap[0]->at_ms - now : -1;
	pthread_mutex_unlock(&l->mu);
	return wait > INT_MAX ? INT_MAX : (int)wait;
}

/* -- descriptors
 * ---------------------------------------------------------------------------------------------------------
 */

enum err
loop_watch(struct loop *l, int fd, void (*fn)(void *arg), void *arg)
{
	CLEANUP(mem_free) struct watched *w = calloc(1, sizeof(*w));
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = w};

	if (!w)
		return ERR_NOMEM;
	w->fd = fd;
	w->fn = fn;
	w->arg = arg;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);
	if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &ev) < 0)
		return err_from_errno(errno);
	w->next = l->watched;
	l->watched = MOVE_PTR(w);
	return ERR_OK;
}

void
loop_unwatch(struct loop *l, int fd)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);

	for (struct watched *w = l->watched; w; w = w->next) {
		if (w->fd == fd && !w->gone) {
			epoll_ctl(l->epfd, EPOLL_CTL_DEL, fd, NULL);
			w->gone =
			    true; /* freed by the loop's thread, which may be about to call it */
		}
	}
	poke(l);
}

static void
sweep_watched(struct loop *l)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);

	for (struct watched **at = &l->watched; *at;) {
		struct watched *w = *at;
		if (w->gone) {
			*at = w->next;
			free(w);
		} else {
			at = &w->next;
		}
	}
}

static bool
is_gone(struct loop *l, const struct watched *w)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);

	return w->gone;
}

static bool
is_stopping(struct loop *l)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);

	return l->stopping;
}

void
loop_run(struct loop *l)
{
	pthread_mutex_lock(&l->mu);
	l->thread = pthread_self();
	pthread_mutex_unlock(&l->mu);
	while (!is_stopping(l)) {
		struct epoll_event ev[16];
		int n = epoll_wait(l->epfd, ev, 16, run_timers(l));
		for (int i = 0; i < n; i++) {
			struct watched *w = ev[i].data.ptr;
			uint64_t count;
			if (w && !is_gone(l, w))
				w->fn(w->arg);
			else if (!w && read(l->evfd, &count, sizeof(count)) < 0)
				continue; /* another poke already read */
		}
		sweep_watched(l);
	}
}

void
loop_stop(struct loop *l)
{
	pthread_mutex_lock(&l->mu);
	l->stopping = true;
	pthread_mutex_unlock(&l->mu);
	poke(l);
}
