/* store/store.h - the mail store of one process: the data directory, its databases and what is
 * cached of them.
 *
 * Data directory: directory.db (domains, accounts, aliases, credentials); accounts/<id>/mail.db
 * (one account's mailboxes and messages) with accounts/<id>/blobs/ (large messages, a file each);
 * spool/ (messages being received). Everything here is thread-safe unless a header says otherwise,
 * and any number of processes share one data directory. SQL stands in this folder only.
 *
 * Durability (DESIGN.md): a function that accepts, copies, moves or removes mail or changes the
 * folder tree returns ERR_OK after its rows and octets are on stable storage; concurrent callers
 * share one sync. Flag changes are committed (they survive a killed process) and synced within a
 * second, or by store_sync_account().
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "common/base/arena.h"
#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/base/sbuf.h"
#include "common/base/str.h"

struct store;

struct store_options {
	const char *data_dir;
	const char *run_dir; /* for the change bus; NULL: changes stay in this process */
	const char *process; /* "imapd": its name on the bus */
	uint64_t default_quota_bytes; /* of new accounts, 0 none */
	const char *recipient_delimiter; /* "+" or "" */
	uint32_t tombstone_days; /* what was expunged is remembered this long; 0: for ever */
	uint32_t trace_days; /* what became of mail is remembered this long; 0: for ever */
	unsigned handles_max; /* database handles kept open while idle; 0: POOL_HANDLES_MAX */
};

/* Makes the directories and an empty directory.db, or brings an old one forward. Mode 0770/0660
 * within the umask. */
NODISCARD enum err store_create(const char *data_dir);
/* Opens; migrates directory.db when it is older (with a snapshot beside it before). A log line
 * names the path on failure. */
NODISCARD enum err store_open(const struct store_options *options, struct store **ret);
void store_close(struct store **s);

/* Handles of databases that are open. */
unsigned store_handles(struct store *s);

#endif
