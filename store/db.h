/* store/db.h - the SQL engine: the only interface behind which SQLite stands (only
 * db.c and db_file.c know its header, so that a second engine could stand beside it).
 *
 * A handle is a connection with its prepared statements; one thread at a time uses it. Statements
 * are known by the address of their SQL text, which must be a string literal (or otherwise live as
 * long as the program): each is prepared once per handle.
 *
 * Failures of the OURS class are logged here, once, with the path of the file and SQLite's extended
 * code. A full disk is ERR_NO_SPACE, a lock that was not to be had ERR_BUSY, a violated UNIQUE
 * ERR_EXISTS.
 *
 *	CLEANUP(stmt_done) struct stmt *st = NULL;
 *	enum err e = db_query(db, "SELECT id, name FROM mailbox WHERE uidnext > ?1", &st,
 *DB_INT(7)); bool row = false; while (!e && !(e = stmt_step(st, &row)) && row) use(stmt_int(st, 0),
 *stmt_str(st, 1));
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/base/sbuf.h"
#include "common/base/str.h"

struct db;
struct stmt;

enum db_role { DB_READER, DB_WRITER };

/* Makes an empty file, mode 0660 within the umask, durable in its directory. ERR_EXISTS. */
NODISCARD enum err db_create(const char *path);
/* Opens an existing database. ERR_NOT_FOUND without a log line. A reader can't write. */
NODISCARD enum err db_open(const char *path, enum db_role role, struct db **ret);
/* Of a reader that runs no statement. */
NODISCARD enum err db_make_writer(struct db *db);
void db_close(struct db **db);
/* The last handle of a file brings its WAL home when it closes, with two syncs. This one will not,
 * if the WAL is short: whoever opens the file next reads it, which is less work. For handles that
 * are closed because others need their room. */
void db_leave_wal(struct db *db);
const char *db_path(const struct db *db);
/* An I/O error or damage was met: do not use the handle again, open another. */
bool db_failed(const struct db *db);
/* A write was refused, since the file, its WAL or its index of it is open for reading alone;
 * db_failed() as well. */
bool db_is_read_only(const struct db *db);

/* -- statements */

struct db_arg {
	enum { DB_ARG_NONE, DB_ARG_INT, DB_ARG_TEXT, DB_ARG_BLOB, DB_ARG_NULL } type;
	int64_t i;
	struct str s;
};

/* Values for ?1, ?2, … in order. Octets must live until the statement is done. */
#define DB_INT(v) ((struct db_arg){.type = DB_ARG_INT, .i = (int64_t)(v)})
#define DB_TEXT(v) ((struct db_arg){.type = DB_ARG_TEXT, .s = (v)})
#define DB_BLOB(v) ((struct db_arg){.type = DB_ARG_BLOB, .s = (v)})
#define DB_NULL ((struct db_arg){.type = DB_ARG_NULL})

#define DB_ARGS_(...)                                                                              \
	((const struct db_arg[]){{.type = DB_ARG_NONE}, ##__VA_ARGS__}) + 1,                       \
	    sizeof((const struct db_arg[]){{.type = DB_ARG_NONE}, ##__VA_ARGS__}) /                \
		    sizeof(struct db_arg) -                                                        \
		1

/* Prepares (once) and binds: `db_query(db, sql, &st, DB_INT(1), DB_TEXT(s))`. The statement belongs
 * to the caller until stmt_done(). */
#define db_query(db, sql, ret, ...) db_query_args((db), (sql), (ret), DB_ARGS_(__VA_ARGS__))
/* Runs a statement without rows: `db_run(db, sql, DB_INT(1))`. */
#define db_run(db, sql, ...) db_run_args((db), (sql), DB_ARGS_(__VA_ARGS__))
/* The first column of the first row: `db_get_int(db, sql, &n, DB_INT(1))`. ERR_NOT_FOUND without a
 * row. */
#define db_get_int(db, sql, ret, ...) db_get_int_args((db), (sql), (ret), DB_ARGS_(__VA_ARGS__))

NODISCARD enum err db_query_args(
    struct db *db, const char *sql, struct stmt **ret, const struct db_arg *args, size_t n);
NODISCARD enum err db_run_args(struct db *db, const char *sql, const struct db_arg *args, size_t n);
NODISCARD enum err db_get_int_args(
    struct db *db, const char *sql, int64_t *ret, const struct db_arg *args, size_t n);

/* The next row, or *ret_row false at the end. */
NODISCARD enum err stmt_step(struct stmt *st, bool *ret_row);
/* Ready for other values (stmt_bind, then stmt_step again). */
void stmt_reset(struct stmt *st);
/* Sets parameter `i` (from 1); a failure sticks and stmt_step() returns it. */
void stmt_bind(struct stmt *st, int i, struct db_arg arg);
/* Gives it back to the handle; NULL is fine. */
void stmt_done(struct stmt **st);

/* Columns (from 0) of the current row. Octets live until the next step. */
int64_t stmt_int(struct stmt *st, int column);
struct str stmt_str(struct stmt *st, int column); /* {NULL, 0} for NULL */
bool stmt_is_null(struct stmt *st, int column);

int64_t db_last_id(struct db *db);
/* Rows changed by the last INSERT, UPDATE or DELETE. */
int64_t db_changes(struct db *db);

/* -- transactions */

/* A consistent read. Guard: db_end, which rolls back unless committed. */
NODISCARD enum err db_begin_read(struct db *db);
/* Waits for the write lock as long as db_set_patience() says: ERR_BUSY. */
NODISCARD enum err db_begin_write(struct db *db);
/* How long others' locks are waited for; BUSY_PATIENCE_MS unless set. */
void db_set_patience(struct db *db, int64_t ms);
#define BUSY_PATIENCE_MS 10000
/* Committed, not synced. After a failure nothing was written and the transaction is over. */
NODISCARD enum err db_commit(struct db *db);
/* Ends the transaction, if any, without effect. */
void db_rollback(struct db *db);
bool db_in_transaction(struct db *db);
/* Whether any row was inserted, updated or deleted since db_begin_write(). */
bool db_has_changes(struct db *db);
/* One savepoint at a time inside a write transaction. */
NODISCARD enum err db_savepoint(struct db *db);
NODISCARD enum err db_release(struct db *db);
NODISCARD enum err db_rollback_to_savepoint(struct db *db);

/* What the last commit to the file, by whatever process, looks like: while it stays the same and
 * the file is open nothing was committed. Once all have closed the file its WAL begins anew, and
 * may then look as it did when it began before: `opening` is for who has to tell one from the
 * other. */
struct db_stamp {
	uint32_t word[12];
	uint64_t opening; /* 0 from db_stamp() */
};
/* Without a lock or a system call; false where it can't be had (nothing was read yet). */
bool db_stamp(struct db *db, struct db_stamp *ret);
bool db_stamp_eq(const struct db_stamp *a, const struct db_stamp *b);
/* Pages in the WAL then. */
uint32_t db_stamp_frames(const struct db_stamp *s);
/* Whether exactly one transaction was committed between the two. No, also where the WAL was begun
 * anew in between. */
bool db_stamp_follows(const struct db_stamp *before, const struct db_stamp *after);

/* Forgets the pages it has in memory; the system has most of them at hand. Outside transactions. */
void db_shed_pages(struct db *db);
/* What they take. */
size_t db_page_octets(struct db *db);

/* -- the file */

NODISCARD enum err db_version(struct db *db, int64_t *ret);
NODISCARD enum err db_set_version(struct db *db, int64_t version);
/* Several statements from one text: migrations. */
NODISCARD enum err db_script(struct db *db, const char *sql);
/* WAL mode, kept in the file; no transaction may be open. */
NODISCARD enum err db_use_wal(struct db *db);
NODISCARD enum err db_uses_wal(struct db *db, bool *ret);
/* Moves all of the WAL into the database file, both synced, and empties the WAL. ERR_BUSY while
 * somebody reads. */
NODISCARD enum err db_checkpoint(struct db *db);
#define WAL_CHECKPOINT_FRAMES 1000 /* pages: the WAL is copied into the database from here on */
#define WAL_TRIM_FRAMES 4000 /* and from here on begun anew, though others read all the time */
#define WAL_HARD_FRAMES 8000 /* from here on by the writer itself */
#define WAL_KEEP_OCTETS 20971520 /* so much of its file is kept when it is begun anew */
#define WAL_TRIM_MS 100 /* waits for readers this long */
#define WAL_TRIM_EVERY_MS 1000 /* and, where that was not enough, leaves it for this long */
#define WAL_LEAVE_FRAMES 40 /* fewer may stay there when the last handle closes: db_leave_wal() */
/* Pages in the WAL as of the handle's last commit. */
int db_wal_frames(const struct db *db);
/* After a commit, no transaction open: keeps the WAL small. A failure is logged, db_failed() tells
 * of it. */
void db_tend_wal(struct db *db);
/* The same from a handle that need not be the writer's, while others write: they wait for a moment
 * only, where the WAL is begun anew. */
void db_tend_wal_beside(struct db *db);
/* A consistent copy in one file, durable; replaces `path`. */
NODISCARD enum err db_snapshot(struct db *db, const char *path);
/* SQLite's integrity check: a line per problem to `report`, ERR_CORRUPT if there is any. */
NODISCARD enum err db_integrity(struct db *db, struct sbuf *report);

#endif
