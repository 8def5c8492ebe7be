#include "common/net/memory.h"

#include "common/base/cleanup.h"
#include "common/base/clock.h"

#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MARGIN_SHARE 8 /* of the limit: what may come between two looks */

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
	// NOLINTNEXTLINE(cert-err34-c): the kernel wrote it
	return sscanf(text, "%llu", &group) == 1 && group < all ? group : all;
}

uint64_t
memory_in_use(const struct memory *m)
{
	char text[128];
	unsigned long long resident, shared;
	ssize_t got = pread(m->fd, text, sizeof(text) - 1, 0);

	text[got > 0 ? got : 0] = '\0';
	// NOLINTNEXTLINE(cert-err34-c): the kernel wrote it
	if (sscanf(text, "%*u %llu %llu", &resident, &shared) != 2)
		return 0;
	return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

void
memory_init(struct memory *m, uint64_t limit)
{
	memset(m, 0, sizeof(*m));
	pthread_mutex_init(&m->mu, NULL);
	m->fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	memory_set_limit(m, limit);
}

void
memory_set_limit(struct memory *m, uint64_t limit)
{
	atomic_store(&m->limit, limit ? limit : available() / 2);
	atomic_store(&m->look_ms, 0);
}

void
memory_reserve(struct memory *m, uint64_t octets, uint64_t (*used)(void *arg), void *arg)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&m->mu);

	m->reserved = octets;
	m->reserved_used = used;
	m->reserved_arg = arg;
	atomic_store(&m->look_ms, 0);
}

void
memory_done(struct memory *m)
{
	fd_close(&m->fd);
	pthread_mutex_destroy(&m->mu);
}

/* Of what is set aside, that which is not used. */
static uint64_t
find_spare(struct memory *m)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&m->mu);
	uint64_t used = m->reserved_used ? m->reserved_used(m->reserved_arg) : 0;

	return used < m->reserved ? m->reserved - used : 0;
}

static bool
is_over(struct memory *m)
{
	uint64_t limit = atomic_load(&m->limit);

	return memory_in_use(m) + find_spare(m) >= limit - limit / MARGIN_SHARE;
}

/* One thread has the turn to do something that is due. */
static bool
takes_turn(atomic_llong *due_ms, int64_t now, int64_t again_ms)
{
	long long due = atomic_load(due_ms);

	return now >= due && atomic_compare_exchange_strong(due_ms, &due, now + again_ms);
}

bool
memory_is_full(struct memory *m)
{
	int64_t now = clock_mono_ms();

	if (takes_turn(&m->look_ms, now, MEMORY_LOOK_MS)) {
		bool over = is_over(m);
		/* what sessions gave back lies scattered over the heap */
		if (over && takes_turn(&m->trim_ms, now, MEMORY_TRIM_MS)) {
			malloc_trim(0);
			over = is_over(m);
		}
		atomic_store(&m->full, over);
	}
	return atomic_load(&m->full);
}

/* Code and constants, which nobody ever writes to: a page that is gone comes back as it was. */
static int
forget_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size, (void)arg;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		if (part->p_type != PT_LOAD || part->p_flags & PF_W)
			continue;
		uintptr_t from = (info->dlpi_addr + part->p_vaddr) & ~(page - 1);
		uintptr_t to = info->dlpi_addr + part->p_vaddr + part->p_memsz;
		madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 0;
}

void
memory_forget_start(void)
{
	malloc_trim(0);
	dl_iterate_phdr(forget_object, NULL);
}
