/* Transactions: MAIL, RCPT, DATA or BDAT, and what the replies to them mean for each recipient. A
 * job is one transaction. Where the server takes fewer recipients at once (RFC 5321 §4.5.3.1.10,
 * RFC 9422) the others go back untried and come again as the next job: what was taken is on record
 * before more is said, so that no crash repeats it. */
#include "smtpd/outbound/client_private.h"

#include <stdio.h>

#define COMMAND_MAX 4096

void
client_settle(struct client *cl, size_t i, enum job_fate fate, uint16_t code, struct str status,
    struct str reply)
{
	struct job_rcpt *r = &cl->job->rcpts[i];

	if (cl->pending)
		cl->pending[i] = false;
	r->fate = fate;
	r->code = code;
	r->status = arena_dup(cl->job->arena, status);
	r->reply = arena_dup(cl->job->arena, reply);
	r->relayed = fate == JOB_DONE && !cl->offers.dsn && !cl->lmtp;
}

static enum job_fate
fate_of(uint16_t code)
{
	return code / 100 == 2 ? JOB_DONE : code / 100 == 5 ? JOB_NEVER : JOB_LATER;
}

/* By the reply at hand. */
static void
settle_by_reply(struct client *cl, size_t i)
{
	struct arena *a = cl->job->arena;

	client_settle(cl, i, fate_of(cl->reader.code), cl->reader.code,
	    reply_enhanced(&cl->reader, a), reply_text(&cl->reader, JOB_REPLY_MAX, a));
}

static bool
is_pending(const struct client *cl, size_t i)
{
	return cl->pending ? cl->pending[i] : cl->job->rcpts[i].fate == JOB_UNTRIED;
}

void
client_settle_pending(struct client *cl, enum job_fate fate, const char *status, struct str words)
{
	for (size_t i = 0; i < cl->job->rcpt_count; i++)
		if (is_pending(cl, i))
			client_settle(cl, i, fate, 0, str_of(status), words);
}

static void
settle_pending_by_reply(struct client *cl)
{
	for (size_t i = 0; i < cl->job->rcpt_count; i++)
		if (is_pending(cl, i))
			settle_by_reply(cl, i);
}

/* A reply that is none to what was asked: later, another server or a mended one may do better. */
static void
settle_by_nonsense(struct client *cl, size_t i, const char *what)
{
	struct arena *a = cl->job->arena;
	struct str reply = reply_text(&cl->reader, JOB_REPLY_MAX - CLIENT_WORDS_MAX, a);

	client_settle(cl, i, JOB_LATER, cl->reader.code, STR("4.5.0"),
	    arena_printf(a, "%s: %.*s", what, STR_ARG(reply)));
}

/* Those of the transaction that the server took, by the reply at hand to DATA or to the message. */
static void
settle_taken_by_reply(struct client *cl, bool to_data)
{
	const struct client_txn *t = cl->txn;
	unsigned class = cl->reader.code / 100;

	for (size_t i = 0; i < t->count; i++) {
		if (!t->taken[i] || !cl->pending[t->rcpt[i]])
			continue;
		if (to_data && class < 4)
			settle_by_nonsense(
			    cl, t->rcpt[i], "The server did not answer DATA with 354");
		else if (class == 3)
			settle_by_nonsense(
			    cl, t->rcpt[i], "The server did not say what became of the message");
		else
			settle_by_reply(cl, t->rcpt[i]);
	}
}

void
client_end_job(struct client *cl)
{
	struct job *job = MOVE_PTR(cl->job);

	content_close(&cl->content);
	cl->txn = NULL;
	cl->pending = NULL;
	cl->addresses = NULL;
	cl->jobs++;
	cl->owner->job_done(cl->arg, job);
}

/* A connection that was used before may have been about to close: that says nothing of this job.
 * The first job of a connection has been tried, lest a server that always breaks off at once be
 * tried without end. */
void
client_mail_lost(struct client *cl, uint16_t code, const char *status, struct str words)
{
	bool said_nothing = cl->phase == PH_PREPARE || (cl->phase == PH_ENVELOPE && cl->txn &&
							   cl->txn->heard == 0 && cl->mails);

	for (size_t i = 0; i < cl->job->rcpt_count; i++) {
		if (!is_pending(cl, i))
			continue;
		client_settle(cl, i, said_nothing || cl->stop_ms ? JOB_UNTRIED : JOB_LATER, code,
		    str_of(status), words);
	}
	client_end_job(cl);
}

/* False: what was under way has ended. */
static bool
stay_in_step(struct client *cl)
{
	struct str words = STR("The server answered before it was asked");

	if (client_in_step(cl))
		return true;
	client_mail_lost(cl, 0, "4.5.0", words);
	client_over(cl, CLIENT_FINE, 0, words);
	return false;
}

/* -- a transaction --------------------------------------------------------------------------- */

static void
say_mail(struct client *cl)
{
	CLEANUP(sbuf_done) struct sbuf line = SBUF_INIT(COMMAND_MAX);
	struct envelope e = {&cl->job->message, cl->sender, cl->content, cl->smtputf8};

	envelope_mail(&e, &cl->offers, &line);
	conn_printf(cl->conn, "%s\r\n", sbuf_cstr(&line));
}

static void
say_rcpt(struct client *cl, size_t i)
{
	CLEANUP(sbuf_done) struct sbuf line = SBUF_INIT(COMMAND_MAX);

	envelope_rcpt(cl->addresses[i], &cl->job->rcpts[i].row, &cl->offers, &line);
	conn_printf(cl->conn, "%s\r\n", sbuf_cstr(&line));
}

/* MAIL, RCPTs, and DATA unless chunks need none. */
static size_t
commands_of(const struct client_txn *t)
{
	return 1 + t->count + !t->chunks;
}

/* RFC 2920 §3.1: all of it at once, DATA as the last; or one by one. */
static void
say_next(struct client *cl)
{
	struct client_txn *t = cl->txn;

	do {
		if (t->said == 0)
			say_mail(cl);
		else if (t->said <= t->count)
			say_rcpt(cl, t->rcpt[t->said - 1]);
		else
			conn_puts(cl->conn, "DATA\r\n");
		t->said++;
	} while (cl->offers.pipelining && t->said < commands_of(t));
	bool data = t->said == 2 + t->count && !cl->offers.pipelining;
	client_enter(cl, PH_ENVELOPE, data ? CLIENT_DATA_MS : CLIENT_COMMAND_MS);
}

size_t
client_count_pending(const struct client *cl)
{
	size_t n = 0;

	for (size_t i = 0; i < cl->job->rcpt_count; i++)
		n += cl->pending[i];
	return n;
}

/* What is left of it was asked to come later (452) or does not fit. */
static void
end_transaction(struct client *cl)
{
	client_end_job(cl);
	client_next(cl);
}

/* With as many recipients that are still to be settled as the server takes; there is one. */
void
client_begin_transaction(struct client *cl)
{
	size_t max = JOB_RCPTS_MAX;

	if (cl->offers.rcpt_max && cl->offers.rcpt_max < max)
		max = cl->offers.rcpt_max;
	if (!stay_in_step(cl))
		return;
	cl->txn = ARENA_NEW(cl->job->arena, struct client_txn);
	if (!cl->txn) {
		client_mail_lost(cl, 0, "4.3.0", STR("Out of memory"));
		client_over(cl, CLIENT_FINE, 0, STR("Out of memory"));
		return;
	}
	for (size_t i = 0; i < cl->job->rcpt_count && cl->txn->count < max; i++)
		if (cl->pending[i])
			cl->txn->rcpt[cl->txn->count++] = i;
	cl->txn->chunks =
	    cl->content->form == CONTENT_BINARY && cl->offers.binary && cl->offers.chunking;
	say_next(cl);
}

/* A transaction that was begun and came to nothing. */
static void
reset(struct client *cl)
{
	conn_puts(cl->conn, "RSET\r\n");
	client_enter(cl, PH_RSET, CLIENT_COMMAND_MS);
}

static void
begin_body(struct client *cl)
{
	struct client_txn *t = cl->txn;

	if (t->chunks) {
		conn_puts(cl->conn, "BDAT ");
		conn_put_u64(cl->conn, cl->content->size);
		conn_puts(cl->conn, " LAST\r\n");
	}
	client_enter(cl, PH_BODY, CLIENT_BLOCK_MS);
}

/* All that was said is answered; `data` is the code for DATA, 0 where it was not said. */
static void
end_envelope(struct client *cl, uint16_t data)
{
	struct client_txn *t = cl->txn;

	if (!stay_in_step(cl))
		return;
	if (t->taken_count > 0 && (t->chunks || data == 354)) {
		begin_body(cl);
		return;
	}
	if (t->taken_count > 0)
		settle_taken_by_reply(cl, true);
	if (data == 354) { /* RFC 2920 §3.1: nobody is there to get it */
		conn_puts(cl->conn, ".\r\n");
		client_enter(cl, PH_EMPTY, CLIENT_FINAL_MS);
	} else if (t->mail_taken) {
		reset(cl);
	} else {
		end_transaction(cl);
	}
}

/* RFC 5321 §4.5.3.1.10: the others in a further transaction, once this one has brought some. Old
 * servers say 552. */
static bool
wants_fewer(const struct client *cl)
{
	return (cl->reader.code == 452 || cl->reader.code == 552) && cl->txn->taken_count > 0;
}

static void
rcpt_reply(struct client *cl, size_t k)
{
	struct client_txn *t = cl->txn;

	if (!t->mail_taken)
		return; /* pipelined behind a refused MAIL: says nothing new */
	if (cl->reader.code / 100 == 2) {
		t->taken[k] = true;
		t->taken_count++;
	} else if (!wants_fewer(cl)) {
		settle_by_reply(cl, t->rcpt[k]);
	}
}

/* 421 closes the connection, whatever it answers (RFC 5321 §3.8). */
static void
closing_reply(struct client *cl)
{
	struct arena *a = cl->job->arena;
	struct str status = reply_enhanced(&cl->reader, a);
	struct str words = reply_text(&cl->reader, JOB_REPLY_MAX, a);
	char enhanced[16], text[JOB_REPLY_MAX + 1];

	snprintf(enhanced, sizeof(enhanced), "%.*s", STR_ARG(status));
	snprintf(text, sizeof(text), "%.*s", STR_ARG(words)); /* the arena goes with the job */
	client_mail_lost(cl, cl->reader.code, enhanced, str_of(text));
	client_over(cl, CLIENT_FINE, 421, str_of(text));
}

static void
envelope_reply(struct client *cl)
{
	struct client_txn *t = cl->txn;
	size_t which = t->heard;
	uint16_t data = 0;

	if (cl->reader.code == 421) {
		closing_reply(cl);
		return;
	}
	t->heard++;
	if (which == 0) {
		cl->mails++;
		t->mail_taken = cl->reader.code / 100 == 2;
		if (!t->mail_taken)
			settle_pending_by_reply(cl);
	} else if (which <= t->count) {
		rcpt_reply(cl, which - 1);
	} else {
		data = cl->reader.code;
	}
	if (t->heard < t->said)
		return;
	bool hopeless = !t->mail_taken || (t->heard > t->count && t->taken_count == 0);
	if (t->said < commands_of(t) && !hopeless) {
		if (stay_in_step(cl))
			say_next(cl);
		return;
	}
	end_envelope(cl, data);
}

/* -- the message was said -------------------------------------------------------------------- */

/* LMTP has a reply for each recipient that was taken, in their order (RFC 2033 §4.2). */
static void
final_reply(struct client *cl)
{
	struct client_txn *t = cl->txn;

	if (!cl->lmtp) {
		settle_taken_by_reply(cl, false);
	} else {
		size_t nth = t->finals++;
		for (size_t i = 0; i < t->count; i++)
			if (t->taken[i] && nth-- == 0)
				settle_by_reply(cl, t->rcpt[i]);
		if (t->finals < t->taken_count) {
			client_enter(cl, PH_FINAL, CLIENT_FINAL_MS);
			return;
		}
	}
	end_transaction(cl);
}

/* Before the message has gone out whole only a refusal makes sense; there is no way to stop but to
 * close. */
static void
early_reply(struct client *cl)
{
	if (cl->reader.code >= 400)
		settle_taken_by_reply(cl, false);
	client_mail_lost(
	    cl, 0, "4.5.0", STR("The server answered before it had the whole message"));
	client_over(cl, CLIENT_FINE, 0, STR(""));
}

void
client_mail_reply(struct client *cl)
{
	switch (cl->phase) {
	case PH_ENVELOPE:
		envelope_reply(cl);
		break;
	case PH_BODY:
		early_reply(cl);
		break;
	case PH_FINAL:
		if (cl->reader.code == 421)
			closing_reply(cl);
		else
			final_reply(cl);
		break;
	case PH_EMPTY:
		/* Whatever it says: it is about nobody. A server that asks for messages without
		 * recipients is not used again. */
		client_end_job(cl);
		client_quit(cl);
		break;
	default: /* PH_RSET */
		if (cl->reader.code / 100 == 2) {
			end_transaction(cl);
		} else {
			client_mail_lost(cl, 0, "4.5.0", STR("RSET was refused"));
			client_over(cl, CLIENT_FINE, 0, STR(""));
		}
		break;
	}
}
