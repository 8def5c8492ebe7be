#include "smtpd/enqueue.h"

#include "common/base/clock.h"
#include "common/mail/message_id.h"
#include "smtpd/forward.h"
#include "smtpd/outbound/trace_fields.h"
#include "smtpd/sending_policy.h"

#define COPY_PIECE 16384
#define RETURN_PATH_MAX 1024

enum err
enqueue_add_recipient(struct smtp_session *s, struct str address)
{
	struct smtp_txn *t = s->txn;
	struct smtp_rcpt rcpt = {.address = arena_dup(t->arena, address), .elsewhere = true};
	struct smtp_rcpt *rcpts =
	    arena_grow(t->arena, t->rcpts, &t->rcpt_cap, t->rcpt_count + 1, sizeof(*t->rcpts));

	if (!rcpts || !rcpt.address.p)
		return ERR_NOMEM;
	t->rcpts = rcpts;
	t->rcpts[t->rcpt_count++] = rcpt;
	t->elsewhere_count++;
	return ERR_OK;
}

enum err
enqueue_local_copy(struct smtp_session *s, struct spool *queued, struct spool **ret)
{
	CLEANUP(sbuf_done) struct sbuf front = SBUF_INIT(RETURN_PATH_MAX);
	CLEANUP(spool_free) struct spool *copy = NULL;
	const struct message_index *index;
	char piece[COPY_PIECE];

	trace_write_return_path(s->txn->sender, &front);
	enum err e = sbuf_error(&front);
	if (!e)
		e = spool_finish(queued, &index);
	if (!e)
		e = spool_new(s->svc->store, &copy);
	if (!e)
		e = spool_write(copy, front.p, front.n);
	uint64_t size = spool_size(queued);
	for (uint64_t at = 0; at < size && !e;) {
		size_t n = size - at < sizeof(piece) ? (size_t)(size - at) : sizeof(piece);
		e = spool_read_back(queued, at, piece, n);
		if (!e)
			e = spool_write(copy, piece, n);
		at += n;
	}
	if (!e)
		*ret = MOVE_PTR(copy);
	return e;
}

static int64_t
release_time(const struct smtp_mail_params *p, int64_t now_s)
{
	if (p->hold_until_s)
		return p->hold_until_s;
	return p->hold_for_s ? now_s + (int64_t)p->hold_for_s : 0;
}

/* RFC 8689 §4.1: MAIL's REQUIRETLS counts more than the header. */
bool
enqueue_is_tls_optional(const struct smtp_session *s)
{
	const struct smtp_txn *t = s->txn;

	return t->in && !t->params.requiretls && incoming_tls_optional(t->in);
}

enum err
enqueue_message(struct smtp_session *s, struct spool *spool)
{
	const struct smtp_txn *t = s->txn;
	const struct message_index *index;
	struct queue_new_rcpt *rcpts =
	    arena_alloc_array(t->arena, t->elsewhere_count, sizeof(*rcpts));
	int64_t now_s = clock_real_s(), id;
	int64_t release_s = release_time(&t->params, now_s);
	size_t n = 0;

	if (!rcpts)
		return ERR_NOMEM;
	enum err e = spool_finish(spool, &index);
	if (e)
		return e;
	for (size_t i = 0; i < t->rcpt_count; i++) {
		const struct smtp_rcpt *r = &t->rcpts[i];
		if (r->elsewhere)
			rcpts[n++] = (struct queue_new_rcpt){.address = r->address,
			    .orcpt = r->params.orcpt,
			    .notify = r->params.notify};
	}
	for (size_t i = 0; i < t->forward_count; i++) {
		const struct smtp_rcpt *r = &t->rcpts[t->forwards[i].rcpt];
		if (t->forwards[i].queued)
			continue;
		rcpts[n++] = (struct queue_new_rcpt){.address = t->forwards[i].address,
		    .orcpt = r->params.orcpt,
		    .notify = r->params.notify};
	}
	if (!n)
		return ERR_OK;
	struct str sender;
	e = forward_sender(s, &sender);
	if (e)
		return e;
	bool says_7bit = t->params.body == QUEUE_7BIT;
	const struct sending_limits limits = sending_policy_limits(s->conf);
	const struct queue_new q = {
	    .kind = s->account ? QUEUE_SUBMITTED : QUEUE_FORWARDED,
	    .account = s->account,
	    .sender = sender,
	    .envid = t->params.envid,
	    .ret = t->params.ret,
	    /* NUL is no text (RFC 2045 §2.8), and some servers leave it out: CR LF NUL . CR LF
	     * would end a message there */
	    .body = index->has_nul                 ? QUEUE_BINARYMIME
		    : says_7bit && index->has_8bit ? QUEUE_8BITMIME
						   : t->params.body,
	    .smtputf8 = t->params.smtputf8,
	    .requiretls = t->params.requiretls,
	    .tls_optional = enqueue_is_tls_optional(s),
	    .trace_id = str_of(t->id),
	    .message_id = message_id_bare(index->message_id),
	    .release_s = release_s,
	    .expires_s = (release_s ? release_s : now_s) + (int64_t)s->conf->outbound.expire_s,
	    .limits = s->account ? &limits : NULL,
	    .rcpts = rcpts,
	    .rcpt_count = n,
	};
	e = queue_add(s->svc->store, spool, &q, &id);
	if (e == ERR_LIMIT && q.limits)
		sending_policy_exceeded(s, n);
	return e == ERR_LIMIT ? ERR_DENIED : e;
}
