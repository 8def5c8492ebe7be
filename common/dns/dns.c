#include "common/dns/dns.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/dns/dns_private.h"
#include "common/metrics/metrics.h"

#define ANSWER_ARENA_MAX (512 * 1024)

/* -- lists; all with mu held ------------------------------------------------------------------ */

static void
list_append(struct dns_list *l, struct dns_question *q)
{
	q->next = NULL;
	q->at = l->tail;
	*l->tail = q;
	l->tail = &q->next;
	l->n++;
}

static void
list_remove(struct dns_list *l, struct dns_question *q)
{
	*q->at = q->next;
	if (q->next)
		q->next->at = q->at;
	else
		l->tail = q->at;
	l->n--;
}

/* The first, or NULL. */
static struct dns_question *
list_take(struct dns_list *l)
{
	struct dns_question *q = l->head;

	if (!q)
		return NULL;
	l->head = q->next;
	if (q->next)
		q->next->at = &l->head;
	else
		l->tail = &l->head;
	l->n--;
	return q;
}

/* -- answers: on the loop's thread ------------------------------------------------------------ */

static void
answer_failed(struct dns_question *q, const char *why)
{
	const struct dns_answer a = {.status = DNS_FAILED, .why = why};

	METRICS_COUNT(dns_failures, 0);
	q->fn(q->arg, &a);
	free(q);
}

static void
log_bogus(const struct dns_question *q, const struct dns_answer *a)
{
	METRICS_COUNT(dns_failures, 1);
	log_info("dns_bogus", F_CSTR("name", q->name), F_UINT("type", q->type),
	    F_CSTR("reason", a->why));
}

static void ask_waiting(struct dns *d);

/* What `q` came to, which is in no list: told, or put among those that are asked again. */
static void
take_answer(struct dns_question *q, const struct dns_answer *a)
{
	struct dns *d = q->dns;
	enum dns_doubt doubt = dns_judge(d, q, a);

	if (doubt == DNS_BELIEVE) {
		if (a->status == DNS_BOGUS && !q->probe)
			log_bogus(q, a);
		q->fn(q->arg, a);
		free(q);
		return;
	}
	pthread_mutex_lock(&d->mu);
	list_append(doubt == DNS_HOLD ? &d->held : &d->waiting, q);
	pthread_mutex_unlock(&d->mu);
	if (doubt == DNS_HOLD)
		dns_doubt(d);
}

static void
take_result(void *arg, int err, struct ub_result *result)
{
	struct dns_question *q = arg;
	struct dns *d = q->dns;
	CLEANUP(arena_free) struct arena *arena = arena_new(ANSWER_ARENA_MAX);
	struct dns_answer a;

	pthread_mutex_lock(&d->mu);
	list_remove(&d->asked, q);
	q->source->open--;
	pthread_mutex_unlock(&d->mu);
	if (arena) {
		METRICS_TIME(dns_answer, 0, q->asked_us);
		dns_parse_answer(q->type, err, result, arena, &a);
		if (a.status == DNS_FAILED)
			METRICS_COUNT(dns_failures, 0);
		take_answer(q, &a);
	} else {
		answer_failed(q, "out of memory");
	}
	ub_resolve_free(result);
	ask_waiting(d);
}

/* -- sources ---------------------------------------------------------------------------------- */

static void
free_source(struct dns_source *s)
{
	if (s->fd >= 0)
		loop_unwatch(s->dns->loop, s->fd);
	ub_ctx_delete(s->ctx); /* nothing is called for what it had in hand */
	free(s);
}

/* Not while a source calls back. */
static void
free_retired(struct dns *d)
{
	struct dns_source *gone = NULL;

	pthread_mutex_lock(&d->mu);
	for (struct dns_source **at = &d->sources; *at;) {
		struct dns_source *s = *at;
		if (!s->retired || s->open > 0) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		s->next = gone;
		gone = s;
	}
	pthread_mutex_unlock(&d->mu);
	while (gone) {
		struct dns_source *s = gone;
		gone = s->next;
		free_source(s);
	}
}

static void
process(void *arg)
{
	struct dns_source *s = arg;
	struct dns *d = s->dns;
	int code = ub_process(s->ctx);

	if (code) {
		/* its thread is gone: what was asked runs out of time, and the next say so again */
		log_error("dns_process", F_CSTR("reason", ub_strerror(code)));
		loop_unwatch(d->loop, s->fd);
		s->fd = -1;
	}
	free_retired(d);
}

enum err
dns_open_source(struct dns *d, bool validates, struct dns_source **ret)
{
	CLEANUP(mem_free) struct dns_source *s = calloc(1, sizeof(*s));

	if (!s)
		return ERR_NOMEM;
	enum err e = dns_make_context(d->conf, validates, &s->ctx);
	if (e)
		return e;
	s->dns = d;
	s->validates = validates;
	s->fd = ub_fd(s->ctx);
	e = s->fd < 0 ? ERR_IO : loop_watch(d->loop, s->fd, process, s);
	if (e) {
		ub_ctx_delete(s->ctx);
		return e;
	}
	s->next = d->sources;
	d->sources = s;
	*ret = MOVE_PTR(s);
	return ERR_OK;
}

void
dns_retire_source(struct dns_source *s)
{
	s->retired = true;
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
ask_locked(struct dns *d, struct dns_question *q, struct dns_source *s)
{
	bool first = !d->asked.head;

	METRICS_COUNT(dns_questions, 0);
	q->asked_us = clock_mono_us();
	q->until_ms = q->asked_us / 1000 + d->timeout_ms;
	q->source = s;
	int code = ub_resolve_async(s->ctx, q->name, (int)q->type, 1, q, take_result, &q->id);
	if (code)
		return code;
	s->open++;
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
		struct dns_question *q =
		    d->asked.n < DNS_IN_FLIGHT_MAX ? list_take(&d->waiting) : NULL;
		if (!q) {
			pthread_mutex_unlock(&d->mu);
			return;
		}
		int code = ask_locked(d, q, d->current);
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
		struct dns_question *q = d->asked.head;
		if (!q || q->until_ms > clock_mono_ms()) {
			set_timer_locked(d);
			pthread_mutex_unlock(&d->mu);
			break;
		}
		list_remove(&d->asked, q);
		q->source->open--;
		pthread_mutex_unlock(&d->mu);
		/* on this thread ub_process() runs too: no answer is just being handed out */
		ub_cancel(q->source->ctx, q->id);
		answer_failed(q, "no answer in time");
	}
	ask_waiting(d);
	free_retired(d);
}

/* The library takes a megabyte, which a server that has no mail to send need not have. mu held. */
static enum err
start_locked(struct dns *d)
{
	return d->current ? ERR_OK : dns_open_source(d, true, &d->current);
}

static struct dns_question *
new_question(struct dns *d, struct str name)
{
	struct dns_question *q = calloc(1, sizeof(*q) + name.n + 2);

	if (!q)
		return NULL;
	q->dns = d;
	if (name.n)
		memcpy(q->name, name.p, name.n);
	q->name[name.n] = '.';
	return q;
}

enum err
dns_ask_root(struct dns *d, struct dns_source *s, void (*fn)(void *arg, const struct dns_answer *a))
{
	struct dns_question *q = new_question(d, STR(""));

	if (!q)
		return ERR_NOMEM;
	q->type = DNS_NS;
	q->probe = true;
	q->fn = fn;
	q->arg = d;
	int code = ask_locked(d, q, s);
	if (!code)
		return ERR_OK;
	free(q);
	return code == UB_NOMEM ? ERR_NOMEM : ERR_IO;
}

void
dns_ask_held(struct dns *d)
{
	struct dns_question *q;

	pthread_mutex_lock(&d->mu);
	while ((q = list_take(&d->held))) {
		q->settled = true;
		list_append(&d->waiting, q);
	}
	pthread_mutex_unlock(&d->mu);
	ask_waiting(d);
}

enum err
dns_ask(struct dns *d, struct str name, enum dns_type type,
    void (*fn)(void *arg, const struct dns_answer *a), void *arg)
{
	if (!dns_is_name(name))
		return ERR_SYNTAX;
	struct dns_question *q = new_question(d, name);
	if (!q)
		return ERR_NOMEM;
	q->type = type;
	q->fn = fn;
	q->arg = arg;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&d->mu);
	enum err e = d->closing ? ERR_BUSY : start_locked(d);
	if (e) {
		free(q);
		return e;
	}
	if (d->asked.n < DNS_IN_FLIGHT_MAX) {
		int code = ask_locked(d, q, d->current);
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
	d->held.tail = &d->held.head;
	d->conf = conf;
	d->loop = l;
	d->trust = conf->dns.from_root ? DNS_TRUST_PROVEN : DNS_TRUST_UNPROVEN;
	dns_set_probe_ms(d, DNS_PROBE_FIRST_MS);
	d->timeout_ms = (int64_t)conf->dns.timeout_s * 1000;
	d->timer = loop_timer_new(l, end_late, d);
	d->probe_timer = loop_timer_new(l, dns_probe_again, d);
	if (!d->timer || !d->probe_timer)
		return ERR_NOMEM;
	*ret = MOVE_PTR(d);
	return ERR_OK;
}

static void
end_all(struct dns_list *l)
{
	struct dns_question *q;

	while ((q = list_take(l))) {
		if (q->probe)
			free(q);
		else
			answer_failed(q, "shutting down");
	}
}

void
dns_free(struct dns **dp)
{
	struct dns *d = MOVE_PTR(*dp);
	struct dns_source *s;

	if (!d)
		return;
	pthread_mutex_lock(&d->mu);
	d->closing = true;
	pthread_mutex_unlock(&d->mu);
	loop_timer_free(&d->timer);
	loop_timer_free(&d->probe_timer);
	while ((s = d->sources)) {
		d->sources = s->next;
		free_source(s);
	}
	end_all(&d->asked);
	end_all(&d->waiting);
	end_all(&d->held);
	pthread_mutex_destroy(&d->mu);
	free(d);
}
