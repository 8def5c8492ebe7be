/* `pillarbox suppression`: addresses that bounced and are not written to for a while. */
#include "store/suppression.h"
#include "common/base/json.h"
#include "ctl/ctl.h"
#include "ctl/words.h"

struct lister {
	struct sbuf out;
	bool json;
	uint64_t n;
};

static enum err
list_one(const struct suppressed *x, void *arg)
{
	struct lister *l = arg;

	sbuf_clear(&l->out);
	if (l->json) {
		fputs(l->n ? ",\n" : "", stdout);
		json_open(&l->out, NULL, '{');
		json_str(&l->out, "address", x->address);
		json_str(&l->out, "reply", x->reply);
		json_str(&l->out, "host", x->host);
		json_u64(&l->out, "since", (uint64_t)x->since_s);
		json_u64(&l->out, "until", (uint64_t)x->until_s);
		json_close(&l->out, '}');
	} else {
		words_put_safe(&l->out, x->address);
		sbuf_puts(&l->out, " until ");
		words_put_time(&l->out, x->until_s);
		sbuf_puts(&l->out, ": ");
		words_put_safe(&l->out, x->reply);
		sbuf_putc(&l->out, '\n');
	}
	l->n++;
	fwrite(l->out.p, 1, l->out.n, stdout);
	return sbuf_error(&l->out);
}

int
verb_suppression_list(struct call *call)
{
	struct lister l = {.out = SBUF_INIT(65536)};
	int status = call_open_list(call, &l.json);

	if (status != CALL_GO_ON)
		return status;
	fputs(l.json ? "[" : "", stdout);
	enum err e = suppression_list(call->store, list_one, &l);
	fputs(l.json ? "]\n" : "", stdout);
	sbuf_done(&l.out);
	return call_fail(e, "suppression");
}

int
verb_suppression_remove(struct call *call)
{
	int status = call_begin(call, NULL, 0, 1, 10000);

	if (status != CALL_GO_ON)
		return status;
	int worst = CTL_OK;
	for (size_t i = 0; i < call->arg_count; i++) {
		enum err e = suppression_remove(call->store, str_of(call->args[i]));
		int one = call_fail(e, call->args[i]);
		worst = one ? one : worst;
	}
	return worst;
}
