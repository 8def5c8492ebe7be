#include "common/dns/dns.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/dns/dns_private.h"

#define ANSWER_ARENA_MAX (512 * 1024)

struct question {
	struct dns *dns;
	/* in `asked` or `waiting`; guarded by mu, as is all that follows */
	struct question *next, **at;
	int64_t until_ms; /* of one that was asked */
	int id; /* libunbound's */
	enum dns_type type;
	void (*fn)(void *arg, const struct dns_answer *a);
	void *arg;
	char name[];
};

struct list {
	struct question *head, **tail;
	size_t n;
};

struct dns {
	const struct conf *conf;
	struct ub_ctx *ctx; /* NULL until the first question; then it stays */
	struct loop *loop;
	struct loop_timer *timer; /* the first of `asked` is out of time */
	int fd; /* libunbound's, readable when it has answers; -1 */
	int64_t timeout_ms;
	pthread_mutex_t mu;
	struct list asked; /* in the order of their times; guarded by mu */
	struct list waiting; /* guarded by mu */
	bool closing; /* guarded by mu */
};

/* -- lists; all with mu held ------------------------------------------------------------------ */

static void
list_append(struct list *l, struct question *q)
{
	q->next = NULL;
	q->at = l->tail;
	*l->tail = q;
	l->tail = &q->next;
	l->n++;
}

static void
list_remove(struct list *l, struct question *q)
{
	*q->at = q->next;
	if (q->next)
		q->next->at = q->at;
	else
		l->tail = q->at;
	l->n--;
}

/* -- answers: on the loop's thread ------------------------------------------------------------ */

static void
answer_failed(struct question *q, const char *why)
{
	const struct dns_answer a = {.status = DNS_FAILED, .why = why};

	q->fn(q->arg, &a);
	free(q);
}

static void
log_bogus(const struct question *q, const struct dns_answer *a)
{
	log_info("dns_bogus", F_CSTR("name", q->name), F_UINT("type", q->type),
	    F_CSTR("reason", a->why));
}

static void ask_waiting(struct dns *d);

static void
take_result(void *arg, int err, struct ub_result *result)
{
	struct question *q = arg;
	struct dns *d = q->dns;
	CLEANUP(arena_free) struct arena *arena = arena_new(ANSWER_ARENA_MAX);
	struct dns_answer a;

	pthread_mutex_lock(&d->mu);
	list_remove(&d->asked, q);
	pthread_mutex_unlock(&d->mu);
	if (arena) {
		dns_parse_answer(q->type, err, result, arena, &a);
		if (a.status == DNS_BOGUS)
			log_bogus(q, &a);
		q->fn(q->arg, &a);
		free(q);
	} else {
		answer_failed(q, "out of memory");
	}
	ub_resolve_free(result);
	ask_waiting(d);
}

static void
process(void *arg)
{
	struct dns *d = arg;
	int code = ub_process(d->ctx);

	if (code) {
		/* its thread is gone: what was asked runs out of time, and the next say so again */
		log_error("dns_process", F_CSTR("reason", ub_strerror(code)));
		loop_unwatch(d->loop, d->fd);
	}
}

/* -- asking ----------------------------------------------------------------------------------- */

static void
set_timer_locked(struct dns *d)
{
	int64_t now = clock_mono_ms();

	if (d->asked.head)
		loop_timer_set(
		    d->timer, d->asked.head->until_ms > now ? d->asked.head->until_ms - now : 1);
	else
		loop_timer_set(d->timer, 0);
}

static int
ask_locked(struct dns *d, struct question *q)
{
	bool first = !d->asked.head;

	q->until_ms = clock_mono_ms() + d->timeout_ms;
	int code = ub_resolve_async(d->ctx, q->name, (int)q->type, 1, q, take_result, &q->id);
	if (code)
		return code;
	list_append(&d->asked, q);
	if (first)
		set_timer_locked(d);
	return 0;
}

/* As many of those that wait as may be asked now. */
static void
ask_waiting(struct dns *d)
{
	for (;;) {
		pthread_mutex_lock(&d->mu);
		struct question *q = d->waiting.head;
		int code = 0;
		if (!q || d->asked.n >= DNS_IN_FLIGHT_MAX) {
			pthread_mutex_unlock(&d->mu);
			return;
		}
		list_remove(&d->waiting, q);
		code = ask_locked(d, q);
		pthread_mutex_unlock(&d->mu);
		if (code)
			answer_failed(q, ub_strerror(code));
	}
}

static void
end_late(void *arg)
{
	struct dns *d = arg;

	for (;;) {
		pthread_mutex_lock(&d->mu);
		struct question *q = d->asked.head;
		if (!q || q->until_ms > clock_mono_ms()) {
			set_timer_locked(d);
			pthread_mutex_unlock(&d->mu);
			break;
		}
		list_remove(&d->asked, q);
		pthread_mutex_unlock(&d->mu);
		/* on this thread ub_process() runs too: no answer is just being handed out */
		ub_cancel(d->ctx, q->id);
		answer_failed(q, "no answer in time");
	}
	ask_waiting(d);
}

/* The library takes a megabyte, which a server that has no mail to send need not have. mu held. */
static enum err
start_locked(struct dns *d)
{
	struct ub_ctx *ctx = NULL;

	if (d->ctx)
		return ERR_OK;
	enum err e = dns_make_context(d->conf, &ctx);
	if (e)
		return e;
	int fd = ub_fd(ctx);
	e = fd < 0 ? ERR_IO : loop_watch(d->loop, fd, process, d);
	if (e) {
		ub_ctx_delete(ctx);
		return e;
	}
	d->ctx = ctx;
	d->fd = fd;
	return ERR_OK;
}

enum err
dns_ask(struct dns *d, struct str name, enum dns_type type,
    void (*fn)(void *arg, const struct dns_answer *a), void *arg)
{
	if (!dns_is_name(name))
		return ERR_SYNTAX;
	struct question *q = calloc(1, sizeof(*q) + name.n + 2);
	if (!q)
		return ERR_NOMEM;
	q->dns = d;
	q->type = type;
	q->fn = fn;
	q->arg = arg;
	memcpy(q->name, name.p, name.n);
	q->name[name.n] = '.';
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&d->mu);
	enum err e = d->closing ? ERR_BUSY : start_locked(d);
	if (e) {
		free(q);
		return e;
	}
	if (d->asked.n < DNS_IN_FLIGHT_MAX) {
		int code = ask_locked(d, q);
		if (!code)
			return ERR_OK;
		free(q);
		return code == UB_NOMEM ? ERR_NOMEM : ERR_IO;
	}
	if (d->waiting.n >= DNS_WAITING_MAX) {
		free(q);
		return ERR_BUSY;
	}
	list_append(&d->waiting, q);
	return ERR_OK;
}

/* -- life ------------------------------------------------------------------------------------- */

enum err
dns_new(struct loop *l, const struct conf *conf, struct dns **ret)
{
	CLEANUP(dns_free) struct dns *d = calloc(1, sizeof(*d));

	if (!d)
		return ERR_NOMEM;
	pthread_mutex_init(&d->mu, NULL);
	d->asked.tail = &d->asked.head;
	d->waiting.tail = &d->waiting.head;
	d->conf = conf;
	d->loop = l;
	d->fd = -1;
	d->timeout_ms = (int64_t)conf->dns.timeout_s * 1000;
	d->timer = loop_timer_new(l, end_late, d);
	if (!d->timer)
		return ERR_NOMEM;
	*ret = MOVE_PTR(d);
	return ERR_OK;
}

void
dns_free(struct dns **dp)
{
	struct dns *d = MOVE_PTR(*dp);
	struct question *q;

	if (!d)
		return;
	pthread_mutex_lock(&d->mu);
	d->closing = true;
	pthread_mutex_unlock(&d->mu);
	loop_timer_free(&d->timer);
	if (d->fd >= 0)
		loop_unwatch(d->loop, d->fd);
	if (d->ctx)
		ub_ctx_delete(d->ctx); /* nothing is called for what it had in hand */
	while ((q = d->asked.head)) {
		list_remove(&d->asked, q);
		answer_failed(q, "shutting down");
	}
	while ((q = d->waiting.head)) {
		list_remove(&d->waiting, q);
		answer_failed(q, "shutting down");
	}
	pthread_mutex_destroy(&d->mu);
	free(d);
}
