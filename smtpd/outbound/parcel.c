/* Jobs: from the queue to whoever carries them out, and what became of them back. */
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

/* Those whom a person gave up are not tried; the others of the pick are, after it. It is done when
 * that is recorded: rows that are still in the queue must not be picked again and again meanwhile.
 */
static bool
give_up(struct runner *r, struct parcel *p)
{
	static const struct scheduler_verdict verdict = {.permanent = true,
	    .status = {"5.0.0", 5},
	    .reply = {"Given up by the administrator of this server", 44}};
	struct job_rcpt all[JOB_RCPTS_MAX];
	size_t n = 0, given_up = 0;

	/* first those whom the verdict is for */
	for (size_t i = 0; i < p->job.rcpt_count; i++)
		if (p->job.rcpts[i].row.give_up)
			all[n++] = p->job.rcpts[i];
	given_up = n;
	for (size_t i = 0; i < p->job.rcpt_count; i++)
		if (!p->job.rcpts[i].row.give_up)
			all[n++] = p->job.rcpts[i];
	if (!given_up)
		return false;
	memcpy(p->job.rcpts, all, n * sizeof(*all));
	p->job.rcpt_count = given_up;
	parcel_set_fates(p, JOB_NEVER, &verdict);
	p->job.rcpt_count = n;
	p->given_up = true;
	parcel_hand_back(r, p);
	return true;
}

/* What was picked can't be read. What was dropped or held meanwhile is no trouble. */
static void
not_read(struct runner *r, struct scheduler_pick *pick, enum err e)
{
	if (!e || e == ERR_NOT_FOUND) {
		pick_is_over(r, pick, SCHEDULER_RECORDED);
		return;
	}
	if (e == ERR_CORRUPT)
		runner_tell_damage(r);
	log_error("outbound", F_CSTR("op", "job"), F_INT("message", scheduler_pick_message(pick)),
	    F_ERR(e));
	pick_is_over(r, pick, e == ERR_CORRUPT ? SCHEDULER_DAMAGED : SCHEDULER_UNREAD);
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
	if (p)
		p->job.ahead_ms = runner_queue_ahead_ms(r); /* before it is read */
	enum err e = p ? queue_job_get(r->store, scheduler_pick_message(pick), ids, n, p->job.arena,
			     &p->job.message, &rows, &found)
		       : ERR_NOMEM;
	if (!e && found &&
	    !(p->job.rcpts = arena_alloc_array(p->job.arena, found, sizeof(*p->job.rcpts))))
		e = ERR_NOMEM;
	if (e || !found) {
		not_read(r, pick, e);
		return NULL;
	}
	for (size_t i = 0; i < found; i++)
		p->job.rcpts[i].row = rows[i];
	p->job.rcpt_count = found;
	p->pick = pick;
	if (give_up(r, p)) {
		p = NULL; /* the thread's */
		return NULL;
	}
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

void
parcel_set_content_failure(struct job *job, enum err e)
{
	static const struct scheduler_verdict damaged = {.permanent = true,
	    .status = {"5.6.3", 5},
	    .reply = {"The other server takes no 8-bit mail, and the message can't be converted "
		      "without breaking it",
		94}};
	static const struct scheduler_verdict trouble = {
	    .status = {"4.3.0", 5}, .reply = {"The message could not be read here", 34}};
	static const struct scheduler_verdict no_keys = {.status = {"4.4.3", 5},
	    .reply = {
		"The keys of those who sealed the message (ARC) can't be had from the DNS for "
		"now",
		80}};
	struct parcel *p = LIST_OWNER(job, struct parcel, job);

	if (e == ERR_CANNOT) {
		parcel_set_fates(p, JOB_NEVER, &damaged);
	} else if (e == ERR_BUSY) {
		parcel_set_fates(p, JOB_LATER, &no_keys);
	} else {
		log_error("outbound", F_CSTR("op", "content"), F_INT("message", job->message.id),
		    F_ERR(e));
		parcel_set_fates(p, JOB_LATER, &trouble);
	}
}

struct content *
parcel_content(struct runner *r, struct job *job, enum content_form form)
{
	struct content *c = NULL;
	enum err e = prepare_now(r->preparer, &job->message, form, &c);

	if (!e)
		return c;
	parcel_set_content_failure(job, e);
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

	if (!p->given_up && scheduler_pick_tries(p->pick) + 1 >= RUNNER_TRIES_MAX)
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
	finish_pick(r, p);
	parcel_free(&p);
}

bool
parcel_record(struct runner *r, struct parcel *p)
{
	CLEANUP(conf_unref) struct conf *conf = runner_conf(r);
	CLEANUP(arena_free) struct arena *arena = arena_new(PARCEL_ARENA);
	struct results res = {0};

	settle_untried(p);
	enum err e = arena ? results_make(conf, &p->job, p->attempted, arena, &res) : ERR_NOMEM;
	if (!e && res.n)
		e = results_record(r, conf, &p->job, &res);
	if (e && e != ERR_NOT_FOUND) {
		p->trouble = e;
		return false;
	}
	finish(r, p);
	return true;
}

/* Reports are left to the thread: they are written with a sync. */
bool
parcel_record_here(struct runner *r, struct parcel *p)
{
	CLEANUP(conf_unref) struct conf *conf = runner_conf(r);
	CLEANUP(arena_free) struct arena *arena = arena_new(PARCEL_ARENA);
	struct results res = {0};

	settle_untried(p);
	if (!arena || results_make(conf, &p->job, p->attempted, arena, &res) || res.told_n ||
	    !res.n)
		return false;
	const struct queue_recorded item = {p->job.message.id, res.rows, res.n};
	if (queue_record_many(r->store, &item, 1))
		return false;
	results_note(r, &p->job, &res);
	finish(r, p);
	return true;
}

/* -- many -------------------------------------------------------------------------------------- */

struct batch {
	struct arena *arena; /* of the results */
	struct parcel *parcels[RECORD_AT_ONCE];
	struct results results[RECORD_AT_ONCE];
	struct queue_recorded items[RECORD_AT_ONCE];
	size_t n;
	enum err trouble; /* nothing can be written for now */
};

/* Others would fare no better. */
static bool
is_general(enum err e)
{
	return e == ERR_NO_SPACE || e == ERR_IO || e == ERR_BUSY || e == ERR_NOMEM;
}

static void
keep(struct batch *b, struct parcel *p, enum err e, struct list *failed)
{
	if (is_general(e))
		b->trouble = e;
	p->trouble = e;
	list_put_last(failed, &p->turn);
}

static void
record_alone(struct runner *r, struct batch *b, struct parcel *p, struct list *failed)
{
	if (b->trouble)
		keep(b, p, b->trouble, failed);
	else if (!parcel_record(r, p))
		keep(b, p, p->trouble, failed);
}

static void
record_batch(struct runner *r, struct batch *b, struct list *failed)
{
	enum err e = b->n && !b->trouble ? queue_record_many(r->store, b->items, b->n) : b->trouble;

	if (is_general(e))
		b->trouble = e;
	for (size_t i = 0; i < b->n; i++) {
		if (e) {
			record_alone(r, b, b->parcels[i], failed);
			continue;
		}
		results_note(r, &b->parcels[i]->job, &b->results[i]);
		finish(r, b->parcels[i]);
	}
	b->n = 0;
	if (b->arena)
		arena_reset(b->arena);
}

void
parcel_record_all(struct runner *r, struct list *done, struct list *failed)
{
	CLEANUP(conf_unref) struct conf *conf = runner_conf(r);
	CLEANUP(arena_free) struct arena *arena = arena_new(PARCEL_ARENA);
	struct batch b = {.arena = arena, .trouble = arena ? ERR_OK : ERR_NOMEM};

	while (!list_is_empty(done)) {
		struct parcel *p = LIST_OWNER(done->next, struct parcel, turn);
		struct results *res = &b.results[b.n];
		list_take(&p->turn);
		settle_untried(p);
		enum err e = b.trouble;
		if (!e)
			e = results_make(conf, &p->job, p->attempted, arena, res);
		if (e || res->told_n || !res->n) {
			record_alone(r, &b, p, failed);
			if (arena_used(arena) > PARCEL_ARENA / 2)
				record_batch(r, &b, failed);
			continue;
		}
		b.parcels[b.n] = p;
		b.items[b.n] = (struct queue_recorded){p->job.message.id, res->rows, res->n};
		if (++b.n == RECORD_AT_ONCE)
			record_batch(r, &b, failed);
	}
	record_batch(r, &b, failed);
}
