/* store/schema.h - the shape of the databases, as numbered forward migrations. The version
 * stands in the file (user_version); docs/ARCHITECTURE.md explains the tables. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "store/db.h"

struct schema_step {
	const char *before;
	enum err (*convert)(struct db *db); /* what SQL alone can't do; NULL: nothing */
	const char *after; /* NULL: nothing */
};

struct schema {
	const char *name;
	const struct schema_step *steps; /* steps[i] leads from version i to i + 1 */
	int64_t version; /* their number */
	const char *at_open; /* SQL that each handle begins with; NULL: none */
};

extern const struct schema schema_account;
extern const struct schema schema_directory;
extern const struct schema schema_queue;
extern const struct schema schema_trace;

/* Step 3 of mail.db: the rows of `entry` into `entry_page`, those of `tombstone_2` into
 * `tombstone`. */
NODISCARD enum err schema_pack_entries(struct db *db);
/* Step 6: the pages of `entry_page_3` into `entry_page`. */
NODISCARD enum err schema_pack_columns(struct db *db);
/* Step 7: names of mailboxes and subscriptions into form NFC. */
NODISCARD enum err schema_normalise_names(struct db *db);

/* SQL that makes the views mailboxes, messages, entry and expunged of a mail.db for as long as a
 * connection lasts. */
extern const char schema_account_views[];

/* Brings the database to the newest version; of an existing one a snapshot is made before, beside
 * it (mail.db.before-2). Several processes may do so at once. ERR_CANNOT with a log line when a
 * newer program made it. */
NODISCARD enum err schema_migrate(struct db *db, const struct schema *s);
/* Whether schema_migrate() would have nothing to do. A reader can tell. */
NODISCARD enum err schema_is_current(struct db *db, const struct schema *s, bool *ret);

#endif
