/* imapd/list_line.h - LIST responses outside of LIST, for clients that have enabled IMAP4rev2: the
 * mailbox that is selected (RFC 9051 §6.3.2), and names that came in another form than the one they
 * are kept in (§6.3.9.7). Nothing is written for other clients.
 */
#ifndef IMAPD_LIST_LINE_H
#define IMAPD_LIST_LINE_H

#include "imapd/folder.h"

/* "* LIST (\HasNoChildren) "/" name", with what the client called it as OLDNAME if that was not in
 * form NFC. */
void imap_tell_selected(struct imap_session *s, struct imap_cmd *cmd, struct str name,
    const struct imap_folder *folder);
/* "* LIST (attributes) "/" name ("OLDNAME" ("old"))", where `old` or `name` was not in form NFC.
 * `attributes`: "" or "\\NonExistent". */
void imap_tell_normal_name(struct imap_session *s, struct imap_cmd *cmd, const char *attributes,
    struct str old, struct str name);

#endif
