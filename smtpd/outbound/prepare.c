#include "smtpd/outbound/prepare.h"

#include "common/base/clock.h"
#include "smtpd/outbound/ascii_domains.h"
#include "smtpd/outbound/downgrade.h"
#include "smtpd/outbound/list.h"

#include <pthread.h>
#include <stdatomic.h>

#define PREPARATION_ARENA (64 * 1024)

struct preparer {
	struct store *store;
	struct outgoing *outgoing;
	struct dns *dns;
	pthread_mutex_t mu;
	pthread_cond_t work;
	struct list waiting; /* guarded by mu: preparations for a thread */
	bool stop; /* guarded by mu */
	size_t idle; /* guarded by mu: threads */
	size_t thread_count; /* guarded by mu */
	pthread_t threads[PREPARE_THREADS];
};

/* Referred to by who began it, and by who works on it: a thread, or questions to the DNS. */
struct preparation {
	struct preparer *preparer;
	struct list turn; /* in preparer.waiting; guarded by its mu */
	struct arena *arena;
	struct queue_message message; /* a copy */
	int64_t ahead_ms;
	enum content_form form;
	struct content *inner; /* as it is in the queue; the worker's, as is the chain */
	struct chain *chain; /* its keys are there once it has another turn */
	atomic_bool unwanted;

	pthread_mutex_t mu;
	unsigned refs; /* guarded by mu, as is what follows */
	void (*ready)(void *arg); /* NULL: nobody wants to know */
	void *arg;
	bool is_ready;
	enum err err;
	struct content *content;
};

/* -- making ------------------------------------------------------------------------------------ */

/* The queue's octets, until nobody wants them any more. */
struct watched {
	struct queue_octets *inner;
	const atomic_bool *unwanted;
};

static enum err
read_watched(void *arg, uint64_t offset, char *to, size_t n, size_t *ret_n)
{
	struct watched *w = arg;

	if (atomic_load(w->unwanted))
		return ERR_CANCELLED;
	return queue_octets_read(w->inner, offset, to, n, ret_n);
}

static void
close_watched(void *arg)
{
	struct watched *w = arg;

	queue_octets_close(&w->inner);
	free(w);
}

static enum err
watch(struct queue_octets *octets, const atomic_bool *unwanted, struct queue_octets **ret)
{
	static const struct queue_octets_source source = {read_watched, close_watched};
	struct watched *w = malloc(sizeof(*w));

	if (!w) {
		queue_octets_close(&octets);
		return ERR_NOMEM;
	}
	*w = (struct watched){octets, unwanted};
	return queue_octets_make(&source, w, queue_octets_size(octets), ret);
}

/* `unwanted` may be NULL. */
static enum err
open_message(struct store *s, const struct queue_message *m, const atomic_bool *unwanted,
    struct content **ret)
{
	struct queue_octets *octets = NULL;
	enum err e = queue_octets_open(s, m->id, &octets);

	if (!e && unwanted) {
		struct queue_octets *bare = MOVE_PTR(octets);
		e = watch(bare, unwanted, &octets);
	}
	return e ? e : content_of_queue(octets, m, ret);
}

/* `in` is taken over. */
static enum err
make(struct preparer *p, const struct outgoing_message *om, struct content *in,
    enum content_form form, struct content **ret)
{
	const struct queue_message *m = om->envelope;
	struct content *c = in;
	enum err e = ERR_OK;

	if (m->kind == QUEUE_SUBMITTED && m->smtputf8 && in->utf8_header)
		e = ascii_domains(in, m, &c);
	if (!e && c->form > form) {
		struct content *wide = MOVE_PTR(c);
		e = downgrade(p->store, wide, m, form, &c);
	}
	return e ? e : outgoing_content(p->outgoing, om, c, ret);
}

bool
prepare_is_quick(const struct queue_message *m)
{
	return m->kind != QUEUE_FORWARDED && m->size <= PREPARE_AT_ONCE_MAX;
}

enum err
prepare_now(
    struct preparer *p, const struct queue_message *m, enum content_form form, struct content **ret)
{
	const struct outgoing_message om = {.envelope = m};
	struct content *in = NULL;
	enum err e = open_message(p->store, m, NULL, &in);

	return e ? e : make(p, &om, in, form, ret);
}

/* -- one preparation --------------------------------------------------------------------------- */

static void
unref(struct preparation *x)
{
	pthread_mutex_lock(&x->mu);
	bool last = --x->refs == 0;
	pthread_mutex_unlock(&x->mu);
	if (!last)
		return;
	content_close(&x->content);
	chain_free(&x->chain);
	content_close(&x->inner);
	pthread_mutex_destroy(&x->mu);
	struct arena *arena = x->arena;
	arena_free(&arena);
}

/* The worker's reference goes with it. */
static void
settle(struct preparation *x, enum err e, struct content *c)
{
	pthread_mutex_lock(&x->mu);
	x->err = e;
	x->content = c;
	x->is_ready = true;
	if (x->ready)
		x->ready(x->arg);
	pthread_mutex_unlock(&x->mu);
	unref(x);
}

static enum err
finish(struct preparation *x, struct content **ret)
{
	struct outgoing_message om = {.envelope = &x->message};
	int64_t now_s = (clock_mono_ms() + x->ahead_ms) / 1000;
	bool final = now_s - x->message.created_s >= PREPARE_PATIENCE_S;
	enum err e = x->chain ? chain_result(x->chain, final, &om.chain) : ERR_OK;

	return e ? e : make(x->preparer, &om, MOVE_PTR(x->inner), x->form, ret);
}

static void
enqueue(struct preparation *x)
{
	struct preparer *p = x->preparer;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&p->mu);

	(void)held;
	list_put_last(&p->waiting, &x->turn);
	pthread_cond_signal(&p->work);
}

static void
keys_are_there(void *arg)
{
	enqueue(arg);
}

static void
work_on(struct preparation *x)
{
	struct preparer *p = x->preparer;
	struct content *c = NULL;
	enum err e = ERR_OK;

	if (!x->inner) { /* its first turn */
		e = open_message(p->store, &x->message, &x->unwanted, &x->inner);
		if (!e && x->message.kind == QUEUE_FORWARDED)
			e = chain_read(x->inner, &x->chain);
		if (!e && x->chain) {
			chain_ask(x->chain, p->dns, keys_are_there, x); /* not ours any more */
			return;
		}
	}
	if (!e && atomic_load(&x->unwanted))
		e = ERR_CANCELLED;
	if (!e)
		e = finish(x, &c);
	settle(x, e, c);
}

/* -- threads ----------------------------------------------------------------------------------- */

static void *
run(void *arg)
{
	struct preparer *p = arg;

	pthread_mutex_lock(&p->mu);
	for (;;) {
		while (list_is_empty(&p->waiting) && !p->stop) {
			p->idle++;
			pthread_cond_wait(&p->work, &p->mu);
			p->idle--;
		}
		if (p->stop)
			break;
		struct preparation *x = LIST_OWNER(p->waiting.next, struct preparation, turn);
		list_take(&x->turn);
		pthread_mutex_unlock(&p->mu);
		work_on(x);
		pthread_mutex_lock(&p->mu);
	}
	pthread_mutex_unlock(&p->mu);
	return NULL;
}

static bool
has_threads(struct preparer *p)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&p->mu);

	(void)held;
	if (!p->idle && p->thread_count < PREPARE_THREADS && !p->stop &&
	    pthread_create(&p->threads[p->thread_count], NULL, run, p) == 0)
		p->thread_count++;
	return p->thread_count > 0;
}

/* -- for those who want it --------------------------------------------------------------------- */

static struct preparation *
new_preparation(struct preparer *p, const struct queue_message *m)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(PREPARATION_ARENA);
	struct preparation *x = arena ? ARENA_NEW(arena, struct preparation) : NULL;

	if (!x)
		return NULL;
	x->preparer = p;
	x->message = *m;
	x->message.sender = arena_dup(arena, m->sender);
	x->message.envid = arena_dup(arena, m->envid);
	x->message.trace_id = arena_dup(arena, m->trace_id);
	x->message.message_id = arena_dup(arena, m->message_id);
	if (arena_failed(arena))
		return NULL;
	list_init(&x->turn);
	pthread_mutex_init(&x->mu, NULL);
	x->refs = 2;
	x->arena = MOVE_PTR(arena);
	return x;
}

struct preparation *
preparation_begin(struct preparer *p, const struct queue_message *m, int64_t ahead_ms,
    enum content_form form, void (*ready)(void *arg), void *arg)
{
	struct preparation *x = has_threads(p) ? new_preparation(p, m) : NULL;

	if (!x)
		return NULL;
	x->ahead_ms = ahead_ms;
	x->form = form;
	x->ready = ready;
	x->arg = arg;
	enqueue(x);
	return x;
}

bool
preparation_take(struct preparation *x, enum err *ret_err, struct content **ret)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&x->mu);

	(void)held;
	if (!x->is_ready)
		return false;
	*ret_err = x->err;
	*ret = MOVE_PTR(x->content);
	return true;
}

void
preparation_free(struct preparation **xp)
{
	struct preparation *x = MOVE_PTR(*xp);

	if (!x)
		return;
	atomic_store(&x->unwanted, true);
	pthread_mutex_lock(&x->mu);
	x->ready = NULL;
	pthread_mutex_unlock(&x->mu);
	unref(x);
}

/* -- life -------------------------------------------------------------------------------------- */

enum err
preparer_new(struct store *store, struct outgoing *outgoing, struct dns *dns, struct preparer **ret)
{
	struct preparer *p = calloc(1, sizeof(*p));

	if (!p)
		return ERR_NOMEM;
	p->store = store;
	p->outgoing = outgoing;
	p->dns = dns;
	pthread_mutex_init(&p->mu, NULL);
	pthread_cond_init(&p->work, NULL);
	list_init(&p->waiting);
	*ret = p;
	return ERR_OK;
}

void
preparer_stop(struct preparer *p)
{
	pthread_mutex_lock(&p->mu);
	p->stop = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->mu);
	for (size_t i = 0; i < p->thread_count; i++)
		pthread_join(p->threads[i], NULL);
	p->thread_count = 0;
}

void
preparer_free(struct preparer **pp)
{
	struct preparer *p = MOVE_PTR(*pp);

	if (!p)
		return;
	preparer_stop(p);
	while (!list_is_empty(&p->waiting)) {
		struct preparation *x = LIST_OWNER(p->waiting.next, struct preparation, turn);
		list_take(&x->turn);
		settle(x, ERR_CANCELLED, NULL);
	}
	pthread_mutex_destroy(&p->mu);
	pthread_cond_destroy(&p->work);
	free(p);
}
