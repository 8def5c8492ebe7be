/* imapd/status.h - STATUS data, for STATUS (RFC 3501 §6.3.10) and LIST RETURN (STATUS) (RFC 5819).
 */
#ifndef IMAPD_STATUS_H
#define IMAPD_STATUS_H

#include "imapd/folder.h"

enum status_item {
	ITEM_MESSAGES,
	ITEM_RECENT,
	ITEM_UIDNEXT,
	ITEM_UIDVALIDITY,
	ITEM_UNSEEN,
	ITEM_SIZE,
	ITEM_DELETED,
	ITEM_HIGHESTMODSEQ, /* RFC 7162 §3.1.7 */
	ITEM_DELETED_STORAGE,
	ITEM_APPENDLIMIT,
	ITEM_MAILBOXID, /* RFC 8474 §4.3 */
	ITEM__COUNT
};

/* Items as a set. */
#define STATUS_MESSAGES (1u << ITEM_MESSAGES)
#define STATUS_UIDNEXT (1u << ITEM_UIDNEXT)
#define STATUS_UIDVALIDITY (1u << ITEM_UIDVALIDITY)
#define STATUS_UNSEEN (1u << ITEM_UNSEEN)
#define STATUS_HIGHESTMODSEQ (1u << ITEM_HIGHESTMODSEQ)

/* status-att list "(MESSAGES UNSEEN …)" as a set for imap_write_status(). */
void imap_parse_status_items(struct imap_args *a, unsigned *ret_items);
/* A client that asks for these is told of MODSEQs from now on (RFC 7162 §3.1). */
void imap_enable_for_status(struct imap_session *s, unsigned items);
/* "* STATUS name (…)" CRLF for a mailbox that can be selected; `name`: as the user knows it. */
NODISCARD enum err imap_write_status(
    struct imap_session *s, struct str name, const struct imap_folder *folder, unsigned items);

#endif
