/* imapd/thread_forest.h - messages as threads (RFC 5256 §3, BASE.6.4.THREAD). Pure.
 *
 * Messages are added in the order of the mailbox; then the forest is finished in a few passes, each
 * about linear, so that a command can rest between them; then it is walked (thread_write.h). Nodes
 * are numbers. While links are made they go to parents only, so no list of siblings is ever
 * searched, and nothing recurs, however deep the threads are.
 *
 * What a sender may put into References is bounded: FACT_REFERENCES_MAX of a message, and together
 * THREAD_DUMMIES_MAX messages that are not there (further ones are passed over) and THREAD_WALK_MAX
 * steps of looking for loops (after them, links that would need a look are not made). No mailbox of
 * honest messages comes near.
 */
#ifndef IMAPD_THREAD_FOREST_H
#define IMAPD_THREAD_FOREST_H

#include "imapd/thread_table.h"

#define THREAD_DUMMIES_MAX 500000
#define THREAD_WALK_MAX 20000000

enum thread_algorithm {
	THREAD_ORDEREDSUBJECT,
	THREAD_REFERENCES,
	/* draft-ietf-morg-inthread: as REFERENCES, but nothing is joined by subject, dates are
	 * those of arrival, and a thread stands where its latest message belongs */
	THREAD_REFS,
};

/* What SORT and THREAD call a message: a node of a tree. */
struct thread_node {
	uint32_t parent; /* THREAD_NONE: the root */
	uint32_t message; /* THREAD_NONE: a dummy, a message that is not there */
	uint32_t children; /* how many have it as parent, while links are made */
	/* when finished: siblings in order of their dates */
	uint32_t first;
	uint32_t last;
	uint32_t next;
};

struct thread_message {
	int64_t sent_s;
	struct fact_id subject;
	uint32_t number; /* what is written of it */
	uint32_t node;
	bool is_reply;
};

struct thread_dated {
	uint64_t key; /* sent_s in the order of unsigned numbers */
	uint32_t message;
};

struct thread_forest {
	enum thread_algorithm algorithm;
	struct thread_node *nodes;
	size_t n, cap;
	struct thread_message *messages;
	size_t message_n, message_cap;
	struct thread_table ids; /* nodes by Message ID */
	size_t dummies; /* made for references */
	uint64_t walked;
	/* finishing */
	unsigned pass;
	struct thread_dated *dated; /* what is being sorted */
	uint32_t *order; /* messages by sent date */
	uint32_t *roots; /* nodes, in order too, before subjects join them */
	size_t root_n;
	struct thread_table subjects; /* nodes by base subject */
	/* when finished */
	uint32_t first_root;
	uint32_t last_root;
};

/* enum facts_want. */
unsigned thread_forest_want(const struct thread_forest *f);
/* Before the first message: at most so many will come. */
void thread_forest_expect(struct thread_forest *f, size_t messages);
/* All zero but for `algorithm` before the first message. `facts` has what
 * thread_forest_want() says. ERR_NOMEM, ERR_LIMIT. */
NODISCARD enum err thread_forest_add(
    struct thread_forest *f, uint32_t number, const struct facts *facts);
/* The next pass; *ret_done after the last. ERR_NOMEM. */
NODISCARD enum err thread_forest_finish(struct thread_forest *f, bool *ret_done);
void thread_forest_done(struct thread_forest *f);

#endif
