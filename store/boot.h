/* store/boot.h - what a power loss takes back must not be given out again.
 *
 * A UID, a modseq or a UIDVALIDITY is visible to other sessions when its transaction has committed,
 * a moment before it is synced. When the machine loses power in between, the database has forgotten
 * it, but a client may remember. So the account notes on which boot of the machine it was written
 * to last or made (the kernel's boot_id); the first write on another one skips ahead, further than
 * anything can have been given out unsynced, and notes which modseqs may have been seen and are
 * lost.
 */
#ifndef STORE_BOOT_H
#define STORE_BOOT_H

#include "store/account_private.h"

/* More than one commit takes, such as COPY of a whole mailbox; 17,000 boots use up the UIDs. */
#define BOOT_UIDS 250000
#define BOOT_UIDVALIDITIES 10000
#define BOOT_MODSEQS 1000000

/* The machine's boot. Where the kernel does not tell, always the same. */
void boot_read(char out[BOOT_ROOM]);

/* At the opening: sets a->same_boot. */
NODISCARD enum err boot_look(struct account *a, struct db *db);
/* Before the first write of another boot, if no other process was first. */
NODISCARD enum err boot_skip_ahead(struct account *a);

#endif
