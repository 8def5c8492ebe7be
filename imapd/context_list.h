/* imapd/context_list.h - what ADDTO and REMOVEFROM tell: numbers, and where in the result they go
 * or were (RFC 5267 §4.3.2).
 */
#ifndef IMAPD_CONTEXT_LIST_H
#define IMAPD_CONTEXT_LIST_H

#include "imapd/imap_session.h"

struct context_item {
	uint32_t place; /* 0: wherever the mailbox's order has it */
	uint32_t lo, hi; /* consecutive numbers */
};

struct context_list {
	struct arena *arena;
	struct context_item *item;
	size_t n, cap;
	size_t at; /* written so far */
};

/* Behind all others. `adds`: in places that follow each other they come together. ERR_NOMEM. */
NODISCARD enum err context_list_add(
    struct context_list *l, bool adds, uint32_t place, uint32_t number);

struct context_head {
	const char *tag;
	struct str mailbox; /* RFC 7377 §2.1; p is NULL: not named */
	uint32_t uidvalidity;
	bool uid;
};

/* Writes responses until the output is full; true when all are written. `name`: "ADDTO". */
bool context_list_write(struct context_list *l, struct imap_session *s,
    const struct context_head *head, const char *name);

#endif
