#include "common/net/memory.h"

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DEFAULT_SHARE 4 /* of what there is: three daemons, and the pages of files */
/* Of the limit, in hundredths. What may come between two looks, on a busy machine, is the rest. */
#define CROWDED_AT 70
#define FULL_AT 80
#define BRIMFUL_AT 90
#define TRIM_REST 50 /* times as long as it took, at least */

#define PATH_ROOM 4096

/* The beginning of a small file below `root`, "" if there is none. */
static void
read_file(const char *root, const char *path, char *out, size_t n)
{
	char whole[2 * PATH_ROOM];
	int length = snprintf(whole, sizeof(whole), "%s%s", root, path);
	CLEANUP(fd_close)
	int fd =
	    length > 0 && (size_t)length < sizeof(whole) ? open(whole, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t got = fd >= 0 ? read(fd, out, n - 1) : 0;

	out[got > 0 ? got : 0] = '\0';
}

/* What one group may have; UINT64_MAX where there is no limit: "max", or no such file. */
static uint64_t
limit_of_group(const char *root, struct str group)
{
	char path[PATH_ROOM + 64], text[64];
	unsigned long long limit;

	snprintf(path, sizeof(path), "/sys/fs/cgroup%.*s/memory.max", STR_ARG(group));
	read_file(root, path, text, sizeof(text));
	// NOLINTNEXTLINE(cert-err34-c): the kernel wrote it
	return sscanf(text, "%llu", &limit) == 1 ? limit : UINT64_MAX;
}

/* "/system.slice/pillarbox.service", "" for the root: the line without controllers and a number of
 * zero is that of the groups that count (cgroups(7)). */
static struct str
find_group(const char *text)
{
	const char *line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");

	if (!line)
		return STR("");
	line += *line == '\n' ? 4 : 3;
	struct str group = str_make(line, strcspn(line, "\n"));
	/* a group that lies outside of what this process sees is not to be looked up */
	return memmem(group.p, group.n, "/..", 3) ? STR("") : group;
}

/* A group may have no more than those that it is in. */
static uint64_t
available(const char *root)
{
	char text[PATH_ROOM];
	uint64_t least = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

	read_file(root, "/proc/self/cgroup", text, sizeof(text));
	struct str group = find_group(text);
	for (;;) {
		uint64_t limit = limit_of_group(root, group);
		if (limit < least)
			least = limit;
		if (group.n == 0)
			return least;
		do
			group.n--;
		while (group.n > 0 && group.p[group.n] != '/');
	}
}

uint64_t
memory_in_use(struct memory *m)
{
	char text[128];
	unsigned long long resident, shared;
	ssize_t got = pread(m->fd, text, sizeof(text) - 1, 0);

	text[got > 0 ? got : 0] = '\0';
	/* the kernel wrote it; what was true a moment ago is nearer than nothing */
	// NOLINTNEXTLINE(cert-err34-c)
	if (sscanf(text, "%*u %llu %llu", &resident, &shared) == 2 && resident > shared)
		atomic_store(&m->in_use, (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE));
	return atomic_load(&m->in_use);
}

enum err
memory_init(struct memory *m, const char *root, uint64_t limit)
{
	char path[PATH_ROOM];

	memset(m, 0, sizeof(*m));
	pthread_mutex_init(&m->mu, NULL);
	m->available = available(root);
	memory_set_limit(m, limit);
	snprintf(path, sizeof(path), "%s/proc/self/statm", root);
	m->fd = open(path, O_RDONLY | O_CLOEXEC);
	enum err e = m->fd < 0 ? err_from_errno(errno) : ERR_OK;
	if (!e && memory_in_use(m) == 0)
		e = ERR_CORRUPT;
	if (e)
		log_error("memory_unknown", F_CSTR("file", path), F_ERR(e));
	return e;
}

void
memory_set_limit(struct memory *m, uint64_t limit)
{
	atomic_store(&m->limit, limit ? limit : m->available / DEFAULT_SHARE);
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

/* What is not in use yet keeps newcomers out, and has its room at the end; it takes nothing from
 * those who are there before that. */
static enum fullness
measure(struct memory *m, uint64_t besides)
{
	uint64_t hundredth = atomic_load(&m->limit) / 100;
	uint64_t has = memory_in_use(m) + find_spare(m);

	if (has + besides >= hundredth * BRIMFUL_AT)
		return MEMORY_BRIMFUL;
	if (has >= hundredth * FULL_AT)
		return MEMORY_FULL;
	return has + besides >= hundredth * CROWDED_AT ? MEMORY_CROWDED : MEMORY_THERE;
}

/* One thread has the turn to do something that is due. */
static bool
takes_turn(atomic_llong *due_ms, int64_t now, int64_t again_ms)
{
	long long due = atomic_load(due_ms);

	return now >= due && atomic_compare_exchange_strong(due_ms, &due, now + again_ms);
}

/* What sessions gave back lies scattered over the heap. To gather it takes a while, longer the more
 * there is, in which others wait for memory: a small part of the time may go into it. */
static void
trim(struct memory *m)
{
	int64_t began = clock_mono_ms();

	malloc_trim(0);
	int64_t now = clock_mono_ms(), rest = TRIM_REST * (now - began);
	if (rest > MEMORY_TRIM_MS)
		atomic_store(&m->trim_ms, now + rest);
}

enum fullness
memory_fullness(struct memory *m, uint64_t besides)
{
	int64_t now = clock_mono_ms();

	if (takes_turn(&m->look_ms, now, MEMORY_LOOK_MS)) {
		enum fullness is = measure(m, besides);
		atomic_store(&m->fullness, (int)is); /* others ask meanwhile */
		if (is && takes_turn(&m->trim_ms, now, MEMORY_TRIM_MS)) {
			trim(m);
			atomic_store(&m->fullness, (int)measure(m, besides));
		}
	}
	return (enum fullness)atomic_load(&m->fullness);
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
