#include "tests/faults/faults.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *const fault_names[] = {"memory", "open", "read", "write", "sync", "truncate", "names",
    "map", "thread", "accept", "watch", "wait"};

static _Atomic int armed = -1; /* the kind */
static enum fault_kind kind_armed;
static _Atomic unsigned calls, fail_at;
static _Atomic bool lasting;
static int fail_errno;
static char story[200];

static void
tell(int sig)
{
	(void)!write(STDERR_FILENO, story, strlen(story));
	signal(sig, SIG_DFL);
	raise(sig);
}

void
fault_arm(enum fault_kind kind, unsigned n, int errnum, const char *what)
{
	snprintf(story, sizeof(story), "ended by a signal: %s, %s call %u, errno %d\n", what,
	    fault_names[kind], n, errnum);
	signal(SIGABRT, tell);
	signal(SIGSEGV, tell);
	fail_errno = errnum;
	calls = 0;
	fail_at = n;
	lasting = false;
	kind_armed = kind;
	armed = (int)kind;
}

void
fault_arm_lasting(enum fault_kind kind, int errnum, const char *what)
{
	fault_arm(kind, UINT32_MAX, errnum, what);
	lasting = true;
}

void
fault_rest(bool rests)
{
	armed = rests ? -1 : (int)kind_armed;
}

unsigned
fault_calls(void)
{
	return calls;
}

bool
fault_disarm(void)
{
	armed = -1;
	signal(SIGABRT, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	return calls >= fail_at;
}

unsigned
fault_next(unsigned n, unsigned other)
{
	const char *text = getenv("FAULTS_PART");
	unsigned part, parts;

	if (text && sscanf(text, "%u/%u", &part, &parts) == 2 && part > 0 && part <= parts)
		return n ? n + parts : part;
	return getenv("FAULTS_LONG") ? n + 1 : other;
}

static bool
must_fail(enum fault_kind kind)
{
	if (armed != (int)kind || (atomic_fetch_add(&calls, 1) + 1 != fail_at && !lasting))
		return false;
	errno = fail_errno;
	return true;
}

unsigned
fault_count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

/* -- memory: the sanitizers' own, where there are any */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifdef SANITIZED
/* Vectors of thread-local memory, which glibc keeps with the stacks of threads that have ended:
 * nobody looks there. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:allocate_dtv\n";
}
#define REAL(name) __interceptor_##name
#else
#define REAL(name) __libc_##name
#endif

void *REAL(malloc)(size_t n);
void *REAL(calloc)(size_t n, size_t each);
void *REAL(realloc)(void *p, size_t n);

void *
malloc(size_t n)
{
	return must_fail(FAULT_MEMORY) ? NULL : REAL(malloc)(n);
}

void *
calloc(size_t n, size_t each)
{
	return must_fail(FAULT_MEMORY) ? NULL : REAL(calloc)(n, each);
}

void *
realloc(void *p, size_t n)
{
	return must_fail(FAULT_MEMORY) ? NULL : REAL(realloc)(p, n);
}

void *
reallocarray(void *p, size_t n, size_t each)
{
	size_t all;

	if (__builtin_mul_overflow(n, each, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(p, all);
}

/* -- files: straight to the kernel */

static int
open_any(int dir, const char *path, int flags, mode_t mode)
{
	return must_fail(FAULT_OPEN) ? -1 : (int)syscall(SYS_openat, dir, path, flags, mode);
}

#define DEFINE_OPEN(name)                                                                          \
	int name(const char *path, int flags, ...)                                                 \
	{                                                                                          \
		va_list ap;                                                                        \
		va_start(ap, flags);                                                               \
		mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? (mode_t)va_arg(ap, unsigned) : 0;  \
		va_end(ap);                                                                        \
		return open_any(AT_FDCWD, path, flags, mode);                                      \
	}
DEFINE_OPEN(open)
DEFINE_OPEN(open64)

#define DEFINE_OPENAT(name)                                                                        \
	int name(int dir, const char *path, int flags, ...)                                        \
	{                                                                                          \
		va_list ap;                                                                        \
		va_start(ap, flags);                                                               \
		mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? (mode_t)va_arg(ap, unsigned) : 0;  \
		va_end(ap);                                                                        \
		return open_any(dir, path, flags, mode);                                           \
	}
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

ssize_t
pread(int fd, void *p, size_t n, off_t at)
{
	return must_fail(FAULT_READ) ? -1 : syscall(SYS_pread64, fd, p, n, at);
}

ssize_t
pread64(int fd, void *p, size_t n, off_t at)
{
	return must_fail(FAULT_READ) ? -1 : syscall(SYS_pread64, fd, p, n, at);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	return must_fail(FAULT_WRITE) ? -1 : syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off_t at)
{
	return must_fail(FAULT_WRITE) ? -1 : syscall(SYS_pwrite64, fd, p, n, at);
}

static bool
is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

ssize_t
read(int fd, void *p, size_t n)
{
	if (armed == FAULT_READ && is_file(fd) && must_fail(FAULT_READ))
		return -1;
	return syscall(SYS_read, fd, p, n);
}

ssize_t
write(int fd, const void *p, size_t n)
{
	if (armed == FAULT_WRITE && is_file(fd) && must_fail(FAULT_WRITE))
		return -1;
	return syscall(SYS_write, fd, p, n);
}

int
fsync(int fd)
{
	(void)fd; /* nobody pulls the plug here */
	return must_fail(FAULT_SYNC) ? -1 : 0;
}

int
fdatasync(int fd)
{
	(void)fd;
	return must_fail(FAULT_SYNC) ? -1 : 0;
}

int
ftruncate(int fd, off_t n)
{
	return must_fail(FAULT_TRUNCATE) ? -1 : (int)syscall(SYS_ftruncate, fd, n);
}

int
ftruncate64(int fd, off_t n)
{
	return must_fail(FAULT_TRUNCATE) ? -1 : (int)syscall(SYS_ftruncate, fd, n);
}

int
rename(const char *from, const char *to)
{
	return must_fail(FAULT_NAMES) ? -1 : (int)syscall(SYS_rename, from, to);
}

int
link(const char *from, const char *to)
{
	return must_fail(FAULT_NAMES) ? -1 : (int)syscall(SYS_link, from, to);
}

int
unlink(const char *path)
{
	return must_fail(FAULT_NAMES) ? -1 : (int)syscall(SYS_unlink, path);
}

int
mkdir(const char *path, mode_t mode)
{
	return must_fail(FAULT_NAMES) ? -1 : (int)syscall(SYS_mkdir, path, mode);
}

#define DEFINE_MMAP(name)                                                                          \
	void *name(void *p, size_t n, int prot, int flags, int fd, off_t at)                       \
	{                                                                                          \
		if (must_fail(FAULT_MAP))                                                          \
			return MAP_FAILED;                                                         \
		return (void *)syscall(SYS_mmap, p, n, prot, flags, fd, at);                       \
	}
DEFINE_MMAP(mmap)
DEFINE_MMAP(mmap64)

/* -- threads */

int
pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	static int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (must_fail(FAULT_THREAD))
		return fail_errno;
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "pthread_create");
	return next(t, attr, run, arg);
}

/* -- connections */

int
accept4(int fd, struct sockaddr *peer, socklen_t *n, int flags)
{
	return must_fail(FAULT_ACCEPT) ? -1 : (int)syscall(SYS_accept4, fd, peer, n, flags);
}

int
epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	if (op != EPOLL_CTL_DEL && must_fail(FAULT_WATCH))
		return -1;
	return (int)syscall(SYS_epoll_ctl, epfd, op, fd, event);
}

int
epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms)
{
	if (must_fail(FAULT_WAIT))
		return -1;
	return (int)syscall(SYS_epoll_pwait, epfd, events, max, timeout_ms, NULL, 0);
}
