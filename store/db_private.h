/* store/db_private.h - the inside of a handle, for db.c, db_file.c and db_stamp.c, behind which
 * SQLite stands. */
#ifndef STORE_DB_PRIVATE_H
#define STORE_DB_PRIVATE_H

#include "store/db.h"

#include <sqlite3.h>

#define STATEMENT_BUCKETS 64 /* a power of two */

struct stmt {
	struct stmt *next; /* in its bucket */
	struct db *db;
	const char *sql;
	sqlite3_stmt *s;
	enum err err; /* of binding */
	bool lent;
};

struct db {
	sqlite3 *conn;
	char *path;
	bool failed, read_only;
	int64_t waited_us, patience_ms;
	int wal_frames; /* as of the last commit */
	int64_t no_trim_before_ms;
	int64_t changes_before; /* at the begin of the transaction */
	struct stmt *statements[STATEMENT_BUCKETS];
};

/* What SQLite's `code` means (SQLITE_OK: the handle's last one); logged if it is ours. */
NODISCARD enum err db_report(struct db *db, const char *op, int code);

#endif
