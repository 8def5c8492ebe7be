/* imapd/notify.h - NOTIFY: RFC 5465. The session is told of changes in the mailboxes that its
 * client has named, whether a command is in progress or not.
 *
 * A session that asked for it has a watch (store/changes.h) on each account that such a mailbox is
 * of, and on the selected mailbox. Whoever changes one of them wakes it; at rest it costs nothing.
 * Woken between two commands, or at the end of one, it lists the mailboxes and tells where they
 * differ from what it has told before: notify_look.c. News of the selected mailbox is told.h's:
 * NOTIFY decides what of it is told when, and adds the data items of new messages.
 */
#ifndef IMAPD_NOTIFY_H
#define IMAPD_NOTIFY_H

#include "imapd/imap_go.h"
#include "imapd/notify_request.h"

#define NOTIFY_BOXES_MAX 2000 /* mailboxes that a session can watch: NOTIFICATIONOVERFLOW */
#define NOTIFY_ACCOUNTS_MAX 200 /* accounts of others among them: the rest wakes nobody */

struct notify;

/* All of it, at the end of the session. */
void imap_notify_free(struct imap_session *s);

/* A mailbox was selected; the selected one is about to be left. */
void imap_notify_selected(struct imap_session *s);
void imap_notify_deselect(struct imap_session *s);

/* Tells what has happened in the mailboxes that are not selected, and metadata, as far as the
 * session has been woken for it. Unless GO_ON there is more: call again, in a later turn. */
enum imap_go imap_notify_tell(struct imap_session *s);
/* imap_notify_tell() has to be called again. */
bool imap_notify_has_more(const struct imap_session *s);
/* Between two commands, nothing of the next one having arrived: tells all there is, and
 * GO_READ. */
enum imap_go imap_notify_at_rest(struct imap_session *s);

/* The events of the mailbox that the client wants; of the server where `name` is empty. Without
 * NOTIFY what ENABLE METADATA asked for is wanted. */
bool imap_wants_metadata(const struct imap_session *s, struct str name);
bool imap_wants_any_metadata(const struct imap_session *s);

/* What the session does itself it is not told of (§5): it has made, deleted, renamed, subscribed
 * to or unsubscribed from this name, as the user knows it. */
void imap_notify_own_name(struct imap_session *s, struct str name);
/* It has put messages with UIDs from `first` to `last` into a mailbox. */
void imap_notify_own_messages(
    struct imap_session *s, int64_t account, int64_t mailbox, uint32_t first, uint32_t last);

/* A context has `items` to tell of these new messages of the selected mailbox. True: they come in
 * one FETCH with those of NOTIFY (§5.2), behind all contexts; false: NOTIFY tells none, or has no
 * memory for it. */
bool imap_notify_tells_too(
    struct imap_session *s, const struct uidset *uids, const struct fetch_items *items);

#endif
