#include "store/repair.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "store/account_private.h"
#include "store/file.h"
#include "store/repair_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* What SQLite locks of a file: every connection in WAL mode holds some of it as long as it is open
 * (os.h of SQLite: PENDING_BYTE … SHARED_FIRST + SHARED_SIZE). */
#define LOCK_FIRST 0x40000000
#define LOCK_SIZE 512

struct files {
	char db[PATH_MAX], wal[PATH_MAX], shm[PATH_MAX];
	char aside[PATH_MAX], aside_wal[PATH_MAX]; /* the damaged ones, copied */
	char fresh[PATH_MAX]; /* the new one */
	char fresh_wal[PATH_MAX], fresh_shm[PATH_MAX];
	char blobs[PATH_MAX];
	char index[PATH_MAX]; /* of words (search/segments.h) */
};

static enum err
name_files(const struct store *s, int64_t account, struct files *f)
{
	char dir[PATH_MAX - 64], when[32];
	int n = snprintf(dir, sizeof(dir), "%s/accounts/%lld", s->data_dir, (long long)account);

	if (n >= (int)sizeof(dir))
		return ERR_TOO_LONG;
	snprintf(when, sizeof(when), "%lld", (long long)clock_real_us());
	snprintf(f->db, PATH_MAX, "%s/mail.db", dir);
	snprintf(f->wal, PATH_MAX, "%s/mail.db-wal", dir);
	snprintf(f->shm, PATH_MAX, "%s/mail.db-shm", dir);
	snprintf(f->aside, PATH_MAX, "%s/mail.db.damaged-%s", dir, when);
	snprintf(f->aside_wal, PATH_MAX, "%s/mail.db.damaged-%s-wal", dir, when);
	snprintf(f->fresh, PATH_MAX, "%s/mail.db.repaired", dir);
	snprintf(f->fresh_wal, PATH_MAX, "%s/mail.db.repaired-wal", dir);
	snprintf(f->fresh_shm, PATH_MAX, "%s/mail.db.repaired-shm", dir);
	snprintf(f->blobs, PATH_MAX, "%s/blobs", dir);
	snprintf(f->index, PATH_MAX, "%s/index", dir);
	return ERR_OK;
}

/* A file in memory; one that is not there, or empty, has no octets. */
struct mapped {
	int fd;
	struct str octets;
};

static void
unmap(struct mapped *m)
{
	if (m->octets.n)
		munmap((void *)(uintptr_t)m->octets.p, m->octets.n);
	fd_close(&m->fd);
}

static enum err
open_file(const char *path, struct mapped *ret)
{
	ret->octets = STR("");
	ret->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	return ret->fd < 0 && errno != ENOENT ? file_error("open", path) : ERR_OK;
}

static enum err
map_file(const char *path, struct mapped *m)
{
	struct stat st;

	if (m->fd < 0)
		return ERR_OK;
	if (fstat(m->fd, &st))
		return file_error("stat", path);
	if (st.st_size == 0)
		return ERR_OK;
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, m->fd, 0);
	if (p == MAP_FAILED)
		return file_error("map", path);
	m->octets = str_make(p, (size_t)st.st_size);
	return ERR_OK;
}

/* Nobody else has the file open from now on, until the descriptor is closed. */
static enum err
lock_out_others(int fd, const char *path)
{
	struct flock l = {
	    .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCK_FIRST, .l_len = LOCK_SIZE};
	int64_t until = clock_mono_ms() + REPAIR_WAIT_MS;

	while (fcntl(fd, F_SETLK, &l)) {
		if (errno != EAGAIN && errno != EACCES)
			return file_error("lock", path);
		if (clock_mono_ms() > until)
			return ERR_BUSY;
		nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
	}
	return ERR_OK;
}

static enum err
copy_to(struct str octets, const char *path)
{
	CLEANUP(fd_close) int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0660);

	if (fd < 0)
		return file_error("create", path);
	while (octets.n > 0) {
		ssize_t n = write(fd, octets.p, octets.n);
		if (n < 0)
			return file_error("write", path);
		octets = str_skip(octets, (size_t)n);
	}
	return fsync(fd) ? file_error("sync", path) : ERR_OK;
}

/* -- the new database */

static enum err
fill(struct db *db, void *arg)
{
	struct repair *r = arg;

	r->db = db;
	enum err e = repair_load(r);
	if (!e)
		e = repair_messages(r);
	return e ? e : repair_mailboxes(r);
}

static enum err
check_version(const struct salvage *s, const char *path)
{
	int64_t version = salvage_version(s);

	if (version < 0 || version == schema_account.version)
		return ERR_OK;
	log_error("store", F_CSTR("op", "repair"), F_CSTR("file", path), F_INT("version", version),
	    F_INT("known", schema_account.version),
	    F_CSTR("detail", "damaged, and made by another version of the program"));
	return ERR_CANNOT;
}

static void
remove_fresh(const struct files *f)
{
	unlink(f->fresh);
	unlink(f->fresh_wal);
	unlink(f->fresh_shm);
}

static enum err
make_fresh(const struct files *f, struct str db, struct str wal, struct repair *r)
{
	CLEANUP(salvage_close) struct salvage *salvage = NULL;
	enum err e = salvage_open(db, wal, &salvage);

	if (!e)
		e = check_version(salvage, f->db);
	if (e)
		return e;
	r->salvage = salvage;
	remove_fresh(f); /* of an earlier try */
	e = database_create(f->fresh, &schema_account, fill, r);
	free(r->entries);
	return e;
}

/* -- in its place */

/* The old WAL must never stand beside the new file. Before it goes, the damaged files are safe
 * under their other names. Who opened the old file meanwhile, and waits for the lock, finds
 * nothing that he could take for a database. */
static enum err
put_in_place(const struct files *f, int old_fd)
{
	static const char no_header[100] = "replaced by a repair";
	/* Its words may be those of messages that are others now; it is made anew. */
	enum err e = file_remove_tree(f->index);

	if (!e && unlink(f->wal) && errno != ENOENT)
		e = file_error("remove", f->wal);
	if (!e && unlink(f->shm) && errno != ENOENT)
		e = file_error("remove", f->shm);
	if (!e)
		e = file_sync_parent(f->db);
	if (!e && rename(f->fresh, f->db))
		e = file_error("rename", f->db);
	if (!e)
		e = file_sync_parent(f->db);
	if (!e && old_fd >= 0 && pwrite(old_fd, no_header, sizeof(no_header), 0) < 0)
		e = file_error("write", f->db);
	unlink(f->fresh_wal);
	unlink(f->fresh_shm);
	return e;
}

static enum err
repair_files(const struct files *f, struct repair *r)
{
	CLEANUP(unmap) struct mapped db = {.fd = -1}, wal = {.fd = -1};
	enum err e = open_file(f->db, &db);

	if (!e && db.fd >= 0)
		e = lock_out_others(db.fd, f->db);
	if (!e)
		e = open_file(f->wal, &wal);
	if (!e)
		e = map_file(f->db, &db);
	if (!e)
		e = map_file(f->wal, &wal);
	if (!e && db.fd >= 0)
		e = copy_to(db.octets, f->aside);
	if (!e && wal.octets.n)
		e = copy_to(wal.octets, f->aside_wal);
	if (!e)
		e = file_sync_parent(f->db);
	if (!e)
		e = make_fresh(f, db.octets, wal.octets, r);
	if (e) {
		remove_fresh(f);
		unlink(f->aside);
		unlink(f->aside_wal);
		return e;
	}
	sbuf_printf(r->report, "the damaged file is kept as %s\n", f->aside);
	return put_in_place(f, db.fd);
}

enum err
account_repair(struct store *s, int64_t account, struct repaired *ret, struct sbuf *report)
{
	CLEANUP(mem_free) struct files *f = calloc(1, sizeof(*f));
	enum err e = f ? name_files(s, account, f) : ERR_NOMEM;
	struct repair r = {.account = account, .result = ret, .report = report};

	if (e)
		return e;
	*ret = (struct repaired){0};
	r.blobs = f->blobs;
	pool_reap(s->pool, 0); /* our own handles would be in the way */
	e = repair_files(f, &r);
	log_info("repair", F_INT("account", account), F_ERR(e), F_INT("kept", (int64_t)ret->kept),
	    F_INT("recovered", (int64_t)ret->recovered), F_INT("damaged", (int64_t)ret->damaged),
	    F_INT("lost", (int64_t)ret->lost));
	return e;
}
