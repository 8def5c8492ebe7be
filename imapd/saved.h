/* imapd/saved.h - "$", what a search has saved (RFC 5182, RFC 9051 §6.4.4.1): UIDs of the selected
 * mailbox.
 *
 * It stays until the next search that saves, or another SELECT. A message that is expunged leaves
 * it by itself, since its UID is never used again.
 */
#ifndef IMAPD_SAVED_H
#define IMAPD_SAVED_H

#include "common/base/err.h"
#include "store/uidset.h"

struct imap_session;

#define SAVED_RANGES_MAX 250000 /* of UIDs, 2 MB: ERR_LIMIT, which NOTSAVED is for */

/* Takes a copy of `uids` (normalised). ERR_LIMIT, ERR_NOMEM: then nothing is saved. */
NODISCARD enum err imap_save_found(struct imap_session *s, const struct uidset *uids);
void imap_forget_saved(struct imap_session *s);

#endif
