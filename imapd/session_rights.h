/* imapd/session_rights.h - what the session's user may do with the mailbox he has selected: RFC
 * 4314 §4 and §5. In one's own mailbox everything. */
#ifndef IMAPD_SESSION_RIGHTS_H
#define IMAPD_SESSION_RIGHTS_H

#include "imapd/imap_session.h"
#include "store/message.h"
#include "store/rights.h"

/* The flags that somebody with these rights may set and clear; all keywords or none. */
uint64_t imap_flags_of_rights(unsigned rights);
/* Who changes flags in the selected mailbox, and which. */
struct actor imap_actor(const struct imap_session *s);
/* What of `list` somebody with these rights may set on a message that is put into a mailbox: the
 * rest is left out silently (§4, APPEND and COPY). */
void imap_cut_flags(unsigned rights, struct flag_list *list);

/* ERR_DENIED without all of these rights. */
NODISCARD enum err imap_need(const struct imap_session *s, unsigned rights);
/* Whether SELECT answers READ-WRITE (§5.2). */
bool imap_may_change(unsigned rights);

/* Before every command in a mailbox of another, and before news is told: looks again what the user
 * may. Tells FLAGS and PERMANENTFLAGS where these have changed; who may not read any more loses the
 * mailbox, as if it were deleted (§5.1.1). ERR_OK also then; errors of the store. */
NODISCARD enum err imap_look_at_rights(struct imap_session *s);

#endif
