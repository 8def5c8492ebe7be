/* Jobs: from the queue to whoever carries them out, and what became of them back. */
#include "smtpd/outbound/downgrade.h"
#include "smtpd/outbound/report.h"
#include "smtpd/outbound/runner_private.h"

#include "common/base/clock.h"
#include "common/base/log.h"

#define RECORD_AT_ONCE 64 /* parcels in a transaction */
#define PARCEL_ARENA (4 * 1024 * 1024)

void
parcel_free(struct parcel **p)
{
	if (!*p)
		return;
	struct arena *arena = (*p)->job.arena;
	*p = NULL;
	arena_free(&arena);
}

static struct parcel *
new_parcel(void)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(PARCEL_ARENA);
	struct parcel *p = arena ? ARENA_NEW(arena, struct parcel) : NULL;

	if (!p)
		return NULL;
	list_init(&p->turn);
	p->job.arena = MOVE_PTR(arena);
	return p;
}

static void
pick_is_over(struct runner *r, struct scheduler_pick *pick, enum scheduler_fate fate)
{
	enum scheduler_fate fates[JOB_RCPTS_MAX];

	for (size_t i = 0; i < JOB_RCPTS_MAX; i++)
		fates[i] = fate;
	scheduler_done(r->scheduler, pick, fates, SCHEDULER_NEITHER);
}

/* Puts those whom a person gave up into a parcel of their own: they are not tried. */
static void
part_given_up(struct runner *r, struct parcel *p)
{
	static const struct scheduler_verdict verdict = {.permanent = true,
	    .status = {"5.0.0", 5},
	    .reply = {"Given up by the administrator of this server", 44}};
	size_t kept = 0, given_up = 0;

	for (size_t i = 0; i < p->job.rcpt_count; i++)
		given_up += p->job.rcpts[i].row.give_up;
	if (!given_up)
		return;
	struct parcel *other = new_parcel();
	struct job_rcpt *theirs =
	    other ? arena_alloc_array(other->job.arena, given_up, sizeof(*theirs)) : NULL;
	if (!theirs) {
		parcel_free(&other);
		return; /* then they are tried once more */
	}
	struct arena *a = other->job.arena;
	struct queue_message *m = &other->job.message;
	*m = p->job.message;
	m->sender = arena_dup(a, m->sender);
	m->envid = arena_dup(a, m->envid);
	m->trace_id = arena_dup(a, m->trace_id);
	m->message_id = arena_dup(a, m->message_id);
	other->job.rcpts = theirs;
	for (size_t i = 0; i < p->job.rcpt_count; i++) {
		struct job_rcpt *rcpt = &p->job.rcpts[i];
		if (!rcpt->row.give_up) {
			p->job.rcpts[kept++] = *rcpt;
			continue;
		}
		struct job_rcpt *to = &theirs[other->job.rcpt_count++];
		*to = *rcpt;
		to->row.address = arena_dup(a, rcpt->row.address);
		to->row.domain = arena_dup(a, rcpt->row.domain);
		to->row.orcpt = arena_dup(a, rcpt->row.orcpt);
		to->row.last_reply = to->row.last_host = STR("");
	}
	p->job.rcpt_count = kept;
	parcel_set_fates(other, JOB_NEVER, &verdict);
	parcel_hand_back(r, other);
}

struct parcel *
parcel_load(struct runner *r, struct scheduler_pick *pick)
{
	CLEANUP(parcel_free) struct parcel *p = new_parcel();
	int64_t ids[JOB_RCPTS_MAX];
	size_t n = scheduler_pick_count(pick), found = 0;
	struct queue_rcpt *rows = NULL;

	for (size_t i = 0; i < n; i++)
		ids[i] = scheduler_pick_row(pick, i);
	enum err e = p ? queue_job_get(r->store, scheduler_pick_message(pick), ids, n, p->job.arena,
			     &p->job.message, &rows, &found)
		       : ERR_NOMEM;
	if (!e)
		p->job.rcpts = arena_alloc_array(p->job.arena, found + 1, sizeof(*p->job.rcpts));
	if (!e && p->job.rcpts) {
		for (size_t i = 0; i < found; i++)
			p->job.rcpts[i].row = rows[i];
		p->job.rcpt_count = found;
		part_given_up(r, p);
	}
	if (e || !p->job.rcpt_count) {
		/* dropped or held meanwhile; what could not be read is still due */
		bool unread = e && e != ERR_NOT_FOUND;
		if (unread)
			log_error("outbound", F_CSTR("op", "job"), F_ERR(e));
		pick_is_over(r, pick, unread ? SCHEDULER_UNREAD : SCHEDULER_RECORDED);
		return NULL;
	}
	p->pick = pick;
	return MOVE_PTR(p);
}

void
parcel_set_fates(struct parcel *p, enum job_fate fate, const struct scheduler_verdict *v)
{
	struct arena *a = p->job.arena;
	struct str status = arena_dup(a, v->status);
	struct str reply = arena_dup(a, v->reply);

	for (size_t i = 0; i < p->job.rcpt_count; i++) {
		struct job_rcpt *rcpt = &p->job.rcpts[i];
		if (rcpt->fate != JOB_UNTRIED)
			continue;
		rcpt->fate = fate;
		rcpt->code = v->code;
		rcpt->status = status;
		rcpt->reply = reply;
	}
	if (v->host.n)
		p->job.host = arena_dup(a, v->host);
}

/* Why there are no octets, as a fate. */
static void
set_content_failure(struct parcel *p, enum err e)
{
	static const struct scheduler_verdict damaged = {.permanent = true,
	    .status = {"5.6.3", 5},
	    .reply = {"The other server takes no 8-bit mail, and the message can't be converted "
		      "without breaking it",
		94}};
	static const struct scheduler_verdict trouble = {
	    .status = {"4.3.0", 5}, .reply = {"The message could not be read here", 34}};

	if (e != ERR_CANNOT)
		log_error("outbound", F_CSTR("op", "content"), F_INT("message", p->job.message.id),
		    F_ERR(e));
	parcel_set_fates(
	    p, e == ERR_CANNOT ? JOB_NEVER : JOB_LATER, e == ERR_CANNOT ? &damaged : &trouble);
}

struct content *
parcel_content(struct runner *r, struct job *job, enum content_form form)
{
	struct parcel *p = LIST_OWNER(job, struct parcel, job);
	struct queue_octets *octets = NULL;
	struct content *c = NULL;
	enum err e = queue_octets_open(r->store, job->message.id, &octets);

	if (!e)
		e = content_of_queue(octets, &job->message, &c);
	if (!e && c->form > form) {
		struct content *in = MOVE_PTR(c);
		e = downgrade(r->store, in, &job->message, form, &c);
	}
	if (!e) {
		struct content *in = MOVE_PTR(c);
		e = outgoing_content(r->outgoing, &job->message, in, &c);
	}
	if (!e)
		return c;
	set_content_failure(p, e);
	return NULL;
}

void
parcel_hand_back(struct runner *r, struct parcel *p)
{
	pthread_mutex_lock(&r->mu);
	list_put_last(&r->done, &p->turn);
	pthread_mutex_unlock(&r->mu);
	runner_poke(r);
}

/* What nothing was said of is tried again over another connection, but not for ever. */
static void
settle_untried(struct parcel *p)
{
	static const struct scheduler_verdict broke = {
	    .status = {"4.4.2", 5}, .reply = {"The connection broke", 20}};

	if (!p->pick || scheduler_pick_tries(p->pick) + 1 >= RUNNER_TRIES_MAX)
		parcel_set_fates(p, JOB_LATER, &broke);
}

static void
finish_pick(struct runner *r, struct parcel *p)
{
	enum scheduler_fate fates[JOB_RCPTS_MAX] = {SCHEDULER_RECORDED};
	size_t n = scheduler_pick_count(p->pick);
	bool good = false;

	for (size_t i = 0; i < p->job.rcpt_count; i++) {
		const struct job_rcpt *rcpt = &p->job.rcpts[i];
		good |= rcpt->fate == JOB_DONE;
		for (size_t j = 0; j < n && rcpt->fate == JOB_UNTRIED; j++)
			if (scheduler_pick_row(p->pick, j) == rcpt->row.id)
				fates[j] = SCHEDULER_BACK;
	}
	scheduler_done(r->scheduler, p->pick, fates,
	    good     ? SCHEDULER_GOOD
	    : p->bad ? SCHEDULER_BAD
		     : SCHEDULER_NEITHER);
}

static void
finish(struct runner *r, struct parcel *p)
{
	if (p->pick)
		finish_pick(r, p);
	parcel_free(&p);
}

bool
parcel_record(struct runner *r, struct parcel *p)
{
	CLEANUP(conf_unref) struct conf *conf = runner_conf(r);
	struct results res = {0};

	settle_untried(p);
	enum err e = results_make(conf, &p->job, p->attempted, &res);
	if (!e && res.n)
		e = results_record(r, conf, &p->job, &res);
	if (e && e != ERR_NOT_FOUND) {
		log_error("outbound", F_CSTR("op", "record"), F_INT("message", p->job.message.id),
		    F_ERR(e));
		return false;
	}
	finish(r, p);
	return true;
}

/* -- many -------------------------------------------------------------------------------------- */

struct batch {
	struct parcel *parcels[RECORD_AT_ONCE];
	struct results results[RECORD_AT_ONCE];
	struct queue_recorded items[RECORD_AT_ONCE];
	size_t n;
};

static void
record_alone(struct runner *r, struct parcel *p, struct list *failed)
{
	if (!parcel_record(r, p))
		list_put_last(failed, &p->turn);
}

static void
record_batch(struct runner *r, struct batch *b, struct list *failed)
{
	enum err e = b->n ? queue_record_many(r->store, b->items, b->n) : ERR_OK;

	for (size_t i = 0; i < b->n; i++) {
		if (e) {
			record_alone(r, b->parcels[i], failed);
			continue;
		}
		results_note(r, &b->parcels[i]->job, &b->results[i]);
		finish(r, b->parcels[i]);
	}
	b->n = 0;
}

void
parcel_record_all(struct runner *r, struct list *done, struct list *failed)
{
	CLEANUP(conf_unref) struct conf *conf = runner_conf(r);
	struct batch b = {.n = 0};

	while (!list_is_empty(done)) {
		struct parcel *p = LIST_OWNER(done->next, struct parcel, turn);
		struct results *res = &b.results[b.n];
		list_take(&p->turn);
		settle_untried(p);
		enum err e = results_make(conf, &p->job, p->attempted, res);
		if (e || res->told_n || !res->n) {
			record_alone(r, p, failed);
			continue;
		}
		b.parcels[b.n] = p;
		b.items[b.n] = (struct queue_recorded){p->job.message.id, res->rows, res->n};
		if (++b.n == RECORD_AT_ONCE)
			record_batch(r, &b, failed);
	}
	record_batch(r, &b, failed);
}
