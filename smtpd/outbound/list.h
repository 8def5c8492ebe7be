/* smtpd/outbound/list.h - a ring of structs that hold their own links: each is in one list at a
 * time, put in and taken out without memory. Not thread-safe.
 */
#ifndef SMTPD_OUTBOUND_LIST_H
#define SMTPD_OUTBOUND_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next;
};

/* The struct of which `ptr` is the member `member`. */
#define LIST_OWNER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* An empty list, or a member of none. */
static inline void
list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool
list_is_empty(const struct list *l)
{
	return l->next == l;
}

/* Of a member: it is in a list. */
static inline bool
list_has(const struct list *member)
{
	return member->next != member;
}

static inline void
list_put_last(struct list *l, struct list *member)
{
	member->prev = l->prev;
	member->next = l;
	l->prev->next = member;
	l->prev = member;
}

static inline void
list_put_first(struct list *l, struct list *member)
{
	list_put_last(l->next, member);
}

/* Takes it out of the list that it is in, if any. */
static inline void
list_take(struct list *member)
{
	member->prev->next = member->next;
	member->next->prev = member->prev;
	list_init(member);
}

/* To the end of `to`. */
static inline void
list_move_all(struct list *from, struct list *to)
{
	while (!list_is_empty(from)) {
		struct list *first = from->next;
		list_take(first);
		list_put_last(to, first);
	}
}

#endif
