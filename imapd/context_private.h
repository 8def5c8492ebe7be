/* imapd/context_private.h - what a context consists of: context*.c. */
#ifndef IMAPD_CONTEXT_PRIVATE_H
#define IMAPD_CONTEXT_PRIVATE_H

#include "imapd/context.h"
#include "imapd/context_list.h"
#include "imapd/fetch_run.h"
#include "imapd/imap_session.h"
#include "imapd/sort_run.h"

enum context_phase {
	CONTEXT_RESTS,
	CONTEXT_LEAVES, /* tells what is gone */
	CONTEXT_FINDS, /* matches what came or changed */
	CONTEXT_ORDERS,
	CONTEXT_REMOVES, /* tells what matches no more */
	CONTEXT_ADDS,
	CONTEXT_FETCHES, /* tells the items of what came */
};

struct context {
	struct told_listener listener;
	char tag[IMAP_TAG_MAX + 1];
	bool uid; /* told are UIDs */
	struct arena *arena; /* of the program */
	struct search_program program;
	struct sort_program sort; /* n is 0: in the mailbox's order */
	struct str mailbox; /* RFC 7377; p is NULL otherwise */
	struct fetch_items items; /* of new messages in the result: RFC 5465 §7 */
	bool too_much; /* CONTEXTS_OCTETS_MAX: is to be given up */
	bool given_up; /* it tells no more */

	/* what is told to be in the result */
	struct uidset found; /* normalised */
	struct arena *found_arena, *spare_arena; /* of `found`, and for what it becomes */
	uint32_t *order; /* the same UIDs, in the order of `sort` */
	size_t order_n;

	/* since it was last told of: all of it is in `arena_now`, and forgotten then */
	struct arena *arena_now;
	struct view *was; /* as it was before, for its sequence numbers */
	struct uidset gone; /* of `found` */
	struct uidset dirty; /* what came, and what may match otherwise */
	enum context_phase phase;
	struct sort_run *run; /* matches, then puts in order */
	struct uidset matched; /* of `dirty` */
	struct uidset fresh; /* matched, and not in `found` before */
	struct context_list removed, added;
	struct uidset came; /* of `fresh`, with items to be told */
	struct fetch_run *fetch;
};

/* `found` without `less` and with `more`, both normalised. */
NODISCARD enum err context_change_found(
    struct context *x, const struct uidset *less, const struct uidset *more);
/* x->removed from the UIDs in `less`, of `found`; `order` goes without them. Numbers are those of
 * `view`. */
NODISCARD enum err context_list_removed(
    struct context *x, const struct uidset *less, const struct view *view);
/* x->added from the UIDs in `more`. In a sorted result `order` becomes what x->run has. */
NODISCARD enum err context_list_added(
    struct context *x, const struct uidset *more, const struct view *view);
/* Nothing has happened. */
void context_forget_news(struct context *x);

/* Of the listener. */
enum imap_go context_before_expunge(struct told_listener *l, struct imap_session *s);
enum imap_go context_after_exists(struct told_listener *l, struct imap_session *s);

#endif
