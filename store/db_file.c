/* SQLite behind store/db.h: the database as a file, its WAL, copies and checks. */
#include "store/db_private.h"

#include "common/base/clock.h"
#include "store/file.h"

#include <limits.h>
#include <stdio.h>

enum err
db_version(struct db *db, int64_t *ret)
{
	return db_get_int(db, "PRAGMA user_version", ret);
}

enum err
db_set_version(struct db *db, int64_t version)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA user_version = %lld", (long long)version);
	return db_script(db, sql);
}

enum err
db_script(struct db *db, const char *sql)
{
	int code = sqlite3_exec(db->conn, sql, NULL, NULL, NULL);

	return code ? db_report(db, "script", code) : ERR_OK;
}

enum err
db_use_wal(struct db *db)
{
	return db_script(db, "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL");
}

enum err
db_uses_wal(struct db *db, bool *ret)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = db_query(db, "PRAGMA journal_mode", &st);

	if (!e)
		e = stmt_step(st, &row);
	*ret = !e && row && str_eq(stmt_str(st, 0), STR("wal"));
	return e;
}

enum err
db_checkpoint(struct db *db)
{
	int code =
	    sqlite3_wal_checkpoint_v2(db->conn, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

	return code ? db_report(db, "checkpoint", code) : ERR_OK;
}

int
db_wal_frames(const struct db *db)
{
	return db->wal_frames;
}

static void
note_failure(struct db *db, int code)
{
	if (code && (code & 0xff) != SQLITE_BUSY) {
		enum err logged = db_report(db, "checkpoint", code);
		(void)logged;
	}
}

/* While it waits for readers new ones find all they need in the database itself, so that only those
 * who were there before are waited for. */
static int
begin_wal_anew(struct db *db)
{
	int64_t patience = db->patience_ms;

	db->patience_ms = WAL_TRIM_MS;
	int code =
	    sqlite3_wal_checkpoint_v2(db->conn, "main", SQLITE_CHECKPOINT_RESTART, NULL, NULL);
	db->patience_ms = patience;
	return code;
}

void
db_tend_wal(struct db *db)
{
	int64_t now = clock_mono_ms();

	if (db->wal_frames < WAL_CHECKPOINT_FRAMES)
		return;
	if (db->wal_frames < WAL_TRIM_FRAMES || now < db->no_trim_before_ms) {
		note_failure(db, sqlite3_wal_checkpoint_v2(
				     db->conn, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL));
		return;
	}
	int code = begin_wal_anew(db);
	if (code)
		db->no_trim_before_ms = now + WAL_TRIM_EVERY_MS;
	note_failure(db, code);
}

#define PASSES 3 /* each has what was written during the one before */
#define FEW_FRAMES 100

void
db_tend_wal_beside(struct db *db)
{
	int frames = 0, copied = 0, code = SQLITE_OK;
	int64_t version; /* a handle that has read nothing yet knows of no WAL */

	if (db_version(db, &version))
		return;
	for (int pass = 0; pass < PASSES && !code; pass++) {
		code = sqlite3_wal_checkpoint_v2(
		    db->conn, "main", SQLITE_CHECKPOINT_PASSIVE, &frames, &copied);
		if (frames - copied < FEW_FRAMES)
			break;
	}
	if (!code && frames >= WAL_TRIM_FRAMES)
		code = begin_wal_anew(db);
	note_failure(db, code);
}

void
db_leave_wal(struct db *db)
{
	struct db_stamp now;

	if (db_stamp(db, &now) && db_stamp_frames(&now) < WAL_LEAVE_FRAMES)
		sqlite3_db_config(db->conn, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

enum err
db_snapshot(struct db *db, const char *path)
{
	char temporary[PATH_MAX];

	if (snprintf(temporary, sizeof(temporary), "%s.%ld", path, (long)getpid()) >=
	    (int)sizeof(temporary))
		return ERR_TOO_LONG;
	unlink(temporary);
	enum err e = db_create(temporary);
	if (!e)
		e = db_run(db, "VACUUM INTO ?1", DB_TEXT(str_of(temporary)));
	if (!e)
		e = file_sync(temporary);
	if (!e && rename(temporary, path))
		e = file_error("rename", path);
	if (!e)
		e = file_sync_parent(path);
	if (e)
		unlink(temporary);
	return e;
}

enum err
db_integrity(struct db *db, struct sbuf *report_to)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false, damaged = false;
	enum err e = db_query(db, "PRAGMA integrity_check(100)", &st);

	while (!e && !(e = stmt_step(st, &row)) && row) {
		if (str_eq(stmt_str(st, 0), STR("ok")))
			continue;
		damaged = true;
		sbuf_put(report_to, stmt_str(st, 0));
		sbuf_putc(report_to, '\n');
	}
	if (e)
		return e;
	return damaged ? ERR_CORRUPT : ERR_OK;
}
