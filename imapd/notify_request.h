/* imapd/notify_request.h - what a NOTIFY asks for: RFC 5465 §8. Pure; all of it lives in the arena
 * of the arguments.
 */
#ifndef IMAPD_NOTIFY_REQUEST_H
#define IMAPD_NOTIFY_REQUEST_H

#include "imapd/fetch_items.h"
#include "imapd/mailbox_filter.h"

/* §5; bits. */
enum notify_event {
	NOTIFY_MESSAGE_NEW = 1,
	NOTIFY_MESSAGE_EXPUNGE = 2,
	NOTIFY_FLAG_CHANGE = 4,
	NOTIFY_ANNOTATION_CHANGE = 8, /* no message has annotations: it never happens */
	NOTIFY_MAILBOX_NAME = 16,
	NOTIFY_SUBSCRIPTION = 32,
	NOTIFY_MAILBOX_METADATA = 64,
	NOTIFY_SERVER_METADATA = 128,
};
#define NOTIFY_MESSAGES                                                                            \
	(NOTIFY_MESSAGE_NEW | NOTIFY_MESSAGE_EXPUNGE | NOTIFY_FLAG_CHANGE |                        \
	    NOTIFY_ANNOTATION_CHANGE)

/* What BADEVENT lists. */
#define NOTIFY_EVENT_NAMES                                                                         \
	"MessageNew MessageExpunge FlagChange AnnotationChange MailboxName SubscriptionChange "    \
	"MailboxMetadataChange ServerMetadataChange"

/* More: NO [NOTIFICATIONOVERFLOW]. */
#define NOTIFY_GROUPS_MAX 100
#define NOTIFY_NAMES_MAX 1000 /* in all groups */

struct notify_group {
	struct mailbox_filter filter; /* none of the selected mailbox */
	unsigned events; /* 0: NONE */
};

struct notify_request {
	bool status; /* STATUS responses at once */
	struct notify_group *group;
	size_t n, cap;
	size_t names; /* in them */

	/* of the selected mailbox */
	bool has_selected; /* the filter was there */
	unsigned selected;
	bool delayed;
	struct fetch_items items; /* of a new message; none: nothing is told but that it came */

	bool unknown_event; /* a name that is none */
	bool too_much;
};

/* The arguments, behind the space: "NONE" leaves a request without groups. */
NODISCARD enum err notify_parse_request(struct imap_args *a, struct notify_request *ret);

#endif
