#include "store/schema.h"
#include "common/base/log.h"
#include "store/file.h"

#include <limits.h>
#include <stdio.h>

/* By a handle of its own: inside of a transaction SQLite makes no copies. What it reads is what was
 * committed last, and nobody else can commit. */
static enum err
snapshot_before(struct db *db, int64_t version)
{
	CLEANUP(db_close) struct db *beside = NULL;
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s.before-%lld", db_path(db), (long long)version) >=
	    (int)sizeof(path))
		return ERR_TOO_LONG;
	enum err e = db_open(db_path(db), DB_WRITER, &beside);
	if (!e)
		e = db_snapshot(beside, path);
	if (!e)
		log_info("migrate", F_CSTR("file", db_path(db)), F_CSTR("snapshot", path),
		    F_INT("version", version));
	return e;
}

static enum err
run_step(struct db *db, const struct schema_step *step)
{
	enum err e = db_script(db, step->before);

	if (!e && step->convert)
		e = step->convert(db);
	return e || !step->after ? e : db_script(db, step->after);
}

static enum err
run_steps(struct db *db, const struct schema *s)
{
	int64_t version;
	/* Asked again under the lock: another process may have been quicker, and the snapshot that
	 * it made must not give way to one of its result. */
	enum err e = db_version(db, &version);

	if (!e && version > 0 && version < s->version)
		e = snapshot_before(db, version + 1);
	for (; !e && version < s->version; version++)
		e = run_step(db, &s->steps[version]);
	return e ? e : db_set_version(db, s->version);
}

enum err
schema_migrate(struct db *db, const struct schema *s)
{
	int64_t version;
	/* A no-op but for new files and for copies that were brought back, which need not be. */
	enum err e = db_use_wal(db);

	if (!e)
		e = db_version(db, &version);
	if (e || version == s->version)
		return e;
	if (version > s->version) {
		log_error("store", F_CSTR("op", "migrate"), F_CSTR("file", db_path(db)),
		    F_INT("version", version), F_INT("known", s->version),
		    F_CSTR("detail", "made by a newer program"));
		return ERR_CANNOT;
	}
	e = file_sync_parent(db_path(db)); /* the WAL may be new, see database_open_wal() */
	if (!e)
		e = db_begin_write(db);
	if (!e)
		e = run_steps(db, s);
	if (e) {
		db_rollback(db);
		return e;
	}
	return db_commit(db);
}

enum err
schema_is_current(struct db *db, const struct schema *s, bool *ret)
{
	int64_t version = 0;
	bool wal = false;
	enum err e = db_uses_wal(db, &wal);

	if (!e)
		e = db_version(db, &version);
	*ret = !e && wal && version == s->version;
	return e;
}
