/* imapd/folder.h - from a mailbox name, as a client writes it, to a mailbox of some account.
 *
 * The one way for every command that takes a name. A name belongs to the account of the session;
 * what the user may do with the mailbox comes with it (RFC 4314).
 */
#ifndef IMAPD_FOLDER_H
#define IMAPD_FOLDER_H

#include "imapd/imap_session.h"
#include "store/rights.h"

struct imap_folder {
	struct account *account; /* whose it is; lives as long as the command */
	struct str name; /* there */
	struct mailbox_info info; /* imap_find_folder(): id and all the rest */
	unsigned rights; /* RIGHT_* of the session's user in it */
};

/* The mailbox of this name, which has messages or may have them. ERR_NOT_FOUND (also of a name that
 * is subscribed to, or a superior, and no more), ERR_CANNOT for \NoSelect, ERR_SYNTAX where it
 * can't be a name. */
NODISCARD enum err imap_find_folder(
    struct imap_session *s, struct imap_cmd *cmd, struct str name, struct imap_folder *ret);
/* Where a mailbox of this name is or would be: account and name only, it need not exist. */
NODISCARD enum err imap_locate_folder(
    struct imap_session *s, struct imap_cmd *cmd, struct str name, struct imap_folder *ret);

#endif
