#include "common/base/log.h"
#include "search/segment_private.h"
#include "store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct segment {
	struct str octets;
	bool mapped; /* they are ours to unmap */
	uint64_t inode;
	int64_t written_s;
	atomic_uint refs;
	const struct segment_head *head;
	const struct segment_row *rows;
	const int64_t *ids;
	const uint64_t *identities;
	uint32_t count;
};

/* -- checking ------------------------------------------------------------------------------- */

static bool
head_is_right(struct str octets)
{
	const struct segment_head *h = (const void *)octets.p;

	return octets.n >= SEGMENT_DATA_AT &&
	       memcmp(h->magic, SEGMENT_MAGIC, sizeof(h->magic)) == 0 &&
	       h->order == SEGMENT_ORDER && h->size == octets.n &&
	       h->sections <= SEGMENT_SECTIONS_MAX && h->first > 0 && h->first <= h->last &&
	       h->head_checksum ==
		   segment_checksum(0, h, offsetof(struct segment_head, head_checksum));
}

static bool
octets_are_whole(struct str octets)
{
	const struct segment_head *h = (const void *)octets.p;
	uint64_t sum = 0;

	for (size_t at = sizeof(*h); at < octets.n; at += SEGMENT_BLOCK) {
		struct str block = str_sub(octets, at, SEGMENT_BLOCK);
		sum = segment_checksum(sum, block.p, block.n);
	}
	return sum == h->checksum;
}

/* The same by reading: a disk that fails gives an error, where looking at the file in memory would
 * give a signal that ends the process, again and again. What can't be read is damaged. */
static enum err
read_at(int fd, const char *path, void *to, size_t n, uint64_t at)
{
	char *next = to;

	while (n > 0) {
		ssize_t got = pread(fd, next, n, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			(void)file_error("read", path); /* logged */
		if (got <= 0)
			return ERR_CORRUPT;
		next += got;
		n -= (size_t)got;
		at += (uint64_t)got;
	}
	return ERR_OK;
}

static enum err
check_file(int fd, const char *path, uint64_t size)
{
	CLEANUP(mem_free) char *block = malloc(SEGMENT_BLOCK);
	struct segment_head head;
	uint64_t sum = 0;

	if (!block)
		return ERR_NOMEM;
	enum err e = read_at(fd, path, &head, sizeof(head), 0);
	for (uint64_t at = sizeof(head); !e && at < size; at += SEGMENT_BLOCK) {
		size_t n = size - at < SEGMENT_BLOCK ? (size_t)(size - at) : SEGMENT_BLOCK;
		e = read_at(fd, path, block, n, at);
		if (!e)
			sum = segment_checksum(sum, block, n);
	}
	return !e && sum != head.checksum ? ERR_CORRUPT : e;
}

static bool
rows_are_right(const struct segment *s)
{
	for (uint32_t i = 0; i < s->head->sections; i++) {
		const struct segment_row *r = &s->rows[i];
		if (r->name[SEGMENT_NAME_MAX] != '\0' || r->at < SEGMENT_DATA_AT ||
		    r->at % SEGMENT_ALIGN != 0 || r->at > s->octets.n ||
		    r->size > s->octets.n - r->at)
			return false;
	}
	return true;
}

static bool
messages_are_right(struct segment *s)
{
	const void *ids, *identities;
	size_t n, same;

	if (!segment_array(s, SEGMENT_IDS, sizeof(int64_t), &ids, &n) ||
	    !segment_array(s, SEGMENT_IDENTITIES, sizeof(uint64_t), &identities, &same) ||
	    n != same || n >= SEGMENT_NONE)
		return false;
	s->ids = ids;
	s->identities = identities;
	s->count = (uint32_t)n;
	int64_t before = s->head->first - 1;
	for (size_t i = 0; i < n; i++) {
		if (s->ids[i] <= before || s->ids[i] > s->head->last)
			return false;
		before = s->ids[i];
	}
	return true;
}

enum err
segment_path(const char *dir, int64_t first, int64_t last, char *out)
{
	int n = snprintf(out, PATH_MAX, "%s/%lld-%lld.seg", dir, (long long)first, (long long)last);

	return n >= PATH_MAX ? ERR_TOO_LONG : ERR_OK;
}

/* -- opening -------------------------------------------------------------------------------- */

/* What has the right checksum. */
static enum err
parse(struct str octets, struct segment **ret)
{
	CLEANUP(segment_unref) struct segment *s = NULL;

	if (!head_is_right(octets))
		return ERR_CORRUPT;
	s = calloc(1, sizeof(*s));
	if (!s)
		return ERR_NOMEM;
	s->octets = octets;
	s->refs = 1;
	s->head = (const void *)octets.p;
	s->rows = (const void *)(octets.p + sizeof(*s->head));
	if (!rows_are_right(s) || !messages_are_right(s))
		return ERR_CORRUPT;
	*ret = MOVE_PTR(s);
	return ERR_OK;
}

enum err
segment_parse(struct str octets, struct segment **ret)
{
	if ((uintptr_t)octets.p % SEGMENT_ALIGN != 0 || !head_is_right(octets) ||
	    !octets_are_whole(octets))
		return ERR_CORRUPT;
	return parse(octets, ret);
}

static enum err
map_file(const char *path, struct str *ret, struct stat *ret_stat)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : file_error("open", path);
	if (fstat(fd, ret_stat))
		return file_error("stat", path);
	if (ret_stat->st_size < (off_t)SEGMENT_DATA_AT)
		return ERR_CORRUPT;
	size_t size = (size_t)ret_stat->st_size;
	enum err e = check_file(fd, path, size);
	if (e)
		return e;
	void *p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return file_error("map", path);
	*ret = str_make(p, size);
	return ERR_OK;
}

enum err
segment_open(const char *path, struct segment **ret)
{
	struct str octets = {NULL, 0};
	struct segment *s = NULL;
	struct stat st;
	enum err e = map_file(path, &octets, &st);

	if (!e)
		e = parse(octets, &s);
	if (e == ERR_CORRUPT)
		log_warn("segment", F_CSTR("file", path),
		    F_CSTR("detail", "damaged; it will be made anew"));
	if (e) {
		if (octets.p)
			munmap((void *)octets.p, octets.n);
		return e;
	}
	s->mapped = true;
	s->inode = st.st_ino;
	s->written_s = st.st_mtim.tv_sec;
	*ret = s;
	return ERR_OK;
}

struct segment *
segment_ref(struct segment *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

void
segment_unref(struct segment **sp)
{
	struct segment *s = MOVE_PTR(*sp);

	if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	if (s->mapped)
		munmap((void *)s->octets.p, s->octets.n);
	free(s);
}

/* -- what is in it -------------------------------------------------------------------------- */

int64_t
segment_first(const struct segment *s)
{
	return s->head->first;
}

int64_t
segment_last(const struct segment *s)
{
	return s->head->last;
}

uint64_t
segment_size(const struct segment *s)
{
	return s->octets.n;
}

uint64_t
segment_inode(const struct segment *s)
{
	return s->inode;
}

int64_t
segment_written_s(const struct segment *s)
{
	return s->written_s;
}

uint32_t
segment_count(const struct segment *s)
{
	return s->count;
}

int64_t
segment_message(const struct segment *s, uint32_t ordinal)
{
	return s->ids[ordinal];
}

uint64_t
segment_identity(const struct segment *s, uint32_t ordinal)
{
	return s->identities[ordinal];
}

uint32_t
segment_ordinal(const struct segment *s, int64_t message, uint32_t guess)
{
	if (guess < s->count && s->ids[guess] == message)
		return guess;
	uint32_t lo = 0, hi = s->count;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (s->ids[mid] < message)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->count && s->ids[lo] == message ? lo : SEGMENT_NONE;
}

bool
segment_section(const struct segment *s, const char *name, struct str *ret)
{
	for (uint32_t i = 0; i < s->head->sections; i++) {
		const struct segment_row *r = &s->rows[i];
		if (strcmp(r->name, name) == 0) {
			*ret = str_make(s->octets.p + r->at, r->size);
			return true;
		}
	}
	return false;
}

bool
segment_array(
    const struct segment *s, const char *name, size_t item, const void **ret, size_t *ret_n)
{
	struct str section;

	if (!segment_section(s, name, &section) || section.n % item != 0)
		return false;
	*ret = section.p;
	*ret_n = section.n / item;
	return true;
}
