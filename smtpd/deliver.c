#include "smtpd/deliver.h"

#include "common/base/log.h"
#include "common/metrics/metrics.h"
#include "smtpd/accepted.h"
#include "smtpd/enqueue.h"
#include "smtpd/forward.h"
#include "smtpd/outbound/trace_fields.h"
#include "smtpd/sending_policy.h"
#include "smtpd/smtp_commands.h"

#define FRONT_MAX 8192 /* trace fields: each part of them is bounded */

/* -- recipients ------------------------------------------------------------------------------ */

static size_t
find_delivery(const struct smtp_txn *t, int64_t account)
{
	size_t i = 0;

	while (i < t->delivery_count && t->deliveries[i].account != account)
		i++;
	return i;
}

static enum err
add_accounts(struct smtp_session *s, struct smtp_rcpt rcpt, const struct recipient *r, size_t n)
{
	struct smtp_txn *t = s->txn;
	size_t count = t->delivery_count;

	if (n > SMTP_ACCOUNTS_MAX - count)
		return ERR_LIMIT;
	struct delivery *d = arena_grow(
	    t->arena, t->deliveries, &t->delivery_cap, count + n, sizeof(*t->deliveries));
	if (d)
		t->deliveries = d;
	struct smtp_rcpt *rcpts =
	    arena_grow(t->arena, t->rcpts, &t->rcpt_cap, t->rcpt_count + 1, sizeof(*t->rcpts));
	if (rcpts)
		t->rcpts = rcpts;
	rcpt.accounts = arena_alloc_array(t->arena, n, sizeof(*rcpt.accounts));
	if (!d || !rcpts || !rcpt.accounts || !rcpt.address.p)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		if (!r[i].account)
			continue;
		size_t at = find_delivery(t, r[i].account);
		/* The +detail of an address picks no mailbox: anyone can write one, and a folder
		 * such as Trash must not take mail that its owner never saw. */
		if (at == t->delivery_count)
			t->deliveries[t->delivery_count++] =
			    (struct delivery){.account = r[i].account, .mailbox = STR("")};
		rcpt.accounts[rcpt.account_count++] = (uint32_t)at;
	}
	t->rcpts[t->rcpt_count++] = rcpt;
	return ERR_OK;
}

enum err
deliver_add_recipient(
    struct smtp_session *s, struct str address, const struct recipient *r, size_t n)
{
	struct smtp_txn *t = s->txn;
	size_t forwards = t->forward_count, elsewhere = t->elsewhere_count, marks = t->mark_count;
	struct smtp_rcpt rcpt = {.address = arena_dup(t->arena, address)};
	enum err e = forward_add(s, r, n, &rcpt);

	if (!e)
		e = add_accounts(s, rcpt, r, n);
	if (e) {
		t->forward_count = forwards;
		t->elsewhere_count = elsewhere;
		t->mark_count = marks;
	}
	return e;
}

/* -- the beginning --------------------------------------------------------------------------- */

/* RFC 6409 §8: what a submission lacks is added, nothing else is changed. */
static enum err
make_missing(struct smtp_session *s, struct date now)
{
	CLEANUP(sbuf_done) struct sbuf b = SBUF_INIT(FRONT_MAX);

	trace_date_line(now, &b);
	enum err e = sbuf_error(&b);
	if (e)
		return e;
	s->txn->date_line = arena_dup(s->txn->arena, sbuf_view(&b));
	sbuf_clear(&b);
	e = trace_message_id_line(str_of(s->conf->hostname), now, &b);
	if (e)
		return e;
	s->txn->message_id_line = arena_dup(s->txn->arena, sbuf_view(&b));
	return arena_failed(s->txn->arena) ? ERR_NOMEM : ERR_OK;
}

enum err
deliver_begin(struct smtp_session *s, enum data_form form)
{
	struct smtp_txn *t = s->txn;
	CLEANUP(sbuf_done) struct sbuf front = SBUF_INIT(FRONT_MAX);
	const struct trace trace = {
	    .sender = t->sender,
	    .helo = sbuf_view(&s->helo),
	    .peer = str_of(s->peer),
	    .hostname = str_of(s->conf->hostname),
	    .with = smtp_with(s),
	    .id = str_of(t->id),
	    .tls_version = str_of(conn_tls_version(s->conn)),
	    .tls_cipher = str_of(conn_tls_cipher(s->conn)),
	    .recipient = t->rcpt_count == 1 ? t->rcpts[0].address : STR(""),
	    .date = date_now(),
	};

	t->for_queue = t->elsewhere_count > 0;
	if (!t->for_queue)
		trace_write_return_path(trace.sender, &front);
	enum err e = forward_write_mark(s, &front);
	trace_write_received(&trace, &front);
	if (!e)
		e = sbuf_error(&front);
	if (!e && smtp_submits(s))
		e = make_missing(s, trace.date);
	if (e)
		return e;
	const struct incoming_options options = {
	    .form = form,
	    .front = sbuf_view(&front),
	    .hostname = str_of(s->conf->hostname),
	    .date_line = t->date_line,
	    .message_id_line = t->message_id_line,
	    .size_limit = s->conf->smtpd.message_size_limit,
	    .max_received = s->conf->smtpd.max_received,
	    .refuse_bare_newline = s->conf->smtpd.refuse_bare_newline,
	    .brief = t->for_queue,
	    .digest = t->delivery_count + (t->elsewhere_count > 0) > 1 || partial_any(s->partials),
	};
	return incoming_begin(s->svc->store, &options, &t->in);
}

/* -- the end --------------------------------------------------------------------------------- */

static bool
is_permanent(enum err e)
{
	return smtp_reply_for(e).code >= 500;
}

/* One answer for many. A temporary failure of one is one of all: the client tries again, and
 * partial.h keeps those who have the message from getting it twice. A permanent failure beside
 * successes is answered as a temporary one as well, since a permanent one would tell the sender
 * that nobody has it; at the next try RCPT refuses the one alone. */
enum err
deliver_combine(enum err so_far, enum err next)
{
	if (so_far == next)
		return so_far;
	if (so_far && !is_permanent(so_far))
		return so_far;
	if (next && !is_permanent(next))
		return next;
	return so_far && next ? so_far : ERR_STALE;
}

static enum err
result_of(const struct smtp_txn *t, const struct smtp_rcpt *r, enum err queue_result)
{
	enum err e = r->account_count ? t->deliveries[r->accounts[0]].result : queue_result;

	for (size_t i = 1; i < r->account_count; i++)
		e = deliver_combine(e, t->deliveries[r->accounts[i]].result);
	return r->forwarded ? deliver_combine(e, queue_result) : e;
}

static enum err
result_of_all(const struct smtp_txn *t)
{
	enum err e = t->delivery_count ? t->deliveries[0].result : ERR_OK;

	for (size_t i = 1; i < t->delivery_count; i++)
		e = deliver_combine(e, t->deliveries[i].result);
	return e;
}

/* Into the mailboxes, but for those who have it from a try before. */
static enum err
store_message(struct smtp_session *s, struct spool *spool, const unsigned char *key)
{
	struct smtp_txn *t = s->txn;
	struct delivery *todo = arena_alloc_array(t->arena, t->delivery_count, sizeof(*todo));
	size_t *back = arena_alloc_array(t->arena, t->delivery_count, sizeof(*back));
	size_t n = 0;

	if (!todo || !back)
		return ERR_NOMEM;
	for (size_t i = 0; i < t->delivery_count; i++) {
		t->deliveries[i].result = ERR_OK;
		if (key && partial_has(s->partials, key, t->deliveries[i].account))
			continue;
		back[n] = i;
		todo[n++] = t->deliveries[i];
	}
	if (n)
		message_deliver(s->svc->store, spool, todo, n);
	for (size_t i = 0; i < n; i++)
		t->deliveries[back[i]].result = smtp_store_error(todo[i].result);
	return ERR_OK;
}

/* Where a mailbox has failed the client comes again: another server with the same message, of which
 * it is known then to whom it went on; a user's mail program with a new one, so that nothing may
 * have gone out before. */
static enum err
queue_message(struct smtp_session *s, struct spool *spool, const unsigned char *key)
{
	struct smtp_txn *t = s->txn;
	unsigned char both[PARTIAL_KEY_BYTES];
	bool only_forwards = t->elsewhere_count == t->forward_count;

	if (result_of_all(t) && (smtp_submits(s) || !key || !only_forwards))
		return ERR_BUSY;
	for (size_t i = 0; i < t->forward_count && key; i++)
		t->forwards[i].queued = partial_key(key, t->forwards[i].address, both) &&
					partial_has(s->partials, both, PARTIAL_QUEUE);
	enum err e = enqueue_message(s, spool);
	return e == ERR_DENIED ? e : smtp_store_error(e);
}

/* Into mailboxes and the queue, that last: once it is there it goes out. */
static enum err
take_message(
    struct smtp_session *s, struct spool *spool, const unsigned char *key, enum err *ret_queue)
{
	CLEANUP(spool_free) struct spool *copy = NULL;
	const struct smtp_txn *t = s->txn;
	enum err e;

	*ret_queue = ERR_OK;
	e = forward_cut_loops(s, spool);
	if (!e && t->for_queue && t->delivery_count)
		e = enqueue_local_copy(s, spool, &copy);
	if (!e)
		e = store_message(s, copy ? copy : spool, key);
	if (!e && t->elsewhere_count)
		*ret_queue = queue_message(s, spool, key);
	return e;
}

/* Remembers who has a message whose answer is a failure, forgets who has one that is
 * acknowledged. */
static void
settle(
    struct smtp_session *s, const struct delivery *d, const unsigned char *key, bool acknowledged)
{
	if (!key || d->result)
		return;
	if (acknowledged)
		partial_forget(s->partials, key, d->account);
	else
		partial_note(s->partials, key, d->account);
}

/* The same of addresses elsewhere to which it went on. */
static void
settle_forwards(struct smtp_session *s, enum err queue_result, const unsigned char *key)
{
	const struct delivery d = {.account = PARTIAL_QUEUE, .result = queue_result};
	const struct smtp_txn *t = s->txn;
	unsigned char both[PARTIAL_KEY_BYTES];

	for (size_t i = 0; i < t->forward_count && key; i++)
		if (partial_key(key, t->forwards[i].address, both))
			settle(s, &d, both, t->rcpts[t->forwards[i].rcpt].taken);
}

static void
log_accepted(struct smtp_session *s, struct spool *spool, size_t rcpts)
{
	const struct smtp_txn *t = s->txn;

	log_info("accept", F_CSTR("id", t->id), F_STR("from", t->sender), F_UINT("rcpts", rcpts),
	    F_UINT("mailboxes", t->delivery_count), F_UINT("size", incoming_size(t->in)),
	    F_CSTR("peer", s->peer), F_CSTR("with", smtp_with(s)),
	    F_CSTR("tls", conn_tls_version(s->conn)), F_STR("user", sbuf_view(&s->user)),
	    F_STR("to", t->rcpts[0].address));
	METRICS_COUNT(smtp_messages, 0);
	METRICS_ADD(smtp_message_bytes, 0, incoming_size(t->in));
	s->accepted++;
	s->bad_commands = 0;
	s->refused = 0;
	s->octets_accepted += incoming_size(t->in);
	accepted_tell(s, spool);
}

static struct smtp_reply
reply_for(struct smtp_session *s, enum err e)
{
	struct smtp_reply r = smtp_reply_for(e);

	if (!e) {
		struct str text = arena_printf(s->arena, "Ok, id %s", s->txn->id);
		r.text = text.p ? text.p : "Ok";
	}
	return r;
}

/* SMTP: one answer for all recipients. */
static void
answer_once(struct smtp_session *s, const char *command, struct spool *spool,
    const unsigned char *key, enum err queue_result)
{
	struct smtp_txn *t = s->txn;
	enum err e = result_of_all(t);

	if (queue_result == ERR_DENIED && t->delivery_count)
		queue_result = ERR_STALE; /* RCPT will say it next time, of those alone */
	if (!e && queue_result) /* temporary where others have it already: they keep it */
		e = t->delivery_count ? deliver_combine(ERR_OK, queue_result) : queue_result;
	struct smtp_reply r = e == ERR_DENIED ? sending_policy_refusal() : reply_for(s, e);

	for (size_t i = 0; i < t->delivery_count; i++)
		settle(s, &t->deliveries[i], key, !e);
	for (size_t i = 0; i < t->rcpt_count; i++)
		t->rcpts[i].taken = !e;
	settle_forwards(s, queue_result, key);
	if (!e)
		log_accepted(s, spool, t->rcpt_count);
	smtp_say(s, command, &r, t->sender);
}

/* LMTP: one for each, in the order of the RCPT commands. */
static void
answer_each(struct smtp_session *s, const char *command, struct spool *spool,
    const unsigned char *key, enum err queue_result)
{
	struct smtp_txn *t = s->txn;
	size_t accepted = 0;

	for (size_t i = 0; i < t->rcpt_count; i++) {
		t->rcpts[i].taken = result_of(t, &t->rcpts[i], queue_result) == ERR_OK;
		accepted += t->rcpts[i].taken;
	}
	settle_forwards(s, queue_result, key);
	if (accepted)
		log_accepted(s, spool, accepted);
	/* An account of two recipients is acknowledged when one of them is. */
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < t->rcpt_count; i++) {
			bool ok = result_of(t, &t->rcpts[i], queue_result) == ERR_OK;
			for (size_t j = 0; ok == (pass == 1) && j < t->rcpts[i].account_count; j++)
				settle(s, &t->deliveries[t->rcpts[i].accounts[j]], key, ok);
		}
	}
	for (size_t i = 0; i < t->rcpt_count; i++) {
		struct smtp_reply r = reply_for(s, result_of(t, &t->rcpts[i], queue_result));
		smtp_say(s, command, &r, t->rcpts[i].address);
	}
}

static void
answer_refused(struct smtp_session *s, const char *command, const struct smtp_reply *r)
{
	size_t n = smtp_is_lmtp(s) ? s->txn->rcpt_count : 1;

	for (size_t i = 0; i < n; i++)
		smtp_say(s, command, r, s->txn->sender);
}

void
deliver_finish(struct smtp_session *s, const char *command)
{
	struct smtp_txn *t = s->txn;
	struct spool *spool = NULL;
	enum err queue_result = ERR_OK;
	struct smtp_reply refusal;
	unsigned char key_octets[PARTIAL_KEY_BYTES];
	const unsigned char *key = NULL;
	bool has_digest = incoming_has_digest(t->in);
	int64_t began_us = clock_mono_us();
	enum err e = incoming_finish(t->in, &spool, &refusal);

	if (!e && has_digest && partial_key(incoming_digest(t->in), t->sender, key_octets))
		key = key_octets;
	if (!e) {
		e = take_message(s, spool, key, &queue_result);
		refusal = smtp_reply_for(e);
	}
	if (e)
		answer_refused(s, command, &refusal);
	else if (smtp_is_lmtp(s))
		answer_each(s, command, spool, key, queue_result);
	else
		answer_once(s, command, spool, key, queue_result);
	METRICS_TIME(smtp_delivery, 0, began_us);
	smtp_end_txn(s);
}
