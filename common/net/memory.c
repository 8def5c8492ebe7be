#include "common/net/memory.h"

#include "common/base/cleanup.h"
#include "common/base/clock.h"

#include <stdio.h>
#include <unistd.h>

static void
close_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

static uint64_t
available(void)
{
	CLEANUP(close_file) FILE *f = fopen("/sys/fs/cgroup/memory.max", "re");
	uint64_t all = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	unsigned long long group;

	/* "max" where there is no limit */
	return f && fscanf(f, "%llu", &group) == 1 && group < all ? group : all;
}

uint64_t
memory_in_use(void)
{
	CLEANUP(close_file) FILE *f = fopen("/proc/self/statm", "re");
	unsigned long long resident, shared;

	if (!f || fscanf(f, "%*u %llu %llu", &resident, &shared) != 2)
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
