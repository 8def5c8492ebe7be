#include "smtpd/outbound/onward.h"

#include "common/base/clock.h"

bool
onward_any(const struct recipient *found, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!found[i].account)
			return true;
	return false;
}

enum err
onward_add(struct store *s, const struct conf *conf, struct spool *spool, const struct onward *on,
    const struct recipient *found, size_t n)
{
	CLEANUP(mem_free) struct queue_new_rcpt *rcpts = calloc(n + 1, sizeof(*rcpts));
	const struct message_index *index;
	size_t count = 0;
	int64_t id;

	if (!rcpts)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		if (!found[i].account)
			rcpts[count++] = (struct queue_new_rcpt){.address = found[i].elsewhere,
			    .orcpt = on->orcpt,
			    .notify = on->notify};
	enum err e = spool_finish(spool, &index);
	if (e)
		return e;
	const struct queue_new q = {
	    .kind = QUEUE_FORWARDED,
	    .account = on->account,
	    .sender = on->sender,
	    .envid = on->envid,
	    .ret = on->ret,
	    .body = index->has_nul                              ? QUEUE_BINARYMIME
		    : on->body == QUEUE_7BIT && index->has_8bit ? QUEUE_8BITMIME
								: on->body,
	    .smtputf8 = on->smtputf8,
	    .requiretls = on->requiretls,
	    .tls_optional = on->tls_optional,
	    .trace_id = on->trace_id,
	    .expires_s = clock_real_s() + (int64_t)conf->outbound.expire_s,
	    .rcpts = rcpts,
	    .rcpt_count = count,
	};
	return on->from ? queue_pass_on(s, on->from, spool, &q) : queue_add(s, spool, &q, &id);
}
