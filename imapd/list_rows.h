/* imapd/list_rows.h - all mailboxes and subscriptions that a user sees, for LIST and LSUB. */
#ifndef IMAPD_LIST_ROWS_H
#define IMAPD_LIST_ROWS_H

#include "imapd/folder.h"

struct list_row {
	struct str name; /* as the user knows it */
	struct imap_folder folder; /* info.id is 0 for a mere subscription */
};

struct list_rows {
	struct list_row *row;
	size_t n;
};

/* Gathering them takes a look into the database of everybody who shares with the user: one account
 * in a step, so that others have their turn in between. */
struct list_gathering;
/* The user's own, and who shares. All is in `arena`, which outlives it. */
NODISCARD enum err imap_gather_begin(
    struct imap_session *s, struct arena *arena, struct list_gathering **ret);
/* The mailboxes of one other account. *ret_done: of all; the rows are in no order, each name once,
 * and end with the gathering, which holds references to the accounts. */
NODISCARD enum err imap_gather_step(
    struct list_gathering *g, struct list_rows *ret, bool *ret_done);
/* A guard. */
void imap_gather_free(struct list_gathering **g);

#endif
