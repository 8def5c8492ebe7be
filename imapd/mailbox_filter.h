/* imapd/mailbox_filter.h - which mailboxes a command means: filter-mailboxes of RFC 5465 §6, as
 * extended by RFC 7377 §2.2.
 */
#ifndef IMAPD_MAILBOX_FILTER_H
#define IMAPD_MAILBOX_FILTER_H

#include "imapd/list_rows.h"

enum mailbox_filter_kind {
	MAILBOXES_SELECTED,
	MAILBOXES_SELECTED_DELAYED,
	MAILBOXES_INBOXES, /* where mail is delivered to */
	MAILBOXES_PERSONAL,
	MAILBOXES_SUBSCRIBED,
	MAILBOXES_SUBTREE, /* `names` and all below them */
	MAILBOXES_SUBTREE_ONE, /* and what is right below them */
	MAILBOXES_NAMED,
};

#define MAILBOX_FILTER_NAMES_MAX 1000 /* in one filter: ERR_LIMIT */

struct mailbox_filter {
	enum mailbox_filter_kind kind;
	struct str *names; /* as the user knows them; sorted */
	size_t n, cap;
};

/* A mistake where none stands next. In the arena of the arguments. */
void mailbox_filter_parse(struct imap_args *a, struct mailbox_filter *ret);
/* `personal`: the row is the session's user's own. The kinds MAILBOXES_SELECTED… match no row. */
bool mailbox_filter_has(const struct mailbox_filter *f, const struct list_row *row, bool personal);

#endif
