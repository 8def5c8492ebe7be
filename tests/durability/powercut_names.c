/* Of powercut_record.so: names that are made, changed and taken away. */
#include "tests/durability/powercut_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
rename_recorded(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	char a[PATH_MAX], b[PATH_MAX];

	if (!record_is_on())
		return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
	record_lock();
	int r = (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
	int saved = errno;
	if (!r)
		record_put_locked(flags ? RECORD_UNKNOWN : RECORD_RENAME, 0, 0,
		    record_whole_path(from_dir, from, a), record_whole_path(to_dir, to, b), NULL,
		    0);
	record_unlock();
	errno = saved;
	return r;
}

int
rename(const char *from, const char *to)
{
	return rename_recorded(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return rename_recorded(from_dir, from, to_dir, to, 0);
}

int
renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	return rename_recorded(from_dir, from, to_dir, to, flags);
}

int
linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	char name[PATH_MAX];
	struct stat st;

	if (!record_is_on())
		return (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
	record_lock();
	int r = (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
	int saved = errno;
	if (!r && fstatat(to_dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
		record_put_locked(
		    RECORD_LINK, st.st_ino, 0, record_whole_path(to_dir, to, name), NULL, NULL, 0);
	record_unlock();
	errno = saved;
	return r;
}

int
link(const char *from, const char *to)
{
	return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
symlinkat(const char *target, int dir, const char *path)
{
	if (record_is_on())
		record_unknown("symlink");
	return (int)syscall(SYS_symlinkat, target, dir, path);
}

int
symlink(const char *target, const char *path)
{
	return symlinkat(target, AT_FDCWD, path);
}

int
unlinkat(int dir, const char *path, int flags)
{
	char name[PATH_MAX];

	if (!record_is_on())
		return (int)syscall(SYS_unlinkat, dir, path, flags);
	record_lock();
	int r = (int)syscall(SYS_unlinkat, dir, path, flags);
	int saved = errno;
	if (!r)
		record_put_locked(flags & AT_REMOVEDIR ? RECORD_RMDIR : RECORD_UNLINK, 0, 0,
		    record_whole_path(dir, path, name), NULL, NULL, 0);
	record_unlock();
	errno = saved;
	return r;
}

int
unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int
rmdir(const char *path)
{
	return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int
remove(const char *path)
{
	return !unlink(path) ? 0 : errno == EISDIR ? rmdir(path) : -1;
}

int
mkdirat(int dir, const char *path, mode_t mode)
{
	char name[PATH_MAX];
	struct stat st;

	if (!record_is_on())
		return (int)syscall(SYS_mkdirat, dir, path, mode);
	record_lock();
	int r = (int)syscall(SYS_mkdirat, dir, path, mode);
	int saved = errno;
	if (!r && fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		record_put_locked(
		    RECORD_MKDIR, st.st_ino, 0, record_whole_path(dir, path, name), NULL, NULL, 0);
	record_unlock();
	errno = saved;
	return r;
}

int
mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}
