/* `pillarbox queue retry`, `hold`, `release`, `drop`, `pause`, `resume`. */
#include "ctl/ctl.h"
#include "ctl/queue_words.h"
#include "ctl/words.h"

#include "store/queue.h"

#define TARGETS_MAX 10000

struct changer {
	struct queue_words words;
	bool all;
	uint64_t n;
};

static int
change(struct call *call, struct changer *c, struct queue_filter *f, enum queue_change what)
{
	uint64_t n = 0;
	enum err e = queue_change(call->store, f, what, &n);

	c->n += n;
	return e ? call_fail(e, "queue") : CALL_GO_ON;
}

static int
change_targets(
    struct call *call, struct changer *c, const struct queue_filter *filter, enum queue_change what)
{
	int status = CALL_GO_ON;

	for (size_t i = 0; i < call->arg_count && status == CALL_GO_ON; i++) {
		struct queue_filter f = *filter;
		uint64_t before = c->n;
		(void)queue_words_target(call->args[i], &f); /* was looked at before */
		status = change(call, c, &f, what);
		if (status == CALL_GO_ON && c->n == before)
			call_complain("%s: there is nothing to do for it", call->args[i]);
	}
	return status;
}

/* After call_parse(). */
static int
run_change(struct call *call, struct changer *c, enum queue_change what, const char *done)
{
	struct queue_filter filter, scratch;
	bool any;
	int status = queue_words_filter(call, &c->words, &filter, &any);

	if (status != CALL_GO_ON)
		return status;
	for (size_t i = 0; i < call->arg_count; i++)
		if (!queue_words_target(call->args[i], &scratch))
			return call_misuse(call,
			    "\"%s\" is no number of `queue list`, such as 12 or 12/0",
			    call->args[i]);
	if (!any && !c->all && call->arg_count == 0)
		return call_misuse(
		    call, "of which mail? Numbers of `queue list`, options, or --all");
	status = call_open_store_heard(call);
	if (status != CALL_GO_ON)
		return status;
	status = call->arg_count ? change_targets(call, c, &filter, what)
				 : change(call, c, &filter, what);
	printf("%llu recipient%s %s\n", (unsigned long long)c->n, c->n == 1 ? "" : "s", done);
	if (status != CALL_GO_ON)
		return status;
	return c->n || !call->arg_count ? CTL_OK : CTL_NAME;
}

static int
parse_and_run(struct call *call, enum queue_change what, const char *done)
{
	struct call_option options[QUEUE_WORDS_OPTIONS + 1];
	struct changer c = {0};

	queue_words_options(&c.words, options);
	options[QUEUE_WORDS_OPTIONS] =
	    (struct call_option){"all", NULL, "the whole queue", .flag = &c.all};
	int status = call_parse(call, options, ARRAY_LEN(options), 0, TARGETS_MAX);
	return status == CALL_GO_ON ? run_change(call, &c, what, done) : status;
}

int
verb_queue_retry(struct call *call)
{
	return parse_and_run(call, QUEUE_RETRY, "due now");
}

int
verb_queue_hold(struct call *call)
{
	return parse_and_run(call, QUEUE_HOLD, "held");
}

int
verb_queue_release(struct call *call)
{
	return parse_and_run(call, QUEUE_RELEASE, "released");
}

int
verb_queue_drop(struct call *call)
{
	struct call_option options[QUEUE_WORDS_OPTIONS + 2];
	struct changer c = {0};
	bool report = false;

	queue_words_options(&c.words, options);
	options[QUEUE_WORDS_OPTIONS] =
	    (struct call_option){"all", NULL, "the whole queue", .flag = &c.all};
	options[QUEUE_WORDS_OPTIONS + 1] = (struct call_option){
	    "report", NULL, "let the sender know, by a report", .flag = &report};
	int status = call_parse(call, options, ARRAY_LEN(options), 0, TARGETS_MAX);
	if (status != CALL_GO_ON)
		return status;
	return report ? run_change(call, &c, QUEUE_FAIL, "given up: smtpd tells their senders")
		      : run_change(call, &c, QUEUE_DROP, "dropped");
}

/* -- pauses */

static int
explain_pause(const struct call *call, enum err e)
{
	if (e == ERR_SYNTAX)
		return call_misuse(call,
		    "\"%s\" is no domain and no host such as mx:mx1.example.net", call->args[0]);
	if (e == ERR_NOT_FOUND) {
		call_complain(
		    "%s is not paused; `pillarbox queue list` shows what is", call->args[0]);
		return CTL_NAME;
	}
	return call_fail(e, call->args[0]);
}

int
verb_queue_pause(struct call *call)
{
	const char *reason = "";
	const struct call_option options[] = {
	    {"reason", "TEXT", "for those who look at the queue", .value = &reason},
	};
	int status = call_parse(call, options, ARRAY_LEN(options), 1, 1);

	if (status == CALL_GO_ON)
		status = call_open_store_heard(call);
	if (status != CALL_GO_ON)
		return status;
	return explain_pause(
	    call, queue_pause_set(call->store, str_of(call->args[0]), str_of(reason)));
}

int
verb_queue_resume(struct call *call)
{
	int status = call_parse(call, NULL, 0, 1, 1);

	if (status == CALL_GO_ON)
		status = call_open_store_heard(call);
	if (status != CALL_GO_ON)
		return status;
	return explain_pause(call, queue_pause_remove(call->store, str_of(call->args[0])));
}
