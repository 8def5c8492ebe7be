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
	if (f->algorithm == THREAD_REFERENCES)
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
	mem_free(&f->order);
	mem_free(&f->roots);
	thread_table_done(&f->ids);
	thread_table_done(&f->subjects);
}

/* -- order ---------------------------------------------------------------------------------- */

static uint64_t
date_key(const struct thread_forest *f, uint32_t message)
{
	return (uint64_t)f->messages[message].sent_s ^ (uint64_t)1 << 63;
}

/* One round of a radix sort, by an octet of the dates; equal ones stay in order. */
static void
sort_round(const struct thread_forest *f, const uint32_t *from, uint32_t *to, unsigned shift,
    size_t *count)
{
	size_t at = 0;

	for (size_t i = 0; i < 256; i++) {
		size_t n = count[i];
		count[i] = at;
		at += n;
	}
	for (size_t i = 0; i < f->message_n; i++)
		to[count[date_key(f, from[i]) >> shift & 0xff]++] = from[i];
}

/* By sent date, then by number (RFC 5256 §2.2). */
static enum err
sort_messages(struct thread_forest *f)
{
	size_t n = f->message_n ? f->message_n : 1;
	CLEANUP(mem_free) uint32_t *spare = reallocarray(NULL, n, sizeof(*spare));

	f->order = reallocarray(NULL, n, sizeof(f->order[0]));
	if (!spare || !f->order)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < f->message_n; i++)
		f->order[i] = i;
	for (unsigned shift = 0; shift < 64; shift += 8) {
		size_t count[256] = {0};
		for (uint32_t i = 0; i < f->message_n; i++)
			count[date_key(f, i) >> shift & 0xff]++;
		if (f->message_n == 0 || count[date_key(f, 0) >> shift & 0xff] == f->message_n)
			continue; /* they all have the same octet here */
		sort_round(f, f->order, spare, shift, count);
		uint32_t *sorted = spare;
		spare = f->order;
		f->order = sorted;
	}
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

enum err
thread_forest_finish(struct thread_forest *f, bool *ret_done)
{
	bool by_references = f->algorithm == THREAD_REFERENCES;

	*ret_done = false;
	switch (f->pass++) {
	case 0:
		return sort_messages(f);
	case 1:
		if (by_references)
			thread_prune(f);
		return ERR_OK;
	case 2:
		if (by_references)
			thread_promote(f);
		return ERR_OK;
	case 3:
		return by_references ? thread_join_subjects(f) : thread_by_subject(f);
	}
	make_lists(f);
	*ret_done = true;
	return ERR_OK;
}
