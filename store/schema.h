/* store/schema.h - the shape of the two databases, as numbered forward migrations. The version
 * stands in the file (user_version); docs/ARCHITECTURE.md explains the tables. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "store/db.h"

struct schema {
	const char *name;
	const char *const *steps; /* steps[i] leads from version i to i + 1 */
	int64_t version; /* their number */
};

extern const struct schema schema_account;
extern const struct schema schema_directory;

/* Brings the database to the newest version; of an existing one a snapshot is made before, beside
 * it (mail.db.before-2). Several processes may do so at once. ERR_CANNOT with a log line when a
 * newer program made it. */
NODISCARD enum err schema_migrate(struct db *db, const struct schema *s);

#endif
