#include "common/net/memory.h"

#include "common/base/cleanup.h"
#include "common/base/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* The beginning of a small file, "" if there is none. */
static void
read_file(const char *path, char *out, size_t n)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, out, n - 1) : 0;

	out[got > 0 ? got : 0] = '\0';
}

static uint64_t
available(void)
{
	char text[64];
	uint64_t all = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	unsigned long long group;

	read_file("/sys/fs/cgroup/memory.max", text, sizeof(text));
	/* "max" where there is no limit */
	return sscanf(text, "%llu", &group) == 1 && group < all ? group : all;
}

uint64_t
memory_in_use(void)
{
	char text[128];
	unsigned long long resident, shared;

	read_file("/proc/self/statm", text, sizeof(text));
	if (sscanf(text, "%*u %llu %llu", &resident, &shared) != 2)
		return 0;
	return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

void
memory_init(struct memory *m, uint64_t limit)
{
	*m = (struct memory){.limit = limit ? limit : available() / 2};
}

bool
memory_is_full(struct memory *m)
{
	int64_t now = clock_mono_ms();

	if (now >= m->look_ms) {
		m->look_ms = now + MEMORY_LOOK_MS;
		m->full = memory_in_use() >= m->limit;
	}
	return m->full;
}
