/* tests/bench/machine_limits - what the machine can do at most.
 *
 *   machine_limits DIR
 *
 * Syncs per second on the file system of DIR: 4 KB appended and synced, in one file and in several
 * at once, a thread each; and how fast memory is copied, by one thread and by one on each
 * processor. Prints one line of JSON.
 */
#include "tests/bench/wire.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SYNC_FILES = 16, PAGE = 4096, COPY_SIZE = 64 << 20, WORKERS_MAX = 64 };
static const double seconds = 1;

struct work {
	const char *dir;
	double until;
	_Atomic uint64_t done; /* syncs, or octets */
};

static void *
sync_file(void *arg)
{
	struct work *w = arg;
	static const char page[PAGE];
	int fd = open(w->dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		load_fail("cannot make a file in %s", w->dir);
	while (load_now() < w->until) {
		if (write(fd, page, sizeof page) != PAGE || fdatasync(fd) != 0)
			load_fail("cannot write to %s", w->dir);
		w->done++;
	}
	close(fd);
	return NULL;
}

static void *
copy_memory(void *arg)
{
	struct work *w = arg;
	char *from = malloc(COPY_SIZE);
	char *to = malloc(COPY_SIZE);
	if (from == NULL || to == NULL)
		load_fail("no memory");
	memset(from, 1, COPY_SIZE);
	memset(to, 2, COPY_SIZE);
	while (load_now() < w->until) {
		memcpy(to, from, COPY_SIZE);
		from[w->done % COPY_SIZE] = to[0]; /* each copy is needed */
		w->done += COPY_SIZE;
	}
	free(from);
	free(to);
	return NULL;
}

/* What `threads` of them do in a second. */
static double
per_second(void *(*work)(void *), const char *dir, size_t threads)
{
	struct work w = {.dir = dir};
	pthread_t id[WORKERS_MAX];
	double from = load_now();
	w.until = from + seconds;
	for (size_t i = 0; i < threads; i++)
		if (pthread_create(&id[i], NULL, work, &w) != 0)
			load_fail("cannot start a thread");
	for (size_t i = 0; i < threads; i++)
		pthread_join(id[i], NULL);
	return (double)w.done / (load_now() - from);
}

int
main(int argc, char **argv)
{
	if (argc != 2)
		load_fail("usage: machine_limits DIR");
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t all = cores < 1 ? 1 : cores > WORKERS_MAX ? WORKERS_MAX : (size_t)cores;
	double syncs = per_second(sync_file, argv[1], 1);
	double parallel = per_second(sync_file, argv[1], SYNC_FILES);
	double one = per_second(copy_memory, NULL, 1) / 1e9;
	double every = per_second(copy_memory, NULL, all) / 1e9;
	printf(
	    "{\"syncs\": %.0f, \"syncs_parallel\": %.0f, \"sync_files\": %d, \"memory_gb\": %.2f, "
	    "\"memory_gb_all\": %.2f}\n",
	    syncs, parallel, SYNC_FILES, one, every);
	return 0;
}
