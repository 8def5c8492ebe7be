/* imapd/status.h - STATUS data, for STATUS (RFC 3501 §6.3.10) and LIST RETURN (STATUS) (RFC 5819).
 */
#ifndef IMAPD_STATUS_H
#define IMAPD_STATUS_H

#include "imapd/folder.h"

/* status-att list "(MESSAGES UNSEEN …)" as a set for imap_write_status(). */
void imap_parse_status_items(struct imap_args *a, unsigned *ret_items);
/* "* STATUS name (…)" CRLF for a mailbox that can be selected; `name`: as the user knows it. */
NODISCARD enum err imap_write_status(
    struct imap_session *s, struct str name, const struct imap_folder *folder, unsigned items);

#endif
