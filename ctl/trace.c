/* `pillarbox trace`: where did my mail go? */
#include "ctl/trace.h"

#include "common/base/clock.h"
#include "common/base/json.h"
#include "ctl/ctl.h"
#include "ctl/words.h"

#define MESSAGES_SHOWN 100 /* unless asked for more */

void
trace_put_line(struct sbuf *out, const struct trace_event *e)
{
	sbuf_puts(out, "  ");
	words_put_time(out, e->at_ms / 1000);
	sbuf_printf(out, " %s", trace_kind_name(e->kind));
	if (e->recipient.n) {
		sbuf_putc(out, ' ');
		words_put_safe(out, e->recipient);
	}
	if (e->text.n) {
		sbuf_puts(out, ": ");
		words_put_safe(out, e->text);
	}
	if (e->host.n || e->tls.n) {
		sbuf_puts(out, " (");
		words_put_safe(out, e->host);
		sbuf_puts(out, e->host.n && e->tls.n ? ", " : "");
		words_put_safe(out, e->tls);
		sbuf_putc(out, ')');
	}
	sbuf_putc(out, '\n');
}

void
trace_put_json(struct sbuf *out, const struct trace_event *e)
{
	json_open(out, NULL, '{');
	json_u64(out, "at_ms", (uint64_t)e->at_ms);
	json_str(out, "event", str_of(trace_kind_name(e->kind)));
	json_str(out, "recipient", e->recipient);
	json_str(out, "host", e->host);
	json_str(out, "tls", e->tls);
	json_str(out, "text", e->text);
	json_close(out, '}');
}

struct tracer_out {
	struct sbuf out;
	bool json;
	int64_t message; /* the last one */
	uint64_t messages;
};

static void
begin_message(struct tracer_out *t, const struct trace_found *x)
{
	const struct trace_event *e = &x->event;
	char size[32];

	if (t->json) {
		if (t->messages)
			sbuf_puts(&t->out, "]},\n");
		sbuf_putc(&t->out, '{'); /* after a comma already */
		json_str(&t->out, "trace_id", e->trace_id);
		json_str(&t->out, "message_id", e->message_id);
		json_str(&t->out, "sender", e->sender);
		json_u64(&t->out, "size", e->size);
		json_open(&t->out, "events", '[');
		return;
	}
	words_put_safe(&t->out, e->trace_id);
	sbuf_puts(&t->out, " from ");
	if (e->sender.n)
		words_put_safe(&t->out, e->sender);
	else
		sbuf_puts(&t->out, "<>");
	if (e->size)
		sbuf_printf(&t->out, ", %s", ctl_size(e->size, size));
	if (e->message_id.n) {
		sbuf_puts(&t->out, ", <");
		words_put_safe(&t->out, e->message_id);
		sbuf_putc(&t->out, '>');
	}
	sbuf_putc(&t->out, '\n');
}

/* What is written goes out event by event; the last octet stays, since JSON asks for it. */
static enum err
tell_event(const struct trace_found *x, void *arg)
{
	struct tracer_out *t = arg;

	if (x->message != t->message || !t->messages) {
		begin_message(t, x);
		t->messages++;
	}
	t->message = x->message;
	if (t->json)
		trace_put_json(&t->out, &x->event);
	else
		trace_put_line(&t->out, &x->event);
	if (sbuf_error(&t->out))
		return sbuf_error(&t->out);
	fwrite(t->out.p, 1, t->out.n - 1, stdout);
	sbuf_drop(&t->out, t->out.n - 1);
	return ERR_OK;
}

struct trace_words {
	const char *sender, *recipient, *message_id, *since, *until, *last;
};

static struct str
strip_brackets(struct str s)
{
	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		return str_sub(s, 1, s.n - 2);
	return s;
}

static int
make_filter(struct call *call, const struct trace_words *w, struct trace_filter *f)
{
	int64_t now = clock_real_s();
	uint64_t last = MESSAGES_SHOWN;

	*f = (struct trace_filter){0};
	if (call->arg_count)
		f->trace_id = str_of(call->args[0]);
	if (w->sender)
		f->sender = strip_brackets(str_of(w->sender));
	if (w->recipient)
		f->recipient = strip_brackets(str_of(w->recipient));
	if (w->message_id)
		f->message_id = strip_brackets(str_of(w->message_id));
	if (w->since && !words_parse_time(str_of(w->since), now, &f->since_s))
		return call_misuse(
		    call, "--since: \"%s\" is no time such as 2h or 2026-11-23 14:00", w->since);
	if (w->until && !words_parse_time(str_of(w->until), now, &f->until_s))
		return call_misuse(
		    call, "--until: \"%s\" is no time such as 2h or 2026-11-23 14:00", w->until);
	if (w->last && (!str_to_u64(str_of(w->last), &last) || !last || last > TRACE_FOUND_MAX))
		return call_misuse(call, "--last: expected a number from 1 to %d", TRACE_FOUND_MAX);
	f->max_messages = last;
	return CALL_GO_ON;
}

int
verb_trace(struct call *call)
{
	struct tracer_out t = {.out = SBUF_INIT(1 << 20)};
	struct trace_words w = {0};
	struct trace_filter filter;
	const struct call_option options[] = {
	    {"sender", "ADDRESS", "of this sender, or @DOMAIN", .value = &w.sender},
	    {"recipient", "ADDRESS", "to this recipient, or @DOMAIN", .value = &w.recipient},
	    {"message-id", "ID", "with this Message-ID", .value = &w.message_id},
	    {"since", "TIME", "2h (ago), 2026-11-23, \"2026-11-23 14:00\"", .value = &w.since},
	    {"until", "TIME", "likewise", .value = &w.until},
	    {"last", "N", "at most N messages, the latest (100)", .value = &w.last},
	    {"json", NULL, "as a JSON array", .flag = &t.json},
	};
	int status = call_parse(call, options, ARRAY_LEN(options), 0, 1);

	if (status == CALL_GO_ON)
		status = make_filter(call, &w, &filter);
	if (status == CALL_GO_ON)
		status = call_open_store(call);
	if (status != CALL_GO_ON)
		return status;
	if (t.json)
		sbuf_putc(&t.out, '[');
	enum err e = trace_find(call->store, &filter, tell_event, &t);
	if (t.json)
		sbuf_puts(&t.out, t.messages ? "]}]\n" : "]\n");
	if (t.out.n)
		fwrite(t.out.p, 1, t.out.n, stdout);
	sbuf_done(&t.out);
	if (!e && !t.json && !t.messages)
		puts("nothing is known of such mail");
	else if (!e && !t.json && t.messages == filter.max_messages)
		printf("these are the latest %llu; --last N shows more\n",
		    (unsigned long long)t.messages);
	return call_fail(e, "trace");
}
