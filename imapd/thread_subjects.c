/* RFC 5256 §3: ORDEREDSUBJECT, and step (5) of REFERENCES. */
#include "imapd/thread_private.h"

/* The message that speaks for a node at the root: itself, or the first child of a dummy. */
static const struct thread_message *
speaker(const struct thread_forest *f, uint32_t node)
{
	if (thread_is_dummy(f, node))
		node = f->nodes[node].first;
	return &f->messages[f->nodes[node].message];
}

/* The nodes at the root in the order of their dates; a dummy has the date of its first child, which
 * becomes nodes[].first. Step (4). */
static enum err
collect_roots(struct thread_forest *f)
{
	f->roots = reallocarray(NULL, f->message_n ? f->message_n : 1, sizeof(f->roots[0]));
	if (!f->roots)
		return ERR_NOMEM;
	for (size_t i = 0; i < f->message_n; i++) {
		uint32_t node = f->messages[f->order[i]].node;
		uint32_t parent = f->nodes[node].parent;
		if (parent == THREAD_NONE) {
			f->roots[f->root_n++] = node;
		} else if (thread_is_dummy(f, parent) && f->nodes[parent].first == THREAD_NONE) {
			f->nodes[parent].first = node;
			f->roots[f->root_n++] = parent;
		}
	}
	return ERR_OK;
}

/* Step (5)(B)(iv). */
static bool
replaces(const struct thread_forest *f, uint32_t node, uint32_t known)
{
	return !thread_is_dummy(f, known) &&
	       (thread_is_dummy(f, node) ||
		   (speaker(f, known)->is_reply && !speaker(f, node)->is_reply));
}

static enum err
fill_subjects(struct thread_forest *f)
{
	for (size_t i = 0; i < f->root_n; i++) {
		const struct thread_message *m = speaker(f, f->roots[i]);
		if (!fact_id_is(&m->subject))
			continue;
		uint32_t *known = thread_table_at(&f->subjects, &m->subject);
		if (!known)
			return ERR_NOMEM;
		if (*known == THREAD_NONE || replaces(f, f->roots[i], *known))
			*known = f->roots[i];
	}
	return ERR_OK;
}

/* Step (5)(C). */
static enum err
join(struct thread_forest *f, uint32_t node, uint32_t *known)
{
	if (thread_is_dummy(f, *known)) { /* of two dummies, or of a message: a child */
		f->nodes[node].parent = *known;
		return ERR_OK;
	}
	if (speaker(f, node)->is_reply && !speaker(f, *known)->is_reply) {
		f->nodes[node].parent = *known;
		return ERR_OK;
	}
	uint32_t dummy = thread_node_new(f);
	if (dummy == THREAD_NONE)
		return ERR_NOMEM;
	f->nodes[node].parent = dummy;
	f->nodes[*known].parent = dummy;
	*known = dummy;
	return ERR_OK;
}

enum err
thread_join_subjects(struct thread_forest *f)
{
	enum err e = collect_roots(f);

	if (!e)
		e = fill_subjects(f);
	for (size_t i = 0; !e && i < f->root_n; i++) {
		const struct thread_message *m = speaker(f, f->roots[i]);
		uint32_t *known = thread_table_find(&f->subjects, &m->subject);
		/* it is the known one, or was until a dummy took its place and made it a child */
		if (known && *known != f->roots[i] && f->nodes[f->roots[i]].parent == THREAD_NONE)
			e = join(f, f->roots[i], known);
	}
	return e;
}

enum err
thread_by_subject(struct thread_forest *f)
{
	/* the empty subject is one as well: an id that no text has */
	static const struct fact_id empty = {0, 1};

	for (size_t i = 0; i < f->message_n; i++) {
		const struct thread_message *m = &f->messages[f->order[i]];
		uint32_t *known =
		    thread_table_at(&f->subjects, fact_id_is(&m->subject) ? &m->subject : &empty);
		if (!known)
			return ERR_NOMEM;
		if (*known == THREAD_NONE)
			*known = m->node;
		else
			f->nodes[m->node].parent = *known;
	}
	return ERR_OK;
}
