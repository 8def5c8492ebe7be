#include "store/message_file.h"

#include "store/account_private.h"
#include "store/damage.h"
#include "store/file.h"
#include "store/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct message_file {
	int fd;
	int64_t message; /* for the log */
	char path[PATH_MAX];
};

static enum err
damaged(const struct message_file *f, const char *detail)
{
	return damage_found("reader", f->path, detail, F_INT("message", f->message));
}

/* The file goes after its row: to one whose consistent read began before that, only the file is
 * missing. */
static enum err
missing(struct account *a, const struct message_file *f)
{
	CLEANUP(reader_close) struct reader *now = NULL;
	struct message_row row;
	enum err e = reader_open(a, &now);

	if (!e)
		e = reader_message(now, f->message, WANT_BASICS, &row);
	return e ? e : damaged(f, "the file is missing");
}

enum err
message_file_open(
    struct account *a, int64_t message, struct str blob, uint64_t size, struct message_file **ret)
{
	CLEANUP(message_file_close) struct message_file *f = calloc(1, sizeof(*f));
	struct stat st;

	if (!f)
		return ERR_NOMEM;
	f->fd = -1;
	f->message = message;
	if (account_blob_path(a, blob, f->path)) {
		snprintf(f->path, sizeof(f->path), "%s", a->blobs);
		return damaged(f, "not a blob's name");
	}
	f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (f->fd < 0 && errno == ENOENT)
		return missing(a, f);
	if (f->fd < 0 || fstat(f->fd, &st) < 0)
		return file_error("open", f->path);
	if ((uint64_t)st.st_size != size)
		return damaged(f, "the file has not the message's size");
	*ret = MOVE_PTR(f);
	return ERR_OK;
}

void
message_file_close(struct message_file **fp)
{
	struct message_file *f = MOVE_PTR(*fp);

	if (!f)
		return;
	fd_close(&f->fd);
	free(f);
}

enum err
message_file_read(const struct message_file *f, uint64_t offset, char *to, size_t n)
{
	while (n > 0) {
		ssize_t got = pread(f->fd, to, n, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return file_error("read", f->path);
		if (got == 0)
			return damaged(f, "the file ends too early");
		to += got;
		n -= (size_t)got;
		offset += (uint64_t)got;
	}
	return ERR_OK;
}
