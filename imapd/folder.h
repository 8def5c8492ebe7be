/* imapd/folder.h - from a mailbox name, as a client writes it, to a mailbox of some account.
 *
 * The one way for every command that takes a name. "Other Users/<address>/<name>" is a mailbox of
 * another account (RFC 2342 §5), every other name one of the session's own. What the user may do
 * with it comes along (RFC 4314); what he may not even look up does not exist for him.
 */
#ifndef IMAPD_FOLDER_H
#define IMAPD_FOLDER_H

#include "imapd/imap_session.h"
#include "store/rights.h"

#define OTHER_USERS "Other Users/" /* as NAMESPACE tells */

struct imap_folder {
	struct account *account; /* whose it is; lives as long as the command */
	struct str name; /* there */
	struct mailbox_info info; /* imap_find_folder(): id and all the rest */
	unsigned rights; /* RIGHT_* of the session's user in it */
	struct str owner; /* the address of the other account, empty for one's own */
	int64_t viewer; /* who looks: VIEWER_OWNER, or the session's account (store/view.h) */
};

/* The mailbox of this name, which has messages or may have them, and may be read. ERR_NOT_FOUND
 * (also of a name that is subscribed to, or a superior, and no more), ERR_CANNOT for \NoSelect,
 * ERR_DENIED, ERR_SYNTAX where it can't be a name. */
NODISCARD enum err imap_find_folder(
    struct imap_session *s, struct imap_cmd *cmd, struct str name, struct imap_folder *ret);
/* The same for what needs all of the rights `need` instead of RIGHT_READ; 0: any that RFC 4314 §4
 * has for MYRIGHTS. */
NODISCARD enum err imap_find_folder_for(struct imap_session *s, struct imap_cmd *cmd,
    struct str name, unsigned need, struct imap_folder *ret);
/* Where a mailbox of this name is or would be: account and name only, it need not exist. Its rights
 * are those in the mailbox where it exists, else none, but in one's own account. */
NODISCARD enum err imap_locate_folder(
    struct imap_session *s, struct imap_cmd *cmd, struct str name, struct imap_folder *ret);
/* For CREATE and RENAME: whether a mailbox may be made under the located name, which is for the
 * nearest one above it to say. ERR_DENIED; ERR_CANNOT for names that are nobody's. */
NODISCARD enum err imap_may_create(
    struct imap_session *s, struct imap_cmd *cmd, struct str name, const struct imap_folder *at);

/* ERR_OK when `rights` hold all that is needed. ERR_NOT_FOUND instead of ERR_DENIED without the
 * right to look it up (RFC 4314 §6). */
NODISCARD enum err imap_require(unsigned rights, unsigned need);

/* "Other Users/<address>/<name>" of another's mailbox in its one spelling. In `arena`; a NULL slice
 * without memory. */
struct str imap_shared_name(struct arena *arena, const struct imap_folder *folder);

/* What the user sees of the mailbox where that is not what its owner sees: \Recent, MODSEQ and,
 * with `count`, which needs a view, the number of unseen messages. */
NODISCARD enum err imap_see_folder(struct imap_folder *folder, bool count);

/* Another account, referenced until the command is over. ERR_NOT_FOUND. */
NODISCARD enum err imap_visit_account(struct imap_session *s, int64_t id, struct account **ret);
/* The command is over. */
void imap_leave_accounts(struct imap_session *s);

#endif
