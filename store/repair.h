/* store/repair.h - a damaged account brought back: what can be read of its mail.db goes into a new
 * one, whose counters are counted anew.
 *
 * Mailboxes keep their names and UIDVALIDITY, messages their UIDs and flags. A message that no
 * mailbox leads to any more goes into the mailbox "Recovered", also one of which only the octets
 * are left. Where a header or a body can't be read, the other one is kept, with as many octets in
 * its place. Clients that remember a modseq look at everything once more.
 */
#ifndef STORE_REPAIR_H
#define STORE_REPAIR_H

#include "store/store.h"

struct sbuf;

#define REPAIR_WAIT_MS 40000 /* others close an account they do not use after POOL_IDLE_MS */
#define REPAIR_MAILBOX "Recovered"

struct repaired {
	uint64_t kept; /* entries of mailboxes */
	uint64_t recovered; /* of them, in REPAIR_MAILBOX */
	uint64_t damaged; /* of them, without their header or without what follows it */
	uint64_t lost; /* messages known to have been there; `report` names them */
};

/* The damaged files stay as mail.db.damaged-<time>. Nobody may have the account open: other
 * processes are waited for, ERR_BUSY; whoever comes meanwhile waits or is told to try again.
 * ERR_CANNOT, logged: an older or newer program made it. After a failure the account is as it was;
 * after a crash as well, but for the last moment, when its WAL may stand under the other name only.
 */
NODISCARD enum err account_repair(
    struct store *s, int64_t account, struct repaired *ret, struct sbuf *report);

#endif
