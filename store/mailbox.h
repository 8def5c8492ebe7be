/* store/mailbox.h - the folder tree of an account.
 *
 * Names are UTF-8 in form NFC, hierarchy separator '/'. "INBOX" in any case is INBOX. Components
 * are 1 to 255 octets, a name at most MAILBOX_NAME_MAX, depth at most MAILBOX_DEPTH_MAX; no control
 * characters. Names are data: never a path. Mailboxes are known by id, which is never used twice.
 */
#ifndef STORE_MAILBOX_H
#define STORE_MAILBOX_H

#include "store/account.h"

#define MAILBOX_NAME_MAX 1000
#define MAILBOX_DEPTH_MAX 32
#define MAILBOX_MAX 10000 /* per account: ERR_LIMIT */

struct mailbox_info {
	int64_t id; /* 0: no mailbox, only a subscription or a name that has inferiors */
	struct str name;
	struct str special_use; /* "\\Sent", several with a blank between, or empty */
	bool subscribed;
	bool noselect; /* deleted while it had inferiors (RFC 3501 §6.3.4) */
	bool has_children;
	uint32_t uidvalidity;
	uint32_t uidnext;
	uint64_t highest_modseq;
	/* Expunges up to here may have been forgotten: a client that knows less has to be told of
	 * every UID that is absent (RFC 7162 §3.2.5). */
	uint64_t pruned_modseq;
	uint32_t messages;
	uint32_t unseen; /* number without \Seen */
	uint32_t deleted; /* number with \Deleted */
	uint64_t bytes;
	uint32_t recent_from; /* UIDs from here on were not yet given to a session as \Recent */
};

/* ERR_NOT_FOUND. info->name in `arena`. */
NODISCARD enum err mailbox_find(
    struct account *a, struct str name, struct arena *arena, struct mailbox_info *ret);
/* By id: after a rename a selected mailbox is still itself. ERR_GONE when deleted. */
NODISCARD enum err mailbox_get(
    struct account *a, int64_t id, struct arena *arena, struct mailbox_info *ret);
/* Every mailbox and every subscribed name, sorted by name with INBOX first, in one consistent read.
 */
NODISCARD enum err mailbox_list(
    struct account *a, struct arena *arena, struct mailbox_info **ret, size_t *ret_n);

/* Makes the mailbox and missing superior ones (RFC 3501 §6.3.3); a trailing '/' is dropped.
 * The mailboxes that had its special use until now have it no more. ERR_EXISTS, ERR_SYNTAX (not a
 * valid name), ERR_LIMIT. */
NODISCARD enum err mailbox_create(
    struct account *a, struct str name, struct str special_use, int64_t *ret_id);
/* ERR_CANNOT for INBOX, ERR_HAS_CHILDREN for a noselect name with inferiors; a mailbox with
 * inferiors becomes noselect (§6.3.4). Messages are removed as by expunge. */
NODISCARD enum err mailbox_delete(struct account *a, struct str name);
/* With its inferiors. INBOX is special (§6.3.5): its messages move to the new mailbox, INBOX stays.
 * UIDs and UIDVALIDITY stay with the mailbox. */
NODISCARD enum err mailbox_rename(struct account *a, struct str from, struct str to);
/* The subscription is a name, the mailbox need not exist when unsubscribing and may go later
 * (§6.3.6). */
NODISCARD enum err mailbox_subscribe(struct account *a, struct str name, bool subscribed);

/* Subscribes to a name that stands for another account's mailbox. */
NODISCARD enum err mailbox_subscribe_other(struct account *a, struct str name);

/* SELECT: *ret_first is the lowest UID that is \Recent for the caller; with `claim` (not EXAMINE)
 * later callers get none of these. */
NODISCARD enum err mailbox_claim_recent(
    struct account *a, int64_t mailbox, bool claim, uint32_t *ret_first);
/* The same for one with whom the mailbox is shared (view.h): what is \Recent to him is his own
 * affair, and nothing of what was there when he came for the first time. VIEWER_OWNER: as
 * mailbox_claim_recent(). */
NODISCARD enum err mailbox_claim_recent_as(
    struct account *a, int64_t mailbox, int64_t viewer, bool claim, uint32_t *ret_first);

/* Puts into *info what is its viewer's own: up to which MODSEQ it has changed for him, from which
 * UID on messages are \Recent to him. The number of unseen messages only a view can tell. */
NODISCARD enum err mailbox_see_as(struct account *a, int64_t viewer, struct mailbox_info *info);

/* The canonical spelling: Unicode's form NFC (RFC 9051 §5.1, Net-Unicode), INBOX in capitals, no
 * trailing '/'. ERR_SYNTAX when it is no valid name. */
NODISCARD enum err mailbox_check_name(struct str name, struct arena *arena, struct str *ret);
/* NFC alone, of UTF-8: for patterns too. ERR_NOMEM, ERR_SYNTAX if Unicode has no such thing. */
NODISCARD enum err mailbox_normalise_name(struct str name, struct arena *arena, struct str *ret);

#endif
