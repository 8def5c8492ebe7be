/* Runs one fuzz target over files: those given as arguments, directories being walked, or without
 * arguments the target's seeds, tests/fuzz/corpus/<target>. So what a fuzzer found stays tested
 * where there is no fuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replayed;

static void
replay_file(const char *path, size_t size)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(size ? size : 1);

	if (!f || !data || fread(data, 1, size, f) != size) {
		fprintf(stderr, "%s: can't be read\n", path);
		exit(EXIT_FAILURE);
	}
	fclose(f);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	replayed++;
}

static void
replay(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	if (!S_ISDIR(st.st_mode)) {
		replay_file(path, (size_t)st.st_size);
		return;
	}
	DIR *dir = opendir(path);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		char *inner;
		if (entry->d_name[0] == '.' || asprintf(&inner, "%s/%s", path, entry->d_name) < 0)
			continue;
		replay(inner);
		free(inner);
	}
	if (dir)
		closedir(dir);
}

int
main(int argc, char **argv)
{
	const char *source = getenv("PB_SRCDIR");
	const char *target = strstr(argv[0], "replay_");
	char *seeds;

	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	if (argc == 1 && target) {
		while (strstr(target + 1, "replay_"))
			target = strstr(target + 1, "replay_");
		if (asprintf(&seeds, "%s/tests/fuzz/corpus/%s", source ? source : ".",
			target + strlen("replay_")) < 0)
			return EXIT_FAILURE;
		replay(seeds);
		free(seeds);
	}
	printf("%d inputs replayed\n", replayed);
	return replayed ? EXIT_SUCCESS : EXIT_FAILURE;
}
