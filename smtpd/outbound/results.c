/* What becomes of recipients after an attempt: RFC 5321 §4.5.4.1 (retries), RFC 3461 §5.2 (whom to
 * tell what). */
#include "smtpd/outbound/report.h"
#include "smtpd/outbound/runner_private.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "store/directory.h"
#include "store/trace.h"

#include <openssl/rand.h>

/* A report that could not be delivered goes to the postmaster with this envelope id; another one
 * about that goes nowhere. */
#define DOUBLE_BOUNCE STR("double-bounce")
#define REPORT_ARENA (1024 * 1024)

/* A fifth more or less: what failed together is not tried together for ever. */
static int64_t
scatter(int64_t ms)
{
	uint16_t random = 32768;

	if (RAND_bytes((unsigned char *)&random, (int)sizeof(random)) != 1)
		random = 32768;
	return ms - ms / 5 + ms * 2 / 5 * random / 65536;
}

int64_t
results_retry_ms(const struct conf *conf, uint32_t attempts)
{
	int64_t max = (int64_t)conf->outbound.retry_max_s * 1000;
	int64_t ms = (int64_t)conf->outbound.retry_first_s * 1000;

	for (uint32_t i = 0; i < attempts && ms < max; i++)
		ms *= 2;
	return scatter(ms < max ? ms : max);
}

/* As if each of these times had been an attempt: those double from one to the next. */
int64_t
results_put_off_ms(const struct conf *conf, int64_t waited_s)
{
	int64_t max = (int64_t)conf->outbound.retry_max_s;
	int64_t s = (int64_t)conf->outbound.retry_first_s;

	if (s < waited_s)
		s = waited_s;
	return scatter((s < max ? s : max) * 1000);
}

static bool
wants_told(const struct queue_rcpt *row, enum queue_notify what)
{
	unsigned notify = row->notify ? row->notify : QUEUE_NOTIFY_FAILURE | QUEUE_NOTIFY_DELAY;

	return !(notify & QUEUE_NOTIFY_NEVER) && (notify & what);
}

struct maker {
	const struct conf *conf;
	struct job *job;
	struct results *ret;
	int64_t now_s;
	int64_t queue_now_s; /* by the clock of the message's times */
	bool attempted;
};

static void
tell(struct maker *m, const struct job_rcpt *rcpt, enum report_kind kind)
{
	m->ret->told[m->ret->told_n++] = (struct report_rcpt){
	    .kind = kind,
	    .address = rcpt->row.address,
	    .orcpt = rcpt->row.orcpt,
	    .status = rcpt->status,
	    .reply = rcpt->reply,
	    .host = rcpt->code ? m->job->host : STR(""),
	    .last_attempt_s = m->now_s,
	    .will_retry_until_s = m->job->message.expires_s,
	};
}

static void
delivered(struct maker *m, const struct job_rcpt *rcpt, struct queue_result *row)
{
	row->outcome = QUEUE_DELIVERED;
	if (wants_told(&rcpt->row, QUEUE_NOTIFY_SUCCESS) && (rcpt->relayed || !m->attempted))
		tell(m, rcpt, rcpt->relayed ? REPORT_RELAYED : REPORT_DELIVERED);
}

/* Its server said that there is no such address, or that it takes no mail: to go on writing to it
 * would harm whoever sends from here. What was refused for what the message is says nothing of the
 * address (RFC 3463 §3.2, §3.3). */
static bool
bounced_hard(const struct job_rcpt *rcpt)
{
	static const struct str codes[] = {{"5.1.1", 5}, {"5.1.6", 5}, {"5.1.10", 6}, {"5.2.1", 5}};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (rcpt->code >= 500 && str_eq(rcpt->status, codes[i]))
			return true;
	return false;
}

static void
failed(struct maker *m, const struct job_rcpt *rcpt, struct queue_result *row)
{
	row->outcome = QUEUE_FAILED;
	if (m->conf->sending.suppress_s && bounced_hard(rcpt))
		row->suppress_until_s = m->now_s + (int64_t)m->conf->sending.suppress_s;
	if (wants_told(&rcpt->row, QUEUE_NOTIFY_FAILURE))
		tell(m, rcpt, REPORT_FAILED);
}

static void
deferred(struct maker *m, struct job_rcpt *rcpt, struct queue_result *row)
{
	const struct queue_message *about = &m->job->message;
	int64_t notice_s = m->conf->outbound.delay_notice_s;
	/* What was to be held (RFC 4865) is late from its release on. */
	int64_t begun_s = about->expires_s - (int64_t)m->conf->outbound.expire_s;

	if (begun_s < about->created_s)
		begun_s = about->created_s;
	if (m->queue_now_s >= about->expires_s) {
		/* RFC 3463 §3.5: what the last reply was stands in the text */
		if (rcpt->code == 0)
			rcpt->status = STR("4.4.7");
		failed(m, rcpt, row);
		return;
	}
	row->outcome = QUEUE_DEFERRED;
	row->put_off = rcpt->put_off;
	int64_t wait_ms = rcpt->put_off ? results_put_off_ms(m->conf, m->queue_now_s - begun_s)
					: results_retry_ms(m->conf, rcpt->row.attempts);
	int64_t left_ms = (about->expires_s - m->queue_now_s) * 1000;
	row->next_ms = clock_real_us() / 1000 + (wait_ms < left_ms ? wait_ms : left_ms);
	/* of a report that is late nobody is told */
	if (!notice_s || rcpt->row.delay_told || m->queue_now_s < begun_s + notice_s ||
	    about->kind == QUEUE_REPORT)
		return;
	row->outcome = QUEUE_DELAY_TOLD;
	if (wants_told(&rcpt->row, QUEUE_NOTIFY_DELAY))
		tell(m, rcpt, REPORT_DELAYED);
}

enum err
results_make(const struct conf *conf, struct job *job, bool attempted, struct arena *arena,
    struct results *ret)
{
	struct maker m = {.conf = conf,
	    .job = job,
	    .ret = ret,
	    .now_s = clock_real_s(),
	    .queue_now_s = (clock_mono_ms() + job->ahead_ms) / 1000,
	    .attempted = attempted};

	*ret = (struct results){
	    .arena = arena,
	    .rows = arena_alloc_array(arena, job->rcpt_count + 1, sizeof(*ret->rows)),
	    .told = arena_alloc_array(arena, job->rcpt_count + 1, sizeof(*ret->told)),
	};
	if (!ret->rows || !ret->told)
		return ERR_NOMEM;
	for (size_t i = 0; i < job->rcpt_count; i++) {
		struct job_rcpt *rcpt = &job->rcpts[i];
		if (rcpt->fate == JOB_UNTRIED)
			continue;
		struct queue_result *row = &ret->rows[ret->n++];
		*row = (struct queue_result){.rcpt = rcpt->row.id,
		    .reply = str_sub(rcpt->reply, 0, JOB_REPLY_MAX),
		    .host = job->host};
		if (rcpt->fate == JOB_DONE)
			delivered(&m, rcpt, row);
		else if (rcpt->fate == JOB_NEVER)
			failed(&m, rcpt, row);
		else
			deferred(&m, rcpt, row);
	}
	return ERR_OK;
}

/* -- reports ----------------------------------------------------------------------------------- */

struct letter {
	struct str to; /* empty: nobody is told */
	struct str postmaster;
	struct str envid;
};

/* Whom a report is for: the sender; of a report that failed, the postmaster; of that, nobody (RFC
 * 5321 §6.1: never to a null sender). */
static void
address_letter(struct runner *r, const struct conf *conf, const struct queue_message *about,
    struct arena *arena, struct letter *ret)
{
	*ret = (struct letter){
	    .to = about->sender,
	    .postmaster = report_postmaster(r->store, conf, arena),
	    .envid = STR(""),
	};
	if (about->sender.n || about->kind != QUEUE_REPORT)
		return;
	if (str_eq(about->envid, DOUBLE_BOUNCE)) {
		log_error("report_lost", F_INT("message", about->id),
		    F_CSTR("reason", "not even the postmaster could be told"));
		return;
	}
	ret->to = ret->postmaster;
	ret->envid = DOUBLE_BOUNCE;
}

static enum err
write_report(struct runner *r, const struct conf *conf, const struct job *job,
    const struct results *res, const struct letter *to, bool with_original, struct spool **ret)
{
	CLEANUP(content_close) struct content *original = NULL;
	CLEANUP(spool_free) struct spool *spool = NULL;
	struct queue_octets *octets = NULL;
	const struct report report = {
	    .hostname = str_of(conf->hostname),
	    .to = to->to,
	    .postmaster = to->postmaster,
	    .about = &job->message,
	    .original = NULL,
	    .rcpts = res->told,
	    .rcpt_count = res->told_n,
	    .now_s = clock_real_s(),
	    .utf8 = job->message.smtputf8,
	};
	struct report full = report;

	if (with_original && !queue_octets_open(r->store, job->message.id, &octets) &&
	    !content_of_queue(octets, &job->message, &original))
		full.original = original;
	enum err e = spool_new(r->store, &spool);
	if (!e)
		e = report_write(&full, spool);
	if (!e)
		*ret = MOVE_PTR(spool);
	return e;
}

static enum err
record_with_report(struct runner *r, const struct conf *conf, struct job *job,
    const struct results *res, const struct letter *to)
{
	CLEANUP(spool_free) struct spool *spool = NULL;
	const struct queue_new_rcpt rcpt = {.address = to->to};
	const struct queue_new envelope = {
	    .kind = QUEUE_REPORT,
	    .envid = to->envid,
	    .body = QUEUE_8BITMIME,
	    .smtputf8 = job->message.smtputf8,
	    .requiretls = job->message.requiretls, /* RFC 8689 §5 */
	    .trace_id = job->message.trace_id,
	    .expires_s = clock_real_s() + (int64_t)conf->outbound.expire_s,
	    .rcpts = &rcpt,
	    .rcpt_count = 1,
	};
	const struct queue_report report = {spool, &envelope};
	enum err e = write_report(r, conf, job, res, to, true, &spool);

	/* a sender is told even where the original can't be read any more */
	if (e == ERR_CORRUPT || e == ERR_IO)
		e = write_report(r, conf, job, res, to, false, &spool);
	if (e)
		return e;
	struct queue_report with = report;
	with.spool = spool;
	return queue_record(r->store, job->message.id, res->rows, res->n, &with);
}

static void
trace_result(struct runner *r, const struct job *job, const struct job_rcpt *rcpt,
    const struct queue_result *q)
{
	static const enum trace_kind kinds[] = {[QUEUE_DELIVERED] = TRACE_DELIVERED,
	    [QUEUE_FAILED] = TRACE_FAILED,
	    [QUEUE_DEFERRED] = TRACE_DEFERRED,
	    [QUEUE_DELAY_TOLD] = TRACE_DEFERRED};

	if (q->outcome == QUEUE_PUT_BACK)
		return;
	trace_note(r->store, &(struct trace_event){.kind = kinds[q->outcome],
				 .trace_id = job->message.trace_id,
				 .message_id = job->message.message_id,
				 .sender = job->message.sender,
				 .size = job->message.size,
				 .account = job->message.account,
				 .recipient = rcpt->row.address,
				 .host = job->host,
				 .tls = job->tls,
				 .text = rcpt->reply});
}

/* What the sender is told, and of how many. */
static void
trace_report(struct runner *r, const struct job *job, const struct results *res, struct str to)
{
	struct str text = arena_printf(
	    res->arena, "a report on %zu recipient%s", res->told_n, res->told_n == 1 ? "" : "s");

	trace_note(r->store, &(struct trace_event){.kind = TRACE_REPORTED,
				 .trace_id = job->message.trace_id,
				 .sender = job->message.sender,
				 .recipient = to,
				 .text = text});
}

static void
count_result(const struct job *job, const struct queue_result *q)
{
	METRICS_COUNT(queue_results, q->outcome);
	if (q->outcome == QUEUE_DELIVERED)
		metrics_observe(&metrics_mine()->queue_age[0],
		    clock_real_us() - job->message.created_s * 1000000);
}

const char *
results_value(size_t i)
{
	static const char *const results[] = {[QUEUE_DELIVERED] = "delivered",
	    [QUEUE_FAILED] = "failed",
	    [QUEUE_DEFERRED] = "deferred",
	    [QUEUE_DELAY_TOLD] = "delay_told",
	    [QUEUE_PUT_BACK] = "put_back"};

	return i < ARRAY_LEN(results) ? results[i] : NULL;
}

/* log events: sent failed deferred */
static const char *
event_of(enum queue_outcome o)
{
	switch (o) {
	case QUEUE_DELIVERED:
		return "sent";
	case QUEUE_FAILED:
		return "failed";
	default:
		return "deferred";
	}
}

void
results_note(struct runner *r, const struct job *job, const struct results *res)
{
	size_t row = 0;

	for (size_t i = 0; i < job->rcpt_count; i++) {
		const struct job_rcpt *rcpt = &job->rcpts[i];
		if (rcpt->fate == JOB_UNTRIED)
			continue;
		const struct queue_result *q = &res->rows[row++];
		count_result(job, q);
		trace_result(r, job, rcpt, q);
		log_info(event_of(q->outcome), F_STR("id", job->message.trace_id),
		    F_INT("queue", job->message.id), F_STR("from", job->message.sender),
		    F_STR("to", rcpt->row.address), F_STR("host", job->host),
		    F_STR("tls", job->tls), F_STR("status", rcpt->status),
		    F_STR("reply", rcpt->reply),
		    F_INT("age", clock_real_s() - job->message.created_s));
	}
}

enum err
results_record(
    struct runner *r, const struct conf *conf, struct job *job, const struct results *res)
{
	struct letter to = {{NULL, 0}, {NULL, 0}, {NULL, 0}};

	if (res->told_n)
		address_letter(r, conf, &job->message, res->arena, &to);
	enum err e = to.to.n ? record_with_report(r, conf, job, res, &to)
			     : queue_record(r->store, job->message.id, res->rows, res->n, NULL);
	if (!e)
		results_note(r, job, res);
	if (!e && to.to.n)
		trace_report(r, job, res, to.to);
	return e;
}
