/* store/cleaner.h - messages that no entry points to any more are deleted, some time after the last
 * entry went. Only for store/.
 *
 * Who expunges lays a tombstone and names it in `unswept`, in the same transaction; so the work is
 * found again whenever a process dies. The cleaner takes the messages of such tombstones and reads
 * all entries of the account in one consistent read. Who has none there never gets one again: a new
 * entry comes with a new message, from a living entry or to a staged message that no such tombstone
 * names (message_stage.h), and identifiers are not used twice. Such
 * messages are deleted in small transactions, their files after that is durable. Several processes
 * may do so at once.
 */
#ifndef STORE_CLEANER_H
#define STORE_CLEANER_H

#include "store/account_private.h"

#define CLEAN_DELAY_MS 500 /* what is expunged one by one is cleaned together */

/* An operation took entries out: store_tick() will clean. */
void account_note_unswept(struct account *a);
/* The same, if an earlier process has left something; when an account is opened. A failure is
 * logged and keeps nobody from the account. */
void cleaner_look(struct account *a, struct db *db);

#define CLEAN_GROUP 2000 /* messages looked at together, about */
#define CLEAN_BATCH 200 /* messages deleted in one transaction: writers wait no longer for it */
#define CLEAN_TICK_MS 300 /* and so long in one tick, which has others to see to */
#define CLEAN_REST 20 /* an account that took so long is left alone for so many times as long */
#define CLEAN_RETRY_MS 10000 /* after a failure that may pass */

/* From store_tick(): accounts that were noted, for a while; a later tick sees to the others. */
void accounts_clean(struct store *s);

#endif
