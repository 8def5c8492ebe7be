/* Jobs: which comes next, and what of it the server can't be told. */
#include "smtpd/outbound/client_private.h"

#include <stdio.h>

static enum content_form
form_taken(const struct offers *o)
{
	if (o->binary && o->chunking)
		return CONTENT_BINARY;
	return o->eightbit ? CONTENT_8BIT : CONTENT_7BIT;
}

/* RFC 8689 §4.2.1: all of it must be promised; but not to reports, which have no sender. */
static bool
check_requiretls(struct client *cl)
{
	const struct queue_message *m = &cl->job->message;

	if (!m->requiretls || m->sender.n == 0)
		return true;
	if (!conn_tls_outcome(cl->conn)->verified || !cl->route->secure_mx) {
		client_settle_pending(cl, JOB_NEVER, "5.7.10",
		    STR("The sender requires TLS all the way (REQUIRETLS), but the server could "
			"not "
			"be authenticated"));
		return false;
	}
	if (cl->offers.requiretls)
		return true;
	client_settle_pending(cl, JOB_NEVER, "5.7.30",
	    STR("The sender requires TLS all the way (REQUIRETLS), which the server does not "
		"offer"));
	return false;
}

static bool
prepare_addresses(struct client *cl)
{
	struct job *job = cl->job;

	cl->pending = arena_alloc_array(job->arena, job->rcpt_count, sizeof(bool));
	cl->addresses = arena_alloc_array(job->arena, job->rcpt_count, sizeof(struct str));
	if (!cl->pending || !cl->addresses) {
		cl->pending = NULL;
		client_settle_pending(cl, JOB_LATER, "4.3.0", STR("Out of memory"));
		return false;
	}
	cl->sender = envelope_ascii_domain(job->message.sender, job->arena);
	for (size_t i = 0; i < job->rcpt_count; i++) {
		cl->pending[i] = true;
		cl->addresses[i] = envelope_ascii_domain(job->rcpts[i].row.address, job->arena);
		if (!envelope_address_fits(cl->addresses[i]))
			client_settle(cl, i, JOB_NEVER, 0, STR("5.1.3"),
			    STR("The address can't be put into an SMTP command"));
	}
	if (!envelope_address_fits(cl->sender))
		client_settle_pending(cl, JOB_NEVER, "5.1.7",
		    STR("The sender's address can't be put into an SMTP command"));
	return true;
}

/* RFC 6531 §3.5 */
static void
choose_utf8(struct client *cl)
{
	bool whole = envelope_needs_utf8(cl->sender) ||
		     (cl->job->message.smtputf8 && cl->content->utf8_header);

	cl->smtputf8 = whole;
	for (size_t i = 0; i < cl->job->rcpt_count; i++) {
		if (!cl->pending[i] || !(whole || envelope_needs_utf8(cl->addresses[i])))
			continue;
		cl->smtputf8 = true;
		if (!cl->offers.smtputf8)
			client_settle(cl, i, JOB_NEVER, 0, STR("5.6.7"),
			    STR("The message needs SMTPUTF8 (addresses or header fields beyond "
				"ASCII), which the server does not offer"));
	}
	cl->smtputf8 &= cl->offers.smtputf8;
}

static void
check_size(struct client *cl)
{
	char words[CLIENT_WORDS_MAX];

	if (!cl->offers.size_max || cl->content->size <= cl->offers.size_max)
		return;
	snprintf(words, sizeof(words), "The message has %llu octets, the server takes %llu at most",
	    (unsigned long long)cl->content->size, (unsigned long long)cl->offers.size_max);
	client_settle_pending(cl, JOB_NEVER, "5.3.4", str_of(words));
}

static void
take_content(struct client *cl)
{
	bool wait = false;

	cl->content = cl->owner->content(cl->arg, cl->job, form_taken(&cl->offers), &wait);
	if (!cl->content && wait) {
		if (cl->phase != PH_PREPARE)
			client_enter(cl, PH_PREPARE, CLIENT_PREPARE_MS);
		return;
	}
	if (!cl->content) {
		client_end_job(cl);
		return;
	}
	choose_utf8(cl);
	check_size(cl);
	if (client_count_pending(cl) == 0)
		client_end_job(cl);
	else
		client_begin_transaction(cl);
}

static void
begin_job(struct client *cl, struct job *job)
{
	cl->job = job;
	cl->pending = NULL;
	for (size_t i = 0; i < job->rcpt_count; i++)
		job->rcpts[i].fate = JOB_UNTRIED;
	job->host = arena_dup(job->arena, str_of(cl->name));
	job->tls = cl->route->is_relaxed
		       ? arena_printf(job->arena, "%s (TLS-Required: No)", cl->tls_text)
		       : arena_dup(job->arena, str_of(cl->tls_text));
	if (!check_requiretls(cl)) {
		client_end_job(cl);
		return;
	}
	if (!prepare_addresses(cl) || client_count_pending(cl) == 0) {
		client_end_job(cl);
		return;
	}
	take_content(cl);
}

/* A job that ends without a word to the server is followed by the next in this loop. */
void
client_next(struct client *cl)
{
	int64_t wait_ms = 0;
	bool used_up = cl->offers.mail_max && cl->mails >= cl->offers.mail_max;

	if (!client_in_step(cl)) {
		client_over(cl, cl->jobs ? CLIENT_FINE : CLIENT_GREETING_LATER, 0,
		    STR("The server answered before it was asked"));
		return;
	}
	for (;;) {
		if (cl->stop_ms || used_up) {
			client_quit(cl);
			return;
		}
		struct job *job = cl->owner->next_job(cl->arg, &wait_ms);
		if (!job)
			break;
		begin_job(cl, job);
		if (cl->job || cl->phase == PH_OVER)
			return;
	}
	if (wait_ms > 0)
		client_enter(cl, PH_IDLE, wait_ms);
	else
		client_quit(cl);
}

void
client_prepared(struct client *cl)
{
	take_content(cl);
	if (!cl->job && cl->phase != PH_OVER)
		client_next(cl);
}
