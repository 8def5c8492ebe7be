/* imapd/filter.h - FILTERS (RFC 5466): searches that clients keep under a name, as METADATA of the
 * server.
 */
#ifndef IMAPD_FILTER_H
#define IMAPD_FILTER_H

#include "imapd/imap_session.h"

/* The search criterion of that name, the user's own before the one that all share (§3.1); in
 * `arena`. `session` is a struct imap_session. ERR_NOT_FOUND. */
NODISCARD enum err imap_find_filter(
    void *session, struct str name, struct arena *arena, struct str *ret);

#endif
