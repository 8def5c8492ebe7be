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
#include "tests/durability/powercut_record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define LOG_FD_MIN 500 /* out of the way of those who count descriptors */

_Static_assert(sizeof(off_t) == 8 && sizeof(long) == 8, "offsets are passed in one register");

struct shared {
	_Atomic int ready; /* 1: being made, 2: the mutex is there */
	_Atomic uint64_t syncs;
	pthread_mutex_t mu;
};

static struct shared *shared; /* NULL: nothing is recorded */
static int log_fd = -1;
static dev_t device;

/* -- the log */

static void
give_up(const char *why)
{
	char text[200];
	int n = snprintf(text, sizeof(text), "powercut_record: %s: %s\n", why, strerror(errno));

	(void)!syscall(SYS_write, 2, text, (size_t)n);
	_exit(98);
}

static void
lock(void)
{
	/* whoever held it was killed: a record of his may be cut off, which the reader sees */
	if (pthread_mutex_lock(&shared->mu) == EOWNERDEAD)
		pthread_mutex_consistent(&shared->mu);
}

static void
unlock(void)
{
	pthread_mutex_unlock(&shared->mu);
}

static void
put_locked(enum record_op op, uint64_t inode, uint64_t a, const char *path, const char *path2,
    const void *data, size_t n)
{
	struct record_head h = {.op = op,
	    .pid = (uint32_t)getpid(),
	    .thread = (uint32_t)syscall(SYS_gettid),
	    .path_n = path ? (uint32_t)strlen(path) : 0,
	    .path2_n = path2 ? (uint32_t)strlen(path2) : 0,
	    .data_n = (uint32_t)n,
	    .inode = inode,
	    .a = a};
	struct iovec v[] = {{&h, sizeof(h)}, {(void *)(uintptr_t)path, h.path_n},
	    {(void *)(uintptr_t)path2, h.path2_n}, {(void *)(uintptr_t)data, n}};

	if (syscall(SYS_writev, log_fd, v, 4) !=
	    (ssize_t)(sizeof(h) + h.path_n + h.path2_n + h.data_n))
		give_up("the log can't be written");
}

static void
put(enum record_op op, uint64_t inode, uint64_t a, const char *path, const void *data, size_t n)
{
	int saved = errno;

	lock();
	put_locked(op, inode, a, path, NULL, data, n);
	unlock();
	errno = saved;
}

static void
unknown(const char *what)
{
	put(RECORD_UNKNOWN, 0, 0, what, NULL, 0);
}

/* One process makes the mutex, the others wait for it. */
static struct shared *
share(const char *log)
{
	char path[PATH_MAX];
	int none = 0;

	snprintf(path, sizeof(path), "%s.lock", log);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0 || ftruncate(fd, sizeof(struct shared)))
		give_up(path);
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s == MAP_FAILED)
		give_up(path);
	close(fd);
	if (atomic_compare_exchange_strong(&s->ready, &none, 1)) {
		pthread_mutexattr_t attr;
		pthread_mutexattr_init(&attr);
		pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
		pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
		pthread_mutex_init(&s->mu, &attr);
		atomic_store(&s->ready, 2);
	}
	while (atomic_load(&s->ready) != 2)
		usleep(1000);
	return s;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *log = getenv("POWERCUT_LOG"), *dir = getenv("POWERCUT_DIR");
	struct stat st;

	if (!log || !dir)
		return;
	if (stat(dir, &st))
		give_up(dir);
	device = st.st_dev;
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	log_fd = fcntl(fd, F_DUPFD_CLOEXEC, LOG_FD_MIN);
	if (log_fd < 0)
		log_fd = fd;
	else
		close(fd);
	if (log_fd < 0)
		give_up(log);
	shared = share(log);
}

__attribute__((destructor)) static void
end(void)
{
	if (shared)
		put(RECORD_EXIT, 0, 0, program_invocation_short_name, NULL, 0);
}

/* -- which file */

/* A file or directory that is watched? */
static bool
watched(int fd, struct stat *st)
{
	int saved = errno;
	bool is = shared && fd > 2 && fd != log_fd && fstat(fd, st) == 0 && st->st_dev == device &&
		  (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode));

	errno = saved;
	return is;
}

/* The socket of a peer: not the bus's datagrams. */
static bool
is_peer(int fd, struct stat *st)
{
	int saved = errno, type = 0;
	socklen_t n = sizeof(type);
	bool is = shared && fd > 2 && fstat(fd, st) == 0 && S_ISSOCK(st->st_mode) &&
		  getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_STREAM;

	errno = saved;
	return is;
}

static void
path_of_fd(int fd, char out[PATH_MAX])
{
	char name[40];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(name, out, PATH_MAX - 1);
	out[n > 0 ? n : 0] = '\0';
}

/* Names are made whole here; links in them are not followed. */
static const char *
whole(int dir, const char *path, char out[PATH_MAX])
{
	char base[PATH_MAX];

	if (path[0] == '/')
		return path;
	if (dir == AT_FDCWD) {
		if (!getcwd(base, sizeof(base)))
			base[0] = '\0';
	} else {
		path_of_fd(dir, base);
	}
	if (snprintf(out, PATH_MAX, "%s/%s", base, path) >= PATH_MAX)
		give_up("a name is too long");
	return out;
}

/* -- files that are opened */

static int
open_recorded(int dir, const char *path, int flags, mode_t mode)
{
	struct stat st, before;
	char name[PATH_MAX];

	if (!shared || !(flags & (O_CREAT | O_TRUNC | O_SYNC | O_DSYNC)))
		return (int)syscall(SYS_openat, dir, path, flags, mode);
	lock();
	bool existed = fstatat(dir, path, &before, 0) == 0;
	int fd = (int)syscall(SYS_openat, dir, path, flags, mode);
	int saved = errno;
	/* not watched(): a program may have closed its first three descriptors */
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == device && S_ISREG(st.st_mode)) {
		if (flags & (O_DSYNC | (O_TMPFILE & ~O_DIRECTORY)))
			put_locked(RECORD_UNKNOWN, st.st_ino, 0, "open with O_SYNC or O_TMPFILE",
			    NULL, NULL, 0);
		if (!existed)
			put_locked(
			    RECORD_CREATE, st.st_ino, 0, whole(dir, path, name), NULL, NULL, 0);
		else if (flags & O_TRUNC)
			put_locked(RECORD_SIZE, st.st_ino, 0, NULL, NULL, NULL, 0);
	}
	unlock();
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
			put(RECORD_SEND, st->st_ino, 0, NULL, v[i].iov_base, v[i].iov_len);
}

/* `done` octets of `v` stand in the file from `at` on. */
static void
wrote_locked(const struct stat *st, const struct iovec *v, int n, off_t at, ssize_t done)
{
	for (int i = 0; i < n && done > 0; i++) {
		size_t piece = v[i].iov_len < (size_t)done ? v[i].iov_len : (size_t)done;
		if (piece > 0)
			put_locked(RECORD_WRITE, st->st_ino, (uint64_t)at, NULL, NULL,
			    v[i].iov_base, piece);
		at += (off_t)piece;
		done -= (ssize_t)piece;
	}
}

ssize_t
writev(int fd, const struct iovec *v, int n)
{
	struct stat st;

	if (!watched(fd, &st)) {
		if (is_peer(fd, &st))
			send_recorded(&st, v, n);
		return syscall(SYS_writev, fd, v, n);
	}
	lock();
	ssize_t done = syscall(SYS_writev, fd, v, n);
	int saved = errno;
	if (done > 0) /* where the next one would go, with O_APPEND too */
		wrote_locked(&st, v, n, lseek(fd, 0, SEEK_CUR) - done, done);
	unlock();
	errno = saved;
	return done;
}

ssize_t
write(int fd, const void *p, size_t n)
{
	struct stat st;
	struct iovec v = {(void *)(uintptr_t)p, n};

	if (watched(fd, &st) || is_peer(fd, &st))
		return writev(fd, &v, 1);
	return syscall(SYS_write, fd, p, n);
}

ssize_t
pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	struct stat st;
	long high = 0; /* the upper half where a register holds only the lower */

	if (!watched(fd, &st))
		return syscall(SYS_pwritev, fd, v, n, at, high);
	lock();
	ssize_t done = syscall(SYS_pwritev, fd, v, n, at, high);
	int saved = errno;
	wrote_locked(&st, v, n, at, done);
	unlock();
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

	if (!watched(fd, &st))
		return (int)syscall(SYS_ftruncate, fd, size);
	lock();
	int r = (int)syscall(SYS_ftruncate, fd, size);
	int saved = errno;
	if (!r)
		put_locked(RECORD_SIZE, st.st_ino, (uint64_t)size, NULL, NULL, NULL, 0);
	unlock();
	errno = saved;
	return r;
}
int ftruncate64(int fd, off64_t size) __attribute__((alias("ftruncate")));

int
truncate(const char *path, off_t size)
{
	if (shared)
		unknown("truncate");
	return (int)syscall(SYS_truncate, path, size);
}
int truncate64(const char *path, off64_t size) __attribute__((alias("truncate")));

/* Room alone is nothing that could be lost; more octets are. */
int
fallocate(int fd, int mode, off_t at, off_t n)
{
	struct stat st;

	if (!watched(fd, &st))
		return (int)syscall(SYS_fallocate, fd, mode, at, n);
	lock();
	int r = (int)syscall(SYS_fallocate, fd, mode, at, n);
	int saved = errno;
	if (!r && mode == 0 && at + n > st.st_size)
		put_locked(RECORD_SIZE, st.st_ino, (uint64_t)(at + n), NULL, NULL, NULL, 0);
	else if (!r && mode != FALLOC_FL_KEEP_SIZE && mode != 0)
		put_locked(RECORD_UNKNOWN, st.st_ino, 0, "fallocate", NULL, NULL, 0);
	unlock();
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

	if (!watched(fd, &st))
		return (int)syscall(call, fd);
	uint64_t number = atomic_fetch_add(&shared->syncs, 1);
	put(RECORD_SYNC_BEGIN, st.st_ino, number, NULL, NULL, 0);
	int r = (int)syscall(call, fd);
	if (!r)
		put(RECORD_SYNC_END, st.st_ino, number, NULL, NULL, 0);
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
	if (shared)
		unknown("sync");
	syscall(SYS_sync);
}

int
syncfs(int fd)
{
	if (shared)
		unknown("syncfs");
	return (int)syscall(SYS_syncfs, fd);
}

/* -- names */

static int
rename_recorded(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	char a[PATH_MAX], b[PATH_MAX];

	if (!shared)
		return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
	lock();
	int r = (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
	int saved = errno;
	if (!r)
		put_locked(flags ? RECORD_UNKNOWN : RECORD_RENAME, 0, 0, whole(from_dir, from, a),
		    whole(to_dir, to, b), NULL, 0);
	unlock();
	errno = saved;
	return r;
}

int
rename(const char *from, const char *to)
{
	return rename_recorded(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return rename_recorded(from_dir, from, to_dir, to, 0);
}

int
renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	return rename_recorded(from_dir, from, to_dir, to, flags);
}

int
linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	char name[PATH_MAX];
	struct stat st;

	if (!shared)
		return (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
	lock();
	int r = (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
	int saved = errno;
	if (!r && fstatat(to_dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
		put_locked(RECORD_LINK, st.st_ino, 0, whole(to_dir, to, name), NULL, NULL, 0);
	unlock();
	errno = saved;
	return r;
}

int
link(const char *from, const char *to)
{
	return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
symlinkat(const char *target, int dir, const char *path)
{
	if (shared)
		unknown("symlink");
	return (int)syscall(SYS_symlinkat, target, dir, path);
}

int
symlink(const char *target, const char *path)
{
	return symlinkat(target, AT_FDCWD, path);
}

int
unlinkat(int dir, const char *path, int flags)
{
	char name[PATH_MAX];

	if (!shared)
		return (int)syscall(SYS_unlinkat, dir, path, flags);
	lock();
	int r = (int)syscall(SYS_unlinkat, dir, path, flags);
	int saved = errno;
	if (!r)
		put_locked(flags & AT_REMOVEDIR ? RECORD_RMDIR : RECORD_UNLINK, 0, 0,
		    whole(dir, path, name), NULL, NULL, 0);
	unlock();
	errno = saved;
	return r;
}

int
unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int
rmdir(const char *path)
{
	return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int
remove(const char *path)
{
	return !unlink(path) ? 0 : errno == EISDIR ? rmdir(path) : -1;
}

int
mkdirat(int dir, const char *path, mode_t mode)
{
	char name[PATH_MAX];
	struct stat st;

	if (!shared)
		return (int)syscall(SYS_mkdirat, dir, path, mode);
	lock();
	int r = (int)syscall(SYS_mkdirat, dir, path, mode);
	int saved = errno;
	if (!r && fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		put_locked(RECORD_MKDIR, st.st_ino, 0, whole(dir, path, name), NULL, NULL, 0);
	unlock();
	errno = saved;
	return r;
}

int
mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

/* -- replies */

ssize_t
sendto(int fd, const void *p, size_t n, int flags, const struct sockaddr *to, socklen_t to_n)
{
	struct stat st;
	struct iovec v = {(void *)(uintptr_t)p, n};

	if (is_peer(fd, &st))
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

	if (is_peer(fd, &st))
		send_recorded(&st, m->msg_iov, (int)m->msg_iovlen);
	return syscall(SYS_sendmsg, fd, m, flags);
}

/* -- what would go past all this */

void *
mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
	struct stat st;

	if ((prot & PROT_WRITE) && (flags & MAP_SHARED) && fd >= 0 && watched(fd, &st)) {
		char path[PATH_MAX];
		path_of_fd(fd, path);
		size_t length = strlen(path);
		if (length < 4 || strcmp(path + length - 4, "-shm") != 0)
			unknown("a writable mapping");
	}
	return (void *)syscall(SYS_mmap, at, n, prot, flags, fd, offset);
}
void *mmap64(void *at, size_t n, int prot, int flags, int fd, off64_t offset)
    __attribute__((alias("mmap")));

ssize_t
copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t n, unsigned flags)
{
	struct stat st;

	if (watched(to, &st))
		unknown("copy_file_range");
	return syscall(SYS_copy_file_range, from, from_at, to, to_at, n, flags);
}

ssize_t
sendfile(int to, int from, off_t *at, size_t n)
{
	struct stat st;

	if (watched(to, &st) || is_peer(to, &st))
		unknown("sendfile");
	return syscall(SYS_sendfile, to, from, at, n);
}
ssize_t sendfile64(int to, int from, off64_t *at, size_t n) __attribute__((alias("sendfile")));
