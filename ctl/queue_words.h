/* ctl/queue_words.h - which recipients the verbs of `pillarbox queue` are about: their options and
 * operands. */
#ifndef CTL_QUEUE_WORDS_H
#define CTL_QUEUE_WORDS_H

#include "ctl/ctl.h"
#include "store/queue.h"

struct queue_words {
	const char *sender, *recipient, *domain, *older;
	bool held, waiting;
};

#define QUEUE_WORDS_OPTIONS 6
/* The options that fill `w`. */
void queue_words_options(struct queue_words *w, struct call_option out[QUEUE_WORDS_OPTIONS]);
/* What they say; CALL_GO_ON or an exit status. *ret_any: something was said. */
NODISCARD int queue_words_filter(
    const struct call *call, const struct queue_words *w, struct queue_filter *ret, bool *ret_any);
/* "12" (a message) or "12/0" (one of its recipients) into the filter. */
bool queue_words_target(const char *word, struct queue_filter *f);

#endif
