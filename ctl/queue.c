/* `pillarbox queue list` and `show`. */
#include "common/base/json.h"
#include "ctl/ctl.h"
#include "ctl/queue_words.h"
#include "ctl/trace.h"
#include "ctl/words.h"

#include "common/base/clock.h"
#include "store/queue.h"
#include "store/trace.h"

#define HEADER_MAX (64 * 1024) /* octets of it that are shown */
#define LINE_MAX_OCTETS (1024 * 1024)

struct lister {
	struct sbuf out; /* what is said of one recipient */
	bool json;
	int64_t now_s;
	int64_t message; /* the last one */
	uint64_t messages, recipients;
};

static const char *
state_name(const struct queue_rcpt *r)
{
	return r->state == QUEUE_HELD ? "held" : r->give_up ? "given up" : "waiting";
}

/* -- as JSON */

static void
json_rcpt(struct sbuf *out, const char *key, const struct queue_rcpt *r)
{
	json_open(out, key, '{');
	json_u64(out, "number", (uint64_t)queue_rcpt_number(r->id));
	json_str(out, "address", r->address);
	json_str(out, "domain", r->domain);
	json_str(out, "state", str_of(state_name(r)));
	json_u64(out, "attempts", r->attempts);
	json_u64(out, "next_attempt", (uint64_t)(r->next_ms / 1000));
	json_bool(out, "delay_told", r->delay_told);
	json_str(out, "last_reply", r->last_reply);
	json_str(out, "last_host", r->last_host);
	json_close(out, '}');
}

static void
json_message(struct sbuf *out, const struct queue_message *m)
{
	static const char *const kinds[] = {[QUEUE_SUBMITTED] = "submitted",
	    [QUEUE_FORWARDED] = "forwarded",
	    [QUEUE_REPORT] = "report"};

	json_u64(out, "message", (uint64_t)m->id);
	json_str(out, "kind", str_of(m->kind <= QUEUE_REPORT ? kinds[m->kind] : ""));
	json_str(out, "sender", m->sender);
	json_u64(out, "size", m->size);
	json_u64(out, "created", (uint64_t)m->created_s);
	json_u64(out, "expires", (uint64_t)m->expires_s);
	json_str(out, "trace_id", m->trace_id);
	json_str(out, "message_id", m->message_id);
}

/* -- for people */

static void
put_sender(struct sbuf *out, struct str sender)
{
	if (sender.n)
		words_put_safe(out, sender);
	else
		sbuf_puts(out, "<>");
}

static void
put_message(struct lister *l, const struct queue_message *m)
{
	char size[32];

	sbuf_printf(&l->out, "%-8lld %6s  ", (long long)m->id, ctl_size(m->size, size));
	words_put_time(&l->out, m->created_s);
	sbuf_puts(&l->out, "  ");
	put_sender(&l->out, m->sender);
	sbuf_putc(&l->out, '\n');
}

static void
put_rcpt(struct lister *l, const struct queue_rcpt *r)
{
	sbuf_printf(&l->out, "  /%lld ", (long long)queue_rcpt_number(r->id));
	words_put_safe(&l->out, r->address);
	sbuf_printf(&l->out, ": %s", state_name(r));
	if (r->attempts)
		sbuf_printf(&l->out, ", tried %u time%s", r->attempts, r->attempts == 1 ? "" : "s");
	if (r->state == QUEUE_WAITING && !r->give_up && r->next_ms / 1000 > l->now_s) {
		sbuf_puts(&l->out, ", again in ");
		words_put_age(&l->out, r->next_ms / 1000 - l->now_s);
	}
	sbuf_putc(&l->out, '\n');
	if (!r->last_reply.n)
		return;
	sbuf_puts(&l->out, "       ");
	words_put_safe(&l->out, r->last_reply);
	if (r->last_host.n) {
		sbuf_puts(&l->out, " (");
		words_put_safe(&l->out, r->last_host);
		sbuf_putc(&l->out, ')');
	}
	sbuf_putc(&l->out, '\n');
}

static enum err
list_one(const struct queue_listed *q, void *arg)
{
	struct lister *l = arg;

	sbuf_clear(&l->out);
	if (l->json) {
		if (l->recipients)
			fputs(",\n", stdout);
		json_open(&l->out, NULL, '{');
		json_message(&l->out, &q->message);
		json_rcpt(&l->out, "recipient", &q->rcpt);
		json_close(&l->out, '}');
	} else {
		if (q->message.id != l->message)
			put_message(l, &q->message);
		put_rcpt(l, &q->rcpt);
	}
	l->messages += q->message.id != l->message;
	l->recipients++;
	l->message = q->message.id;
	fwrite(l->out.p, 1, l->out.n, stdout);
	return sbuf_error(&l->out);
}

static int
tell_pauses(struct call *call)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(LINE_MAX_OCTETS);
	struct queue_pause *pauses;
	size_t n;
	enum err e = queue_pauses(call->store, call->arena, &pauses, &n);

	for (size_t i = 0; i < n && !e; i++) {
		sbuf_puts(&out, "paused: ");
		words_put_safe(&out, pauses[i].name);
		sbuf_puts(&out, " since ");
		words_put_time(&out, pauses[i].since_s);
		sbuf_puts(&out, pauses[i].reason.n ? ": " : "");
		words_put_safe(&out, pauses[i].reason);
		sbuf_putc(&out, '\n');
	}
	fputs(sbuf_cstr(&out), stdout);
	return call_fail(e, "pauses");
}

int
verb_queue_list(struct call *call)
{
	struct lister l = {.out = SBUF_INIT(LINE_MAX_OCTETS), .now_s = clock_real_s()};
	struct call_option options[QUEUE_WORDS_OPTIONS + 1];
	struct queue_words words = {0};
	struct queue_filter filter;
	bool any;

	queue_words_options(&words, options);
	options[QUEUE_WORDS_OPTIONS] =
	    (struct call_option){"json", NULL, "as a JSON array", .flag = &l.json};
	int status = call_parse(call, options, ARRAY_LEN(options), 0, 0);
	if (status == CALL_GO_ON)
		status = queue_words_filter(call, &words, &filter, &any);
	if (status == CALL_GO_ON)
		status = call_open_store(call);
	if (status != CALL_GO_ON)
		return status;
	if (l.json)
		putchar('[');
	enum err e = queue_list(call->store, &filter, list_one, &l);
	if (l.json)
		puts("]");
	else if (!e)
		printf("%llu message%s, %llu recipient%s\n", (unsigned long long)l.messages,
		    l.messages == 1 ? "" : "s", (unsigned long long)l.recipients,
		    l.recipients == 1 ? "" : "s");
	sbuf_done(&l.out);
	if (e)
		return call_fail(e, "queue");
	return l.json ? CTL_OK : tell_pauses(call);
}

/* -- show */

struct shower {
	struct call *call;
	struct lister l;
	struct str trace_id, message_id; /* in the call's arena */
	bool first_event;
};

static enum err
show_one(const struct queue_listed *q, void *arg)
{
	struct shower *s = arg;
	struct sbuf *out = &s->l.out;

	if (s->l.json) {
		if (!s->l.recipients) {
			json_open(out, NULL, '{');
			json_message(out, &q->message);
			json_open(out, "recipients", '[');
		}
		json_rcpt(out, NULL, &q->rcpt);
	} else {
		if (!s->l.recipients) {
			put_message(&s->l, &q->message);
			sbuf_puts(out, "  tried until ");
			words_put_time(out, q->message.expires_s);
			sbuf_puts(out, ", trace id ");
			words_put_safe(out, q->message.trace_id);
			sbuf_putc(out, '\n');
		}
		put_rcpt(&s->l, &q->rcpt);
	}
	if (!s->l.recipients++) {
		s->trace_id = arena_dup(s->call->arena, q->message.trace_id);
		s->message_id = arena_dup(s->call->arena, q->message.message_id);
	}
	return sbuf_error(out);
}

/* The header, with the line ends of here. */
static enum err
show_header(struct shower *s, int64_t message)
{
	CLEANUP(queue_octets_close) struct queue_octets *o = NULL;
	char *buf = arena_alloc(s->call->arena, HEADER_MAX);
	size_t n = 0;
	enum err e = buf ? queue_octets_open(s->call->store, message, &o) : ERR_NOMEM;

	if (!e)
		e = queue_octets_read(o, 0, buf, HEADER_MAX, &n);
	if (e)
		return e;
	size_t end = str_find_nocase(str_make(buf, n), STR("\r\n\r\n"));
	struct str header = str_make(buf, end == STR_NONE ? n : end + 2), line;
	if (s->l.json) {
		json_str(&s->l.out, "header", header);
		return sbuf_error(&s->l.out);
	}
	sbuf_putc(&s->l.out, '\n');
	while (str_split(&header, '\n', &line)) {
		sbuf_puts(&s->l.out, "  ");
		words_put_safe(&s->l.out,
		    str_trim(line).n ? str_sub(line, 0, line.n - (line.p[line.n - 1] == '\r'))
				     : STR(""));
		sbuf_putc(&s->l.out, '\n');
	}
	return sbuf_error(&s->l.out);
}

static enum err
show_event(const struct trace_found *x, void *arg)
{
	struct shower *s = arg;

	if (s->l.json) {
		trace_put_json(&s->l.out, &x->event);
	} else {
		sbuf_puts(&s->l.out, s->first_event ? "\n" : "");
		trace_put_line(&s->l.out, &x->event);
	}
	s->first_event = false;
	return sbuf_error(&s->l.out);
}

static enum err
show_message(struct shower *s, const struct queue_filter *f)
{
	struct sbuf *out = &s->l.out;
	enum err e = queue_list(s->call->store, f, show_one, s);

	if (!e && !s->l.recipients)
		return ERR_NOT_FOUND;
	if (!e && s->l.json)
		json_close(out, ']');
	if (!e)
		e = show_header(s, f->message);
	if (!e && s->l.json)
		json_open(out, "events", '[');
	s->first_event = true;
	if (!e && s->trace_id.n)
		e = trace_find(s->call->store,
		    &(struct trace_filter){.trace_id = s->trace_id, .message_id = s->message_id},
		    show_event, s);
	if (!e && s->l.json) {
		json_close(out, ']');
		json_close(out, '}');
		sbuf_putc(out, '\n');
	}
	fputs(sbuf_cstr(out), stdout);
	return e ? e : sbuf_error(out);
}

int
verb_queue_show(struct call *call)
{
	struct shower s = {
	    .call = call, .l = {.out = SBUF_INIT(1U << 28), .now_s = clock_real_s()}};
	struct queue_filter filter = {.state = -1};
	const struct call_option options[] = {
	    {"json", NULL, "as a JSON object", .flag = &s.l.json},
	};
	int status = call_parse(call, options, ARRAY_LEN(options), 1, 1);

	if (status == CALL_GO_ON && !queue_words_target(call->args[0], &filter))
		return call_misuse(
		    call, "\"%s\" is no message's number, as `queue list` shows it", call->args[0]);
	if (status == CALL_GO_ON)
		status = call_open_store(call);
	if (status != CALL_GO_ON)
		return status;
	enum err e = show_message(&s, &filter);
	sbuf_done(&s.l.out);
	return call_fail(e, call->args[0]);
}
