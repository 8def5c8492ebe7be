/* Mail of the queue for ourselves: reports to senders of ours, and what was held for later. */
#include "smtpd/outbound/onward.h"
#include "smtpd/outbound/runner_private.h"

#include "smtpd/outbound/srs_sender.h"
#include "smtpd/outbound/trace_fields.h"
#include "store/directory.h"

#define COPY_PIECE 16384
#define RETURN_PATH_MAX 1024

/* The message; for mailboxes with a Return-Path. */
static enum err
make_spool(struct runner *r, const struct job *job, bool mailbox, struct spool **ret)
{
	CLEANUP(sbuf_done) struct sbuf front = SBUF_INIT(RETURN_PATH_MAX);
	CLEANUP(spool_free) struct spool *spool = NULL;
	CLEANUP(queue_octets_close) struct queue_octets *octets = NULL;
	char piece[COPY_PIECE];
	uint64_t at = 0;

	if (mailbox)
		trace_write_return_path(job->message.sender, &front);
	enum err e = sbuf_error(&front);
	if (!e)
		e = queue_octets_open(r->store, job->message.id, &octets);
	if (!e)
		e = spool_new(r->store, &spool);
	if (!e)
		e = spool_write(spool, front.p, front.n);
	while (!e && at < queue_octets_size(octets)) {
		size_t n = 0;
		e = queue_octets_read(octets, at, piece, sizeof(piece), &n);
		if (!e && !n)
			e = ERR_CORRUPT;
		if (!e)
			e = spool_write(spool, piece, n);
		at += n;
	}
	if (!e)
		*ret = MOVE_PTR(spool);
	return e;
}

/* -- what it came to --------------------------------------------------------------------------- */

struct local_reply {
	enum err err;
	enum job_fate fate;
	const char *status, *reply;
};

static struct local_reply
reply_for(enum err e)
{
	static const struct local_reply replies[] = {
	    {ERR_OK, JOB_DONE, "2.1.5", "Delivered"},
	    {ERR_NO_USER, JOB_NEVER, "5.1.1", "There is no such user here"},
	    {ERR_GONE, JOB_NEVER, "5.1.1", "There is no such user here"},
	    {ERR_LOOP, JOB_NEVER, "5.4.6", "The aliases of this address go round"},
	    {ERR_TOO_BIG, JOB_NEVER, "5.2.3", "The message is too big for this mailbox"},
	    {ERR_OVER_QUOTA, JOB_LATER, "4.2.2", "The mailbox is full"},
	};

	for (size_t i = 0; i < ARRAY_LEN(replies); i++)
		if (replies[i].err == e)
			return replies[i];
	return (struct local_reply){e, JOB_LATER, "4.3.0", "Trouble in the mail system"};
}

/* Of an address, from what became of all that it leads to. */
struct outcome {
	enum err worst;
	bool some_have_it;
};

/* What can still come to pass is waited for: whoever has it by then does not get it again. An
 * account that was removed meanwhile is missed only where there is no other. */
static int
weight_of(enum err e)
{
	if (!e)
		return 0;
	if (e == ERR_GONE)
		return 1;
	return reply_for(e).fate == JOB_NEVER ? 2 : 3;
}

static void
add_outcome(struct outcome *o, enum err e)
{
	if (!e)
		o->some_have_it = true;
	if (weight_of(e) > weight_of(o->worst))
		o->worst = e;
	if (o->worst == ERR_GONE && o->some_have_it)
		o->worst = ERR_OK;
}

static void
set_fate(const struct job *job, struct job_rcpt *rcpt, const struct outcome *o)
{
	struct local_reply r = reply_for(o->worst);
	struct str words = str_of(r.reply);

	/* or the sender would write to all of them again */
	if (o->worst && o->some_have_it)
		words = arena_printf(job->arena,
		    "Not delivered to all behind this address: %s. Others have the message",
		    r.reply);
	rcpt->fate = r.fate;
	rcpt->status = str_of(r.status);
	rcpt->reply = words.p ? words : str_of(r.reply);
}

/* -- targets ----------------------------------------------------------------------------------- */

/* Where the mail of one of ours goes on to. Everything that its sender asked for goes with it (RFC
 * 3461 §5.2.7.3, RFC 8689 §4.1, RFC 6531 §3.5). */
static enum err
send_on(struct runner *r, const struct job *job, const struct queue_rcpt *rcpt,
    const struct recipient *found, size_t n)
{
	const struct queue_message *m = &job->message;
	/* that it has come is told from here (§5.2.7.3) */
	unsigned notify = rcpt->notify & ~(unsigned)QUEUE_NOTIFY_SUCCESS;
	const struct onward on = {.from = m->id,
	    .account = m->account,
	    .sender = m->sender,
	    .trace_id = m->trace_id,
	    .envid = m->envid,
	    .ret = m->ret,
	    .body = m->body,
	    .smtputf8 = m->smtputf8,
	    .requiretls = m->requiretls,
	    .tls_optional = m->tls_optional,
	    .orcpt = rcpt->orcpt,
	    .notify = rcpt->notify && !notify ? QUEUE_NOTIFY_NEVER : notify};
	CLEANUP(spool_free) struct spool *spool = NULL;
	CLEANUP(conf_unref) struct conf *conf = runner_conf(r);
	enum err e = make_spool(r, job, false, &spool);

	return e ? e : onward_add(r->store, conf, spool, &on, found, n);
}

/* A report on what was forwarded from here belongs to who sent that. */
static enum err
send_back(struct runner *r, const struct job *job, const struct queue_rcpt *rcpt)
{
	struct recipient behind = {.account = 0};

	if (job->message.sender.n)
		return ERR_NO_USER;
	enum err e = srs_sender_behind(r->store, rcpt->address, job->arena, &behind.elsewhere);
	if (e == ERR_NOT_FOUND || e == ERR_DENIED)
		return ERR_NO_USER;
	return e ? e : send_on(r, job, rcpt, &behind, 1);
}

/* Into the accounts of those found; who has the message, from an earlier try or by another of its
 * recipients, does not get it again. */
static enum err
store_in(struct runner *r, const struct job *job, struct spool *spool,
    const struct recipient *found, size_t n, struct outcome *o)
{
	struct delivery *d = arena_alloc_array(job->arena, n, sizeof(*d));
	size_t inside = 0;

	if (!d)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		if (found[i].account)
			d[inside++] = (struct delivery){.account = found[i].account,
			    .queued = job->message.id,
			    .queued_s = job->message.created_s,
			    .mailbox = STR("")};
	if (inside)
		message_deliver(r->store, spool, d, inside);
	for (size_t i = 0; i < inside; i++)
		add_outcome(o, d[i].result);
	return ERR_OK;
}

/* Each target has an outcome of its own. A try that follows is of all of them, and finds only those
 * undone that failed: the accounts know what they have (store/message.h), the queue where it went
 * on to. */
static void
deliver_to(struct runner *r, const struct job *job, struct spool *spool,
    const struct queue_rcpt *rcpt, struct outcome *o)
{
	struct recipient *found = NULL;
	size_t n = 0;
	enum err e = directory_resolve(r->store, rcpt->address, job->arena, &found, &n);

	if (!e)
		e = store_in(r, job, spool, found, n, o);
	else if (e == ERR_NO_USER)
		e = send_back(r, job, rcpt);
	if (!e && onward_any(found, n))
		e = send_on(r, job, rcpt, found, n);
	if (e || onward_any(found, n))
		add_outcome(o, e);
}

void
local_deliver(struct runner *r, struct parcel *p)
{
	CLEANUP(spool_free) struct spool *spool = NULL;
	enum err e = make_spool(r, &p->job, true, &spool);

	for (size_t i = 0; i < p->job.rcpt_count; i++) {
		struct job_rcpt *rcpt = &p->job.rcpts[i];
		struct outcome o = {.worst = e};
		if (!e)
			deliver_to(r, &p->job, spool, &rcpt->row, &o);
		set_fate(&p->job, rcpt, &o);
	}
}
