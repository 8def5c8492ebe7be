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

/* In the command's arena, in no order, each name once. */
NODISCARD enum err imap_list_rows(
    struct imap_session *s, struct imap_cmd *cmd, struct list_rows *ret);

#endif
