/* SQLite behind store/db.h. Connections are opened in multi-thread mode: a handle has no lock of
 * its own, the pool (pool.c) lends it to one thread at a time. */
#include "common/base/log.h"
#include "common/metrics/metrics.h"
#include "store/damage.h"
#include "store/db_private.h"
#include "store/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

/* -- errors */

/* SQLite remembers errno per file, and per connection only sometimes. */
static int
last_errno(sqlite3_file *f)
{
	int errnum = 0;

	if (f && f->pMethods)
		f->pMethods->xFileControl(f, SQLITE_FCNTL_LAST_ERRNO, &errnum);
	return errnum;
}

static void
find_files(struct db *db, sqlite3_file **ret_file, sqlite3_file **ret_wal)
{
	sqlite3_file_control(db->conn, "main", SQLITE_FCNTL_FILE_POINTER, ret_file);
	sqlite3_file_control(db->conn, "main", SQLITE_FCNTL_JOURNAL_POINTER, ret_wal);
}

static bool
is_full(sqlite3_file *f)
{
	int errnum = last_errno(f);

	/* ENOSPC is SQLITE_FULL by itself; a file size limit is a full disk to whoever meets it. */
	return errnum == EDQUOT || errnum == EFBIG || errnum == ENOSPC;
}

/* What unixRead() makes SQLITE_IOERR_CORRUPTFS of. */
static bool
is_unreadable(sqlite3_file *f)
{
	int errnum = last_errno(f);

	return errnum == EIO || errnum == ENXIO || errnum == ERANGE;
}

static enum err
err_from_io(struct db *db)
{
	sqlite3_file *file = NULL, *wal = NULL;

	if (sqlite3_system_errno(db->conn) == ENOMEM)
		return ERR_NOMEM;
	find_files(db, &file, &wal);
	return is_full(file) || is_full(wal) ? ERR_NO_SPACE : ERR_IO;
}

/* SQLite calls it damage when the system can't read a file (EIO, ENXIO), but what lies there may
 * well be sound, and be read the next time. A handle that met such an error is not used again, so
 * that what the file remembers is what happened now. */
static enum err
err_from_damage(struct db *db)
{
	sqlite3_file *file = NULL, *wal = NULL;

	find_files(db, &file, &wal);
	return is_unreadable(file) || is_unreadable(wal) ? ERR_IO : ERR_CORRUPT;
}

static enum err
err_from_code(struct db *db, int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return ERR_OK;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return ERR_BUSY;
	case SQLITE_CONSTRAINT:
		return code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY
			   ? ERR_EXISTS
			   : ERR_INTERNAL;
	case SQLITE_FULL:
		return ERR_NO_SPACE;
	case SQLITE_IOERR:
		return code == SQLITE_IOERR_NOMEM ? ERR_NOMEM : err_from_io(db);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return err_from_damage(db);
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return err_from_io(db);
	case SQLITE_NOMEM:
		return ERR_NOMEM;
	case SQLITE_TOOBIG:
		return ERR_LIMIT;
	default:
		return ERR_INTERNAL;
	}
}

enum err
db_report(struct db *db, const char *op, int code)
{
	if (db->conn && code == SQLITE_OK)
		code = sqlite3_extended_errcode(db->conn);
	enum err e = err_from_code(db, code);

	/* SQLite opens read-only what it may not write, and such a handle never gets better. */
	if ((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_READONLY || e == ERR_CORRUPT)
		db->failed = true;
	if ((code & 0xff) == SQLITE_READONLY)
		db->read_only = true;
	if (e == ERR_CORRUPT)
		return damage_found("store", db->path, sqlite3_errmsg(db->conn), F_CSTR("op", op),
		    F_INT("sqlite", code));
	if (err_class(e) == ERR_CLASS_OURS)
		METRICS_COUNT(store_errors, e);
	if (err_class(e) == ERR_CLASS_OURS)
		log_error("store", F_CSTR("op", op), F_ERR(e), F_CSTR("file", db->path),
		    F_INT("sqlite", code), F_CSTR("detail", sqlite3_errmsg(db->conn)),
		    F_INT("errno", sqlite3_system_errno(db->conn)));
	return e;
}

/* -- open and close */

enum err
db_create(const char *path)
{
	CLEANUP(fd_close) int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0660);

	if (fd < 0)
		return errno == EEXIST ? ERR_EXISTS : file_error("create", path);
	return file_sync_parent(path);
}

/* Another process has the lock: sleep a little, longer each time, up to patience_ms in all. */
static int
wait_for_lock(void *arg, int count)
{
	struct db *db = arg;

	/* Only what is spent here counts: a checkpoint works between two waits. */
	if (count == 0)
		db->waited_us = 0;
	if (db->waited_us >= db->patience_ms * 1000)
		return 0;
	long us = count >= 9 ? 2000 : 200 * (count + 1);
	nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
	db->waited_us += us;
	return 1;
}

/* In place of SQLite's own hook, which checkpoints inside of COMMIT and tells nobody of failures.
 */
static int
note_wal(void *arg, sqlite3 *conn, const char *name, int frames)
{
	struct db *db = arg;

	(void)conn, (void)name;
	db->wal_frames = frames;
	return SQLITE_OK;
}

#define TEXT_OF_(x) #x
#define TEXT_OF(x) TEXT_OF_(x)

enum err
db_make_writer(struct db *db)
{
	return db_script(db, "PRAGMA cache_size = -2000; PRAGMA query_only = OFF");
}

static enum err
configure(struct db *db, enum db_role role)
{
	db->patience_ms = BUSY_PATIENCE_MS;
	sqlite3_extended_result_codes(db->conn, 1);
	sqlite3_wal_hook(db->conn, note_wal, db);
	sqlite3_busy_handler(db->conn, wait_for_lock, db);
	sqlite3_db_config(db->conn, SQLITE_DBCONFIG_LOOKASIDE, NULL, 256, 64);
	sqlite3_db_config(db->conn, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->conn, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(db->conn, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	/* The WAL stays when the last handle closes: its directory entry was made durable once. */
	sqlite3_file_control(db->conn, "main", SQLITE_FCNTL_PERSIST_WAL, &(int){1});

	enum err e = role == DB_WRITER
			 ? db_make_writer(db)
			 : db_script(db, "PRAGMA cache_size = -512; PRAGMA query_only = ON");
	if (!e)
		e = db_script(db, "PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;"
				  "PRAGMA journal_size_limit = " TEXT_OF(
				      WAL_KEEP_OCTETS) ";"
						       "PRAGMA cell_size_check = ON; PRAGMA "
						       "trusted_schema = OFF");
	return e;
}

/* Once in a process, before SQLite starts. Counting its memory would take a lock, one for all
 * threads, at every allocation. Pages are allocated as they are needed: by default each connection
 * begins with twenty of them, most of which an account with a few messages never uses. */
static void
set_up_sqlite(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
}

enum err
db_open(const char *path, enum db_role role, struct db **ret)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct stat st;

	pthread_once(&once, set_up_sqlite);
	if (stat(path, &st) && errno == ENOENT)
		return ERR_NOT_FOUND;
	CLEANUP(db_close) struct db *db = calloc(1, sizeof(*db));
	if (!db || !(db->path = strdup(path)))
		return ERR_NOMEM;
	/* Readers need to write the shared-memory file, hence no SQLITE_OPEN_READONLY. */
	int code = sqlite3_open_v2(path, &db->conn,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (code)
		return db->conn ? db_report(db, "open", code) : ERR_NOMEM;
	enum err e = configure(db, role);
	if (!e)
		*ret = MOVE_PTR(db);
	return e;
}

void
db_close(struct db **dbp)
{
	struct db *db = *dbp;

	if (!db)
		return;
	*dbp = NULL;
	for (size_t i = 0; i < STATEMENT_BUCKETS; i++) {
		for (struct stmt *st = db->statements[i]; st;) {
			struct stmt *next = st->next;
			assert(!st->lent);
			sqlite3_finalize(st->s);
			free(st);
			st = next;
		}
	}
	int code = sqlite3_close(db->conn);
	assert(code == SQLITE_OK);
	(void)code;
	free(db->path);
	free(db);
}

const char *
db_path(const struct db *db)
{
	return db->path;
}

bool
db_failed(const struct db *db)
{
	return db->failed;
}

bool
db_is_read_only(const struct db *db)
{
	return db->read_only;
}

/* -- statements */

static struct stmt **
bucket_of(struct db *db, const char *sql)
{
	uint64_t h = (uint64_t)(uintptr_t)sql * 0x9e3779b97f4a7c15ull;

	return &db->statements[h >> 58];
}

static enum err
find_statement(struct db *db, const char *sql, struct stmt **ret)
{
	struct stmt **bucket = bucket_of(db, sql);

	for (struct stmt *st = *bucket; st; st = st->next) {
		if (st->sql == sql) {
			*ret = st;
			return ERR_OK;
		}
	}
	sqlite3_stmt *s = NULL;
	if (sqlite3_prepare_v3(db->conn, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL))
		return db_report(db, "prepare", SQLITE_OK);
	struct stmt *st = calloc(1, sizeof(*st));
	if (!st) {
		sqlite3_finalize(s);
		return ERR_NOMEM;
	}
	*st = (struct stmt){.next = *bucket, .db = db, .sql = sql, .s = s};
	*bucket = st;
	*ret = st;
	return ERR_OK;
}

void
stmt_bind(struct stmt *st, int i, struct db_arg arg)
{
	int code = SQLITE_OK;

	switch (arg.type) {
	case DB_ARG_INT:
		code = sqlite3_bind_int64(st->s, i, arg.i);
		break;
	case DB_ARG_TEXT:
		code = sqlite3_bind_text64(
		    st->s, i, arg.s.p ? arg.s.p : "", arg.s.n, SQLITE_STATIC, SQLITE_UTF8);
		break;
	case DB_ARG_BLOB:
		code = arg.s.n ? sqlite3_bind_blob64(st->s, i, arg.s.p, arg.s.n, SQLITE_STATIC)
			       : sqlite3_bind_zeroblob(st->s, i, 0);
		break;
	case DB_ARG_NULL:
	case DB_ARG_NONE:
		code = sqlite3_bind_null(st->s, i);
		break;
	}
	if (code && !st->err)
		st->err = db_report(st->db, "bind", code);
}

enum err
db_query_args(
    struct db *db, const char *sql, struct stmt **ret, const struct db_arg *args, size_t n)
{
	struct stmt *st = NULL;
	enum err e = find_statement(db, sql, &st);

	if (e)
		return e;
	assert(st && !st->lent); /* the same statement twice at once on one handle */
	assert(n == (size_t)sqlite3_bind_parameter_count(st->s));
	st->lent = true;
	st->err = ERR_OK;
	for (size_t i = 0; i < n; i++)
		stmt_bind(st, (int)i + 1, args[i]);
	*ret = st;
	return ERR_OK;
}

enum err
stmt_step(struct stmt *st, bool *ret_row)
{
	if (st->err)
		return st->err;
	int code = sqlite3_step(st->s);
	if (code == SQLITE_ROW || code == SQLITE_DONE) {
		*ret_row = code == SQLITE_ROW;
		return ERR_OK;
	}
	st->err = db_report(st->db, "step", code);
	return st->err;
}

void
stmt_reset(struct stmt *st)
{
	sqlite3_reset(st->s);
	st->err = ERR_OK;
}

void
stmt_done(struct stmt **stp)
{
	struct stmt *st = *stp;

	if (!st)
		return;
	*stp = NULL;
	sqlite3_reset(st->s);
	sqlite3_clear_bindings(st->s);
	st->lent = false;
}

enum err
db_run_args(struct db *db, const char *sql, const struct db_arg *args, size_t n)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = true;
	enum err e = db_query_args(db, sql, &st, args, n);

	while (!e && row)
		e = stmt_step(st, &row);
	return e;
}

enum err
db_get_int_args(struct db *db, const char *sql, int64_t *ret, const struct db_arg *args, size_t n)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = db_query_args(db, sql, &st, args, n);

	if (!e)
		e = stmt_step(st, &row);
	if (e)
		return e;
	if (!row)
		return ERR_NOT_FOUND;
	*ret = stmt_int(st, 0);
	return ERR_OK;
}

int64_t
stmt_int(struct stmt *st, int column)
{
	return sqlite3_column_int64(st->s, column);
}

struct str
stmt_str(struct stmt *st, int column)
{
	/* column_blob, not column_text: no conversion, and the octets as they were bound. */
	const void *p = sqlite3_column_blob(st->s, column);
	size_t n = (size_t)sqlite3_column_bytes(st->s, column);

	if (!p && sqlite3_column_type(st->s, column) != SQLITE_NULL)
		p = "";
	return str_make(p, n);
}

bool
stmt_is_null(struct stmt *st, int column)
{
	return sqlite3_column_type(st->s, column) == SQLITE_NULL;
}

int64_t
db_last_id(struct db *db)
{
	return sqlite3_last_insert_rowid(db->conn);
}

int64_t
db_changes(struct db *db)
{
	return sqlite3_changes64(db->conn);
}

/* -- transactions */

enum err
db_begin_read(struct db *db)
{
	return db_run(db, "BEGIN");
}

void
db_set_patience(struct db *db, int64_t ms)
{
	db->patience_ms = ms;
}

enum err
db_begin_write(struct db *db)
{
	/* SQLite would begin all the same, and fail at the first change. */
	if (sqlite3_db_readonly(db->conn, "main") == 1) {
		db->failed = db->read_only = true;
		log_warn("store", F_CSTR("op", "begin"), F_ERR(ERR_IO), F_CSTR("file", db->path),
		    F_CSTR("detail", "open for reading alone"));
		return ERR_IO;
	}
	db->changes_before = sqlite3_total_changes64(db->conn);
	return db_run(db, "BEGIN IMMEDIATE");
}

enum err
db_commit(struct db *db)
{
	enum err e = db_run(db, "COMMIT");

	if (e)
		db_rollback(db);
	return e;
}

void
db_rollback(struct db *db)
{
	/* SQLite has rolled back by itself after some errors. */
	if (db_in_transaction(db) && db_run(db, "ROLLBACK") != ERR_OK)
		db->failed = true;
}

void
db_shed_pages(struct db *db)
{
	sqlite3_db_release_memory(db->conn);
}

size_t
db_page_octets(struct db *db)
{
	int now = 0, most;

	sqlite3_db_status(db->conn, SQLITE_DBSTATUS_CACHE_USED, &now, &most, 0);
	return (size_t)now;
}

bool
db_in_transaction(struct db *db)
{
	return !sqlite3_get_autocommit(db->conn);
}

bool
db_has_changes(struct db *db)
{
	return sqlite3_total_changes64(db->conn) != db->changes_before;
}

enum err
db_savepoint(struct db *db)
{
	return db_run(db, "SAVEPOINT operation");
}

enum err
db_release(struct db *db)
{
	return db_run(db, "RELEASE operation");
}

enum err
db_rollback_to_savepoint(struct db *db)
{
	enum err e = db_run(db, "ROLLBACK TO operation");

	return e ? e : db_release(db);
}
