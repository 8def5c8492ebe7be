#include "tests/durability/powercut_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define LOG_FD_MIN 500 /* out of the way of those who count descriptors */

struct shared {
	_Atomic int ready; /* 1: being made, 2: the mutex is there */
	_Atomic uint64_t syncs;
	pthread_mutex_t mu;
};

static struct shared *shared; /* NULL: nothing is recorded */
static int log_fd = -1;
static dev_t device;

/* -- the log */

bool
record_is_on(void)
{
	return shared;
}

uint64_t
record_next_sync(void)
{
	return atomic_fetch_add(&shared->syncs, 1);
}

static void
give_up(const char *why)
{
	char text[200];
	int n = snprintf(text, sizeof(text), "powercut_record: %s: %s\n", why, strerror(errno));

	(void)!syscall(SYS_write, 2, text, (size_t)n);
	_exit(98);
}

void
record_lock(void)
{
	/* whoever held it was killed: a record of his may be cut off, which the reader sees */
	if (pthread_mutex_lock(&shared->mu) == EOWNERDEAD)
		pthread_mutex_consistent(&shared->mu);
}

void
record_unlock(void)
{
	pthread_mutex_unlock(&shared->mu);
}

void
record_put_locked(enum record_op op, uint64_t inode, uint64_t a, const char *path,
    const char *path2, const void *data, size_t n)
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

void
record_put(
    enum record_op op, uint64_t inode, uint64_t a, const char *path, const void *data, size_t n)
{
	int saved = errno;

	record_lock();
	record_put_locked(op, inode, a, path, NULL, data, n);
	record_unlock();
	errno = saved;
}

void
record_unknown(const char *what)
{
	record_put(RECORD_UNKNOWN, 0, 0, what, NULL, 0);
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
		record_put(RECORD_EXIT, 0, 0, program_invocation_short_name, NULL, 0);
}

/* -- which file */

bool
record_is_here(const struct stat *st)
{
	return st->st_dev == device;
}

bool
record_watches(int fd, struct stat *st)
{
	int saved = errno;
	bool is = shared && fd > 2 && fd != log_fd && fstat(fd, st) == 0 && st->st_dev == device &&
		  (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode));

	errno = saved;
	return is;
}

bool
record_is_peer(int fd, struct stat *st)
{
	int saved = errno, type = 0;
	socklen_t n = sizeof(type);
	bool is = shared && fd > 2 && fstat(fd, st) == 0 && S_ISSOCK(st->st_mode) &&
		  getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_STREAM;

	errno = saved;
	return is;
}

void
record_path_of_fd(int fd, char out[PATH_MAX])
{
	char name[40];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(name, out, PATH_MAX - 1);
	out[n > 0 ? n : 0] = '\0';
}

const char *
record_whole_path(int dir, const char *path, char out[PATH_MAX])
{
	char base[PATH_MAX];

	if (path[0] == '/')
		return path;
	if (dir == AT_FDCWD) {
		if (!getcwd(base, sizeof(base)))
			base[0] = '\0';
	} else {
		record_path_of_fd(dir, base);
	}
	if (snprintf(out, PATH_MAX, "%s/%s", base, path) >= PATH_MAX)
		give_up("a name is too long");
	return out;
}
