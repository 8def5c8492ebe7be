/* The octets of a message in the queue. */
#include "store/queue_private.h"

#include "common/base/log.h"
#include "store/damage.h"
#include "store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

struct queue_octets {
	struct queue_octets_source source;
	void *arg;
	uint64_t size;
};

enum err
queue_octets_make(
    const struct queue_octets_source *source, void *arg, uint64_t size, struct queue_octets **ret)
{
	struct queue_octets *o = calloc(1, sizeof(*o));

	if (!o) {
		if (source->close)
			source->close(arg);
		return ERR_NOMEM;
	}
	*o = (struct queue_octets){*source, arg, size};
	*ret = o;
	return ERR_OK;
}

enum err
queue_octets_read(struct queue_octets *o, uint64_t offset, char *to, size_t n, size_t *ret_n)
{
	enum err e = ERR_OK;
	size_t have = 0;

	if (offset < o->size && n > o->size - offset)
		n = (size_t)(o->size - offset);
	while (!e && offset < o->size && have < n) {
		size_t got = 0;
		e = o->source.read(o->arg, offset + have, to + have, n - have, &got);
		if (!e && got == 0)
			e = ERR_CORRUPT; /* promised more than there is */
		have += got;
	}
	if (!e)
		*ret_n = have;
	return e;
}

uint64_t
queue_octets_size(const struct queue_octets *o)
{
	return o->size;
}

void
queue_octets_close(struct queue_octets **op)
{
	struct queue_octets *o = MOVE_PTR(*op);

	if (!o)
		return;
	if (o->source.close)
		o->source.close(o->arg);
	free(o);
}

/* -- in memory */

static enum err
read_memory(void *arg, uint64_t offset, char *to, size_t n, size_t *ret_n)
{
	memcpy(to, (const char *)arg + offset, n);
	*ret_n = n;
	return ERR_OK;
}

static void
close_memory(void *arg)
{
	free(arg);
}

static enum err
from_memory(struct str octets, struct queue_octets **ret)
{
	static const struct queue_octets_source source = {read_memory, close_memory};
	char *copy = malloc(octets.n ? octets.n : 1);

	if (!copy)
		return ERR_NOMEM;
	if (octets.n)
		memcpy(copy, octets.p, octets.n);
	return queue_octets_make(&source, copy, octets.n, ret);
}

/* -- in a file: stays readable when the message goes meanwhile */

struct octets_file {
	int fd;
	char path[PATH_MAX];
};

static enum err
read_file(void *arg, uint64_t offset, char *to, size_t n, size_t *ret_n)
{
	struct octets_file *f = arg;
	ssize_t got;

	do {
		got = pread(f->fd, to, n, (off_t)offset);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return file_error("read", f->path);
	if (got == 0) {
		return damage_found(
		    "queue", f->path, "the file ends too early", F_CSTR("op", "read"));
	}
	*ret_n = (size_t)got;
	return ERR_OK;
}

static void
close_file(void *arg)
{
	struct octets_file *f = arg;

	fd_close(&f->fd);
	free(f);
}

static enum err
from_file(const char *path, uint64_t size, struct queue_octets **ret)
{
	static const struct queue_octets_source source = {read_file, close_file};
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return ERR_NOT_FOUND;
	if (fd < 0 || fstat(fd, &st) < 0)
		return file_error("open", path);
	if ((uint64_t)st.st_size != size) {
		return damage_found(
		    "queue", path, "the file has not the message's size", F_CSTR("op", "open"));
	}
	struct octets_file *f = malloc(sizeof(*f));
	if (!f)
		return ERR_NOMEM;
	f->fd = fd;
	fd = -1;
	memcpy(f->path, path, strlen(path) + 1);
	return queue_octets_make(&source, f, size, ret);
}

/* Where the message is a file, its path is in `path` and nothing in *ret. */
static enum err
look(struct store *s, struct database *d, int64_t message, char path[PATH_MAX], uint64_t *ret_size,
    struct queue_octets **ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = read_begin(d, &h);

	path[0] = '\0';
	if (!e)
		e = db_query(h->db,
		    "SELECT m.file, m.size, o.octets FROM message m"
		    " LEFT JOIN octets o ON o.message = m.id WHERE m.id = ?1",
		    &st, DB_INT(message));
	if (!e)
		e = stmt_step(st, &row);
	if (e)
		return e;
	if (!row)
		return ERR_NOT_FOUND;
	*ret_size = (uint64_t)stmt_int(st, 1);
	if (stmt_str(st, 0).n)
		e = queue_file_path(s->queue, stmt_str(st, 0), path);
	else if (stmt_is_null(st, 2) || stmt_str(st, 2).n != *ret_size)
		e = ERR_CORRUPT;
	else
		return from_memory(stmt_str(st, 2), ret);
	if (e == ERR_CORRUPT)
		e = damage_found("queue", path[0] ? path : s->queue->database.path,
		    "its octets are not as its row says", F_CSTR("op", "read"),
		    F_INT("message", message));
	return e;
}

enum err
queue_octets_open(struct store *s, int64_t message, struct queue_octets **ret)
{
	struct database *d = NULL;
	char path[PATH_MAX];
	uint64_t size = 0;
	enum err e = queue_database(s, &d);

	if (!e)
		e = look(s, d, message, path, &size, ret);
	if (e || !path[0])
		return e;
	e = from_file(path, size, ret);
	if (e != ERR_NOT_FOUND)
		return e;
	/* The file goes after its row: when the row is still there the file was lost. */
	e = look(s, d, message, path, &size, ret);
	if (e)
		return e;
	return damage_found(
	    "queue", path, "the file is missing", F_CSTR("op", "open"), F_INT("message", message));
}
