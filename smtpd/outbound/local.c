/* Mail of the queue for ourselves: reports to senders of ours, and what was held for later. */
#include "smtpd/outbound/runner_private.h"

#include "smtpd/outbound/trace_fields.h"
#include "store/directory.h"

#define COPY_PIECE 16384
#define RETURN_PATH_MAX 1024

static enum err
make_spool(struct runner *r, const struct job *job, struct spool **ret)
{
	CLEANUP(sbuf_done) struct sbuf front = SBUF_INIT(RETURN_PATH_MAX);
	CLEANUP(spool_free) struct spool *spool = NULL;
	CLEANUP(queue_octets_close) struct queue_octets *octets = NULL;
	char piece[COPY_PIECE];
	uint64_t at = 0;

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

struct local_reply {
	enum err err;
	enum job_fate fate;
	const char *status, *reply;
};

static void
set_fate(struct job_rcpt *rcpt, enum err e)
{
	static const struct local_reply replies[] = {
	    {ERR_OK, JOB_DONE, "2.1.5", "Delivered"},
	    {ERR_NO_USER, JOB_NEVER, "5.1.1", "There is no such user here"},
	    {ERR_GONE, JOB_NEVER, "5.1.1", "There is no such user here"},
	    {ERR_LOOP, JOB_NEVER, "5.4.6", "The aliases of this address go round"},
	    {ERR_TOO_BIG, JOB_NEVER, "5.2.3", "The message is too big for this mailbox"},
	    {ERR_OVER_QUOTA, JOB_LATER, "4.2.2", "The mailbox is full"},
	};
	struct local_reply r = {e, JOB_LATER, "4.3.0", "Trouble in the mail system"};

	for (size_t i = 0; i < ARRAY_LEN(replies); i++)
		if (replies[i].err == e)
			r = replies[i];
	rcpt->fate = r.fate;
	rcpt->status = str_of(r.status);
	rcpt->reply = str_of(r.reply);
}

/* Of an alias with several targets: one that has it makes it delivered, since another try would
 * give it to that one again. */
static enum err
deliver_to(struct runner *r, struct spool *spool, struct str address, struct arena *arena)
{
	struct recipient *found = NULL;
	size_t n = 0;
	enum err e = directory_resolve(r->store, address, arena, &found, &n);
	struct delivery *d = e ? NULL : arena_alloc_array(arena, n, sizeof(*d));

	if (e)
		return e;
	if (!d)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		d[i] = (struct delivery){.account = found[i].account, .mailbox = STR("")};
	message_deliver(r->store, spool, d, n);
	e = d[0].result;
	for (size_t i = 1; i < n && e; i++)
		e = d[i].result;
	return e;
}

void
local_deliver(struct runner *r, struct parcel *p)
{
	CLEANUP(spool_free) struct spool *spool = NULL;
	enum err e = make_spool(r, &p->job, &spool);

	for (size_t i = 0; i < p->job.rcpt_count; i++) {
		struct job_rcpt *rcpt = &p->job.rcpts[i];
		enum err mine = e;
		if (!mine)
			mine = deliver_to(r, spool, rcpt->row.address, p->job.arena);
		set_fate(rcpt, mine);
	}
}
