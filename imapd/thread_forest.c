#include "imapd/thread_private.h"

#define ITEMS_FIRST 256

/* -- adding --------------------------------------------------------------------------------- */

static bool
grow(void *array, size_t *cap, size_t size)
{
	void **p = array;
	size_t more = *cap ? 2 * *cap : ITEMS_FIRST;
	void *grown = more < THREAD_NONE ? reallocarray(*p, more, size) : NULL;

	if (!grown)
		return false;
	*p = grown;
	*cap = more;
	return true;
}

uint32_t
thread_node_new(struct thread_forest *f)
{
	if (f->n == f->cap && !grow(&f->nodes, &f->cap, sizeof(f->nodes[0])))
		return THREAD_NONE;
	f->nodes[f->n] = (struct thread_node){
	    .parent = THREAD_NONE,
	    .message = THREAD_NONE,
	    .first = THREAD_NONE,
	    .last = THREAD_NONE,
	    .next = THREAD_NONE,
	};
	return (uint32_t)f->n++;
}

unsigned
thread_forest_want(const struct thread_forest *f)
{
	switch (f->algorithm) {
	case THREAD_ORDEREDSUBJECT:
		return FACTS_SENT | FACTS_SUBJECT;
	case THREAD_REFERENCES:
		return FACTS_SENT | FACTS_SUBJECT | FACTS_THREAD;
	case THREAD_REFS:
		break;
	}
	return FACTS_SENT | FACTS_THREAD;
}

void
thread_forest_expect(struct thread_forest *f, size_t messages)
{
	if (f->algorithm != THREAD_ORDEREDSUBJECT)
		thread_table_reserve(&f->ids, messages);
}

enum err
thread_forest_add(struct thread_forest *f, uint32_t number, const struct facts *facts)
{
	uint32_t message = (uint32_t)f->message_n;

	if (f->message_n == f->message_cap &&
	    !grow(&f->messages, &f->message_cap, sizeof(f->messages[0])))
		return ERR_NOMEM;
	f->messages[f->message_n++] = (struct thread_message){
	    .sent_s = facts->sent_s,
	    .subject = facts->subject,
	    .number = number,
	    .is_reply = facts->flags & FACT_IS_REPLY,
	};
	if (f->algorithm != THREAD_ORDEREDSUBJECT)
		return thread_link(f, message, facts);
	uint32_t node = thread_node_new(f);
	if (node == THREAD_NONE)
		return ERR_NOMEM;
	f->nodes[node].message = message;
	f->messages[message].node = node;
	return ERR_OK;
}

void
thread_forest_done(struct thread_forest *f)
{
	mem_free(&f->nodes);
	mem_free(&f->messages);
	mem_free(&f->dated);
	mem_free(&f->order);
	mem_free(&f->roots);
	thread_table_done(&f->ids);
	thread_table_done(&f->subjects);
}

/* -- order ---------------------------------------------------------------------------------- */

#define SORT_ROUNDS 8 /* of a radix sort by the octets of 64 bits */

static enum err
begin_sorting(struct thread_forest *f)
{
	f->dated = reallocarray(NULL, f->message_n ? f->message_n : 1, sizeof(f->dated[0]));
	if (!f->dated)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < f->message_n; i++)
		f->dated[i] =
		    (struct thread_dated){(uint64_t)f->messages[i].sent_s ^ (uint64_t)1 << 63, i};
	return ERR_OK;
}

/* One round; equal ones stay in order. */
static enum err
sort_round(struct thread_forest *f, unsigned shift)
{
	size_t count[256] = {0};
	size_t at = 0;

	for (size_t i = 0; i < f->message_n; i++)
		count[f->dated[i].key >> shift & 0xff]++;
	if (f->message_n == 0 || count[f->dated[0].key >> shift & 0xff] == f->message_n)
		return ERR_OK; /* they all have the same octet here */
	struct thread_dated *to = reallocarray(NULL, f->message_n, sizeof(*to));
	if (!to)
		return ERR_NOMEM;
	for (size_t i = 0; i < 256; i++) {
		size_t n = count[i];
		count[i] = at;
		at += n;
	}
	for (size_t i = 0; i < f->message_n; i++)
		to[count[f->dated[i].key >> shift & 0xff]++] = f->dated[i];
	free(f->dated);
	f->dated = to;
	return ERR_OK;
}

/* By sent date, then by number (RFC 5256 §2.2). */
static enum err
end_sorting(struct thread_forest *f)
{
	f->order = reallocarray(NULL, f->message_n ? f->message_n : 1, sizeof(f->order[0]));
	if (!f->order)
		return ERR_NOMEM;
	for (size_t i = 0; i < f->message_n; i++)
		f->order[i] = f->dated[i].message;
	mem_free(&f->dated);
	return ERR_OK;
}

/* -- lists ---------------------------------------------------------------------------------- */

static void
append(struct thread_forest *f, uint32_t *first, uint32_t *last, uint32_t node)
{
	if (*last == THREAD_NONE)
		*first = node;
	else
		f->nodes[*last].next = node;
	*last = node;
}

/* Step (6): messages in the order of their dates, each to the end of its list, so that all lists
 * are in that order; a dummy comes with its first child. */
static void
make_lists(struct thread_forest *f)
{
	f->first_root = f->last_root = THREAD_NONE;
	for (size_t i = 0; i < f->n; i++)
		f->nodes[i].first = f->nodes[i].last = f->nodes[i].next = THREAD_NONE;
	for (size_t i = 0; i < f->message_n; i++) {
		uint32_t node = f->messages[f->order[i]].node;
		uint32_t parent = thread_parent(f, node);
		f->nodes[node].parent = parent;
		if (parent == THREAD_NONE) {
			append(f, &f->first_root, &f->last_root, node);
			continue;
		}
		struct thread_node *p = &f->nodes[parent];
		if (p->message == THREAD_NONE && p->first == THREAD_NONE)
			append(f, &f->first_root, &f->last_root, parent);
		append(f, &p->first, &p->last, node);
	}
}

/* The root of a node; what is on the way is remembered in `roots`, so that all takes linear time.
 */
static uint32_t
find_root(const struct thread_forest *f, uint32_t *roots, uint32_t node)
{
	uint32_t top = node;

	while (roots[top] == THREAD_NONE && f->nodes[top].parent != THREAD_NONE)
		top = f->nodes[top].parent;
	if (roots[top] != THREAD_NONE)
		top = roots[top];
	for (; roots[node] == THREAD_NONE && node != top; node = f->nodes[node].parent)
		roots[node] = top;
	return top;
}

/* REFS: threads in the order of their latest messages, from the last one on. */
static enum err
order_by_latest(struct thread_forest *f)
{
	CLEANUP(mem_free) uint32_t *roots = reallocarray(NULL, f->n ? f->n : 1, sizeof(*roots));

	if (!roots)
		return ERR_NOMEM;
	memset(roots, 0xff, f->n * sizeof(*roots)); /* THREAD_NONE */
	f->first_root = f->last_root = THREAD_NONE;
	for (size_t i = f->message_n; i > 0; i--) {
		uint32_t root = find_root(f, roots, f->messages[f->order[i - 1]].node);
		if (roots[root] == root)
			continue;
		roots[root] = root;
		f->nodes[root].next = f->first_root;
		f->first_root = root;
		if (f->last_root == THREAD_NONE)
			f->last_root = root;
	}
	return ERR_OK;
}

/* Who belongs together by subject. */
static enum err
join(struct thread_forest *f)
{
	switch (f->algorithm) {
	case THREAD_ORDEREDSUBJECT:
		return thread_by_subject(f);
	case THREAD_REFERENCES:
		return thread_join_subjects(f);
	case THREAD_REFS:
		break;
	}
	return ERR_OK;
}

enum err
thread_forest_finish(struct thread_forest *f, bool *ret_done)
{
	bool by_references = f->algorithm != THREAD_ORDEREDSUBJECT;
	unsigned pass = f->pass++;

	*ret_done = false;
	if (pass == 0)
		return begin_sorting(f);
	if (pass <= SORT_ROUNDS)
		return sort_round(f, 8 * (pass - 1));
	switch (pass - SORT_ROUNDS) {
	case 1:
		return end_sorting(f);
	case 2:
		if (by_references)
			thread_prune(f);
		return ERR_OK;
	case 3:
		if (by_references)
			thread_promote(f);
		return ERR_OK;
	case 4:
		return join(f);
	case 5:
		make_lists(f);
		return ERR_OK;
	}
	*ret_done = true;
	return f->algorithm == THREAD_REFS ? order_by_latest(f) : ERR_OK;
}
