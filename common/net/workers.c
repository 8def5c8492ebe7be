#include "common/net/workers.h"

#include "common/base/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/sysinfo.h>

struct workers {
	int epfd;
	int evfd; /* edge-triggered in epfd: each write wakes one worker for the run queue */
	unsigned count;
	atomic_uint waiting; /* threads in epoll_wait() */
	bool may_look; /* see workers_rest() */
	pthread_mutex_t mu;
	struct task *head; /* run queue; guarded by mu */
	struct task **tail;
	size_t queued; /* guarded by mu */
	bool stopping; /* guarded by mu */
	pthread_t threads[];
};

static void
wake_one(struct workers *w)
{
	const uint64_t one = 1;
	ssize_t n = write(w->evfd, &one, sizeof(one));

	(void)n; /* full only after 2^64 - 1 writes */
}

/* The next task of the run queue. *ret_last: the pool is stopping and nothing is left. */
static struct task *
next_queued(struct workers *w, bool *ret_last)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&w->mu);
	struct task *t = w->head;

	*ret_last = !t && w->stopping;
	if (t) {
		w->head = t->next;
		if (!w->head)
			w->tail = &w->head;
		t->next = NULL;
		w->queued--;
	}
	if (w->head || *ret_last)
		wake_one(w); /* one write may have stood for several */
	return t;
}

#define HEAP_PIECE (120 * 1024) /* larger ones would be mapped each by itself */
#define HEAP_PIECES 8

/* glibc gives each thread a heap of its own, and lets it grow by no more than what is asked for,
 * with a system call each time: for a page of a database that takes longer than to read it. What
 * was once part of the heap stays usable without one. Nothing here is touched but the first octets.
 */
static void
widen_heap(void)
{
	void *volatile piece[HEAP_PIECES];

	for (size_t i = 0; i < HEAP_PIECES; i++)
		piece[i] = malloc(HEAP_PIECE);
	for (size_t i = HEAP_PIECES; i > 0; i--)
		free(piece[i - 1]);
}

static void *
work(void *arg)
{
	struct workers *w = arg;

	widen_heap();
	for (;;) {
		struct epoll_event ev;
		atomic_fetch_add(&w->waiting, 1);
		int n = epoll_wait(w->epfd, &ev, 1, -1);
		atomic_fetch_sub(&w->waiting, 1);
		if (n <= 0)
			continue; /* interrupted */
		struct task *t = ev.data.ptr;
		bool last = false;
		if (!t)
			t = next_queued(w, &last);
		if (last)
			return NULL;
		if (t)
			t->run(t);
	}
}

static enum err
make_descriptors(struct workers *w)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};

	w->epfd = epoll_create1(EPOLL_CLOEXEC);
	w->evfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->epfd < 0 || w->evfd < 0 || epoll_ctl(w->epfd, EPOLL_CTL_ADD, w->evfd, &ev) < 0)
		return err_from_errno(errno);
	return ERR_OK;
}

enum err
workers_start(unsigned threads, struct workers **ret)
{
	CLEANUP(workers_stop)
	struct workers *w = calloc(1, sizeof(*w) + threads * sizeof(pthread_t));

	if (!w)
		return ERR_NOMEM;
	pthread_mutex_init(&w->mu, NULL);
	w->tail = &w->head;
	w->may_look = threads > 1 && get_nprocs() > 1;
	enum err e = make_descriptors(w);
	for (; !e && w->count < threads; w->count++) {
		int failed = pthread_create(&w->threads[w->count], NULL, work, w);
		if (failed) {
			log_error("workers", F_CSTR("reason", strerrordesc_np(failed)),
			    F_UINT("started", w->count));
			e = err_from_errno(failed);
			break;
		}
	}
	if (!e)
		*ret = MOVE_PTR(w);
	return e;
}

void
workers_stop(struct workers **wp)
{
	struct workers *w = MOVE_PTR(*wp);

	if (!w)
		return;
	pthread_mutex_lock(&w->mu);
	w->stopping = true;
	pthread_mutex_unlock(&w->mu);
	wake_one(w);
	for (unsigned i = 0; i < w->count; i++)
		pthread_join(w->threads[i], NULL);
	fd_close(&w->epfd);
	fd_close(&w->evfd);
	pthread_mutex_destroy(&w->mu);
	free(w);
}

void
workers_queue(struct workers *w, struct task *t)
{
	pthread_mutex_lock(&w->mu);
	t->next = NULL;
	*w->tail = t;
	w->tail = &t->next;
	w->queued++;
	pthread_mutex_unlock(&w->mu);
	wake_one(w);
}

enum err
workers_arm(struct workers *w, int fd, uint32_t epoll_events, bool known, struct task *t)
{
	struct epoll_event ev = {.events = epoll_events | EPOLLONESHOT, .data.ptr = t};

	if (epoll_ctl(w->epfd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ev) < 0)
		return err_from_errno(errno);
	return ERR_OK;
}

void
workers_forget(struct workers *w, int fd)
{
	epoll_ctl(w->epfd, EPOLL_CTL_DEL, fd, NULL);
}

bool
workers_rest(const struct workers *w)
{
	return w->may_look && atomic_load(&w->waiting) + 1 >= w->count;
}

struct workers_state
workers_look(struct workers *w)
{
	unsigned waiting = atomic_load_explicit(&w->waiting, memory_order_relaxed);
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&w->mu);

	return (struct workers_state){
	    .threads = w->count,
	    .busy = waiting < w->count ? w->count - waiting : 0,
	    .queued = w->queued,
	};
}
