#include "search/segment_writer.h"

#include "search/segment_private.h"
#include "store/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#define WRITEBACK_OCTETS (1024 * 1024)

struct segment_writer {
	int fd; /* -1 once closed */
	char temporary[PATH_MAX];
	char path[PATH_MAX];
	struct segment_head head;
	struct segment_row rows[SEGMENT_SECTIONS_MAX];
	uint64_t at; /* octets of the file so far, those in the block included */
	uint64_t on_its_way; /* octets that the disk was asked to write already */
	char block[SEGMENT_BLOCK];
	size_t held;
	bool (*go_on)(void *arg); /* may be NULL */
	void *arg;
	enum err err;
};

static enum err
write_at(const struct segment_writer *w, const void *p, size_t n, uint64_t at)
{
	const char *from = p;

	while (n > 0) {
		ssize_t done = pwrite(w->fd, from, n, (off_t)at);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return file_error("write", w->temporary);
		from += done;
		n -= (size_t)done;
		at += (uint64_t)done;
	}
	return ERR_OK;
}

enum err
segment_writer_new(const char *dir, int64_t first, int64_t last, struct segment_writer **ret)
{
	CLEANUP(segment_writer_free) struct segment_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return ERR_NOMEM;
	w->fd = -1;
	w->head = (struct segment_head){.order = SEGMENT_ORDER, .first = first, .last = last};
	memcpy(w->head.magic, SEGMENT_MAGIC, sizeof(w->head.magic));
	enum err e = segment_path(dir, first, last, w->path);
	int n = snprintf(w->temporary, sizeof(w->temporary), "%s/.%lld-%lld.tmp", dir,
	    (long long)first, (long long)last);
	if (e || n >= (int)sizeof(w->temporary))
		return ERR_TOO_LONG;
	w->fd = open(w->temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0660);
	if (w->fd < 0)
		return file_error("open", w->temporary);
	w->at = SEGMENT_DATA_AT;
	*ret = MOVE_PTR(w);
	return ERR_OK;
}

void
segment_writer_free(struct segment_writer **wp)
{
	struct segment_writer *w = MOVE_PTR(*wp);

	if (!w)
		return;
	if (w->fd >= 0) {
		unlink(w->temporary);
		close(w->fd);
	}
	free(w);
}

void
segment_writer_watch(struct segment_writer *w, bool (*go_on)(void *arg), void *arg)
{
	w->go_on = go_on;
	w->arg = arg;
}

bool
segment_writer_failed(const struct segment_writer *w)
{
	return w->err != ERR_OK;
}

/* A sync of many megabytes at once keeps the disk from the small ones of others, who wait for
 * them. */
static void
begin_writeback(struct segment_writer *w)
{
	uint64_t n = w->at - w->on_its_way;

	if (w->err || n < WRITEBACK_OCTETS)
		return;
	(void)sync_file_range(w->fd, (off_t)w->on_its_way, (off_t)n, SYNC_FILE_RANGE_WRITE);
	w->on_its_way = w->at;
}

static void
flush(struct segment_writer *w)
{
	if (!w->err && w->go_on && !w->go_on(w->arg))
		w->err = ERR_CANCELLED;
	if (!w->err)
		w->err = write_at(w, w->block, w->held, w->at - w->held);
	w->held = 0;
	begin_writeback(w);
}

void
segment_writer_put(struct segment_writer *w, const void *p, size_t n)
{
	const char *from = p;

	assert(w->head.sections > 0);
	w->rows[w->head.sections - 1].size += n;
	while (n > 0) {
		size_t part = sizeof(w->block) - w->held < n ? sizeof(w->block) - w->held : n;
		memcpy(w->block + w->held, from, part);
		w->held += part;
		w->at += part;
		from += part;
		n -= part;
		if (w->held == sizeof(w->block))
			flush(w);
	}
}

void
segment_writer_begin(struct segment_writer *w, const char *name)
{
	static const char zeros[SEGMENT_ALIGN] = {0};
	size_t gap = (size_t)(-w->at % SEGMENT_ALIGN);

	assert(w->head.sections < SEGMENT_SECTIONS_MAX);
	assert(*name && strlen(name) <= SEGMENT_NAME_MAX);
	if (gap) {
		uint64_t size = w->rows[w->head.sections - 1].size;
		segment_writer_put(w, zeros, gap);
		w->rows[w->head.sections - 1].size = size;
	}
	struct segment_row *r = &w->rows[w->head.sections++];
	memcpy(r->name, name, strlen(name));
	r->at = w->at;
}

uint64_t
segment_writer_at(const struct segment_writer *w)
{
	return w->rows[w->head.sections - 1].size;
}

void
segment_writer_messages(
    struct segment_writer *w, const int64_t *ids, const uint64_t *identities, uint32_t n)
{
	segment_writer_begin(w, SEGMENT_IDS);
	segment_writer_put(w, ids, n * sizeof(ids[0]));
	segment_writer_begin(w, SEGMENT_IDENTITIES);
	segment_writer_put(w, identities, n * sizeof(identities[0]));
}

/* The checksum covers the table, which is known at the end only: the file is read once more, from
 * the page cache. */
static enum err
sum_up(struct segment_writer *w)
{
	uint64_t at = sizeof(w->head);

	while (at < w->at) {
		size_t n = w->at - at < SEGMENT_BLOCK ? (size_t)(w->at - at) : SEGMENT_BLOCK;
		ssize_t got = pread(w->fd, w->block, n, (off_t)at);
		if (got != (ssize_t)n)
			return file_error("read", w->temporary);
		w->head.checksum = segment_checksum(w->head.checksum, w->block, n);
		at += n;
	}
	return ERR_OK;
}

static enum err
finish(struct segment_writer *w)
{
	enum err e = write_at(w, w->rows, sizeof(w->rows), sizeof(w->head));

	if (!e)
		e = sum_up(w);
	w->head.size = w->at;
	w->head.head_checksum =
	    segment_checksum(0, &w->head, offsetof(struct segment_head, head_checksum));
	if (!e)
		e = write_at(w, &w->head, sizeof(w->head), 0);
	if (!e && fsync(w->fd))
		e = file_error("sync", w->temporary);
	if (!e && rename(w->temporary, w->path))
		e = file_error("rename", w->path);
	return e;
}

enum err
segment_writer_commit(struct segment_writer *w)
{
	flush(w);
	if (!w->err)
		w->err = finish(w);
	if (w->err)
		return w->err;
	fd_close(&w->fd);
	return file_sync_parent(w->path);
}
