#include "ctl/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static void
make_path(const char *run_dir, char *path, size_t size)
{
	snprintf(path, size, "%s/pillarbox.pid", run_dir);
}

static bool
lock_file(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_SETLK, &lock) == 0;
}

enum err
pidfile_open(const char *run_dir, struct pidfile *ret, pid_t *ret_pid)
{
	struct stat st;

	*ret = (struct pidfile){.fd = -1};
	*ret_pid = 0;
	make_path(run_dir, ret->path, sizeof(ret->path));
	/* root writes into a directory of the daemons' user: no link may lead it elsewhere */
	CLEANUP(fd_close)
	int fd = open(ret->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
	if (fd < 0)
		return err_from_errno(errno);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_nlink > 1)
		return ERR_DENIED;
	if (!lock_file(fd)) {
		*ret_pid = pidfile_holder(run_dir);
		return ERR_BUSY;
	}
	ret->fd = fd;
	fd = -1;
	return ERR_OK;
}

enum err
pidfile_write(struct pidfile *p, struct str text)
{
	if (pwrite(p->fd, text.p, text.n, 0) != (ssize_t)text.n ||
	    ftruncate(p->fd, (off_t)text.n) != 0)
		return err_from_errno(errno);
	return ERR_OK;
}

void
pidfile_close(struct pidfile *p)
{
	if (p->fd < 0)
		return;
	unlink(p->path);
	fd_close(&p->fd);
}

static int
open_read(const char *run_dir)
{
	char path[128];

	make_path(run_dir, path, sizeof(path));
	return open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

pid_t
pidfile_holder(const char *run_dir)
{
	CLEANUP(fd_close) int fd = open_read(run_dir);
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (fd < 0 || fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid;
}

pid_t
pidfile_daemon(const char *run_dir, const char *daemon)
{
	CLEANUP(fd_close) int fd = open_read(run_dir);
	char text[512];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	struct str rest = str_make(text, n > 0 ? (size_t)n : 0);
	struct str line;
	uint32_t pid;

	while (str_split(&rest, '\n', &line)) {
		size_t space = str_find(line, ' ');
		if (space != STR_NONE && str_eq(str_sub(line, 0, space), str_of(daemon)) &&
		    str_to_u32(str_skip(line, space + 1), &pid))
			return (pid_t)pid;
	}
	return 0;
}
