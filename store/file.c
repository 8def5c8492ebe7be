#include "store/file.h"
#include "common/base/log.h"
#include "common/metrics/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#define REMOVE_TRIES 8

enum err
file_error(const char *op, const char *path)
{
	int errnum = errno;
	enum err e = err_from_errno(errnum);

	if (errnum == EFBIG)
		e = ERR_NO_SPACE;
	if (err_class(e) != ERR_CLASS_OURS)
		e = ERR_IO;
	METRICS_COUNT(store_errors, e);
	log_error("store", F_CSTR("op", op), F_ERR(e), F_CSTR("file", path),
	    F_CSTR("detail", strerrordesc_np(errnum)));
	return e;
}

enum err
file_sync(const char *path)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 || fsync(fd) ? file_error("sync", path) : ERR_OK;
}

enum err
file_sync_parent(const char *path)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (!slash)
		return file_sync(".");
	size_t n = slash == path ? 1 : (size_t)(slash - path);
	if (n >= sizeof(parent))
		return ERR_TOO_LONG;
	memcpy(parent, path, n);
	parent[n] = 0;
	return file_sync(parent);
}

enum err
file_make_dir(const char *path)
{
	struct stat st;

	if (mkdir(path, 0770) && (errno != EEXIST || stat(path, &st) || !S_ISDIR(st.st_mode)))
		return file_error("mkdir", path);
	/* also one that was there: who made it may not have come to its sync, or be dead */
	return file_sync_parent(path);
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path) && errno != ENOENT ? -1 : 0;
}

enum err
file_remove_tree(const char *path)
{
	/* somebody who does not know yet may be putting a file into it */
	// NOLINTNEXTLINE(concurrency-mt-unsafe): safe without FTW_CHDIR
	for (int tries = 1; nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS); tries++) {
		if (errno == ENOENT)
			break;
		if (errno != ENOTEMPTY || tries == REMOVE_TRIES)
			return file_error("remove", path);
	}
	return ERR_OK;
}
