/* imapd/list_tree.h - the mailbox names of an account as a tree, for LIST and LSUB: with the names
 * in between that no mailbox has, and which names have a chosen one below them.
 */
#ifndef IMAPD_LIST_TREE_H
#define IMAPD_LIST_TREE_H

#include "imapd/list_pattern.h"
#include "store/mailbox.h"

struct list_node {
	struct str name;
	const struct mailbox_info *info; /* NULL: only a name in between */
	bool matches; /* a pattern */
	bool chosen; /* by the selection options */
	bool above_chosen; /* a name below is chosen, but matches no pattern itself */
};

struct list_tree {
	struct list_node *nodes; /* a name before those below it, INBOX first */
	size_t n;
};

/* Builds it in `arena` from mailbox_list()'s result; `is_chosen` decides for each mailbox or
 * subscription. ERR_NOMEM. */
NODISCARD enum err list_tree_build(struct list_tree *t, struct mailbox_info *list, size_t n,
    const struct list_pattern *patterns, size_t pattern_count,
    bool (*is_chosen)(const struct mailbox_info *info, void *arg), void *arg, struct arena *arena);

#endif
