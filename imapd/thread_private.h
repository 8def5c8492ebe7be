/* imapd/thread_private.h - the steps of RFC 5256 §3, REFERENCES. Only for thread_*.c. */
#ifndef IMAPD_THREAD_PRIVATE_H
#define IMAPD_THREAD_PRIVATE_H

#include "imapd/thread_forest.h"

/* A new node with nothing set; THREAD_NONE without memory. */
uint32_t thread_node_new(struct thread_forest *f);

/* Step (1): links the message into the trees, and gives it its node. ERR_NOMEM. */
NODISCARD enum err thread_link(
    struct thread_forest *f, uint32_t message, const struct facts *facts);

/* Steps (2) and (3), in two passes: afterwards the parent of a message is a message, or a dummy
 * that is at the root and has several children, or none. */
void thread_prune(struct thread_forest *f);
void thread_promote(struct thread_forest *f);

/* Step (5). Needs `order`. A dummy that became part of another has that one as parent. ERR_NOMEM.
 */
NODISCARD enum err thread_join_subjects(struct thread_forest *f);
/* ORDEREDSUBJECT, all of it but the lists. ERR_NOMEM. */
NODISCARD enum err thread_by_subject(struct thread_forest *f);

static inline bool
thread_is_dummy(const struct thread_forest *f, uint32_t node)
{
	return f->nodes[node].message == THREAD_NONE;
}

/* The parent when dummies have been joined. */
static inline uint32_t
thread_parent(const struct thread_forest *f, uint32_t node)
{
	uint32_t parent = f->nodes[node].parent;

	if (parent != THREAD_NONE && thread_is_dummy(f, parent) &&
	    f->nodes[parent].parent != THREAD_NONE)
		parent = f->nodes[parent].parent;
	return parent;
}

#endif
