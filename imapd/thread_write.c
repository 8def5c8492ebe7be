#include "imapd/thread_write.h"

#include "imapd/imap_write.h"

struct thread_walk
thread_walk_begin(const struct thread_forest *f)
{
	return (struct thread_walk){f->first_root, false};
}

/* Is the node a list of its own? So are those at the root, and siblings; a child that is alone
 * continues the list of its parent. */
static bool
is_list(const struct thread_forest *f, const struct thread_node *n)
{
	return n->parent == THREAD_NONE || f->nodes[n->parent].first != f->nodes[n->parent].last;
}

static void
enter(struct thread_walk *w, const struct thread_forest *f, struct conn *c)
{
	const struct thread_node *n = &f->nodes[w->node];
	bool is_first = n->parent == THREAD_NONE ? w->node == f->first_root
						 : w->node == f->nodes[n->parent].first &&
						       f->nodes[n->parent].message != THREAD_NONE;

	if (is_first)
		conn_puts(c, " ");
	if (is_list(f, n))
		conn_puts(c, "(");
	if (n->message != THREAD_NONE)
		imap_write_u64(c, f->messages[n->message].number);
	if (n->first != THREAD_NONE)
		w->node = n->first;
	else
		w->leaving = true;
}

static void
leave(struct thread_walk *w, const struct thread_forest *f, struct conn *c)
{
	const struct thread_node *n = &f->nodes[w->node];

	if (is_list(f, n))
		conn_puts(c, ")");
	w->leaving = n->next == THREAD_NONE;
	w->node = w->leaving ? n->parent : n->next;
}

bool
thread_write(struct thread_walk *w, const struct thread_forest *f, struct conn *c)
{
	while (w->node != THREAD_NONE && !conn_out_full(c)) {
		if (w->leaving)
			leave(w, f, c);
		else
			enter(w, f, c);
	}
	return w->node == THREAD_NONE;
}
