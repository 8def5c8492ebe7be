/* Preloaded into a daemon: its clock is set to another time, and the n-th thread that it starts
 * fails. What is wanted stands in the file $LIVE_FAULTS, "seconds threads": added to the real
 * clock, and the thread's number (0: none). The file may be rewritten at any time, in place. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const char *wanted; /* mapped: a sandbox lets nobody open it later */
static _Atomic unsigned threads;

__attribute__((constructor)) static void
map_file(void)
{
	const char *path = getenv("LIVE_FAULTS");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *p = fd < 0 ? MAP_FAILED : mmap(NULL, 64, PROT_READ, MAP_SHARED, fd, 0);

	if (fd >= 0)
		close(fd);
	if (p != MAP_FAILED)
		wanted = p;
}

static long
number(int which)
{
	char *end;

	if (!wanted)
		return 0;
	long n = strtol(wanted, &end, 10);
	return which ? strtol(end, NULL, 10) : n;
}

int
clock_gettime(clockid_t id, struct timespec *ret)
{
	int failed = (int)syscall(SYS_clock_gettime, id, ret);

	if (!failed && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ret->tv_sec += number(0);
	return failed;
}

time_t
time(time_t *ret)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (ret)
		*ret = now.tv_sec;
	return now.tv_sec;
}

int
gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	*ret = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
	return 0;
}

int
pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	static int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (number(1) && (long)atomic_fetch_add(&threads, 1) + 1 == number(1))
		return EAGAIN;
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "pthread_create");
	return next(t, attr, run, arg);
}
