/* store/file.h - files and directories that must survive a power failure. Failures are logged with
 * the path. Thread-safe. */
#ifndef STORE_FILE_H
#define STORE_FILE_H

#include "common/base/cleanup.h"
#include "common/base/err.h"

#include <dirent.h>

/* Logs errno for `path` and gives the error that stands for it, always one of the OURS class:
 * what the store cannot do with its own files is our failure. */
enum err file_error(const char *op, const char *path);
/* What was written to the file or the entries of the directory are on stable storage. */
NODISCARD enum err file_sync(const char *path);
/* The same for the directory that holds `path`. */
NODISCARD enum err file_sync_parent(const char *path);
/* Makes the directory, mode 0770 within the umask; one that exists is fine. Durable in its parent
 * either way. */
NODISCARD enum err file_make_dir(const char *path);
/* Removes a file or a directory with all in it; ERR_OK if there was none. */
NODISCARD enum err file_remove_tree(const char *path);
/* Guard of an open directory, or of none. */
static inline void
dir_close(DIR **d)
{
	if (*d)
		closedir(*d);
}

#endif
