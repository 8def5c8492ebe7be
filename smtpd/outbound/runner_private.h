/* smtpd/outbound/runner_private.h - what the runner's files share.
 *
 * Locks: the scheduler's may be held when `mu` of the runner or of an attempt is taken, never the
 * other way round.
 */
#ifndef SMTPD_OUTBOUND_RUNNER_PRIVATE_H
#define SMTPD_OUTBOUND_RUNNER_PRIVATE_H

#include "common/dns/dns.h"
#include "smtpd/outbound/list.h"
#include "smtpd/outbound/prepare.h"
#include "smtpd/outbound/runner.h"
#include "smtpd/outbound/scheduler.h"
#include "smtpd/outbound/tlsrpt.h"

#define RUNNER_TRIES_MAX 3 /* of a job whose connection broke before anything was said of it */
#define INSIDE_MAX 4 /* tasks at a time: local deliveries, and mail that has no way to go */

struct runner {
	struct store *store;
	struct hub *hub;
	struct workers *workers;
	struct dns *dns;
	struct router *router;
	struct outgoing *outgoing;
	struct preparer *preparer;
	struct tlsrpt *tlsrpt;
	struct scheduler *scheduler;
	struct conf *first_conf; /* for those who keep it */
	pthread_t thread;
	bool has_thread;

	pthread_mutex_t mu;
	pthread_cond_t cond; /* CLOCK_MONOTONIC */
	struct conf *conf; /* guarded by mu */
	bool news; /* guarded by mu: something for the thread */
	bool changed; /* guarded by mu: in the queue */
	bool stop; /* guarded by mu */
	bool draining; /* guarded by mu */
	struct list done; /* guarded by mu: parcels to be recorded */
	struct list inside; /* guarded by mu: links for which there is no worker yet */
	unsigned inside_running; /* guarded by mu */
	unsigned finding; /* guarded by mu: routes asked for */

	/* the thread's own */
	bool runs; /* the queue is ours */
	bool looked; /* all of it */
	int64_t last_id;
	uint64_t edits;
	struct list kept; /* parcels that could not be recorded */
	bool blocked; /* nothing is begun until they are */
	int64_t record_ms; /* clock_mono_ms() when that is tried again */
	int64_t record_span_ms; /* between the last two tries */
	int64_t begin_ms, begin_span_ms; /* the same of taking the queue over */
	int64_t look_ms, look_span_ms; /* the same of reading what is new */
	int64_t ahead_ms; /* of the real clock, compared with the monotonic one */
	int64_t owed_ms; /* by so much the clock was set, which the queue does not know yet */
	bool bounded; /* no time of the queue lies too far ahead */
	int64_t clock_ms, clock_span_ms; /* when the queue is told of the clock again */

	_Atomic int64_t queue_ahead_ms; /* as ahead_ms, of the clock that the queue knows */

	_Atomic int64_t damage_told_ms; /* when the log last said what to do; 0 never */
};

/* A job on its way. In its own arena. */
struct parcel {
	struct job job;
	struct list turn; /* in runner.done or kept */
	struct scheduler_pick *pick;
	bool attempted; /* somebody was asked */
	bool bad; /* and the connection broke */
	bool given_up; /* by a person: what has no fate was not tried at all */
	enum err trouble; /* why it could not be recorded */
};

/* -- runner.c */

/* A reference to the configuration in force. */
struct conf *runner_conf(struct runner *r);
/* Something for the thread. */
void runner_poke(struct runner *r);

/* -- runner_record.c */

/* The queue's file can't be read as it should: the log says what to do, from time to time. Any
 * thread. */
void runner_tell_damage(struct runner *r);
/* When what failed is tried again: after twice as long as the last time. */
void runner_back_off(int64_t *at_ms, int64_t *span_ms, int64_t first_ms, int64_t max_ms);
/* 0: it is time. */
int64_t runner_until(int64_t at_ms);
/* Of those that are kept: whether others may go on. */
void runner_note_kept(struct runner *r);
/* Records `done`, and what is kept where it is time for that, or `now`. */
void runner_record(struct runner *r, struct list *done, bool now);

/* -- runner_clock.c */

/* The queue has come to be ours. */
void runner_begin_clock(struct runner *r);
/* At each look: where somebody set the clock the queue is told. */
void runner_follow_clock(struct runner *r);
/* By how much the clock of the queue's times is ahead of the monotonic one. Any thread. */
int64_t runner_queue_ahead_ms(struct runner *r);

/* -- parcel.c: jobs from the queue, and back */

/* What was picked, read from the queue. NULL: there is nothing of it to be tried; `pick` is done or
 * will be. */
struct parcel *parcel_load(struct runner *r, struct scheduler_pick *pick);
/* What the octets of a job are that prepare_is_quick(). NULL with every fate set. */
struct content *parcel_content(struct runner *r, struct job *job, enum content_form form);
/* Why there are none, as a fate. */
void parcel_set_content_failure(struct job *job, enum err e);
/* The same fate for all that has none yet. Strings are copied. */
void parcel_set_fates(struct parcel *p, enum job_fate fate, const struct scheduler_verdict *v);
/* To be recorded by the thread. */
void parcel_hand_back(struct runner *r, struct parcel *p);
/* Recorded now, in a transaction shared with whoever else writes; then the pick is done and the
 * parcel is no more. False: somebody is to be told, or it could not be recorded; it stays the
 * caller's. */
bool parcel_record_here(struct runner *r, struct parcel *p);
/* Recorded now; then the pick is done and the parcel is no more. False: it could not be recorded
 * and stays the caller's. */
bool parcel_record(struct runner *r, struct parcel *p);
/* The same for all of `done`, in as few transactions as can be; those that could not be recorded
 * move to `failed`. Where nothing can be written for now the rest is not tried. */
void parcel_record_all(struct runner *r, struct list *done, struct list *failed);
void parcel_free(struct parcel **p);

/* -- results.c: from fates to the queue's outcomes, and what senders are told */

struct results {
	struct arena *arena; /* of this try: what can't be recorded is made anew for the next */
	struct queue_result *rows;
	size_t n;
	struct report_rcpt *told;
	size_t told_n;
};
/* Into log and trace, once they are recorded. */
void results_note(struct runner *r, const struct job *job, const struct results *res);
/* In `arena`. Rows of JOB_UNTRIED are left out. ERR_NOMEM. */
NODISCARD enum err results_make(const struct conf *conf, struct job *job, bool attempted,
    struct arena *arena, struct results *ret);
/* Writes them to the queue, with a report where one is owed. */
NODISCARD enum err results_record(
    struct runner *r, const struct conf *conf, struct job *job, const struct results *res);
/* When an attempt after so many follows, from now. */
int64_t results_retry_ms(const struct conf *conf, uint32_t attempts);
/* When who was put off is due again, from now: what has waited for long waits for longer. */
int64_t results_put_off_ms(const struct conf *conf, int64_t waited_s);

/* -- attempt.c: connections */
void attempt_begin(struct runner *r, struct scheduler_link *link);
/* scheduler_options.wake */
void attempt_wake(void *arg, void *owner);

/* -- inside.c: local deliveries, and mail that has no way to go */
void inside_begin(struct runner *r, struct scheduler_link *link);
void local_deliver(struct runner *r, struct parcel *p);

#endif
