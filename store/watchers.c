#include "store/watchers.h"

#include <stdbool.h>
#include <stdlib.h>

#define BUCKETS 1024 /* ten thousand idle sessions: about ten in each */

struct watch {
	struct watchers *owner;
	struct watch *next;
	struct watch **link; /* what points to this one */
	int64_t account, mailbox;
	void (*fn)(void *arg);
	void *arg;
	unsigned calls; /* running now: pins it in its list */
	bool leaving;
};

struct watchers {
	pthread_mutex_t mu; /* guards the lists, and calls and leaving of each watch */
	pthread_cond_t done; /* a call to a leaving watch has ended */
	struct watch *bucket[BUCKETS];
};

struct watchers *
watchers_new(void)
{
	struct watchers *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	pthread_mutex_init(&w->mu, NULL);
	pthread_cond_init(&w->done, NULL);
	return w;
}

void
watchers_free(struct watchers **w)
{
	if (!*w)
		return;
	pthread_mutex_destroy(&(*w)->mu);
	pthread_cond_destroy(&(*w)->done);
	free(*w);
	*w = NULL;
}

static struct watch **
bucket_of(struct watchers *w, int64_t account)
{
	return &w->bucket[(uint64_t)account % BUCKETS];
}

enum err
watchers_add(struct watchers *w, int64_t account, int64_t mailbox, void (*fn)(void *arg), void *arg,
    struct watch **ret)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return ERR_NOMEM;
	*watch = (struct watch){
	    .owner = w, .account = account, .mailbox = mailbox, .fn = fn, .arg = arg};
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&w->mu);
	watch->link = bucket_of(w, account);
	watch->next = *watch->link;
	if (watch->next)
		watch->next->link = &watch->next;
	*watch->link = watch;
	*ret = watch;
	return ERR_OK;
}

void
watchers_remove(struct watch **watch)
{
	struct watch *gone = MOVE_PTR(*watch);

	if (!gone)
		return;
	struct watchers *w = gone->owner;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&w->mu);
	gone->leaving = true;
	while (gone->calls > 0)
		pthread_cond_wait(&w->done, &w->mu);
	*gone->link = gone->next;
	if (gone->next)
		gone->next->link = gone->link;
	free(gone);
}

/* Calls one watch with the lock let go; it stays in its list meanwhile. */
static void
call_one_locked(struct watchers *w, struct watch *watch)
{
	watch->calls++;
	pthread_mutex_unlock(&w->mu);
	watch->fn(watch->arg);
	pthread_mutex_lock(&w->mu);
	watch->calls--;
	if (watch->leaving && watch->calls == 0)
		pthread_cond_broadcast(&w->done);
}

void
watchers_call(struct watchers *w, int64_t account, int64_t mailbox)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&w->mu);

	/* the watch just called is only taken out after the lock is let go again, so its `next` is
	 * good */
	for (struct watch *at = *bucket_of(w, account); at; at = at->next) {
		bool meant = at->account == account &&
			     (mailbox == 0 || at->mailbox == 0 || at->mailbox == mailbox);
		if (meant && !at->leaving)
			call_one_locked(w, at);
	}
}

void
watchers_call_all(struct watchers *w)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&w->mu);

	for (size_t i = 0; i < BUCKETS; i++)
		for (struct watch *at = w->bucket[i]; at; at = at->next)
			if (!at->leaving)
				call_one_locked(w, at);
}
