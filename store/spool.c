/* A message being received: memory first, then a file.
 *
 * A spool file has a name, so that delivery can link it, and is locked (flock) as long as it is
 * used: whoever finds one that is not locked may remove it, its process is no more.
 */
#include "store/spool_private.h"

#include "common/base/log.h"
#include "common/base/log_ration.h"
#include "store/changes.h"
#include "store/damage.h"
#include "store/file.h"
#include "store/store_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#define SPOOL_BEGIN (256 * 1024)

struct spool {
	struct store *store;
	struct index_builder *builder;
	struct message_index index;
	bool finished;
	bool synced;
	enum err err; /* sticks */
	uint64_t size;
	char *memory; /* all octets, or those the file does not have yet */
	size_t in_memory, cap;
	int fd; /* -1: no file */
	uint64_t written, begun; /* octets of the file, and those being written to the disk */
	char path[PATH_MAX];
};

static enum err
new_spool(struct store *store, struct index_builder *builder, struct spool **ret)
{
	CLEANUP(index_builder_free) struct index_builder *b = builder;
	struct spool *s = b ? calloc(1, sizeof(*s)) : NULL;

	if (!s)
		return ERR_NOMEM;
	s->fd = -1;
	s->store = store;
	s->builder = MOVE_PTR(b);
	*ret = s;
	return ERR_OK;
}

enum err
spool_new(struct store *store, struct spool **ret)
{
	return new_spool(store, index_builder_new(), ret);
}

enum err
spool_new_brief(struct store *store, struct spool **ret)
{
	return new_spool(store, index_builder_new_brief(), ret);
}

void
spool_free(struct spool **sp)
{
	struct spool *s = MOVE_PTR(*sp);

	if (!s)
		return;
	if (s->fd >= 0)
		unlink(s->path);
	fd_close(&s->fd);
	index_builder_free(&s->builder);
	free(s->memory);
	free(s);
}

/* A write that the system refuses for want of room, on the disk or under a limit. */
static enum err
write_error(const char *op, const char *path)
{
	if (errno != EFBIG)
		return file_error(op, path);
	errno = ENOSPC;
	return file_error(op, path);
}

/* Makes the file and takes its lock. A sweep of another process may have come between the two: then
 * it has removed the file, and the next name is tried. */
static enum err
open_file(struct spool *s)
{
	for (int tries = 0; tries < 10; tries++) {
		uint64_t unique;
		struct stat st;
		if (getrandom(&unique, sizeof(unique), 0) != (ssize_t)sizeof(unique))
			return file_error("getrandom", s->store->spool_dir);
		snprintf(s->path, sizeof(s->path), "%s/%ld-%016llx", s->store->spool_dir,
		    (long)getpid(), (unsigned long long)unique);
		CLEANUP(fd_close)
		int fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0660);
		if (fd < 0 && errno == EEXIST)
			continue;
		if (fd < 0)
			return write_error("create", s->path);
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 && st.st_nlink > 0) {
			s->fd = fd;
			fd = -1;
			return ERR_OK;
		}
		unlink(s->path);
	}
	log_error("spool", F_CSTR("op", "create"), F_CSTR("dir", s->store->spool_dir));
	return ERR_IO;
}

static enum err
write_out(struct spool *s)
{
	const char *p = s->memory;
	size_t n = s->in_memory;

	if (s->fd < 0) {
		enum err e = open_file(s);
		if (e)
			return e;
	}
	while (n > 0) {
		ssize_t wrote = write(s->fd, p, n);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return write_error("write", s->path);
		p += wrote;
		n -= (size_t)wrote;
		s->written += (uint64_t)wrote;
	}
	s->in_memory = 0;
	/* The disk gets to work while the rest is still coming; what fails is told by the sync. */
	if (s->written - s->begun >= SPOOL_BEGIN) {
		(void)!sync_file_range(
		    s->fd, (off_t)s->begun, (off_t)(s->written - s->begun), SYNC_FILE_RANGE_WRITE);
		s->begun = s->written;
	}
	return ERR_OK;
}

static enum err
make_room(struct spool *s, size_t n)
{
	size_t cap = s->cap ? s->cap : 4096;

	while (cap < s->in_memory + n)
		cap *= 2;
	if (cap == s->cap)
		return ERR_OK;
	char *memory = realloc(s->memory, cap);
	if (!memory)
		return ERR_NOMEM;
	s->memory = memory;
	s->cap = cap;
	return ERR_OK;
}

static enum err
take_in(struct spool *s, const char *p, size_t n)
{
	while (n > 0) {
		if (s->in_memory == SPOOL_MEMORY) {
			enum err e = write_out(s);
			if (e)
				return e;
		}
		size_t piece = SPOOL_MEMORY - s->in_memory;
		if (piece > n)
			piece = n;
		enum err e = make_room(s, piece);
		if (e)
			return e;
		memcpy(s->memory + s->in_memory, p, piece);
		s->in_memory += piece;
		p += piece;
		n -= piece;
	}
	return ERR_OK;
}

/* Of one message among many that are refused like it. */
static void
say_full(struct store *store, uint64_t octets)
{
	if (log_ration_takes(&store->memory_complaints, 1, NULL))
		log_warn("memory_full", F_UINT("octets", octets));
}

/* The process has as much memory as it may have, and this message is not one of the small ones, of
 * which the brim is for. */
static bool
is_too_much(const struct spool *s, size_t n)
{
	enum fullness bearable = s->size + n <= SPOOL_SMALL ? MEMORY_FULL : MEMORY_CROWDED;

	if (store_fullness(s->store) <= bearable)
		return false;
	say_full(s->store, s->size);
	return true;
}

/* It has failed: whoever holds it need not hold what is in it. */
static void
give_up(struct spool *s)
{
	mem_free(&s->memory);
	s->in_memory = s->cap = 0;
	index_builder_free(&s->builder);
}

enum err
spool_write(struct spool *s, const void *p, size_t n)
{
	if (s->err || n == 0)
		return s->err;
	if (s->finished)
		return s->err = ERR_INTERNAL;
	s->err = is_too_much(s, n) ? ERR_NOMEM : take_in(s, p, n);
	if (s->err == ERR_NOMEM)
		give_up(s);
	if (s->err)
		return s->err;
	s->size += n;
	index_builder_feed(s->builder, p, n);
	return ERR_OK;
}

uint64_t
spool_size(const struct spool *s)
{
	return s->size;
}

static enum err
finish(struct spool *s)
{
	if (!s->err && s->fd >= 0)
		s->err = write_out(s);
	if (!s->err)
		s->err = index_builder_finish(s->builder, &s->index);
	s->finished = !s->err;
	return s->err;
}

/* Once finished nothing is changed: several threads may deliver it. */
enum err
spool_finish(struct spool *s, const struct message_index **ret)
{
	enum err e = s->finished ? s->err : finish(s);

	if (!e)
		*ret = &s->index;
	return e;
}

bool
spool_in_memory(const struct spool *s, struct str *ret)
{
	if (s->fd >= 0)
		return false;
	*ret = str_make(s->memory ? s->memory : "", s->in_memory);
	return true;
}

enum err
spool_sync(struct spool *s)
{
	if (s->fd < 0 || s->synced || s->err)
		return s->err;
	/* a second sync after a failed one may claim what is not true: the failure sticks */
	if (fdatasync(s->fd) < 0)
		return s->err = write_error("sync", s->path);
	s->synced = true;
	return ERR_OK;
}

enum err
spool_link(struct spool *s, const char *path)
{
	return link(s->path, path) < 0 ? write_error("link", path) : ERR_OK;
}

enum err
spool_read(struct spool *s, uint64_t offset, char *to, size_t n)
{
	while (n > 0) {
		ssize_t got = pread(s->fd, to, n, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return file_error("read", s->path);
		if (got == 0) {
			return damage_found(
			    "spool", s->path, "shorter than written", F_CSTR("op", "read"));
		}
		to += got;
		n -= (size_t)got;
		offset += (uint64_t)got;
	}
	return ERR_OK;
}

enum err
spool_read_back(struct spool *s, uint64_t offset, char *to, size_t n)
{
	if (s->fd >= 0)
		return spool_read(s, offset, to, n);
	if (offset > s->in_memory || n > s->in_memory - offset)
		return ERR_CORRUPT;
	memcpy(to, s->memory + offset, n);
	return ERR_OK;
}

void
spool_sweep(const char *spool_dir)
{
	DIR *dir = opendir(spool_dir);

	if (!dir)
		return;
	// NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of its own
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue;
		CLEANUP(fd_close)
		int fd = openat(
		    dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		struct stat st;
		if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
			continue;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 &&
		    unlinkat(dirfd(dir), entry->d_name, 0) == 0)
			log_info("spool", F_CSTR("swept", entry->d_name),
			    F_INT("octets", (int64_t)st.st_size));
	}
	closedir(dir);
}
