#include "smtpd/accepted.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/mail/message_id.h"
#include "smtpd/enqueue.h"
#include "smtpd/outbound/report.h"
#include "store/trace.h"

#define REPORT_ARENA (1024 * 1024)
#define REPORT_EXPIRE_S (5 * 86400)
#define REFUSALS_NOTED 20 /* of a session: guessed names are not to fill the disk */

/* -- trace ----------------------------------------------------------------------------------- */

static void
note(struct smtp_session *s, enum trace_kind kind, struct str recipient, struct str text)
{
	trace_note(s->svc->store, &(struct trace_event){.kind = kind,
				      .trace_id = str_of(s->txn->id),
				      .sender = s->txn->sender,
				      .recipient = recipient,
				      .text = text});
}

static void
note_all(struct smtp_session *s, const struct message_index *index)
{
	const struct smtp_txn *t = s->txn;
	char tls[128], with[64];

	snprintf(with, sizeof(with), "%s%s", smtp_with(s),
	    t->params.requiretls         ? ", REQUIRETLS"
	    : enqueue_is_tls_optional(s) ? ", TLS-Required: No"
					 : "");
	snprintf(tls, sizeof(tls), "%s %s", conn_tls_version(s->conn), conn_tls_cipher(s->conn));
	trace_note(s->svc->store, &(struct trace_event){.kind = TRACE_ACCEPTED,
				      .trace_id = str_of(t->id),
				      .message_id = message_id_bare(index->message_id),
				      .sender = t->sender,
				      .size = index->size,
				      .account = s->account,
				      .host = str_of(s->peer),
				      .tls = str_of(conn_is_tls(s->conn) ? tls : ""),
				      .text = str_of(with)});
	for (size_t i = 0; i < t->rcpt_count; i++) {
		const struct smtp_rcpt *r = &t->rcpts[i];
		if (!r->taken)
			continue;
		if (r->forwarded)
			note(s, TRACE_EXPANDED, r->address, STR("sent on by an alias or forward"));
		if (r->account_count)
			note(s, TRACE_STORED, r->address, STR(""));
	}
}

void
accepted_note_refusal(struct smtp_session *s, const struct smtp_reply *reply, struct str about)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(TRACE_STRING_MAX);

	if (!s->txn || s->refusals_noted >= REFUSALS_NOTED)
		return;
	s->refusals_noted++;
	sbuf_printf(&text, "%u %s %s", reply->code, reply->enhanced, reply->text);
	note(s, TRACE_REFUSED, about, sbuf_view(&text));
}

/* -- reports --------------------------------------------------------------------------------- */

static bool
wants_success(const struct smtp_rcpt *r)
{
	return r->taken && !r->elsewhere && (r->params.notify & QUEUE_NOTIFY_SUCCESS);
}

/* RFC 3461 §5.2.7.3: what an alias hands on to several, or elsewhere, is expanded. */
static enum report_kind
kind_of(const struct smtp_rcpt *r)
{
	return r->forwarded || r->account_count > 1 ? REPORT_EXPANDED : REPORT_DELIVERED;
}

static enum err
queue_report(struct smtp_session *s, const struct report *r)
{
	CLEANUP(spool_free) struct spool *spool = NULL;
	const struct queue_new_rcpt rcpt = {.address = r->to};
	const struct queue_new q = {
	    .kind = QUEUE_REPORT,
	    .body = QUEUE_8BITMIME,
	    .smtputf8 = r->utf8,
	    .trace_id = r->about->trace_id,
	    .expires_s = r->now_s + REPORT_EXPIRE_S,
	    .rcpts = &rcpt,
	    .rcpt_count = 1,
	};
	int64_t id;
	enum err e = spool_new(s->svc->store, &spool);

	if (!e)
		e = report_write(r, spool);
	return e ? e : queue_add(s->svc->store, spool, &q, &id);
}

/* The octets of a spool that others still need. */
struct borrowed {
	struct content content;
	struct spool *spool;
};

static enum err
read_borrowed(struct content *c, uint64_t offset, char *to, size_t n, size_t *ret_n)
{
	uint64_t left = offset < c->size ? c->size - offset : 0;

	*ret_n = left < n ? (size_t)left : n;
	return *ret_n ? spool_read_back(((struct borrowed *)c)->spool, offset, to, *ret_n) : ERR_OK;
}

static enum err
report_success(struct smtp_session *s, struct spool *spool, const struct message_index *index)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(REPORT_ARENA);
	const struct smtp_txn *t = s->txn;
	struct borrowed original = {{.size = index->size, .read = read_borrowed}, spool};
	struct report_rcpt *told = arena_alloc_array(t->arena, t->rcpt_count, sizeof(*told));
	int64_t now_s = clock_real_s();
	size_t n = 0;

	if (!arena || !told)
		return ERR_NOMEM;
	for (size_t i = 0; i < t->rcpt_count; i++) {
		const struct smtp_rcpt *r = &t->rcpts[i];
		if (wants_success(r))
			told[n++] = (struct report_rcpt){.kind = kind_of(r),
			    .address = r->address,
			    .orcpt = r->params.orcpt,
			    .status = STR("2.0.0"),
			    .last_attempt_s = now_s};
	}
	const struct queue_message about = {
	    .sender = t->sender,
	    .envid = t->params.envid,
	    .ret = t->params.ret,
	    .trace_id = str_of(t->id),
	    .message_id = message_id_bare(index->message_id),
	    .created_s = now_s,
	    .size = index->size,
	};
	const struct report r = {
	    .hostname = str_of(s->conf->hostname),
	    .to = t->sender,
	    .postmaster = report_postmaster(s->svc->store, s->conf, arena),
	    .about = &about,
	    .original = &original.content,
	    .rcpts = told,
	    .rcpt_count = n,
	    .now_s = now_s,
	    .utf8 = t->params.smtputf8,
	};
	return queue_report(s, &r);
}

void
accepted_tell(struct smtp_session *s, struct spool *spool)
{
	const struct message_index *index = NULL;
	const struct smtp_txn *t = s->txn;
	bool asked = false;

	enum err e = spool_finish(spool, &index);
	if (!e)
		note_all(s, index);
	for (size_t i = 0; i < t->rcpt_count; i++)
		asked |= wants_success(&t->rcpts[i]);
	if (!e && asked && t->sender.n)
		e = report_success(s, spool, index);
	if (e)
		log_error("report_lost", F_CSTR("id", t->id), F_STR("to", t->sender), F_ERR(e));
}
