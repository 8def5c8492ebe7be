#include "ctl/queue_words.h"

#include "ctl/words.h"

void
queue_words_options(struct queue_words *w, struct call_option out[QUEUE_WORDS_OPTIONS])
{
	const struct call_option options[QUEUE_WORDS_OPTIONS] = {
	    {"sender", "ADDRESS", "of this sender, @DOMAIN: of that domain, <>: reports",
		.value = &w->sender},
	    {"recipient", "ADDRESS", "to this recipient, or @DOMAIN", .value = &w->recipient},
	    {"domain", "DOMAIN", "to recipients of this domain", .value = &w->domain},
	    {"older", "AGE", "in the queue for at least 40s, 15m, 2h, 3d …", .value = &w->older},
	    {"held", NULL, "those that are held", .flag = &w->held},
	    {"waiting", NULL, "those that are not", .flag = &w->waiting},
	};

	memcpy(out, options, sizeof(options));
}

static struct str
word_of(const char *word)
{
	return word ? str_of(word) : STR("");
}

int
queue_words_filter(
    const struct call *call, const struct queue_words *w, struct queue_filter *ret, bool *ret_any)
{
	*ret = (struct queue_filter){.state = -1,
	    .sender = word_of(w->sender),
	    .recipient = word_of(w->recipient),
	    .domain = word_of(w->domain)};
	if (w->older && !words_parse_age(str_of(w->older), &ret->older_s))
		return call_misuse(
		    call, "--older: \"%s\" is no age such as 15m, 2h or 3d", w->older);
	if (w->held && w->waiting)
		return call_misuse(call, "--held and --waiting exclude each other");
	if (w->held || w->waiting)
		ret->state = w->held ? QUEUE_HELD : QUEUE_WAITING;
	*ret_any = w->sender || w->recipient || w->domain || w->older || w->held || w->waiting;
	return CALL_GO_ON;
}

bool
queue_words_target(const char *word, struct queue_filter *f)
{
	struct str rest = str_of(word), message = {0};
	uint64_t id, number;

	str_split(&rest, '/', &message);
	if (!str_to_u64(message, &id) || id == 0 || id > INT64_MAX >> 21)
		return false;
	f->message = (int64_t)id;
	if (message.n == strlen(word))
		return true;
	if (!str_to_u64(rest, &number) || number >= QUEUE_RCPTS_MAX)
		return false;
	f->rcpt = queue_rcpt_id(f->message, (int64_t)number);
	return true;
}
