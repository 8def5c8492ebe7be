/* RFC 5256 §3, REFERENCES, steps (1) to (3): who is whose parent. */
#include "imapd/thread_private.h"

/* Is `node` the parent of its ancestors, should it become a child of `parent`? Looked for only
 * where it is possible: a node without children is nobody's ancestor. */
static bool
would_loop(struct thread_forest *f, uint32_t parent, uint32_t node)
{
	if (parent == node)
		return true;
	if (f->nodes[node].children == 0)
		return false;
	for (uint32_t at = parent; at != THREAD_NONE; at = f->nodes[at].parent)
		if (at == node || f->walked++ >= THREAD_WALK_MAX)
			return true;
	return false;
}

static void
set_parent(struct thread_forest *f, uint32_t parent, uint32_t node)
{
	if (would_loop(f, parent, node))
		return;
	f->nodes[node].parent = parent;
	f->nodes[parent].children++;
}

/* The node of a reference, a dummy where none is known. *ret is THREAD_NONE when there are too many
 * dummies. */
static enum err
find_reference(struct thread_forest *f, const struct fact_id *id, uint32_t *ret)
{
	*ret = THREAD_NONE;
	if (f->dummies >= THREAD_DUMMIES_MAX) {
		uint32_t *known = thread_table_find(&f->ids, id);
		if (known)
			*ret = *known;
		return ERR_OK;
	}
	uint32_t *node = thread_table_at(&f->ids, id);
	if (!node)
		return ERR_NOMEM;
	if (*node == THREAD_NONE) {
		*node = thread_node_new(f);
		f->dummies++;
	}
	*ret = *node;
	return *ret == THREAD_NONE ? ERR_NOMEM : ERR_OK;
}

/* The node of the message itself: the first of several with one Message ID has it. */
static enum err
find_own(struct thread_forest *f, const struct fact_id *id, uint32_t *ret)
{
	uint32_t *known = NULL;

	if (fact_id_is(id) && !(known = thread_table_at(&f->ids, id)))
		return ERR_NOMEM;
	if (known && *known != THREAD_NONE && thread_is_dummy(f, *known)) {
		*ret = *known;
		return ERR_OK;
	}
	*ret = thread_node_new(f);
	if (known && *known == THREAD_NONE)
		*known = *ret;
	return *ret == THREAD_NONE ? ERR_NOMEM : ERR_OK;
}

enum err
thread_link(struct thread_forest *f, uint32_t message, const struct facts *facts)
{
	uint32_t own;
	uint32_t last = THREAD_NONE;
	enum err e = find_own(f, &facts->id, &own);

	if (e)
		return e;
	f->nodes[own].message = message;
	f->messages[message].node = own;
	for (uint32_t i = 0; i < facts->reference_count; i++) { /* (1)(A) */
		uint32_t node;
		e = find_reference(f, &facts->references[i], &node);
		if (e)
			return e;
		if (node == THREAD_NONE)
			continue;
		if (last != THREAD_NONE && f->nodes[node].parent == THREAD_NONE)
			set_parent(f, last, node);
		last = node;
	}
	if (f->nodes[own].parent != THREAD_NONE) { /* (1)(B) */
		f->nodes[f->nodes[own].parent].children--;
		f->nodes[own].parent = THREAD_NONE;
	}
	if (last != THREAD_NONE)
		set_parent(f, last, own);
	return ERR_OK;
}

/* The nearest ancestor that is a message, or else the dummy at the root; dummies on the way are
 * told too, so that all of this takes linear time. */
static uint32_t
find_parent(struct thread_forest *f, uint32_t node)
{
	uint32_t top = f->nodes[node].parent;

	if (top == THREAD_NONE)
		return top;
	while (thread_is_dummy(f, top) && f->nodes[top].parent != THREAD_NONE)
		top = f->nodes[top].parent;
	for (uint32_t at = f->nodes[node].parent; at != top;) {
		uint32_t next = f->nodes[at].parent;
		f->nodes[at].parent = top;
		at = next;
	}
	return top;
}

void
thread_prune(struct thread_forest *f)
{
	for (size_t i = 0; i < f->n; i++)
		f->nodes[i].children = 0;
	for (size_t i = 0; i < f->message_n; i++) {
		uint32_t node = f->messages[i].node;
		uint32_t parent = find_parent(f, node);
		f->nodes[node].parent = parent;
		if (parent != THREAD_NONE)
			f->nodes[parent].children++;
	}
}

/* Only a child of a dummy that is alone goes to the root. */
void
thread_promote(struct thread_forest *f)
{
	for (size_t i = 0; i < f->message_n; i++) {
		struct thread_node *node = &f->nodes[f->messages[i].node];
		if (node->parent != THREAD_NONE && thread_is_dummy(f, node->parent) &&
		    f->nodes[node->parent].children == 1)
			node->parent = THREAD_NONE;
	}
}
