/* tests/durability/powercut_record.c - powercut_record.so, for LD_PRELOAD: writes down what a
 *program does to files, and what it tells its peers, in the order in which it happens
 *(powercut_record.h).
 *
 *	POWERCUT_LOG   the file that gets the records; a lock, shared by all processes, stands
 *beside it POWERCUT_DIR   a directory of the file system whose files are watched
 *
 * Whatever changes files is done and written down under one lock, so that the order of the records
 * is the order of the changes; a sync has two records, and made durable what stands before the
 * first. A reply is written down before it is sent. Calls go to the kernel directly (syscall(2)),
 *so no symbol has to be looked up. What a process writes to its first three descriptors is not
 *told.
 *
 * Not told either: writes through a mapping. SQLite has one, of the WAL's index (-shm), which is
 *made anew after a crash whatever it holds; a writable mapping of any other file is RECORD_UNKNOWN,
 *as are O_SYNC, O_TMPFILE, copy_file_range(2) and sync(2), which nothing here uses. */
#include "tests/durability/powercut_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert(sizeof(off_t) == 8 && sizeof(long) == 8, "offsets are passed in one register");

/* -- files that are opened */

static int
open_recorded(int dir, const char *path, int flags, mode_t mode)
{
	struct stat st, before;
	char name[PATH_MAX];

	if (!record_is_on() || !(flags & (O_CREAT | O_TRUNC | O_SYNC | O_DSYNC)))
		return (int)syscall(SYS_openat, dir, path, flags, mode);
	record_lock();
	bool existed = fstatat(dir, path, &before, 0) == 0;
	int fd = (int)syscall(SYS_openat, dir, path, flags, mode);
	int saved = errno;
	/* not record_watches(): a program may have closed its first three descriptors */
	if (fd >= 0 && fstat(fd, &st) == 0 && record_is_here(&st) && S_ISREG(st.st_mode)) {
		if (flags & (O_DSYNC | (O_TMPFILE & ~O_DIRECTORY)))
			record_put_locked(RECORD_UNKNOWN, st.st_ino, 0,
			    "open with O_SYNC or O_TMPFILE", NULL, NULL, 0);
		if (!existed)
			record_put_locked(RECORD_CREATE, st.st_ino, 0,
			    record_whole_path(dir, path, name), NULL, NULL, 0);
		else if (flags & O_TRUNC)
			record_put_locked(RECORD_SIZE, st.st_ino, 0, NULL, NULL, NULL, 0);
	}
	record_unlock();
	errno = saved;
	return fd;
}

static mode_t
mode_of(int flags, va_list ap)
{
	return flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) ? va_arg(ap, mode_t) : 0;
}

int
open(const char *path, int flags, ...)
{
	va_list ap;

	va_start(ap, flags);
	mode_t mode = mode_of(flags, ap);
	va_end(ap);
	return open_recorded(AT_FDCWD, path, flags, mode);
}
int open64(const char *path, int flags, ...) __attribute__((alias("open")));

int
openat(int dir, const char *path, int flags, ...)
{
	va_list ap;

	va_start(ap, flags);
	mode_t mode = mode_of(flags, ap);
	va_end(ap);
	return open_recorded(dir, path, flags, mode);
}
int openat64(int dir, const char *path, int flags, ...) __attribute__((alias("openat")));

/* What _FORTIFY_SOURCE makes of open() without a mode. */
int __open_2(const char *path, int flags);
int
__open_2(const char *path, int flags)
{
	return open_recorded(AT_FDCWD, path, flags, 0);
}
int __open64_2(const char *path, int flags) __attribute__((alias("__open_2")));

int __openat_2(int dir, const char *path, int flags);
int
__openat_2(int dir, const char *path, int flags)
{
	return open_recorded(dir, path, flags, 0);
}
int __openat64_2(int dir, const char *path, int flags) __attribute__((alias("__openat_2")));

int
creat(const char *path, mode_t mode)
{
	return open_recorded(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}
int creat64(const char *path, mode_t mode) __attribute__((alias("creat")));

/* -- what is written */

static void
send_recorded(const struct stat *st, const struct iovec *v, int n)
{
	for (int i = 0; i < n; i++)
		if (v[i].iov_len > 0)
			record_put(RECORD_SEND, st->st_ino, 0, NULL, v[i].iov_base, v[i].iov_len);
}

/* `done` octets of `v` stand in the file from `at` on. */
static void
wrote_locked(const struct stat *st, const struct iovec *v, int n, off_t at, ssize_t done)
{
	for (int i = 0; i < n && done > 0; i++) {
		size_t piece = v[i].iov_len < (size_t)done ? v[i].iov_len : (size_t)done;
		if (piece > 0)
			record_put_locked(RECORD_WRITE, st->st_ino, (uint64_t)at, NULL, NULL,
			    v[i].iov_base, piece);
		at += (off_t)piece;
		done -= (ssize_t)piece;
	}
}

ssize_t
writev(int fd, const struct iovec *v, int n)
{
	struct stat st;

	if (!record_watches(fd, &st)) {
		if (record_is_peer(fd, &st))
			send_recorded(&st, v, n);
		return syscall(SYS_writev, fd, v, n);
	}
	record_lock();
	ssize_t done = syscall(SYS_writev, fd, v, n);
	int saved = errno;
	if (done > 0) /* where the next one would go, with O_APPEND too */
		wrote_locked(&st, v, n, lseek(fd, 0, SEEK_CUR) - done, done);
	record_unlock();
	errno = saved;
	return done;
}

ssize_t
write(int fd, const void *p, size_t n)
{
	struct stat st;
	struct iovec v = {(void *)(uintptr_t)p, n};

	if (record_watches(fd, &st) || record_is_peer(fd, &st))
		return writev(fd, &v, 1);
	return syscall(SYS_write, fd, p, n);
}

ssize_t
pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	struct stat st;
	long high = 0; /* the upper half where a register holds only the lower */

	if (!record_watches(fd, &st))
		return syscall(SYS_pwritev, fd, v, n, at, high);
	record_lock();
	ssize_t done = syscall(SYS_pwritev, fd, v, n, at, high);
	int saved = errno;
	wrote_locked(&st, v, n, at, done);
	record_unlock();
	errno = saved;
	return done;
}
ssize_t pwritev64(int fd, const struct iovec *v, int n, off64_t at)
    __attribute__((alias("pwritev")));

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	struct iovec v = {(void *)(uintptr_t)p, n};

	return pwritev(fd, &v, 1, at);
}
ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at) __attribute__((alias("pwrite")));

int
ftruncate(int fd, off_t size)
{
	struct stat st;

	if (!record_watches(fd, &st))
		return (int)syscall(SYS_ftruncate, fd, size);
	record_lock();
	int r = (int)syscall(SYS_ftruncate, fd, size);
	int saved = errno;
	if (!r)
		record_put_locked(RECORD_SIZE, st.st_ino, (uint64_t)size, NULL, NULL, NULL, 0);
	record_unlock();
	errno = saved;
	return r;
}
int ftruncate64(int fd, off64_t size) __attribute__((alias("ftruncate")));

int
truncate(const char *path, off_t size)
{
	if (record_is_on())
		record_unknown("truncate");
	return (int)syscall(SYS_truncate, path, size);
}
int truncate64(const char *path, off64_t size) __attribute__((alias("truncate")));

/* Room alone is nothing that could be lost; more octets are. */
int
fallocate(int fd, int mode, off_t at, off_t n)
{
	struct stat st;

	if (!record_watches(fd, &st))
		return (int)syscall(SYS_fallocate, fd, mode, at, n);
	record_lock();
	int r = (int)syscall(SYS_fallocate, fd, mode, at, n);
	int saved = errno;
	if (!r && mode == 0 && at + n > st.st_size)
		record_put_locked(RECORD_SIZE, st.st_ino, (uint64_t)(at + n), NULL, NULL, NULL, 0);
	else if (!r && mode != FALLOC_FL_KEEP_SIZE && mode != 0)
		record_put_locked(RECORD_UNKNOWN, st.st_ino, 0, "fallocate", NULL, NULL, 0);
	record_unlock();
	errno = saved;
	return r;
}
int fallocate64(int fd, int mode, off64_t at, off64_t n) __attribute__((alias("fallocate")));

int
posix_fallocate(int fd, off_t at, off_t n)
{
	int saved = errno, r = fallocate(fd, 0, at, n) ? errno : 0;

	errno = saved;
	return r;
}
int posix_fallocate64(int fd, off64_t at, off64_t n) __attribute__((alias("posix_fallocate")));

/* -- what is made durable */

static int
sync_recorded(int fd, long call)
{
	struct stat st;

	if (!record_watches(fd, &st))
		return (int)syscall(call, fd);
	uint64_t number = record_next_sync();
	record_put(RECORD_SYNC_BEGIN, st.st_ino, number, NULL, NULL, 0);
	int r = (int)syscall(call, fd);
	if (!r)
		record_put(RECORD_SYNC_END, st.st_ino, number, NULL, NULL, 0);
	return r;
}

int
fsync(int fd)
{
	return sync_recorded(fd, SYS_fsync);
}

int
fdatasync(int fd)
{
	return sync_recorded(fd, SYS_fdatasync);
}

/* sync_file_range(2) promises nothing about what it writes, so it is left alone. These would. */
void
sync(void)
{
	if (record_is_on())
		record_unknown("sync");
	syscall(SYS_sync);
}

int
syncfs(int fd)
{
	if (record_is_on())
		record_unknown("syncfs");
	return (int)syscall(SYS_syncfs, fd);
}

/* -- replies */

ssize_t
sendto(int fd, const void *p, size_t n, int flags, const struct sockaddr *to, socklen_t to_n)
{
	struct stat st;
	struct iovec v = {(void *)(uintptr_t)p, n};

	if (record_is_peer(fd, &st))
		send_recorded(&st, &v, 1);
	return syscall(SYS_sendto, fd, p, n, flags, to, to_n);
}

ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	return sendto(fd, p, n, flags, NULL, 0);
}

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	struct stat st;

	if (record_is_peer(fd, &st))
		send_recorded(&st, m->msg_iov, (int)m->msg_iovlen);
	return syscall(SYS_sendmsg, fd, m, flags);
}

/* -- what would go past all this */

void *
mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
	struct stat st;

	if ((prot & PROT_WRITE) && (flags & MAP_SHARED) && fd >= 0 && record_watches(fd, &st)) {
		char path[PATH_MAX];
		record_path_of_fd(fd, path);
		size_t length = strlen(path);
		if (length < 4 || strcmp(path + length - 4, "-shm") != 0)
			record_unknown("a writable mapping");
	}
	return (void *)syscall(SYS_mmap, at, n, prot, flags, fd, offset);
}
void *mmap64(void *at, size_t n, int prot, int flags, int fd, off64_t offset)
    __attribute__((alias("mmap")));

ssize_t
copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t n, unsigned flags)
{
	struct stat st;

	if (record_watches(to, &st))
		record_unknown("copy_file_range");
	return syscall(SYS_copy_file_range, from, from_at, to, to_at, n, flags);
}

ssize_t
sendfile(int to, int from, off_t *at, size_t n)
{
	struct stat st;

	if (record_watches(to, &st) || record_is_peer(to, &st))
		record_unknown("sendfile");
	return syscall(SYS_sendfile, to, from, at, n);
}
ssize_t sendfile64(int to, int from, off64_t *at, size_t n) __attribute__((alias("sendfile")));
