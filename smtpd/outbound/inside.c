/* What needs no connection: tasks on the daemon's workers, a few at a time. */
#include "smtpd/outbound/runner_private.h"

#include "common/net/workers.h"

#define JOBS_AT_ONCE 50 /* then others have the worker */

struct inside {
	struct task task;
	struct list turn; /* in runner.inside */
	struct runner *runner;
	struct scheduler_link *link;
};

static void run_inside(struct task *t);

/* With the runner's lock: the next one, where there is a place. */
static struct inside *
take_next(struct runner *r)
{
	if (r->inside_running >= INSIDE_MAX || list_is_empty(&r->inside))
		return NULL;
	struct inside *in = LIST_OWNER(r->inside.next, struct inside, turn);
	list_take(&in->turn);
	r->inside_running++;
	return in;
}

static void
start_next(struct runner *r)
{
	pthread_mutex_lock(&r->mu);
	struct inside *in = take_next(r);
	pthread_mutex_unlock(&r->mu);
	if (in)
		workers_queue(r->workers, &in->task);
}

/* The place goes to the next at once: once none is running the runner may be no more. */
static void
end(struct inside *in)
{
	struct runner *r = in->runner;
	struct workers *workers = r->workers;

	scheduler_close(r->scheduler, in->link, SCHEDULER_FINE, NULL);
	free(in);
	pthread_mutex_lock(&r->mu);
	r->inside_running--;
	struct inside *next = take_next(r);
	pthread_cond_signal(&r->cond);
	pthread_mutex_unlock(&r->mu);
	if (next)
		workers_queue(workers, &next->task);
}

/* RFC 8689 §4.2.1: where no host can be proved to be the right one, waiting is no answer; who could
 * not be asked may yet be. False: it waits as others do. */
static bool
fail_for_tls(struct parcel *p, const struct scheduler_verdict *v)
{
	struct job *job = &p->job;

	if (!v->tls || v->permanent || !job->message.requiretls || !job->message.sender.n)
		return false;
	const struct scheduler_verdict untrusted = {.permanent = true,
	    .status = STR("5.7.10"),
	    .reply = arena_printf(job->arena,
		"The sender requires TLS all the way (REQUIRETLS), but no server of the domain "
		"could be authenticated: %.*s",
		STR_ARG(v->reply)),
	    .host = v->host};
	parcel_set_fates(p, JOB_NEVER, &untrusted);
	return true;
}

/* Who waited while the destination was tried counts that as an attempt, who came later was put off.
 */
static void
settle(struct parcel *p, const struct scheduler_verdict *v)
{
	parcel_set_fates(p, v->permanent ? JOB_NEVER : JOB_LATER, v);
	for (size_t i = 0; i < p->job.rcpt_count; i++)
		p->job.rcpts[i].put_off = p->job.rcpts[i].row.next_ms > v->tried_ms;
}

static void
carry_out(struct inside *in, struct parcel *p)
{
	const struct scheduler_verdict *v = scheduler_link_verdict(in->link);

	if (scheduler_link_mode(in->link) == SCHEDULER_LOCAL)
		local_deliver(in->runner, p);
	else if (!fail_for_tls(p, v))
		settle(p, v);
}

static void
run_inside(struct task *t)
{
	struct inside *in = LIST_OWNER(t, struct inside, task);
	struct runner *r = in->runner;
	struct scheduler_pick *pick;
	int64_t wait_ms;

	for (int i = 0; i < JOBS_AT_ONCE; i++) {
		if (scheduler_pick(r->scheduler, in->link, &pick, &wait_ms) != SCHEDULER_JOB) {
			end(in);
			return;
		}
		struct parcel *p = parcel_load(r, pick);
		if (!p)
			continue;
		carry_out(in, p);
		if (!parcel_record(r, p)) {
			/* the thread tries it again; meanwhile nothing more is picked here */
			parcel_hand_back(r, p);
			end(in);
			return;
		}
	}
	workers_queue(r->workers, &in->task);
}

void
inside_begin(struct runner *r, struct scheduler_link *link)
{
	struct inside *in = calloc(1, sizeof(*in));

	if (!in) {
		scheduler_close(r->scheduler, link, SCHEDULER_FINE, NULL);
		return;
	}
	in->task.run = run_inside;
	in->runner = r;
	in->link = link;
	list_init(&in->turn);
	scheduler_link_set_owner(link, in);
	if (scheduler_link_route(link)->tls_unproven)
		tlsrpt_note_off_policy(r->tlsrpt, scheduler_link_route(link));
	pthread_mutex_lock(&r->mu);
	list_put_last(&r->inside, &in->turn);
	pthread_mutex_unlock(&r->mu);
	start_next(r);
}
