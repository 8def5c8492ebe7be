/* imapd/list_tree.h - the mailbox names that a user sees as a tree, for LIST and LSUB: with the
 * names in between that no mailbox has, and which names have a chosen one below them.
 */
#ifndef IMAPD_LIST_TREE_H
#define IMAPD_LIST_TREE_H

#include "imapd/list_pattern.h"
#include "imapd/list_rows.h"

struct list_node {
	struct str name;
	const struct list_row *row; /* NULL: only a name in between */
	bool matches; /* a pattern */
	bool chosen; /* by the selection options */
	bool over_chosen; /* a name below is chosen */
	bool above_chosen; /* and one of these matches no pattern itself */
};

struct list_tree {
	struct list_node *nodes; /* a name before those below it, INBOX first */
	size_t n;
};

/* Builds it in `arena` from all rows, which it sorts; `is_chosen` decides for each. ERR_NOMEM. */
NODISCARD enum err list_tree_build(struct list_tree *t, const struct list_rows *rows,
    const struct list_pattern *patterns, size_t pattern_count,
    bool (*is_chosen)(const struct list_row *row, void *arg), void *arg, struct arena *arena);

#endif
